"""Debugging: hypotheses that could be false, an experiment for each, and findings from confirmed ones alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from ...errors import Code
from ...lab.context import RepoContext
from ...text.sarif import SarifLevel, SarifResult, SarifRule, sarif
from ..ledger.evidence import fingerprint, pending, proof_of, ran, shown, words
from ..ledger.handoff import HandoffFinding
from ..ledger.items import Cited, Item, ItemOutcome, Severity, Workflow, split_location
from ..ledger.pages import code, lines, quoted, section, sentence, table
from ..ledger.rules import Check, Coverage, Need, Objection, Pages, WorkflowRules
from ..ledger.state import Ledger, LedgerEntry, Observed
from ..running.inspection import (
    FAULTS,
    checks_of,
    looked_through,
    projects_of,
    recent,
    run_checks,
    texts_of,
)
from ..running.proofs import run_pending
from ..running.runner import Scoped, files_in_scope, observed
from .items import Basis, DebugFinding, DebugOptions, Hypothesis, Technique, by_severity, outcome_of, standing, told

DROPPED_AFTER = 3
"""Experiments in a row that did not confirm, after which a line of inquiry is dropped."""
WARNED_AFTER = 5
"""Experiments in a row, on whatever line, after which the agent is told to change its ways."""
TAIL = 500
"""Characters shown of what a check printed last."""
GATHERED, CHECKED = "gathered", "checks"
"""What the server found when the ledger was opened, and what the project's own commands said when they were run."""


def _dropped(ledger: Ledger, item: Hypothesis) -> Objection | None:
    if _failures(ledger, item.line) < DROPPED_AFTER:
        return None
    problem = f"Three experiments in a row on `{item.line}` confirmed nothing: that line of inquiry is dropped."
    return Objection(Code.OUT_OF_ORDER, f"{problem} Suspect something else, and name another line.")


def _other_technique(ledger: Ledger, item: Hypothesis) -> Objection | None:
    wanted = ledger.opts(DebugOptions).technique
    if wanted in {None, item.technique}:
        return None
    problem = f"This ledger was opened for {wanted} alone, and this is {item.technique}."
    return Objection(Code.BAD_ARGUMENT, f"{problem} Use {wanted}, or close it and open one for all techniques.")


def _failures(ledger: Ledger, line: str = "") -> int:
    """Experiments at the end of a line of inquiry that did not confirm; of all without one."""
    entries = [one for one in ledger.of(Hypothesis) if not line or one.item.line.lower() == line.lower()]
    outcomes = [standing(ledger, one) for one in entries]
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


def findings_page(ledger: Ledger) -> str:
    """Return every fault whose cause is known."""
    found = [_finding(ledger, entry) for entry in by_severity(ledger)]
    return "# Findings\n\n" + ("\n".join(found) or "No cause was confirmed.\n")


def _finding(ledger: Ledger, entry: LedgerEntry[DebugFinding]) -> str:
    one = entry.item
    parts = [
        f"## {entry.id}: {one.summary}\n",
        f"{one.severity}, at `{one.location}`, from {one.hypothesis}.\n\n{quoted(one.quote)}\n",
        f"**Root cause.** {one.root_cause}\n\n**Impact.** {one.impact}\n",
        f"**Reproduction** ({words(ran(ledger, entry))}).\n\n{quoted(one.reproduction)}\n\nIt fails with {code(one.fails_with)}; the "
        f"control:\n\n{quoted(one.control)}\n"
        if one.reproduction
        else "**Not reproduced**: no command shows it, so this is an opinion.\n",
        f"**Suggestion.** {one.suggestion}\n" if one.suggestion else "",
    ]
    return "\n".join(part for part in parts if part)


def eliminated_page(ledger: Ledger) -> str:
    """Return what was suspected and is not the cause, or could not be shown to be."""
    entries = [(entry, outcome_of(ledger, entry)) for entry in ledger.of(Hypothesis)]
    ruled_out = [_eliminated(ledger, entry) for entry, how in entries if how is not ItemOutcome.CONFIRMED]
    return "# What it was not\n\n" + ("\n".join(ruled_out) or "Nothing was ruled out.\n")


def _eliminated(ledger: Ledger, entry: LedgerEntry[Hypothesis]) -> str:
    one = entry.item
    seen = f"\nRun: {words(ran(ledger, entry))}.\n" if one.reproduction else ""
    foreseen = f", foreseen as {one.upstream}" if one.upstream else ""
    text = f"{told(ledger, entry)}, by {one.technique}, at `{one.location}`{foreseen}: {one.experiment}\n\nSeen: {one.seen}\n{seen}"
    return section(f"{entry.id}: {one.claim}", [text.rstrip("\n")])


def results_table(ledger: Ledger) -> str:
    """One row for each hypothesis and each finding, in the order in which they were recorded."""
    return table(COLUMNS, [_row(ledger, place, entry) for place, entry in enumerate(ledger.entries, 1)])


def _row(ledger: Ledger, place: int, entry: LedgerEntry[Any]) -> tuple[object, ...]:
    one = entry.item
    if isinstance(one, Hypothesis):
        return (place, "hypothesis", entry.id, told(ledger, entry), "-", one.location, one.claim)
    how = "shown" if shown(ran(ledger, entry)) else "not shown"
    return (place, "finding", one.hypothesis, how, one.severity, one.location, one.summary)


def sarif_log(ledger: Ledger) -> str:
    """Return the findings in SARIF 2.1.0."""
    entries = by_severity(ledger)
    rules = [_rule(severity) for severity in Severity if any(one.item.severity is severity for one in entries)]
    properties = {"ledger": ledger.id, "commit": ledger.closed.commit if ledger.closed else ledger.commit}
    return sarif("autoresearch debug", f"autoresearch-debug/{ledger.id}", rules, [*map(_result, entries)], properties)


def _rule(severity: Severity) -> SarifRule:
    text = f"A fault of {severity} severity whose cause an experiment confirmed."
    advice = "The message says why it happens and how it is shown. Run its command before and after a change."
    return SarifRule(
        f"debug-{severity}", f"Fault{severity.title()}", text, text, advice, LEVELS[severity], tags=("correctness",)
    )


def _result(entry: LedgerEntry[DebugFinding]) -> SarifResult:
    one = entry.item
    path, first, last = split_location(one.location)
    message = "\n\n".join(
        lines(
            sentence(one.summary),
            f"Cause: {one.root_cause}",
            f"Impact: {one.impact}",
            one.reproduction and f"Shown by: {one.reproduction}",
        )
    )
    return SarifResult(
        f"debug-{one.severity}", message, path, first, last, one.quote, fingerprint(path, "bug", one.quote),
        properties={"id": entry.id},
    )  # fmt: skip


class Debug(WorkflowRules):
    """Facts before opinions: what was not confirmed by an experiment is no finding."""

    name = Workflow.DEBUG
    options = DebugOptions
    accumulates = True
    kinds = (Hypothesis, DebugFinding)
    onwards = ("fix",)
    checks: ClassVar[Mapping[type[Item], tuple[Check, ...]]] = {
        Hypothesis: (_dropped, _other_technique),
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
    pages: ClassVar[Pages] = {
        "findings.md": findings_page,
        "eliminated.md": eliminated_page,
        "debug-results.tsv": results_table,
        "debug.sarif": sarif_log,
    }

    def completed(self, ledger: Ledger, item: Item) -> Item:
        entry = ledger.find(item.hypothesis) if isinstance(item, DebugFinding) and not item.reproduction else None
        shared = {"reproduction", "fails_with", "control"}
        return item.model_copy(update=entry.item.model_dump(include=shared)) if entry else item

    def rivals(self, ledger: Ledger, item: Item) -> tuple[LedgerEntry[Item], ...]:
        """What an experiment left open may be claimed again, with a better one."""
        unsettled = {one.id for one in ledger.of(Hypothesis) if standing(ledger, one) is ItemOutcome.INCONCLUSIVE}
        return tuple(entry for entry in super().rivals(ledger, item) if entry.id not in unsettled)

    def said(self, ledger: Ledger, entry: LedgerEntry[Any]) -> str:
        return told(ledger, entry) if isinstance(entry.item, Hypothesis) else super().said(ledger, entry)

    def follow_ups(self, ledger: Ledger) -> tuple[str, ...]:
        return self.onwards if ledger.of(DebugFinding) else ()

    def settles(self, ledger: Ledger, entry: LedgerEntry[Any]) -> ItemOutcome | None:
        settled = outcome_of(ledger, entry) if isinstance(entry.item, Hypothesis) else None
        return None if settled is ItemOutcome.INCONCLUSIVE else settled

    def costs(self, kind: str) -> bool:
        return kind != "finding"

    def spent(self, ledger: Ledger) -> int:
        return len(ledger.of(Hypothesis))

    def coverage(self, ledger: Ledger) -> tuple[Coverage, ...]:
        found = ledger.of(DebugFinding)
        return (
            Coverage("files", len(_files(ledger)), _in_scope(ledger)),
            Coverage("findings shown", sum(shown(ran(ledger, one)) for one in found), len(found)),
        )

    def state(self, ledger: Ledger) -> list[str]:
        going_on = ledger.closed is None
        return [
            *(_next_steps(ledger, bounded=self.bounded(ledger)) if going_on else []),
            *(f"{entry.id} {told(ledger, entry)}: {entry.item.claim}" for entry in ledger.of(Hypothesis)[-8:]),
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
                detail=f"{sentence(entry.item.root_cause)} {entry.item.suggestion}".strip(),
                proof=proof_of(ledger, entry),
                confirmed=shown(ran(ledger, entry)),
            )
            for entry in by_severity(ledger)
        )


COLUMNS = ("iteration", "type", "hypothesis", "result", "severity", "location", "description")
LEVELS = {
    Severity.CRITICAL: SarifLevel.ERROR,
    Severity.HIGH: SarifLevel.ERROR,
    Severity.MEDIUM: SarifLevel.WARNING,
    Severity.LOW: SarifLevel.NOTE,
    Severity.INFO: SarifLevel.NOTE,
}


def _next_steps(ledger: Ledger, *, bounded: bool) -> list[str]:
    """Return what to do now, the most pressing first."""
    if bounded:
        return ["All rounds are used: record the findings of what was confirmed, and close it."]
    hypotheses, waiting, failures = ledger.items(Hypothesis), pending(ledger), _failures(ledger)
    dropped = sorted({one.line for one in hypotheses if _failures(ledger, one.line) >= DROPPED_AFTER})
    unused = [technique for technique in Technique if technique not in _techniques(ledger)]
    tried = {one.basis for one in hypotheses}
    grounds = [basis for basis in Basis if basis not in tried]
    return lines(
        failures >= WARNED_AFTER
        and f"{failures} experiments in a row confirmed nothing: go back to what is known for certain.",
        waiting and f"{len(waiting)} commands wait for a person's consent; then call workflow with `run`.",
        dropped and f"Dropped lines of inquiry: {', '.join(dropped)}.",
        grounds and f"Suspect next, in this order: {', '.join(grounds)}.",
        unused and f"Techniques not used yet: {', '.join(unused)}.",
    )


def _gathered(found: Mapping[str, Any], checks: Mapping[str, Any]) -> list[str]:
    """Return what the server knows of the project, in lines."""
    results = checks.get("commands", ())
    said = [f"{one['kind']} `{one['command']}`: {one['said']}" for one in results]
    failed = [one for one in results if one["exit_code"] and one["tail"]]
    known = [f"{one['kind']} `{one['command']}`" for one in found.get("commands", ())]
    recent = [f"{path} ({times})" for path, times in found.get("recent", ())[:8]]
    hints = [f"{one['location']} {one['what']}" for one in found.get("hints", ())[:8]]
    return lines(
        said and f"Checks: {'; '.join(said)}.",
        *(f"Output of `{one['command']}`, which is data: {one['tail'][-TAIL:]}" for one in failed[:3]),
        known and not said and f"The project's own checks, which `run` runs: {'; '.join(known)}.",
        recent and f"Changed lately (commits): {', '.join(recent)}.",
        hints and f"Patterns worth a look, no findings: {'; '.join(hints)}.",
    )


def _files(ledger: Ledger) -> set[str]:
    return {entry.item.path for entry in ledger.entries if isinstance(entry.item, Cited)}


def _in_scope(ledger: Ledger) -> int:
    """Files in scope when the ledger was opened."""
    return int(ledger.latest("scope").get("files", 0))


def _techniques(ledger: Ledger) -> set[Technique]:
    return {one.technique for one in ledger.items(Hypothesis)}


class DebugRunner(Scoped):
    """Gathers at the opening; `run` runs the project's checks, and the reproductions that waited for consent."""

    def opening(self, context: RepoContext, ledger: Ledger) -> Sequence[Observed]:
        files = files_in_scope(context, ledger)
        scope = super().opening(context, ledger)
        lately = recent(context, files)
        # What changed lately first: of many hints, those are the ones to keep.
        order = [*(path for path, _ in lately), *(path for path in files if path not in dict(lately))]
        hints = looked_through(texts_of(context, order), FAULTS)
        return (
            *scope,
            observed(context, GATHERED, commands=checks_of(projects_of(context)), recent=lately, hints=hints),
        )

    def run(self, context: RepoContext, ledger: Ledger, options: Mapping[str, Any]) -> Sequence[Observed]:
        results = run_checks(context, checks_of(projects_of(context)))
        return (*run_pending(context, ledger), observed(context, CHECKED, commands=results))
