"""Notices that the journal lacks records of experiments that stand on the branch: lost, deleted, or an older copy put back."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import Code, Refusal
from ..git.repo import Repo
from ..session.commits import ITERATION_TRAILER, JOURNAL_TRAILER, NO_JOURNAL, SESSION_TRAILER
from ..session.intent import read_intent
from ..session.journal import Journal
from ..session.state import Session

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
