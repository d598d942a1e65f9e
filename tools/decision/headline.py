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

WIDE = 1.96
"""Standard errors on either side that hold the truth 19 times of 20."""
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
class Estimate:
    """A number and its 95 % interval; the ends are None where the error is not known."""

    value: float
    low: float | None = None
    high: float | None = None

    @property
    def half(self) -> float | None:
        """Half the width of the interval: 0 for a number that repeats; None where it is not known."""
        return None if self.low is None or self.high is None else (self.high - self.low) / 2

    def signed(self, sign: float) -> Estimate:
        """Return the estimate times 1 or -1."""
        if sign > 0:
            return self
        return Estimate(-self.value, _negated(self.high), _negated(self.low))


def _negated(value: float | None) -> float | None:
    return None if value is None else -value


@dataclass(frozen=True)
class Gain:
    """What a better level is worth: the logarithm of a ratio of two if `relative`, else their difference. Positive is better;
    the variance is None where it is not known, 0 for numbers that repeat.
    """

    relative: bool
    gain: float
    variance: float | None = None

    @property
    def _reach(self) -> float | None:
        return None if self.variance is None else WIDE * math.sqrt(self.variance)

    def as_difference(self) -> Estimate:
        """Return the change of a level that is signed so that lower is better."""
        return _estimate(-self.gain, self.variance)

    def as_percent(self, baseline: float) -> Estimate:
        """Return the change in percent of the size of a baseline, signed so that lower is better."""
        sign, reach = math.copysign(1.0, baseline), self._reach
        ends = [100 * sign * (math.exp(-sign * (self.gain + by)) - 1) for by in (0.0, reach or 0.0, -(reach or 0.0))]
        return Estimate(ends[0]) if reach is None else Estimate(ends[0], min(ends), max(ends))

    def falls_short_of(self, claimed: Gain) -> bool:
        """Return whether fresh runs gain less than was claimed, by more than both errors allow; or show no gain at all where
        the claim does. Of runs without a known error nothing is said but that.
        """
        if self.variance is None:
            return self.gain <= 0 < claimed.gain
        room = self._room(self.variance, claimed)
        shows = claimed.gain > (claimed._reach or 0.0)
        return self.gain < claimed.gain - room or (shows and self.gain <= (self._reach or 0.0))

    def exceeds(self, claimed: Gain) -> bool:
        """Return whether fresh runs gain more than was claimed, by more than both errors allow."""
        return self.variance is not None and self.gain > claimed.gain + self._room(self.variance, claimed)

    @staticmethod
    def _room(variance: float, claimed: Gain) -> float:
        return WIDE * math.sqrt(variance + (claimed.variance or 0.0)) + 1e-9 * abs(claimed.gain)


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
        return _estimate(self.baseline, self.variance)

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
        return _estimate(self.level, own if known else None)

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
            return _End(level, self.slope * grown)._unknown()
        size = level**2 if claim.relative else 1.0
        return _End(level, self.slope * grown, self.variance * grown**2 + size * claim.variance)

    def _unknown(self) -> _End:
        return replace(self, variance=None)


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


TRUST = 6.0
"""Runs that what a session knows of the noise counts for, beside the scatter of fresh runs themselves."""


def fresh_gain(
    baseline: Sequence[float], best: Sequence[float], relative: bool, spread: float, exact: bool = False
) -> Gain:
    """Return what pairs of fresh runs say, signed so that lower is better; they have to have one sign if `relative`.

    `spread` is one run's standard deviation as known before, on the same scale; 0 if it is not. Differences within pairs,
    by Student's t: its variance stands for that of a normal distribution.
    """
    pairs = [_ahead(old, new, relative) for old, new in zip(baseline, best, strict=True)]
    gain, count, trust = statistics.fmean(pairs), len(pairs), TRUST if spread else 0.0
    if exact:
        return Gain(relative, gain, 0.0)
    freedom = trust + count - 1
    if freedom <= 2:
        return Gain(relative, gain)
    squares = trust * 2 * spread**2 + sum((one - gain) ** 2 for one in pairs)
    return Gain(relative, gain, squares / freedom / count * freedom / (freedom - 2))


def _ahead(old: float, new: float, relative: bool) -> float:
    return math.copysign(1.0, old) * math.log(old / new) if relative else old - new


def weakest_first(claims: Iterable[KeptClaim]) -> list[KeptClaim]:
    """Return claims with the least evidence first."""
    return sorted(claims, key=lambda claim: claim.evidence)


def _estimate(value: float, variance: float | None) -> Estimate:
    if variance is None:
        return Estimate(value)
    reach = WIDE * math.sqrt(variance)
    return Estimate(value, value - reach, value + reach)


_EXACT_DIGITS = 12


def decimals(half: float) -> int:
    """Return how many decimals a number deserves whose 95 % interval reaches so far on either side.

    Two digits of that reach where it begins with less than 3.55, else one: the rule of the Particle Data Group.
    """
    power = math.floor(math.log10(half))
    return (1 if half / 10.0**power < 3.55 else 0) - power


def rounded(value: float, half: float | None) -> float:
    """Round a number to what its error allows.

    Without an error it keeps what arithmetic did not blur: a whole number all of its digits, any other twelve.
    """
    if not half or not math.isfinite(half):
        return value if value % 1 == 0 else float(f"{value:.{_EXACT_DIGITS}g}")
    return round(value, decimals(half))


def rounded_level(value: float, half: float | None) -> float:
    """Round what was measured to what its error allows, but to no fewer than two digits: a level far below the error of an earlier
    one, as after a large gain, would else be told as 0.
    """
    return rounded(value, None if half is None else min(half, abs(value) / 10))
