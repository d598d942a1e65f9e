"""What a workflow takes: its options, and one frozen model for each kind of item, with their forms in words."""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import StrEnum
from inspect import isclass
from typing import Annotated, Any, ClassVar, Literal, Self, get_args

from pydantic import (
    BaseModel,
    BeforeValidator,
    Field,
    StringConstraints,
    field_validator,
    model_validator,
)
from pydantic.fields import FieldInfo

from ...project.chains import READY
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


class Proof(Record):
    """What the server runs for an item: a command; and where it is to show a fault, the words of its output that name the
    fault, and a like command that ends the other way. `files` are the project's that they name beside the one cited, with
    git's ids, and `outside` those that git does not have, with their SHA-256, as they were when it showed the fault at a `commit`.
    """

    command: str = ""
    fails_with: str = ""
    control: str = ""
    files: tuple[tuple[str, str], ...] = ()
    outside: tuple[tuple[str, str], ...] = ()
    commit: str = ""

    @property
    def commands(self) -> tuple[str, ...]:
        """All that is run."""
        return tuple(one for one in (self.command, self.control) if one)


class Item(Record):
    """One thing that an agent reports. Subclasses narrow `kind` to one word and add their fields.

    `upstream` names an item of an earlier ledger that this one settles, as `<ledger id>#<item id>`.
    """

    prefix: ClassVar[str] = "I"
    """The first letters of its ids."""
    filled: ClassVar[frozenset[str]] = frozenset()
    """Fields that the server fills in, which nobody else may set."""
    place_format: ClassVar[str] = ""
    """How the property is made of the fields, as a format string; so are the next three."""
    subject_format: ClassVar[str] = ""
    title_format: ClassVar[str] = ""
    command_format: ClassVar[str] = ""

    kind: str
    upstream: str = Field("", description="An item of an earlier ledger that this settles: `<ledger id>#<item id>`.")

    @property
    def place(self) -> str:
        """Where it is: a second item of the same kind at the same place is a duplicate. Empty: nowhere in particular."""
        return self._filled_in(self.place_format)

    @property
    def subject(self) -> str:
        """What it says, for telling a repeated item. Empty: never compared."""
        return self._filled_in(self.subject_format)

    @property
    def title(self) -> str:
        """One line for lists and handoffs."""
        return self._filled_in(self.title_format) or self.subject or self.kind

    @property
    def proof(self) -> Proof:
        """What the server runs for it, where a person agreed; it records what it saw."""
        return Proof(command=self._filled_in(self.command_format))

    def _filled_in(self, form: str) -> str:
        return form.format_map(dict(self)) if form else ""

    @property
    def classified(self) -> str:
        """What the server made of it, such as new, variant or duplicate; empty where it classifies nothing."""
        return ""

    @property
    def settles(self) -> ItemOutcome | None:
        """What this says about the upstream item; None while it says nothing."""
        return None


class Retired(Item):
    """What an earlier version recorded and this one has no more: it stays to be seen and counts for nothing."""

    title_format: ClassVar[str] = "{kind}, of an earlier version"


class Withdrawal(Item):
    """Takes back what was recorded wrongly: it stays to be seen and counts for nothing. What the server saw shown is not taken back."""

    prefix: ClassVar[str] = "W"
    place_format: ClassVar[str] = "{item}"
    title_format: ClassVar[str] = "{item} withdrawn: {reason}"

    kind: Literal["withdrawal"] = "withdrawal"
    item: str = Field(max_length=20, description="The item, by its id. It may be recorded anew then.")
    reason: Text = Field(description="What is wrong with it.")

    @property
    def settles(self) -> ItemOutcome | None:
        return ItemOutcome.INCONCLUSIVE


class Cited(Item):
    """An item that rests on what stands in a file: the quote has to stand at that place, at that commit."""

    place_format: ClassVar[str] = "{location}"

    location: Location = Field(description="Where: `path:line`.")
    quote: Text = Field(description="What stands there, word for word; whitespace may differ.")
    commit: str = Field("", pattern=r"^([0-9a-f]{7,64})?$", description="The commit cited. Empty: as checked out now.")

    @property
    def path(self) -> str:
        """The file cited."""
        return split_location(self.location)[0]


class Provable(Cited):
    """An item that an experiment can show: two like commands, one of which fails in the words that name the fault while the other
    passes. One that brings a better experiment `replaces` what says the same and showed nothing.
    """

    filled: ClassVar[frozenset[str]] = frozenset({"replaces"})

    reproduction: Note = Field("", description="A command that runs this code and fails while the fault is there.")
    fails_with: Note = Field("", description="Words of its output that name the fault, as an assertion or a value.")
    control: Note = Field("", description="A like command that ends the other way, e.g. with an input that is fine.")

    replaces: str = ""

    @property
    def proof(self) -> Proof:
        return Proof(command=self.reproduction, fails_with=self.fails_with, control=self.control)

    @model_validator(mode="after")
    def _whole(self) -> Self:
        missing = [name for name in ("reproduction", "fails_with", "control") if not getattr(self, name)]
        if 0 < len(missing) < 3:
            raise ValueError(f"an experiment has `reproduction`, `fails_with` and `control`; add {', '.join(missing)}")
        if self.control and self.control == self.reproduction:
            raise ValueError("the `control` is the reproduction itself: it has to be able to end the other way")
        return self


def split_location(location: str) -> tuple[str, int, int]:
    """Return path, first line and last line of a location, lines counted from 1."""
    found = _PLACE.fullmatch(location)
    assert found is not None, "checked when it was admitted"
    first = int(found["first"])
    return found["path"], first, max(first, int(found["last"] or first))


def listed(value: Any) -> Any:  # noqa: ANN401 - whatever a client sends
    """Return a list, also out of words between commas: clients and people type both."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


Words = Annotated[tuple[str, ...], BeforeValidator(listed)]
"""A list of words, or one text with commas."""


class Depth(StrEnum):
    """How far to go: each workflow says what that means in numbers."""

    SHALLOW = "shallow"
    STANDARD = "standard"
    DEEP = "deep"


class Options(Record):
    """The options of every workflow; each adds its own. All are sealed when the ledger is opened."""

    goal: str = Field("", max_length=500, description="What it is about, in words.")
    scope: Words = Field((), description="Globs of the files that it looks at. Empty: all that git tracks.")
    depth: Depth = Field(Depth.STANDARD, description="shallow, standard or deep.")
    iterations: int = Field(0, ge=0, le=10_000, description="At most so many rounds. 0: what the depth says.")
    chain: str = Field("", max_length=200, description="What follows, as `debug, fix, ship`.")
    after: str = Field(
        "", max_length=80, description="The ledger whose handoff to take. Empty: the one that names this."
    )

    @field_validator("chain")
    @classmethod
    def _plain(cls, chain: str) -> str:
        return ", ".join(steps(chain))


def steps(chain: str) -> tuple[str, ...]:
    """Return the workflows of a chain in order; arrows, commas and spaces between them. A ready one may be given by its name."""
    said = chain.strip().lower()
    return tuple(re.findall(r"[a-z]+", READY.get(said, said)))


_GENERAL = frozenset({"kind", "upstream", "commit"})


class Form(Record):
    """The fields of one kind of item: each `name`, or `name (what it is)`."""

    kind: str
    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()

    def line(self) -> str:
        """Return the form on one line."""
        more = f"; may have {', '.join(self.optional)}" if self.optional else ""
        return f"{self.kind}: {', '.join(self.required) or 'nothing'}{more}"


def forms_told(forms: Iterable[Form]) -> list[str]:
    """Return each form on one line; a field that an earlier one has described alike stands there by its name alone."""
    seen: set[str] = set()

    def short(field: str) -> str:
        name = field.partition(" (")[0] if field in seen else field
        seen.add(field)
        return name

    return [
        form.model_copy(
            update={"required": tuple(map(short, form.required)), "optional": tuple(map(short, form.optional))}
        ).line()
        for form in forms
    ]


def form_of(item: type[Item]) -> Form:
    """Return what one kind of item takes."""
    own = {name: field for name, field in item.model_fields.items() if name not in _GENERAL | item.filled}
    return Form(
        kind=str(item.model_fields["kind"].default),
        required=tuple(_described(name, field) for name, field in own.items() if field.is_required()),
        optional=tuple(_described(name, field) for name, field in own.items() if not field.is_required()),
    )


def fields_of(model: type[BaseModel]) -> tuple[str, ...]:
    """Return the fields of any model, described."""
    return tuple(_described(name, field) for name, field in model.model_fields.items())


def choices(model: type[BaseModel], name: str) -> tuple[str, ...]:
    """Return the words that a field may hold; none where it is free, or is not there."""
    field = model.model_fields.get(name)
    return _words(field) if field else ()


def _described(name: str, field: FieldInfo) -> str:
    told, listed = field.description or "", _words(field)
    words = "" if all(word in told for word in listed) else "|".join(listed)
    more = "; ".join(part for part in (words, told) if part)
    return f"{name} ({more})" if more else name


def _words(field: FieldInfo) -> tuple[str, ...]:
    """Return the words of a field that holds one of a closed list, several of it, or one or nothing."""
    kinds = get_args(field.annotation) or (field.annotation,)
    closed = (kind for kind in kinds if isclass(kind) and issubclass(kind, StrEnum))
    return tuple(next(closed, ()))
