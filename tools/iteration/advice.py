"""What the runs of a baseline say about measuring: what the plan can see, what would be quieter, how busy the machine is."""

from __future__ import annotations

from collections.abc import Iterator

from ..decision.executions import executions_of
from ..decision.race import Race
from ..decision.seeded import Seeded
from ..measurement.load import Load, busy_words
from ..measurement.quiet import Sensitivity, compared, is_time
from ..plan.model import Effort, Plan
from ..plan.resources import Resource, resource_of
from .baseline import Baseline, judge_of
from .gates import GateRow, row_of

_EFFORTS = {Effort.QUICK: (1.5, 3, 8), Effort.NORMAL: (1.6, 2, 7), Effort.THOROUGH: (15, 1, 6)}
"""For each effort the runs that a try without effect takes, and a gain in standard deviations of one run with the tries of ten
in which it is found: simulated, Gaussian noise, most runs as the effort has them (`benchmarks/decision.py`)."""


def advice(plan: Plan, found: Baseline, before: Load, after: Load) -> Iterator[GateRow]:
    """Return rows that fail no plan."""
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


def _effort(chosen: Effort, judge: Race | Seeded, unit: str) -> str:
    rows = []
    for effort, (runs, size, found) in _EFFORTS.items():
        name = f"`{effort}`{' (this plan)' if effort is chosen else ''}"
        gain = f"{size * judge.spread:.2g}{f' {unit}' if unit else ''}"
        rows.append(
            f"{name}: about {runs:g} runs for a try that does nothing, a gain of {gain} is found in {found} of 10"
        )
    return "; ".join(rows)
