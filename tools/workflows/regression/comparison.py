"""What a ledger of a comparison adds up to: what is left to measure, its rows, its verdict."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from ..ledger.state import Ledger
from .comparing_tests import compared_old_tests, compared_tests
from .items import ComparisonPlan, ContractRows, ControlRun, EarlierRow, RegressionOptions, SideSetup, UnagreedCommands
from .readings import ComparisonJob, ComparisonReading, compared_numbers, due, runs_of
from .verdict import (
    Classification,
    ComparedDimension,
    ComparedRow,
    ComparisonSide,
    RegressionVerdict,
    VerdictWord,
    verdict_of,
)


def plan_of(ledger: Ledger) -> ComparisonPlan:
    """Return what was sealed when the ledger was opened."""
    return ledger.seen(ComparisonPlan) or ComparisonPlan()


def refused_commands(ledger: Ledger) -> tuple[str, ...]:
    """Return the commands that nobody agreed to, as far as it is known."""
    return (ledger.seen(UnagreedCommands) or UnagreedCommands()).commands


def readings(ledger: Ledger) -> tuple[ComparisonReading, ...]:
    """Return every run that was made."""
    return ledger.every(ComparisonReading)


def unfinished(ledger: Ledger) -> bool:
    """Return whether there is something left to measure."""
    if not plan_of(ledger).base or any(_setup(ledger, side) for side in ComparisonSide):
        return False
    unread = ledger.seen(ContractRows) is None
    more = due(plan_of(ledger).jobs, readings(ledger), *repetitions(ledger))
    return unread or more is not None or bool(uncontrolled(ledger))


def uncontrolled(ledger: Ledger) -> list[ComparisonJob]:
    """Return the commands of tests whose green was not tried yet, of those that ran for the candidate."""
    tried = {one.job for one in ledger.every(ControlRun)}
    ran = {one.job for one in readings(ledger) if one.side is ComparisonSide.CANDIDATE} - tried
    return [job for job in plan_of(ledger).jobs if job.id in ran and job.of_tests and not job.old_tests]


@dataclass(frozen=True, eq=False)
class _Same:
    """A ledger by its identity: nothing in it ever changes, and one answer asks for its rows a dozen times."""

    ledger: Ledger

    def __hash__(self) -> int:
        return id(self.ledger)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.ledger is self.ledger


def rows(ledger: Ledger) -> tuple[ComparedRow, ...]:
    """Return everything that was compared so far."""
    return _rows(_Same(ledger))


@lru_cache(maxsize=2)
def _rows(same: _Same) -> tuple[ComparedRow, ...]:
    ledger = same.ledger
    options, made = ledger.opts(RegressionOptions), readings(ledger)
    band, budget = (float(text.rstrip("%")) for text in (options.noise_band, options.resource_budget))
    found = [*contract_of(ledger).rows]
    found += [row for side in ComparisonSide if (row := _setup(ledger, side))]
    found += [_unfailing(test) for one in ledger.every(ControlRun) for test in one.passed]
    at = {reading.job: reading.at for reading in made}
    for job in plan_of(ledger).jobs:
        if job.old_tests:
            compared = tuple(compared_old_tests(job, made, [row.unit for row in found if row.regressed]))
        else:
            compared = compared_numbers(job, made, band, budget) if job.timed else compared_tests(job, made)
        found += [row.model_copy(update={"at": at.get(job.id, "")}) for row in compared]
    asked = set(options.dimensions or ComparedDimension)
    return tuple(row for row in found if row.dimension in asked or _is_flake(row))


def _is_flake(row: ComparedRow) -> bool:
    """Return whether a row tells of a flake, which no choice of dimensions leaves out: it is one of a test that was to run."""
    return row.dimension is ComparedDimension.FLAKINESS and row.status != "same"


def verdict(ledger: Ledger) -> RegressionVerdict:
    """Return the verdict; while something is left to measure, nothing is stable."""
    plan = plan_of(ledger)
    if not plan.base:
        return RegressionVerdict(VerdictWord.BASELINE_UNAVAILABLE, (plan.why or "nothing was planned",))
    found = verdict_of(rows(ledger))
    if found.word is VerdictWord.STABLE and unfinished(ledger):
        return RegressionVerdict(VerdictWord.BASELINE_UNAVAILABLE, ("not everything was measured",))
    left = [one for one in plan.carried if one.same or not measured(ledger, one)]
    if found.word is VerdictWord.STABLE and left:
        told = (f"{one.why} {'in the same code' if one.same else 'and not run here'}" for one in left)
        return RegressionVerdict(VerdictWord.UNSTABLE, tuple(told))
    return found


def regressed(ledger: Ledger) -> tuple[ComparedRow, ...]:
    """Return the rows that regressed; a candidate that could not be prepared may be the machine's fault."""
    prepared = _setup(ledger, ComparisonSide.CANDIDATE) is None
    return tuple(row for row in rows(ledger) if row.regressed and prepared)


def measured(ledger: Ledger, row: EarlierRow) -> bool:
    """Return whether a comparison measured what an earlier one found red: that very test, or everything, where it is no more."""
    plan, contract = plan_of(ledger), contract_of(ledger).rows
    if row.dimension is ComparedDimension.API_CONTRACT:
        return bool(contract)
    units = {one.unit for one in rows(ledger)}
    runs = [run for job in plan.jobs for run in runs_of(readings(ledger), job, ComparisonSide.CANDIDATE)]
    ran = {test for run in runs for test in run.tests or ()} | {
        one.unit for one in rows(ledger) if one.candidate != "absent"
    }
    everything = not (plan.given or plan.chosen or unfinished(ledger))
    return row.unit in ran or (everything and row.unit not in units)


def contract_of(ledger: Ledger) -> ContractRows:
    return ledger.seen(ContractRows) or ContractRows()


def repetitions(ledger: Ledger) -> tuple[int, int]:
    options = ledger.opts(RegressionOptions)
    return options.reruns, options.samples


def _setup(ledger: Ledger, side: ComparisonSide) -> ComparedRow | None:
    """What a failed preparation of a side means; None where it went well, or there was none."""
    last = next((one for one in reversed(ledger.every(SideSetup)) if one.side is side), None)
    if last is None or last.exit_code == 0:
        return None
    candidate = side is ComparisonSide.CANDIDATE
    ended = f"ended with {last.exit_code}"
    return ComparedRow(
        dimension=ComparedDimension.FUNCTIONAL,
        unit=f"`{last.command}`",
        classification=Classification.ELIGIBLE if candidate else Classification.UNAVAILABLE,
        baseline="green" if candidate else ended,
        candidate=ended if candidate else "-",
        regressed=candidate,
        severity="high" if candidate else "low",
        status="green to red" if candidate else "no baseline",
        description=" ".join(last.tail.split())[-300:],
        at=last.at,
    )


def _unfailing(test: str) -> ComparedRow:
    return ComparedRow(
        dimension=ComparedDimension.FUNCTIONAL,
        unit=test,
        classification=Classification.ELIGIBLE,
        candidate="passes when it raises",
        regressed=True,
        severity="critical",
        status="green whatever it does",
        description="something in the candidate counts it as passed",
    )
