"""Between the client and the server that is still loading: reads, lets the front answer, and waits."""

from __future__ import annotations

import os
import select
import sys

from .front import REPLAYED, Front
from .loading import Loading
from .wire import Inbox, Outbox, Pipes

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
        self._begun = b""  # a line whose end has not come yet
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
        """The connection as the real server gets it: it hears what it missed, and repeats no answer."""
        if self._front.opened:
            self._outbox.hide(REPLAYED)
        return Inbox(b"".join([*self._front.ahead, self._begun]), self._pipes.inlet), self._outbox

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
        *lines, self._begun = _lines(self._begun + data)
        if not data and self._begun:  # the library takes a last line without an end for a line, too
            lines, self._begun = [self._begun], b""
        for line in lines:
            self._outbox.add(self._front.hear(line))


def _lines(data: bytes) -> list[bytes]:
    """Whole lines, and then what comes after the last of them."""
    *lines, rest = data.split(b"\n")
    return [*(line + b"\n" for line in lines), rest]
