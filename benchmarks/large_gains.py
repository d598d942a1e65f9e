"""What is told of large gains: simulated sessions whose changes take a half to a sixtieth of the time, at noise of 3 to 25 %.

`python benchmarks/large_gains.py [SESSIONS]` drives the product's own rule; each session tries six changes, of which two
gain. Runs scatter by a share of their own level; on a busy machine some of them take up to five times as long.
"""

from __future__ import annotations

import math
import statistics
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random

from autoresearch_mcp.tools.decision.calibration import baseline_runs, judge_from
from autoresearch_mcp.tools.decision.gain import WIDE
from autoresearch_mcp.tools.decision.judging import Arm, Step, Threshold
from autoresearch_mcp.tools.plan.model import Plan

SESSIONS, TRIES, GAINING = 200, 6, (1, 3)
TIMES = (2, 5, 20, 60)


def steady(share: float) -> Callable[[Random], float]:
    """What one run adds to the logarithm of its time, on a quiet machine."""
    return lambda rng: share * rng.gauss(0, 1)


def loaded(share: float, chance: float, most: float) -> Callable[[Random], float]:
    """The same where a run is held up with a chance, and takes up to `most` times as long."""
    return lambda rng: share * rng.gauss(0, 1) + (math.log(rng.uniform(1, most)) if rng.random() < chance else 0.0)


def heavy(share: float) -> Callable[[Random], float]:
    """Student's t with 3 degrees."""
    return lambda rng: share * rng.gauss(0, 1) / math.sqrt(rng.gammavariate(1.5, 2.0))


MACHINES = {
    "scatters by 3 %": steady(0.03),
    "by 10 %": steady(0.1),
    "by 25 %": steady(0.25),
    "by 10 %, heavy tails": heavy(0.1),
    "by 3 %, 3 runs of 10 up to x2": loaded(0.03, 0.3, 2),
    "by 10 %, 4 runs of 10 up to x5": loaded(0.1, 0.4, 5),
}


@dataclass(frozen=True)
class Told:
    """One keep: the logarithm of how many times as fast it truly is, what it claims, and the standard error of that."""

    true: float
    gain: float
    error: float


def session(noise: Callable[[Random], float], times: float, rng: Random) -> Iterator[Told]:
    """Every keep of one session."""
    incumbent, values = 0.0, list[float]()

    def run(level: float) -> float:
        return 100 * math.exp(level + noise(rng))

    while len(values) < baseline_runs("auto", values):
        values.append(run(incumbent))
    judge = judge_from(Plan(), values, range(len(values)))
    for number in range(TRIES):
        candidate = incumbent - (math.log(times) if number in GAINING else 0.0)
        judge = judge.open(Threshold())
        while not (found := judge.finding()).step.decided:
            arm = Arm.CANDIDATE if found.step is Step.CANDIDATE else Arm.INCUMBENT
            judge = judge.see(arm, run(candidate if arm is Arm.CANDIDATE else incumbent), found.seed or 0)
        judge = judge.close(found.step is Step.BETTER)
        if found.step is Step.BETTER:
            assert found.claim is not None
            assert found.claim.variance is not None
            yield Told(incumbent - candidate, found.claim.gain, math.sqrt(found.claim.variance))
            incumbent = candidate


def main(sessions: int) -> None:
    """Print one line for each machine and size."""
    print("| one run | times as fast | kept | told / true | 95 % interval holds the truth |\n|---|---|---|---|---|")
    for name, noise in MACHINES.items():
        for times in TIMES:
            seeds = [Random(f"{name}, {times}, {index}") for index in range(sessions)]
            found = [told for rng in seeds for told in session(noise, times, rng) if told.true]
            ratio = statistics.fmean(told.gain / told.true for told in found)
            held = statistics.fmean(abs(told.gain - told.true) <= WIDE * told.error for told in found)
            share = len(found) / len(GAINING) / sessions
            print(f"| {name} | {times} | {share:.0%} | {ratio:.2f} | {held:.0%} |", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else SESSIONS)
