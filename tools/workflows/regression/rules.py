"""Comparing HEAD with where it came from: the server measures both sides; the agent says what made a row regress."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar

from ...errors import Code
from ..ledger.handoff import Ending, GateCheck, HandoffFinding
from ..ledger.items import Depth, Item, Severity, Workflow
from ..ledger.ledger import Ledger
from ..ledger.rules import Coverage, Objection, WorkflowRules
from ..ledger.scores import Score
from .comparing_tests import compared_tests
from .items import Cause, RegressionOptions
from .readings import ComparisonJob, ComparisonReading, compared_numbers, due, projected
from .verdict import (
    Classification,
    ComparedDimension,
    ComparedRow,
    ComparisonSide,
    RegressionVerdict,
    VerdictWord,
    dimension_page,
    exit_code,
    report_page,
    results_table,
    verdict_of,
)

PLAN, FILES, READING, SETUP, REFUSED = "plan", "files", "reading", "setup", "not-agreed"


class Regression(WorkflowRules):
    """Rows and verdict are computed from runs that the server made; nothing that an agent says moves them."""

    name = Workflow.REGRESSION
    options = RegressionOptions
    items: ClassVar[dict[str, type[Item]]] = {"cause": Cause}
    rounds: ClassVar[dict[Depth, int]] = dict.fromkeys(Depth, 0)
    onwards = ("ship",)

    def objection(self, ledger: Ledger, item: Item) -> Objection | None:
        if not isinstance(item, Cause):
            return None
        if left(ledger):
            return Objection(Code.OUT_OF_ORDER, "The measurement is not finished. Call workflow with `run` first.")
        named = {f"R{place}": row for place, row in enumerate(rows(ledger), 1)}
        worse = [id for id, row in named.items() if row.regressed]
        if item.row not in worse:
            known = f"regressed: {', '.join(worse)}" if worse else "nothing regressed"
            return Objection(Code.EVIDENCE, f"{item.row} is no row that regressed ({known}).")
        return None

    def coverage(self, ledger: Ledger) -> tuple[Coverage, ...]:
        found = {row.dimension for row in rows(ledger) if row.classification is not Classification.UNAVAILABLE}
        return (Coverage("dimensions", len(found), len(ComparedDimension)),)

    def scores(self, ledger: Ledger) -> tuple[Score, ...]:
        score = verdict(ledger).score
        return (Score("stability", score),) if score is not None else ()

    def missing(self, ledger: Ledger) -> tuple[str, ...]:
        if not _plan(ledger).get("base"):
            return ()
        asked = tuple(
            f"a person's agreement to `{command}`: `autoresearch-mcp approve` in a terminal, then workflow with `run`"
            for command in ledger.latest(REFUSED).get("commands", ())
        )
        made, most = len(readings(ledger)), projected(jobs(ledger), *_often(ledger))
        to_run = left(ledger) and not asked
        return (
            *asked,
            *([f"the measurement: call workflow with `run` ({made} runs made, at most {most})"] if to_run else []),
        )

    def follow_ups(self, ledger: Ledger) -> tuple[str, ...]:
        return ("fix",) if verdict(ledger).word is VerdictWord.UNSTABLE else self.onwards

    def ending(self, ledger: Ledger) -> Ending:
        blind = verdict(ledger).word is VerdictWord.BASELINE_UNAVAILABLE and not self.missing(ledger)
        return Ending.FAILED if blind else Ending.COMPLETE

    def state(self, ledger: Ledger) -> list[str]:
        plan, found = _plan(ledger), verdict(ledger)
        if not plan.get("base"):
            return [f"{found.word}: {plan.get('why', '')}"]
        done = not left(ledger)
        shown = (
            [f"Verdict {found.word}, score {found.shown}."]
            if done
            else [f"{len(readings(ledger))} runs made, not finished."]
        )
        named = [(f"R{place}", row) for place, row in enumerate(rows(ledger), 1) if row.status != "same"]
        listed = sorted(named, key=lambda pair: (not pair[1].regressed, pair[1].dimension))[:20]
        return [
            f"{plan['candidate'][:7]} against {plan['base'][:7]} ({plan['told']}).",
            *shown,
            *(f"Because {why}" for why in found.reasons[:6] if done),
            *(
                f"{id} {row.dimension} {row.status}: {row.unit} ({row.baseline} -> {row.candidate}) {row.file_line}".rstrip()
                for id, row in listed
            ),
            *plan.get("notes", ()),
            *(f"{entry.id}: {entry.item.subject}" for entry in ledger.of(Cause)),
        ]

    def files(self, ledger: Ledger) -> dict[str, str]:
        found = rows(ledger)
        causes = [(entry.id, entry.item.row, entry.item.location, entry.item.explanation) for entry in ledger.of(Cause)]
        return {
            "regression-results.tsv": results_table(found),
            "stability-report.md": report_page(_plan(ledger), verdict(ledger), found, _unmeasured(ledger), causes),
            **{
                f"dimensions/{dimension}.md": dimension_page(
                    dimension, [row for row in found if row.dimension is dimension]
                )
                for dimension in ComparedDimension
                if any(row.dimension is dimension for row in found)
            },
        }

    def findings(self, ledger: Ledger) -> tuple[HandoffFinding, ...]:
        causes = {entry.item.row: entry.item for entry in ledger.of(Cause)}
        worth_telling = [(f"R{place}", row) for place, row in enumerate(rows(ledger), 1) if row.severity != "info"]
        return tuple(
            _finding(id, row, causes.get(id))
            for id, row in sorted(worth_telling, key=lambda pair: Severity(pair[1].severity).rank)
        )

    def gate_check(self, ledger: Ledger) -> GateCheck:
        found, candidate = verdict(ledger), str(_plan(ledger).get("candidate", ""))
        seen = f"{found.word}, score {found.shown}" + (f": {found.reasons[0]}" if found.reasons else "")
        passed = {VerdictWord.STABLE: True, VerdictWord.UNSTABLE: False}.get(found.word)
        if passed and ledger.closed and ledger.closed.commit != candidate:
            return GateCheck(
                self.name, None, f"{seen}, but of {candidate[:7]}; it was closed at {ledger.closed.commit[:7]}"
            )
        return GateCheck(self.name, passed, seen)

    def config(self, ledger: Ledger) -> dict[str, Any]:
        found = verdict(ledger)
        before = _plan(ledger).get("verdict_before", "")
        mended = before == VerdictWord.UNSTABLE and found.word is VerdictWord.STABLE
        state = "REGRESSION_FOUND" if found.word is VerdictWord.UNSTABLE else "REGRESSION_FIXED" if mended else "none"
        return {
            "verdict": found.word,
            "exit_code": exit_code(found.word),
            "score": found.score,
            "regression_state": state,
            "base": _plan(ledger).get("base", ""),
            "candidate": _plan(ledger).get("candidate", ""),
        }


def jobs(ledger: Ledger) -> tuple[ComparisonJob, ...]:
    """The commands that were sealed when the ledger was opened."""
    return tuple(ComparisonJob.model_validate(job) for job in _plan(ledger).get("jobs", ()))


def readings(ledger: Ledger) -> tuple[ComparisonReading, ...]:
    """Every run that was made."""
    return tuple(ComparisonReading.model_validate(seen.facts) for seen in ledger.observed if seen.what == READING)


def agreed_jobs(ledger: Ledger) -> tuple[ComparisonJob, ...]:
    """The commands that a person agreed to, as far as it is known."""
    refused = set(ledger.latest(REFUSED).get("commands", ()))
    return tuple(job for job in jobs(ledger) if job.command not in refused)


def left(ledger: Ledger) -> bool:
    """Whether there is something to measure still."""
    if not _plan(ledger).get("base") or any(_setup(ledger, side) for side in ComparisonSide):
        return False
    unread = not any(seen.what == FILES for seen in ledger.observed)
    return unread or due(jobs(ledger), readings(ledger), *_often(ledger)) is not None


@dataclass(frozen=True, eq=False)
class _Same:
    """A ledger by its identity: nothing in it ever changes, and one answer asks for its rows a dozen times."""

    ledger: Ledger

    def __hash__(self) -> int:
        return id(self.ledger)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.ledger is self.ledger


def rows(ledger: Ledger) -> tuple[ComparedRow, ...]:
    """Everything that was compared so far."""
    return _rows(_Same(ledger))


@lru_cache(maxsize=2)
def _rows(same: _Same) -> tuple[ComparedRow, ...]:
    ledger = same.ledger
    options, made = ledger.opts(RegressionOptions), readings(ledger)
    band, budget = (float(text.rstrip("%")) for text in (options.noise_band, options.resource_budget))
    found = [ComparedRow.model_validate(row) for row in ledger.latest(FILES).get("rows", ())]
    found += [row for side in ComparisonSide if (row := _setup(ledger, side))]
    at = {reading.job: reading.at for reading in made}
    for job in jobs(ledger):
        compared = compared_numbers(job, made, band, budget) if job.timed else compared_tests(job, made)
        found += [row.model_copy(update={"at": at.get(job.id, "")}) for row in compared]
    return tuple(row for row in found if not options.dimensions or row.dimension in options.dimensions)


def verdict(ledger: Ledger) -> RegressionVerdict:
    """The verdict; while something is left to measure, nothing is stable."""
    if not _plan(ledger).get("base"):
        return RegressionVerdict(
            VerdictWord.BASELINE_UNAVAILABLE, None, (str(_plan(ledger).get("why", "nothing was planned")),)
        )
    found = verdict_of(rows(ledger))
    if found.word is VerdictWord.STABLE and left(ledger):
        return RegressionVerdict(VerdictWord.BASELINE_UNAVAILABLE, None, ("not everything was measured",))
    return found


def _plan(ledger: Ledger) -> dict[str, Any]:
    return dict(ledger.latest(PLAN))


def _often(ledger: Ledger) -> tuple[int, int]:
    options = ledger.opts(RegressionOptions)
    return options.reruns, options.samples


def _setup(ledger: Ledger, side: ComparisonSide) -> ComparedRow | None:
    """What a failed preparation of a side means; None where it went well, or there was none."""
    last = next(
        (seen.facts for seen in reversed(ledger.observed) if seen.what == SETUP and seen.facts["side"] == side), None
    )
    if last is None or last["exit_code"] == 0:
        return None
    candidate = side is ComparisonSide.CANDIDATE
    ended = f"ended with {last['exit_code']}"
    return ComparedRow(
        dimension=ComparedDimension.FUNCTIONAL,
        unit=f"`{last['command']}`",
        classification=Classification.ELIGIBLE if candidate else Classification.UNAVAILABLE,
        baseline="green" if candidate else ended,
        candidate=ended if candidate else "-",
        regressed=candidate,
        severity="high" if candidate else "low",
        status="green to red" if candidate else "no baseline",
        description=" ".join(str(last["tail"]).split())[-300:],
        at=str(last["at"]),
    )


def _unmeasured(ledger: Ledger) -> list[tuple[str, str]]:
    """The dimensions without a row, each with why."""
    found = {row.dimension for row in rows(ledger)}
    options = ledger.opts(RegressionOptions)
    why = {
        ComparedDimension.FUNCTIONAL: "no test command was found or given",
        ComparedDimension.API_CONTRACT: str(ledger.latest(FILES).get("why", "")) or "not looked at",
        ComparedDimension.DATA_MIGRATION: "no `migrations` command was given",
        ComparedDimension.INTEGRATION_E2E: "no `e2e` command was given",
        ComparedDimension.FLAKINESS: "needs several runs of a test command",
        ComparedDimension.PERFORMANCE: "no `performance` command was found or given",
        ComparedDimension.RESOURCE: "comes with a `performance` command",
        ComparedDimension.VISUAL_UI: "no `visual` command was given",
    }
    left_out = {name for name in ComparedDimension if options.dimensions and name not in options.dimensions}
    refused = set(ledger.latest(REFUSED).get("commands", ()))
    held = {job.dimension for job in jobs(ledger) if job.command in refused}
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
