"""Whether the incumbent's tree is worse as the incumbent than it was as the candidate: the same tree has to be the same in both roles.

A program that knows its arm, by a note that it leaves outside of its tree, by its age, or by a number that it was told,
can work more once a newer one is about. Nothing of one race shows that, for the new one really is ahead. But the tree
that is said to be behind was the newest itself, and ran as well then. What else makes a tree worse is the machine; of
that the reference workload tells, which no change can touch, and in the long run other changes, which meet the same machine.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace

from .scale import Scale, scale_for
from .scatter import middle, squares

SURE = 2.5
"""Standard errors by which the tree has to be worse in its second role."""
APART = 4.0
"""Standard errors that runs of earlier races may lie from those of this one, and still count."""
PART = 0.4
"""Share of the gain that has to be the incumbent's loss rather than the candidate's merit."""
OWN = 4.0
"""Standard errors by which a change is ahead of what the tree was as the newest, so that the gain is its own."""
LOOKS = 8
"""Runs of the incumbent in one race that a doubt may ask for."""
MOVED = 3.0
"""Standard errors by which the reference workload shows that the machine has moved."""
FOLLOWS = 3.0
"""How many times more or less than the reference a metric may move with the machine."""
STEADY = 1.0
"""Percent by which a reference piece scatters at the least."""
RUNS = 24
"""Runs of the tree as the incumbent that are remembered."""
REMEMBERED, SEVERAL, MOST = 8, 4, 0.75
"""Other tries that are remembered, the fewest that tell anything, and the share of the loss that their median has to show."""


@dataclass(frozen=True)
class RoleRun:
    """One run of a tree in one role: its value, lower is better, and the seconds of a reference piece beside it, or 0."""

    value: float
    reference: float = 0.0


@dataclass(frozen=True)
class Standing:
    """What is known of the incumbent's tree: its runs as the newest, its last ones since, and the first runs of later tries."""

    newest: tuple[RoleRun, ...] = ()
    since: tuple[RoleRun, ...] = ()
    others: tuple[float, ...] = ()

    def run_again(self, run: RoleRun) -> Standing:
        """Remember a run of the tree as the incumbent."""
        return replace(self, since=(*self.since, run)[-RUNS:])

    def tried(self, value: float) -> Standing:
        """Remember the first run of a try that was not kept."""
        return replace(self, others=(*self.others, value)[-REMEMBERED:])


@dataclass(frozen=True)
class Slowdown:
    """By how much a tree is worse in its second role: means as the newest and as the incumbent, and their runs.

    `errors` is the distance in standard errors, `sure` whether that settles it: else the incumbent is run again. `machine` says by how many
    percent a reference piece took longer; None where that was not timed.
    """

    newest: float
    incumbent: float
    runs: tuple[int, int]
    errors: float
    sure: bool
    machine: float | None


def slowdown(
    standing: Standing, candidate: Sequence[RoleRun], incumbent: Sequence[RoleRun], spread: float
) -> Slowdown | None:
    """Hold the incumbent's runs against the same tree's when it was the newest; None where nothing is to be said.

    `candidate` and `incumbent` are the runs of this race; `spread` is the standard deviation of one run, in the unit of the values.
    """
    if not (standing.newest and candidate and incumbent):
        return None
    values = [run.value for run in (*standing.newest, *standing.since, *candidate, *incumbent)]
    scale = scale_for([*values, *standing.others])
    sigma = spread / scale.steepness(scale.inner(statistics.median(values)))
    then, ours, here = (_level(runs, scale, sigma) for runs in (standing.newest, candidate, incumbent))
    later, now = incumbent, here
    if len(standing.since) > len(incumbent):  # runs of earlier races say more, where the machine has not moved since
        all_since = _level(standing.since, scale, sigma)
        if abs(all_since - here) < APART * _error(sigma, standing.since, incumbent):
            later, now = standing.since, all_since
    loss, gain, error = now - then, now - ours, _error(sigma, standing.newest, later)
    sure = loss >= SURE * error
    if then - ours >= OWN * _error(sigma, standing.newest, candidate):
        return None
    if here <= then or loss <= 0 or loss < PART * gain or not (sure or len(incumbent) < LOOKS):
        return None
    machine = _machine(standing.newest, (*candidate, *later))
    if (machine and machine.moved_by(loss)) or _others_moved(standing, then + MOST * loss, scale):
        return None
    return Slowdown(
        newest=scale.outer(then),
        incumbent=scale.outer(now),
        runs=(len(standing.newest), len(later)),
        errors=loss / error if error else math.inf,
        sure=sure,
        machine=machine.percent if machine else None,
    )


def _error(sigma: float, first: Sequence[RoleRun], second: Sequence[RoleRun]) -> float:
    """Return the standard error of the difference of the means of two times' runs."""
    return sigma * math.sqrt(1 / len(first) + 1 / len(second))


def _level(runs: Sequence[RoleRun], scale: Scale, sigma: float) -> float:
    """Return the mean of some runs on the scale; one freak run moves it by a few standard deviations at most."""
    return middle([scale.inner(run.value) for run in runs], sigma)


@dataclass(frozen=True)
class _Machine:
    """How the reference workload moved between two times, in percent of the logarithm, with its standard error."""

    shift: float
    error: float

    @property
    def percent(self) -> float:
        return 100 * math.expm1(self.shift / 100)

    def moved_by(self, loss: float) -> bool:
        """Return whether the machine is known to have slowed down, and by an amount that explains the loss."""
        return self.shift >= MOVED * self.error and self.shift / FOLLOWS <= loss <= FOLLOWS * self.shift


def _machine(then: Sequence[RoleRun], now: Sequence[RoleRun]) -> _Machine | None:
    before, after = ([100 * math.log(run.reference) for run in runs if run.reference > 0] for runs in (then, now))
    if len(before) < 2 or len(after) < 2:
        return None
    spread = max(STEADY, math.sqrt((squares(before) + squares(after)) / (len(before) + len(after) - 2)))
    shift = statistics.fmean(after) - statistics.fmean(before)
    return _Machine(shift, spread * math.sqrt(1 / len(before) + 1 / len(after)))


def _others_moved(standing: Standing, place: float, scale: Scale) -> bool:
    """Return whether the tries since then, whatever they changed, were as much worse on the whole: that is the machine."""
    return len(standing.others) >= SEVERAL and statistics.median(map(scale.inner, standing.others)) >= place
