"""A gain and its interval, and how many digits of a number its error allows."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

WIDE = 1.96
"""Standard errors on either side that hold the truth 19 times of 20."""


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
    """What a better level is worth: the natural logarithm of a ratio of two if `relative`, else their difference in the metric's
    unit. Positive is better; the variance is None where it is not known, 0 for numbers that repeat.
    """

    relative: bool
    gain: float
    variance: float | None = None

    @property
    def _reach(self) -> float | None:
        return None if self.variance is None else WIDE * math.sqrt(self.variance)

    def as_difference(self) -> Estimate:
        """Return the change of a level that is signed so that lower is better."""
        return estimate_of(-self.gain, self.variance)

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


def estimate_of(value: float, variance: float | None) -> Estimate:
    """Return a number with its 95 % interval, from its variance."""
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
    return round(value, decimals(half)) + 0.0  # which is no -0


def rounded_level(value: float, half: float | None) -> float:
    """Round what was measured to what its error allows, but to no fewer than two digits: a level far below the error of an earlier
    one, as after a large gain, would else be told as 0.
    """
    return rounded(value, None if half is None else min(half, abs(value) / 10))
