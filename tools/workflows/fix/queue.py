"""The queue of a fix ledger: how each error stands, and whose turn it is. Computed from the ledger alone."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar

from pydantic import Field

from ...decision.decide import Status
from ...diagnostics.diagnostic import Diagnostic, Trouble, kindred
from ...errors import Code
from ..ledger.rules import Objection
from ..ledger.state import Ledger, LedgerEntry, LedgerFacts, as_recorded
from .items import Broken, SetAside, Witness

BLOCKED_AFTER = 3
"""Failed iterations on one error, after which it is left."""
_FAILED = frozenset({Status.DISCARD, Status.CRASH, Status.TAMPERED})
_NAMED = re.compile(r"(F\d+):\s*\S")


class ErrorsDetected(LedgerFacts):
    """A look at everything that is broken, with the plan that is handed out for it.

    `left_out` was not looked at, `by_hand` is counted by nobody, `blind` says that what was found hides more. `origin` is the
    commit whose tests count in the end, where an earlier ledger left errors: what was changed since makes none of them green.
    """

    what: ClassVar[str] = "detected"

    origin: str = ""
    count: int = 0
    points: int = 0
    ids: tuple[str, ...] = ()
    ran: int | None = None
    commands: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    by_hand: tuple[str, ...] = ()
    blind: bool = False
    plan: Mapping[str, Any] = Field(default_factory=dict)


class FixIteration(LedgerFacts):
    """One iteration of the loop. The baseline is iteration 0, and counts as kept.

    `errors` is how many there were, `delta` how many more than before, `ids` every one where it stands on the branch;
    `edited` are new identities of errors whose line was edited and that are there still, each with the first one; `broke`
    are the first tests that failed with a change which is not kept, and not before.
    """

    what: ClassVar[str] = "iteration"

    session: str
    iteration: int
    status: str
    kept: bool
    item: str = ""
    guard: str = "-"
    description: str = ""
    why: str = ""
    commit: str = ""
    points: float | None = None
    delta: int | None = None
    errors: int | None = None
    ids: tuple[str, ...] | None = None
    edited: Mapping[str, str] = Field(default_factory=dict)
    broke: tuple[str, ...] = ()


class ErrorsAtEnd(LedgerFacts):
    """The look at the end, in a clean checkout: what is left, or the `problem` why it was not counted; and what the changes
    hide.

    `before` is how many errors there were at the last count where the agent works. `unseen` is not in git and changed since
    the opening, so it did not come along; `linked` are the same in folders of dependencies, which did. `touched` are tests
    and settings that are not as they were then, `old_tests` the errors that only those of the opening find, `gone` the
    witnesses whose test is not what it was, `named` the values of red tests that the change wrote into the code.
    """

    what: ClassVar[str] = "ended"

    count: int | None = None
    ids: tuple[str, ...] | None = None
    before: int | None = None
    problem: str = ""
    unseen: tuple[str, ...] = ()
    linked: tuple[str, ...] = ()
    touched: tuple[str, ...] = ()
    old_tests: int = 0
    gone: tuple[str, ...] = ()
    named: tuple[str, ...] = ()
    suppressions: Mapping[str, int] = Field(default_factory=dict)
    hidden: tuple[str, ...] = ()

    @property
    def suspicious(self) -> bool:
        """Whether the count alone says nothing: there is none, or what it rests on changed."""
        return bool(self.problem or self.linked or self.touched or self.hidden)


class NotReproduced(LedgerFacts):
    """Findings of an earlier ledger whose own command shows nothing."""

    what: ClassVar[str] = "not-reproduced"

    titles: tuple[str, ...]


_COUNTS = frozenset({ErrorsDetected.what, FixIteration.what, ErrorsAtEnd.what})


class ErrorState(StrEnum):
    """How an error stands."""

    OPEN = "open"
    FIXED = "fixed"
    BLOCKED = "blocked"
    SET_ASIDE = "set aside"


@dataclass(frozen=True)
class QueuedError:
    """One error with how it stands, and the iterations that failed on it."""

    entry: LedgerEntry[Broken]
    state: ErrorState
    failures: tuple[FixIteration, ...] = ()
    reason: str = ""

    @property
    def id(self) -> str:
        """Its id in the ledger."""
        return self.entry.id

    @property
    def wants_witness(self) -> bool:
        """Whether it is mended, and one run alone showed that: a mended type or style is seen by its checker everywhere."""
        return self.state is ErrorState.FIXED and self.entry.item.found.trouble in {Trouble.BUG, Trouble.TEST}


def queued_errors(ledger: Ledger) -> tuple[QueuedError, ...]:
    """Return every error, as it was found."""
    left, aside = frozenset(remaining(ledger)), {one.item: one.reason for one in ledger.items(SetAside)}
    tried = iterations(ledger)
    return tuple(_queued(entry, left, tried, aside) for entry in ledger.of(Broken))


def _queued(
    entry: LedgerEntry[Broken], left: frozenset[str], tried: tuple[FixIteration, ...], aside: Mapping[str, str]
) -> QueuedError:
    failures = tuple(row for row in tried if row.item == entry.id and row.status in _FAILED)
    if entry.item.found.id not in left:
        return QueuedError(entry, ErrorState.FIXED, failures)
    if len(failures) >= BLOCKED_AFTER:
        return QueuedError(entry, ErrorState.BLOCKED, failures, f"{len(failures)} iterations failed")
    if entry.id in aside:
        return QueuedError(entry, ErrorState.SET_ASIDE, failures, aside[entry.id])
    return QueuedError(entry, ErrorState.OPEN, failures)


def witnesses(ledger: Ledger) -> dict[str, LedgerEntry[Witness]]:
    """Return the second witness of each error that has one whose test stands as it was recorded."""
    gone = at_end(ledger).gone
    return {id: entry for entry in ledger.of(Witness) if entry.id not in gone for id in entry.item.items}


def workable(ledger: Ledger) -> tuple[QueuedError, ...]:
    """Return the open errors, whose turn it is first.

    Order: what blocks most; then files with fewer errors, which are done sooner; then the place.
    """
    found = [one for one in queued_errors(ledger) if one.state is ErrorState.OPEN]
    in_file = Counter(one.entry.item.found.file for one in found)

    def turn(one: QueuedError) -> tuple[Any, ...]:
        what = one.entry.item.found
        return (what.rank, in_file[what.file], what.path, what.line, int(one.id[1:]))

    return tuple(sorted(found, key=turn))


def remaining(ledger: Ledger) -> tuple[str, ...]:
    """The identities of the errors that were there at the last look: the newest count of what stands on the branch. Where the one
    at the end could not be had, or is not believed, those of the opening stand.
    """
    counted = (seen.facts.get("ids") for seen in reversed(ledger.observed) if seen.what in _COUNTS)
    newest = next((ids for ids in counted if ids is not None), ())
    edited, left = _edited(ledger), first_detected(ledger).ids if at_end(ledger).problem else newest
    return tuple(edited.get(id, id) for id in left)


def edited_since(ledger: Ledger, found: Sequence[Diagnostic], worked_on: str) -> dict[str, str]:
    """Return new identities of errors that the ledger knows: their line was edited on the way, and they are there all
    the same.

    Args:
        found: what was counted of a change that is kept.
        worked_on: the error that the change mended; it is none of these.
    """
    known, before = _edited(ledger), set(remaining(ledger))
    there = {known.get(one.id, one.id) for one in found}
    lost = [entry for entry in ledger.of(Broken) if entry.item.found.id in before - there and entry.id != worked_on]
    listed = {entry.item.found.id for entry in ledger.of(Broken)}
    again: dict[str, str] = {}
    for one in found:
        if one.id in listed or one.id in known or not kindred(one):
            continue
        if same := next((entry for entry in lost if kindred(entry.item.found) == kindred(one)), None):
            lost.remove(same)
            again[one.id] = same.item.found.id
    return again


def broken_by(ledger: Ledger, found: Sequence[Diagnostic]) -> tuple[str, ...]:
    """Return the tests and reproductions of a count, in words, that failed there and not before."""
    mended = {one.entry.item.found.id for one in queued_errors(ledger) if one.state is ErrorState.FIXED}
    there = known_ids(ledger) - mended
    kinds = {Trouble.TEST, Trouble.CRASH, Trouble.BUG}
    return tuple(one.line_of_text for one in found if one.id not in there and one.trouble in kinds)


def known_ids(ledger: Ledger) -> frozenset[str]:
    """Return every identity under which an error of the ledger was counted."""
    return frozenset(entry.item.found.id for entry in ledger.of(Broken)) | _edited(ledger).keys()


def _edited(ledger: Ledger) -> dict[str, str]:
    """Return the first identity of each error that got another one."""
    return {new: old for one in iterations(ledger, baselines=True) for new, old in one.edited.items()}


def iterations(ledger: Ledger, *, baselines: bool = False) -> tuple[FixIteration, ...]:
    """Return the iterations of the loop on this ledger, with or without the baselines."""
    return tuple(one for one in ledger.every(FixIteration) if baselines or one.iteration)


def mended_by(ledger: Ledger, one: QueuedError) -> FixIteration | None:
    """Return the iteration after which an error was seen no more, whichever it worked on; None where it was none."""
    edited, first = _edited(ledger), None
    for row in reversed([row for row in iterations(ledger, baselines=True) if row.ids is not None]):
        if one.entry.item.found.id in {edited.get(id, id) for id in row.ids or ()}:
            break
        first = row
    return first if first and first.iteration else None


def item_of(description: str) -> str:
    """Return the error that an iteration says it works on: `F3: ...`; empty if it names none."""
    match = _NAMED.match(description)
    return match[1] if match else ""


def objection(ledger: Ledger, id: str) -> Objection | None:
    """Return why no iteration may work on this error now; None when one may."""
    turn = workable(ledger)
    if not turn:
        return Objection(
            Code.OUT_OF_ORDER,
            "No error is open any more. Call finish_session, record a witness for each cause, then close the ledger.",
        )
    listed = ", ".join(one.id for one in turn[:6])
    there = next((one for one in queued_errors(ledger) if one.id == id), None)
    if there is None:
        named = f"There is no {id}." if id else "Say which error this iteration works on."
        message = f"{named} Begin the description with its id, as `{turn[0].id}: what you changed and why`."
        return Objection(Code.OUT_OF_ORDER, f"{message} Open: {listed}.")
    if there.state is not ErrorState.OPEN:
        return Objection(Code.OUT_OF_ORDER, f"{id} is {there.state}. Work on one of: {listed}.")
    first = turn[0].entry.item.found
    if there.entry.item.found.rank > first.rank:
        before = ", ".join(one.id for one in turn if one.entry.item.found.rank == first.rank)[:200]
        message = f"{id} is of kind {there.entry.item.found.trouble}; {first.trouble} comes first: {before}."
        return Objection(Code.OUT_OF_ORDER, f"{message} What cannot be mended here can be set aside with record.")
    return None


def first_detected(ledger: Ledger) -> ErrorsDetected:
    """Return what was found when the ledger was opened."""
    return next(iter(ledger.every(ErrorsDetected)), ErrorsDetected())


def origin(ledger: Ledger) -> str:
    """Return the commit whose tests and settings count in the end: that of the opening, or of an earlier one's."""
    return first_detected(ledger).origin or ledger.commit


def at_end(ledger: Ledger) -> ErrorsAtEnd:
    """Return the look at the end; an empty one where the loop went on since, or before there was any."""
    last = next((seen for seen in reversed(ledger.observed) if seen.what in _COUNTS), None)
    seen = as_recorded(ErrorsAtEnd, last.facts) if last and last.what == ErrorsAtEnd.what else None
    return seen or ErrorsAtEnd()


def last_detected(ledger: Ledger) -> ErrorsDetected:
    """Return what was found at the last look at everything."""
    return ledger.seen(ErrorsDetected) or ErrorsDetected()
