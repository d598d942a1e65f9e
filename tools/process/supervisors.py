"""Starts supervisors, hands each run to one that is free, and ends what a killed one has left. Standard library only.

`serve` runs in an interpreter of its own: to start one, or to fork one, costs more than a short run. It is nobody's child, so
that who ends the server's children finds neither it nor the supervisors; it ends once the server has, and the last run. On
Linux it adopts what a killed supervisor leaves behind (a sub-reaper).
"""

from __future__ import annotations

import contextlib
import gc
import os
import resource
import select
import signal
import socket
from dataclasses import dataclass
from pathlib import Path

from .processes import children, descendants, prctl, send_signal
from .supervisor import SUB_REAPER, Supervisor

PAUSE_S = 0.005
_GRANTED = ("limits", "cgroup", "oom_score_adj")
_OVER, _LAST = b".", b"-"
"""What a supervising process says of a run: that it is over, and that it takes no other."""


def serve() -> None:
    """Have the run in every folder that is sent to standard input supervised, until nobody is left who could send one."""
    prctl(SUB_REAPER, 1)
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    gc.freeze()  # or every supervisor would copy the pages of all that is known now
    _Supervisors().serve()


@dataclass(eq=False)
class _Worker:
    """A supervising process, and the locked descriptor of its run; None while it has none. One that ends takes no other."""

    pid: int
    line: socket.socket
    lock: int | None = None
    ends: bool = False


class _Supervisors:
    """The supervising processes. A run counts as at work until its lock is closed here as well."""

    def __init__(self) -> None:
        self._server: socket.socket | None = socket.socket(fileno=0)
        self._workers: dict[int, _Worker] = {}
        self._orphaned: list[int] = []
        """Locks of runs whose supervisor was killed."""
        self._wake = os.pipe()

    def serve(self) -> None:
        for end in self._wake:
            os.set_blocking(end, False)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        signal.set_wakeup_fd(self._wake[1], warn_on_full_buffer=False)
        while self._server or self._orphaned or any(worker.lock is not None for worker in self._workers.values()):
            busy = {worker.line: worker for worker in self._workers.values() if worker.lock is not None}
            awaited: list[socket.socket | int] = [*busy, self._wake[0], *([self._server] if self._server else [])]
            ready = select.select(awaited, [], [], PAUSE_S if self._orphaned else None)[0]
            for line, worker in busy.items():
                if line in ready:
                    _over(worker)
            if self._wake[0] in ready:
                os.read(self._wake[0], 4096)
            self._reap()
            if self._server and self._server in ready:
                self._take(self._server)

    def _take(self, server: socket.socket) -> None:
        """Hand on the run that the server sends, or note that the server has ended."""
        message, locks, _, _ = socket.recv_fds(server, 4096, 1)
        if not message:
            server.close()
            self._server = None
            return
        idle = (worker for worker in self._workers.values() if worker.lock is None and not worker.ends)
        free = next(idle, None) or self._new(locks[0])
        free.lock = locks[0]
        with contextlib.suppress(OSError):  # it was killed, and will be found
            socket.send_fds(free.line, [message], locks)
        server.send(b".")

    def _new(self, lock: int) -> _Worker:
        """Fork a supervising process for the run with this lock, which it will be sent."""
        ours, theirs = socket.socketpair()
        pid = os.fork()
        if pid == 0:
            try:
                ours.close()
                os.close(lock)
                self._leave()
                _work(theirs)
            finally:
                os._exit(1)
        theirs.close()
        self._workers[pid] = _Worker(pid, ours)
        return self._workers[pid]

    def _leave(self) -> None:
        """In a child: keep nothing of what belongs to this process."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        if self._server:
            os.dup2(self._wake[0], self._server.fileno())  # so that no pipe gets a number of the standard streams
        locks = (worker.lock for worker in self._workers.values() if worker.lock is not None)
        for descriptor in (*self._wake, *locks, *self._orphaned, *(w.line.fileno() for w in self._workers.values())):
            os.close(descriptor)

    def _reap(self) -> None:
        """Let the run of a supervisor that was killed be over when nothing of it lives."""
        with contextlib.suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                if (worker := self._workers.pop(ended[0], None)) is None:
                    continue
                worker.line.close()
                if worker.lock is not None:
                    self._orphaned.append(worker.lock)
        if not self._orphaned:
            return
        orphans = set(children(os.getpid())) - self._workers.keys()
        for orphan in orphans:
            for pid in (orphan, *descendants(orphan)):
                send_signal(pid, signal.SIGKILL)
        if not orphans:
            for lock in self._orphaned:
                os.close(lock)
            self._orphaned = []


def _over(worker: _Worker) -> None:
    """Let the run of a supervisor be over if that says so; it may also have been killed."""
    with contextlib.suppress(OSError):
        if worker.lock is not None and (told := worker.line.recv(1)):
            os.close(worker.lock)
            worker.lock, worker.ends = None, told == _LAST


def _work(line: socket.socket) -> None:
    """Supervise one run after the other, as long as what the kernel grants this process, and so the commands, stays the same."""
    os.setsid()
    prctl(SUB_REAPER, 1)
    granted, told = _granted(), _OVER
    while told == _OVER:
        message, locks, _, _ = socket.recv_fds(line, 4096, 1)
        if not message:
            break
        os.set_inheritable(locks[0], False)
        Supervisor(Path(os.fsdecode(message))).run()
        os.close(locks[0])
        told = _OVER if granted == _granted() else _LAST
        line.send(told)
    os._exit(0)


def _granted() -> object:
    """Return what a command could change in the process above it, and the next command would inherit."""
    files = []
    for name in _GRANTED:
        with contextlib.suppress(OSError):
            files.append(Path("/proc/self", name).read_bytes())
    cores = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else ()
    policy = os.sched_getscheduler(0) if hasattr(os, "sched_getscheduler") else 0
    return files, cores, policy, os.getpriority(os.PRIO_PROCESS, 0)
