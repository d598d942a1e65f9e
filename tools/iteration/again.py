"""The server's own edits: the change of an earlier iteration put into the files once more, on the incumbent of today, or a
kept one taken out of them.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from ..errors import Code, Refusal
from ..git.experiment import HookFailure, Staged
from ..git.merging import bring, merged
from ..git.repo import shown
from ..git.trees import ABSENT
from ..lab.context import RepoContext
from ..vocabulary import Phase
from .commit import refuse_repeat
from .commit_checks import changes_in_scope
from .keeps import attempts_of, keep_of, standing, without

MOST_NAMED = 8


def bring_again(context: RepoContext, number: int, description: str) -> None:
    """Restore the change of an iteration in the files, merged with what was kept since. What is there already stays.

    Raises:
        Refusal: with nothing changed, if an iteration is open, that one had no change, it is in or was decided by real
            evidence, it conflicts with the incumbent, or files in scope have edits.
    """
    _refuse_open(context)
    staged = _merged(context, number, context.active.head)
    _refuse_edits(context, staged)
    refuse_repeat(context, staged, context.repo.diff(context.active.head, staged.tree), description)
    bring(context.repo, staged)


def bring_without(context: RepoContext, number: int) -> tuple[str, ...]:
    """Take the change of a kept iteration out of the files, and return their paths. What is done there already stays.

    Raises:
        Refusal: with nothing changed, if an iteration is open, that one is no keep that stands, later keeps need it, or files
            in scope have edits.
    """
    _refuse_open(context)
    keeps = standing(context)
    staged = without(context, keeps, keep_of(keeps, number))
    if not isinstance(staged, Staged):
        later = ", ".join(keep.words() for keep in staged)
        message = (
            f"Iteration {number} cannot be taken back by itself: later keeps changed the same lines and need it: {later}. "
            "Nothing was changed. Take those back first, the newest first, or make the edit by hand."
        )
        raise Refusal(Code.BAD_ARGUMENT, message)
    if not staged.entries:
        raise Refusal(Code.REPEAT, f"Nothing is left of iteration {number}: the best is the same without it.")
    return bring_in(context, staged)


def bring_in(context: RepoContext, staged: Staged) -> tuple[str, ...]:
    """Put a tree made on HEAD into the files, and return the paths. What is done there already stays.

    Raises:
        Refusal: with nothing changed, if files in scope have edits.
    """
    _refuse_edits(context, staged)
    bring(context.repo, staged)
    return staged.paths


def _refuse_open(context: RepoContext) -> None:
    if context.phase not in {Phase.READY, Phase.ENDED}:
        message = "An iteration is open. Decide it first: call iterate without `again` and `undo`, or revert."
        raise Refusal(Code.OUT_OF_ORDER, message)


def _refuse_edits(context: RepoContext, staged: Staged) -> None:
    """Refuse to write where somebody has edits; not where an interrupted call brought the same."""
    edits = changes_in_scope(context)
    ours = _brought(context, edits, staged)
    hidden = [e.path for e in staged.entries if e.old_mode == ABSENT and os.path.lexists(context.repo.root / e.path)]
    if dirty := [path for path in dict.fromkeys((*edits, *hidden)) if path not in ours]:
        named = ", ".join(map(shown, dirty[:MOST_NAMED]))
        message = (
            f"These files have edits or are in the way: {named}. Nothing was changed. Try that edit first, by iterate without "
            "`again` and `undo`, or set it aside with `git stash push --include-untracked`, then call again."
        )
        raise Refusal(Code.OUT_OF_ORDER, message)


def _brought(context: RepoContext, edits: Sequence[str], staged: Staged) -> frozenset[str]:
    """Return those edits that are what is to be brought."""
    try:
        there = context.index.stage(edits, context.active.head).entries if edits else ()
    except HookFailure:
        return frozenset()
    return frozenset(entry.path for entry in there if entry in staged.entries)


def _merged(context: RepoContext, number: int, head: str) -> Staged:
    commits = attempts_of(context, number)
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
