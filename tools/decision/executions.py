"""How often verify is executed for one run of processor time, and what such a run shows.

What else runs on a machine takes caches away and interrupts, so it only ever adds processor time: of a few executions the
one that took the least shows the program best (the reason for the minimum in Python's `timeit`).
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

from ..plan.model import Plan
from ..plan.resources import Resource, resource_of
from .measured import Measurement
from .scatter import squares

MOST_EXECUTIONS, MOST_CPU_S, MOST_WALL_S = 5, 3.0, 15.0
"""Executions that one run has at most, and seconds that they may take together, of processor time and by the clock."""
PART = 0.5
"""Share of a gain that the mean of all executions has to show, but for one standard error of that."""


def executions_for(plan: Plan, first: Measurement) -> int:
    """Return how many executions make up one run by this plan, whose `first` run was a single one."""
    if resource_of(plan.read) is not Resource.CPU or plan.noise != "auto" or not first.value:
        return 1
    room = min(MOST_CPU_S / first.value, MOST_WALL_S / max(first.seconds, first.value))
    return max(1, min(MOST_EXECUTIONS, int(room)))


def executions_of(baseline: Sequence[Measurement]) -> int:
    """Return how many executions each run has in a session with this baseline, whose first run is a single one."""
    receipt = baseline[-1].receipt
    return len(receipt.executions) if receipt and receipt.executions else 1


def as_one_run(found: Sequence[Measurement]) -> Measurement:
    """Return what executions of one commit on one seed show together: the least of their numbers, or the one without a number."""
    numbers = [run.value for run in found if run.value is not None]
    shown = found[-1]  # nothing follows one that failed
    if len(numbers) == len(found) and not shown.tampered:
        shown = found[numbers.index(min(numbers))]
    if shown.receipt is None or len(found) == 1:
        return shown
    receipt = shown.receipt.model_copy(update={"executions": tuple(numbers)})
    return shown.model_copy(update={"seconds": sum(run.seconds for run in found), "receipt": receipt})


def only_at_best(change: Sequence[Measurement], incumbent: Sequence[Measurement]) -> str:
    """Say how far a change falls short whose best executions are ahead, in the mean of all; empty where it does not.

    A program that is quick at times, and slow as often, has a better minimum and gains nothing.
    """
    ours, theirs = (
        [value for run in runs if run.receipt for value in run.receipt.executions] for runs in (change, incumbent)
    )
    if not (ours and theirs) or min(*ours, *theirs) <= 0:
        return ""
    best, whole = (
        math.log(statistics.fmean(them) / statistics.fmean(us))
        for us, them in ((_values(change), _values(incumbent)), (ours, theirs))
    )
    error = math.sqrt(_relative_variance(ours) + _relative_variance(theirs))
    if whole >= PART * best - error:
        return ""
    return (
        f"Ahead by {_percent(best)} only in the best of several executions: in the mean of all {len(ours)} it is ahead by "
        f"{_percent(whole)} (± {_percent(error)})."
    )


def _values(runs: Sequence[Measurement]) -> list[float]:
    return [run.value for run in runs if run.value is not None]


def _relative_variance(values: Sequence[float]) -> float:
    """Return the variance of the mean, as a share of its square."""
    count = len(values)
    return squares(values) / max(1, count - 1) / count / statistics.fmean(values) ** 2


def _percent(gain: float) -> str:
    return f"{-100 * math.expm1(-gain):.2g} %"
