"""The runs of one proposal, change and incumbent in turn, and what they show by themselves."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from .judging import Arm
from .noise import PRIOR_VARIANCE
from .scatter import middle, own

FAR = 5.0
"""Standard deviations beyond which an effect is so plain that no shrinking is called for."""
FAR_RUNS = 3
"""Runs that have to agree on such an effect: within as much, or within a share `AGREE` of the effect."""
AGREE = 0.5
WORTH = 4.0
"""Runs of each arm that the session's scatter is worth, beside the arm's own."""
LONG = 8
"""Runs from which on the arms are run in a fixed order, whatever teaches most."""


@dataclass(frozen=True)
class Turns:
    """All runs count, in order. `seeds` are those of the change's, `their_seeds` of the incumbent's. `held` is a first run of
    the change that waits for the incumbent's; `moved` says that the machine was known to have changed beside it. `doubted` is
    a run of the incumbent that waits for a second one; `spent` counts runs from before the level moved.
    """

    candidate: tuple[float, ...] = ()
    incumbent: tuple[float, ...] = ()
    seeds: tuple[int, ...] = ()
    their_seeds: tuple[int, ...] = ()
    held: float | None = None
    moved: bool = False
    doubted: float | None = None
    spent: int = 0

    @property
    def count(self) -> int:
        """All runs of the proposal that are done with."""
        return self.spent + len(self.candidate) + len(self.incumbent)

    @property
    def differences(self) -> list[float]:
        """What the change was ahead by, run by run: the k-th runs of the arms have one seed."""
        return [theirs - ours for ours, theirs in zip(self.candidate, self.incumbent, strict=False)]

    def seed_for(self, arm: Arm) -> int | None:
        """Return the seed of the next run of an arm, which is that of its partner in the other; None without one."""
        mine, other = (self.seeds, self.their_seeds) if arm is Arm.CANDIDATE else (self.their_seeds, self.seeds)
        return other[len(mine)] if len(mine) < len(other) else None

    def placed(self, place: Callable[[float], float]) -> Turns:
        """Give all runs on another scale, each at its `place` there."""
        return replace(
            self,
            candidate=tuple(map(place, self.candidate)),
            incumbent=tuple(map(place, self.incumbent)),
            held=None if self.held is None else place(self.held),
            doubted=None if self.doubted is None else place(self.doubted),
        )

    def far_off(self, level: float, sigma: float) -> bool:
        """Return whether enough runs agree on an effect that a clipped filter would take long to believe."""
        reach, ahead = FAR * sigma, level - max(self.candidate)
        agree = max(self.candidate) - min(self.candidate) < max(reach, AGREE * ahead)
        return len(self.candidate) >= FAR_RUNS and ahead > reach and agree

    def ahead(self, sigma: float) -> tuple[float, float] | None:
        """Return what the change is ahead by, from the runs in turn alone, and the standard error of that; None without both arms.

        Shrunk, because luck helps to select what is told; but an effect that no prior expected is taken at its own size
        (empirical Bayes, as in C. Stein 1956). Each arm scatters in its own way, with the session's `sigma` worth `WORTH`
        runs; the variance is that of Student's t.
        """
        if not (self.candidate and self.incumbent):
            return None
        arms = [(own(arm), len(arm)) for arm in (self.candidate, self.incumbent)]
        variance = sum((WORTH * sigma**2 + seen.squares) / (WORTH + seen.degrees) / runs for seen, runs in arms)
        freedom = WORTH + sum(seen.degrees for seen, _ in arms)
        variance *= freedom / (freedom - 2)
        gain = middle(self.incumbent, sigma) - middle(self.candidate, sigma)
        expected = PRIOR_VARIANCE * sigma**2
        prior = max(expected, gain**2 - 3 * expected)
        share = prior / (prior + variance)
        return gain * share, math.sqrt(variance * share)

    def next_arm(self, covariance: tuple[float, float, float], cap: int) -> Arm:
        """Choose the arm whose run makes the effect surer; `covariance` as a filter holds it. A long race goes on in the order
        ABBA, in which neither a line nor a period of two runs favours an arm.
        """
        ours, theirs = len(self.candidate), len(self.incumbent)
        if ours >= cap // 2:
            return Arm.INCUMBENT
        if ours + theirs >= LONG:
            if abs(ours - theirs) > 1:
                return Arm.INCUMBENT if theirs < ours else Arm.CANDIDATE
            return Arm.CANDIDATE if (ours + theirs) % 4 in {0, 3} else Arm.INCUMBENT
        level, pair, effect = covariance
        by_incumbent = pair * pair / (1 + level)
        by_candidate = (pair + effect) ** 2 / (1 + level + 2 * pair + effect)
        return Arm.INCUMBENT if by_incumbent >= by_candidate else Arm.CANDIDATE


NO_TURNS = Turns()
