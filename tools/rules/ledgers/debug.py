"""Debugging: hypotheses that could be false, an experiment for each, and findings from confirmed ones alone."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, ClassVar, Literal

from pydantic import Field

from ..scores import TECHNIQUES, Score, debug_ancestor, debug_quality
from .craft import Coverage, Craft, Fault, Objection, table
from .handoff import Ending, Finding
from .items import Cited, Item, Note, Outcome, Severity, Text, Workflow
from .ledger import Entry, Ledger
from .options import Options
from .pages import quoted, section

DROPPED_AFTER = 3
"""Experiments in a row that did not confirm, after which a line of inquiry is dropped."""


class Technique(StrEnum):
    """The seven ways to look for a cause."""

    BINARY_SEARCH = "binary-search"
    DIFFERENTIAL = "differential"
    MINIMAL_REPRODUCTION = "minimal-reproduction"
    TRACE = "trace"
    PATTERN_SEARCH = "pattern-search"
    WORKING_BACKWARDS = "working-backwards"
    RUBBER_DUCK = "rubber-duck"


class DebugOptions(Options):
    """What to debug."""

    symptom: str = Field("", max_length=1000, description="What goes wrong, as seen.")
    severity: Severity = Field(Severity.INFO, description="Look for nothing less severe than this.")


class Hypothesis(Cited):
    """A claim about the cause that an experiment has tested. It names where in the code the cause would be."""

    prefix: ClassVar[str] = "H"

    kind: Literal["hypothesis"] = "hypothesis"
    claim: Text = Field(description="One specific cause, which could be false.")
    refuted_if: Text = Field(description="What the experiment would have shown if the claim were false.")
    technique: Technique
    experiment: Text = Field(description="What you did to find out: one experiment.")
    seen: Text = Field(description="What it showed, in a line or two.")
    outcome: Outcome
    line: Text = Field(description="The line of inquiry, a word or two, e.g. `cache`: three failures in a row end it.")
    reproduction: Note = Field("", description="A command that shows it and exits non-zero while the fault is there.")

    @property
    def place(self) -> str:
        return ""  # one place may be suspected for several reasons

    @property
    def subject(self) -> str:
        return self.claim

    @property
    def command(self) -> str:
        return self.reproduction

    @property
    def settles(self) -> Outcome | None:
        return self.outcome


class DebugFinding(Cited):
    """A fault whose cause is known, because a hypothesis was confirmed."""

    prefix: ClassVar[str] = "F"

    kind: Literal["finding"] = "finding"
    summary: Text = Field(description="The fault in one sentence.")
    hypothesis: str = Field(pattern=r"^H\d+$", description="The confirmed hypothesis that it rests on, e.g. H3.")
    severity: Severity
    reproduction: Text = Field(description="A command that exits non-zero while the fault is there.")
    root_cause: Text = Field(description="Why it happens.")
    impact: Text = Field(description="Who meets it, and what it does to them.")
    suggestion: Note = Field("", description="How it could be mended.")

    @property
    def subject(self) -> str:
        return self.summary

    @property
    def command(self) -> str:
        return self.reproduction


class Debug(Craft):
    """Facts before opinions: what was not confirmed by an experiment is no finding."""

    name = Workflow.DEBUG
    options = DebugOptions
    items: ClassVar[dict[str, type[Item]]] = {"hypothesis": Hypothesis, "finding": DebugFinding}
    onwards = ("fix",)

    def objection(self, ledger: Ledger, item: Item) -> Objection | None:
        match item:
            case Hypothesis(line=line) if _failures(ledger, line) >= DROPPED_AFTER:
                told = f"Three experiments in a row on `{line}` confirmed nothing: that line of inquiry is dropped."
                return Objection(Fault.OUT_OF_ORDER, f"{told} Suspect something else, and name another line.")
            case DebugFinding(hypothesis=id):
                return _rests_on_nothing(ledger, id) or _too_small(ledger, item.severity)
            case _:
                return None

    def spent(self, ledger: Ledger) -> int:
        return len(ledger.of(Hypothesis))

    def coverage(self, ledger: Ledger) -> tuple[Coverage, ...]:
        return (
            Coverage("files", len(_files(ledger)), _in_scope(ledger)),
            Coverage("techniques", len(_techniques(ledger)), TECHNIQUES),
        )

    def scores(self, ledger: Ledger) -> tuple[Score, ...]:
        hypotheses, findings = ledger.items(Hypothesis), ledger.of(DebugFinding)
        settled = sum(one.outcome is not Outcome.INCONCLUSIVE for one in hypotheses)
        return (
            debug_quality(settled, len(hypotheses), sum(map(_reproduced, findings)), len(findings)),
            debug_ancestor(
                len(findings), len(hypotheses), len(_files(ledger)), _in_scope(ledger), len(_techniques(ledger))
            ),
        )

    def missing(self, ledger: Ledger) -> tuple[str, ...]:
        if not ledger.entries:
            return ("a hypothesis: record what you suspected, what you did and what it showed",)
        cited = {one.hypothesis for one in ledger.items(DebugFinding)}
        confirmed = [entry for entry in ledger.of(Hypothesis) if entry.item.outcome is Outcome.CONFIRMED]
        left = [f"a finding for {entry.id}, which was confirmed" for entry in confirmed if entry.id not in cited]
        if left or confirmed:
            return tuple(left)
        return ("a confirmed hypothesis: nothing has been found yet; go on, or close with a why",)

    def state(self, ledger: Ledger) -> list[str]:
        dropped = sorted({one.line for one in ledger.items(Hypothesis) if _failures(ledger, one.line) >= DROPPED_AFTER})
        unused = [technique for technique in Technique if technique not in _techniques(ledger)]
        return [
            *([f"Dropped lines of inquiry: {', '.join(dropped)}."] if dropped else []),
            *([f"Techniques not used yet: {', '.join(unused)}."] if unused else []),
            *(f"{entry.id} {entry.item.outcome}: {entry.item.claim}" for entry in ledger.of(Hypothesis)[-8:]),
            *(f"{entry.id} {entry.item.severity}: {entry.item.summary}" for entry in ledger.of(DebugFinding)[-8:]),
        ]

    def files(self, ledger: Ledger) -> dict[str, str]:
        eliminated = [entry for entry in ledger.of(Hypothesis) if entry.item.outcome is not Outcome.CONFIRMED]
        return {
            "findings.md": "# Findings\n\n" + "\n".join(map(_finding_page, _by_severity(ledger))),
            "eliminated.md": "# What it was not\n\n" + "\n".join(map(_eliminated_page, eliminated)),
            "debug-results.tsv": table(
                ("iteration", "type", "hypothesis", "result", "severity", "location", "description"),
                [_row(place, entry) for place, entry in enumerate(ledger.entries, 1)],
            ),
        }

    def findings(self, ledger: Ledger) -> tuple[Finding, ...]:
        return tuple(
            Finding(
                id=entry.id,
                title=entry.item.summary,
                kind="bug",
                severity=entry.item.severity,
                location=entry.item.location,
                quote=entry.item.quote,
                detail=f"{entry.item.root_cause} Reproduction: {entry.item.reproduction}. {entry.item.suggestion}".strip(),
                check=entry.item.reproduction,
                confirmed=_reproduced(entry),
            )
            for entry in _by_severity(ledger)
        )

    def ending(self, ledger: Ledger) -> Ending:
        return Ending.COMPLETE


def _failures(ledger: Ledger, line: str) -> int:
    """Experiments at the end of a line of inquiry that did not confirm."""
    outcomes = [one.outcome for one in ledger.items(Hypothesis) if one.line.lower() == line.lower()]
    return next((n for n, outcome in enumerate(reversed(outcomes)) if outcome is Outcome.CONFIRMED), len(outcomes))


def _rests_on_nothing(ledger: Ledger, id: str) -> Objection | None:
    entry = next((entry for entry in ledger.of(Hypothesis) if entry.id == id), None)
    if entry is None:
        return Objection(Fault.EVIDENCE, f"There is no {id}. Record the hypothesis and its experiment first.")
    if entry.item.outcome is not Outcome.CONFIRMED:
        return Objection(
            Fault.EVIDENCE,
            f"{id} was {entry.item.outcome}: a finding rests on a confirmed hypothesis. Test another one.",
        )
    return None


def _too_small(ledger: Ledger, severity: Severity) -> Objection | None:
    least = ledger.opts(DebugOptions).severity
    if severity.rank <= least.rank:
        return None
    return Objection(Fault.BAD_ARGUMENT, f"This ledger looks for {least} and worse, and this is {severity}. Leave it.")


def _reproduced(entry: Entry[DebugFinding]) -> bool:
    """Whether the server saw the reproduction fail."""
    return entry.ran is not None and entry.ran.exit_code not in {None, 0}


def _files(ledger: Ledger) -> set[str]:
    return {entry.item.path for entry in ledger.entries if isinstance(entry.item, Cited)}


def _in_scope(ledger: Ledger) -> int:
    """Files in scope when the ledger was opened."""
    return int(ledger.latest("scope").get("files", 0))


def _techniques(ledger: Ledger) -> set[Technique]:
    return {one.technique for one in ledger.items(Hypothesis)}


def _by_severity(ledger: Ledger) -> list[Entry[DebugFinding]]:
    return sorted(ledger.of(DebugFinding), key=lambda entry: entry.item.severity.rank)


def _finding_page(entry: Entry[DebugFinding]) -> str:
    one = entry.item
    ran = (
        f"exit {entry.ran.exit_code} when the server ran it" if _reproduced(entry) and entry.ran else "not seen to fail"
    )
    parts = [
        f"## {entry.id}: {one.summary}\n",
        f"{one.severity}, at `{one.location}`, from {one.hypothesis}.\n\n{quoted(one.quote)}\n",
        f"**Root cause.** {one.root_cause}\n\n**Impact.** {one.impact}\n",
        f"**Reproduction** ({ran}).\n\n{quoted(one.reproduction)}\n",
        f"**Suggestion.** {one.suggestion}\n" if one.suggestion else "",
    ]
    return "\n".join(part for part in parts if part)


def _eliminated_page(entry: Entry[Hypothesis]) -> str:
    one = entry.item
    text = f"{one.outcome} by {one.technique}: {one.experiment}\n\nSeen: {one.seen}\n"
    return section(f"{entry.id}: {one.claim}", [text])


def _row(place: int, entry: Entry[Any]) -> tuple[object, ...]:
    one = entry.item
    if isinstance(one, Hypothesis):
        return (place, "hypothesis", entry.id, one.outcome, "-", one.location, one.claim)
    return (place, "finding", one.hypothesis, "confirmed", one.severity, one.location, one.summary)
