"""Follow a session from another process: what there is to see now, and whether anything changed. Only what a person says is written."""

from __future__ import annotations

import threading
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..tools.errors import Code, Refusal
from ..tools.lab.access import Lab
from ..tools.lab.context import RepoContext
from ..tools.lab.masking import as_shown
from ..tools.lab.notes import NO_REASON, Said, from_person, said, steer
from ..tools.plan.model import Direction
from ..tools.report.page import Last, Now, PageSection, ReportedTry, ReportPage, Steering
from ..tools.report.picture import Chapter, Picture, picture
from ..tools.report.rest import Rest, pack
from ..tools.report.sections import MOST_DOTS, ReportMaterial, page, tries_of
from ..tools.report.words import duration
from ..tools.report.writing import details_of, drawn_chapter, earlier_sessions, gather, integrity
from ..tools.session.events import Row
from ..tools.session.short_rows import ShortRow
from ..tools.session.state import Session
from ..tools.storage.disk import lock_holder
from ..tools.text.redaction import redactor
from ..tools.verbs.overview import Overview
from ..tools.verbs.session_answers import SessionStatus

LIVE_ROWS = 300
"""Rows that a live page shows at first; it asks for earlier ones when somebody looks for them."""
CHAT_DOTS, CHAT_ROWS = 250, 5
TERMINAL_ROWS = 200
CHECKING = "The journal is being checked."


@dataclass(frozen=True)
class Work:
    """A call at work: the tool, its run, seconds so far, and the last lines that it printed."""

    tool: str
    run: str
    seconds: float
    tail: tuple[str, ...]


@dataclass(frozen=True)
class WatchMark:
    """What changes with every event of a session, and what is at work."""

    session: Hashable
    work: Work | None


@dataclass(frozen=True)
class Snapshot:
    """A session at a moment, with its `newest` rows, oldest first; without a session there are none."""

    status: SessionStatus
    newest: Sequence[Row]
    session: Session | None
    work: Work | None
    picture: Picture | None


class Watch:
    """Follows the session of a repository's branch. Safe to use from many threads."""

    def __init__(self, lab: Lab, repo: str = "") -> None:
        self._lab, self._repo = lab, repo
        self._lock = threading.Lock()
        self._checked_of, self._checked = "", ""
        self._before: Sequence[Chapter] = ()

    def mark(self) -> WatchMark:
        """Return a value that changes when there is something new to see."""
        context = self._lab.for_reading(self._repo)
        return WatchMark((_record(context.session), self._checked, _said(context)), _work(context))

    def snapshot(self) -> Snapshot:
        """Return what there is to see now."""
        context = self._lab.for_reading(self._repo)
        session = as_shown(context, context.session) if context.session else None
        drawn = picture([drawn_chapter(context, MOST_DOTS)], MOST_DOTS) if session else None
        status, newest = Overview(self._lab).status(self._repo), context.rows(TERMINAL_ROWS)
        return Snapshot(status, newest, session, _work(context), drawn)

    def rows(self, after: int) -> Iterator[ShortRow]:
        """Return the rows of the session after an iteration, oldest first; none without a session."""
        context = self._lab.for_reading(self._repo)
        return context.short_rows(after) if context.session else iter(())

    def check(self) -> None:
        """Check the journal, once a session: the next page tells. It takes a second where the journal is long."""
        context = self._lab.for_reading(self._repo)
        if context.session is None:
            return
        self._turn_to(context)
        if self._checked == CHECKING:
            self._checked = integrity(context)

    def page(self) -> ReportPage:
        """Make the whole live page."""
        context = self._lab.for_reading(self._repo)
        if context.session is None:
            return _waiting(context)
        return self._made(context, self._gathered(context))

    def update(self, after: int) -> tuple[ReportPage, list[ReportedTry]]:
        """Make the live page anew; return it with the rows after an iteration and those that they took back, oldest first."""
        context = self._lab.for_reading(self._repo)
        if context.session is None:
            return _waiting(context), []
        material = self._gathered(context)
        undone = {row.undoes for row in material.listed if row.iteration > after} - {0}
        fresh = [row for row in material.listed if row.iteration > after or row.iteration in undone]
        return self._made(context, material), tries_of(material, fresh)

    def packed(self) -> bytes:
        """Return all rows of the session in short, packed for the page."""
        context = self._lab.for_reading(self._repo)
        return pack(context.short_rows(), context.active.headline.standing) if context.session else pack((), ())

    def chat(self) -> dict[str, Any]:
        """Return what a chat shows of the session: parts of a page as markup, and whether it is worth looking again."""
        from ..tools.report import rendering as pages

        context = self._lab.for_reading(self._repo)
        if context.session is None:
            return {"open": True, "parts": {"head": pages.render_head(_waiting(context))}}
        material = gather(context, (), CHECKING, CHAT_DOTS)
        made = page(material)
        newest = Last("last", "", tries_of(material, context.rows(CHAT_ROWS)[::-1]))
        sections = [_now(_work(context)), *(one for one in made.sections if one.kind == "picture"), newest]
        parts = {"head": pages.render_head(made), **{one.id: pages.render_section(one) for one in sections}}
        return {"open": not context.session.finished, "parts": parts}

    def one(self, iteration: int) -> ReportedTry | None:
        """Return one try with its samples, receipts, output and diff; None where there is none."""
        context = self._lab.for_reading(self._repo)
        rows = context.rows_of([iteration]) if context.session else []
        if not rows:
            return None
        lower, stands = context.active.plan.direction == Direction.LOWER, context.active.headline.standing
        return ReportedTry(rows[0], stands, lower, details_of(context, rows)[iteration])

    def position(self) -> tuple[str, int]:
        """Return the id of the session and its last iteration; empty and 0 without one."""
        session = self._lab.for_reading(self._repo).session
        return (session.id, session.last_iteration) if session else ("", 0)

    def finished(self) -> bool:
        """Tell whether there is a session, and it is finished."""
        session = self._lab.for_reading(self._repo).session
        return session is not None and session.finished

    def now(self) -> PageSection:
        """Return what is at work, as a section of the page."""
        return _now(_work(self._lab.for_reading(self._repo)))

    def steer(self, kind: Said, text: str, without: int | None) -> PageSection:
        """Say something to the session's agent, or take it back; returns what holds now, as a section of the page.

        Raises:
            Refusal: where no session is open.
        """
        context = self._lab.for_reading(self._repo)
        if context.session is None or context.session.finished:
            raise Refusal(Code.NO_SESSION, "No session is open on this branch, so nobody would hear it.")
        if kind is Said.PAUSE and without is None:
            text, without = text.strip() or NO_REASON, 0
        with self._lock:
            steer(context.repo.own_folder, context.session.id, kind, text, without)
        return _steering(context)

    def _turn_to(self, context: RepoContext) -> None:
        """Forget what was found in the session before, where this is another one."""
        with self._lock:
            if self._checked_of != context.active.id:
                self._checked_of, self._checked, self._before = context.active.id, CHECKING, earlier_sessions(context)

    def _gathered(self, context: RepoContext) -> ReportMaterial:
        """Gather what a page shows, with what `check` found of the journal."""
        self._turn_to(context)
        found, newest = gather(context, self._before, self._checked), context.rows(LIVE_ROWS)
        return replace(found, listed=newest, rest=Rest(found.chapter.length - len(newest)))

    def _made(self, context: RepoContext, material: ReportMaterial) -> ReportPage:
        made = page(material)
        return replace(
            made,
            state="Paused by a person" if (steering := _steering(context)).pause else made.state,
            sections=[_now(_work(context)), steering, *made.sections],
            footer=f"{made.footer} Follows the session.",
        )


class ChatView:
    """What the view in a chat shows of each repository."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._watches: dict[str, Watch] = {}

    def data(self, repo: str) -> dict[str, Any]:
        """Return the session of a repository as parts of a page."""
        return self._watches.setdefault(repo, Watch(self._lab, repo)).chat()


def _record(session: Session | None) -> Hashable:
    """Return what of a session changes with every event."""
    if session is None:
        return None
    return (session.id, session.last_iteration, session.finished, session.measured_seconds, session.head, session.trial)


def _said(context: RepoContext) -> Hashable:
    return tuple(from_person(context.repo.own_folder, context.session.id)) if context.session else ()


def _steering(context: RepoContext) -> Steering:
    session = context.active
    if session.finished:
        return Steering("steer", "", closed=True)
    there = {kind: said(context.repo.own_folder, session.id, kind) for kind in (Said.PAUSE, Said.HINT, Said.IDEA)}
    return Steering("steer", "Steer the agent", False, *there.values())


def _work(context: RepoContext) -> Work | None:
    holder = lock_holder(context.repo.own_folder)
    if not holder:
        return None
    record, (seconds, _) = context.unfinished(), context.runs.runner.progress()
    tail = redactor()("\n".join(context.runs.runner.tail())).splitlines()
    tool, run = (str(record.tool), record.run) if record else (holder.split(" ")[0], "")
    return Work(tool, run, seconds, tuple(tail))


def _now(work: Work | None) -> PageSection:
    if work is None:
        return Now("now", "")
    parts = [duration(work.seconds)] * bool(work.seconds) + [f"run {work.run}"] * bool(work.run)
    return Now("now", f"{work.tool} is at work", ", ".join(parts), "\n".join(work.tail))


def _waiting(context: RepoContext) -> ReportPage:
    where = f"on {context.branch}" if context.branch else "on a detached HEAD"
    return ReportPage(
        title="No session yet",
        subtitle=f"There has been no session {where}. This page begins when one does.",
        state="Waiting",
        facts=(),
        sections=[_now(_work(context))],
    )
