"""What our commits say."""

from __future__ import annotations

import posixpath
import textwrap
from collections.abc import Sequence

from .results import flat
from .state import Session, Trial

_SUBJECT_LENGTH = 100
JOURNAL_TRAILER = "Autoresearch-Journal"


def experiment_message(
    session: Session, number: int, description: str, hypothesis: str, paths: Sequence[str], journal: str
) -> str:
    """`experiment(<scope>): <description>`, with the hypothesis and the iteration below.

    `journal` is the digest of the journal's last record: who rewrites the journal would have to rewrite git as well.
    """
    trial = session.trial
    kind = ("rework - " if trial.guard_failures else "fix - ") if trial and trial.commit else ""
    subject = f"experiment({area(paths)}): {kind}{description}"
    body = [textwrap.fill(flat(hypothesis), 72)] if flat(hypothesis) else []
    return _message(subject, body, session, number, journal)


def revert_message(session: Session, trial: Trial) -> str:
    """git's own form for a revert, with the reason below."""
    subject = f'Revert "experiment({area(trial.files)}): {trial.description}"'
    verdict = session.verdict
    why = f"{verdict.status}: {verdict.why}" if verdict else ""
    body = [f"This reverts commit {trial.commit}.", textwrap.fill(flat(why), 72)]
    return _message(subject, body, session, trial.number)


def area(paths: Sequence[str]) -> str:
    """A short name of what was touched: the file, or the folder that holds all of it."""
    if len(paths) == 1:
        return posixpath.basename(paths[0])
    common = posixpath.commonpath([posixpath.dirname(path) for path in paths]) if paths else ""
    return common or "repo"


def _message(subject: str, body: Sequence[str], session: Session, number: int, journal: str = "") -> str:
    short = subject if len(subject) <= _SUBJECT_LENGTH else subject[: _SUBJECT_LENGTH - 1] + "…"
    rest = [flat(subject), *body] if short != subject else list(body)
    trailers = f"Autoresearch-Session: {session.id}\nAutoresearch-Iteration: {number}"
    trailers += f"\n{JOURNAL_TRAILER}: {journal}" if journal else ""
    return "\n\n".join([short, *rest, trailers]) + "\n"
