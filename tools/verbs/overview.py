"""How a session stands: what is asked for first in a new conversation, so no more is imported here than that takes."""

from __future__ import annotations

from ..decision.gain import WIDE, rounded
from ..lab.access import Lab, until_done
from ..lab.answers import cut
from ..lab.context import RepoContext
from ..lab.jobs import still_running
from ..lab.masking import as_shown
from ..lab.notes import from_person
from ..lab.plan_file import plan_at_hand
from ..measurement.runs import sandbox_words
from ..plan.model import PLAN_FILE
from ..session.intent import read_intent
from ..session.results import metric_of
from ..session.summary import budget_left, is_stuck, luck_words, noise_band, on_plateau
from ..session.telling import headline_words, open_words
from ..storage.disk import lock_holder
from ..vocabulary import Tool, following
from .base import RepoPath, Verbs
from .session_answers import SessionStatus

LAST_ROWS = 5


class Overview(Verbs):
    """Say how the session stands."""

    def status(self, repo: RepoPath = "") -> SessionStatus:
        """Use whenever you lost track, and first in a new conversation: the plan in short, the baseline, the best, the
        counters, the budget left, the last rows, whether the session is stuck, and what to call next. Changes nothing.
        """
        context = self._lab.for_reading(repo)
        answer = session_status(context)
        if answer.candidates:
            from .parallel import follow  # see `_beside`

            waits = follow(self._lab, repo)
            told = [f"They wait: {waits}"] if waits else []
            answer = answer.model_copy(update={"candidates": [*answer.candidates, *told]})
        running, record = at_work(self._lab, context), context.unfinished()
        if running and record:
            return answer.model_copy(update={**running, "note": f"`{record.tool}` is at work."})
        holder = lock_holder(context.repo.own_folder)
        if holder:
            tool = until_done(holder)
            busy = f"A call is at work here ({holder}); call {tool} until it is done."
            return answer.model_copy(update={"note": busy, "next": [tool]})
        if read_intent(context.repo.own_folder):
            return answer.model_copy(
                update={"note": "A step was interrupted. The next call that writes will finish it."}
            )
        if record:
            left = f"`{record.tool}` was interrupted with its server. Make the same call again, or call wait, to go on."
            return answer.model_copy(update={"note": left, "next": [Tool.WAIT, *answer.next], "run": record.run})
        return answer


def at_work(lab: Lab, context: RepoContext) -> dict[str, object]:
    """Return the fields of an answer that say how the run of a call at work here goes; none where no call is."""
    record = context.unfinished()
    if record is None or not lock_holder(context.repo.own_folder):
        return {}
    job = lab.jobs.find(record.run)  # it knows of the call's earlier runs as well
    return still_running(record.run, *((job.seconds, job.line) if job else context.runs.runner.progress()))


def session_status(context: RepoContext) -> SessionStatus:
    """Say how the session on this branch stands."""
    session = context.session
    ledgers = _open_ledgers(context)
    if session is None:
        none = f"Use inspect_project to find a plan, or write {PLAN_FILE}, then check_plan and start_session."
        note = f"No session on this branch. {plan_at_hand(context) or none}"
        return SessionStatus(phase=context.phase, next=list(following(context.phase)), note=note, ledgers=ledgers)
    plan, now, moved = as_shown(context, session).plan, context.now(), context.moved_head()
    return SessionStatus(
        phase=context.phase,
        next=list(context.following()),
        session=session.id,
        goal=cut(plan.goal, 200),
        metric=plan.metric,
        direction=plan.direction,
        scope=[cut(glob, 60) for glob in plan.scope[:6]],
        branch=session.start.branch,
        baseline=rounded(session.baseline, session.headline.start.half),
        headline=headline_words(session),
        best=session.best,
        best_iteration=session.best_iteration,
        current=rounded(session.reference, WIDE * session.judge.doubt),
        noise=noise_band(session),
        luck=luck_words(session),
        iterations=session.last_iteration,
        counts={str(status): count for status, count in session.counts.items()},
        budget_left=budget_left(session, now),
        ended=session.ended or session.spent(now),
        stuck=is_stuck(session),
        plateau=on_plateau(session),
        open_iteration=open_words(session, now),
        person=from_person(context.repo.own_folder, session.id),
        last=[
            cut(f"#{row.iteration} {row.status} {metric_of(row)}: {row.description}", 110)
            for row in context.journal.rows(session.id, LAST_ROWS)
        ],
        sandbox=cut(sandbox_words(plan), 60),
        ledgers=ledgers,
        **({} if session.finished else _beside(context)),
        note="This session is finished." if session.finished else moved,
    )


def _open_ledgers(context: RepoContext) -> list[str]:
    if not context.journal.opened_ledgers():
        return []
    from ..workflows.running.store import Ledgers  # most repositories have none

    return [name for name, _ in Ledgers(context).open_ones()][:8]


def _beside(context: RepoContext) -> dict[str, list[str]]:
    """Return the fields of a status that say what is tried beside the branch."""
    from ..parallel.board import board_of

    board = board_of(context)
    if not (board.candidates or board.workspaces):
        return {}
    from ..parallel.crew import candidate_lines  # those who work them off can do whatever a server can
    from ..parallel.design_words import knob_lines
    from ..parallel.workspaces import workspace_lines

    return {"candidates": [*candidate_lines(context), *knob_lines(context)], "workspaces": workspace_lines(context)}


def prompt_state(context: RepoContext) -> str:
    """Return how the session stands, for a prompt: of one that is finished only that, its rows are no work to go on with."""
    status = session_status(context)
    if context.session is None or not context.session.finished:
        return status.text()
    ledgers = [f"Open ledgers: {', '.join(status.ledgers)}."] if status.ledgers else []
    return "\n".join([f"No session is open. The last one is finished: {status.headline}.", *ledgers])
