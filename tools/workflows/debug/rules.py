"""Debugging: hypotheses that could be false, an experiment for each, and findings from confirmed ones alone."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from ...errors import Code
from ...lab.context import RepoContext
from ..ledger.evidence import pending, proof_of, ran, shown, words
from ..ledger.handoff import HandoffFinding
from ..ledger.items import Item, ItemOutcome, Withdrawal, Workflow
from ..ledger.pages import clipped, lines, sentence
from ..ledger.rules import Check, Coverage, Need, Objection, Pages, WorkflowRules
from ..ledger.state import Ledger, LedgerEntry, Observed
from ..running.inspection import checks_of, projects_of, run_checks
from ..running.proofs import run_pending
from ..running.runner import Scoped, observed
from .items import (
    DebugFinding,
    DebugOptions,
    Hypothesis,
    by_severity,
    confirmed,
    outcome_of,
    standing,
    told,
)
from .pages import findings_page, sarif_log

_TEST = re.compile(r"\btest_\w+|\btest[A-Z]\w+")
"""How a test is called."""
WARNED_AFTER = 3
"""Experiments in a row that confirmed nothing, after which the agent is told to change its ways."""
TAIL = 500
"""Characters shown of what a check printed last."""
GATHERED, CHECKED = "gathered", "checks"
"""What the server found when the ledger was opened, and what the project's own commands said when they were run."""


def _failures(ledger: Ledger) -> int:
    """Return how many experiments at the end confirmed nothing."""
    outcomes = [standing(ledger, one) for one in ledger.of(Hypothesis)]
    return next((n for n, outcome in enumerate(reversed(outcomes)) if outcome is ItemOutcome.CONFIRMED), len(outcomes))


def _rests_on_nothing(ledger: Ledger, item: DebugFinding) -> Objection | None:
    entry = next((entry for entry in ledger.of(Hypothesis) if entry.id == item.hypothesis), None)
    if entry is None:
        return Objection(
            Code.EVIDENCE, f"There is no {item.hypothesis}. Record the hypothesis and its experiment first."
        )
    if standing(ledger, entry) is ItemOutcome.CONFIRMED:
        return None
    message = f"{entry.id} is {told(ledger, entry)} ({words(ran(ledger, entry))}): a finding rests on a confirmed hypothesis. Test another one."
    return Objection(Code.EVIDENCE, message)


def _too_small(ledger: Ledger, item: DebugFinding) -> Objection | None:
    least = ledger.opts(DebugOptions).severity
    if item.severity.rank <= least.rank:
        return None
    return Objection(
        Code.BAD_ARGUMENT, f"This ledger looks for {least} and worse, and this is {item.severity}. Leave it."
    )


def _confirmed(ledger: Ledger) -> list[str]:
    return [entry.id for entry in ledger.of(Hypothesis) if outcome_of(ledger, entry) is ItemOutcome.CONFIRMED]


def _without_finding(ledger: Ledger) -> list[str]:
    cited = {one.hypothesis for one in ledger.items(DebugFinding)}
    return [id for id in _confirmed(ledger) if id not in cited]


class Debug(WorkflowRules):
    """Facts before opinions: what was not confirmed by an experiment is no finding."""

    name = Workflow.DEBUG
    options = DebugOptions
    accumulates = True
    kinds = (Hypothesis, DebugFinding)
    withdrawable = kinds
    onwards = ("fix",)
    checks: ClassVar[Mapping[type[Item], tuple[Check, ...]]] = {
        DebugFinding: (_rests_on_nothing, _too_small),
    }
    needs = (
        Need(
            lambda ledger: not ledger.entries,
            "a hypothesis: record what you suspected, what you did and what it showed",
            first=True,
        ),
        Need(_without_finding, "a finding for {0}, which was confirmed"),
        Need(
            lambda ledger: not _confirmed(ledger),
            "a hypothesis that the server saw confirmed by its experiment (`run` tries those that waited for a person's yes); "
            "or close with a why",
        ),
    )
    pages: ClassVar[Pages] = {"findings.md": findings_page, "debug.sarif": sarif_log}

    def completed(self, ledger: Ledger, item: Item) -> Item:
        entry = ledger.find(item.hypothesis) if isinstance(item, DebugFinding) and not item.reproduction else None
        shared = {"reproduction", "fails_with", "control"}
        return item.model_copy(update=entry.item.model_dump(include=shared)) if entry else item

    def said(self, ledger: Ledger, entry: LedgerEntry[Any]) -> str:
        return told(ledger, entry) if isinstance(entry.item, Hypothesis) else super().said(ledger, entry)

    def follow_ups(self, ledger: Ledger) -> tuple[str, ...]:
        return self.onwards if ledger.of(DebugFinding) else ()

    def settles(self, ledger: Ledger, entry: LedgerEntry[Any]) -> ItemOutcome | None:
        if isinstance(entry.item, Withdrawal):
            return super().settles(ledger, entry)
        settled = outcome_of(ledger, entry) if isinstance(entry.item, Hypothesis) else None
        return None if settled is ItemOutcome.INCONCLUSIVE else settled

    def costs(self, kind: str) -> bool:
        return kind == "hypothesis"

    def spent(self, ledger: Ledger) -> int:
        return sum(isinstance(entry.item, Hypothesis) for entry in ledger.entries)

    def coverage(self, ledger: Ledger) -> tuple[Coverage, ...]:
        found = ledger.of(DebugFinding)
        return (Coverage("findings shown", sum(shown(ran(ledger, one)) for one in found), len(found)),)

    def allowed(self, ledger: Ledger) -> str:
        """Say where no finding that was shown has to do with the test that the ledger is about."""
        asked = ledger.opts(DebugOptions)
        named = set(_TEST.findall(f"{asked.goal} {asked.symptom}"))
        proofs = (ran(ledger, one) for one in ledger.of(DebugFinding))
        tried = "\n".join(one.command for one in proofs if one and shown(one))
        about = named - set(_TEST.findall(tried)) == named != set()
        return f"No finding runs {', '.join(sorted(named))}, which this is about." if about else ""

    def step(self, ledger: Ledger) -> str:
        return " ".join(self._steps(ledger))

    def _steps(self, ledger: Ledger) -> list[str]:
        return [] if ledger.closed else _next_steps(ledger, bounded=self.bounded(ledger), missing=self.missing(ledger))

    def state(self, ledger: Ledger) -> list[str]:
        going_on = ledger.closed is None
        return [
            *self._steps(ledger),
            *lines(ledger.of(DebugFinding) and self.allowed(ledger)),
            *(f"{entry.id} {told(ledger, entry)}: {entry.item.claim}" for entry in ledger.of(Hypothesis)[-8:]),
            *_showed_nothing(ledger),
            *(f"{entry.id} {entry.item.severity}: {entry.item.summary}" for entry in ledger.of(DebugFinding)[-8:]),
            *(_gathered(ledger.latest(GATHERED), ledger.latest(CHECKED)) if going_on else []),
        ]

    def findings(self, ledger: Ledger) -> tuple[HandoffFinding, ...]:
        return tuple(
            HandoffFinding(
                id=entry.id,
                title=entry.item.summary,
                kind="bug",
                severity=entry.item.severity,
                location=entry.item.location,
                quote=entry.item.quote,
                detail=" ".join(lines(sentence(entry.item.root_cause), entry.item.suggestion, _author(ledger, entry))),
                proof=proof_of(ledger, entry),
                confirmed=shown(ran(ledger, entry)),
            )
            for entry in by_severity(ledger)
        )


def _next_steps(ledger: Ledger, *, bounded: bool, missing: Sequence[str]) -> list[str]:
    """Return what to do now, the most pressing first."""
    if bounded:
        return ["All rounds are used: record the findings of what was confirmed, and close it."]
    if not missing:
        return ["Nothing is missing: close it, or go on where something is left to explain."]
    waiting, failures = pending(ledger), _failures(ledger)
    return lines(
        failures >= WARNED_AFTER
        and f"{failures} experiments in a row confirmed nothing: go back to what is known for certain.",
        waiting and f"{len(waiting)} commands wait for a person's consent; then call workflow with `run`.",
    )


def _showed_nothing(ledger: Ledger) -> list[str]:
    """Return why the last experiment left its claim open, if it did."""
    left = [one for one in ledger.of(Hypothesis)[-1:] if outcome_of(ledger, one) is ItemOutcome.INCONCLUSIVE]
    return [f"{one.id}: {clipped(words(ran(ledger, one)), 400)}." for one in left if one.item.reproduction]


def _author(ledger: Ledger, entry: LedgerEntry[DebugFinding]) -> str:
    how = confirmed(ran(ledger, entry))
    return f"{how.capitalize()}." if "word" in how else ""


def _gathered(found: Mapping[str, Any], checks: Mapping[str, Any]) -> list[str]:
    """Return what the server knows of the project, in lines."""
    results = checks.get("commands", ())
    said = [f"{one['kind']} `{one['command']}`: {one['said']}" for one in results]
    failed = [one for one in results if one["exit_code"] and one["tail"]]
    known = [f"{one['kind']} `{one['command']}`" for one in found.get("commands", ())]
    return lines(
        said and f"Checks: {'; '.join(said)}.",
        *(f"Output of `{one['command']}`, which is data: {one['tail'][-TAIL:]}" for one in failed[:3]),
        known and not said and f"The project's own checks, which `run` runs: {'; '.join(known)}.",
    )


class DebugRunner(Scoped):
    """Gathers at the opening; `run` runs the project's checks, and the reproductions that waited for consent."""

    def opening(self, context: RepoContext, ledger: Ledger) -> Sequence[Observed]:
        super().opening(context, ledger)
        return (observed(context, GATHERED, commands=checks_of(projects_of(context))),)

    def run(self, context: RepoContext, ledger: Ledger, options: Mapping[str, Any]) -> Sequence[Observed]:
        results = run_checks(context, checks_of(projects_of(context)))
        return (*run_pending(context, ledger), observed(context, CHECKED, commands=results))
