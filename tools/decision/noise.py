"""What a session knows of a noisy metric: its level now, how much one run scatters, how fast the machine drifts.

A bank of small Kalman filters follows the incumbent's level and, while a proposal is open, what the candidate adds to
it. Each filter believes in another speed of drift; the one that has predicted best speaks. Surprises are clipped, so
that no single freak run decides (a robust, "Huberised" filter), and the noise is learnt from every run, old ones fading.

Sources: R. E. Kalman 1960 for the filter; P. D. Magill 1965 for a bank of them weighted by likelihood; P. J. Huber 1964
for the clipping. The constants were tuned by simulation; `benchmarks/decision.py` measures what they achieve.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from .judging import Arm

DRIFTS = (0.01, 0.03, 0.1, 0.3)
"""Variance that the level may gain in one step, in units of one run's variance."""
CLIP = 2.5
"""Standard deviations beyond which a surprise counts no more."""
PRIOR_VARIANCE = 4.0
"""How large effects are expected to be: variance, in units of one run's variance."""
FADE = 0.99
"""Weight that each further run leaves to the earlier ones in the estimate of the noise."""


@dataclass(frozen=True, slots=True)
class Filter:
    """One belief about drift. Variances are in units of one run's variance.

    `covariance` holds level with level, level with effect, and effect with effect.
    """

    drift: float
    level: float
    effect: float = 0.0
    covariance: tuple[float, float, float] = (1.0, 0.0, 0.0)
    runs: float = 0.0
    squares: float = 0.0
    logs: float = 0.0

    @property
    def variance(self) -> float:
        """Estimate of one run's variance."""
        return self.squares / self.runs if self.runs else 0.0

    @property
    def likelihood(self) -> float:
        """Logarithm of how well the past was predicted, up to a constant."""
        return -self.runs / 2 * math.log(max(self.variance, 1e-300)) - self.logs / 2

    def passed(self) -> Filter:
        """Let one step of time pass: the level may have drifted."""
        level, pair, effect = self.covariance
        return replace(self, covariance=(level + self.drift, pair, effect))

    def opened(self) -> Filter:
        """Begin with a new candidate, of which nothing is known."""
        return replace(self, effect=0.0, covariance=(self.covariance[0], 0.0, PRIOR_VARIANCE))

    def closed(self) -> Filter:
        """Drop the candidate; what was learnt of the level stays."""
        return replace(self, effect=0.0, covariance=(self.covariance[0], 0.0, 0.0))

    def placed(self, middle: float, runs: int) -> Filter:
        """Take the candidate's runs at their word, without a prior: for an effect far beyond any that was expected."""
        level = self.covariance[0]
        return replace(self, effect=middle - self.level, covariance=(level, -level, level + 1 / runs))

    def adopted(self) -> Filter:
        """Make the candidate the new incumbent."""
        level, pair, effect = self.covariance
        return replace(
            self, level=self.level + self.effect, effect=0.0, covariance=(level + 2 * pair + effect, 0.0, 0.0)
        )

    def after(self, value: float, arm: Arm, limit: float, fade: float, scored: bool) -> Filter:
        """Return the belief after one more run; `limit` is the largest surprise that counts, in standard deviations of a run."""
        level, pair, effect = self.covariance
        surprise, to_level, to_effect = value - self.level, level, pair
        if arm is Arm.CANDIDATE:
            surprise, to_level, to_effect = surprise - self.effect, level + pair, pair + effect
        spread = 1 + to_level + (to_effect if arm is Arm.CANDIDATE else 0.0)
        bound = limit * math.sqrt(spread)
        runs, squares, logs = self.runs, self.squares, self.logs
        if scored:
            runs = fade * runs + 1
            squares = fade * squares + min(surprise * surprise, bound * bound) / spread
            logs = fade * logs + math.log(spread)
        step = max(-bound, min(bound, surprise)) / spread
        less = (
            level - to_level * to_level / spread,
            pair - to_level * to_effect / spread,
            effect - to_effect * to_effect / spread,
        )
        moved = self.level + to_level * step, self.effect + to_effect * step
        return Filter(self.drift, *moved, less, runs, squares, logs)


@dataclass(frozen=True)
class Bank:
    """All beliefs together. `floor` is the least standard deviation that is believed, from the metric's own rounding."""

    filters: tuple[Filter, ...]
    floor: float

    @cached_property
    def best(self) -> Filter:
        """The belief that has predicted best."""
        return max(self.filters, key=lambda belief: belief.likelihood)

    @cached_property
    def sigma(self) -> float:
        """Standard deviation of one run, in the metric's unit."""
        return max(self.floor, math.sqrt(self.best.variance))

    def passed(self) -> Bank:
        """Let one step of time pass without a run."""
        return replace(self, filters=tuple(belief.passed() for belief in self.filters))

    def opened(self) -> Bank:
        """Begin with a new candidate."""
        return replace(self, filters=tuple(belief.opened() for belief in self.filters))

    def closed(self) -> Bank:
        """Drop the candidate."""
        return replace(self, filters=tuple(belief.closed() for belief in self.filters))

    def placed(self, middle: float, runs: int) -> Bank:
        """Take the candidate's runs at their word."""
        return replace(self, filters=tuple(belief.placed(middle, runs) for belief in self.filters))

    def adopted(self) -> Bank:
        """Make the candidate the new incumbent."""
        return replace(self, filters=tuple(belief.adopted() for belief in self.filters))

    def surprise(self, value: float) -> float:
        """Return how far a run lies above what the incumbent should give now, in standard deviations."""
        best = self.best
        return (value - best.level) / (self.sigma * math.sqrt(1 + best.covariance[0] + best.drift))

    def fed(self, value: float, arm: Arm, limit: float = CLIP) -> Bank:
        """Take one more run in, after one step of time."""
        reach = limit * self.sigma
        seen = (belief.passed().after(value, arm, reach, FADE, scored=True) for belief in self.filters)
        return replace(self, filters=tuple(seen))

    def met(self, value: float, limit: float = CLIP) -> Bank:
        """Take in the first run of a candidate: it may be far off, so it teaches nothing of the noise and is clamped first."""
        reach, seen = limit * self.sigma, []
        for belief in (belief.passed() for belief in self.filters):
            room = reach * math.sqrt(belief.covariance[0] + 1)
            near = max(belief.level - room, min(belief.level + room, value))
            seen.append(belief.after(near, Arm.CANDIDATE, math.inf, FADE, scored=False))
        return replace(self, filters=tuple(seen))

    def moved(self, level: float, variance: float) -> Bank:
        """Set the level afresh, because the effect was too large for the clipped estimate."""
        placed = (
            replace(belief, level=level, covariance=(variance, *belief.covariance[1:])) for belief in self.filters
        )
        return replace(self, filters=tuple(placed))

    def scaled(self, factor: float, place: Callable[[float], float]) -> Bank:
        """Give all beliefs on another scale: distances times `factor`, the incumbent's level put to its `place` there."""
        placed = (
            replace(
                belief, level=place(belief.level), effect=belief.effect * factor, squares=belief.squares * factor**2
            )
            for belief in self.filters
        )
        return Bank(tuple(placed), self.floor * factor)

    def widened(self, variance: float) -> Bank:
        """Make the level a little less sure."""
        wider = (
            replace(belief, covariance=(belief.covariance[0] + variance, *belief.covariance[1:]))
            for belief in self.filters
        )
        return replace(self, filters=tuple(wider))


def calibrated(values: Sequence[float]) -> Bank:
    """Make a bank from runs of the incumbent, at least two of which differ, in the order in which they were made."""
    middle = statistics.median(values)
    scale = 1.3 * 1.4826 * statistics.median([abs(value - middle) for value in values])
    reach = CLIP * (scale or 0.3 * statistics.stdev(values))
    near = [max(middle - reach, min(middle + reach, value)) for value in values]
    gaps = [abs(a - b) for place, a in enumerate(values) for b in values[:place] if a != b]
    filters = []
    for drift in DRIFTS:
        belief = Filter(drift, near[0])
        for value in near[1:]:
            belief = belief.passed().after(value, Arm.INCUMBENT, math.inf, 1.0, scored=True)
        filters.append(belief)
    return Bank(tuple(filters), 0.25 * min(gaps))
