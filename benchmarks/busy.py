"""What a session finds on a machine that is busy on purpose: real sessions on real git, with a neighbour at full load.

`python benchmarks/busy.py` prints figures beside their goals. Two parts; name one to run only that:

- `ten`: a program of pure Python with `read = "cpu"`. A change that does 10 % less work should be kept within ten runs of
  its iteration, one that does nothing should not be kept.
- `one`: a verify of 50 ms of processor time, `effort = "thorough"`, at most 600 runs. A change that uses 1 % less of the
  whole should be kept within a minute of runs, in nine tries of ten; one that does nothing should not be kept. Once with
  `read = "cpu"`, which scatters as this machine does, and once by a number that the program prints with 1 % of noise.

The load is one process a core but one, ended with the benchmark, also where it is killed, and after an hour at the latest.
Each try is a session of its own. Nothing else should run: what else does is printed.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from autoresearch_mcp.tools.lab.access import Lab
from autoresearch_mcp.tools.measurement.load import load_now
from autoresearch_mcp.tools.measurement.quiet import scatter
from autoresearch_mcp.tools.plan.model import Effort, Plan
from autoresearch_mcp.tools.verbs.loop import Loop
from autoresearch_mcp.tools.verbs.sessions import Sessions

TRIES = 10
LONGEST_S = 3600
TEN_RUNS, MINUTE_S, ENOUGH = 10, 60.0, 9
MOST_RUNS, MANY_RUNS = Plan.model_fields["max_runs"].default, 600
PYTHON = f"{sys.executable} -I -S"
BURN = f"""
import os, sys, time
parent, end = int(sys.argv[1]), time.monotonic() + {LONGEST_S}
while time.monotonic() < end and os.getppid() == parent:
    pass
"""
# The loops stand in a file, so that a change of them changes nothing else of the program.
WORK = """
total, loops = 0, int(open("src/loops.txt").read())
for number in range(loops):
    total += number * number
"""
PRINT = """
import random
print(f"METRIC loops={loops * random.gauss(1, 0.01)}")
"""
CPU, PRINTED = {"read": "cpu"}, {"read": "line", "metric": "loops", "direction": "lower"}


@dataclass(frozen=True)
class Tried:
    """One try: whether it was kept, after how many runs, which took how many seconds, and the baseline's scatter."""

    kept: bool
    runs: int
    run_s: float
    call_s: float
    scatter: float


def main(parts: Sequence[str]) -> None:
    """Run the named parts, or all."""
    known: dict[str, Callable[[], None]] = {"ten": ten, "one": one}
    before = load_now()
    print(f"{before.cores} cores, load {before.average:.1f} before the benchmark", flush=True)
    for part in parts or known:
        with busy(max(1, before.cores - 1)):
            known[part]()
    print(f"load {load_now().average:.1f} after it")


def ten() -> None:
    """A tenth less work, and a change of nothing."""
    loops = calibrated(0.2)
    better = [tried(loops, round(0.9 * loops), Effort.NORMAL) for _ in range(TRIES)]
    placebo = [tried(loops, loops, Effort.NORMAL) for _ in range(TRIES)]
    in_time = sum(one.kept and one.runs <= TEN_RUNS for one in better)
    print(f"\n10 % less work, verify of {1000 * cpu_of(loops):.0f} ms of processor time")
    show("10 % better", better, f"kept: {kept(better)}, within {TEN_RUNS} runs: {in_time} of {TRIES} (goal: {TRIES})")
    show("placebo", placebo, f"kept: {kept(placebo)} of {TRIES} (goal: 0)")


def one() -> None:
    """One per cent of the whole command less, and a change of nothing."""
    loops = calibrated(0.05)
    whole, start = cpu_of(loops), cpu_of(0)
    fewer = round(loops * (1 - 0.01 * whole / (whole - start)))
    told = f"verify of {1000 * whole:.0f} ms of processor time, of which {1000 * start:.0f} ms are its start"
    for read, less in ((CPU, fewer), (PRINTED, round(0.99 * loops))):
        better = [tried(loops, less, Effort.THOROUGH, MANY_RUNS, read) for _ in range(TRIES)]
        placebo = [tried(loops, loops, Effort.THOROUGH, MANY_RUNS, read) for _ in range(TRIES)]
        in_time = sum(one.kept and one.run_s <= MINUTE_S for one in better)
        result = f"kept: {kept(better)}, within {MINUTE_S:.0f} s of runs: {in_time} of {TRIES} (goal: {ENOUGH})"
        print(f"\n1 % less by {read['read']}, {told}")
        show("1 % better", better, result)
        show("placebo", placebo, f"kept: {kept(placebo)} of {TRIES} (goal: 0)")


def kept(tries: Sequence[Tried]) -> int:
    """How many were kept, however long that took."""
    return sum(one.kept for one in tries)


def show(name: str, tries: Sequence[Tried], result: str) -> None:
    """Print one line of figures: medians over the tries."""
    middle = {
        word: statistics.median(float(getattr(one, word)) for one in tries)
        for word in ("runs", "run_s", "call_s", "scatter")
    }
    print(
        f"  {name:<12} {result}; medians: {middle['runs']:.0f} runs, {middle['run_s']:.1f} s of runs in a call of "
        f"{middle['call_s']:.1f} s, one run scatters by {100 * middle['scatter']:.2g} %",
        flush=True,
    )


def tried(loops: int, changed: int, effort: Effort, most_runs: int = MOST_RUNS, read: Mapping[str, str] = CPU) -> Tried:
    """Try one change in a session of its own."""
    with repository(loops, PRINT if read is PRINTED else "") as root:
        plan = Plan.model_validate(
            {
                "goal": "less work",
                "scope": ("src/**",),
                "protected": ("work.py",),
                **read,
                "verify": f"{PYTHON} work.py",
                "effort": effort.value,
                "max_runs": most_runs,
            }
        )
        lab = Lab(root, allow_commands=True)
        started = Sessions(lab).start_session(plan)
        (root / "src/loops.txt").write_text(f"{changed}\n")
        (root / "src/note.txt").write_text("another try\n")  # a placebo changes something as well
        began = time.monotonic()
        answer = Loop(lab).iterate("another number of loops")
        call_s = time.monotonic() - began
        assert answer.status is not None, answer.why
        assert answer.effect is not None, answer.why
        run_s = lab.for_reading().rows()[-1].seconds
        return Tried(answer.status.kept, answer.effect.runs, run_s, call_s, scatter(started.samples[1:]))


@contextmanager
def repository(loops: int, also: str = "") -> Iterator[Path]:
    """A new repository with the program."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "src").mkdir()
        (root / "src/loops.txt").write_text(f"{loops}\n")
        (root / "work.py").write_text(WORK + also)
        for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "a program"]):
            identity = ["-c", "user.name=bench", "-c", "user.email=bench@localhost"]
            subprocess.run(["git", *identity, *words], cwd=root, check=True)
        yield root


@contextmanager
def busy(processes: int) -> Iterator[None]:
    """Burn so many processors meanwhile."""
    burning = [subprocess.Popen([sys.executable, "-I", "-S", "-c", BURN, str(os.getpid())]) for _ in range(processes)]
    try:
        yield
    finally:
        for process in burning:
            process.kill()
            process.wait()


def calibrated(seconds: float) -> int:
    """How many loops take so many seconds of processor time, with the start of the program."""
    many = 1_000_000
    start = cpu_of(0)
    return round(many * (seconds - start) / (cpu_of(many) - start))


def cpu_of(loops: int) -> float:
    """The processor time of the program: the median of nine runs, in seconds."""
    with repository(loops) as root:
        used = []
        for _ in range(9):
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            subprocess.run([*PYTHON.split(), "work.py"], cwd=root, check=True)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            used.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
        return statistics.median(used)


@contextmanager
def own_git() -> Iterator[None]:
    """An identity for the server's commits, and no settings of the machine."""
    with tempfile.TemporaryDirectory() as home:
        (Path(home) / "gitconfig").write_text("[user]\n name = bench\n email = bench@localhost\n")
        os.environ |= {"GIT_CONFIG_GLOBAL": f"{home}/gitconfig", "XDG_CACHE_HOME": f"{home}/cache", "HOME": home}
        yield


if __name__ == "__main__":
    with own_git():
        main(sys.argv[1:])
