"""How small a gain the noise of a measure lets a plan see, and which measure of the same command is the quietest."""

from __future__ import annotations

import math
import re
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from ..decision.judging import percent
from ..decision.measured import Measurement
from ..plan.model import Plan
from ..plan.resources import Resource, resource_of
from ..plan.units import TIME_UNITS

USUAL_BAR = 3.6
POWER = 0.84
"""Standard normal quantile of 80 %."""
CLEARLY = 1.5
"""How many times quieter a measure has to be: a scatter that a handful of runs tell is uncertain by a third."""
PRINTED = "the printed number"
_SOUNDS_LIKE_TIME = re.compile(
    r"(?:^|[_.-])(?:time|seconds?|secs?|s|ms|us|ns|latency|duration|elapsed|wall|cpu)(?:$|[_.-])", re.IGNORECASE
)
_WORDS = {Resource.CPU: "processor time", Resource.WALL: "wall time"}


def smallest_gain(spread: float, runs: int, bar: float = USUAL_BAR) -> float:
    """Return the smallest true gain that so many runs of either arm find four times in five, in the unit of `spread`.

    The difference of two means of n independent runs has a standard error of `spread` times the root of 2 / n. A keep
    asks for `bar` of these; a true gain of `bar` plus 0.84 gets there with a chance of 80 %.
    """
    return (bar + POWER) * spread * math.sqrt(2 / runs)


def runs_to_see(gain: float, spread: float, bar: float = USUAL_BAR) -> int:
    """Return how many runs of either arm find a gain four times in five: `smallest_gain`, solved for the runs; at least 1."""
    return max(1, math.ceil(2 * ((bar + POWER) * spread / gain) ** 2))


def scatter(values: Sequence[float]) -> float:
    """Return the standard deviation of one run as a share of their mean, from what follows one another.

    Half the mean square of successive differences is the variance without what drifts slowly, which runs in turn do not
    see either (J. von Neumann and others, 1941). Of fewer than two runs, or around zero, it is not a number.
    """
    mean = abs(statistics.fmean(values)) if values else 0.0
    if len(values) < 2 or not mean:
        return math.nan
    steps = [(after - before) ** 2 for before, after in pairwise(values)]
    return math.sqrt(statistics.fmean(steps) / 2) / mean


def is_time(plan: Plan) -> bool:
    """Tell whether a plan's number is a time, by its unit or its name."""
    if resource := resource_of(plan.read):
        return resource in _WORDS
    return plan.unit in TIME_UNITS or (not plan.unit and bool(_SOUNDS_LIKE_TIME.search(plan.metric)))


@dataclass(frozen=True)
class Sensitivity:
    """What a noisy plan can see: the scatter of one run as a share of the level, and the bar in standard errors."""

    scatter: float
    bar: float = USUAL_BAR

    def __str__(self) -> str:
        one, three, ten = (_gain(smallest_gain(self.scatter, runs, self.bar)) for runs in (1, 3, 10))
        return (
            f"the least gain that is noticed 8 times in 10 is {one} with one run each of change and incumbent, "
            f"{three} with three, {ten} with ten"
        )


def compared(plan: Plan, runs: Sequence[Measurement]) -> str:
    """Compare the measures that the same runs have, and recommend the quietest; empty where there is nothing to choose."""
    return quietest(_measures(plan, runs), resource_of(plan.read) or PRINTED)[1] if is_time(plan) else ""


def quietest(measured: Mapping[str, Sequence[float]], mine: str, clearly: float = CLEARLY) -> tuple[str, str]:
    """Return the measure to take, and why in words, which are empty where there is nothing to choose.

    It is `mine` unless another is `clearly` times quieter. The first run is left out, because it is the coldest.
    """
    found = {name: scatter(values[1:]) for name, values in measured.items()}
    if len(found) < 2 or not all(map(math.isfinite, found.values())):
        return mine, ""
    best = min(found, key=lambda name: (found[name], name != mine))
    said = ", ".join(f"{_words(name)} scatters by {percent(share)}" for name, share in found.items())
    if best == mine or found[mine] < clearly * found[best]:
        return mine, f"{said}. No other is clearly quieter than {_words(mine)}"
    return best, f"{said}. Recommended: {_recommended(best)}"


def _measures(plan: Plan, runs: Sequence[Measurement]) -> Mapping[str, list[float]]:
    receipts = [run.receipt for run in runs if run.receipt is not None]
    values = [run.value for run in runs if run.value is not None]
    if not len(receipts) == len(values) == len(runs) or any(receipt.executions for receipt in receipts):
        return {}  # the least of several executions is no measure of one
    measured: dict[str, list[float]] = {
        Resource.CPU: [receipt.cpu_seconds for receipt in receipts],
        Resource.WALL: [run.seconds for run in runs],
    }
    return measured if resource_of(plan.read) else {PRINTED: values, **measured}


def _gain(share: float) -> str:
    return percent(share) if share < 1 else "none"


def _words(name: str) -> str:
    return _WORDS[Resource(name)] if name in list(Resource) else name


def _recommended(name: str) -> str:
    if name == PRINTED:
        return "the number that the command prints"
    what = "no waiting" if name == Resource.CPU else "all waiting"
    return f'`read = "{name}"`, {_words(name)} of the whole command, with its start and with {what}'
