"""What a ship ledger takes, and what a shipment comes to: the checklist as it stands, the rehearsal, the approval. Computed from the ledger alone."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import ClassVar, Literal

from pydantic import Field

from ...process.shell import scripts
from ...session.events import Record
from ..ledger.items import Item, Note, Options, Text
from ..ledger.state import Ledger, LedgerEntry, LedgerFacts
from .checks.checklists import ChecklistEntry, ShipType, Weight, checklist
from .checks.material import CheckOutcome, CheckResult


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


class Rollback(Item):
    """How to undo it. It has to be known before anything is shipped."""

    prefix: ClassVar[str] = "R"

    kind: Literal["rollback"] = "rollback"
    how: Text = Field(description="The commands or steps that undo it; or, if nothing can, what will be done instead.")
    irreversible: bool = Field(False, description="Nothing can undo it: a version that was published.")

    @property
    def title(self) -> str:
        return f"{'CANNOT BE UNDONE: ' if self.irreversible else ''}{self.how}"


class DryRun(Item):
    """A rehearsal. The server runs its command where a person agreed, and records what it saw."""

    prefix: ClassVar[str] = "D"
    command_format: ClassVar[str] = "{run}"
    filled: ClassVar[frozenset[str]] = frozenset({"failed_before"})

    kind: Literal["dry-run"] = "dry-run"
    run: Note = Field("", description="A command that does all but ship, e.g. `npm publish --dry-run`.")
    note: Note = Field("", description="Where no command can: what was rehearsed instead, and what it showed.")
    arrival: Note = Field("", description="The later `check` of `shipped`, which has to fail until it has arrived.")
    failed_before: bool = False

    @property
    def title(self) -> str:
        return self.run or self.note


class Shipped(Item):
    """It was shipped, or the attempt failed. Tag and branch are looked at by the server."""

    prefix: ClassVar[str] = "S"
    command_format: ClassVar[str] = "{check}"
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
    def title(self) -> str:
        return f"{'failed: ' if self.failed else ''}{self.how} {self.reference}".strip()

    @property
    def classified(self) -> str:
        return self.verified


class ShipmentUndone(Item):
    """It was taken back."""

    prefix: ClassVar[str] = "U"
    title_format: ClassVar[str] = "{how}"
    command_format: ClassVar[str] = "{check}"

    kind: Literal["rolled-back"] = "rolled-back"
    how: Text = Field(description="What was done to take it back, and why.")
    check: Note = Field("", description="A command that exits 0 if it is gone; the server runs it.")


PLACES = 12
SHOWN_DIGEST = 12
"""Digits of a checklist's digest that people and agents see."""


_MARKS = {CheckResult.PASSED: "[x]", CheckResult.FAILED: "[ ]", CheckResult.OPEN: "[?]", CheckResult.NOT_HERE: "[-]"}


class CheckState(Record):
    """One check of a checklist as it was made. `places` are the first of them, `found` is how many there are."""

    name: str
    title: str
    weight: Weight
    result: CheckResult
    seen: str = ""
    places: tuple[str, ...] = ()
    found: int = 0
    cure: str = ""
    commands: tuple[str, ...] = ()

    @property
    def mark(self) -> str:
        """The box before it in a list."""
        return _MARKS[self.result]

    @property
    def told(self) -> list[str]:
        """What was seen, with a few places; a command says at its end what went wrong."""
        shown = self.places[-5:] if self.commands else self.places[:5]
        return [f"{self.mark} {self.weight} {self.name}: {self.seen}", *(f"    {place}" for place in shown)]

    @property
    def holds(self) -> bool:
        """Whether nothing is to be done about it."""
        return self.result in {CheckResult.PASSED, CheckResult.NOT_HERE}

    @property
    def blocks(self) -> bool:
        """Whether nothing may be shipped because of it."""
        return not self.holds and self.weight is Weight.BLOCKER

    @property
    def needs_force(self) -> bool:
        """Whether it may be shipped all the same, if that was said beforehand."""
        return not self.holds and self.weight is Weight.REQUIRED


class Shipment(LedgerFacts):
    """What is shipped, why that was concluded, and what it is compared with: its name, its tip, and where the two parted."""

    what: ClassVar[str] = "shipment"

    type: ShipType
    why: str
    base: str
    tip: str
    parted: str


class ChecklistRun(LedgerFacts):
    """The checks that the server made at a commit."""

    what: ClassVar[str] = "checklist"

    commit: str
    made: tuple[CheckState, ...]


class ShipmentApproval(LedgerFacts):
    """A yes to what has this digest. `by` says where and when it was said."""

    what: ClassVar[str] = "approved"

    digest: str
    commit: str
    by: str


class Monitoring(LedgerFacts):
    """How often the health command was run afterwards, how often it failed, and the end of what it printed then."""

    what: ClassVar[str] = "monitored"

    looks: int
    failed: int
    tail: str
    commit: str


def shipment_of(ledger: Ledger) -> Shipment:
    """Return what is shipped, as it was found when the ledger was opened."""
    found = ledger.seen(Shipment)
    assert found is not None, "found at the opening"
    return found


def checked_commit(ledger: Ledger) -> str:
    """Return the commit at which the checklist was run last; empty before."""
    return str(ledger.latest(ChecklistRun.what).get("commit", ""))


def current_checks(ledger: Ledger) -> tuple[CheckState, ...]:
    """The checklist as the server saw it last. Before the first run, all open."""
    run = ledger.seen(ChecklistRun)
    unseen = CheckOutcome(CheckResult.OPEN, "not looked at yet")
    return run.made if run else tuple(state_of(one, unseen) for one in checklist(shipment_of(ledger).type))


def state_of(check: ChecklistEntry, found: CheckOutcome, commands: tuple[str, ...] = ()) -> CheckState:
    """Return how a check stands by what it saw."""
    return CheckState(
        name=check.name,
        title=check.title,
        weight=found.weight or check.weight,
        result=found.result,
        seen=found.seen,
        places=tuple(str(place).strip()[:300] for place in found.places[:PLACES]),
        found=len(found.places),
        cure=check.cure,
        commands=commands,
    )


def last_rollback(ledger: Ledger) -> Rollback | None:
    """Return how it would be undone, as said last."""
    return next(reversed(ledger.items(Rollback)), None)


def last_dry_run(ledger: Ledger) -> LedgerEntry[DryRun] | None:
    """Return the newest rehearsal of the commit that the checklist is about."""
    commit = checked_commit(ledger)
    return next((entry for entry in reversed(ledger.of(DryRun)) if entry.commit == commit), None)


def went_well(entry: LedgerEntry[DryRun] | None) -> bool:
    """Return whether the server saw a rehearsal succeed."""
    return entry is not None and entry.ran is not None and entry.ran.exit_code == 0


def digest(ledger: Ledger) -> str:
    """Return what an approval is bound to: the commit, the checklist as it stands, how to undo it, and the rehearsal.

    Times and counts that differ from run to run are left out: they are no reason to ask again.
    """
    options, rehearsal, undo = ledger.opts(ShipOptions), last_dry_run(ledger), last_rollback(ledger)
    bound = {
        "commit": checked_commit(ledger),
        "shipment": dict(ledger.latest(Shipment.what)),
        "options": options.model_dump(mode="json", include={"force", "health", "monitor", "every", "goal"}),
        "checklist": [_essence(one) for one in current_checks(ledger)],
        "rollback": undo.model_dump(mode="json") if undo else None,
        "dry run": (rehearsal.item.model_dump(mode="json"), went_well(rehearsal)) if rehearsal else None,
    }
    return hashlib.sha256(json.dumps(bound, sort_keys=True).encode()).hexdigest()


def _essence(one: CheckState) -> tuple[object, ...]:
    return one.name, one.weight, one.result, list(one.commands), one.found


def approved(ledger: Ledger) -> str:
    """Return how a person approved of exactly what stands now; empty if nobody did."""
    said = ledger.seen(ShipmentApproval)
    valid = said and said.digest == digest(ledger) and said.commit == checked_commit(ledger)
    return said.by if said and valid else ""


def shipped(ledger: Ledger) -> LedgerEntry[Shipped] | None:
    """Return the newest attempt that did not fail."""
    return next((entry for entry in reversed(ledger.of(Shipped)) if not entry.item.failed), None)


def _cure(check: CheckState) -> str:
    absent = check.seen.startswith("not run:") and "not installed" in check.seen
    return "Install it and `run` again, or a person lets it be with `force`." if absent else check.cure


def unready(ledger: Ledger) -> tuple[str, ...]:
    """Return what stands between the ledger and a person's approval, each with its cure."""
    if not checked_commit(ledger):
        return ("the checklist: call workflow with `run`",)
    force = ledger.opts(ShipOptions).force
    failing = (one for one in current_checks(ledger) if one.blocks or (one.needs_force and not force))
    left = [f"{one.weight} {one.name}: {one.seen}. {_cure(one)}" for one in failing]
    if last_rollback(ledger) is None:
        left.append("a rollback: record how it would be undone, or that nothing can undo it")
    return (*left, *rehearsal_wanted(ledger))


def rehearsal_wanted(ledger: Ledger) -> tuple[str, ...]:
    """Return what is missing of a rehearsal of the commit that was checked. One that failed is missed until the same programs go
    well: no other rehearsal, and no note, takes its place.
    """
    made = [entry for entry in ledger.of(DryRun) if entry.commit == checked_commit(ledger)]
    if not made:
        return ("a dry-run of this commit: record the command, or what was rehearsed instead",)
    last = {_programs(entry.item.run): entry for entry in made if entry.item.run}
    bad = [entry for entry in last.values() if not went_well(entry) and (entry == made[-1] or was_run(entry))]
    told = [(one.id, one.ran.why or f"exit {one.ran.exit_code}" if one.ran else "not run") for one in bad]
    return tuple(
        f"a dry-run that goes well: {id} did not ({why}). Mend what it shows, and record it again" for id, why in told
    )


def was_run(entry: LedgerEntry[DryRun]) -> bool:
    """Return whether a rehearsal ended by itself, with what it starts there to be started."""
    return entry.ran is not None and entry.ran.exit_code not in {None, 126, 127}


def _programs(command: str) -> tuple[str, ...]:
    parts = (part for script in scripts(command) for part in script if part.words)
    return tuple(" ".join((part.name, *(word for word in part.words[1:2] if part.name == "git"))) for part in parts)


def count(made: Iterable[CheckState], result: CheckResult) -> int:
    """Return how many checks came out so."""
    return sum(one.result is result for one in made)
