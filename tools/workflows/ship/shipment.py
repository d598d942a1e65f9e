"""How a shipment stands: its checklist, its digest, its approval, read off the ledger."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable

from ...session.events import Record
from ..ledger.ledger import Ledger, LedgerEntry
from .checks.kinds import ShipType
from .checks.lists import ChecklistEntry, Weight, checklist
from .checks.material import CheckResult
from .items import DryRun, JudgedCheck, Rollback, ShipOptions, Shipped

SHOWN_DIGEST = 12
"""Digits of a checklist's digest that people and agents see."""


class Made(Record):
    """One check of a checklist as it was made. `places` are the first of them, `found` is how many there are."""

    name: str
    title: str
    weight: Weight
    judged: bool = False
    result: CheckResult
    seen: str = ""
    places: tuple[str, ...] = ()
    found: int = 0
    cure: str = ""
    commands: tuple[str, ...] = ()

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
        """Whether it may be shipped all the same, if that was said beforehand. What people judge is only flagged."""
        return not self.holds and self.weight is Weight.REQUIRED and not self.judged


def ship_type(ledger: Ledger) -> ShipType:
    """What is shipped, as it was found when the ledger was opened."""
    return ShipType(ledger.latest("shipment")["type"])


def checked_commit(ledger: Ledger) -> str:
    """The commit at which the checklist was run last; empty before."""
    return str(ledger.latest("checklist").get("commit", ""))


def standing(ledger: Ledger) -> tuple[Made, ...]:
    """The checklist as it stands: what the server saw last, and what was judged. Before the first run, all open."""
    seen = {one["name"]: Made.model_validate(one) for one in ledger.latest("checklist").get("made", ())}
    judged = {entry.item.name: entry for entry in ledger.of(JudgedCheck)}
    made = (_judged(check, judged.get(check.name)) if check.judged else _made(check, seen) for check in _list(ledger))
    return tuple(sorted(made, key=lambda one: one.weight.rank))


def _list(ledger: Ledger) -> tuple[ChecklistEntry, ...]:
    return checklist(ship_type(ledger))


def _made(check: ChecklistEntry, seen: dict[str, Made]) -> Made:
    return seen.get(check.name) or _blank(check, CheckResult.OPEN, "not looked at yet")


def _judged(check: ChecklistEntry, entry: LedgerEntry[JudgedCheck] | None) -> Made:
    if entry is None:
        return _blank(check, CheckResult.OPEN, "nobody has judged it yet")
    one = entry.item
    result = CheckResult.PASSED if one.holds else CheckResult.FAILED
    place = (f"{one.location} {one.quote}",) if one.location else ()
    made = _blank(check, result, f"{one.note} ({entry.id}, at {entry.commit[:7]})")
    return made.model_copy(update={"places": place, "found": len(place)})


def _blank(check: ChecklistEntry, result: CheckResult, seen: str) -> Made:
    return Made(
        name=check.name,
        title=check.title,
        weight=check.weight,
        judged=check.judged,
        result=result,
        seen=seen,
        cure=check.cure,
    )


def last_rollback(ledger: Ledger) -> Rollback | None:
    """How it would be undone, as said last."""
    return next(reversed(ledger.items(Rollback)), None)


def last_dry_run(ledger: Ledger) -> LedgerEntry[DryRun] | None:
    """The newest rehearsal of the commit that the checklist is about."""
    commit = checked_commit(ledger)
    return next((entry for entry in reversed(ledger.of(DryRun)) if entry.commit == commit), None)


def went_well(entry: LedgerEntry[DryRun] | None) -> bool:
    """Whether the server saw a rehearsal succeed."""
    return entry is not None and entry.ran is not None and entry.ran.exit_code == 0


def digest(ledger: Ledger) -> str:
    """What an approval is bound to: the commit, the checklist as it stands, how to undo it, and the rehearsal.

    Times and counts that differ from run to run are left out: they are no reason to ask again.
    """
    options, rehearsal, undo = ledger.opts(ShipOptions), last_dry_run(ledger), last_rollback(ledger)
    told = {
        "commit": checked_commit(ledger),
        "shipment": dict(ledger.latest("shipment")),
        "options": options.model_dump(mode="json", include={"force", "health", "monitor", "every", "goal"}),
        "checklist": [_essence(one) for one in standing(ledger)],
        "rollback": undo.model_dump(mode="json") if undo else None,
        "dry run": (rehearsal.item.model_dump(mode="json"), went_well(rehearsal)) if rehearsal else None,
    }
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def _essence(one: Made) -> tuple[object, ...]:
    return one.name, one.weight, one.result, list(one.commands), one.seen if one.judged else one.found


def approved(ledger: Ledger) -> str:
    """How a person approved of exactly what stands now; empty if nobody did."""
    facts = ledger.latest("approved")
    valid = bool(facts) and facts["digest"] == digest(ledger) and facts["commit"] == checked_commit(ledger)
    return str(facts["by"]) if valid else ""


def shipped(ledger: Ledger) -> LedgerEntry[Shipped] | None:
    """The newest attempt that did not fail."""
    return next((entry for entry in reversed(ledger.of(Shipped)) if not entry.item.failed), None)


def unready(ledger: Ledger) -> tuple[str, ...]:
    """What stands between the ledger and a person's approval, each with its cure."""
    if not checked_commit(ledger):
        return ("the checklist: call workflow with `run`",)
    options, made = ledger.opts(ShipOptions), standing(ledger)
    left = [f"{one.weight} {one.name}: {one.seen}. {one.cure}" for one in made if one.blocks]
    if not options.force:
        left += [f"{one.name}: {one.seen}. {one.cure}" for one in made if one.needs_force]
    if last_rollback(ledger) is None:
        left.append("a rollback: record how it would be undone, or that nothing can undo it")
    return (*left, *_rehearsal_wanted(last_dry_run(ledger)))


def _rehearsal_wanted(entry: LedgerEntry[DryRun] | None) -> tuple[str, ...]:
    if entry is None:
        return ("a dry-run of this commit: record the command, or what was rehearsed instead",)
    if not entry.item.run or went_well(entry):
        return ()
    told = entry.ran.why or f"exit {entry.ran.exit_code}" if entry.ran else "not run"
    return (f"a dry-run that goes well: {entry.id} did not ({told}). Mend what it shows, and record it again",)


def count(made: Iterable[Made], result: CheckResult) -> int:
    """How many checks came out so."""
    return sum(one.result is result for one in made)
