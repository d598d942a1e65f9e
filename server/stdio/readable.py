"""Lines of a client on their way to the protocol library, which drops without a word every one that it cannot read.

A client waits for the answer to each of its requests, often without a limit. So a line that would be dropped is answered
here. A lone half of a surrogate pair, which no file and no answer can hold, is replaced, and its line goes on.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from mcp.types import INVALID_REQUEST, PARSE_ERROR, JSONRPCNotification, jsonrpc_message_adapter

from ...tools.errors import Code
from ...tools.vocabulary import Tool

_READ = 65536
_ESCAPE = re.compile(
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(?P<lone>u[dD][89a-fA-F][0-9a-fA-F]{2})|.)"
)
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*+"|[{}\[\]:]|[^\s"{}\[\]:,]+')
_SHAPE = (
    'A request is one JSON object on a line of its own: `jsonrpc` is "2.0", `id` a text or a whole number, `method` a '
    "text, `params` an object"
)


class ReadableLines(io.BufferedIOBase):
    """What the client says, without the lines that the library would drop: those are answered into the outbox."""

    def __init__(self, inbox: io.BufferedIOBase, outbox: io.BufferedIOBase) -> None:
        self._inbox = inbox
        self._outbox = outbox
        self._unfinished: list[bytes] = []
        self._ready = io.BytesIO()
        self._ended = False

    def readable(self) -> bool:
        return True

    def read1(self, size: int = -1) -> bytes:
        """Some bytes, as soon as there is a line to be passed on; none at the end."""
        while not (ready := self._ready.read(size)) and not self._ended:
            data = self._inbox.read1(_READ)
            self._ended = not data
            self._unfinished.append(data)
            if self._ended or b"\n" in data:
                *lines, rest = b"".join(self._unfinished).split(b"\n")
                self._unfinished = [rest]
                # The library takes a last line without an end for a line, too.
                self._ready = io.BytesIO(b"".join(map(self._passed_on, [*lines, rest] if self._ended else lines)))
        return ready

    def _passed_on(self, line: bytes) -> bytes:
        read = read_line(line)
        if read.answers:
            self._outbox.write(b"".join(json.dumps(answer).encode() + b"\n" for answer in read.answers))
            self._outbox.flush()
        return read.passed


class ReadLine(NamedTuple):
    """What becomes of a line: what the library gets of it, and the answers that it would not give."""

    passed: bytes = b""
    answers: Sequence[Mapping[str, object]] = ()


def read_line(line: bytes) -> ReadLine:
    """Tell what becomes of a line; of a blank one, nothing."""
    # A carriage return between two tokens would be taken for the end of the line.
    text = line.decode(errors="replace").replace("\r", " ").strip()
    if not text:
        return ReadLine()
    text = _ESCAPE.sub(lambda found: r"\ufffd" if found["lone"] else found[0], text)
    try:
        message = jsonrpc_message_adapter.validate_json(text, by_name=False)
    except ValueError:
        return ReadLine(answers=_refusals(text))
    if isinstance(message, JSONRPCNotification) and "id" in json.loads(text):
        return ReadLine(answers=[_refusal(None, INVALID_REQUEST, f"{_SHAPE}. The `id` is none.")])
    return ReadLine(text.encode() + b"\n")


def _refusals(text: str) -> list[dict[str, object]]:
    """The answers to what the library cannot read: one, or one to each request of a batch."""
    try:
        found = json.loads(text)
    except RecursionError:
        return [_refusal(_id_in(text), INVALID_REQUEST, f"This is nested too deeply. {_SHAPE}.")]
    except ValueError:
        return [_refusal(_id_in(text), PARSE_ERROR, f"This is not JSON. {_SHAPE}.")]
    if isinstance(found, list) and (ids := [_id(one) for one in found if isinstance(one, dict) and "id" in one]):
        return [_refusal(one, INVALID_REQUEST, f"{_SHAPE}. Send the requests of a batch one by one.") for one in ids]
    if isinstance(found, dict) and "method" not in found and found.keys() & {"result", "error"}:
        return []  # an answer, to which there is none
    return [_refusal(_id(found), INVALID_REQUEST, f"{_SHAPE}, nested less than 200 deep.")]


def _refusal(number: str | int | None, code: int, message: str) -> dict[str, object]:
    data = {"code": Code.BAD_ARGUMENT, "message": message, "next": [Tool.STATUS]}
    return {"jsonrpc": "2.0", "id": number, "error": {"code": code, "message": message, "data": data}}


def _id(request: object) -> str | int | None:
    found = request.get("id") if isinstance(request, Mapping) else None
    return found if isinstance(found, str | int) and not isinstance(found, bool) else None


def _id_in(text: str) -> str | int | None:
    """The id of a request that cannot be parsed, as far as it can be told: without it nobody knows which one failed."""
    depth, before = 0, ("", "")
    for token in _TOKEN.findall(text):
        if depth == 1 and before == ('"id"', ":"):
            return _id({"id": _parsed(token)})
        depth += (token in "{[") - (token in "}]")
        before = before[1], token
    return None


def _parsed(token: str) -> Any:  # noqa: ANN401 - any JSON
    try:
        return json.loads(token)
    except ValueError:
        return None
