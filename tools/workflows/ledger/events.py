"""What the journal holds of a ledger: one frozen record for each thing that happened, in the order in which it happened."""

from __future__ import annotations

from functools import cache
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter

from ...session.events import Record
from .items import Settlement, Workflow

VERSION = 1
"""Of these records and of what stands in them."""


class Ran(Record):
    """What a command cited by an item did when the server ran it. `seconds` is wall-clock time; `tail` the end of its output.

    `exit_code` is None where it was not run; `why` says why not.
    """

    command: str
    exit_code: int | None = None
    timed_out: bool = False
    seconds: float = 0.0
    tail: str = ""
    output: str = Field("", description="SHA-256 of everything that it printed.")
    why: str = ""


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
    """An item passed every check and stands in the ledger under its id. `commit` is what was checked out."""

    kind: Literal["ledger-item"] = "ledger-item"
    id: str
    commit: str
    item: dict[str, Any]
    ran: Ran | None = None


class Observed(Record):
    """Something that the server found itself: `what` names it, `facts` hold it."""

    kind: Literal["ledger-observed"] = "ledger-observed"
    what: str
    commit: str
    facts: dict[str, Any]


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
    """An event as it was written, by its kind."""
    return _adapter().validate_json(body)


@cache
def _adapter() -> TypeAdapter[LedgerEvent]:
    return TypeAdapter(LedgerEvent)
