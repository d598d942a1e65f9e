"""Where supervisors come from: one small process a server, which forks them in a millisecond or two."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

TIMEOUT_S = 20.0


class ForkServer:
    """Starts the small process when it is first needed, and again whenever it was killed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._line: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._owner = 0

    def start(self, place: Path, lock: int) -> None:
        """Have a supervisor started for the run in a folder; it holds the locked descriptor from now on.

        Raises:
            OSError: if no process can be started.
        """
        with self._lock:
            if self._line is None or self._owner != os.getpid():
                self._open()
            try:
                self._ask(place, lock)
            except OSError:
                self._close()
                self._open()
                self._ask(place, lock)

    def _ask(self, place: Path, lock: int) -> None:
        assert self._line is not None, "opened just before"
        socket.send_fds(self._line, [os.fsencode(place)], [lock])
        if self._line.recv(1) != b".":
            raise ConnectionResetError("the process that starts supervisors has ended")

    def _open(self) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        ours.settimeout(TIMEOUT_S)
        nothing = subprocess.DEVNULL
        # The interpreter itself: a virtual environment's would look for what nobody needs here.
        python = getattr(sys, "_base_executable", None) or sys.executable
        with theirs:
            self._process = subprocess.Popen(
                [python, "-I", "-S", "-E", str(Path(__file__).with_name("supervisor.py"))],
                cwd="/",
                env={},
                stdin=theirs.fileno(),
                stdout=nothing,
                stderr=nothing,
                start_new_session=True,
            )
        self._line, self._owner = ours, os.getpid()

    def _close(self) -> None:
        if self._line:
            self._line.close()
        if self._process:
            self._process.kill()
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(TIMEOUT_S)
        self._line = self._process = None


NURSERY = ForkServer()
