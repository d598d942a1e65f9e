"""How far each commit's own scatter may lie from the session's, learnt from its races, and tests that allow for it.

A test that pools the scatter of all commits keeps noisy ones falsely; one that trusts only the few runs at hand finds
nothing. Between them stands Student's t with the session's variance as a prior worth `nu` runs (empirical Bayes, as in
G. K. Smyth 2004, "Linear models and empirical Bayes methods"); how much that prior is worth is learnt, as a mixture over
four values of `nu`, from each race's ratio of variances, which follows Fisher's F.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace

WORTH = (2.0, 5.0, 15.0, 100.0)
"""Runs that the session's variance may be worth beside a commit's own."""
PRIOR = (0.125, 0.125, 0.25, 0.5)
TRIMMED = (2.7, 2.15, 1.88, 1.73, 1.62, 1.55, 1.49, 1.44, 1.4)
"""Makes up, for 4 to 12 values, for the farthest one that is left out of a sum of squares; by simulation of Gaussian values."""
REACH = 4.0
"""Standard deviations from the median beyond which a value counts no more in a mean."""


@dataclass(frozen=True)
class Own:
    """The scatter of one arm's own runs: squares about the mean, and degrees of freedom."""

    squares: float
    degrees: int


def own(values: Sequence[float]) -> Own:
    """Measure the scatter of some runs; from four on without the one farthest from the median, so that no freak counts."""
    if len(values) < 4:
        return Own(squares(values), max(0, len(values) - 1))
    middle = statistics.median(values)
    near = sorted(values, key=lambda value: abs(value - middle))[:-1]
    return Own(squares(near) * TRIMMED[min(len(values) - 4, len(TRIMMED) - 1)], len(values) - 2)


def squares(values: Sequence[float]) -> float:
    """Sum up the squares of the distances from the mean."""
    mean = math.fsum(values) / len(values) if values else 0.0
    return math.fsum((value - mean) ** 2 for value in values)


def middle(values: Sequence[float], sigma: float) -> float:
    """Return the mean of some runs, each no farther than `REACH` standard deviations from their median."""
    centre, reach = statistics.median(values), REACH * sigma
    return statistics.fmean(max(centre - reach, min(centre + reach, value)) for value in values)


@dataclass(frozen=True)
class Scatter:
    """What is believed of the worth of the session's variance: a weight for each of `WORTH`."""

    weights: tuple[float, ...] = PRIOR

    @property
    def alike(self) -> bool:
        """Whether commits scatter much alike."""
        return self.weights[2] + self.weights[3] >= 0.5

    def learnt(self, seen: Own, variance: float) -> Scatter:
        """Take in how far the scatter of one change lay from the session's `variance`."""
        if not seen.degrees or variance <= 0:
            return self
        ratio = max(1e-9, seen.squares / seen.degrees / variance)
        logs = [
            math.log(weight) + _log_density(ratio, seen.degrees, nu)
            for weight, nu in zip(self.weights, WORTH, strict=True)
        ]
        most = max(logs)
        raised = [max(1e-6, math.exp(log - most)) for log in logs]
        return replace(self, weights=tuple(weight / sum(raised) for weight in raised))

    def in_turn(self, change: Sequence[float], incumbent: Sequence[float], sigma: float) -> float:
        """Return the evidence, as a normal deviate, that the runs of a change lie below those of the incumbent."""
        gain = middle(incumbent, sigma) - middle(change, sigma)
        ours, theirs, chance = own(change), own(incumbent), 0.0
        for weight, nu in zip(self.weights, WORTH, strict=True):
            error = math.sqrt(_variance(ours, nu, sigma) / len(change) + _variance(theirs, nu, sigma) / len(incumbent))
            chance += weight * upper_tail(normal(gain / error, nu + ours.degrees + theirs.degrees))
        return deviate(chance)

    def paired(self, differences: Sequence[float], sigma: float) -> float:
        """Return the evidence, as a normal deviate, that differences which scatter by `sigma` lie above zero."""
        mean, seen, chance = middle(differences, sigma), own(differences), 0.0
        for weight, nu in zip(self.weights, WORTH, strict=True):
            variance = (nu * sigma**2 + seen.squares) / (nu + seen.degrees)
            t = mean / math.sqrt(variance / len(differences))
            chance += weight * upper_tail(normal(t, nu + seen.degrees))
        return deviate(chance)


UNLEARNT = Scatter()


def _variance(seen: Own, nu: float, sigma: float) -> float:
    return max(sigma**2, (nu * sigma**2 + seen.squares) / (nu + seen.degrees))


def _log_density(ratio: float, first: float, second: float) -> float:
    """Logarithm of the density of Fisher's F, up to what does not depend on `second`."""
    return (
        math.lgamma((first + second) / 2)
        - math.lgamma(second / 2)
        + first / 2 * math.log(first / second)
        - (first + second) / 2 * math.log1p(first * ratio / second)
    )


def normal(t: float, freedom: float) -> float:
    """Return Student's t with `freedom` degrees as a normal deviate (D. L. Wallace 1959)."""
    bent = math.sqrt(freedom * math.log1p(t * t / freedom)) * (8 * freedom + 1) / (8 * freedom + 3)
    return math.copysign(bent, t)


def upper_tail(z: float) -> float:
    """Return the chance that a standard normal value lies above `z`."""
    return 0.5 * math.erfc(z / math.sqrt(2))


def deviate(chance: float) -> float:
    """Return the standard normal value that is exceeded with this chance."""
    return -statistics.NormalDist().inv_cdf(max(1e-300, min(1 - 1e-16, chance)))
