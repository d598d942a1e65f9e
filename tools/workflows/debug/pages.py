"""What the end of a debug ledger writes: the findings, what it was not, and SARIF."""

from __future__ import annotations

from ...text.sarif import SarifKind, SarifResult, sarif
from ..ledger.evidence import fingerprint, ran, words
from ..ledger.items import ItemOutcome, split_location
from ..ledger.pages import code, lines, quoted, section, sentence
from ..ledger.state import Ledger, LedgerEntry, Ran
from .items import DebugFinding, Hypothesis, by_severity, confirmed, outcome_of, told

_FAULT = SarifKind(
    "debug",
    "Fault",
    "A fault of {} severity that commands showed; what should hold instead is their author's word.",
    "The message says why it happens and how it is shown. Run its command before and after a change.",
    "correctness",
)


def findings_page(ledger: Ledger) -> str:
    """Return every fault whose cause is known, and what was suspected and is not the cause, or could not be shown to be."""
    found = [_finding(ledger, entry) for entry in by_severity(ledger)]
    others = [entry for entry in ledger.of(Hypothesis) if outcome_of(ledger, entry) is not ItemOutcome.CONFIRMED]
    ruled_out = ["# What it was not\n", *(_eliminated(ledger, entry) for entry in others)] if others else []
    return "# Findings\n\n" + "\n".join([*(found or ["No cause was confirmed.\n"]), *ruled_out])


def _finding(ledger: Ledger, entry: LedgerEntry[DebugFinding]) -> str:
    one = entry.item
    parts = [
        f"## {entry.id}: {one.summary}\n",
        f"{one.severity}, {confirmed(ran(ledger, entry)) or 'not shown'}, at `{one.location}`, from {one.hypothesis}.\n\n{quoted(one.quote)}\n",
        f"**Root cause.** {one.root_cause}\n\n**Impact.** {one.impact}\n",
        f"**Reproduction** ({words(ran(ledger, entry))}).\n\n{quoted(one.reproduction)}\n\nIt fails with {code(one.fails_with)}; the "
        f"control:\n\n{quoted(one.control)}\n{_scripts(ran(ledger, entry))}"
        if one.reproduction
        else "**Not reproduced**: no command shows it, so this is an opinion.\n",
        f"**Suggestion.** {one.suggestion}\n" if one.suggestion else "",
    ]
    return "\n".join(part for part in parts if part)


def _scripts(seen: Ran | None) -> str:
    """Return which files that git does not have were run: whoever reads of it may find them no more, or otherwise."""
    there = [f"`{path}` (SHA-256 {digest[:16]}…)" for path, digest in (seen.outside if seen else ())]
    return f"\nGit does not have {', '.join(there)}: it counts while that is what it was.\n" if there else ""


def _eliminated(ledger: Ledger, entry: LedgerEntry[Hypothesis]) -> str:
    one = entry.item
    seen = f"\nRun: {words(ran(ledger, entry))}.\n" if one.reproduction else ""
    foreseen = f", foreseen as {one.upstream}" if one.upstream else ""
    done = f"{one.experiment}\n\nSeen: {one.seen}\n" if one.experiment else ""
    text = f"{told(ledger, entry)}, at `{one.location}`{foreseen}.\n\n{done}{seen}"
    return section(f"{entry.id}: {one.claim}", [text.rstrip("\n")])


def sarif_log(ledger: Ledger) -> str:
    """Return the findings in SARIF 2.1.0."""
    properties = {"ledger": ledger.id, "commit": ledger.closed.commit if ledger.closed else ledger.commit}
    found = [_result(ledger, entry) for entry in by_severity(ledger)]
    return sarif("autoresearch debug", _FAULT, ledger.id, found, properties)


def _result(ledger: Ledger, entry: LedgerEntry[DebugFinding]) -> SarifResult:
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
        one.severity, message, path, first, last, one.quote, fingerprint(path, "bug", one.quote),
        properties={"id": entry.id, "shown": confirmed(ran(ledger, entry))},
    )  # fmt: skip
