"""What the runs of a baseline say about measuring: what the plan can see, what would be quieter, how busy the machine is."""

from __future__ import annotations

from collections.abc import Iterator

from ..decision.race import Race
from ..decision.seeded import Seeded
from ..measurement.load import Load, busy_words
from ..measurement.quiet import Sensitivity, compared, is_time
from ..plan.model import Effort, Plan
from ..plan.resources import Resource, resource_of
from .baseline import Baseline, judge_of
from .gates import GateRow, row_of

_EFFORTS = {
    Effort.QUICK: "gives a change up soon that does not look better, and misses small gains",
    Effort.NORMAL: "is between the two",
    Effort.THOROUGH: "runs a change longer before it is given up, and finds smaller gains",
}


def advice(plan: Plan, found: Baseline, before: Load, after: Load) -> Iterator[GateRow]:
    """Return rows that fail no plan."""
    judge = judge_of(plan, found)
    if isinstance(judge, Race | Seeded) and judge.level:
        seen = Sensitivity(judge.spread / abs(judge.level), judge.confidence)
        yield row_of("sensitivity", str(seen))
        yield row_of("effort", _effort(Effort(plan.effort)))
    if isinstance(judge, Race | Seeded) and (said := compared(plan, found.runs)):
        yield row_of("measure", said)
    receipts = [run.receipt for run in found.runs if run.receipt is not None]
    cpu_s, wall_s = sum(receipt.cpu_seconds for receipt in receipts), sum(run.seconds for run in found.runs)
    if is_time(plan) and (busy := busy_words(before, after, cpu_s, wall_s)):
        counted = resource_of(plan.read) is Resource.CPU
        what = (
            "processor time suffers least from it, but suffers"
            if counted
            else "wall time that is measured now says little"
        )
        yield row_of("machine", f"warning: the machine is busy: {busy}; {what}")


def _effort(chosen: Effort) -> str:
    others = "; ".join(f"`{effort}` {words}" for effort, words in _EFFORTS.items() if effort is not chosen)
    return f"`{chosen}` {_EFFORTS[chosen]}. {others}"
