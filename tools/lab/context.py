"""What a call works with: one repository, its journal and session, and the commands that the call runs."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from ..decision.decide import Status
from ..errors import Code, Refusal
from ..git.experiment import ExperimentIndex
from ..git.paired_checkout import PairedCheckout
from ..git.repo import Repo, shown
from ..measurement.runs import RunService
from ..session.events import Event, Row
from ..session.intent import read_intent
from ..session.journal import Journal
from ..session.results import RESULTS_FILE, baseline_row, line, render
from ..session.short_rows import ShortRow, in_short
from ..session.state import Session, phase_of
from ..session.store import SessionStore
from ..session.telling import confirmation_words, headline_words
from ..text.redaction import redact_record, redactor
from ..vocabulary import Phase, Tool, allows, following
from .approvals import moment
from .consent import Consent
from .jobs import JobRecord, unfinished, write_job


@dataclass
class CallState:
    """What a call began with, and the session, the only thing that moves while it lasts.

    `repeated` tells that the call before was the same one, `again` that another server left it unfinished, and `recovered`
    what a dead server's step was finished to, `announced` what went wrong when a keep was announced, in words.
    """

    session: Session | None
    repeated: bool = False
    again: bool = False
    recovered: str = ""
    announced: str = ""

    def scope(self, now: float) -> str:
        """Return what the keys of runs are for: the session and the try, so that the same call finds its runs again."""
        session = self.session
        name = session.id if session and phase_of(session, now) is not Phase.NO_SESSION else ""
        return f"{name} {session.trial.tries if session and session.trial else 0}"


@dataclass(frozen=True, eq=False)
class RepoContext:
    """One repository during one call. Only `record` moves its session on."""

    repo: Repo
    store: SessionStore
    consent: Consent
    now: Callable[[], float]
    branch: str
    call: CallState
    runs: RunService

    @property
    def journal(self) -> Journal:
        """Return the repository's journal."""
        return self.store.journal

    @cached_property
    def index(self) -> ExperimentIndex:
        """Return the index in which experiments are committed and undone."""
        return ExperimentIndex(self.repo)

    @cached_property
    def ledgers_read(self) -> dict[str, Any]:
        """Return what was read of ledgers during this call, by their ids, for whoever reads them again."""
        return {}

    @property
    def session(self) -> Session | None:
        """Return the newest session on this branch as it stands now; None without one."""
        return self.call.session

    @property
    def phase(self) -> Phase:
        """Return the phase of the session on this branch."""
        return phase_of(self.session, self.now())

    @property
    def active(self) -> Session:
        """Return the session of a call that is only legal with one."""
        assert self.session is not None, "checked by `require`"
        return self.session

    def record(self, *events: Event, session: str = "") -> None:
        """Append events to the journal, without secrets and escapes in what they quote, and move the session on."""
        name = session or self.active.id
        redact = redactor()
        events = tuple(redact_record(event, redact) for event in events)
        self.call.session = self.store.append(name, self.now(), events, self.session)

    def require(self, tool: Tool, again: bool = False) -> None:
        """Refuse a call that is out of order.

        Raises:
            Refusal: naming the legal next calls.
        """
        phase = self.phase
        if not again:
            self.require_phase(tool)
        if self.session and phase is not Phase.NO_SESSION and tool is not Tool.FINISH_SESSION:
            self._require_own_head()

    def require_phase(self, tool: Tool) -> None:
        """Refuse a call that is out of order; where HEAD stands is not looked at.

        Raises:
            Refusal: naming the legal next calls.
        """
        if not allows(self.phase, tool):
            raise _detached(self.repo) if not self.branch else _out_of_order(self.session, self.phase, tool, self.now())

    def moved_head(self) -> str:
        """Say that HEAD is not where the open session left it, and how to bring it back; empty where it is, and where a step was
        interrupted, which the next call that writes looks at first.
        """
        return "" if read_intent(self.repo.own_folder) else self._moved_head()

    def _moved_head(self) -> str:
        session, head = self.session, self.repo.head()
        if session is None or self.phase is Phase.NO_SESSION or head == session.head:
            return ""
        return (
            f"HEAD is at {head[:7]}, but the session left it at {session.head[:7]}: somebody committed or reset. "
            f"Nothing was touched. {way_back(head, session.head)}"
        )

    def following(self) -> list[Tool]:
        """Return the legal next calls; where HEAD was moved, only those that still work."""
        return list(AFTER_MOVE if self._moved_head() else following(self.phase))

    def _require_own_head(self) -> None:
        if message := self._moved_head():
            raise Refusal(Code.HEAD_MOVED, message, following=AFTER_MOVE)

    def unfinished(self) -> JobRecord | None:
        """Return the call that is at work here, or that a server left unfinished when it ended."""
        return unfinished(self.repo.own_folder)

    def end_runs(self) -> None:
        """End and forget every run: whoever asked for one has its result, or gave it up."""
        self.runs.clear()
        if left := self.unfinished():
            write_job(self.repo.own_folder, left.model_copy(update={"done": True}))

    @cached_property
    def paired_checkout(self) -> PairedCheckout:
        """Return the second checkout, in which the arms of a pair take turns."""
        began = self.active.started_at if self.session and self.phase is not Phase.NO_SESSION else math.inf
        return PairedCheckout(self.repo, _ARENA, began)

    @cached_property
    def clean_checkout(self) -> PairedCheckout:
        """Return a checkout with nothing in it that changed since the session began, unless git has it."""
        return PairedCheckout(self.repo, CLEAN, self.active.started_at, pristine=True)

    @cached_property
    def control_checkout(self) -> PairedCheckout:
        """Return another such checkout, in which the incumbent is tried where the change gave no number in the first one."""
        return PairedCheckout(self.repo, CONTROL, self.active.started_at, pristine=True)

    def remove_checkouts(self, *names: str) -> None:
        """Take our checkouts away: all, or the named ones."""
        for name in names or (_ARENA, CLEAN, CONTROL, PROOF, GATE):
            PairedCheckout(self.repo, name).remove()

    @property
    def untracked(self) -> tuple[str, ...]:
        """Return the user's untracked files, which commands may need in the second checkout as well."""
        if self.session is not None and self.phase is not Phase.NO_SESSION:
            return self.session.start.untracked
        return tuple(shown(change.path) for change in self.repo.changes() if not change.tracked)

    def rows(self, most: int = 0, before: int = 0, statuses: Collection[Status] = ()) -> list[Row]:
        """Return the rows of the session, iteration 0 first: the newest `most`, below `before`, of some statuses; empty or 0 sets
        no limit.
        """
        if self.session is None:
            return []
        found = self.journal.rows(self.session.id, most or -1, before, statuses)
        full = most and len(found) == most
        return found if full or _without_baseline(statuses) else [baseline_row(self.session.start), *found]

    def short_rows(self, after: int = -1) -> Iterator[ShortRow]:
        """Return every row of the session after an iteration in short, in order."""
        if after < 0:
            yield in_short(baseline_row(self.active.start))
        yield from self.journal.short_rows(self.active.id, after)

    def rows_of(self, iterations: Sequence[int]) -> list[Row]:
        """Return the rows of some iterations in full, oldest first."""
        first = [baseline_row(self.active.start)] if 0 in iterations else []
        return [*first, *self.journal.rows_of(self.active.id, iterations)]

    def count(self, before: int = 0, statuses: Collection[Status] = ()) -> int:
        """Count the rows below `before`, of some statuses."""
        if not statuses:
            there = self.active.last_iteration + 1
            return min(before, there) if before > 0 else there
        return self.journal.count(self.active.id, before, statuses) + (not _without_baseline(statuses))

    def save_snapshot(self) -> None:
        """Keep the session as it stands for the next server, every few iterations."""
        if self.session is not None:
            self.store.save_snapshot(self.session, self.now())

    def write_results(self) -> Path | None:
        """Bring the results file up to date; returns where a version that somebody had edited was set aside."""
        if self.session is None:
            return None
        session, file, view = self.session, self.repo.root / RESULTS_FILE, self.store.view
        self.save_snapshot()
        aside, last = None, session.last_iteration
        newest = self.journal.rows(session.id, 1)
        if not (newest and view.grow(file, f"{line(newest[0])}\n", (session.id, last - 1))):
            rows = self.rows()
            told = f"{headline_words(session)}. {confirmation_words(session)}"
            outcome = told.strip() if session.finished else ""
            before = render(session.plan, rows if outcome else rows[:-1])
            aside = view.write(file, render(session.plan, rows, outcome), before)
        view.leave(file, (session.id, last))
        return aside


_ARENA, CLEAN, CONTROL = "arena", "clean", "control"
PROOF, GATE = "proof", "gate"
"""Where the proofs of workflows run that need other files than the user's; the gate's apart, which takes no turn to write."""

AFTER_MOVE = (Tool.STATUS, Tool.HISTORY, Tool.FINISH_SESSION)
"""The calls that work although HEAD is not where the session left it."""


def _without_baseline(statuses: Collection[Status]) -> bool:
    return bool(statuses) and Status.BASELINE not in statuses


def way_back(head: str, wanted: str) -> str:
    """How to bring a branch back to a commit and lose nothing of what is there now, as commands that work in this order."""
    return (
        f"Keep that work with `git branch kept-{head[:7]} {head[:7]}` and edits that are not committed with `git stash "
        f"push` (`git stash pop` brings them back), then go back with `git reset --keep {wanted[:7]}`; or close the "
        "session with finish_session and start a new one."
    )


def _detached(repo: Repo) -> Refusal:
    doing = repo.in_progress()
    state, cure = doing or ("", "git switch - or git switch -c <name>")
    why = f"the repository is in the middle of {state}" if state else "HEAD is detached"
    message = f"No branch is checked out, so no session is open: {why}. Nothing was touched. Stand on the branch again"
    return Refusal(Code.NO_SESSION, f"{message}: {cure}.")


def _out_of_order(session: Session | None, phase: Phase, tool: Tool, now: float) -> Refusal:
    choices = ", ".join(following(phase))
    if phase is Phase.NO_SESSION:
        last = f": the last one was finished on {moment(session.finished_at)}" if session else ""
        message = (
            f"No session is open on this branch{last}, so there is nothing for `{tool}` to do. Call one of: {choices}."
        )
        return Refusal(Code.NO_SESSION, message)
    if tool is Tool.START_SESSION:
        message = f"A session is open on this branch. Finish it with finish_session first, or go on: {choices}."
        return Refusal(Code.SESSION_ACTIVE, message)
    if phase is Phase.ENDED and session:
        reason = session.ended or session.spent(now)
        return Refusal(Code.SESSION_ENDED, f"The session has ended: {reason}. Call one of: {choices}.")
    return Refusal(Code.OUT_OF_ORDER, f"`{tool}` is not possible in phase `{phase}`. Call one of: {choices}.")
