"""A probe as files: what was asked, what follows, and the plan as it can be copied."""

from __future__ import annotations

from ...plan.model import PLAN_FILE, in_toml
from ..ledger.items import Item
from ..ledger.pages import one_line, section, table
from ..ledger.rules import Pages
from ..ledger.state import Ledger, LedgerEntry
from .items import (
    Atom,
    Certainty,
    PersonAnswer,
    ProbeRound,
    RepositoryEvidence,
    Type,
    answers_to,
    is_settled,
    kept_atoms,
    kept_questions,
    last_plan,
    rounds,
    said,
    tried,
)

_TITLES = {
    Type.REQUIREMENT: "It has to",
    Type.CONSTRAINT: "It may not, or only so",
    Type.ASSUMPTION: "Taken for granted",
    Type.RISK: "What could go wrong",
    Type.OUT_OF_SCOPE: "Not part of it",
    Type.AMBIGUITY: "Not clear yet",
    Type.CONTRADICTION: "Contradictions",
}


def _spec(ledger: Ledger) -> str:
    atoms = kept_atoms(ledger)
    parts = [
        section(title, [_line(ledger, one) for one in atoms if one.item.type is kind])
        for kind, title in _TITLES.items()
    ]
    open_ones = [f"- {one.id}: {one.item.text}" for one in kept_questions(ledger) if not is_settled(ledger, one.id)]
    learned = [f"{place}. {entry.item.learned}" for place, entry in enumerate(ledger.of(ProbeRound), 1)]
    head = f"# {ledger.options.goal or 'What is wanted'}\n"
    legend = "Certain is what a file says or a person said in these words. What is low needs a person before anything rests on it.\n"
    return "\n".join(
        part
        for part in (head, legend, *parts, section("Questions left open", open_ones), section("Rounds", learned))
        if part
    )


def _constraints(ledger: Ledger) -> str:
    rows = [
        (one.id, one.item.type, one.item.text, one.item.certainty, one.item.source, _who(ledger, one.item.source))
        for one in kept_atoms(ledger)
    ]
    return table(("id", "type", "text", "certainty", "source", "said_by"), rows)


def _line(ledger: Ledger, entry: LedgerEntry[Atom]) -> str:
    against = f", against {entry.item.against}" if entry.item.against else ""
    return f"- **{entry.id}** ({entry.item.certainty}{against}) {entry.item.text} [{entry.item.source}, {_who(ledger, entry.item.source)}]"


def _who(ledger: Ledger, id: str) -> str:
    """Return who answered: a file, or a person, as the agent tells it."""
    found = ledger.find(id)
    if found is not None and isinstance(found.item, RepositoryEvidence):
        return found.item.location
    return "a person, as the agent reports"


def _questions(ledger: Ledger) -> str:
    places = {entry.id: place for place, entries in enumerate(rounds(ledger), 1) for entry in entries}
    rows = []
    for one in kept_questions(ledger):
        found = answers_to(ledger, one.id)
        words = "; ".join(_shown(answer.item) for answer in found) or "not answered"
        who = "; ".join(_who(ledger, answer.id) for answer in found)
        how = "settled" if is_settled(ledger, one.id) else "open"
        rows.append((one.id, places.get(one.id, "open"), one.item.persona, one.item.text, how, who, words))
    return table(("id", "round", "persona", "question", "how", "answered_by", "answer"), rows)


def _shown(item: Item) -> str:
    return item.says if isinstance(item, RepositoryEvidence) else item.text if isinstance(item, PersonAnswer) else ""


def _contradictions(ledger: Ledger) -> str:
    found = [entry for entry in kept_atoms(ledger) if entry.item.type is Type.CONTRADICTION]
    parts = []
    for entry in found:
        other = ledger.find(entry.item.against)
        there = (other.item.text if isinstance(other.item, Atom) else said(other.item)) if other else ""
        lines = [f"- {entry.item.source}: {_said(ledger, entry.item.source)}", f"- {entry.item.against}: {there}"]
        parts.append(section(f"{entry.id}: {entry.item.text}", lines))
    return "# Contradictions\n\n" + ("\n".join(parts) or "None was found.\n")


def _said(ledger: Ledger, id: str) -> str:
    found = ledger.find(id)
    return said(found.item) if found else ""


def _assumptions(ledger: Ledger) -> str:
    atoms = kept_atoms(ledger)
    found = [_line(ledger, one) for one in atoms if one.item.type is Type.ASSUMPTION]
    unsure = [
        _line(ledger, one)
        for one in atoms
        if one.item.certainty is Certainty.LOW and one.item.type is not Type.ASSUMPTION
    ]
    lines = "\n".join(found) or "None was found."
    return f"# Hidden assumptions\n\n{lines}\n\n{section('Also unsure', unsure)}"


def _config(ledger: Ledger) -> str:
    """Return the plan as a plan file; empty without one."""
    plan, facts = last_plan(ledger), tried(ledger)
    if plan is None:
        return ""
    how = (
        "not tried"
        if facts is None
        else "not every gate passed"
        if facts.failed
        else "every gate that could be tried passed"
    )
    head = [
        f"# {PLAN_FILE}, from {ledger.id}: {how}.",
        *(f"# Failed: [{one.gate}] {one.seen}" for one in (facts.failed if facts else ())),
        *(f"# Note: [{one.gate}] {one.seen}" for one in (facts.noted if facts else ())),
        f"# Copy it to {PLAN_FILE}; a person agrees to its commands with `autoresearch-mcp approve`.",
        "",
    ]
    fields = plan.model_dump(mode="json", exclude_defaults=True)
    return "\n".join([*map(one_line, head), in_toml(fields)])


PAGES: Pages = {
    "probe-spec.md": _spec,
    "constraints.tsv": _constraints,
    "questions-asked.tsv": _questions,
    "contradictions.md": _contradictions,
    "hidden-assumptions.md": _assumptions,
    "autoresearch-config.toml": _config,
}
