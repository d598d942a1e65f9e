"""Times `solver.py` against the reference of its task: `python evaluate.py`; `python evaluate.py --check` only looks at answers.

`algotune.py prepare` puts this file beside a solver as `evaluate.py`. Each run draws instances that nobody has seen. The
reference and the solver get them in turn, each in a process of its own, once each; the first instance warms up. What is
counted is processor time, of all threads together (BLAS has one), from the instance's arrival to the answer's end, read by
this process from the kernel. What it costs to carry the instance in and the answer out is measured here and taken off.

The solver's process can read programs and libraries, write to a folder that goes with the run, and has no network, no sight
of this process and no other process beside it when it answers. Its answer comes back as plain data (numbers, containers,
arrays, sparse matrices) and is judged here by the task's own `is_solution`. A wrong answer ends with status 1 and no number.

Linux with Landlock. Prints `METRIC time_ratio=...`, the solver's time over the reference's: lower is better.
"""

from __future__ import annotations

import ctypes
import gc
import hashlib
import importlib.util
import io
import json
import logging
import os
import pickle
import secrets
import select
import struct
import sys
import tempfile
import time
import timeit
import traceback
import types
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

SESSION_SEEDS = range(2**30)
FRESH_SEEDS = range(2**30, 2**31)
"""Seeds of runs during a session, and of the final score: no run of a session can have met the latter's instances."""
REFERENCE, SOLVER = "reference", "solver"
TASK_FILE, SOLVER_FILE, SETTINGS_FILE = "judge/task.py", "solver.py", "judge/settings.json"
SETUP_S, ANSWER_S, LARGEST = 120.0, 60.0, 1 << 28
ONE_THREAD = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL", "NUMEXPR")}
_SUBREAPER = 36
_PLAIN = {
    *(
        (module, name)
        for module in ("numpy._core.multiarray", "numpy.core.multiarray")
        for name in ("_reconstruct", "scalar")
    ),
    *(("numpy", name) for name in ("ndarray", "dtype")),
    *(("builtins", name) for name in ("complex", "set", "frozenset", "bytearray", "range", "slice")),
    *((f"scipy.sparse._{kind}", f"{kind}_{form}") for kind in ("csr", "csc", "coo") for form in ("matrix", "array")),
    ("_codecs", "encode"),
    ("collections", "OrderedDict"),
}
"""Everything but literals that an answer may consist of; none of it runs code of the solver's."""

Solve = Callable[[Any], Any]


class WrongError(Exception):
    """The solver failed, cheated or answered wrongly."""


def load_task(file: Path) -> Any:  # noqa: ANN401 - a class of the benchmark's
    """Return the task of a file of the benchmark's. Its base class needs a whole framework; here it gets an empty one."""
    base = types.ModuleType("AlgoTuneTasks.base")
    base.Task = type("Task", (), {"__init__": lambda self, **_: None})  # type: ignore[attr-defined]
    base.register_task = lambda _: lambda cls: cls  # type: ignore[attr-defined]
    sys.modules |= {"AlgoTuneTasks": types.ModuleType("AlgoTuneTasks"), "AlgoTuneTasks.base": base}
    _module(file)
    return base.Task.__subclasses__()[0]()


def _module(file: Path) -> types.ModuleType:
    spec = importlib.util.spec_from_file_location(file.stem, file)
    module = importlib.util.module_from_spec(spec)
    sys.modules[file.stem] = module
    spec.loader.exec_module(module)
    return module


class _PlainData(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:  # noqa: ANN401 - whatever is allowed
        if (module, name) not in _PLAIN:
            raise pickle.UnpicklingError(f"it has to be plain data, and holds {module}.{name}")
        return super().find_class(module, name)


def packed(value: object) -> bytes:
    """Return a value as it crosses to another process."""
    return pickle.dumps(value, 4)


def _send(place: int, data: bytes) -> None:
    rest = memoryview(struct.pack("=Q", len(data)) + data)
    while rest:
        rest = rest[os.write(place, rest) :]


def _receive(place: int, patience_s: float = 1e6) -> bytes:
    end = time.monotonic() + patience_s

    def read(size: int) -> bytes:
        found = bytearray()
        while len(found) < size:
            if not select.select([place], [], [], max(0.0, end - time.monotonic()))[0]:
                raise WrongError(f"no answer within {patience_s:.0f} s")
            part = os.read(place, min(size - len(found), 1 << 20))
            if not part:
                raise EOFError
            found += part
        return bytes(found)

    (size,) = struct.unpack("=Q", read(8))
    if size > LARGEST:
        raise WrongError(f"an answer of {size} bytes")
    return read(size)


class Arm:
    """The process of one of the two: a fork of this one before any instance is drawn, so that libraries are loaded once."""

    def __init__(self, role: str, solve: Callable[[], Solve], landlock: Any, place: Path) -> None:  # noqa: ANN401 - a module
        place.mkdir()
        self.role, self._warm = role, False
        theirs, self._to = os.pipe()
        self._from, ours = os.pipe()
        self.pid = os.fork()
        if not self.pid:
            try:
                _enclose(place, landlock, keep=(theirs, ours))
                _work(solve, theirs, ours)
            finally:
                os._exit(1)
        os.close(theirs)
        os.close(ours)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for process in [*_below(self.pid), self.pid]:
            with suppress(ProcessLookupError):
                os.kill(process, 9)
        os.waitpid(self.pid, 0)
        os.close(self._to)
        os.close(self._from)

    def _spent_s(self) -> float:
        """Processor time of its threads, and of children that it has waited for, which the kernel keeps in ticks."""
        fields = Path(f"/proc/{self.pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        ended = (int(fields[13]) + int(fields[14])) / os.sysconf("SC_CLK_TCK")
        return time.clock_gettime((~self.pid << 3) | 2) + ended

    def ask(self, instance: bytes) -> tuple[bytes, float]:
        """Return the answer, still packed, and the processor time that it took."""
        before = self._spent_s() if self._warm else 0.0
        try:
            _send(self._to, instance)
            reply = _receive(self._from, ANSWER_S if self._warm else SETUP_S)
            spent = self._spent_s() - before
        except (EOFError, OSError) as error:
            raise WrongError(f"the {self.role}'s process ended") from error
        if _children(self.pid):
            raise WrongError(f"the {self.role} has other processes beside it when it answers")
        if reply[:1] != b"+":
            raise WrongError(f"the {self.role} failed:\n{reply[1:].decode(errors='replace')[-3000:]}")
        self._warm = True
        return reply[1:], spent


def _children(pid: int) -> set[int]:
    found = []
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):  # a thread that ends meanwhile
            found += path.read_text(encoding="ascii").split()
    return set(map(int, found))


def _below(pid: int) -> set[int]:
    found = _children(pid)
    return found.union(*map(_below, found))


@dataclass(frozen=True)
class Answer:
    """What one arm made of one instance; `spent_s` with the way in and out."""

    value: Any
    spent_s: float
    way_out_s: float


def _cost_s(work: Callable[[], object]) -> float:
    return min(timeit.repeat(work, timer=time.thread_time, number=1, repeat=2))


def _asked(arm: Arm, instance: bytes) -> Answer:
    data, spent = arm.ask(instance)
    try:
        value = _PlainData(io.BytesIO(data)).load()
    except Exception as error:
        raise WrongError(f"the {arm.role}'s answer cannot be read: {error}") from error
    return Answer(value, spent, _cost_s(lambda: packed(value)))


@contextmanager
def _arms(folder: Path, task: Any, roles: Sequence[str]) -> Iterator[list[Arm]]:  # noqa: ANN401 - a class of the benchmark's
    # Whatever an arm detaches becomes our child, and is seen.
    ctypes.CDLL(None).prctl(_SUBREAPER, 1, 0, 0, 0)
    landlock = _module(folder / "judge" / "landlock.py")
    with tempfile.TemporaryDirectory(prefix="algotune-") as place, ExitStack() as stack:
        source = (folder / SOLVER_FILE).read_bytes()
        solves = {REFERENCE: lambda: task.solve, SOLVER: lambda: _solver_from(source)}
        stack.callback(_end_orphans)
        yield [stack.enter_context(Arm(role, solves[role], landlock, Path(place, role))) for role in roles]


def _end_orphans() -> None:
    while found := _children(os.getpid()):
        for orphan in found:
            os.kill(orphan, 9)
            os.waitpid(orphan, 0)


@dataclass(frozen=True)
class Timing:
    """Mean seconds an instance of either arm, without the way in and out."""

    reference_s: float
    solver_s: float

    @property
    def ratio(self) -> float:
        """The solver's time over the reference's."""
        return self.solver_s / self.reference_s


def measure(folder: Path, seeds: Sequence[int], *, timed: bool = True) -> tuple[int, Timing | None]:
    """Ask both arms of a prepared folder, or only the solver, for answers to new instances; return their first seed as well.

    Raises:
        WrongError: if the solver fails, leaves processes, or gives an answer that the task's own check refuses.
    """
    logging.disable()  # the tasks' checks tell their reasons there, at length
    os.environ |= ONE_THREAD  # before a task imports what reads it
    settings = json.loads((folder / SETTINGS_FILE).read_text(encoding="utf-8"))
    task = load_task(folder / TASK_FILE)
    with _arms(folder, task, [REFERENCE, SOLVER] if timed else [SOLVER]) as arms:
        seed = secrets.choice(seeds)
        places = range(settings["instances"] + 1)
        instances = [packed(task.generate_problem(n=settings["n"], random_seed=seed + place)) for place in places]
        rows = []
        for instance in instances:
            rows.append([_asked(arm, instance) for arm in arms])
            if strangers := _children(os.getpid()) - {arm.pid for arm in arms}:
                raise WrongError(f"{len(strangers)} processes were detached")
    for place, (instance, row) in enumerate(zip(instances, rows, strict=True)):
        try:
            valid, why = task.is_solution(pickle.loads(instance), row[-1].value), ""
        except Exception as error:  # noqa: BLE001 - the tasks' checks trust the form of an answer
            valid, why = False, f" ({type(error).__name__}: {error})"
        if not valid:
            raise WrongError(f"a wrong answer to generate_problem(n={settings['n']}, random_seed={seed + place}){why}")
    return seed, _timing(instances[1:], rows[1:]) if timed else None


def _timing(instances: Sequence[bytes], rows: Sequence[Sequence[Answer]]) -> Timing:
    sums = [0.0, 0.0]
    for instance, row in zip(instances, rows, strict=True):
        way_in = _cost_s(lambda instance=instance: pickle.loads(instance))
        for arm, answer in enumerate(row):
            # An answer that is dearer to carry than the reference's pays for that itself. A twentieth stays in any
            # case: below that the difference of two times says nothing.
            way = way_in + min(answer.way_out_s, row[0].way_out_s)
            sums[arm] += max(answer.spent_s - way, answer.spent_s / 20)
    return Timing(sums[0] / len(rows), sums[1] / len(rows))


def _enclose(place: Path, landlock: Any, keep: tuple[int, int]) -> None:  # noqa: ANN401 - a module
    """Leave this process two of its files, a folder, and programs and libraries to read."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for standard in range(3):
        os.dup2(nowhere, standard)
    for open_file in {int(name) for name in os.listdir("/proc/self/fd")} - {0, 1, 2, *keep}:
        with suppress(OSError):
            os.close(open_file)
    os.setsid()
    os.chdir(place)
    homes = dict.fromkeys(("HOME", "TMPDIR", "NUMBA_CACHE_DIR", "XDG_CACHE_HOME"), str(place))
    for name in os.environ.keys() - {"PATH", *ONE_THREAD}:
        del os.environ[name]
    os.environ |= homes
    tempfile.tempdir, sys.dont_write_bytecode = None, True
    programs = [*("/usr", "/lib", "/lib64", "/bin", "/etc", "/sys", "/opt"), sys.prefix, sys.base_prefix]
    facts = ["/proc/self", "/proc/cpuinfo", "/proc/meminfo", "/dev/urandom", os.devnull]
    landlock.confine([*programs, *facts], [], [str(place), os.devnull])


def _solver_from(source: bytes) -> Solve:
    file = Path(SOLVER_FILE).absolute()
    file.write_bytes(source)
    return _module(file).Solver().solve


def _work(begin: Callable[[], Solve], instances: int, out: int) -> None:
    """Be an arm: answer instances until they end."""
    gc.disable()  # collecting what was just carried in costs more than many an answer
    solve: Solve | None = None
    while True:
        try:
            instance = _receive(instances)
        except EOFError:
            return
        try:
            solve = solve or begin()
            reply = b"+" + packed(solve(pickle.loads(instance)))
        except BaseException:  # noqa: BLE001 - whatever it is, the judge is told
            reply = b"-" + traceback.format_exc().encode(errors="replace")
        _send(out, reply)


def main(arguments: Sequence[str]) -> int:
    """Measure or check the solver beside this file, and append the run to the log that the settings name."""
    folder, timed = Path(__file__).resolve().parent, "--check" not in arguments
    version = hashlib.sha256((folder / SOLVER_FILE).read_bytes()).hexdigest()[:12]
    ran: dict[str, Any] = {"at": round(time.time()), "version": version, "timed": timed, "valid": False}
    try:
        seed, timing = measure(folder, SESSION_SEEDS, timed=timed)
        ran |= {"valid": True, "ratio": timing and timing.ratio}
        print(f"all answers to instances of seed {seed} are valid")
    except WrongError as error:
        timing = None
        print(f"invalid: {error}")
    if timing:
        told = f"reference {timing.reference_s * 1e3:.3f} ms, solver {timing.solver_s * 1e3:.3f} ms an instance"
        print(f"{told}: {1 / timing.ratio:.2f}x\nMETRIC time_ratio={timing.ratio:.5f}")
    if log := json.loads((folder / SETTINGS_FILE).read_text(encoding="utf-8"))["log"]:
        with Path(log).open("a", encoding="utf-8") as file:
            file.write(json.dumps(ran) + "\n")
    return 0 if ran["valid"] else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
