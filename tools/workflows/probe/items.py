"""What a probe asks, hears and concludes: its options and items."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, ClassVar, Literal

from pydantic import Field

from ..ledger.items import Cited, Item, Note, Text
from ..ledger.options import Options


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

    kind: Literal["question"] = "question"
    persona: ProbePersona
    text: Text = Field(description="One question; it could be answered either way.")
    changes: Text = Field(description="What the plan would have to change, were the answer the other one.")

    @property
    def subject(self) -> str:
        return self.text


class PersonAnswer(Item):
    """What a person said, in their words. Autonomous ledgers take none."""

    prefix: ClassVar[str] = "A"

    kind: Literal["answer"] = "answer"
    question: str = Field(pattern=r"^Q\d+$", description="Which question, e.g. Q3.")
    text: Text = Field(description="The person's words.")
    settled: bool = Field(
        True, description="false: vague or unknown; ask again in other words, or record an ambiguity."
    )

    @property
    def title(self) -> str:
        return f"{self.question}: {self.text}"


class RepositoryEvidence(Cited):
    """What the repository says."""

    prefix: ClassVar[str] = "E"

    kind: Literal["evidence"] = "evidence"
    question: str = Field(pattern=r"^Q\d+$", description="Which question, e.g. Q3.")
    says: Text = Field(description="What the quoted lines answer.")

    @property
    def place(self) -> str:
        return ""  # one place may answer several questions

    @property
    def title(self) -> str:
        return f"{self.question}: {self.says}"


class Atom(Item):
    """One thing that follows from an answer. How certain it is, is told by the server."""

    prefix: ClassVar[str] = "T"
    filled: ClassVar[frozenset[str]] = frozenset({"certainty"})

    kind: Literal["atom"] = "atom"
    type: Type
    text: Text = Field(description="One sentence that stands without its question.")
    source: str = Field(pattern=r"^[AE]\d+$", description="The answer or evidence that it follows from, e.g. A2.")
    words: Note = Field("", description="The words of the answer that say so outright; with them it is certain.")
    against: str = Field("", pattern=r"^([TAE]\d+)?$", description="Of a contradiction: what it contradicts.")
    certainty: Certainty | None = None

    @property
    def subject(self) -> str:
        return self.text

    @property
    def classified(self) -> str:
        return f"{self.type}, {self.certainty}"


class ProbeRound(Item):
    """The end of a round: its questions are answered and what follows is recorded. What comes after belongs to the next one."""

    prefix: ClassVar[str] = "R"

    kind: Literal["round"] = "round"
    learned: Text = Field(description="What this round changed, in one sentence.")

    @property
    def title(self) -> str:
        return self.learned


class Planned(Item):
    """The plan that all of this comes to: the fields of check_plan. The last one counts."""

    prefix: ClassVar[str] = "P"

    kind: Literal["plan"] = "plan"
    plan: dict[str, Any] = Field(
        description="The fields of check_plan: goal, scope, metric, direction, verify, guards, protected, iterations ..."
    )
    rests_on: tuple[str, ...] = Field((), description="The atoms that it rests on, e.g. T1, T4.")

    @property
    def title(self) -> str:
        return f"{self.plan.get('metric')}, {self.plan.get('direction')} is better: {self.plan.get('verify')}"
