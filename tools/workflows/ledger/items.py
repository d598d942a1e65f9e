"""What can be written into a ledger: one frozen model for each kind of item, and the words that several of them share."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field, StringConstraints

from ...session.events import Record

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=4000)]
"""Words that may not be missing."""
Note = Annotated[str, StringConstraints(strip_whitespace=True, max_length=4000)]
"""Words that may be missing."""

_PLACE = re.compile(r"(?P<path>[^:\n]+):(?P<first>[1-9]\d{0,6})(?:-(?P<last>[1-9]\d{0,6}))?")


def _place(value: object) -> object:
    if isinstance(value, str) and not _PLACE.fullmatch(value.strip().removeprefix("./")):
        raise ValueError("has to be `path:line` or `path:first-last`, with the path from the repository's root")
    return value.strip().removeprefix("./") if isinstance(value, str) else value


Location = Annotated[str, BeforeValidator(_place), Field(max_length=400)]
"""`path:line` or `path:first-last`, the path from the repository's root."""


class Workflow(StrEnum):
    """Every workflow that keeps a ledger."""

    DEBUG = "debug"
    FIX = "fix"
    SECURITY = "security"
    SHIP = "ship"
    SCENARIO = "scenario"
    PREDICT = "predict"
    LEARN = "learn"
    PROBE = "probe"
    REASON = "reason"
    EVALS = "evals"
    IMPROVE = "improve"
    REGRESSION = "regression"


class Severity(StrEnum):
    """How bad, the worst first."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    INFO = "info"

    @property
    def rank(self) -> int:
        """0 for the worst."""
        return list(Severity).index(self)


class Confidence(StrEnum):
    """How sure, the surest first."""

    CONFIRMED = "confirmed"
    LIKELY = "likely"
    POSSIBLE = "possible"


class ItemOutcome(StrEnum):
    """What an experiment said about a hypothesis."""

    CONFIRMED = "confirmed"
    DISPROVEN = "disproven"
    INCONCLUSIVE = "inconclusive"


class Settlement(StrEnum):
    """What later work said about an item of an earlier ledger: an outcome, or that it was mended since."""

    CONFIRMED = "confirmed"
    DISPROVEN = "disproven"
    INCONCLUSIVE = "inconclusive"
    FIXED = "fixed"

    @property
    def over(self) -> bool:
        """Whether nothing is left to do about it."""
        return self in {Settlement.DISPROVEN, Settlement.FIXED}


class Item(Record):
    """One thing that an agent reports. Subclasses narrow `kind` to one word and add their fields.

    `upstream` names an item of an earlier ledger that this one settles, as `<ledger id>#<item id>`.
    """

    prefix: ClassVar[str] = "I"
    """The first letters of its ids."""
    filled: ClassVar[frozenset[str]] = frozenset()
    """Fields that the server fills in, which nobody else may set."""

    kind: str
    upstream: str = Field("", description="An item of an earlier ledger that this settles: `<ledger id>#<item id>`.")

    @property
    def place(self) -> str:
        """Where it is: a second item of the same kind at the same place is a duplicate. Empty: nowhere in particular."""
        return ""

    @property
    def subject(self) -> str:
        """What it says, for telling near-identical items. Empty: never compared."""
        return ""

    @property
    def title(self) -> str:
        """One line for lists and handoffs."""
        return self.subject or self.kind

    @property
    def command(self) -> str:
        """A command that shows it. The server runs it, where a person agreed, and records what it saw."""
        return ""

    @property
    def classified(self) -> str:
        """What the server made of it, such as new, variant or duplicate; empty where it classifies nothing."""
        return ""

    @property
    def settles(self) -> ItemOutcome | None:
        """What this says about the upstream item; None while it says nothing."""
        return None


class Cited(Item):
    """An item that rests on what stands in a file: the quote has to stand at that place, at that commit."""

    location: Location = Field(description="Where: `path:line`.")
    quote: Text = Field(description="What stands there, word for word; whitespace may differ.")
    commit: str = Field("", pattern=r"^([0-9a-f]{7,64})?$", description="The commit cited. Empty: as checked out now.")

    @property
    def place(self) -> str:
        return self.location

    @property
    def path(self) -> str:
        """The file cited."""
        return split_location(self.location)[0]


def split_location(location: str) -> tuple[str, int, int]:
    """Path, first line and last line of a location, lines counted from 1."""
    found = _PLACE.fullmatch(location)
    assert found is not None, "checked at the door"
    first = int(found["first"])
    return found["path"], first, max(first, int(found["last"] or first))


def listed(value: Any) -> Any:  # noqa: ANN401 - whatever a client sends
    """A list, also out of words between commas: clients and people type both."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


Words = Annotated[tuple[str, ...], BeforeValidator(listed)]
"""A list of words, or one text with commas."""
