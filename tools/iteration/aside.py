"""A change that stands beside the branch while it is measured: its commit, and the step to it once it is kept."""

from __future__ import annotations

import os
from collections.abc import Sequence

from ..errors import Code, Refusal
from ..git.experiment import Staged
from ..git.repo import Repo, shown
from ..git.trees import ABSENT, TreeChange
from ..lab.context import RepoContext
from ..session.commits import experiment_message, fingerprints
from ..session.events import Landed
from ..session.intent import Intent, clear_intent, write_intent
from ..session.results import flat
from ..storage.masked_lines import remember_masked
from .commit import Idea, Origin, commit_event, described
from .commit_checks import git_at, listed, refuse_other_ground


def commit_aside(context: RepoContext, staged: Staged, description: str, hypothesis: str, origin: Origin) -> None:
    """Commit a tree on the newest best, held by a ref, as the next iteration. Nothing of the session's checkout is looked at or
    changed.

    Raises:
        HookFailure: if the repository's commit-msg hook refuses.
        Refusal: if the machine, or what steers git, is not as at the start.
    """
    refuse_other_ground(context)
    session, repo = context.active, context.repo
    idea = Idea(session.last_iteration + 1, described(description), flat(hypothesis), origin)
    diff = repo.diff(session.head, staged.tree)
    remember_masked(repo.own_folder, diff)
    names = [shown(path) for path in staged.paths]
    message = experiment_message(
        session, idea.number, idea.description, idea.hypothesis, names, journal=context.journal.tip()
    )
    commit = context.index.commit_object(staged, session.head, message)
    repo.git.run("update-ref", f"refs/autoresearch/candidates/{session.id}/{origin.submitted}-merged", commit)
    made = commit_event(context, staged, idea, fingerprints(diff), commit)
    context.record(made.model_copy(update={"aside": True}))


def land(context: RepoContext) -> None:
    """Bring the branch to the commit of the open iteration, and the files of the session's checkout, where it is not there yet.

    Raises:
        Refusal: with nothing changed, if somebody has edits in those files, or git is in the middle of something.
    """
    session, folder = context.active, context.repo.own_folder
    trial = session.open_trial
    if not trial.aside:
        return
    _refuse_edits(context.repo, context.repo.entries(session.head, trial.commit))
    event = Landed(iteration=trial.number, commit=trial.commit)
    with context.index.forward(session.head, trial.commit, trial.description):
        write_intent(folder, Intent(session=session.id, old=session.head, new=trial.commit, event=event))
    context.record(event)
    clear_intent(folder)


def _refuse_edits(repo: Repo, entries: Sequence[TreeChange]) -> None:
    edited = {change.path for change in repo.changes()}
    hidden = {entry.path for entry in entries if entry.old_mode == ABSENT and os.path.lexists(repo.root / entry.path)}
    if there := sorted((edited | hidden) & {entry.path for entry in entries}):
        cure = f"Set them aside with `{git_at(repo)} stash push --include-untracked`, and `stash pop` them afterwards."
        raise Refusal(Code.OUT_OF_ORDER, f"These files have edits or are in the way: {listed(there)}. {cure}")
