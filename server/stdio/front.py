"""The first answers of a connection, given before the protocol library is there to give them.

Some clients wait one second for a server and go on without its tools if it is late; importing the library alone takes
longer. What a client asks for first has the same answer each time, so it comes from the manifest (`manifest.py`) while
the library loads. Everything else waits for the real server, which also hears how the connection was opened and so
stands where it would stand had it answered itself.

The front must be impossible to tell from the library. So it answers only what it fully understands; in doubt it passes
a message on, and with it everything that comes later.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from .messages import Message, asks_for_nothing_more, envelope_version, handshake_version, has_envelope, read

Answers = Mapping[str, Mapping[str, Mapping[str, object]]]
"""Protocol version -> method -> result."""

REPLAYED = "autoresearch-mcp/replayed"
"""The id under which the real server hears the opening again; its answer to that is not for the client."""

_STATELESS_OPENING = "server/discover"


class Front:
    """Answers a client's first requests, and keeps the rest for the real server."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers
        self._version = ""  # of the protocol; empty until the first request settles it
        self._clear = True  # no message so far could change what a later answer should be
        self.ahead: list[bytes] = []
        """The lines that the real server has to hear first, in order."""
        self.waiting = False
        """Whether one of them may be a request of the client."""
        self.listed = False
        """Whether the client has seen the tools."""

    @property
    def opened(self) -> bool:
        """Whether the front gave the first answer, which the real server then gives again."""
        return self._version != ""

    def hear(self, line: bytes) -> bytes:
        """Take a line from the client; returns the line to answer, or nothing."""
        message = read(line) if self._clear else None
        result = self._result(message) if message and message.id is not None else None
        if message and result is not None:
            self.listed = self.listed or message.method == "tools/list"
            return _line({"jsonrpc": "2.0", "id": message.id, "result": result})
        self.ahead.append(line)
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
        """The first request settles the protocol; the real server hears it too, under an id of ours."""
        version = handshake_version(request) or envelope_version(request)
        known = self._answers.get(version, {})
        if request.method in known and (request.method == "initialize" or _STATELESS_OPENING in known):
            self._version = version
            # A list in place of `server/discover` would only make the real server slower to start.
            method = "initialize" if request.method == "initialize" else _STATELESS_OPENING
            self.ahead.append(
                _line({"jsonrpc": "2.0", "id": REPLAYED, "method": method, "params": dict(request.params)})
            )


def _line(message: Mapping[str, object]) -> bytes:
    return json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
