"""A ledger: the records that the journal holds of it, and the frozen value that they add up to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from typing import Annotated, Any, ClassVar, Generic, Literal, TypeVar

from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from ...session.events import Record
from .items import Item, Options, Proof, Provable, Retired, Settlement, Withdrawal, Workflow

VERSION = 1
"""Of these records and of what stands in them."""

Some = TypeVar("Some", bound=Item)
Opts = TypeVar("Opts", bound=Options)
Found = TypeVar("Found", bound="LedgerFacts")
Kept = TypeVar("Kept", bound=BaseModel)


def as_recorded(model: type[Kept], fields: Mapping[str, Any]) -> Kept | None:
    """Return what this or an earlier version wrote, without the fields that are gone since; None if it cannot be read any more."""
    try:
        return model.model_validate({name: value for name, value in fields.items() if name in model.model_fields})
    except ValidationError:
        return None


class Ran(Record):
    """What a command cited by an item did when the server ran it. `seconds` is wall-clock time; `tail` the end of its output.

    `exit_code` is None where it was not run; `why` says why not. `named` tells whether the words `fails_with` were printed;
    `control` is what the like command did, `without` what the command did with a file or function `emptied`. `files`, `outside` and `commit` are as in a proof;
    those `put_back` differed by now, and were as they had been in the checkout of ours where both ran. `says_nothing` is why the
    end that was seen, however right, tells nothing of the code; `own_words` that its author wrote the words `fails_with`; `left`
    what it made that git does not have.
    """

    command: str
    fails_with: str = ""
    named: bool = False
    control: Ran | None = None
    emptied: str = ""
    without: Ran | None = None
    files: tuple[tuple[str, str], ...] = ()
    outside: tuple[tuple[str, str], ...] = ()
    commit: str = ""
    put_back: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    own_words: bool = False
    says_nothing: str = ""
    exit_code: int | None = None
    timed_out: bool = False
    seconds: float = 0.0
    tail: str = ""
    output: str = Field("", description="SHA-256 of everything that it printed.")
    why: str = ""

    @property
    def proof(self) -> Proof:
        """What was run, or would be."""
        control = self.control.command if self.control else ""
        kept = {"files": self.files, "outside": self.outside, "commit": self.commit}
        return Proof(command=self.command, fails_with=self.fails_with, control=control, **kept)

    @property
    def failed(self) -> bool:
        """Whether it ran and failed. That no such program could be begun is no failure of the code."""
        return self.exit_code not in {None, 0, 126, 127}

    @property
    def passed(self) -> bool:
        """Whether it ran and all was well."""
        return self.exit_code == 0


class Opened(Record):
    """A ledger was opened. `incoming` is the ledger whose handoff it takes."""

    kind: Literal["ledger-opened"] = "ledger-opened"
    version: int = VERSION
    workflow: Workflow
    branch: str
    commit: str
    options: dict[str, Any]
    incoming: str = ""
    folder: str


class ItemRecorded(Record):
    """An item passed every check and stands in the ledger under its id. `commit` is what was checked out, `beside` the first item
    that the same call recorded, where this is not the first.
    """

    kind: Literal["ledger-item"] = "ledger-item"
    id: str
    commit: str
    item: dict[str, Any]
    ran: Ran | None = None
    beside: str = ""


class Observed(Record):
    """Something that the server found itself: `what` names it, `facts` hold it."""

    kind: Literal["ledger-observed"] = "ledger-observed"
    what: str
    commit: str
    facts: dict[str, Any]


class LedgerFacts(Record):
    """The shape of facts that the server finds. `what` is their name in the journal; what is not set is not written."""

    what: ClassVar[str]


class ItemSettled(Record):
    """What was measured later settles an item of this ledger, whatever it had claimed."""

    kind: Literal["ledger-overruled"] = "ledger-overruled"
    id: str
    outcome: Settlement
    by: str


class LedgerClosed(Record):
    """The ledger was closed. `why` is a person's or agent's reason where it ended early."""

    kind: Literal["ledger-closed"] = "ledger-closed"
    commit: str
    ending: str
    why: str = ""


LedgerEvent = Annotated[
    Opened | ItemRecorded | Observed | ItemSettled | LedgerClosed,
    Field(discriminator="kind"),
]


def read_ledger_event(body: str) -> LedgerEvent:
    """Return an event as it was written, by its kind."""
    return _adapter().validate_json(body)


@cache
def _adapter() -> TypeAdapter[LedgerEvent]:
    return TypeAdapter(LedgerEvent)


@dataclass(frozen=True)
class LedgerEntry(Generic[Some]):
    """An item with its id, when it was recorded (seconds since the epoch), at which commit, what its command did, and the first
    item of the call that recorded it, where this is not the first.
    """

    id: str
    at: float
    commit: str
    item: Some
    ran: Ran | None = None
    beside: str = ""

    @property
    def call(self) -> str:
        """What all items of one call have in common."""
        return self.beside or self.id


@dataclass(frozen=True)
class Ledger:
    """One workflow on one branch, from its opening on; while a call records, with the first item that it recorded, and the first
    lines of the briefs that this server was asked for.
    """

    id: str
    workflow: Workflow
    branch: str
    commit: str
    at: float
    options: Options
    folder: str
    incoming: str = ""
    entries: tuple[LedgerEntry[Item], ...] = ()
    observed: tuple[Observed, ...] = ()
    overruled: Mapping[str, ItemSettled] = field(default_factory=dict)
    closed: LedgerClosed | None = None
    closed_at: float = 0.0
    calling: str = ""
    briefs: frozenset[str] = frozenset()

    @cached_property
    def withdrawn(self) -> Mapping[str, str]:
        """Why items were taken back, by their ids."""
        taken = {one.item: one.reason for one in (entry.item for entry in self.entries) if isinstance(one, Withdrawal)}
        better = [(entry.item.replaces, entry.id) for entry in self.entries if isinstance(entry.item, Provable)]
        return {**taken, **{id: f"{by} has a better experiment" for id, by in better if id}}

    @property
    def retired(self) -> tuple[str, ...]:
        """The ids of what an earlier version recorded and this one cannot read."""
        return tuple(entry.id for entry in self.entries if isinstance(entry.item, Retired))

    @property
    def standing(self) -> tuple[LedgerEntry[Item], ...]:
        """The entries that were not taken back, the oldest first."""
        return tuple(entry for entry in self.entries if entry.id not in self.withdrawn)

    def of(self, kind: type[Some]) -> tuple[LedgerEntry[Some], ...]:
        """Return the entries of one kind that stand, the oldest first."""
        return tuple(entry for entry in self.standing if isinstance(entry.item, kind))  # type: ignore[misc]

    def items(self, kind: type[Some]) -> tuple[Some, ...]:
        """Return the items of one kind, the oldest first."""
        return tuple(entry.item for entry in self.of(kind))

    def find(self, id: str) -> LedgerEntry[Item] | None:
        """Return the entry with an id."""
        return next((entry for entry in self.entries if entry.id == id), None)

    def latest(self, what: str) -> Mapping[str, Any]:
        """Return the newest facts of a name; empty before the first."""
        return next((seen.facts for seen in reversed(self.observed) if seen.what == what), {})

    def every(self, kind: type[Found]) -> tuple[Found, ...]:
        """Return the facts of a kind, the oldest first; those that cannot be read any more were never seen."""
        found = (as_recorded(kind, one.facts) for one in self.observed if one.what == kind.what)
        return tuple(one for one in found if one is not None)

    def seen(self, kind: type[Found]) -> Found | None:
        """Return the newest facts of a kind; None before the first."""
        facts = self.latest(kind.what)
        return as_recorded(kind, facts) if facts else None

    def next_id(self, item: Item) -> str:
        """Return the id that an item would get."""
        return f"{item.prefix}{1 + sum(entry.id.rstrip('0123456789') == item.prefix for entry in self.entries)}"

    def opts(self, kind: type[Opts]) -> Opts:
        """Return the options, as their workflow's own type."""
        assert isinstance(self.options, kind), "made by its rules"
        return self.options


ReadOptions = Callable[[Workflow, Mapping[str, Any]], Options]
ReadItem = Callable[[Workflow, Mapping[str, Any]], Item]


def folded(
    id: str,
    events: Iterable[tuple[float, LedgerEvent]],
    read_options: ReadOptions,
    read_item: ReadItem,
    ledger: Ledger | None = None,
) -> Ledger:
    """Return the ledger that these events make: the first of them opened it, or they follow on `ledger`."""
    for at, event in events:
        if isinstance(event, Opened):
            options = read_options(event.workflow, event.options)
            ledger = Ledger(
                id, event.workflow, event.branch, event.commit, at, options, event.folder, incoming=event.incoming
            )
        else:
            assert ledger is not None, "a ledger begins with its opening"
            ledger = advanced(ledger, event, at, read_item)
    assert ledger is not None, "there was an event"
    return ledger


def advanced(ledger: Ledger, event: LedgerEvent, at: float, read_item: ReadItem) -> Ledger:
    """Return the ledger after one more event."""
    match event:
        case ItemRecorded():
            item = read_item(ledger.workflow, event.item)
            entry: LedgerEntry[Item] = LedgerEntry(event.id, at, event.commit, item, event.ran, event.beside)
            return replace(ledger, entries=(*ledger.entries, entry))
        case Observed():
            return replace(ledger, observed=(*ledger.observed, event))
        case ItemSettled():
            return replace(ledger, overruled={**ledger.overruled, event.id: event})
        case LedgerClosed():
            return replace(ledger, closed=event, closed_at=at)
        case Opened():
            raise AssertionError("a ledger is opened once")
