"""What a try may cost: how soon it is given up, and how many runs it may take, by the effort that a plan asks for."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ..plan.model import Effort


@dataclass(frozen=True)
class Stakes:
    """How much is spent on one try. `cap` is the most runs of it that count, both arms together; `sentinel` the tries after which
    the incumbent is run once more, if no race has run it. `higher` is added to every bar, because more looks are taken.

    A try is given up when its gain and `hope` standard errors of it stay below a floor, in standard deviations of one run:
    `floors` after one, two, and more runs of the change; without them, the smallest gain that the cap can see.
    """

    floors: tuple[float, ...]
    hope: float
    sentinel: int
    cap: int
    higher: float = 0.0

    def floor(self, runs: int, bar: float) -> float:
        """Return below which gain a change is given up after so many runs of it, in standard deviations of one run.

        The gain that the cap can see is one whose evidence is expected to reach the bar there: cap / 2 runs of either arm
        tell it to a standard error of 2 / sqrt(cap).
        """
        if not self.floors:
            return 2 * bar / math.sqrt(self.cap)
        return self.floors[min(runs, len(self.floors)) - 1]


NORMAL = Stakes((0.75, 0.9, 1.0), 0.0, 8, 32)
QUICK = Stakes((0.9, 1.1, 1.2), 0.0, 12, 12)
THOROUGH = Stakes((), 2.5, 8, 60, 0.5)


STAKES = {Effort.QUICK: QUICK, Effort.NORMAL: NORMAL, Effort.THOROUGH: THOROUGH}


def stakes_for(effort: Effort, most_runs: int) -> Stakes:
    """Return what a try may cost by a plan's effort; `most_runs` other than 0 replaces the effort's own cap."""
    stakes = STAKES[effort]
    return replace(stakes, cap=most_runs) if most_runs else stakes


def confidence_for(error_rate: float) -> float:
    """Return the bar, in standard errors, for an accepted chance that a session of 100 tries keeps anything false.

    Interpolates bars that `benchmarks/decision.py` measured.
    """
    known: Sequence[tuple[float, float]] = ((0.01, 3.95), (0.05, 3.6), (0.2, 3.1))
    (left, high), (right, low) = known[:2] if error_rate <= known[1][0] else known[1:]
    slope = (low - high) / math.log(right / left)
    return max(2.0, min(5.0, high + slope * math.log(error_rate / left)))


def longer(tries: int) -> float:
    """Return by how much a session of so many tries raises its bars, so that a long night promises what a short one does."""
    return 0.2 + 0.55 * math.log10(tries / 100) if tries > 100 else 0.0
