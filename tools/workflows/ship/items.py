"""What the workflow ship can be opened with, and what can be written into its ledger."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from ..ledger.items import Cited, Item, Location, Note, Text
from ..ledger.options import Options
from .checks.kinds import ShipType


class ShipOptions(Options):
    """What to ship, and how far to go."""

    type: ShipType | Literal[""] = Field("", description=f"{'|'.join(ShipType)}. Empty: found out by rules.")
    target: str = Field("", max_length=300, description="What or where: a tag, a branch, a file or folder, an address.")
    base: str = Field(
        "", max_length=200, description="What it is compared with. Empty: the default branch, or the last tag."
    )
    dry_run: bool = Field(False, description="Go no further than the dry run.")
    checklist_only: bool = Field(False, description="Go no further than the checklist.")
    force: bool = Field(
        False, description="Let a person approve although required checks fail; never blockers or tests."
    )
    monitor: float = Field(0, ge=0, le=120, description="Minutes to watch afterwards with `health`.")
    every: int = Field(60, ge=1, le=3600, description="Seconds between two looks while watching.")
    health: str = Field("", max_length=1000, description="A command that fails while what was shipped is ill.")


class JudgedCheck(Cited):
    """A check that no machine can make, with what was seen. The newest of a name counts."""

    prefix: ClassVar[str] = "C"

    kind: Literal["check"] = "check"
    name: Text = Field(description="Which check of the list, e.g. `described`.")
    holds: bool
    note: Text = Field(description="What you looked at and what you saw: what would convince somebody else.")
    location: Location = Field("", description="Where it can be seen, if in a file: `path:line`.")
    quote: Note = Field("", description="What stands there, if you name a place.")

    @property
    def place(self) -> str:
        return ""

    @property
    def title(self) -> str:
        return f"{self.name} {'holds' if self.holds else 'does not hold'}: {self.note}"


class Rollback(Item):
    """How to undo it. It has to be known before anything is shipped."""

    prefix: ClassVar[str] = "R"

    kind: Literal["rollback"] = "rollback"
    how: Text = Field(description="The commands or steps that undo it; or, if nothing can, what will be done instead.")
    irreversible: bool = Field(
        False, description="Nothing can undo it: a mail that was sent, a version that was published."
    )

    @property
    def title(self) -> str:
        return f"{'CANNOT BE UNDONE: ' if self.irreversible else ''}{self.how}"


class DryRun(Item):
    """A rehearsal. The server runs its command where a person agreed, and records what it saw."""

    prefix: ClassVar[str] = "D"

    kind: Literal["dry-run"] = "dry-run"
    run: Note = Field("", description="A command that does all but ship, e.g. `npm publish --dry-run`.")
    note: Note = Field("", description="Where no command can: what was rehearsed instead, and what it showed.")

    @property
    def command(self) -> str:
        return self.run

    @property
    def title(self) -> str:
        return self.run or self.note


class Shipped(Item):
    """It was shipped, or the attempt failed. Tag and branch are looked at by the server."""

    prefix: ClassVar[str] = "S"
    filled: ClassVar[frozenset[str]] = frozenset({"verified"})

    kind: Literal["shipped"] = "shipped"
    how: Text = Field(description="What was done, by whom.")
    reference: Note = Field("", description="Where it can be seen: an address, a message id.")
    tag: Note = Field("", description="The tag that was made: it has to stand at the approved commit.")
    branch: Note = Field("", description="The branch that was pushed, e.g. `origin/topic`: as git knows it here.")
    check: Note = Field("", description="A command that exits 0 if it arrived; the server runs it.")
    failed: bool = Field(False, description="The attempt failed.")
    verified: str = ""

    @property
    def command(self) -> str:
        return self.check

    @property
    def title(self) -> str:
        return f"{'failed: ' if self.failed else ''}{self.how} {self.reference}".strip()

    @property
    def classified(self) -> str:
        return self.verified


class ShipmentUndone(Item):
    """It was taken back."""

    prefix: ClassVar[str] = "U"

    kind: Literal["rolled-back"] = "rolled-back"
    how: Text = Field(description="What was done to take it back, and why.")
    check: Note = Field("", description="A command that exits 0 if it is gone; the server runs it.")

    @property
    def command(self) -> str:
        return self.check

    @property
    def title(self) -> str:
        return self.how
