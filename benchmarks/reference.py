"""Whether the reference workload beside a run takes scatter off its wall-clock time: `python benchmarks/reference.py [RUNS]`.

The product's own supervisor runs a real workload of about 0.7 s on 2 cores while neighbours come and go, one pattern after
another. Two arms with the same code take turns, four runs each make a try. Printed for each pattern: the scatter of the
in-turn differences as measured, and corrected by the reference with a slope learnt within the arms of all tries so far;
the ratio of the variances with an interval from resampling whole tries; and what the workload took of the run's time.
"""

from __future__ import annotations

import math
import random
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from autoresearch_mcp.tools.process.reference import PIECE_S, pieces_for
from autoresearch_mcp.tools.process.runner import CommandSpec, Runner

RUNS, TRY, STEEPEST = 32, 4, 1.5
WORKLOAD = """
import hashlib, json
text = json.dumps({str(n): [n, n * 7 % 1001, "x" * (n % 17)] for n in range(20000)})
for _ in range(2):
    found = json.loads(text); found = sorted(found.items(), key=lambda item: item[1][1])
    total = sum(len(item[1][2]) * item[1][0] for item in found)
    digest = hashlib.sha256(text.encode()).hexdigest()
for _ in range(400000):
    total = (total * 31 + 7) % 1000003
"""
HOG = "while True: pass"
MEMORY_HOG = "m = bytearray(1 << 26)\nwhile True: n = m[::64]"
COMING = """
import random, time, sys
r = random.Random(int(sys.argv[1]))
while True:
    time.sleep(r.expovariate(1 / 3))
    end = time.monotonic() + r.expovariate(1 / 3)
    while time.monotonic() < end: pass
"""
PATTERNS = {
    "nothing of ours": (),
    "one neighbour all the time": (HOG,),
    "three neighbours all the time": (HOG, HOG, HOG),
    "two neighbours, coming and going": (COMING, COMING),
    "five neighbours, coming and going": (COMING,) * 5,
    "two that use memory": (MEMORY_HOG, MEMORY_HOG),
}
Run = tuple[float, float]
"""Hundredths of the natural logarithm: of the run's seconds, and of the mean seconds of a reference piece beside it."""


@contextmanager
def neighbours(programs: Sequence[str]) -> Iterator[None]:
    """Run programs beside us; they end with us."""
    with ExitStack() as stack:
        for number, program in enumerate(programs):
            command = ["timeout", "600", sys.executable, "-c", program, str(number)]
            process = stack.enter_context(subprocess.Popen(command))
            stack.callback(process.terminate)
        yield


def measured(runner: Runner, folder: Path, pieces: int) -> tuple[Run, float]:
    """Run the workload once, and return what it took and the share that the reference took beside it."""
    run = runner.run(CommandSpec(f"{sys.executable} -S work.py", folder, 120.0, pieces=pieces))
    assert run.exit_code == 0, run.stderr
    reference = statistics.fmean(run.reference)
    return (100 * math.log(run.seconds), 100 * math.log(reference)), 2 * pieces * reference / run.seconds


def tries_under(programs: Sequence[str], folder: Path, runs: int) -> tuple[list[tuple[list[Run], list[Run]]], float]:
    """Return tries of two arms that took turns, and the share that the reference took."""
    runner, shares, tries = Runner(folder / "runs"), [], []
    first = runner.run(CommandSpec(f"{sys.executable} -S work.py", folder, 120.0))
    pieces = pieces_for(first.seconds)
    assert pieces, f"the workload took {first.seconds:.3f} s, pieces take {PIECE_S} s"
    with neighbours(programs):
        for _ in range(runs // TRY):
            arms: tuple[list[Run], list[Run]] = ([], [])
            for _ in range(TRY):
                for arm in arms:
                    run, share = measured(runner, folder, pieces)
                    arm.append(run)
                    shares.append(share)
            tries.append(arms)
    return tries, statistics.fmean(shares)


def slopes(tries: Sequence[tuple[list[Run], list[Run]]]) -> list[float]:
    """Return the slope that was known at each try, learnt within the arms of those before it."""
    both = squares = 0.0
    known = []
    for arms in tries:
        known.append(min(STEEPEST, max(0.0, both / squares)) if squares else 0.0)
        for arm in arms:
            times, references = zip(*arm, strict=True)
            middle, at = statistics.fmean(times), statistics.fmean(references)
            both += sum((time - middle) * (reference - at) for time, reference in arm)
            squares += sum((reference - at) ** 2 for reference in references)
    return known


def differences(arms: tuple[list[Run], list[Run]], slope: float) -> list[float]:
    """Return the in-turn differences of a try in percent, corrected by the reference."""
    ours, theirs = ([time - slope * reference for time, reference in arm] for arm in arms)
    return [a - b for a, b in zip(ours, theirs, strict=True)]


def ratio(plain: Sequence[Sequence[float]], corrected: Sequence[Sequence[float]]) -> float:
    """Return the variance of corrected differences over that of plain ones; their true mean is 0."""
    return sum(d * d for t in corrected for d in t) / sum(d * d for t in plain for d in t)


def interval(
    plain: Sequence[Sequence[float]], corrected: Sequence[Sequence[float]], of: Callable[..., float]
) -> tuple[float, float]:
    """Return the 5 % and 95 % points of a figure when whole tries are drawn again."""
    chance, found = random.Random(1), []
    for _ in range(2000):
        drawn = chance.choices(range(len(plain)), k=len(plain))
        found.append(of([plain[n] for n in drawn], [corrected[n] for n in drawn]))
    found.sort()
    return found[100], found[1900]


def main() -> None:
    """Print a row for each pattern."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else RUNS
    print("| neighbours | sd of a difference, % | corrected | variance ratio (90 %) | last slope | reference took |")
    print("|---|---|---|---|---|---|")
    for name, programs in PATTERNS.items():
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place)
            (folder / "work.py").write_text(WORKLOAD)
            tries, share = tries_under(programs, folder, runs)
        known = slopes(tries)
        plain = [differences(arms, 0.0) for arms in tries]
        corrected = [differences(arms, slope) for arms, slope in zip(tries, known, strict=True)]
        low, high = interval(plain, corrected, ratio)
        before, after = (math.sqrt(statistics.fmean(d * d for t in sets for d in t)) for sets in (plain, corrected))
        figures = f"{ratio(plain, corrected):.2f} ({low:.2f} to {high:.2f}) | {known[-1]:.2f} | {100 * share:.1f} %"
        print(f"| {name} | {before:.1f} | {after:.1f} | {figures} |", flush=True)


if __name__ == "__main__":
    main()
