"""Rules without a race: for a metric that repeats exactly, and the median of as many runs as a plan names."""

from __future__ import annotations

import statistics
from dataclasses import dataclass, replace
from typing import Self

from .gain import Gain
from .judging import NO_THRESHOLD, UNMEASURED, Arm, Finding, Judge, Step, Threshold
from .race import race_from
from .stakes import NORMAL, Stakes

FRESH_RUNS = 4
"""Fresh runs of the incumbent from which noise is learnt when it shows late."""


@dataclass(frozen=True)
class Exact:
    """Compares single runs, and turns into a race for good as soon as two runs of the same code differ.

    A gain is one only once it was run again, change and incumbent each in a clean checkout; a `greedy` rule believes one run.
    `confidence` and `stakes` are for the race.
    """

    level: float
    greedy: bool = False
    confidence: float = 3.6
    stakes: Stakes = NORMAL
    threshold: Threshold = NO_THRESHOLD
    candidate: tuple[float, ...] = ()
    incumbent: tuple[float, ...] = ()

    @property
    def doubt(self) -> float:
        """No noise is known."""
        return 0.0

    @property
    def spread(self) -> float:
        """No noise is known."""
        return 0.0

    def open(self, threshold: Threshold) -> Exact:
        """Begin a new proposal, or a new attempt at the same one."""
        return replace(self, threshold=threshold, candidate=())

    def settled(self, candidate: float, incumbent: float) -> Exact:
        """Take the numbers of both arms, measured side by side, for the numbers that count from now on."""
        return replace(self, candidate=(candidate, candidate), level=incumbent)

    def see(self, arm: Arm, value: float, seed: int = 0, moved: bool = False) -> Judge:
        """Take one more run in."""
        if arm is Arm.CANDIDATE:
            return replace(self, candidate=(*self.candidate, value))
        seen = replace(self, incumbent=(*self.incumbent, value))
        return seen._racing() if seen.noisy and len(seen.incumbent) >= FRESH_RUNS else seen

    @property
    def noisy(self) -> bool:
        """Return whether two runs of the same code have differed."""
        return len({self.level, *self.incumbent}) > 1 or len(set(self.candidate)) > 1

    def _racing(self) -> Judge:
        scatter = [self.level + value - self.candidate[0] for value in self.candidate[1:]]
        race: Judge = race_from([*scatter, self.level, *self.incumbent], self.confidence, self.stakes)
        if not self.candidate:
            return race
        race = race.open(self.threshold)
        for value in self.candidate:
            race = race.see(Arm.CANDIDATE, value)
        return race

    def finding(self) -> Finding:
        """Return whose run is next, or what one run has shown."""
        if self.noisy:
            return Finding(Step.INCUMBENT, "The same code gave two different numbers: the metric is noisy after all.")
        if not self.candidate:
            return UNMEASURED
        gain = self.level - self.candidate[-1]
        step, why = _compared(gain, self.threshold)
        if step is not Step.NOT_BETTER and len(self.candidate) == 1 and not self.greedy:
            return Finding(
                Step.CANDIDATE, f"{why} It is run once more: does it repeat?", gain, claim=Gain(False, gain, 0.0)
            )
        return Finding(step, why, gain, gain, gain, claim=Gain(False, gain, 0.0))

    def close(self, kept: bool) -> Exact:
        """End the proposal as kept or not."""
        level = self.candidate[-1] if kept else self.level
        return replace(self, level=level, threshold=NO_THRESHOLD, candidate=(), incumbent=())


def _compared(gain: float, threshold: Threshold) -> tuple[Step, str]:
    if gain > 0 and gain >= threshold.smallest:
        return Step.BETTER, f"Better by {gain:.6g}."
    if gain >= 0 and threshold.simpler:
        return Step.SIMPLER, "Not worse, and simpler."
    if gain > 0:
        least = f"less than the smallest effect worth keeping ({threshold.smallest:.6g})"
        return Step.NOT_BETTER, f"Better by {gain:.6g}, {least}."
    return Step.NOT_BETTER, "Equal to the incumbent." if gain == 0 else f"Worse by {-gain:.6g}."


@dataclass(frozen=True)
class Median:
    """The median of `runs` runs against the incumbent's, by at least the smallest effect, where a plan names a number of runs.

    The incumbent is never measured again, so nothing bounds the chance that a kept change is luck.
    """

    level: float
    runs: int = 3
    threshold: Threshold = NO_THRESHOLD
    candidate: tuple[float, ...] = ()
    doubt: float = 0.0
    spread: float = 0.0

    def open(self, threshold: Threshold) -> Self:
        """Begin a new proposal."""
        return replace(self, threshold=threshold, candidate=())

    def see(self, arm: Arm, value: float, seed: int = 0, moved: bool = False) -> Self:
        """Take one more run in; the incumbent's are not looked at."""
        return self if arm is Arm.INCUMBENT else replace(self, candidate=(*self.candidate, value))

    def finding(self) -> Finding:
        """Decide by the median."""
        count = len(self.candidate)
        if count < self.runs:
            return Finding(Step.CANDIDATE, f"{count} of {self.runs} runs.")
        gain = self.level - statistics.median(self.candidate[: self.runs])
        step = Step.BETTER if wins(gain, self.threshold) else loses(gain, self.threshold)
        return Finding(
            step, f"The median of {self.runs} runs is {gain:.4g} better.", gain, claim=Gain(False, gain, 0.0)
        )

    def close(self, kept: bool) -> Self:
        """End the proposal as kept or not."""
        level = statistics.median(self.candidate[: self.runs]) if kept else self.level
        return replace(self, level=level, threshold=NO_THRESHOLD, candidate=())


def wins(gain: float, threshold: Threshold) -> bool:
    """Return whether a gain is one, and at least the smallest that counts."""
    return gain > 0 and gain >= threshold.smallest


def loses(gain: float, threshold: Threshold) -> Step:
    """Return what a gain that does not win is worth."""
    return Step.SIMPLER if gain >= 0 and threshold.simpler else Step.NOT_BETTER
