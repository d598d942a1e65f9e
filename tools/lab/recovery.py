"""Recovery: finishes what a dead server left half done, at the start of every writing call and under the writer's lock."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..git.locks import remove_dead, remove_own
from ..project.measurement_inputs import misplaced
from ..session.events import Committed, Landed, Reverted
from ..session.intent import Intent, clear_intent, intent_written_at, read_intent

if TYPE_CHECKING:
    from .context import RepoContext
from dataclasses import dataclass

from ..errors import Code, Refusal
from ..git.repo import Repo
from ..session.commits import ITERATION_TRAILER, JOURNAL_TRAILER, NO_JOURNAL, SESSION_TRAILER
from ..session.journal import Journal
from ..session.state import Session


def recover(context: RepoContext) -> str:
    """Finish or forget the step that a dead server had begun; return what was done, in words, empty if there was none.

    HEAD tells how far the step came: where it was, nothing happened; where it should go, the rest is done again, which
    does no harm. Anywhere else, or where no step of the session leads, somebody moved it: nothing is touched, and the
    call is refused as for any moved HEAD.

    Raises:
        Refusal: if the rest needs the index, and another git holds it.
    """
    remove_own(context.repo.git_dir)
    intent = read_intent(context.repo.own_folder)
    if intent is None:
        return ""
    remove_dead(*context.repo.ref_locks(), intent.new, intent_written_at(context.repo.own_folder))
    head = context.repo.head()
    if head == intent.old:
        clear_intent(context.repo.own_folder)
        return "A step that was interrupted before it changed anything was forgotten."
    if head != intent.new or not _is_ours(context, intent):
        return ""
    if context.active.head != intent.new:  # else it was recorded before the server died
        context.record(_finished(context, intent))
    clear_intent(context.repo.own_folder)
    what = {"committed": "commit", "landed": "keep", "reverted": "revert"}[intent.event.kind]
    return f"An interrupted {what} of iteration {intent.event.iteration} was finished."


def _is_ours(context: RepoContext, intent: Intent) -> bool:
    """Return whether a step leads where a step of this session can lead: an intent is a file, and anybody can write one."""
    session = context.session
    if session is None or session.id != intent.session or context.repo.parents(intent.new) != (intent.old,):
        return False
    if session.head == intent.new:
        return True
    if session.head != intent.old:
        return False
    if isinstance(intent.event, Reverted):
        parent = session.trial.parent if session.trial else ""
        return intent.base == parent and context.repo.tree(intent.new) == context.repo.tree(parent)
    if isinstance(intent.event, Landed):
        return session.trial is not None and session.trial.aside and session.trial.commit == intent.new
    paths = [entry.path for entry in context.repo.entries(intent.old, intent.new)]
    return context.repo.tree(intent.new) == intent.event.tree and not misplaced(session.plan, paths)


def _finished(context: RepoContext, intent: Intent) -> Committed | Landed | Reverted:
    """Bring index and files to where the step leads, and return its event."""
    event = intent.event
    if isinstance(event, Committed):
        context.index.sync(intent.old, intent.new)
        return event
    if isinstance(event, Landed):
        context.index.finish_undo(intent.old, intent.new, (), ())
        return event
    kept = context.index.finish_undo(intent.old, intent.base, intent.edited, intent.staged)
    return event.model_copy(update={"kept_edits": tuple(sorted({*event.kept_edits, *kept}))})


_LOOKED_AT = 64
"""Commits from HEAD backwards among which an experiment is looked for."""
_TRAILERS = (JOURNAL_TRAILER, SESSION_TRAILER, ITERATION_TRAILER)


@dataclass(frozen=True)
class _Witness:
    """The newest commit of ours on the branch. A Revert commit names no record of the journal, an experiment does."""

    commit: str
    record: str
    session: str
    iteration: int


def refuse_missing_records(repo: Repo, journal: Journal, session: Session | None, branch: str) -> None:
    """Refuse to work with a journal that does not know what the newest experiment on the branch bears witness to.

    Nothing is asked of git while HEAD is where the session left it, and afterwards once for each commit at HEAD.

    Raises:
        Refusal: naming the commit, and what to restore or how to go on without the records.
    """
    head = repo.head()
    if not branch or not head or (session is not None and session.head == head):
        return
    witness = _newest(repo, head)
    if witness is None or not _is_missing(journal, witness) or _is_interrupted(repo, session, witness):
        return
    if repo.was_made_here(witness.commit, head):
        raise _missing(repo, journal, witness, branch)


def _newest(repo: Repo, head: str) -> _Witness | None:
    """Return the newest commit of ours on the branch; None without one, or once somebody went on without its records."""
    for commit, record, session, iteration in repo.recent_trailers(head, _TRAILERS, _LOOKED_AT):
        if record == NO_JOURNAL:
            return None
        if session and iteration.isdigit():
            return _Witness(commit, record, session, int(iteration))
    return None


def _is_missing(journal: Journal, witness: _Witness) -> bool:
    """Return whether the step of a commit is not in the journal: it has to follow the record that the commit names."""
    kind = "committed" if witness.record else "reverted"
    if not journal.has(witness.session, kind, witness.iteration):
        return True
    return bool(witness.record) and (not journal.knows(witness.record) or journal.tip() == witness.record)


def _is_interrupted(repo: Repo, session: Session | None, witness: _Witness) -> bool:
    """Return whether the step was only announced when its server died, so that a recovery is due, and nothing is lost."""
    intent = read_intent(repo.own_folder)
    return intent is not None and session is not None and (intent.new, intent.session) == (witness.commit, session.id)


def _missing(repo: Repo, journal: Journal, witness: _Witness, branch: str) -> Refusal:
    file = repo.own_folder / "journal.db"
    kind = "" if witness.record else "the Revert of "
    what = (
        f"commit {witness.commit[:7]} on {branch} is {kind}iteration {witness.iteration} of session {witness.session}"
    )
    how = "the journal or its -wal file was deleted, or an older copy was put back"
    known = journal.last_of(witness.session)
    has = f"{file} ends before it" if known else f"{file} does not have that session"
    restore = f"Stop the server, then put back {file}, {file.name}-wal and {file.name}-shm, all from the same moment"
    command = f'git commit --allow-empty -m "Go on without the journal" -m "{JOURNAL_TRAILER}: {NO_JOURNAL}"'
    anew = f"If they are gone for good: `{command}` keeps every commit where it is; then call "
    anew += "finish_session and start_session." if known else "start_session."
    return Refusal(Code.JOURNAL_BROKEN, f"The journal lacks records: {what}, but {has}; {how}. {restore}. {anew}")
