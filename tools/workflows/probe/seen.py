"""What a probe's ledger adds up to: rounds, what was new in them, which questions are settled."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...plan.model import Plan, load_plan
from ..ledger.items import Item
from ..ledger.ledger import Ledger, LedgerEntry
from ..ledger.saturation import saturated
from .items import (
    COUNTED,
    Atom,
    Certainty,
    PersonAnswer,
    Planned,
    ProbeOptions,
    ProbePersona,
    ProbeQuestion,
    ProbeRound,
    RepositoryEvidence,
    Type,
)

SCOPE_LOCKED_AFTER = 2
"""Rounds in a row in which all that came up was out of scope."""
TRIED = "plan-tried"

Entries = tuple[LedgerEntry[Item], ...]


def rounds(ledger: Ledger) -> tuple[Entries, ...]:
    """What was recorded in each round that was ended."""
    found: list[Entries] = []
    held: list[LedgerEntry[Item]] = []
    for entry in ledger.entries:
        if isinstance(entry.item, ProbeRound):
            found.append(tuple(held))
            held = []
        elif not isinstance(entry.item, Planned):
            held.append(entry)
    return tuple(found)


def open_round(ledger: Ledger) -> Entries:
    """What was recorded since the last round ended; empty when nothing was."""
    ended = sum(map(len, rounds(ledger)))
    return tuple(entry for entry in ledger.entries if not isinstance(entry.item, ProbeRound | Planned))[ended:]


def kept(ledger: Ledger) -> Entries:
    """What counts: a round that was not ended when the ledger was closed does not."""
    ended = tuple(entry for one in rounds(ledger) for entry in one)
    return ended if ledger.closed else (*ended, *open_round(ledger))


def kept_atoms(ledger: Ledger) -> tuple[LedgerEntry[Atom], ...]:
    """The atoms that count."""
    ids = {entry.id for entry in kept(ledger)}
    return tuple(entry for entry in ledger.of(Atom) if entry.id in ids)


def kept_questions(ledger: Ledger) -> tuple[LedgerEntry[ProbeQuestion], ...]:
    """The questions that count."""
    ids = {entry.id for entry in kept(ledger)}
    return tuple(entry for entry in ledger.of(ProbeQuestion) if entry.id in ids)


def new_a_round(ledger: Ledger) -> list[int]:
    """How many requirements, assumptions, constraints and risks each round brought that was ended."""
    return [
        sum(isinstance(entry.item, Atom) and entry.item.type in COUNTED for entry in entries)
        for entries in rounds(ledger)
    ]


def scope_locked(ledger: Ledger) -> bool:
    """Whether all that came up in the last two rounds was out of scope."""
    last = rounds(ledger)[-SCOPE_LOCKED_AFTER:]
    types = [[entry.item.type for entry in entries if isinstance(entry.item, Atom)] for entries in last]
    return len(last) == SCOPE_LOCKED_AFTER and all(held and set(held) == {Type.OUT_OF_SCOPE} for held in types)


def is_dry(ledger: Ledger) -> bool:
    """Whether asking on would bring nothing: three dry rounds in a row, or nothing but what is out of scope."""
    return saturated(new_a_round(ledger), ledger.opts(ProbeOptions).saturation_threshold) or scope_locked(ledger)


def personas(ledger: Ledger) -> tuple[ProbePersona, ...]:
    """Who asks here."""
    options = ledger.opts(ProbeOptions)
    return tuple(ProbePersona)[: len(ProbePersona) if options.adversarial else options.personas]


def silent(ledger: Ledger) -> list[ProbePersona]:
    """Who has asked nothing yet."""
    heard = {entry.item.persona for entry in kept_questions(ledger)}
    return [persona for persona in personas(ledger) if persona not in heard]


def answers_to(ledger: Ledger, question: str) -> list[LedgerEntry[Any]]:
    """What was said to a question, the newest last."""
    return [
        entry
        for entry in ledger.entries
        if isinstance(entry.item, PersonAnswer | RepositoryEvidence) and entry.item.question == question
    ]


def is_settled(ledger: Ledger, question: str) -> bool:
    """Whether a question has an answer that says something."""
    return any(isinstance(one.item, RepositoryEvidence) or one.item.settled for one in answers_to(ledger, question))


def said(item: Item) -> str:
    """The words that an answer or a piece of evidence consists of."""
    if isinstance(item, PersonAnswer):
        return item.text
    return f"{item.says} {item.quote}" if isinstance(item, RepositoryEvidence) else ""


def certainty(ledger: Ledger, atom: Atom) -> Certainty:
    """How firmly an atom stands: high on evidence, or on words of a settled answer that say so; low on a vague answer; an
    assumption never higher than med.
    """
    found = ledger.find(atom.source)
    if found is None or (isinstance(found.item, PersonAnswer) and not found.item.settled):
        return Certainty.LOW
    if atom.type is Type.ASSUMPTION:
        return Certainty.MEDIUM
    return Certainty.HIGH if isinstance(found.item, RepositoryEvidence) or atom.words else Certainty.MEDIUM


def last_plan(ledger: Ledger) -> Plan | None:
    """The plan that the probe came to."""
    entries = ledger.of(Planned)
    loaded = load_plan(entries[-1].item.plan) if entries else ()
    return loaded if isinstance(loaded, Plan) else None


def tried(ledger: Ledger) -> Mapping[str, Any]:
    """What the gates said of the last plan; empty while they have not seen it."""
    facts, plan = ledger.latest(TRIED), last_plan(ledger)
    return facts if plan and facts.get("plan") == plan.digest() else {}
