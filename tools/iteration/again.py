"""A second chance: the change of an earlier iteration, put into the files once more, on the incumbent of today."""

from __future__ import annotations

import os

from ..errors import Code, Refusal
from ..git.experiment import Staged
from ..git.merging import bring, merged
from ..git.repo import shown
from ..git.trees import ABSENT
from ..lab.context import RepoContext
from ..session.events import Committed
from ..vocabulary import Phase
from .commit import refuse_repeat
from .commit_checks import changes_in_scope

MOST_NAMED = 8


def bring_again(context: RepoContext, number: int, description: str) -> None:
    """Restore the change of an iteration in the files, merged with what was kept since. What is there already stays.

    Raises:
        Refusal: with nothing changed, if an iteration is open, that one had no change, it is in or was decided by real
            evidence, it conflicts with the incumbent, or files in scope have edits.
    """
    session = context.active
    if context.phase is not Phase.READY:
        message = "An iteration is open. Decide it first: call iterate without `again`, or revert."
        raise Refusal(Code.OUT_OF_ORDER, message)
    staged = _merged(context, number, session.head)
    edits = changes_in_scope(context)
    if edits and context.index.stage(edits, session.head).tree == staged.tree:
        return  # an interrupted call brought it
    hidden = [e.path for e in staged.entries if e.old_mode == ABSENT and os.path.lexists(context.repo.root / e.path)]
    if dirty := [*edits, *(path for path in hidden if path not in edits)]:
        named = ", ".join(map(shown, dirty[:MOST_NAMED]))
        message = (
            f"These files have edits or are in the way: {named}. Nothing was changed. Try that edit first, by iterate without "
            "`again`, or set it aside with `git stash push --include-untracked`, then call again."
        )
        raise Refusal(Code.OUT_OF_ORDER, message)
    refuse_repeat(context, staged, context.repo.diff(session.head, staged.tree), description)
    bring(context.repo, staged)


def _merged(context: RepoContext, number: int, head: str) -> Staged:
    events = context.journal.of_iteration(context.active.id, number) if number > 0 else []
    commits = [event for event in events if isinstance(event, Committed)]
    if not commits:
        last = context.active.last_iteration
        message = f"Iteration {number} has no change to try again; the session has iterations 1 to {last}."
        raise Refusal(Code.BAD_ARGUMENT, f"{message} detect_stuck names near misses.")
    staged = merged(context.repo, f"{commits[0].commit}^", commits[-1].commit, head)
    if staged is None:
        files = ", ".join(commits[-1].files[:MOST_NAMED])
        message = (
            f"The change of iteration {number} ({files}) does not fit the incumbent any more: the same lines were changed "
            f"since. Nothing was changed. See it with history(iteration={number}), make the edit by hand, and call iterate "
            "without `again`."
        )
        raise Refusal(Code.BAD_ARGUMENT, message)
    if not staged.entries:
        raise Refusal(Code.REPEAT, f"The change of iteration {number} is in the incumbent already. Try something else.")
    return staged
