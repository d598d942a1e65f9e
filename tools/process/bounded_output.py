"""What is kept of a stream of any length: its head, its tail, and the METRIC lines between them."""

from __future__ import annotations

import hashlib
import re
from collections import deque

HEAD_BYTES = 64 * 1024
TAIL_BYTES = 256 * 1024
KEPT_LINES, LINE_BYTES = 200, 500
PROGRESS_BYTES, PROGRESS_LINES = 2000, 12
_METRIC = re.compile(rb"METRIC[ \t]+[^\s=][^=]*=")


class MetricLines:
    """Lines `METRIC name=value` of the part of a stream that is not kept, whatever is written over by a progress bar left out.

    At most `KEPT_LINES` of them, the first and the newest, each of at most `LINE_BYTES` and once.
    """

    def __init__(self) -> None:
        self._rest = b""
        self._first: list[bytes] = []
        self._newest: deque[bytes] = deque(maxlen=KEPT_LINES // 2)

    def add(self, chunk: bytes) -> None:
        """Take in more of that part."""
        text = self._rest + chunk
        end = text.rfind(b"\n") + 1
        self._rest = text[end:]
        if len(self._rest) > LINE_BYTES:
            self._rest = b"?" + self._rest[-LINE_BYTES:]  # so that half a line does not look like a whole one
        if b"METRIC" in text[:end]:
            for line in text[:end].split(b"\n"):
                self._keep(line)

    def _keep(self, line: bytes) -> None:
        shown = next((piece for piece in reversed(line.split(b"\r")) if piece.strip()), b"")
        if len(shown) > LINE_BYTES or not _METRIC.search(shown) or shown in self._first or shown in self._newest:
            return
        if len(self._first) < KEPT_LINES // 2:
            self._first.append(shown)
        else:
            self._newest.append(shown)

    def text(self) -> bytes:
        """Return the lines in the order in which they came."""
        return b"".join(line + b"\n" for line in (*self._first, *self._newest))


class BoundedOutput:
    """Head and tail of a stream, whatever its length, with the METRIC lines between them.

    `left_out` is how many bytes between head and tail are not kept; known once `kept` was called.
    """

    def __init__(self) -> None:
        self.sum = hashlib.sha256()
        self.left_out = 0
        self._metrics = MetricLines()
        self._head = bytearray()
        self._tail: deque[bytes] = deque()
        self._size = 0

    def add(self, chunk: bytes) -> None:
        """Take in more of the stream."""
        self.sum.update(chunk)
        room = HEAD_BYTES - len(self._head) if not self.left_out else 0  # afterwards the head is cut at a line
        if room > 0:
            self._head += chunk[:room]
            chunk = chunk[room:]
        if chunk:
            self._tail.append(chunk)
            self._size += len(chunk)
        while self._tail and self._size - len(self._tail[0]) >= TAIL_BYTES:
            if not self.left_out:
                self._leave_out(self._end_of_head())
            self._size -= len(self._tail[0])
            self._leave_out(self._tail.popleft())

    def _leave_out(self, part: bytes) -> None:
        self.left_out += len(part)
        self._metrics.add(part)

    def _end_of_head(self) -> bytes:
        """Cut the line that the head ends in off it, because half of it could be read as another; a long one stays."""
        start = max(self._head.rfind(b"\n"), self._head.rfind(b"\r")) + 1
        if not 0 < len(self._head) - start <= LINE_BYTES:
            return b""
        rest = bytes(self._head[start:])
        del self._head[start:]
        return rest

    def kept(self) -> bytes:
        """Return what is kept, the gap named. A line that the gap ends in is left out, a long one stands beside its name."""
        tail = b"".join(self._tail)
        if not self.left_out:
            return bytes(self._head) + tail
        end = tail.find(b"\n", 0, LINE_BYTES) + 1
        self._leave_out(tail[:end])
        gap = f"… {self.left_out} bytes left out …".encode() + (b"\n" if end else b" ")
        return bytes(self._head) + b"\n" + self._metrics.text() + gap + tail[end:]

    def last_lines(self, hidden: dict[str, str]) -> list[str]:
        """Return the last lines so far, each of at most 120 characters; of a progress bar its last states.

        `hidden` are texts and what is written in their place.
        """
        recent = b"".join([bytes(self._head), *self._tail][-3:])[-PROGRESS_BYTES:]
        text = recent.replace(b"\r", b"\n").decode(errors="replace")
        for value, mark in hidden.items():
            text = text.replace(value, mark)
        if len(recent) == PROGRESS_BYTES and "\n" in text:
            text = text.partition("\n")[2]  # the first line was cut, and with it perhaps what is to be hidden
        return [line.rstrip()[:120] for line in text.split("\n") if line.strip()][-PROGRESS_LINES:]
