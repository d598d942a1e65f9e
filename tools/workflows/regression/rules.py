"""Compare HEAD with where it forked: the server measures both sides; the agent says what made a row regress."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from ...errors import Code
from ..ledger.handoff import Ending, GateCheck, HandoffFinding
from ..ledger.items import Depth, Item, Severity, Workflow
from ..ledger.rules import Check, Coverage, Need, Objection, WorkflowRules
from ..ledger.state import Ledger
from .comparison import contract_of, plan_of, readings, refused_commands, repetitions, rows, unfinished, verdict
from .doubts import Doubt, doubts
from .items import Cause, RegressionOptions
from .readings import projected
from .verdict import Classification, ComparedDimension, ComparedRow, VerdictWord, report_page


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
    made, most = len(readings(ledger)), projected(plan_of(ledger).jobs, *repetitions(ledger))
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


def _doubts(ledger: Ledger) -> tuple[Doubt, ...]:
    """Return what is to be said with a verdict; only of a stable one."""
    stable = verdict(ledger).word is VerdictWord.STABLE
    return tuple(doubts(plan_of(ledger), rows(ledger), readings(ledger))) if stable else ()


def _but(doubtful: Sequence[Doubt]) -> str:
    return f", but {'; '.join(doubt.told for doubt in doubtful)}" if doubtful else ""


def _by_exit_status(ledger: Ledger) -> str:
    """Return that no test was reported, and by what a verdict stands then; empty where one was."""
    if any(reading.reported for reading in readings(ledger)):
        return ""
    silent = [f"`{job.name}`" for job in plan_of(ledger).jobs if not (job.timed or job.old_tests)]
    return f", by the exit status of {', '.join(silent)}: no test was reported" if silent else ""


def _unmeasured(ledger: Ledger) -> list[tuple[str, str]]:
    """The dimensions without a row, each with why."""
    found = {row.dimension for row in rows(ledger)}
    options, why = ledger.opts(RegressionOptions), {ComparedDimension.API_CONTRACT: contract_of(ledger).why}
    left_out = {name for name in ComparedDimension if options.dimensions and name not in options.dimensions}
    refused = refused_commands(ledger)
    held = {job.dimension for job in plan_of(ledger).jobs if job.command in refused}
    return [
        (
            name,
            "left out"
            if name in left_out
            else "nobody agreed to its command"
            if name in held
            else why.get(name) or "nothing was found or given that tells",
        )
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
