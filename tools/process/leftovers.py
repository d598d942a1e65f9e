"""Ends what a killed supervisor left behind: only processes that are proved to belong to its run. Linux only."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ..storage.disk import read_or_empty
from .processes import process_names, process_status
from .supervisor import DESCENDANTS

LEG_MARK = "AUTORESEARCH_LEG"
"""Variable that every process of a driven agent's leg inherits, so that it is found whatever it did to leave. What is measured
does not: it outlives the leg.
"""
_ROUNDS = 50
_PAUSE_S = 0.02


@dataclass(frozen=True)
class _Process:
    """A living process. `started` is in ticks of the kernel since it was booted: with the number it names a process for good."""

    pid: int
    parent: int
    session: int
    started: int


def end_leftovers(folder: Path, mark: bytes) -> None:
    """KILL what is left of the run in a folder, until nothing is: whatever it started carries a mark in its environment,
    or was noted by its supervisor with the time of its start, or is below one of these, or in a session of theirs.

    The sessions are the run's own, because a supervisor begins its command in a new one.
    """
    noted = _noted(folder)
    _end(lambda one: (one.pid, one.started) in noted or mark in _environment(one.pid))


def end_marked(mark: bytes) -> None:
    """KILL every process but this one that carries a mark in its environment, with all below it or in a session of theirs."""
    _end(lambda one: mark in _environment(one.pid) and one.pid != os.getpid())


def _end(proves: Callable[[_Process], bool]) -> None:
    """KILL who is proved to be ours, with their relatives, until nobody is left."""
    for _ in range(_ROUNDS):
        living = _living()
        ours = _with_relatives(living, {one.pid for one in living if proves(one)})
        if not ours:
            return
        for one in ours:
            _kill(one)
        time.sleep(_PAUSE_S)


def _noted(folder: Path) -> frozenset[tuple[int, int]]:
    """Return number and start of each process that was noted; none where process numbers meant others then."""
    header, *lines = read_or_empty(folder / DESCENDANTS).split(b"\n")
    if not header or header != process_names():
        return frozenset()
    pairs = (line.split() for line in lines[:-1])  # the last one ends in nothing, or was cut
    return frozenset((int(pair[0]), int(pair[1])) for pair in pairs if len(pair) == 2 and all(map(bytes.isdigit, pair)))


def _living() -> list[_Process]:
    found = []
    for entry in os.listdir("/proc") if os.path.isdir("/proc") else ():
        if entry.isdigit() and (status := process_status(int(entry))):
            found.append(_Process(int(entry), *status))
    return found


def _with_relatives(living: Iterable[_Process], proved: set[int]) -> list[_Process]:
    """Return the proved processes with all that is below them or in a session of theirs, the one who asks left out."""
    ours, size = set(proved), -1
    while len(ours) != size:
        size = len(ours)
        sessions = {one.session for one in living if one.pid in ours} - {0, os.getsid(0)}
        ours |= {one.pid for one in living if one.parent in ours or one.session in sessions}
    return [one for one in living if one.pid in ours and one.pid != os.getpid()]


def _kill(one: _Process) -> None:
    """KILL a process unless another has its number by now; held by a descriptor, it cannot change in between."""
    with suppress(ProcessLookupError, PermissionError):
        try:
            held = os.pidfd_open(one.pid)
        except (AttributeError, OSError):  # not on this system
            if (status := process_status(one.pid)) and status[-1] == one.started:
                os.kill(one.pid, signal.SIGKILL)
            return
        try:
            if (status := process_status(one.pid)) and status[-1] == one.started:
                signal.pidfd_send_signal(held, signal.SIGKILL)
        finally:
            os.close(held)


def _environment(pid: int) -> list[bytes]:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return []
