"""What the gates say of the runs of verify and guards on unchanged code, and how to cure it."""

from __future__ import annotations

from pathlib import Path

from ..decision.failures import FailureClass
from ..decision.measured import GuardResult, Measurement, Place
from ..plan.model import Plan
from ..text.output_ends import ends
from .baseline import Baseline
from .gates import GateRow, row_of, with_withheld

_BY_CHANCE = (
    "It exited 0 before: its exit depends on chance, on load or on what a run leaves behind; use a command whose exit does not "
    "(docs/how-to/metric.md of this server)."
)


def verified(plan: Plan, measurement: Measurement, passed_before: bool) -> GateRow:
    """Tell of the first run of verify; `passed_before` is whether the same command exited 0 on the same code a while ago."""
    row = _looked_at(plan, measurement, passed_before)
    if row.passed:
        return row
    return with_withheld(
        row.model_copy(update={"output": ends(measurement.tail, 600)}), plan, plan.verify, measurement.tail
    )


def _looked_at(plan: Plan, measurement: Measurement, passed_before: bool) -> GateRow:
    if measurement.failure is not None:
        cure = f"Run `{plan.verify}` at the top of the repository, and mend it so that it exits 0, each time."
        if passed_before and _ended_badly(measurement):
            cure = _BY_CHANCE
        return row_of("verify", f"{measurement.failure}: {measurement.problem}", cure)
    if measurement.value is None:
        return row_of("verify", measurement.problem, "Change `verify` or `read`.")
    return row_of("verify", f"{plan.metric} = {measurement.value:.10g} in {measurement.seconds:.1f} s")


def guarded(plan: Plan, result: GuardResult) -> GateRow:
    """Tell of a guard on the unchanged code."""
    if result.passed:
        return row_of("guard", f"`{result.guard}`: {result.seen}")
    cure = "A guard has to be green before any experiment: fix the code first, or change the guard."
    row = row_of("guard", f"`{result.guard}` is red: {result.seen}", cure)
    command = next((guard.command for guard in plan.metric_guards if guard.name == result.guard), result.guard)
    return with_withheld(row, plan, command, result.tail)


def unsteady(found: Baseline, copy: Path) -> GateRow:
    """Tell of a baseline that failed after its first run had given a number; `copy` is the second checkout."""
    failed = found.failed
    assert failed is not None, "it failed"
    cure = _BY_CHANCE if _ended_badly(failed) else "It gave a number before: it has to give one every time."
    if _never_in(found, Place.ARENA):
        cure = (
            f"It gave a number in your checkout and none in a copy of it, {copy}. Run it by hand there: a program or file that it "
            "names may be missing in it, or stand at another path."
        )
    return row_of("no-op control", f"run {len(found.runs)} of the same code: {failed.problem}", cure)


def _ended_badly(run: Measurement) -> bool:
    """Tell whether a run ended by itself or by its time limit, and not with exit 0."""
    return run.failure not in {None, FailureClass.CANCELLED, FailureClass.LOST} and run.exit_code != 0


def _never_in(found: Baseline, place: Place) -> bool:
    """Tell whether the runs of the same code in a place gave no number, not once."""
    there = [run.value for run in found.runs if run.receipt and run.receipt.place is place]
    return bool(there) and all(value is None for value in there)
