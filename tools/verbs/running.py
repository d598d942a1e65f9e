"""Verbs for runs that go on: have their answer, or end them."""

from __future__ import annotations

import re
import time
from typing import Annotated, Any

from pydantic import ConfigDict, Field, PrivateAttr

from ..errors import Code, Refusal
from ..lab.answers import Answer
from ..lab.context import RepoContext
from ..lab.jobs import PROGRESS, Job, caller, still_running
from ..parallel.board import board_of
from ..parallel.crew import candidate_lines, withdraw
from ..parallel.design_words import design_lines, last_design
from ..storage.disk import lock_holder
from ..vocabulary import Phase, Tool, following
from .base import RepoPath, Verbs
from .parallel import follow

RunId = Annotated[str, Field(description="The run that an answer named. Empty, the default: the one at work.")]
RunOrCandidate = Annotated[
    str,
    Field(
        description="The run, candidate (c3) or design (d1) that an answer named. Empty, the default: the run at work."
    ),
]
AS_LONG_AS_ALLOWED = -1.0
Seconds = Annotated[
    float,
    Field(
        description="How long to wait at most, 0 to 3600 seconds. Left out: as long as your client is known to keep a call "
        "open, 50 to 280. A client that gives up first loses nothing: call again.",
        ge=-1,
        le=3600,
    ),
]

MOST_ROWS = 20
ENDING_S = 20.0
TICK_S = 0.5


class Awaited(Answer):
    """What the call that began the run answers; while it goes on, how it goes."""

    model_config = ConfigDict(extra="allow")

    _answer: Answer | None = PrivateAttr(None)

    @classmethod
    def of(cls, answer: Answer) -> Awaited:
        """Make one of the answer to another call."""
        made = cls(**answer.model_dump(mode="json"))
        made._answer = answer
        return made

    def text(self) -> str:
        return self._answer.text() if self._answer else super().text()

    def content(self) -> dict[str, Any]:
        return self._answer.content() if self._answer else super().content()


class Candidates(Answer):
    """How the candidates stand."""

    looks_on = True

    decided: list[str] = Field([], description="The rows that were written while the call waited.")
    candidates: list[str] = Field([], description="Those that are still open.")

    def lines(self) -> list[str]:
        return [*self.decided, *self.candidates, *([] if self.candidates else ["No candidate is open."])]


class Cancelled(Answer):
    """What was stopped, and how the iteration stands."""

    stopped: bool = False
    note: str = ""

    def lines(self) -> list[str]:
        return [self.note]


class Running(Verbs):
    """Runs outlive the call that began them, the client and the server."""

    def wait(self, run: RunId = "", seconds: Seconds = AS_LONG_AS_ALLOWED, repo: RepoPath = "") -> Awaited:
        """Use when an answer's phase is `running`: gives the answer of the call that began the run, once it is there, else how
        it goes. After `submit`: gives the candidate that is decided next, or was last. Call it again as often as needed. A run
        that an earlier server began is joined, never started twice.

        Refused if nothing is at work and no answer is left to give.
        """
        context = self._lab.for_reading(repo)
        allowed = caller()
        patience = allowed.usual_s if seconds < 0 else min(seconds, allowed.most_s)
        if not run and context.unfinished() is None and candidate_lines(context):
            return Awaited.of(self._decided(context, patience, repo))
        job = self._job(context, run)
        idle = not run and (job is None or job.delivered) and context.unfinished() is None
        if idle and ((board := board_of(context)).became or any(design.ended for design in board.designs.values())):
            return Awaited.of(self._decided(context, 0.0, repo))
        if job:
            return Awaited.of(job.answer_within(patience, PROGRESS.get(_nobody)))
        return self._of_another_server(context, run, patience)

    def cancel(self, run: RunOrCandidate = "", repo: RepoPath = "") -> Cancelled:
        """Use to end a run that is not worth its time: ends its processes, all of them. The change that was being measured
        counts as crashed: edit it and call iterate, or call revert. A candidate is withdrawn.

        Refused if nothing is at work.
        """
        context = self._lab.for_reading(repo)
        if re.fullmatch(r"[cd]\d+", run):
            if withdraw(context, run):
                what = "Candidate" if run.startswith("c") else "Design"
                return Cancelled(
                    phase=context.phase, next=context.following(), stopped=True, note=f"{what} {run} was withdrawn."
                )
            run = ""
        job = self._job(context, run)
        if job and not job.done.is_set():
            return self._stop(context, job, repo)
        if not context.runs.runner.alive():
            raise _nothing(run, context)
        context.runs.runner.cancel_all()
        return self._stopped(repo)

    def _decided(self, context: RepoContext, patience: float, repo: str) -> Candidates:
        """Wait until a candidate is decided; where none is open, tell the one that was decided last."""
        newest = max(board_of(context).became.values(), default=1)
        last = context.active.last_iteration if candidate_lines(context) else newest - 1
        at_work = board_of(context).design
        before, began, waits = last, time.monotonic(), follow(self._lab, repo)
        gone = caller().gone
        while time.monotonic() - began < patience and not gone.is_set():
            context = self._lab.for_reading(repo)
            if context.session is None or context.active.last_iteration > before or not candidate_lines(context):
                break
            if at_work and board_of(context).design is None:
                break
            waits = follow(self._lab, repo)
            time.sleep(TICK_S / 5)
        rows, board = context.journal.rows(context.active.id, MOST_ROWS), board_of(context)
        names = {
            board.became[number]: f" ({one.name})" for number, one in board.candidates.items() if number in board.became
        }
        return Candidates(
            phase=context.phase,
            next=context.following(),
            decided=_told_of_design(context, at_work is not None)
            + [
                f"#{row.iteration}{names.get(row.iteration, '')} {row.status}: {row.description[:80]}. {row.why}"
                for row in rows
                if row.iteration > before
            ],
            candidates=candidate_lines(context, waits),
        )

    def _job(self, context: RepoContext, run: str) -> Job | None:
        """Return the job of this id, or without an id the one at work. One of an earlier server is taken up again."""
        record = context.unfinished()
        name = run or (record.run if record else "") or self._lab.jobs.latest()
        if found := self._lab.jobs.find(name):
            return found
        if record and record.run == name and not lock_holder(context.repo.own_folder):
            return self._lab.jobs.start(record.tool, record.arguments, run=record.run)
        return None

    def _of_another_server(self, context: RepoContext, run: str, patience: float) -> Awaited:
        record, began = context.unfinished(), time.monotonic()
        if record is None or run not in {"", record.run}:
            raise _nothing(run, context)
        listener, gone = PROGRESS.get(_nobody), caller().gone
        while context.unfinished() == record and time.monotonic() - began < patience and not gone.is_set():
            time.sleep(TICK_S)
            listener(*context.runs.runner.progress())
        if context.unfinished() == record:
            return Awaited(**still_running(record.run, *context.runs.runner.progress()))
        message = f"{record.run} is over; another server has its answer. Call status and history to see how it ended."
        raise Refusal(Code.BAD_ARGUMENT, message)

    def _stop(self, context: RepoContext, job: Job, repo: str) -> Cancelled:
        job.cancelled = True
        deadline = time.monotonic() + ENDING_S
        while not job.done.is_set() and time.monotonic() < deadline:
            context.runs.runner.cancel_all()
            job.wait(TICK_S, _nobody)
        return self._stopped(repo)

    def _stopped(self, repo: str) -> Cancelled:
        context = self._lab.for_reading(repo)
        session = context.session
        open_trial = session.trial if session and context.phase is not Phase.NO_SESSION else None
        how = f"Iteration {open_trial.number} is open." if open_trial else "No iteration is open."
        return Cancelled(
            phase=context.phase, next=list(following(context.phase)), stopped=True, note=f"The run was ended. {how}"
        )


def _told_of_design(context: RepoContext, waited: bool) -> list[str]:
    """Say what the last design found, where somebody `waited` for it, or where it handed nothing in that could be waited for."""
    design = last_design(context)
    if (
        design is None
        or design.ended is None
        or not (waited or not (design.ended.candidate or candidate_lines(context)))
    ):
        return []
    return design_lines(context, design)


def _nobody(seconds: float, line: str) -> None:
    """Ignore how a run goes."""


def _nothing(run: str, context: RepoContext) -> Refusal:
    which = f"No run {run} is known here" if run else "Nothing is at work here"
    message = f"{which}. Call status to see how the session stands."
    return Refusal(Code.BAD_ARGUMENT, message, following=(Tool.STATUS, *following(context.phase)))
