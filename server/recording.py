"""Asks the real server, in every protocol version, what the front may be asked."""

from __future__ import annotations

import io
import json
import queue
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from .front import Answers
from .messages import ENVELOPE
from .real import Real

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

_HANDSHAKES = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25")
_STATELESS = "2026-07-28"
_ASKED = ("ping", "server/discover", "tools/list", "prompts/list", "resources/list", "resources/templates/list")


def record() -> Answers:
    """What the real server answers, by protocol version and method; what a version refuses is left out."""
    with tempfile.TemporaryDirectory() as folder:
        server = Real(Path(folder), allow_commands=False)
        return {version: _answers(server, version) for version in (*_HANDSHAKES, _STATELESS)}


def _answers(server: Real, version: str) -> dict[str, dict[str, object]]:
    talk = _Talk(_requests(version))
    server.serve(talk, talk)
    answers = [json.loads(line) for line in talk.answers]
    return {answer["id"]: answer["result"] for answer in answers if "result" in answer}


def _requests(version: str) -> list[bytes]:
    params: dict[str, object] = {}
    asked = [(method, params) for method in _ASKED]
    if version == _STATELESS:
        params["_meta"] = {f"{ENVELOPE}protocolVersion": version, f"{ENVELOPE}clientCapabilities": {}}
    else:
        client = {"name": "recording", "version": "1"}
        asked.insert(0, ("initialize", {"protocolVersion": version, "capabilities": {}, "clientInfo": client}))
    return [
        json.dumps({"jsonrpc": "2.0", "id": method, "method": method, "params": params}).encode() + b"\n"
        for method, params in asked
    ]


class _Talk(io.BufferedIOBase):
    """Both pipes of a client that waits for each answer: at the end of its input a server drops what is not answered."""

    def __init__(self, requests: Sequence[bytes]) -> None:
        self.answers: list[bytes] = []
        self._requests = iter(requests)
        self._sent: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._begun = b""
        self._send()

    def readable(self) -> bool:
        """Always."""
        return True

    def writable(self) -> bool:
        """Always."""
        return True

    def read1(self, size: int = -1) -> bytes:
        """The next request, once its turn has come."""
        return self._sent.get()

    def write(self, data: ReadableBuffer, /) -> int:
        """Take in an answer."""
        given = bytes(data)
        *lines, self._begun = (self._begun + given).split(b"\n")
        for line in lines:
            self.answers.append(line)
            self._send()
        return len(given)

    def _send(self) -> None:
        self._sent.put(next(self._requests, b""))
