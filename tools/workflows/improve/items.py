"""What research into improvements finds, ranks and specifies: its options and items."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, ClassVar, Literal

from pydantic import Field, StringConstraints

from ..ledger.items import Cited, Item, Note, Options, Text, Words

MOST_WORDS = 14
"""In the problem of an insight: about ten words, so that two of the same problem are told to be the same."""

Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(?:-[a-z0-9]+){0,7}$", max_length=60)]
Lines = Annotated[tuple[Text, ...], Field(min_length=1)]


class ImproveCategory(StrEnum):
    """Where to look. The first five rounds take one each. Source: ancestor."""

    CUSTOMER = "customer-challenges"
    COMPETITOR = "competitor-gaps"
    MARKET = "market-trends"
    EXPERIENCE = "user-experience"
    REVENUE = "revenue-growth"


class Newness(StrEnum):
    """What an insight adds: a problem of a persona, or another way to solve one that is known."""

    NEW = "new"
    EXTENSION = "extension"


class Belief(StrEnum):
    """How well an insight is backed."""

    HIGH = "HIGH"
    MEDIUM = "MEDIUM"
    LOW = "LOW"


class ImportanceTier(StrEnum):
    """How much it matters, the most first."""

    MUST_HAVE = "must-have"
    NICE_TO_HAVE = "nice-to-have"
    MOONSHOT = "moonshot"


class ImproveOptions(Options):
    """For whom, and how many of the ideas are specified."""

    icp: str = Field("", max_length=500, description="The ideal customer or user: whoever it should serve.")
    seeds: Words = Field((), description="Questions or topics to begin with.")
    features: int = Field(3, ge=1, le=10, description="How many of the best get a requirements document.")


class RepositorySource(Cited):
    """What the repository says: code, documents, issues or notes that git has."""

    prefix: ClassVar[str] = "S"
    title_format: ClassVar[str] = "{location}: {says}"

    kind: Literal["source"] = "source"
    says: Text = Field(description="What it shows, in a sentence.")


class Reference(Item):
    """Something outside that you have read. Recorded as such: the server cannot check it."""

    prefix: ClassVar[str] = "O"
    place_format: ClassVar[str] = "{where}"
    title_format: ClassVar[str] = "{where}: {says}"

    kind: Literal["reference"] = "reference"
    where: Text = Field(description="Its address, or author, title and year.")
    says: Text = Field(description="What it says, in a sentence.")
    read_on: str = Field("", max_length=10, description="The date, e.g. 2026-03-01.")


class ProblemInsight(Item):
    """A problem of somebody, and how it could be solved. Whether it is new and how well it is backed, the server says."""

    prefix: ClassVar[str] = "I"
    title_format: ClassVar[str] = "{problem} ({persona}): {mechanism}"
    filled: ClassVar[frozenset[str]] = frozenset({"newness", "extends", "belief"})

    kind: Literal["insight"] = "insight"
    category: ImproveCategory
    problem: Text = Field(description="The problem in about ten words.")
    persona: Text = Field(description="Who has it, a few words, the same for the same people.")
    mechanism: Text = Field(description="How it could be solved.")
    outcome: Text = Field(description="What would then be seen.")
    sources: Words = Field(description="Sources and references that show the problem, e.g. S1, O2.")
    newness: Newness | None = None
    extends: str = ""
    belief: Belief | None = None

    @property
    def classified(self) -> str:
        return f"{self.newness}{f' of {self.extends}' if self.extends else ''}, {self.belief}"


class ImproveRound(Item):
    """The end of a round in one category."""

    prefix: ClassVar[str] = "R"
    title_format: ClassVar[str] = "{category}: {found}"

    kind: Literal["round"] = "round"
    category: ImproveCategory
    question: Text = Field(description="What this round asked.")
    found: Text = Field(description="What it found, or that it found nothing, in a sentence.")


class Rank(Item):
    """Whether an insight serves the customer at all, and how much it matters. The last one on an insight counts."""

    prefix: ClassVar[str] = "K"

    kind: Literal["rank"] = "rank"
    insight: str = Field(pattern=r"^I\d+$")
    serves: bool = Field(description="Whether the ideal customer has this problem. Without it nothing else counts.")
    tier: ImportanceTier
    why: Text = Field(description="By what was found, not by taste.")

    @property
    def title(self) -> str:
        return f"{self.insight}: {self.tier if self.serves else 'does not serve the customer'}"


class Comparison(Item):
    """Of two must-haves the one to do first. The last one on a pair counts."""

    prefix: ClassVar[str] = "C"
    title_format: ClassVar[str] = "{better} before {worse}"

    kind: Literal["comparison"] = "comparison"
    better: str = Field(pattern=r"^I\d+$")
    worse: str = Field(pattern=r"^I\d+$")
    why: Text


class Requirements(Item):
    """The requirements document of one must-have."""

    prefix: ClassVar[str] = "P"
    place_format: ClassVar[str] = "{insight}"
    title_format: ClassVar[str] = "{feature} ({insight})"

    kind: Literal["prd"] = "prd"
    insight: str = Field(pattern=r"^I\d+$")
    slug: Slug = Field(description="A few words between hyphens, for the file name.")
    feature: Text = Field(description="Its name.")
    stories: Lines = Field(description="As <who> I want <what>, so that <why>.")
    requirements: Lines = Field(description="What it has to do, each so that it can be tested.")
    acceptance: Lines = Field(description="How it is seen that it does.")
    approach: Text = Field(description="Where in this code to begin, with paths.")
    success: Text = Field(description="The number that should move, which way, and the command that could measure it.")
    risks: Lines
    out_of_scope: Lines
    decisions: Words = Field((), description="What a person has to decide.")
    questions: Words = Field((), description="What is open.")
    note: Note = ""
