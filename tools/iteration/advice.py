"""What the runs of a baseline say about measuring: what the plan can see, what would be quieter, how busy the machine is."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..decision.executions import executions_of
from ..decision.measured import Measurement
from ..decision.race import Race
from ..decision.seeded import Seeded
from ..measurement.load import Load, busy_words
from ..measurement.quiet import Sensitivity, compared, is_time
from ..plan.model import Effort, Plan
from ..plan.resources import Resource, resource_of
from ..plan.units import TIME_UNITS, converted
from .baseline import Baseline, judge_of
from .gates import GateRow, row_of

CLOCK = "clock"
FAR = 3.0
"""Times as long as the command took, from which on a number is no time of that run: several threads may add theirs up."""
GRAIN_S = 0.2
_EFFORTS = {Effort.QUICK: (1.5, 3, 8), Effort.NORMAL: (1.6, 2, 7), Effort.THOROUGH: (15, 1, 6)}
"""For each effort the runs that a try without effect takes, and a gain in standard deviations of one run with the tries of ten
in which it is found: simulated, Gaussian noise, most runs as the effort has them (`benchmarks/decision.py`)."""


def advice(plan: Plan, found: Baseline, before: Load, after: Load) -> Iterator[GateRow]:
    """Return rows that fail no plan."""
    if said := _no_time(plan, found.runs[0]):
        yield row_of(CLOCK, f"warning: {said}")
    judge = judge_of(plan, found)
    if isinstance(judge, Race | Seeded) and judge.level:
        seen = Sensitivity(judge.spread / abs(judge.level), judge.bar)
        yield row_of("sensitivity", str(seen))
        yield row_of("effort", _effort(Effort(plan.effort), judge, plan.unit))
    if isinstance(judge, Race | Seeded) and (said := compared(plan, found.runs)):
        yield row_of("measure", said)
    if (times := executions_of(found.runs)) > 1:
        yield row_of(
            "executions", f"one run is {times} executions of verify, and the least processor time of them counts"
        )
    receipts = [run.receipt for run in found.runs if run.receipt is not None]
    cpu_s = sum(sum(receipt.executions or (receipt.cpu_seconds,)) for receipt in receipts)
    wall_s = sum(run.seconds for run in found.runs)
    if is_time(plan) and (busy := busy_words(before, after, cpu_s, wall_s)):
        counted = resource_of(plan.read) is Resource.CPU
        what = (
            "processor time suffers least from it, but suffers"
            if counted
            else "wall time that is measured now says little"
        )
        yield row_of("machine", f"warning: the machine is busy: {busy}; {what}")


def _no_time(plan: Plan, run: Measurement) -> str:
    """Say that a number which is called a time is far more than the command took, by the server's own clock."""
    words = (run.unit or plan.unit, *re.split(r"[^a-zµμ]+", plan.metric.lower()))
    unit = next((word for word in words if word in TIME_UNITS), "")
    told = converted(run.value, unit, "s") if unit and run.value is not None and not resource_of(plan.read) else None
    if told is None or told <= FAR * run.seconds + GRAIN_S:
        return ""
    took = f"{plan.metric} = {run.value:.6g} {unit}, and the command took {run.seconds:.2f} s by the server's clock"
    return f"{took}: that is no time of this run. Measure what takes the time, or call the number what it is"


def _effort(chosen: Effort, judge: Race | Seeded, unit: str) -> str:
    rows = []
    for effort, (runs, size, found) in _EFFORTS.items():
        name = f"`{effort}`{' (this plan)' if effort is chosen else ''}"
        gain = f"{size * judge.spread:.2g}{f' {unit}' if unit else ''}"
        rows.append(
            f"{name}: about {runs:g} runs for a try that does nothing, a gain of {gain} is found in {found} of 10"
        )
    return "; ".join(rows)
