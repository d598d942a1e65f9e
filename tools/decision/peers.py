"""Other tools' rules of decision, by name, for comparison. None of them measures the incumbent again."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace

from .judging import NO_THRESHOLD, UNMEASURED, Arm, Finding, Step, Threshold

SCORE = 2.0
"""Median absolute deviations that the MAD ratio asks for."""


@dataclass(frozen=True)
class Median:
    """The median of `runs` runs against the incumbent's, by at least the smallest effect.

    With `confirm` one more run has to win by itself (Claude Autoresearch's noise handling).
    """

    level: float
    runs: int = 3
    confirm: bool = False
    threshold: Threshold = NO_THRESHOLD
    candidate: tuple[float, ...] = ()
    doubt: float = 0.0
    spread: float = 0.0

    def open(self, threshold: Threshold) -> Median:
        """Begin a new proposal."""
        return replace(self, threshold=threshold, candidate=())

    def see(self, arm: Arm, value: float) -> Median:
        """Take one more run in; the incumbent's are not looked at."""
        return self if arm is Arm.INCUMBENT else replace(self, candidate=(*self.candidate, value))

    def finding(self) -> Finding:
        """Decide by the median, then by the confirmation."""
        count = len(self.candidate)
        if count < self.runs:
            return Finding(Step.CANDIDATE, f"{count} of {self.runs} runs.")
        gain = self.level - statistics.median(self.candidate[: self.runs])
        if not _wins(gain, self.threshold):
            return Finding(_loser(gain, self.threshold), f"The median of {self.runs} runs is {gain:.4g} better.", gain)
        if self.confirm and count == self.runs:
            return Finding(
                Step.CANDIDATE, f"The median of {self.runs} runs is {gain:.4g} better; one run to confirm.", gain
            )
        again = self.level - self.candidate[-1]
        if self.confirm and not _wins(again, self.threshold):
            return Finding(Step.NOT_BETTER, f"The confirming run was only {again:.4g} better.", gain)
        return Finding(Step.BETTER, f"The median of {self.runs} runs is {gain:.4g} better.", gain)

    def close(self, kept: bool) -> Median:
        """End the proposal as kept or not."""
        level = statistics.median(self.candidate[: self.runs]) if kept else self.level
        return replace(self, level=level, threshold=NO_THRESHOLD, candidate=())


@dataclass(frozen=True)
class MadRatio:
    """One run, kept if it is ahead by twice the median absolute deviation of all runs so far (pi-autoresearch's score)."""

    level: float
    values: tuple[float, ...]
    threshold: Threshold = NO_THRESHOLD
    candidate: tuple[float, ...] = ()
    doubt: float = 0.0

    @property
    def spread(self) -> float:
        """Median absolute deviation of the session's runs, its own improvements included."""
        return deviation(self.values)

    def open(self, threshold: Threshold) -> MadRatio:
        """Begin a new proposal."""
        return replace(self, threshold=threshold, candidate=())

    def see(self, arm: Arm, value: float) -> MadRatio:
        """Take one more run in."""
        seen = replace(self, values=(*self.values, value))
        return seen if arm is Arm.INCUMBENT else replace(seen, candidate=(value,))

    def finding(self) -> Finding:
        """Decide by the ratio."""
        if not self.candidate:
            return UNMEASURED
        gain = self.level - self.candidate[-1]
        bar = SCORE * self.spread if len(self.values) >= 3 else 0.0
        why = f"{gain:.4g} better; {bar:.4g} needed, which is {SCORE:g} median absolute deviations."
        if _wins(gain, self.threshold) and gain >= bar:
            return Finding(Step.BETTER, why, gain)
        return Finding(_loser(gain, self.threshold), why, gain)

    def close(self, kept: bool) -> MadRatio:
        """End the proposal as kept or not."""
        level = self.candidate[-1] if kept else self.level
        return replace(self, level=level, threshold=NO_THRESHOLD, candidate=())


def deviation(values: Sequence[float]) -> float:
    """Median absolute deviation from the median."""
    middle = statistics.median(values)
    return statistics.median([abs(value - middle) for value in values])


def _wins(gain: float, threshold: Threshold) -> bool:
    return gain > 0 and gain >= threshold.smallest


def _loser(gain: float, threshold: Threshold) -> Step:
    return Step.SIMPLER if gain >= 0 and threshold.simpler else Step.NOT_BETTER
