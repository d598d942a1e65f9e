"""When a guard has said enough: a red one is asked again before it may cost a good change, a number is asked until it is clear."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

from ..plan.model import Direction, GuardMetric

CLEAR = 1.64
"""Standard errors on either side of the limit that settle a noisy number: one-sided, 5 %."""
MOST_RUNS = 8
BASELINE_RUNS = 5


def settled(outcomes: Sequence[bool]) -> bool | None:
    """Return whether a command guard passes, from its runs so far; None asks for one more.

    Green passes. Red is run again: red twice fails, and two greens after one red show a flaky guard and pass.
    """
    if outcomes[0]:
        return True
    if len(outcomes) == 1:
        return None
    if not outcomes[1]:
        return False
    return outcomes[2] if len(outcomes) > 2 else None


def limit_of(guard: GuardMetric, baseline: Sequence[float]) -> float:
    """Return the worst mean that still passes."""
    return guard.limit(statistics.fmean(baseline))


def within(guard: GuardMetric, values: Sequence[float], baseline: Sequence[float]) -> bool | None:
    """Return whether a number stays within its tolerance, by a test of non-inferiority; None asks for one more run.

    A number that repeated exactly at the baseline is decided by one run.
    """
    limit, mean = limit_of(guard, baseline), statistics.fmean(values)
    margin = limit - mean if guard.direction is Direction.LOWER else mean - limit
    scatter = statistics.stdev(baseline) if len(baseline) > 1 else 0.0
    error = scatter * math.sqrt(1 / len(values) + 1 / len(baseline))
    if abs(margin) >= CLEAR * error or len(values) >= MOST_RUNS:
        return margin >= 0
    return None


def enough_for_baseline(values: Sequence[float]) -> bool:
    """Return whether a baseline has runs enough: two equal ones, or five."""
    return len(values) >= BASELINE_RUNS or (len(values) == 2 and values[0] == values[1])
