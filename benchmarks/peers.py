"""Other tools' rules of decision, for comparison. None of them measures the incumbent again."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace

from autoresearch_mcp.tools.decision.exact import Median, loses, wins
from autoresearch_mcp.tools.decision.judging import NO_THRESHOLD, UNMEASURED, Arm, Finding, Step, Threshold

SCORE = 2.0
"""Median absolute deviations that the MAD ratio asks for."""


@dataclass(frozen=True)
class Confirmed(Median):
    """The median, and one more run that has to win by itself (Claude Autoresearch's noise handling)."""

    def finding(self) -> Finding:
        """Decide by the median, then by the confirmation."""
        found = super().finding()
        if found.step is not Step.BETTER:
            return found
        if len(self.candidate) == self.runs:
            return Finding(Step.CANDIDATE, f"{found.why} One run to confirm.", found.gain)
        again = self.level - self.candidate[-1]
        if not wins(again, self.threshold):
            return Finding(Step.NOT_BETTER, f"The confirming run was only {again:.4g} better.", found.gain)
        return found


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

    def see(self, arm: Arm, value: float, seed: int = 0) -> MadRatio:
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
        if wins(gain, self.threshold) and gain >= bar:
            return Finding(Step.BETTER, why, gain)
        return Finding(loses(gain, self.threshold), why, gain)

    def close(self, kept: bool) -> MadRatio:
        """End the proposal as kept or not."""
        level = self.candidate[-1] if kept else self.level
        return replace(self, level=level, threshold=NO_THRESHOLD, candidate=())


def deviation(values: Sequence[float]) -> float:
    """Median absolute deviation from the median."""
    middle = statistics.median(values)
    return statistics.median([abs(value - middle) for value in values])
