"""Options, personas and items of a panel: findings, done, challenges, revisions and votes."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field, StringConstraints, field_validator

from ..ledger.items import Cited, Confidence, Item, Note, Options, Severity, Text, Words

STANDARD = {
    "architect": "structure: coupling, boundaries, what cannot be changed without breaking something else",
    "security-analyst": "what an attacker could do: input that is trusted, secrets, permissions, injection",
    "devils-advocate": "what the others will agree on too quickly: question the obvious, look where nobody looks",
    "performance-engineer": "time and memory: work that grows with the data, waiting, what is done twice",
    "reliability-engineer": "what breaks at night: errors that are swallowed, retries, limits, half-done work",
    "tester": "what no test would notice: untested paths, assumptions, values at the edge",
    "operator": "running it: configuration, deployment, logs, what nobody could find out afterwards",
    "maintainer": "the next person to change it: what misleads, what is written twice, what is dead",
}
"""The usual panel; the first three sit on every panel of it."""
ADVERSARIAL = {
    "red-team": "breaking in from outside: every way that input takes to something worth having",
    "blue-team": "defence: what is not checked, not logged, not limited, and would not be noticed",
    "judge": "whether an attack would really work: doubt every claim, ask for the missing step",
    "insider": "harm by somebody with rights: what a colleague, a customer or a script could abuse",
    "supply-chain": "what is taken from others: dependencies, build, downloads, generated code",
    "cheater": "getting an advantage within the rules: limits that can be dodged, states that can be forced",
    "scaler": "exhaustion: what costs the sender little and the system much",
    "newcomer": "harm by mistake: what somebody does wrong who believes what names and documents say",
}
"""The panel that looks for attacks."""
CONTRARIAN = frozenset({"devils-advocate", "judge"})
"""Those who have to speak against the majority."""


class Choice(StrEnum):
    """What one voter says of a position."""

    CONFIRM = "confirm"
    DISPUTE = "dispute"
    ABSTAIN = "abstain"


class TroubleCategory(StrEnum):
    """What kind of trouble a finding foresees."""

    CORRECTNESS = "correctness"
    SECURITY = "security"
    PERFORMANCE = "performance"
    RELIABILITY = "reliability"
    MAINTAINABILITY = "maintainability"
    OPERATIONS = "operations"


def seats(adversarial: bool, count: int) -> dict[str, str]:
    """The first so many personas of a panel, with what each looks at."""
    return dict(list((ADVERSARIAL if adversarial else STANDARD).items())[:count])


Persona = Annotated[
    str,
    BeforeValidator(lambda value: "-".join(value.lower().split()) if isinstance(value, str) else value),
    StringConstraints(min_length=1, max_length=60),
    Field(description="Who says so: one of the panel."),
]
Of = Annotated[str, Field(pattern=r"^P\d+$", description="The finding, e.g. P3.")]


def _absent(value: Any) -> Any:  # noqa: ANN401 - whatever a client sends
    return None if value == "" else value


class PredictOptions(Options):
    """What to foresee, and by whom."""

    personas: int = Field(0, ge=0, le=8, description="How many sit on the panel, 3 to 8. 0: 3, 5 or 8 by depth.")
    rounds: int = Field(0, ge=0, le=3, description="How often they debate and vote, 1 to 3. 0: 1, 2 or 3 by depth.")
    adversarial: bool = Field(False, description="The panel that looks for attacks.")
    budget: int = Field(40, ge=3, le=200, description="Findings at most, shared out evenly.")
    iterations: int = Field(0, ge=0, le=0, description="Not used here: `rounds` says how many.")

    @field_validator("personas")
    @classmethod
    def _enough(cls, count: int) -> int:
        if count in {1, 2}:
            raise ValueError("a panel has 3 to 8 personas")
        return count


class PredictFinding(Cited):
    """Trouble that one persona foresees, resting on what stands in a file."""

    prefix: ClassVar[str] = "P"
    subject_format: ClassVar[str] = "{summary}"

    kind: Literal["finding"] = "finding"
    persona: Persona
    summary: Text = Field(description="The trouble in one sentence.")
    category: TroubleCategory
    severity: Severity
    confidence: Confidence
    reasoning: Text = Field(description="Why what stands there leads to it.")
    suggestion: Note = Field("", description="What could be done.")


class Done(Item):
    """One persona has looked at everything that it wanted to."""

    prefix: ClassVar[str] = "D"
    place_format: ClassVar[str] = "{persona}"
    title_format: ClassVar[str] = "{persona} is done"

    kind: Literal["done"] = "done"
    persona: Persona
    looked_at: Text = Field(description="What was looked at, and what of it was found to be in order.")


class Challenge(Item):
    """A reason to doubt somebody else's finding."""

    prefix: ClassVar[str] = "C"
    subject_format: ClassVar[str] = "{argument}"

    kind: Literal["challenge"] = "challenge"
    persona: Persona
    of: Of
    argument: Text = Field(description="Why it may not be so, or not be as bad.")


class Revision(Item):
    """An author's answer: a finding revised, withdrawn, or stood by where nothing is changed."""

    prefix: ClassVar[str] = "R"

    kind: Literal["revision"] = "revision"
    persona: Persona
    of: Of
    reason: Text = Field(description="What speaks for it; the answer to the challenges.")
    severity: Annotated[Severity | None, BeforeValidator(_absent)] = Field(None, description="Empty: as it was.")
    confidence: Annotated[Confidence | None, BeforeValidator(_absent)] = Field(None, description="Empty: as it was.")
    withdrawn: bool = Field(False, description="True: it was wrong.")

    @property
    def title(self) -> str:
        return f"{self.of} {'withdrawn' if self.withdrawn else 'answered'} by {self.persona}"


class PersonaVote(Item):
    """What one persona says of one or more findings in this round."""

    prefix: ClassVar[str] = "V"
    filled: ClassVar[frozenset[str]] = frozenset({"round"})

    kind: Literal["vote"] = "vote"
    persona: Persona
    of: Words = Field(min_length=1, max_length=200, description="The findings, e.g. P1, P3.")
    vote: Choice
    why: Text = Field(description="What settled it.")
    round: int = 0

    @property
    def title(self) -> str:
        return f"{self.persona}: {self.vote} {', '.join(self.of)}"
