"""Where the loop meets the fix ledger: in a session that counts errors, what may be committed, and what became of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...decision.judging import Arm
from ...diagnostics.inspection import Tally, names_inspection
from ...errors import Code, Refusal
from ...lab.context import RepoContext
from ...session.events import Row, Started, Verified
from ..ledger.items import Workflow
from ..ledger.state import ItemRecorded, Ledger, LedgerEvent, Observed
from ..running.store import Ledgers
from ..running.suppressions import hidden
from .items import Broken
from .queue import FixIteration, broken_by, edited_since, item_of, iterations, known_ids, objection
from .rules import next_line

MOST_BROKEN = 5
"""Errors of a discarded change that are named."""


def refuse_hiding(context: RepoContext, tree: str, description: str) -> None:
    """In a session that counts errors, refuse a change that hides an error instead of mending it, or that works on none of the queue, or not in its turn.

    Raises:
        Refusal: naming the line, or the errors whose turn it is.
    """
    session = context.active
    if not names_inspection(session.plan.verify):
        return
    if (ledger := Ledgers(context).open_one(Workflow.FIX)) is not None:
        news = since(context, ledger)
        ledger = Ledgers(context).append(ledger.id, *news) if news else ledger
        if against := objection(ledger, item_of(description)):
            raise Refusal(against.code, f"{against.message} Nothing was committed.")
    parent = session.trial.parent if session.trial else session.head
    if found := [one for one in hidden(context.repo.diff(parent, tree), context.repo.tracked()) if one.refused]:
        hiding = "; ".join(one.description for one in found[:5]) + (
            f"; and {len(found) - 5} more" if len(found) > 5 else ""
        )
        cure = "Take that out and mend the cause; an error that cannot be mended here can be set aside with record."
        raise Refusal(Code.SUPPRESSED, f"This hides an error and mends none: {hiding}. Nothing was committed. {cure}")


def after_iteration(context: RepoContext) -> str:
    """What became of the error that the last iteration worked on, and whose turn it is; empty where none are counted."""
    if not names_inspection(context.active.plan.verify):
        return ""
    ledger = Ledgers(context).open_one(Workflow.FIX)
    return next_line(Ledgers(context).moved_on(ledger, since(context, ledger))) if ledger else ""


def since(context: RepoContext, ledger: Ledger) -> list[LedgerEvent]:
    """Return the iterations of the loop that the ledger does not have yet, and the errors that surfaced in them."""
    done = {(one.session, one.iteration) for one in iterations(ledger, baselines=True)}
    events: list[LedgerEvent] = []
    for name in context.journal.sessions_after(ledger.branch, ledger.id):
        start = next((event for event in context.journal.of_kind(name, "started") if isinstance(event, Started)), None)
        if start is None or not names_inspection(start.plan.verify):
            continue
        for found, tally in _iterations(context, name, start):
            if (name, found.iteration) in done:
                continue
            now = Ledgers(context).moved_on(ledger, events)
            if found.kept and tally and (again := edited_since(now, tally.first, found.item)):
                found = found.model_copy(update={"edited": again})
            if not found.kept and tally and (broke := broken_by(now, tally.first)):
                found = found.model_copy(update={"broke": broke[:MOST_BROKEN]})
            facts = found.model_dump(mode="json", exclude_unset=True)
            seen = Observed(what=found.what, commit=found.commit or start.base, facts=facts)
            now = Ledgers(context).moved_on(now, [seen])
            events += [seen, *(new_errors(now, tally, seen.commit) if found.kept else [])]
    return events


def new_errors(ledger: Ledger, tally: Tally | None, commit: str) -> list[ItemRecorded]:
    """Return the errors of a count that the ledger does not know yet, each with its place in the queue."""
    known = known_ids(ledger)
    first = len(ledger.of(Broken)) + 1
    fresh = [one for one in (tally.first if tally else ()) if one.id not in known]
    items = [Broken(found=one) for one in fresh]
    return [
        ItemRecorded(id=f"{Broken.prefix}{number}", commit=commit, item=recorded(item))
        for number, item in enumerate(items, first)
    ]


def recorded(item: Broken) -> dict[str, Any]:
    """Return an error as the ledger stores it."""
    return item.model_dump(mode="json", exclude_defaults=True) | {"kind": item.kind}


def _iterations(context: RepoContext, session: str, start: Started) -> Iterator[tuple[FixIteration, Tally | None]]:
    """Yield the baseline and the iterations of a session, each with what its change counted."""
    now = start.baseline[-1].tally
    yield FixIteration(
        session=session, iteration=0, status="baseline", kept=True, item="", guard="-", description="", why="",
        commit=start.base, points=None, delta=None, errors=now.count if now else None, ids=now.ids if now else None,
    ), now  # fmt: skip
    for row in context.journal.rows(session):
        tally, kept = _tally(context, session, row), row.status.kept
        yield (
            FixIteration(
                session=session,
                iteration=row.iteration,
                status=row.status.value,
                kept=kept,
                item=item_of(row.description),
                guard=row.guard,
                description=row.description,
                why=row.why,
                commit=row.commit,
                points=row.metric,
                delta=tally.count - now.count if tally and now else None,
                errors=tally.count if tally else None,
                ids=tally.ids if tally and kept else None,
            ),
            tally,
        )
        now = tally if kept and tally else now


def _tally(context: RepoContext, session: str, row: Row) -> Tally | None:
    """Return what the last run of an iteration's change counted."""
    if row.metric is None:
        return None
    events = context.journal.of_iteration(session, row.iteration)
    runs = [event for event in events if isinstance(event, Verified) and event.arm is Arm.CANDIDATE]
    return next((run.measurement.tally for run in reversed(runs) if run.measurement.tally), None)
