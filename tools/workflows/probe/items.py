"""What a probe asks, hears and concludes: its options and items, and what they add up to, round by round."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, ClassVar, Literal

from pydantic import Field

from ...plan.checks import load_plan
from ...plan.model import Plan
from ...session.events import Record
from ..ledger.evidence import saturated
from ..ledger.items import Cited, Item, Note, Options, Text, Words
from ..ledger.state import Ledger, LedgerEntry, LedgerFacts


class ProbePersona(StrEnum):
    """Who asks. With fewer than eight the first ones are heard."""

    SKEPTIC = "skeptic"
    EDGE_CASE_HUNTER = "edge-case-hunter"
    SCOPE_SENTINEL = "scope-sentinel"
    AMBIGUITY_DETECTIVE = "ambiguity-detective"
    CONTRADICTION_FINDER = "contradiction-finder"
    PRIOR_ART_INVESTIGATOR = "prior-art-investigator"
    SUCCESS_AUDITOR = "success-auditor"
    CONSTRAINT_EXCAVATOR = "constraint-excavator"


class ProbeMode(StrEnum):
    """Who answers: a person, or the repository."""

    INTERACTIVE = "interactive"
    AUTONOMOUS = "autonomous"


class Type(StrEnum):
    """What an answer can tell."""

    REQUIREMENT = "requirement"
    ASSUMPTION = "assumption"
    CONSTRAINT = "constraint"
    RISK = "risk"
    OUT_OF_SCOPE = "out-of-scope"
    AMBIGUITY = "ambiguity"
    CONTRADICTION = "contradiction"


COUNTED = frozenset((Type.REQUIREMENT, Type.ASSUMPTION, Type.CONSTRAINT, Type.RISK))
"""What is new in a round. Source: ancestor."""


class Certainty(StrEnum):
    """How firmly an atom stands. What is low needs a person before anything destructive rests on it."""

    HIGH = "high"
    MEDIUM = "med"
    LOW = "low"


class ProbeOptions(Options):
    """What to probe, and who asks and answers."""

    mode: ProbeMode = Field(
        ProbeMode.INTERACTIVE,
        description="interactive: a person answers; autonomous: the repository does, by citations.",
    )
    personas: int = Field(6, ge=3, le=8, description="How many personas ask.")
    saturation_threshold: int = Field(
        2, ge=1, le=20, description="Below so many new atoms a round is dry; three in a row end it."
    )
    adversarial: bool = Field(False, description="All eight personas, and each has to ask before it ends.")


class ProbeQuestion(Item):
    """A question whose answer would change the plan."""

    prefix: ClassVar[str] = "Q"
    subject_format: ClassVar[str] = "{text}"

    kind: Literal["question"] = "question"
    persona: ProbePersona
    text: Text = Field(description="One question; it could be answered either way.")
    changes: Text = Field(description="What the plan would have to change, were the answer the other one.")


class PersonAnswer(Item):
    """What a person said, in their words. Autonomous ledgers take none."""

    prefix: ClassVar[str] = "A"
    title_format: ClassVar[str] = "{question}: {text}"

    kind: Literal["answer"] = "answer"
    question: str = Field(pattern=r"^Q\d+$", description="Which question, e.g. Q3.")
    text: Text = Field(description="The person's words.")
    settled: bool = Field(
        True, description="false: vague or unknown; ask again in other words, or record an ambiguity."
    )


class RepositoryEvidence(Cited):
    """What the repository says."""

    prefix: ClassVar[str] = "E"
    place_format: ClassVar[str] = ""  # one place may answer several questions
    title_format: ClassVar[str] = "{question}: {says}"

    kind: Literal["evidence"] = "evidence"
    question: str = Field(pattern=r"^Q\d+$", description="Which question, e.g. Q3.")
    says: Text = Field(description="What the quoted lines answer.")


class Atom(Item):
    """One thing that follows from an answer. How certain it is, is told by the server."""

    prefix: ClassVar[str] = "T"
    subject_format: ClassVar[str] = "{text}"
    filled: ClassVar[frozenset[str]] = frozenset({"certainty"})

    kind: Literal["atom"] = "atom"
    type: Type
    text: Text = Field(description="One sentence that stands without its question.")
    source: str = Field(pattern=r"^[AE]\d+$", description="The answer or evidence that it follows from, e.g. A2.")
    words: Note = Field("", description="The words of the answer that say so outright; with them it is certain.")
    against: str = Field("", pattern=r"^([TAE]\d+)?$", description="Of a contradiction: what it contradicts.")
    certainty: Certainty | None = None

    @property
    def classified(self) -> str:
        return f"{self.type}, {self.certainty}"


class ProbeRound(Item):
    """The end of a round: its questions are answered and what follows is recorded. What comes after belongs to the next one."""

    prefix: ClassVar[str] = "R"
    title_format: ClassVar[str] = "{learned}"

    kind: Literal["round"] = "round"
    learned: Text = Field(description="What this round changed, in one sentence.")


class Planned(Item):
    """The plan that all of this comes to: the fields of check_plan. The last one counts."""

    prefix: ClassVar[str] = "P"

    kind: Literal["plan"] = "plan"
    plan: dict[str, Any] = Field(
        description="The fields of check_plan: goal, scope, metric, direction, verify, guards, protected, iterations ..."
    )
    rests_on: Words = Field((), description="The atoms that it rests on, e.g. T1, T4.")

    @property
    def title(self) -> str:
        return f"{self.plan.get('metric')}, {self.plan.get('direction')} is better: {self.plan.get('verify')}"


class GateSeen(Record):
    """A gate of check_plan that was not passed: its name, what it saw, and what would cure it."""

    gate: str
    seen: str
    cure: str


class PlanTried(LedgerFacts):
    """What the gates of check_plan said of the plan with this digest. `ran` says whether its command gave a number; what is
    `noted` tells of the repository at that moment, and nothing against the plan.
    """

    what: ClassVar[str] = "plan-tried"

    plan: str
    head: str
    ran: bool
    failed: tuple[GateSeen, ...]
    noted: tuple[GateSeen, ...]


SCOPE_LOCKED_AFTER = 2
"""Rounds in a row in which all that came up was out of scope."""

Entries = tuple[LedgerEntry[Item], ...]


def rounds(ledger: Ledger) -> tuple[Entries, ...]:
    """Return what was recorded in each round that was ended."""
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
    """Return what was recorded since the last round ended; empty when nothing was."""
    ended = sum(map(len, rounds(ledger)))
    return tuple(entry for entry in ledger.entries if not isinstance(entry.item, ProbeRound | Planned))[ended:]


def kept(ledger: Ledger) -> Entries:
    """Return what counts: a round that was not ended when the ledger was closed does not."""
    ended = tuple(entry for one in rounds(ledger) for entry in one)
    return ended if ledger.closed else (*ended, *open_round(ledger))


def kept_atoms(ledger: Ledger) -> tuple[LedgerEntry[Atom], ...]:
    """Return the atoms that count."""
    ids = {entry.id for entry in kept(ledger)}
    return tuple(entry for entry in ledger.of(Atom) if entry.id in ids)


def kept_questions(ledger: Ledger) -> tuple[LedgerEntry[ProbeQuestion], ...]:
    """Return the questions that count."""
    ids = {entry.id for entry in kept(ledger)}
    return tuple(entry for entry in ledger.of(ProbeQuestion) if entry.id in ids)


def new_a_round(ledger: Ledger) -> list[int]:
    """Return how many requirements, assumptions, constraints and risks each round brought that was ended."""
    return [
        sum(isinstance(entry.item, Atom) and entry.item.type in COUNTED for entry in entries)
        for entries in rounds(ledger)
    ]


def scope_locked(ledger: Ledger) -> bool:
    """Return whether all that came up in the last two rounds was out of scope."""
    last = rounds(ledger)[-SCOPE_LOCKED_AFTER:]
    types = [[entry.item.type for entry in entries if isinstance(entry.item, Atom)] for entries in last]
    return len(last) == SCOPE_LOCKED_AFTER and all(held and set(held) == {Type.OUT_OF_SCOPE} for held in types)


def is_dry(ledger: Ledger) -> bool:
    """Return whether asking on would bring nothing: three dry rounds in a row, or nothing but what is out of scope."""
    return saturated(new_a_round(ledger), ledger.opts(ProbeOptions).saturation_threshold) or scope_locked(ledger)


def personas(ledger: Ledger) -> tuple[ProbePersona, ...]:
    """Return who asks here."""
    options = ledger.opts(ProbeOptions)
    return tuple(ProbePersona)[: len(ProbePersona) if options.adversarial else options.personas]


def silent(ledger: Ledger) -> list[ProbePersona]:
    """Return who has asked nothing yet."""
    heard = {entry.item.persona for entry in kept_questions(ledger)}
    return [persona for persona in personas(ledger) if persona not in heard]


def answers_to(ledger: Ledger, question: str) -> list[LedgerEntry[Any]]:
    """Return what was said to a question, the newest last."""
    return [
        entry
        for entry in ledger.entries
        if isinstance(entry.item, PersonAnswer | RepositoryEvidence) and entry.item.question == question
    ]


def is_settled(ledger: Ledger, question: str) -> bool:
    """Return whether a question has an answer that says something."""
    return any(isinstance(one.item, RepositoryEvidence) or one.item.settled for one in answers_to(ledger, question))


def said(item: Item) -> str:
    """Return the words that an answer or a piece of evidence consists of."""
    if isinstance(item, PersonAnswer):
        return item.text
    return f"{item.says} {item.quote}" if isinstance(item, RepositoryEvidence) else ""


def certainty(ledger: Ledger, atom: Atom) -> Certainty:
    """Return how firmly an atom stands: high on evidence, or on words of a settled answer that say so; low on a vague
    answer; an assumption never higher than med.
    """
    found = ledger.find(atom.source)
    if found is None or (isinstance(found.item, PersonAnswer) and not found.item.settled):
        return Certainty.LOW
    if atom.type is Type.ASSUMPTION:
        return Certainty.MEDIUM
    return Certainty.HIGH if isinstance(found.item, RepositoryEvidence) or atom.words else Certainty.MEDIUM


def last_plan(ledger: Ledger) -> Plan | None:
    """Return the plan that the probe came to."""
    entries = ledger.of(Planned)
    loaded = load_plan(entries[-1].item.plan) if entries else ()
    return loaded if isinstance(loaded, Plan) else None


def tried(ledger: Ledger) -> PlanTried | None:
    """Return what the gates said of the last plan; None while they have not seen it."""
    facts, plan = ledger.seen(PlanTried), last_plan(ledger)
    return facts if facts and plan and facts.plan == plan.digest() else None


def gates_failed(ledger: Ledger) -> tuple[GateSeen, ...]:
    """Return the gates that the last plan did not pass."""
    facts = tried(ledger)
    return facts.failed if facts else ()
