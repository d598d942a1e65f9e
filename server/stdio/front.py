"""The first answers of a connection, given before the protocol library is there to give them.

Some clients wait one second for a server and go on without its tools if it is late; importing the library alone takes
longer. What a client asks for first has the same answer each time, so it comes from the manifest (`manifest.py`) while
the library loads. Everything else waits for the real server, which also reads how the connection was opened and so
stands where it would stand had it answered itself.

The front must be impossible to tell from the library. So it answers only what it fully understands; in doubt it passes
a message on, and with it everything that comes later.

The protocol library has its own reader, and two readers of JSON differ at the edges (a key that stands twice, lone
surrogates, numbers out of range, deep nesting). Whatever lies near an edge counts as unclear here and is left to it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import NamedTuple, NoReturn

Answers = Mapping[str, Mapping[str, Mapping[str, object]]]
"""Protocol version -> method -> result."""

REPLAYED = "autoresearch-mcp/replayed"
"""The id under which the real server gets the opening again; its answer to that is not for the client."""

_STATELESS_OPENING = "server/discover"

ENVELOPE = "io.modelcontextprotocol/"
"""Begins the keys of `_meta` by which a request of the stateless protocol introduces itself."""

_VERSION, _CAPABILITIES, _CLIENT = (ENVELOPE + key for key in ("protocolVersion", "clientCapabilities", "clientInfo"))
_MOST_BRACKETS = 100
_LARGEST_ID = 2**53


class Front:
    """Answers a client's first requests, and keeps the rest for the real server."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers
        self._version = ""  # of the protocol; empty until the first request settles it
        self._clear = True  # no message so far could change what a later answer should be
        self.missed: list[bytes] = []
        """The lines that the real server has to read first, in order."""
        self.waiting = False
        """Whether one of them may be a request of the client."""
        self.listed = False
        """Whether the client has seen the tools."""

    @property
    def opened(self) -> bool:
        """Whether the front gave the first answer, which the real server then gives again."""
        return self._version != ""

    def answer(self, line: bytes) -> bytes:
        """Return the line that answers one of the client's; empty where that is for the real server, or for nobody."""
        message = read_message(line) if self._clear else None
        result = self._result(message) if message and message.id is not None else None
        if message and result is not None:
            self.listed = self.listed or message.method == "tools/list"
            return _line({"jsonrpc": "2.0", "id": message.id, "result": result})
        self.missed.append(line)
        if message is None or message.id is not None:
            self.waiting = True
            self._clear = message is not None and self._version != "" and message.method != "initialize"
        return b""

    def _result(self, request: Message) -> object:
        """The result that the real server would give; None if that is not certain."""
        opens = not self._version
        if opens:
            self._open(request)
        elif request.method == "initialize":
            return None
        known = self._answers.get(self._version, {})
        stateless = _STATELESS_OPENING in known
        if stateless and envelope_version(request) != self._version:
            return None
        if not stateless and not opens and (has_envelope(request) or not asks_for_nothing_more(request)):
            return None
        return known.get(request.method)

    def _open(self, request: Message) -> None:
        """The first request settles the protocol; the real server gets it too, under an id of ours."""
        version = handshake_version(request) or envelope_version(request)
        known = self._answers.get(version, {})
        if request.method in known and (request.method == "initialize" or _STATELESS_OPENING in known):
            self._version = version
            # A list in place of `server/discover` would only make the real server slower to start.
            method = "initialize" if request.method == "initialize" else _STATELESS_OPENING
            self.missed.append(
                _line({"jsonrpc": "2.0", "id": REPLAYED, "method": method, "params": dict(request.params)})
            )


def _line(message: Mapping[str, object]) -> bytes:
    return json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


class Message(NamedTuple):
    """A request, or a notification, which has no id."""

    id: object
    method: str
    params: Mapping[str, object]

    @property
    def meta(self) -> Mapping[str, object]:
        """What comes beside the parameters proper."""
        found = self.params.get("_meta", {})
        return found if isinstance(found, dict) else {}


def read_message(line: bytes) -> Message | None:
    """Return the message in a line; None when it is not certain that everybody would read the same."""
    try:
        text = line.removesuffix(b"\n").removesuffix(b"\r").decode()
        if "\r" in text or "\\u" in text or text.count("{") + text.count("[") > _MOST_BRACKETS:
            return None
        found = json.loads(text, object_pairs_hook=_unambiguous, parse_float=_refuse, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict) or not found.keys() <= {"jsonrpc", "id", "method", "params"}:
        return None
    method, params, number = found.get("method"), found.get("params", {}), found.get("id")
    if found.get("jsonrpc") != "2.0" or not isinstance(method, str) or not isinstance(params, dict):
        return None
    return Message(number, method, params) if "id" not in found or _is_id(number) else None


def handshake_version(message: Message) -> str:
    """Return the protocol version that an `initialize` asks for; empty when anything about the message is unusual."""
    given = message.params
    known = given.keys() <= {"protocolVersion", "capabilities", "clientInfo", "_meta"}
    if message.method != "initialize" or not known or not _usual_meta(message) or has_envelope(message):
        return ""
    return _version(given.get("protocolVersion"), given.get("capabilities"), given.get("clientInfo"))


def envelope_version(message: Message) -> str:
    """Return the protocol version that a request names in its envelope; empty when anything about the message is unusual."""
    given = message.meta
    reserved = {key for key in given if key.startswith(ENVELOPE)}
    if not reserved <= {_VERSION, _CAPABILITIES, _CLIENT} or not asks_for_nothing_more(message):
        return ""
    nobody = {"name": "", "version": ""}
    return _version(given.get(_VERSION), given.get(_CAPABILITIES), given.get(_CLIENT, nobody))


def has_envelope(message: Message) -> bool:
    """Whether any part of an envelope is there."""
    return any(key.startswith(ENVELOPE) for key in message.meta)


def asks_for_nothing_more(message: Message) -> bool:
    """Whether a request has no parameters of its own: no cursor, for instance."""
    return message.params.keys() <= {"_meta"} and _usual_meta(message)


def _usual_meta(message: Message) -> bool:
    token = message.meta.get("progressToken", "")
    return message.meta == message.params.get("_meta", {}) and _is_id(token) and "progress_token" not in message.meta


def _version(asked: object, capabilities: object, client: object) -> str:
    return asked if isinstance(asked, str) and _usual_capabilities(capabilities) and _usual_client(client) else ""


def _usual_capabilities(value: object) -> bool:
    """Objects in objects, and the one flag that a handshake may carry."""
    if not isinstance(value, dict):
        return False
    rest = dict(value)
    roots, *named = (rest.pop(key, {}) for key in ("roots", "experimental", "extensions"))
    flags = roots.items() if isinstance(roots, dict) else [("", None)]
    settings = all(isinstance(part, dict) and all(isinstance(one, dict) for one in part.values()) for part in named)
    return settings and all(key == "listChanged" and isinstance(flag, bool) for key, flag in flags) and _objects(rest)


def _objects(value: object) -> bool:
    return isinstance(value, dict) and all(_objects(part) for part in value.values())


def _usual_client(value: object) -> bool:
    """A name, a version, and nothing but words."""
    if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
        return False
    return {"name", "version"} <= value.keys() <= {"name", "version", "title", "description", "websiteUrl"}


def _is_id(value: object) -> bool:
    return isinstance(value, str) or (type(value) is int and abs(value) < _LARGEST_ID)


def _unambiguous(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


def _refuse(number: str) -> NoReturn:
    raise ValueError(number)
