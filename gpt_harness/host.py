"""Runs an experiment's code where it can do no harm. Started as a file by `players.py`, with a socket as its input.

torch is imported once, before any secret is near; each job is a fork of this process, behind walls of its own. Whatever
a job leaves behind is ended before its result is told.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib.util
import json
import mmap
import os
import resource
import runpy
import select
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

HERE = Path(__file__).resolve().parent
PROCESS = HERE.parent / "tools" / "process"
LANDLOCK, PROCESSES = PROCESS / "landlock.py", PROCESS / "processes.py"
SUB_REAPER, PARENT_DEATH_SIGNAL = 36, 1
TICK_S = 0.02
SETTLING_S = 3.0
"""What helpers, compilers among them, may take to notice the end of the process that they help."""
_MESSAGE_BYTES = 65_536


def serve() -> None:
    """Do one job after the other until nobody is left who could ask for one."""
    line = socket.socket(fileno=os.dup(0))
    os.dup2(os.open(os.devnull, os.O_RDWR), 0)
    sys.path.insert(0, str(HERE))
    gc.disable()  # what is imported is no garbage, and looking for that takes a tenth of the time
    import torch  # noqa: F401 - so that every fork has it

    import run  # noqa: F401

    gc.freeze()
    gc.enable()
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(SUB_REAPER, 1, 0, 0, 0)
    clock = JobClock()
    while True:
        told, given, _, _ = socket.recv_fds(line, _MESSAGE_BYTES, 3)
        if not told:
            return
        if not given:  # the word to end a job, or a question about it, that had just ended by itself
            continue
        with open(given[0], "rb") as job_file:
            job_file.seek(0)
            job = json.load(job_file)
        files, host = given[1:], os.getpid()
        pid = os.fork()
        if pid == 0:
            _end_with(host)
            line.close()
            _become(job, files)
        for file in files:
            os.close(file)
        line.send(json.dumps(_watch(pid, line, clock)).encode())


# --- The watcher ----------------------------------------------------------------------------------------------------


class JobClock:
    """Processor time of all that this process has started, whether anybody waited for it or not."""

    def __init__(self) -> None:
        try:
            opened = [beside("processes").task_clock(inherited) for inherited in (True, False)]
        except OSError:
            opened = []
        self._counters = opened if opened and min(opened) >= 0 else []

    def seconds(self) -> float:
        """By two counters of the kernel, with and without what this process started. Where it grants none: of what has
        been waited for, and of what runs, if it tells that.
        """
        if self._counters:
            both, own = (int.from_bytes(os.read(counter, 8), sys.byteorder) for counter in self._counters)
            return (both - own) / 1e9
        used, ticks = resource.getrusage(resource.RUSAGE_CHILDREN), 0
        for pid in descendants(os.getpid()):
            with contextlib.suppress(OSError):
                ticks += sum(map(int, Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]))
        return used.ru_utime + used.ru_stime + ticks / os.sysconf("SC_CLK_TCK")


def _watch(pid: int, line: socket.socket, clock: JobClock) -> dict[str, object]:
    """Wait for the end of a job, or for the word to end it; then end all that is left of it."""
    before = clock.seconds()
    status: int | None = None
    with _end_of(pid) as end:
        while status is None:
            watched: list[socket.socket | int] = [line, *end]
            ready = select.select(watched, [], [], None if end else TICK_S)[0]
            if line in ready and line.recv(_MESSAGE_BYTES) == b"clock":
                line.send(json.dumps({"cpu_seconds": clock.seconds() - before}).encode())
            elif line in ready:
                break
            ended, how = os.waitpid(pid, os.WNOHANG)
            status = how if ended else None
    # Of a job that still runs: who has escaped from it, for whoever lost its parent came to us.
    left = set(_children(os.getpid())) - {pid} if status is None else _left_after(SETTLING_S)
    _end_all(pid)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {
        "exit": None if status is None else os.waitstatus_to_exitcode(status),
        "cpu_seconds": clock.seconds() - before,
        "peak_bytes": used.ru_maxrss * (1 if sys.platform == "darwin" else 1024),
        "survivors": len(left),
    }


@contextlib.contextmanager
def _end_of(pid: int) -> Iterator[list[int]]:
    """A descriptor that can be read when a child has ended, so that nobody has to look; none where the kernel has no such thing."""
    try:
        opened = [os.pidfd_open(pid)]
    except (AttributeError, OSError):
        opened = []
    try:
        yield opened
    finally:
        for file in opened:
            os.close(file)


def _left_after(seconds: float) -> set[int]:
    """Who goes on after the end of a job; helpers have a moment to notice it."""
    deadline = time.monotonic() + seconds
    while (left := set(descendants(os.getpid()))) and time.monotonic() < deadline:
        with contextlib.suppress(ChildProcessError):
            os.waitpid(-1, os.WNOHANG)
        time.sleep(TICK_S)
    return left


def _end_all(pid: int) -> None:
    """KILL until nobody is left."""
    while True:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)
        for child in descendants(os.getpid()):
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return
        time.sleep(TICK_S / 4)


def descendants(pid: int) -> list[int]:
    """Every process below one."""
    children = _children(pid)
    return [*children, *(below for child in children for below in descendants(child))]


def _children(pid: int) -> list[int]:
    """The processes that one started or was left with, as the kernel tells; none where it does not."""
    found: list[int] = []
    with contextlib.suppress(OSError):
        for task in os.listdir(f"/proc/{pid}/task"):
            found += map(int, Path(f"/proc/{pid}/task/{task}/children").read_text().split())
    return found


# --- The job --------------------------------------------------------------------------------------------------------


def _end_with(host: int) -> None:
    """Have the kernel end this process when its host ends, however that is: who judges may be killed at the same moment."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PARENT_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != host:  # that was before the kernel knew
        os._exit(1)


def _become(job: dict[str, Any], files: list[int]) -> NoReturn:
    """Be the job, in this process; never returns."""
    code = 1
    try:
        _settle(job, files)
        code = _ended(lambda: _PARTS[job["part"]](job, files))
    except BaseException as error:  # noqa: BLE001 - a forked child must never go on as its parent
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
    finally:
        with contextlib.suppress(BaseException):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def _settle(job: dict[str, Any], files: list[int]) -> None:
    """A session, a folder, an environment, limits and walls of its own, and no file of its parent's."""
    os.setsid()
    os.dup2(2, 1)
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    for file in set(range(3, max([2, *files]) + 1024)).difference(files):
        with contextlib.suppress(OSError):
            os.close(file)
    os.chdir(job["folder"])
    os.environ.clear()
    os.environ.update(job["environment"])
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if job["walls"]:
        beside("landlock").confine(**job["walls"])


def beside(name: str) -> Any:  # noqa: ANN401 - a module that is a file of its own
    """A file of the package that needs nothing else of it; OSError where the harness was copied without it."""
    file = PROCESS / f"{name}.py"
    found = importlib.util.spec_from_file_location(name, file)
    if not (found and found.loader and file.is_file()):
        raise OSError(f"{file} is missing")
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


def _ended(part: Callable[[], None]) -> int:
    """Run a part as a script would be run, and say its exit status."""
    try:
        part()
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return end.code or 0
        sys.stderr.write(f"{end.code}\n")
        return 1
    except BaseException:  # noqa: BLE001 - as the interpreter does at its top
        sys.excepthook(*sys.exc_info())
        return 1
    return 0


def _train(job: dict[str, Any], files: list[int]) -> None:
    import run
    from spec import Budget

    require_usable(job["shape"]["device"])
    budget = Budget.parse(job["budget"])
    run.JOINED.append(run.Joined(socket.socket(fileno=files[0]), run.Shape(**job["shape"]), job["seed"], budget))
    runpy.run_path(job["code"], run_name="__main__")


def require_usable(device: str) -> None:
    """Look that torch can use a device: the driver may know a GPU that this build of torch does not.

    Raises:
        SystemExit: with the cure.
    """
    import torch

    kind = device.partition(":")[0]
    found = torch.accelerator.current_accelerator(check_available=True)
    if kind != "cpu" and (found is None or found.type != kind):
        cure = f'Install a build for it ({sys.executable}), or set device = "cpu" in gpt.toml'
        sys.exit(f"torch {torch.__version__} cannot use {device}. {cure} before a session.")


def _predict(job: dict[str, Any], files: list[int]) -> None:
    """Answer rows of tokens with logits, both in shared memory, until nobody asks."""
    import numpy as np
    import torch
    from safetensors.torch import load_file

    import run
    from pinned import pinned

    line, shape = socket.socket(fileno=files[0]), run.Shape(**job["shape"])
    shared = mmap.mmap(files[1], 0)
    places = job["rows"] * shape.sequence_length
    asked = np.frombuffer(shared, np.int32, places).reshape(job["rows"], -1)
    answers = torch.frombuffer(shared, dtype=torch.float32, count=places * shape.vocabulary, offset=places * 4)
    weights = load_file(job["weights"], device=shape.device)
    torch.manual_seed(0)
    with torch.no_grad(), pinned(answers, shape.device):
        model = runpy.run_path(job["code"], run_name="experiment")["predictor"](weights, shape)
        line.send(b"ready")
        while told := line.recv(_MESSAGE_BYTES):
            rows = int(told)
            logits = model(torch.from_numpy(asked[:rows].astype(np.int64)).to(shape.device))
            wanted = (rows, shape.sequence_length, shape.vocabulary)
            if tuple(logits.shape) != wanted:
                sys.exit(f"predictor gave logits of shape {tuple(logits.shape)}, not {wanted}")
            answers[: logits.numel()].copy_(logits.reshape(-1))
            line.send(b"done")


_PARTS = {"train": _train, "predict": _predict}

if __name__ == "__main__":
    serve()
    os._exit(0)  # to take apart what torch has loaded takes a tenth of a second of the processor
