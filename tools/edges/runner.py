"""Runs of measured commands: each belongs to a supervisor of its own, and is found again by its id, by any server."""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ..rules.environment import measured_environment
from .disk import take_lock

MARK = "AUTORESEARCH_RUN_ID"
"""A variable of every measured process, by which those of a killed supervisor are found."""
TICK_S = 0.1
LISTEN_S = 0.5
ENDING_S = 15.0

Listener = Callable[[float, str], None]
"""Called while a command runs: seconds so far, and the last line it printed."""

Wrap = Callable[[Sequence[str]], list[str]]
"""Makes another argument vector of one."""


@dataclass(frozen=True)
class Run:
    """A finished command. `exit_code` is negative for a signal; output is head and tail, the middle counted.

    `digest` is the SHA-256 of the SHA-256 of standard output followed by that of standard error. `lost` means that the
    supervisor itself was killed. `peak_bytes` is the memory of the whole tree, `leaked` how many processes it left behind.
    """

    exit_code: int
    timed_out: bool
    seconds: float
    stdout: str
    stderr: str
    digest: str = ""
    cancelled: bool = False
    lost: bool = False
    peak_bytes: int = 0
    cpu_seconds: float = 0.0
    leaked: int = 0
    problem: str = ""


LOST = Run(-9, False, 0.0, "", "", lost=True)


class Runner:
    """The runs of one repository, each in a folder of its own under `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def run(
        self,
        command: str,
        folder: Path,
        timeout_s: float,
        names: Mapping[str, str] | None = None,
        listener: Listener = lambda seconds, line: None,
        id: str = "",
        wrap: Wrap = list,
    ) -> Run:
        """Run a shell command to its end or its deadline, or join the run that has this id already.

        `wrap` may put something around the argument vector, such as a sandbox.
        """
        place = self._folder / (id or secrets.token_hex(10))
        argv = wrap([shutil.which("bash") or "/bin/sh", "-c", command])
        self._start(place, argv, folder, timeout_s, names or {})
        while (run := _result(place)) is None:
            if not _alive(place):
                run = _result(place) or self._lost(place)
                break
            listener(*_progress(place))
            _pause(place)
        return run

    def alive(self) -> list[str]:
        """The ids of runs whose supervisor lives."""
        return [place.name for place in self._places() if _alive(place)]

    def progress(self) -> tuple[float, str]:
        """How the run at work goes: seconds so far, and its last line."""
        return next((_progress(place) for place in self._places() if _alive(place)), (0.0, ""))

    def cancel_all(self) -> None:
        """End every run, its processes and all, and return when nothing of them lives."""
        for place in self._places():
            with suppress(FileNotFoundError):
                (place / "cancel").touch()
        deadline = time.monotonic() + ENDING_S
        while self.alive() and time.monotonic() < deadline:
            time.sleep(TICK_S / 5)

    def clear(self) -> None:
        """End and forget every run."""
        if not self._folder.is_dir():
            return
        self.cancel_all()
        for place in self._places():
            if _result(place) is None:
                self._lost(place)
        shutil.rmtree(self._folder, ignore_errors=True)

    def _places(self) -> list[Path]:
        return sorted(self._folder.glob("[!.]*")) if self._folder.is_dir() else []

    def _start(self, place: Path, argv: list[str], folder: Path, timeout_s: float, names: Mapping[str, str]) -> None:
        """Begin a run, unless it has begun: the folder appears whole, with its lock held, or not at all."""
        if place.exists():
            return
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = self._folder / f".{place.name}.{secrets.token_hex(4)}"
        draft.mkdir(mode=0o700)
        request = {
            "command": [shutil.which(argv[0]) or argv[0], *argv[1:]],
            "folder": str(folder),
            "environment": {**measured_environment(os.environ, names), MARK: _mark(place)},
            "timeout_s": timeout_s,
        }
        (draft / "request.json").write_text(json.dumps(request), encoding="utf-8")
        lock = take_lock(draft / "alive")
        assert lock is not None, "nobody else knows this folder yet"
        try:
            os.rename(draft, place)
            _spawn(place, lock)
        except OSError:
            shutil.rmtree(draft, ignore_errors=True)
            if not place.exists():
                raise
        finally:
            os.close(lock)

    def _lost(self, place: Path) -> Run:
        """End what a killed supervisor left behind, and forget its run."""
        _end_marked(_mark(place))
        shutil.rmtree(place, ignore_errors=True)
        return LOST


def _spawn(place: Path, lock: int) -> None:
    program = str(Path(__file__).with_name("supervisor.py"))
    python = getattr(sys, "_base_executable", None) or sys.executable
    nothing = subprocess.DEVNULL
    subprocess.run(
        [python, "-I", "-S", "-E", program, str(place)],
        cwd="/",
        env={},
        stdin=nothing,
        stdout=nothing,
        stderr=nothing,
        pass_fds=(lock,),
        start_new_session=True,
        check=True,
    )


def _mark(place: Path) -> str:
    return re.sub(r"[^\w.-]", "_", str(place))[-80:]


def _result(place: Path) -> Run | None:
    try:
        found = json.loads((place / "result.json").read_bytes())
    except (OSError, ValueError):
        return None
    return Run(stdout=_text(place / "stdout"), stderr=_text(place / "stderr"), **found)


def _text(file: Path) -> str:
    try:
        return file.read_bytes().decode(errors="replace")
    except OSError:
        return ""


def _progress(place: Path) -> tuple[float, str]:
    try:
        told = json.loads((place / "progress.json").read_bytes())
    except (OSError, ValueError):
        return 0.0, ""
    return told["seconds"], told["line"]


def _alive(place: Path) -> bool:
    """Whether the supervisor lives: its lock says so, whatever became of its process number."""
    try:
        lock = take_lock(place / "alive", make=False)
    except FileNotFoundError:
        return False
    if lock is None:
        return True
    os.close(lock)
    return False


def _pause(place: Path) -> None:
    """Wait a little, not at all for short runs: the shortest have ended within milliseconds."""
    try:
        age = time.time() - (place / "alive").stat().st_mtime
    except OSError:
        age = 0.0
    time.sleep(min(TICK_S, max(0.003, age / 10)))


def _end_marked(mark: str) -> None:
    """KILL every process that has the mark in its environment, until none is found. Linux only: elsewhere none is found."""
    wanted = f"{MARK}={mark}".encode()
    for _ in range(50):
        found = [int(entry.name) for entry in Path("/proc").glob("[0-9]*") if wanted in _environment(entry)]
        if not found:
            return
        for pid in found:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(TICK_S / 5)


def _environment(entry: Path) -> list[bytes]:
    try:
        return (entry / "environ").read_bytes().split(b"\0")
    except OSError:
        return []
