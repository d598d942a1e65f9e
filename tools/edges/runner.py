"""The only home of processes under measurement: a deadline, a group to kill, no stdin, bounded output."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from ..rules.environment import measured_environment

HEAD_BYTES = 64 * 1024
TAIL_BYTES = 256 * 1024
GRACE_S = 3.0
TICK_S = 0.2

Listener = Callable[[float, str], None]
"""Called while a command runs: seconds so far, and the last line it printed."""

Wrap = Callable[[Sequence[str]], list[str]]
"""Makes another argument vector of one."""


@dataclass(frozen=True)
class Run:
    """A finished command. `exit_code` is negative for a signal; output is head and tail, the middle counted.

    `digest` is the SHA-256 of the SHA-256 of standard output followed by that of standard error.
    """

    exit_code: int
    timed_out: bool
    seconds: float
    stdout: str
    stderr: str
    digest: str = ""


class _Output:
    """Keeps the head and the tail of a stream, whatever its length."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._head = bytearray()
        self._tail: deque[bytes] = deque()
        self._tail_size = 0
        self._dropped = 0
        self.sum = hashlib.sha256()
        self._stream = stream
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        while chunk := os.read(self._stream.fileno(), 64 * 1024):
            self.sum.update(chunk)
            room = HEAD_BYTES - len(self._head)
            self._head += chunk[:room]
            self._keep(chunk[room:] if room > 0 else chunk)

    def _keep(self, chunk: bytes) -> None:
        if not chunk:
            return
        self._tail.append(chunk)
        self._tail_size += len(chunk)
        while self._tail_size - len(self._tail[0]) >= TAIL_BYTES:
            self._tail_size -= len(self._tail[0])
            self._dropped += len(self._tail.popleft())

    def close(self) -> None:
        """Stop reading. A pipe that a run-away process still holds stays open: its number must not be given to another file."""
        self._thread.join(GRACE_S)
        if not self._thread.is_alive():
            self._stream.close()

    def text(self) -> str:
        """What is kept, undecodable bytes replaced."""
        gap = f"\n… {self._dropped} bytes left out …\n".encode() if self._dropped else b""
        return (bytes(self._head) + gap + b"".join(list(self._tail))).decode(errors="replace")

    def last_line(self) -> str:
        """The last line printed so far, at most 120 characters."""
        recent = (list(self._tail)[-1] if self._tail else bytes(self._head))[-400:]
        lines = recent.replace(b"\r", b"\n").decode(errors="replace").split("\n")
        return next((line.strip()[:120] for line in reversed(lines) if line.strip()), "")


class Runner:
    """Runs shell commands one at a time and can end whatever runs."""

    def __init__(self) -> None:
        self._groups: set[int] = set()

    def run(
        self,
        command: str,
        folder: Path,
        timeout_s: float,
        names: Mapping[str, str] | None = None,
        listener: Listener = lambda seconds, line: None,
        wrap: Wrap = list,
    ) -> Run:
        """Run a shell command to its end or its deadline; its whole process group ends with it.

        `wrap` may put something around the argument vector, such as a sandbox.
        """
        began = time.monotonic()
        process = subprocess.Popen(
            wrap([shutil.which("bash") or "/bin/sh", "-c", command]),
            cwd=folder,
            env=measured_environment(os.environ, names or {}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        self._groups.add(process.pid)
        try:
            return self._watch(process, began, timeout_s, listener)
        finally:
            self._groups.discard(process.pid)

    def _watch(self, process: subprocess.Popen[bytes], began: float, timeout_s: float, listener: Listener) -> Run:
        assert process.stdout
        assert process.stderr
        out, err = _Output(process.stdout), _Output(process.stderr)
        timed_out = not _wait(process, began + timeout_s, lambda s: listener(s, out.last_line()), began)
        if timed_out:
            _terminate(process)
        seconds = time.monotonic() - began
        _kill(process.pid)
        for output in (out, err):
            output.close()
        digest = hashlib.sha256(out.sum.digest() + err.sum.digest()).hexdigest()
        return Run(process.returncode, timed_out, seconds, out.text(), err.text(), digest)

    def stop_all(self) -> None:
        """Kill every running command; for the end of the server."""
        for group in list(self._groups):
            _kill(group)


def _wait(process: subprocess.Popen[bytes], deadline: float, tick: Callable[[float], None], began: float) -> bool:
    """Wait for the end, ticking; false when the deadline came first."""
    while (left := deadline - time.monotonic()) > 0:
        try:
            process.wait(min(TICK_S, left))
            return True
        except subprocess.TimeoutExpired:
            tick(time.monotonic() - began)
    return process.poll() is not None


def _terminate(process: subprocess.Popen[bytes]) -> None:
    _signal(process.pid, signal.SIGTERM)
    try:
        process.wait(GRACE_S)
    except subprocess.TimeoutExpired:
        _kill(process.pid)
        process.wait()


def _kill(group: int) -> None:
    _signal(group, signal.SIGKILL)


def _signal(group: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)
