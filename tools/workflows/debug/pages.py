"""What the end of a debug ledger writes: the findings, what it was not, every item in its order, and SARIF."""

from __future__ import annotations

from typing import Any

from ...text.sarif import SarifLevel, SarifResult, SarifRule, sarif
from ..ledger.evidence import fingerprint, ran, shown, words
from ..ledger.items import ItemOutcome, Severity, Withdrawal, split_location
from ..ledger.pages import code, lines, quoted, section, sentence, table
from ..ledger.state import Ledger, LedgerEntry
from .items import DebugFinding, Hypothesis, by_severity, outcome_of, told

COLUMNS = ("iteration", "type", "hypothesis", "result", "severity", "location", "description")
LEVELS = {
    Severity.CRITICAL: SarifLevel.ERROR,
    Severity.HIGH: SarifLevel.ERROR,
    Severity.MEDIUM: SarifLevel.WARNING,
    Severity.LOW: SarifLevel.NOTE,
    Severity.INFO: SarifLevel.NOTE,
}


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
    done = f"{one.experiment}\n\nSeen: {one.seen}\n" if one.experiment else ""
    text = f"{told(ledger, entry)}, at `{one.location}`{foreseen}.\n\n{done}{seen}"
    return section(f"{entry.id}: {one.claim}", [text.rstrip("\n")])


def results_table(ledger: Ledger) -> str:
    """One row for each item, in the order in which they were recorded."""
    return table(COLUMNS, [_row(ledger, place, entry) for place, entry in enumerate(ledger.entries, 1)])


def _row(ledger: Ledger, place: int, entry: LedgerEntry[Any]) -> tuple[object, ...]:
    one = entry.item
    if isinstance(one, Hypothesis):
        return (place, "hypothesis", entry.id, told(ledger, entry), "-", one.location, one.claim)
    if isinstance(one, Withdrawal):
        return (place, "withdrawal", one.item, "withdrawn", "-", "-", one.reason)
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
