"""A contest of texts: its options and items, its rounds, and the verdict of each round."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field, StringConstraints, field_validator

from ...session.events import Record
from ..ledger.items import Depth, Item, Note, Options, Text, Words
from ..ledger.state import Ledger, LedgerEntry

JUDGES = (3, 5, 7)
ROUNDS = {Depth.SHALLOW: 4, Depth.STANDARD: 8, Depth.DEEP: 12}

LongText = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=12_000)]
WINDOW, CHANGES = 8, 5
"""Of the last so many rounds so many changed the incumbent: the contest goes in circles."""


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
    place_format: ClassVar[str] = "judge {judge} in round {round}"
    title_format: ClassVar[str] = "judge {judge}: {winner}"
    filled: ClassVar[frozenset[str]] = frozenset({"round"})

    kind: Literal["vote"] = "vote"
    judge: int = Field(ge=1, le=99, description="Your number, from 1.")
    winner: CandidateLabel
    runner_up: Literal["", "X", "Y", "Z"] = Field("", description="The second best; needed where there are three.")
    reasons: Text = Field(description="Why, text by text.")
    round: int = 0


class ContestStep(StrEnum):
    """What a round waits for."""

    A = "A"
    CRITIQUE = "critique"
    B = "B"
    AB = "AB"
    VOTES = "votes"
    OVER = "over"


class How(StrEnum):
    """What decided a round."""

    MAJORITY = "majority"
    RUNNER_UP = "runner-up votes"
    INCUMBENT = "tie, the incumbent stays"


@dataclass(frozen=True)
class ContestVerdict:
    """Who won a round: by more than half of the first votes; else by first and runner-up votes together; else the incumbent stays."""

    winner: Slot
    how: How
    first: Mapping[Slot, int]
    named: Mapping[Slot, int]


def verdict(ballots: list[tuple[Slot, Slot | None]], judges: int) -> ContestVerdict:
    """The verdict of ballots, each a winner and a runner-up: 2 of 3, 4 of 7 are a majority."""
    first = Counter(winner for winner, _ in ballots)
    named = first + Counter(second for _, second in ballots if second)
    for counts, how, enough in ((first, How.MAJORITY, judges // 2 + 1), (named, How.RUNNER_UP, 1)):
        best = [slot for slot, count in counts.items() if count == max(counts.values())]
        if len(best) == 1 and counts[best[0]] >= enough:
            return ContestVerdict(best[0], how, first, named)
    return ContestVerdict(Slot.A, How.INCUMBENT, first, named)


@dataclass(frozen=True)
class ContestRound:
    """One round. `candidates` are those that are in, the incumbent first; labels are there once all are."""

    number: int
    candidates: Mapping[Slot, LedgerEntry[CandidateText]]
    critique: LedgerEntry[Critique] | None
    labels: Mapping[CandidateLabel, Slot]
    votes: tuple[LedgerEntry[JudgeVote], ...]

    @property
    def incumbent(self) -> LedgerEntry[CandidateText] | None:
        """The candidate that was there before the round; None before the very first text."""
        return self.candidates.get(Slot.A)


@dataclass(frozen=True)
class JudgedRound(ContestRound):
    """A round in which every judge has voted."""

    critique: LedgerEntry[Critique]
    verdict: ContestVerdict

    @property
    def before(self) -> LedgerEntry[CandidateText]:
        """The candidate that was there before the round."""
        return self.candidates[Slot.A]

    @property
    def winner(self) -> LedgerEntry[CandidateText]:
        """The candidate that won, the incumbent of the next round."""
        return self.candidates[self.verdict.winner]

    @property
    def changed(self) -> bool:
        """Whether the incumbent was replaced."""
        return self.verdict.winner is not Slot.A

    @property
    def left(self) -> tuple[Weakness, ...]:
        """The weaknesses that the winner does not claim to have mended. A winning incumbent mended none; the synthesis, whose author
        never saw the critique, those that B claims.
        """
        mended = self.candidates[Slot.B].item.addresses if self.changed else ()
        return tuple(one for place, one in enumerate(self.critique.item.weaknesses, 1) if str(place) not in mended)


class Contest:
    """One ledger of candidates, critiques and votes, read once: the rounds that are decided, and the one that goes on."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.options = ledger.opts(ReasonOptions)
        self.most = self.options.iterations or ROUNDS[self.options.depth]
        done: list[JudgedRound] = []
        first = next((entry for entry in ledger.of(CandidateText) if entry.item.slot is Slot.A), None)
        now = self._round(1, first)
        while isinstance(now, JudgedRound):
            done.append(now)
            now = self._round(len(done) + 1, now.winner)
        self.done = tuple(done)
        self.now = now

    @property
    def step(self) -> ContestStep:
        """What is waited for."""
        if self.over:
            return ContestStep.OVER
        here = self.now
        if Slot.A not in here.candidates:
            return ContestStep.A
        if here.critique is None:
            return ContestStep.CRITIQUE
        missing = [slot for slot in self.options.slots if slot not in here.candidates]
        return ContestStep(missing[0]) if missing else ContestStep.VOTES

    @property
    def streak(self) -> int:
        """Rounds in a row that the present incumbent has won."""
        changed = [place for place, one in enumerate(self.done) if one.changed]
        return len(self.done) - (changed[-1] if changed else 0)

    @property
    def converged(self) -> bool:
        """Whether one candidate won often enough in a row."""
        return self.options.mode is not ContestMode.CREATIVE and self.streak >= self.options.convergence

    @property
    def oscillates(self) -> bool:
        """Whether it goes in circles: most of the last rounds changed the incumbent, the last one too."""
        changes = [one.changed for one in self.done[-WINDOW:]]
        return self.options.mode is not ContestMode.CREATIVE and sum(changes) >= CHANGES and changes[-1]

    @property
    def over(self) -> bool:
        """Whether nothing more is taken."""
        return self.converged or self.oscillates or 0 < self.most <= len(self.done)

    @property
    def judges_left(self) -> tuple[int, ...]:
        """The judges who have yet to vote in this round."""
        voted = {entry.item.judge for entry in self.now.votes}
        return tuple(number for number in range(1, self.options.judges + 1) if number not in voted)

    def _round(self, number: int, incumbent: LedgerEntry[CandidateText] | None) -> ContestRound:
        texts = [entry for entry in self.ledger.of(CandidateText) if entry.item.round == number]
        held: dict[Slot, LedgerEntry[CandidateText]] = {Slot.A: incumbent} if incumbent else {}
        candidates = held | {entry.item.slot: entry for entry in texts if entry.item.slot is not Slot.A}
        critique = next((entry for entry in self.ledger.of(Critique) if entry.item.round == number), None)
        votes = tuple(entry for entry in self.ledger.of(JudgeVote) if entry.item.round == number)
        labels = self._labels(number, candidates) if len(candidates) == len(self.options.slots) else {}
        if critique is None or len(votes) < self.options.judges:
            return ContestRound(number, candidates, critique, labels, votes)
        ballots = [
            (labels[e.item.winner], labels[CandidateLabel(e.item.runner_up)] if e.item.runner_up else None)
            for e in votes
        ]
        return JudgedRound(number, candidates, critique, labels, votes, verdict(ballots, len(votes)))

    def _labels(self, number: int, candidates: Mapping[Slot, LedgerEntry[CandidateText]]) -> dict[CandidateLabel, Slot]:
        """The labels of a round: shuffled by a seed that the server drew, so that nobody can know or choose them."""
        seed = str(self.ledger.latest("seed").get("seed", ""))
        drawn = sorted(candidates, key=lambda slot: hashlib.sha256(f"{seed} {number} {slot}".encode()).hexdigest())
        return dict(zip(CandidateLabel, drawn, strict=False))
