"""Between the client and the server that is still loading: reads, lets the front answer, waits, and hands over.

The client's two pipes are read and written directly until then. The protocol library reads and writes text files, so it
is given two: one that begins with what the front passes on and goes on with the pipe itself, and one that drops the
answer which the client has already.
"""

from __future__ import annotations

import io
import json
import os
import select
import sys
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from .front import REPLAYED, Front

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

    from .real import RealServer

# A client that says nothing for so long is not waiting for the tools: time to load.
_SILENCE_MS = 250
_READ = 65536
# While two threads want the interpreter, each of our calls would wait 5 ms for it by default.
_SWITCH_S = 0.0005


class Relay:
    """One connection, from its first byte until the real server takes it over."""

    def __init__(self, front: Front, loading: Loading, pipes: Pipes) -> None:
        self._front = front
        self._loading = loading
        self._pipes = pipes
        self._outbox = Outbox(pipes.outlet)
        self._unfinished = b""  # a line whose end has not come yet
        self._open = True

    def run(self) -> bool:
        """Answer until the real server is there, or until the client has gone; returns whether it is still needed."""
        usual = sys.getswitchinterval()
        sys.setswitchinterval(_SWITCH_S)
        try:
            while self._open or self._front.waiting or self._outbox.unsent:
                if self._turn():
                    return True
            return False
        finally:
            sys.setswitchinterval(usual)

    def hand_over(self) -> tuple[Inbox, Outbox]:
        """Return the connection as the real server gets it: it reads what it missed, and repeats no answer."""
        if self._front.opened:
            self._outbox.hide(REPLAYED)
        return Inbox(b"".join([*self._front.missed, self._unfinished]), self._pipes.inlet), self._outbox

    def _turn(self) -> bool:
        """Wait for one thing to happen and deal with it; returns whether the real server is there."""
        poll = select.poll()
        poll.register(self._loading.ready, select.POLLIN)
        if self._open:
            poll.register(self._pipes.inlet, select.POLLIN)
        if self._outbox.unsent:
            poll.register(self._pipes.outlet, select.POLLOUT)
        happened = {place for place, _ in poll.poll(None if self._loading.started else _SILENCE_MS)}
        if self._pipes.outlet in happened:
            self._outbox.step()
        elif self._pipes.inlet in happened:
            self._read()
        if not happened or self._front.waiting or (self._front.listed and not self._outbox.unsent):
            self._loading.start()
        return self._loading.ready in happened

    def _read(self) -> None:
        data = os.read(self._pipes.inlet, _READ)
        self._open = bool(data)
        *lines, self._unfinished = _lines(self._unfinished + data)
        if not data and self._unfinished:  # the library takes a last line without an end for a line, too
            lines, self._unfinished = [self._unfinished], b""
        for line in lines:
            self._outbox.add(self._front.answer(line))


def _lines(data: bytes) -> list[bytes]:
    """Whole lines, and then what comes after the last of them."""
    *lines, rest = data.split(b"\n")
    return [*(line + b"\n" for line in lines), rest]


class Loading:
    """The real server, made in a thread beside the front. A pipe says when it is there, because the front waits in a poll."""

    def __init__(self, make: Callable[[], RealServer]) -> None:
        self._make = make
        self._thread = threading.Thread(target=self._load, name="loading", daemon=True)
        self.ready, self._done = os.pipe()
        """A descriptor to wait on: readable once the server is there, or will never be."""
        self.started = False
        self.server: RealServer | None = None

    def start(self) -> None:
        """Begin to load, unless that has begun."""
        if not self.started:
            self.started = True
            self._thread.start()

    def wait(self) -> RealServer:
        """Return the server, once it is there.

        Raises:
            RuntimeError: if it could not be made; standard error says why.
        """
        self.start()
        self._thread.join()  # which has then also said what went wrong
        if self.server is None:
            raise RuntimeError("the server could not be loaded")
        return self.server

    def _load(self) -> None:
        try:
            self.server = self._make()
        finally:
            os.write(self._done, b".")


class Pipes(NamedTuple):
    """Descriptors that lead to the client."""

    inlet: int
    outlet: int


def claim() -> Pipes:
    """Move the pipes away from descriptors 0 and 1, so that neither a print nor a child can reach the client."""
    while (nowhere := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass  # a standard descriptor that was closed would otherwise be given to a pipe
    pipes = Pipes(os.dup(0), os.dup(1))
    os.dup2(nowhere, 0)
    os.dup2(2, 1)
    os.close(nowhere)
    return pipes


class Inbox(io.BufferedIOBase):
    """What has been read from the client already, then the pipe."""

    def __init__(self, missed: bytes, pipe: int) -> None:
        self._missed = io.BytesIO(missed)
        self._pipe = pipe

    def readable(self) -> bool:
        return True

    def read1(self, size: int = -1) -> bytes:
        """Some bytes, as soon as there are any; none at the end."""
        return self._missed.read(size) or os.read(self._pipe, size if size > 0 else _READ)


class Outbox(io.BufferedIOBase):
    """Lines to the client, each once: an answer with the hidden id, which the client never asked under, is dropped."""

    def __init__(self, pipe: int) -> None:
        self._pipe = pipe
        self._hidden = ""
        self._line = b""  # begun, not known yet to be for the client
        self._unsent = bytearray()
        self._one_writer = threading.Lock()

    def writable(self) -> bool:
        return True

    @property
    def unsent(self) -> bool:
        """Whether something still has to go out."""
        return bool(self._unsent)

    def hide(self, answered: str) -> None:
        """Drop the one answer to this id."""
        self._hidden = answered

    def add(self, data: bytes) -> None:
        """Send this, a `step` at a time."""
        self._unsent += data

    def step(self) -> None:
        """Send as much as cannot block, once a poll has said that the pipe is ready."""
        del self._unsent[: os.write(self._pipe, self._unsent[: select.PIPE_BUF])]

    def write(self, data: ReadableBuffer, /) -> int:
        """Send this and all before it."""
        given = bytes(data)
        with self._one_writer:
            self._unsent += self._shown(given) if self._hidden else given
            self._send()
        return len(given)

    def flush(self) -> None:
        """Send what is left."""
        with self._one_writer:
            self._send()

    def _send(self) -> None:
        while self._unsent:
            del self._unsent[: os.write(self._pipe, self._unsent)]

    def _shown(self, data: bytes) -> bytes:
        *lines, rest = (self._line + data).split(b"\n")
        shown = [line for line in lines if not self._is_hidden(line)]
        if len(shown) < len(lines):
            self._hidden, self._line = "", b""
        else:
            self._line, rest = rest, b""
        return b"".join(line + b"\n" for line in shown) + rest

    def _is_hidden(self, line: bytes) -> bool:
        return self._hidden.encode() in line and json.loads(line).get("id") == self._hidden
