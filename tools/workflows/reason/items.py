"""What a contest of texts is made of: its options, candidates, critiques and votes."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field, StringConstraints, field_validator

from ...session.events import Record
from ..ledger.items import Item, Note, Text, Words
from ..ledger.options import Options

JUDGES = (3, 5, 7)

LongText = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=12_000)]


class ContestMode(StrEnum):
    """What a contest is for."""

    CONVERGENT = "convergent"
    CREATIVE = "creative"
    DEBATE = "debate"


class Slot(StrEnum):
    """Who a candidate is in its round: the incumbent, the challenger, or the synthesis of both."""

    A = "A"
    B = "B"
    AB = "AB"


class CandidateLabel(StrEnum):
    """What a judge sees of a candidate."""

    X = "X"
    Y = "Y"
    Z = "Z"


class Grade(StrEnum):
    """How bad a weakness is."""

    FATAL = "fatal"
    MAJOR = "major"
    MINOR = "minor"


class ReasonOptions(Options):
    """What to settle, and how."""

    goal: str = Field(min_length=1, max_length=500, description="The task or question that every candidate answers.")
    context: Note = Field("", description="What everybody may read beside the task.")
    judges: int = Field(3, description="How many judges: 3, 5 or 7.")
    judge_personas: Words = Field((), max_length=7, description="Whose eyes the judges judge with, in their order.")
    convergence: int = Field(3, ge=2, le=5, description="Rounds in a row that one candidate has to win.")
    mode: ContestMode = Field(
        ContestMode.CONVERGENT, description="creative: no end before the last round; debate: without a synthesis."
    )
    domain: str = Field("", max_length=100, description="The field that it is about, such as architecture.")
    synthesis: bool = Field(True, description="Whether a third candidate puts A and B together.")

    @field_validator("judges")
    @classmethod
    def _odd(cls, count: int) -> int:
        if count not in JUDGES:
            raise ValueError("there are 3, 5 or 7 judges, so that a majority can be had")
        return count

    @property
    def slots(self) -> tuple[Slot, ...]:
        """The candidates of a round."""
        both = self.synthesis and self.mode is not ContestMode.DEBATE
        return (Slot.A, Slot.B, Slot.AB) if both else (Slot.A, Slot.B)


def _graded(value: Any) -> Any:  # noqa: ANN401 - whatever a client sends
    """A weakness, also out of `FATAL: what is wrong`."""
    found = (
        re.fullmatch(r"\W*(fatal|major|minor)\W+(.+)", value.strip(), re.IGNORECASE | re.DOTALL)
        if isinstance(value, str)
        else None
    )
    return {"grade": found[1].lower(), "text": found[2]} if found else value


class Weakness(Record):
    """One thing that is wrong with a text."""

    grade: Annotated[Grade, BeforeValidator(lambda value: value.lower() if isinstance(value, str) else value)]
    text: Text


class CandidateText(Item):
    """A text that answers the task. Who wrote it is kept from the judges."""

    prefix: ClassVar[str] = "C"
    filled: ClassVar[frozenset[str]] = frozenset({"round"})

    kind: Literal["candidate"] = "candidate"
    slot: Slot = Field(description="A: the first text; B: the challenger; AB: the synthesis.")
    text: LongText = Field(description="The whole text, without a word on who wrote it or in which slot it is.")
    addresses: Words = Field((), description="Of B: numbers of the weaknesses that it mends, e.g. 1, 3.")
    round: int = 0

    @property
    def title(self) -> str:
        return f"{self.slot}, {len(self.text.split())} words"


class Critique(Item):
    """What is wrong with the incumbent: no task, no repairs, weaknesses alone."""

    prefix: ClassVar[str] = "K"
    filled: ClassVar[frozenset[str]] = frozenset({"round", "of"})

    kind: Literal["critique"] = "critique"
    weaknesses: tuple[Annotated[Weakness, BeforeValidator(_graded)], ...] = Field(
        min_length=3, max_length=12, description="At least three, each {grade: fatal|major|minor, text}."
    )
    round: int = 0
    of: str = ""

    @property
    def subject(self) -> str:
        return " ".join(weakness.text for weakness in self.weaknesses)

    @property
    def title(self) -> str:
        return f"{len(self.weaknesses)} weaknesses, {self.count(Grade.FATAL)} of them fatal"

    def count(self, grade: Grade) -> int:
        """How many are of a grade."""
        return sum(weakness.grade is grade for weakness in self.weaknesses)


class JudgeVote(Item):
    """What one judge says of the labelled texts of a round."""

    prefix: ClassVar[str] = "V"
    filled: ClassVar[frozenset[str]] = frozenset({"round"})

    kind: Literal["vote"] = "vote"
    judge: int = Field(ge=1, le=99, description="Your number, from 1.")
    winner: CandidateLabel
    runner_up: Literal["", "X", "Y", "Z"] = Field("", description="The second best; needed where there are three.")
    reasons: Text = Field(description="Why, text by text.")
    round: int = 0

    @property
    def place(self) -> str:
        return f"judge {self.judge} in round {self.round}"

    @property
    def title(self) -> str:
        return f"judge {self.judge}: {self.winner}"
