"""The gain of a whole session: the baseline, moved by what each keep claims, with its 95 % interval.

Two levels measured at different times differ by the gain and by the drift of the machine. A claim was measured in turn
with the incumbent of its time, so the chain of claims has no drift in it. Variances add, by the delta method
(R. A. Dorfman 1938) where ratios meet differences.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from .gain import Estimate, Gain, estimate_of

MEDIAN = math.pi / 2
"""Variance of the median of many runs, in units of that of their mean."""


@dataclass(frozen=True)
class KeptClaim:
    """What one keep claims. `gain` is positive where it is better: the natural logarithm of a ratio of levels if `relative`,
    else a difference in the metric's unit. `variance` is None where it is not known; a keep that was only simpler did not
    `gained`; `takes_back` is the keep that an undo took out.
    """

    iteration: int
    relative: bool
    gain: float
    variance: float | None = None
    gained: bool = True
    takes_back: int = 0

    @property
    def evidence(self) -> float:
        """The claim in standard errors: infinite for one of a metric that repeats, 0 where nothing is known of its error."""
        if self.variance is None:
            return 0.0
        return self.gain / math.sqrt(self.variance) if self.variance > 0 else math.inf


@dataclass(frozen=True)
class Headline:
    """A baseline and the claims on top of it. Levels are signed so that lower is better.

    `variance` is that of the baseline, None where it is not known.
    """

    baseline: float
    variance: float | None = None
    claims: tuple[KeptClaim, ...] = ()

    def keep(self, claim: KeptClaim, undoes: int = 0) -> Headline:
        """Add a claim; of a keep that turns an earlier one round exactly, take out the other's: the code is what it was."""
        rest = tuple(one for one in self.claims if one.iteration != undoes)
        return replace(self, claims=rest if len(rest) < len(self.claims) else (*rest, claim))

    @property
    def standing(self) -> tuple[int, ...]:
        """The keeps that stand: neither those that were taken back, nor what took them back."""
        found = dict[int, None]()
        for claim in self.claims:
            if claim.takes_back in found:
                del found[claim.takes_back]
            else:
                found[claim.iteration] = None
        return tuple(found)

    @property
    def start(self) -> Estimate:
        """The baseline."""
        return estimate_of(self.baseline, self.variance)

    @property
    def best_iteration(self) -> int:
        """The last keep that gained; 0 without one."""
        return next((claim.iteration for claim in reversed(self.claims) if claim.gained), 0)

    @property
    def level(self) -> float:
        """Where the claims lead from the baseline, in the unit of the baseline's machine."""
        return self._end.level

    @property
    def end(self) -> Estimate:
        """The level with the errors of the claims and of the baseline."""
        known = self.variance is not None and self._end.variance is not None
        own = (self._end.variance or 0.0) + self._end.slope**2 * (self.variance or 0.0)
        return estimate_of(self.level, own if known else None)

    @property
    def difference(self) -> Estimate:
        """The level minus the baseline."""
        return self.absolute_gain.as_difference()

    @property
    def percent(self) -> Estimate | None:
        """The difference in percent of the baseline's size; None where no ratio makes sense."""
        return self.gain.as_percent(self.baseline) if self.gain.relative else None

    @property
    def gain(self) -> Gain:
        """All claims together: as a ratio where baseline and level have one sign, else as a difference."""
        if not self.baseline or self.level / self.baseline <= 0:
            return self.absolute_gain
        ratio, own = self.level / self.baseline, self._end.variance
        gain = -math.copysign(1.0, self.baseline) * math.log(ratio)
        # Claims of ratios do not depend on where the baseline stands; differences do.
        slope = (self._end.slope - ratio) / self.baseline
        if abs(slope * self.baseline) < 1e-9 * ratio:
            slope = 0.0
        if own is None or (slope and self.variance is None):
            return Gain(True, gain)
        return Gain(True, gain, (own / self.baseline**2 + slope**2 * (self.variance or 0.0)) / ratio**2)

    @property
    def absolute_gain(self) -> Gain:
        """All claims together as a difference in the metric's unit."""
        slope, own = self._end.slope - 1, self._end.variance
        known = own is not None and (self.variance is not None or slope == 0)
        variance = (own or 0.0) + slope**2 * (self.variance or 0.0) if known else None
        return Gain(False, self.baseline - self.level, variance)

    @cached_property
    def _end(self) -> _End:
        end = _End(self.baseline)
        for claim in self.claims:
            end = end.after(claim)
        return end


@dataclass(frozen=True)
class _End:
    """A level, how far it moves with the baseline, and the variance that the claims give it."""

    level: float
    slope: float = 1.0
    variance: float | None = 0.0

    def after(self, claim: KeptClaim) -> _End:
        level = moved(self.level, claim.relative, claim.gain)
        grown = level / self.level if claim.relative and self.level else 1.0
        if claim.variance is None or self.variance is None:
            return _End(level, self.slope * grown, None)
        size = level**2 if claim.relative else 1.0
        return _End(level, self.slope * grown, self.variance * grown**2 + size * claim.variance)


def moved(level: float, relative: bool, gain: float) -> float:
    """Return a level, signed so that lower is better, after a gain."""
    return level * math.exp(-math.copysign(gain, gain * level)) if relative else level - gain


def headline_from(values: Sequence[float]) -> Headline:
    """Begin a chain at the median of the baseline's runs, signed so that lower is better.

    One run, or fewer than four that differ, say too little to give an error.
    """
    middle, count = statistics.median(values), len(values)
    if count > 1 and len(set(values)) == 1:
        return Headline(middle, 0.0)
    if count < 4:
        return Headline(middle)
    # Student's t instead of the normal distribution: its variance.
    few = (count - 1) / (count - 3)
    return Headline(middle, MEDIAN * statistics.variance(values) / count * few)


def weakest_first(claims: Iterable[KeptClaim]) -> list[KeptClaim]:
    """Return claims with the least evidence first."""
    return sorted(claims, key=lambda claim: claim.evidence)
