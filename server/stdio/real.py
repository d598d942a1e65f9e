"""The real server, the protocol library with the lab behind it, and what it answers to what the front may be asked.

Importing what this needs is what takes the time.
"""

from __future__ import annotations

import io
import json
import queue
import sys
import threading
from collections.abc import Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, TextIO, cast

import anyio
import anyio.to_thread

from ...tools.lab.access import Lab
from ..app import build_server
from .front import ENVELOPE, Answers
from .readable import ReadableLines

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

_HANDSHAKES = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25")
_STATELESS = "2026-07-28"
_ASKED = ("ping", "server/discover", "tools/list", "prompts/list", "resources/list", "resources/templates/list")
_PATIENCE_S = 60.0
_ONE_TAKES_THE_STREAMS = threading.Lock()


class RealServer:
    """A server for one lab, ready to take over a connection."""

    def __init__(self, root: Path, allow_commands: bool) -> None:
        self.lab = Lab(root, allow_commands=allow_commands)
        self._server = build_server(self.lab)

    def serve(self, inbox: io.BufferedIOBase, outbox: io.BufferedIOBase) -> None:
        """Serve until the inbox ends."""
        anyio.run(self._serve, inbox, outbox)

    async def _serve(self, inbox: io.BufferedIOBase, outbox: io.BufferedIOBase) -> None:
        _ONE_TAKES_THE_STREAMS.acquire()
        usual = sys.stdin, sys.stdout
        # In its first step the library takes the buffers of these two; after it a print goes where it always went.
        sys.stdin = cast(TextIO, SimpleNamespace(buffer=ReadableLines(inbox, outbox)))
        sys.stdout = cast(TextIO, SimpleNamespace(buffer=outbox))
        async with anyio.create_task_group() as group:
            group.start_soon(self._server.run_stdio_async)
            group.start_soon(_put_back, *usual)
            group.start_soon(anyio.to_thread.run_sync, outbox.flush)  # a client may be slow to read its first answers


async def _put_back(stdin: TextIO, stdout: TextIO) -> None:
    sys.stdin, sys.stdout = stdin, stdout
    _ONE_TAKES_THE_STREAMS.release()


def record(server: RealServer) -> Answers:
    """Return what a server answers, by protocol version and method; what a version refuses is left out.

    Raises:
        RuntimeError: if it leaves a question without an answer.
    """
    return {version: _answers(server, version) for version in (*_HANDSHAKES, _STATELESS)}


def _answers(server: RealServer, version: str) -> dict[str, dict[str, object]]:
    questions = _questions(version)
    client = ScriptedClient([(method, _request(method, params)) for method, params in questions])
    server.serve(client, client)
    if len(client.answers) != len(questions):
        raise RuntimeError(f"{len(client.answers)} answers to {len(questions)} questions in {version}")
    return {answer["id"]: answer["result"] for answer in client.answers if "result" in answer}


def _questions(version: str) -> list[tuple[str, dict[str, object]]]:
    if version == _STATELESS:
        meta = {f"{ENVELOPE}protocolVersion": version, f"{ENVELOPE}clientCapabilities": {}}
        return [(method, {"_meta": meta}) for method in _ASKED]
    client = {"name": "recording", "version": "1"}
    hello: dict[str, object] = {"protocolVersion": version, "capabilities": {}, "clientInfo": client}
    return [("initialize", hello), *((method, {}) for method in _ASKED)]


def _request(method: str, params: dict[str, object]) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": method, "method": method, "params": params}).encode() + b"\n"


class ScriptedClient(io.BufferedIOBase):
    """Both pipes of a client that takes turns: it goes on when one answer is there, and leaves after the last.

    A server drops what is not answered when its input ends, so an input that is simply read to its end will not do.
    """

    def __init__(self, turns: Iterable[tuple[str, bytes]]) -> None:
        self.answers: list[dict[str, Any]] = []
        self._turns = iter(turns)
        self._sent: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._unfinished = b""
        self._next()

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
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
        *lines, self._unfinished = (self._unfinished + given).split(b"\n")
        for line in lines:
            self.answers.append(json.loads(line))
            if self.answers[-1].get("id") == self._awaited:
                self._next()
        return len(given)

    def _next(self) -> None:
        self._awaited, words = next(self._turns, ("", b""))
        self._sent.put(words)
