"""Asks the real server, in every protocol version, what the front may be asked."""

from __future__ import annotations

import io
import json
import queue
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from .front import Answers
from .messages import ENVELOPE

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

    from .real import Real

_HANDSHAKES = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25")
_PATIENCE_S = 5.0
_STATELESS = "2026-07-28"
_ASKED = ("ping", "server/discover", "tools/list", "prompts/list", "resources/list", "resources/templates/list")


def record(server: Real) -> Answers:
    """What a server answers, by protocol version and method; what a version refuses is left out.

    Raises:
        RuntimeError: if it leaves a question without an answer.
    """
    return {version: _answers(server, version) for version in (*_HANDSHAKES, _STATELESS)}


def _answers(server: Real, version: str) -> dict[str, dict[str, object]]:
    questions = _questions(version)
    talk = Talk([(method, _request(method, params)) for method, params in questions])
    server.serve(talk, talk)
    if len(talk.answers) != len(questions):
        raise RuntimeError(f"{len(talk.answers)} answers to {len(questions)} questions in {version}")
    return {answer["id"]: answer["result"] for answer in talk.answers if "result" in answer}


def _questions(version: str) -> list[tuple[str, dict[str, object]]]:
    if version == _STATELESS:
        meta = {f"{ENVELOPE}protocolVersion": version, f"{ENVELOPE}clientCapabilities": {}}
        return [(method, {"_meta": meta}) for method in _ASKED]
    client = {"name": "recording", "version": "1"}
    hello: dict[str, object] = {"protocolVersion": version, "capabilities": {}, "clientInfo": client}
    return [("initialize", hello), *((method, {}) for method in _ASKED)]


def _request(method: str, params: dict[str, object]) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": method, "method": method, "params": params}).encode() + b"\n"


class Talk(io.BufferedIOBase):
    """Both pipes of a client that takes turns: it goes on when one answer is there, and leaves after the last.

    A server drops what is not answered when its input ends, so an input that is simply read to its end will not do.
    """

    def __init__(self, turns: Iterable[tuple[str, bytes]]) -> None:
        self.answers: list[dict[str, Any]] = []
        self._turns = iter(turns)
        self._sent: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._begun = b""
        self._next()

    def readable(self) -> bool:
        """Always."""
        return True

    def writable(self) -> bool:
        """Always."""
        return True

    def read1(self, size: int = -1) -> bytes:
        """What the client says, once its turn has come; nothing after the last turn, or when no answer comes."""
        try:
            return self._sent.get(timeout=_PATIENCE_S)
        except queue.Empty:
            return b""

    def write(self, data: ReadableBuffer, /) -> int:
        """Take in answers."""
        given = bytes(data)
        *lines, self._begun = (self._begun + given).split(b"\n")
        for line in lines:
            self.answers.append(json.loads(line))
            if self.answers[-1].get("id") == self._awaited:
                self._next()
        return len(given)

    def _next(self) -> None:
        self._awaited, words = next(self._turns, ("", b""))
        self._sent.put(words)
