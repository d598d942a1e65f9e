"""What there is to see of a session from beside it, without the libraries with which it is worked at."""

from __future__ import annotations

from ..lab.access import Lab
from ..lab.jobs import read_job
from ..session.state import Session
from ..storage.disk import lock_holder
from ..vocabulary import Phase
from .rules import Look

_ENDED = "The session has ended"


def look(lab: Lab, session_id: str = "") -> Look:
    """Look at the session of the branch; another one than the named one says that the named one is over."""
    context = lab.for_reading()
    session, folder = context.session, context.repo.own_folder
    job = read_job(folder)
    ours = job is None or job.root in {"", str(context.repo.root)}  # another worktree's says nothing of this one
    at_work = ours and bool(lock_holder(folder) or (job and not job.done and context.runs.runner.alive()))
    mark = session_mark(session)
    if session_id and (session is None or session.id != session_id):
        return Look(session_id, f"{_ENDED}: another session or branch is in its place", 0, False, at_work, mark)
    if session is None or (not session_id and context.phase is Phase.NO_SESSION):
        called = f"{job.run} {job.done}" if job and ours else ""
        return Look("", "", 0, False, at_work, f"{called} {mark}")
    over = session.ended or session.spent(context.now()) or ("it was finished" if session.finished else "")
    over = f"{_ENDED}: {over}" if over else ""
    undecided = session.trial is not None and context.phase is not Phase.NO_SESSION
    keeps = sum(count for status, count in session.counts.items() if status.kept)
    return Look(session.id, over, session.last_iteration, undecided, at_work, mark, keeps)


def session_mark(session: Session | None) -> str:
    """Return words that change with every step of a session, and with no call that was refused."""
    if session is None:
        return ""
    trial = session.trial
    opened = f"{trial.number} {trial.tries} {trial.commit} {trial.undone}" if trial else ""
    return f"{session.id} {session.last_iteration} {session.finished} {session.head} {opened}"
