"""The client's two pipes, as the front uses them and as the protocol library takes them over.

The library reads and writes text files, so it is given two: one that begins with what the front passes on and goes on
with the pipe itself, and one that drops the answers which the client has already.
"""

from __future__ import annotations

import io
import json
import os
import select
import threading
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

_MOST_AT_ONCE = 65536


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

    def __init__(self, ahead: bytes, pipe: int) -> None:
        self._ahead = io.BytesIO(ahead)
        self._pipe = pipe

    def readable(self) -> bool:
        """Always."""
        return True

    def read1(self, size: int = -1) -> bytes:
        """Some bytes, as soon as there are any; none at the end."""
        return self._ahead.read(size) or os.read(self._pipe, size if size > 0 else _MOST_AT_ONCE)


class Outbox(io.BufferedIOBase):
    """Lines to the client, each once: an answer with the hidden id, which the client never asked under, is dropped."""

    def __init__(self, pipe: int) -> None:
        self._pipe = pipe
        self._hidden = ""
        self._line = b""  # begun, not known yet to be for the client
        self._unsent = bytearray()
        self._one_writer = threading.Lock()

    def writable(self) -> bool:
        """Always."""
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
