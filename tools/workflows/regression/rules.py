"""Compare HEAD with where it forked: the server measures both sides; the agent says what made a row regress."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar

from ...errors import Code
from ..ledger.handoff import Ending, GateCheck, HandoffFinding
from ..ledger.items import Depth, Item, Severity, Workflow
from ..ledger.rules import Check, Coverage, Need, Objection, WorkflowRules
from ..ledger.state import Ledger
from .comparing_tests import compared_tests
from .doubts import Doubt, doubts
from .items import Cause, ComparisonPlan, ContractRows, ControlRun, RegressionOptions, SideSetup, UnagreedCommands
from .readings import ComparisonJob, ComparisonReading, compared_numbers, due, projected
from .verdict import (
    Classification,
    ComparedDimension,
    ComparedRow,
    ComparisonSide,
    RegressionVerdict,
    VerdictWord,
    report_page,
    verdict_of,
)


def _before_the_end(ledger: Ledger, item: Cause) -> Objection | None:
    if not unfinished(ledger):
        return None
    return Objection(Code.OUT_OF_ORDER, "The measurement is not finished. Call workflow with `run` first.")


def _not_regressed(ledger: Ledger, item: Cause) -> Objection | None:
    worse = [f"R{place}" for place, row in enumerate(rows(ledger), 1) if row.regressed]
    if item.row in worse:
        return None
    known = f"regressed: {', '.join(worse)}" if worse else "nothing regressed"
    return Objection(Code.EVIDENCE, f"{item.row} is no row that regressed ({known}).")


def _to_agree(ledger: Ledger) -> tuple[str, ...]:
    return refused_commands(ledger) if plan_of(ledger).base else ()


def _to_run(ledger: Ledger) -> str:
    if not unfinished(ledger) or _to_agree(ledger):
        return ""
    made, most = len(readings(ledger)), projected(plan_of(ledger).jobs, *_repetitions(ledger))
    return f"the measurement: call workflow with `run` ({made} runs made, at most {most})"


class Regression(WorkflowRules):
    """Rows and verdict are computed from runs that the server made; nothing that an agent says moves them."""

    name = Workflow.REGRESSION
    options = RegressionOptions
    kinds = (Cause,)
    rounds: ClassVar[dict[Depth, int]] = dict.fromkeys(Depth, 0)
    onwards = ("ship",)
    checks: ClassVar[Mapping[type[Item], tuple[Check, ...]]] = {Cause: (_before_the_end, _not_regressed)}
    needs = (
        Need(
            _to_agree,
            "a person's agreement to `{0}`: `autoresearch-mcp approve` in a terminal, then workflow with `run`",
        ),
        Need(_to_run),
    )

    def coverage(self, ledger: Ledger) -> tuple[Coverage, ...]:
        found = {row.dimension for row in rows(ledger) if row.classification is not Classification.UNAVAILABLE}
        return (Coverage("dimensions", len(found), len(ComparedDimension)),)

    def follow_ups(self, ledger: Ledger) -> tuple[str, ...]:
        return ("fix",) if verdict(ledger).word is VerdictWord.UNSTABLE else self.onwards

    def ending(self, ledger: Ledger) -> Ending:
        blind = verdict(ledger).word is VerdictWord.BASELINE_UNAVAILABLE and not self.missing(ledger)
        return Ending.FAILED if blind else Ending.COMPLETE

    def state(self, ledger: Ledger) -> list[str]:
        plan, found = plan_of(ledger), verdict(ledger)
        if not plan.base:
            return [f"{found.word}: {plan.why}"]
        done = not unfinished(ledger)
        shown = (
            [f"Verdict {found.word}{_but(_doubts(ledger))}."]
            if done
            else [f"{len(readings(ledger))} runs made, not finished."]
        )
        named = [(f"R{place}", row) for place, row in enumerate(rows(ledger), 1) if row.status != "same"]
        listed = sorted(named, key=lambda pair: (not pair[1].regressed, pair[1].dimension))[:20]
        return [
            f"{plan.candidate[:7]} against {plan.base[:7]} ({plan.told}).",
            *shown,
            *(f"Because {why}" for why in found.reasons[:6] if done),
            *(
                f"{id} {row.dimension} {row.status}: {row.unit} ({row.baseline} -> {row.candidate}) {row.file_line}".rstrip()
                for id, row in listed
            ),
            *plan.notes,
            *(f"{entry.id}: {entry.item.subject}" for entry in ledger.of(Cause)),
        ]

    def files(self, ledger: Ledger) -> dict[str, str]:
        found = rows(ledger)
        causes = [(entry.id, entry.item.row, entry.item.location, entry.item.explanation) for entry in ledger.of(Cause)]
        return {
            "stability-report.md": report_page(
                plan_of(ledger),
                verdict(ledger),
                found,
                _unmeasured(ledger),
                causes,
                [doubt.told for doubt in _doubts(ledger)],
            ),
        }

    def findings(self, ledger: Ledger) -> tuple[HandoffFinding, ...]:
        causes = {entry.item.row: entry.item for entry in ledger.of(Cause)}
        worth_telling = [(f"R{place}", row) for place, row in enumerate(rows(ledger), 1) if row.severity != "info"]
        return tuple(
            _finding(id, row, causes.get(id))
            for id, row in sorted(worth_telling, key=lambda pair: Severity(pair[1].severity).rank)
        )

    def gate_check(self, ledger: Ledger) -> GateCheck:
        found, candidate = verdict(ledger), plan_of(ledger).candidate
        seen = found.word + (f": {found.reasons[0]}" if found.reasons else "")
        doubtful = _doubts(ledger)
        seen += (_by_exit_status(ledger) if found.word is VerdictWord.STABLE else "") + _but(doubtful)
        passed = {VerdictWord.STABLE: True, VerdictWord.UNSTABLE: False}.get(found.word)
        passed = None if passed and any(doubt.open for doubt in doubtful) else passed
        if found.word is VerdictWord.STABLE and ledger.closed and ledger.closed.commit != candidate:
            return GateCheck(
                self.name, None, f"{seen}, but of {candidate[:7]}; it was closed at {ledger.closed.commit[:7]}"
            )
        return GateCheck(self.name, passed, seen)

    def config(self, ledger: Ledger) -> dict[str, Any]:
        found, plan = verdict(ledger), plan_of(ledger)
        mended = plan.verdict_before == VerdictWord.UNSTABLE and found.word is VerdictWord.STABLE
        state = "REGRESSION_FOUND" if found.word is VerdictWord.UNSTABLE else "REGRESSION_FIXED" if mended else "none"
        return {
            "verdict": found.word,
            "regression_state": state,
            "base": plan.base,
            "candidate": plan.candidate,
        }


def plan_of(ledger: Ledger) -> ComparisonPlan:
    """Return what was sealed when the ledger was opened."""
    return ledger.seen(ComparisonPlan) or ComparisonPlan()


def _doubts(ledger: Ledger) -> tuple[Doubt, ...]:
    """Return what is to be said with a verdict; only of a stable one."""
    return doubts(plan_of(ledger), rows(ledger)) if verdict(ledger).word is VerdictWord.STABLE else ()


def _but(doubtful: Sequence[Doubt]) -> str:
    return f", but {'; '.join(doubt.told for doubt in doubtful)}" if doubtful else ""


def _by_exit_status(ledger: Ledger) -> str:
    """Return that no test was reported, and by what a verdict stands then; empty where one was."""
    if any(reading.reported for reading in readings(ledger)):
        return ""
    silent = [f"`{job.name}`" for job in plan_of(ledger).jobs if not job.timed]
    return f", by the exit status of {', '.join(silent)}: no test was reported" if silent else ""


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
    more = due(plan_of(ledger).jobs, readings(ledger), *_repetitions(ledger))
    return unread or more is not None or bool(uncontrolled(ledger))


def uncontrolled(ledger: Ledger) -> list[ComparisonJob]:
    """Return the commands of tests whose green was not tried yet, of those that ran for the candidate."""
    tried = {one.job for one in ledger.every(ControlRun)}
    ran = {one.job for one in readings(ledger) if one.side is ComparisonSide.CANDIDATE} - tried
    tests = {ComparedDimension.FUNCTIONAL, ComparedDimension.INTEGRATION_E2E}
    return [job for job in plan_of(ledger).jobs if job.id in ran and job.dimension in tests]


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
    found = [*_contract(ledger).rows]
    found += [row for side in ComparisonSide if (row := _setup(ledger, side))]
    found += [_unfailing(test) for one in ledger.every(ControlRun) for test in one.passed]
    at = {reading.job: reading.at for reading in made}
    for job in plan_of(ledger).jobs:
        compared = compared_numbers(job, made, band, budget) if job.timed else compared_tests(job, made)
        found += [row.model_copy(update={"at": at.get(job.id, "")}) for row in compared]
    return tuple(row for row in found if not options.dimensions or row.dimension in options.dimensions)


def verdict(ledger: Ledger) -> RegressionVerdict:
    """Return the verdict; while something is left to measure, nothing is stable."""
    plan = plan_of(ledger)
    if not plan.base:
        return RegressionVerdict(VerdictWord.BASELINE_UNAVAILABLE, (plan.why or "nothing was planned",))
    found = verdict_of(rows(ledger))
    if found.word is VerdictWord.STABLE and unfinished(ledger):
        return RegressionVerdict(VerdictWord.BASELINE_UNAVAILABLE, ("not everything was measured",))
    if found.word is VerdictWord.STABLE and plan.unstable:
        return RegressionVerdict(VerdictWord.UNSTABLE, plan.unstable)
    return found


def regressed(ledger: Ledger) -> tuple[str, ...]:
    """Return what a comparison found that regressed; a candidate that could not be prepared may be the machine's fault."""
    found = verdict(ledger)
    prepared = _setup(ledger, ComparisonSide.CANDIDATE) is None
    return found.reasons if prepared and found.word is VerdictWord.UNSTABLE else ()


def _contract(ledger: Ledger) -> ContractRows:
    return ledger.seen(ContractRows) or ContractRows()


def _repetitions(ledger: Ledger) -> tuple[int, int]:
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


def _unmeasured(ledger: Ledger) -> list[tuple[str, str]]:
    """The dimensions without a row, each with why."""
    found = {row.dimension for row in rows(ledger)}
    options = ledger.opts(RegressionOptions)
    why = {
        ComparedDimension.FUNCTIONAL: "no test command was found or given",
        ComparedDimension.API_CONTRACT: _contract(ledger).why or "not looked at",
        ComparedDimension.DATA_MIGRATION: "no `migrations` command was given",
        ComparedDimension.INTEGRATION_E2E: "no `e2e` command was given",
        ComparedDimension.FLAKINESS: "needs several runs of a test command",
        ComparedDimension.PERFORMANCE: "no `performance` command was found or given",
        ComparedDimension.RESOURCE: "comes with a `performance` command",
        ComparedDimension.VISUAL_UI: "no `visual` command was given",
    }
    left_out = {name for name in ComparedDimension if options.dimensions and name not in options.dimensions}
    refused = refused_commands(ledger)
    held = {job.dimension for job in plan_of(ledger).jobs if job.command in refused}
    return [
        (name, "left out" if name in left_out else "nobody agreed to its command" if name in held else why[name])
        for name in ComparedDimension
        if name not in found
    ]


def _finding(id: str, row: ComparedRow, cause: Cause | None) -> HandoffFinding:
    change = f"{row.baseline} -> {row.candidate}. {row.description}"
    return HandoffFinding(
        id=id,
        title=f"{row.unit}: {row.status}",
        kind="regression" if row.regressed else "flaky" if row.classification is Classification.FLAKY else "note",
        severity=Severity(row.severity),
        location=cause.location if cause else row.file_line,
        quote=cause.quote if cause else "",
        detail=f"{change} {cause.explanation} {cause.suggestion}" if cause else change,
        confirmed=row.regressed,
    )
