"""Runs of measured commands: each belongs to a supervisor of its own, and is found again by its id, by any server."""

from __future__ import annotations

import hmac
import json
import logging
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ..storage.disk import read_or_empty, take_lock
from ..text.masking import Masker
from .gpus import VISIBLE, leased
from .isolation import measured_environment
from .leftovers import end_leftovers
from .supervisor import result_digest, result_seal

logger = logging.getLogger(__name__)
TIMEOUT_S = 20.0

_SUPERVISORS = (
    "import os, sys; os.fork() and os._exit(0); sys.path.append(sys.argv[1]);"
    "from autoresearch_mcp.tools.process.supervisors import serve; serve()"
)
"""What the process that forks supervisors runs: this package, behind the standard library on the path. It is nobody's child."""


class ForkServer:
    """Starts the small process when it is first needed, and again whenever it was killed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._line: socket.socket | None = None
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
                self._open()
                self._ask(place, lock)

    def _ask(self, place: Path, lock: int) -> None:
        assert self._line is not None, "opened just before"
        socket.send_fds(self._line, [os.fsencode(place)], [lock])
        if self._line.recv(1) != b".":
            raise ConnectionResetError("the process that starts supervisors has ended")

    def _open(self) -> None:
        self._close()  # what was lost, or is another process's that was forked from
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        ours.settimeout(TIMEOUT_S)
        nothing = subprocess.DEVNULL
        # The interpreter itself: a virtual environment's would look for what nobody needs here.
        python = getattr(sys, "_base_executable", None) or sys.executable
        with theirs:
            subprocess.run(
                [python, "-I", "-S", "-E", "-c", _SUPERVISORS, str(Path(__file__).parents[3])],
                cwd="/",
                env={},
                stdin=theirs.fileno(),
                stdout=nothing,
                stderr=nothing,
                start_new_session=True,
                check=False,
            )
        self._line, self._owner = ours, os.getpid()

    def _close(self) -> None:
        if self._line:
            self._line.close()
        self._line = None


FORK_SERVER = ForkServer()

MARK = "AUTORESEARCH_RUN_ID"
"""A variable of every measured process, by which those of a killed supervisor are found."""
TICK_S = 0.1
ENDING_S = 15.0

Listener = Callable[[float, str], None]
"""Called while a command runs: seconds so far, and the last line it printed."""

Wrap = Callable[[Sequence[str]], list[str]]
"""Makes another argument vector of one."""


@dataclass(frozen=True)
class CommandRun:
    """A finished command. `exit_code` is negative for a signal; output is head and tail, the middle counted.

    `digest` is the SHA-256 of the SHA-256 of standard output followed by that of standard error. `lost` means that it died
    with its supervisor while no server looked, so that nobody knows why. `channel` is what came through the pipe of the
    evaluator. `peak_bytes` is the memory of the whole tree, `leaked` how many processes it left behind.
    `cpu_seconds` are those that the kernel counts, `uncounted_cpu_seconds` what was seen of other processes, at least.
    `left_out` says of which streams how many bytes in the middle are not kept. `reference` are the seconds of a piece of the reference
    workload before and after it, where that was asked for. `gpus` are those that it had for itself, by UUID.
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
    uncounted_cpu_seconds: float = 0.0
    leaked: int = 0
    problem: str = ""
    channel: str = ""
    left_out: Mapping[str, int] = field(default_factory=dict)
    reference: Sequence[float] = ()
    gpus: Sequence[str] = ()


LOST = CommandRun(-9, False, 0.0, "", "", lost=True)
NO_GPU = CommandRun(-1, False, 0.0, "", "", cancelled=True)
"""What a run is that did not begin, because others have the GPUs."""
KILLED = CommandRun(
    -9, False, 0.0, "", "", problem="the process that watched over it was killed, or failed, before it had ended"
)


@dataclass(frozen=True)
class CommandSpec:
    """A shell command to run: in which folder, for at most how many seconds, with which variables beside the ordinary ones.

    `wrap` may put something around the argument vector, such as a sandbox; `channel` is a named pipe to listen to. The
    reference workload before and after it has so many `pieces`. It has so many `gpus` for itself.
    """

    text: str
    folder: Path
    timeout_s: float
    variables: Mapping[str, str] = field(default_factory=dict)
    wrap: Wrap = list
    channel: str = ""
    pieces: int = 0
    gpus: int = 0

    def request(self, place: Path, secret: str) -> dict[str, object]:
        """Return what the supervisor of a run in this folder of ours reads."""
        argv = self.wrap([shutil.which("bash") or "/bin/sh", "-c", self.text])
        return {
            "command": [shutil.which(argv[0]) or argv[0], *argv[1:]],
            "folder": str(self.folder),
            "environment": {**measured_environment(os.environ, self.variables), MARK: _mark(place)},
            "timeout_s": self.timeout_s,
            "channel": self.channel,
            "secret": secret,
            "pieces": self.pieces,
            "gpus": self.variables[VISIBLE].split(",") if self.gpus else [],
            "hidden": Masker(os.environ).known,
        }


def _nobody(seconds: float, line: str) -> None:
    """Default listener: does nothing."""


class Runner:
    """The runs of one repository, each in a folder of its own under `folder`; with an `owner`, a file, each ends once nobody holds
    the lock of that any more.
    """

    def __init__(self, folder: Path, owner: Path | None = None) -> None:
        self._folder = folder
        self._owner = str(owner or "")

    def run(self, command: CommandSpec, id: str = "", listener: Listener = _nobody) -> CommandRun:
        """Run a command to its end or its deadline, or join the run that has this id already.

        The result counts only once the supervisor has ended, and with it all that the command started, and only with the
        supervisor's seal: what the command itself may have written in its place does not. Where the supervisor was killed
        under our eyes, the command ended badly: nobody else is as likely to have done it, and it may not try again.

        Raises:
            Refusal: if this machine has too few GPUs; where others have them, the answer is `NO_GPU`.
        """
        logger.debug("run %s", command.text)
        place = self._folder / (id or secrets.token_hex(10))
        secret = self._start(place, command)
        if secret is None:
            return NO_GPU
        while _alive(place):
            listener(*_progress(place))
            _pause(place)
        return _result(place, secret) or self._lost(place, KILLED if secret else LOST)

    def alive(self) -> list[str]:
        """Return the ids of runs whose supervisor lives."""
        return [place.name for place in self._places() if _alive(place)]

    def progress(self) -> tuple[float, str]:
        """Return how the run at work goes: seconds so far, and its last line."""
        return next((_progress(place) for place in self._places() if _alive(place)), (0.0, ""))

    def tail(self) -> list[str]:
        """Return the last lines that the run at work has printed; none where nothing is at work."""
        place = next((place for place in self._places() if _alive(place)), None)
        lines = _read_progress(place).get("tail", []) if place else []
        return [str(line) for line in lines] if isinstance(lines, list) else []

    def cancel_all(self) -> None:
        """End every run, its processes and all, and return when nothing of them lives."""
        self._cancel(self._places())

    def _cancel(self, places: Sequence[Path]) -> None:
        for place in places:
            with suppress(FileNotFoundError):
                (place / "cancel").touch()
        deadline = time.monotonic() + ENDING_S
        while any(map(_alive, places)) and time.monotonic() < deadline:
            time.sleep(TICK_S / 5)

    def clear(self) -> None:
        """End and forget every run."""
        if not self._folder.is_dir():
            return
        self.cancel_all()
        for place in self._places():
            if not (place / "result.json").exists():
                self._lost(place)
        shutil.rmtree(self._folder, ignore_errors=True)

    def _places(self) -> list[Path]:
        return sorted(self._folder.glob("[!.]*")) if self._folder.is_dir() else []

    def forget(self, id: str) -> None:
        """End and forget one run, if there is any: nobody asked for it."""
        place = self._folder / id
        if place.exists():
            self._cancel([place])
            self._lost(place)

    def _start(self, place: Path, command: CommandSpec) -> str | None:
        """Begin a run, unless it has begun: the folder appears whole, with its lock held, or not at all.

        Returns the secret that its supervisor seals the result with, None where it has no GPU. It is nowhere on disk, where the
        command could read it: of a run that another server began nobody knows it.
        """
        if place.exists():
            return ""
        with leased(command.gpus, place, _alive) as told:
            free = None if told is None else replace(command, variables={**command.variables, **told})
            return self._begin(place, free) if free else None

    def _begin(self, place: Path, command: CommandSpec) -> str:
        secret = secrets.token_hex(16)
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = self._folder / f".{place.name}.{secrets.token_hex(4)}"
        draft.mkdir(mode=0o700)
        request = command.request(place, secret) | {"owner": self._owner}
        (draft / "request.json").write_text(json.dumps(request), encoding="utf-8")
        lock = take_lock(draft / "alive")
        assert lock is not None, "nobody else knows this folder yet"
        try:
            os.rename(draft, place)
            FORK_SERVER.start(place, lock)
        except OSError:
            shutil.rmtree(draft, ignore_errors=True)
            if not place.exists():
                raise
            return ""
        finally:
            os.close(lock)
        return secret

    def _lost(self, place: Path, run: CommandRun = LOST) -> CommandRun:
        """End what a killed supervisor left behind, and forget its run."""
        end_leftovers(place, f"{MARK}={_mark(place)}".encode())
        shutil.rmtree(place, ignore_errors=True)
        return run


def _mark(place: Path) -> str:
    return re.sub(r"[^\w.-]", "_", str(place))[-80:]


def _result(place: Path, secret: str) -> CommandRun | None:
    """Read what the supervisor wrote at its end; None unless it is whole and bears the seal of a secret that is known."""
    streams = [read_or_empty(place / name) for name in ("stdout", "stderr", "channel")]
    try:
        found = json.loads(read_or_empty(place / "result.json"))
        check, seal = found.pop("check"), found.pop("seal")
        if check != result_digest(found, streams) or (
            secret and not hmac.compare_digest(seal, result_seal(secret, check))
        ):
            return None
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    stdout, stderr, channel = (text.decode(errors="replace") for text in streams)
    return CommandRun(stdout=stdout, stderr=stderr, channel=channel, **found)


def _progress(place: Path) -> tuple[float, str]:
    written = _read_progress(place)
    return (written["seconds"], written["line"]) if written else (0.0, "")


def _read_progress(place: Path) -> dict[str, Any]:
    with suppress(OSError, ValueError):
        return dict(json.loads((place / "progress.json").read_bytes()))
    return {}


def _alive(place: Path) -> bool:
    """Tell whether the supervisor lives: its lock says so, whatever became of its process number."""
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
