"""How often a gain stands in pairs of runs in clean checkouts: one that is real, and one that only something made that git lacks.

`python benchmarks/recheck.py` prints the table of docs/decision.md. Each gain is first found by a race, with what that knows.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable

from autoresearch_mcp.tools.decision.judging import Arm, Step, Threshold
from autoresearch_mcp.tools.decision.race import Race, race_from
from autoresearch_mcp.tools.decision.recheck import recheck

SESSIONS = 1000
GAINS = (1, 2, 4, 8)
LEVEL = 1000.0
Draw = Callable[[random.Random, float], tuple[float, float]]


def normal(draw: random.Random, gain: float) -> tuple[float, float]:
    """Draw what the runs of a pair are off the level, change and incumbent: independent, with a standard deviation of 1."""
    return draw.gauss(0, 1) - gain, draw.gauss(0, 1)


def heavy(draw: random.Random, gain: float) -> tuple[float, float]:
    """Draw from Student's t with three degrees of freedom, scaled to the same standard deviation."""
    ours, theirs = (draw.gauss(0, 1) / math.sqrt(draw.gammavariate(1.5, 2)) for _ in range(2))
    return ours - gain, theirs


def shared(draw: random.Random, gain: float) -> tuple[float, float]:
    """Draw nine tenths of the variance from the seed, which both have, and a gain that varies by a third of a deviation."""
    seed = math.sqrt(0.9) * draw.gauss(0, 1)
    ours, theirs = (seed + math.sqrt(0.1) * draw.gauss(0, 1) for _ in range(2))
    return ours - gain - (draw.gauss(0, 0.3) if gain else 0), theirs


def varied(draw: random.Random, gain: float) -> tuple[float, float]:
    """Draw a gain that varies by two and a half deviations from seed to seed."""
    ours, theirs = normal(draw, gain)
    return ours - (draw.gauss(0, 2.5) if gain else 0), theirs


def race(draw: random.Random, noise: Draw, gain: float) -> tuple[Race, list[float]] | None:
    """Race a change against the incumbent: the decided race and its differences, None where it ends without a keep."""
    known = race_from([LEVEL + noise(draw, 0)[1] for _ in range(5)], 3.6).open(Threshold())
    runs: dict[Arm, list[float]] = {Arm.CANDIDATE: [], Arm.INCUMBENT: []}
    pairs: list[tuple[float, float]] = []
    while not (step := known.finding().step).decided:
        arm = Arm.CANDIDATE if step is Step.CANDIDATE else Arm.INCUMBENT
        seed = len(runs[arm])
        if seed == len(pairs):
            pairs.append(noise(draw, gain))
        runs[arm].append(LEVEL + pairs[seed][arm is Arm.INCUMBENT])
        known = known.see(arm, runs[arm][-1], seed)
    if step is not Step.BETTER:
        return None
    (ours, theirs), (new, old) = runs.values(), known.counted
    ours, theirs = ours[-new:], theirs[-old:]
    return known, [(theirs[at] if at < len(theirs) else known.level) - value for at, value in enumerate(ours)]


def stood(noise: Draw, gain: float, real: bool, unseen: tuple[str, ...]) -> tuple[float, float]:
    """Return in how many of the sessions that found a gain it stood, in percent, and the mean number of pairs."""
    draw, standing, pairs, races = random.Random(1), 0, 0, 0
    for _ in range(SESSIONS):
        if (won := race(draw, noise, gain)) is None:
            continue
        known, found = won
        seen: list[float] = []
        stands = None
        while stands is None:
            ours, theirs = noise(draw, gain if real else 0)
            seen.append(theirs - ours)
            stands = recheck(seen, found, known.finding().gain, known.spread, unseen).stands
        standing, pairs, races = standing + stands, pairs + len(seen), races + 1
    return 100 * standing / races, pairs / races


def main() -> None:
    """Print the table: where nothing was seen to have stayed, and where something was."""
    print("| noise | gain / sd | nothing seen: real | pairs | not | something seen: real | pairs | not | pairs |")
    print("|---|---|---|---|---|---|---|---|---|")
    for noise in (normal, heavy, shared, varied):
        for gain in GAINS if noise is normal else GAINS[1:]:
            (one, few), (none, _) = (stood(noise, gain, real, ()) for real in (True, False))
            (real, pairs), (unreal, longer) = (stood(noise, gain, real, ("build/",)) for real in (True, False))
            print(
                f"| {noise.__name__} | {gain} | {one:.1f} % | {few:.1f} | {none:.2g} % | {real:.1f} % | {pairs:.1f} "
                f"| {unreal:.2g} % | {longer:.1f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
