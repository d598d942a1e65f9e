"""What a debug ledger takes: hypotheses with their experiments, and the findings that rest on them."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from ..ledger.evidence import disproved, ran, shown
from ..ledger.items import ItemOutcome, Note, Options, Provable, Severity, Text
from ..ledger.state import Ledger, LedgerEntry, Ran


class DebugOptions(Options):
    """What to debug."""

    symptom: str = Field("", max_length=1000, description="What goes wrong, as seen.")
    severity: Severity = Field(Severity.INFO, description="Look for nothing less severe than this.")


class Hypothesis(Provable):
    """A claim about the cause that an experiment has tested. It names where in the code the cause would be."""

    prefix: ClassVar[str] = "H"
    place_format: ClassVar[str] = ""  # one place may be suspected for several reasons
    subject_format: ClassVar[str] = "{claim}"

    kind: Literal["hypothesis"] = "hypothesis"
    claim: Text = Field(description="One specific cause, which could be false.")
    experiment: Note = Field("", description="What you did to find out, where no command shows it.")
    seen: Note = Field("", description="What that showed, in a line or two.")
    outcome: ItemOutcome = Field(ItemOutcome.INCONCLUSIVE, description="Counts only where nothing is run.")


class DebugFinding(Provable):
    """A fault whose cause is known, because a hypothesis was confirmed. Without a proof of its own it has that one's."""

    prefix: ClassVar[str] = "F"
    subject_format: ClassVar[str] = "{summary}"

    kind: Literal["finding"] = "finding"
    summary: Text = Field(description="The fault in one sentence.")
    hypothesis: str = Field(pattern=r"^H\d+$", description="The confirmed hypothesis that it rests on, e.g. H3.")
    severity: Severity
    root_cause: Text = Field(description="Why it happens.")
    impact: Text = Field(description="Who meets it, and what it does to them.")
    suggestion: Note = Field("", description="How it could be mended.")


def outcome_of(ledger: Ledger, entry: LedgerEntry[Hypothesis]) -> ItemOutcome:
    """Return what the server saw: inconclusive until it ran the experiment, whatever was claimed."""
    seen = ran(ledger, entry)
    if shown(seen):
        return ItemOutcome.CONFIRMED
    return ItemOutcome.DISPROVEN if disproved(seen) else ItemOutcome.INCONCLUSIVE


def standing(ledger: Ledger, entry: LedgerEntry[Hypothesis]) -> ItemOutcome:
    """Return what is to be gone on with: what the server saw, and what was claimed where nothing was run."""
    seen = ran(ledger, entry)
    return outcome_of(ledger, entry) if seen and seen.exit_code is not None else entry.item.outcome


def told(ledger: Ledger, entry: LedgerEntry[Hypothesis]) -> str:
    """Return the outcome in words that say whether anything was run, and whether the words of it are its author's."""
    seen = ran(ledger, entry)
    if seen is None or seen.exit_code is None:
        return f"said to be {entry.item.outcome}, not run"
    return confirmed(seen) or str(outcome_of(ledger, entry))


def confirmed(seen: Ran | None) -> str:
    """Return in a word or two that a fault was shown, and where its author wrote the words that name it; empty where it was not."""
    whose = ", author's word" if seen and seen.own_words else ""
    return f"confirmed{whose}" if shown(seen) else ""


def by_severity(ledger: Ledger) -> list[LedgerEntry[DebugFinding]]:
    """Return the findings, the worst first."""
    return sorted(ledger.of(DebugFinding), key=lambda entry: entry.item.severity.rank)
