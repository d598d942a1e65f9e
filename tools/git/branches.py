"""Branches: how far one leads, whether no checkout stands on it, and moving such a one."""

from __future__ import annotations

import os

from ..errors import Code, Refusal
from .repo import REFLOG_PREFIX, Repo

_TRUNKS = frozenset({"main", "master", "trunk", "develop"})
"""Branches into which work is merged, as they are mostly called, and not out of which."""


def is_trunk(repo: Repo, branch: str) -> bool:
    """Return whether work is merged into a branch: the remote's default one; without it the one that new repositories begin with
    here, or one of the usual names.
    """
    default = repo.git.ask("symbolic-ref", "--quiet", "refs/remotes/origin/HEAD").text.removeprefix(
        "refs/remotes/origin/"
    )
    return branch == default if default else branch in {*_TRUNKS, repo.settings().last("init.defaultbranch")}


def branch_tip(repo: Repo, branch: str) -> str:
    """Return the commit at a branch of exactly this name; empty if there is none."""
    return repo.git.ask("show-ref", "--verify", "--hash", f"refs/heads/{branch}").text


def count_between(repo: Repo, base: str, tip: str) -> int:
    """Return how many commits a commit has that another has not."""
    return int(repo.git.run("rev-list", "--count", f"{base}..{tip}"))


def checked_out_at(repo: Repo, branch: str) -> str:
    """Return the checkout that stands on a branch; empty where none does."""
    found = repo.git.run("for-each-ref", "--format=%(worktreepath)", f"refs/heads/{branch}")
    return os.fsdecode(found).strip("\n")


def move_branch(repo: Repo, branch: str, new: str, old: str, reason: str) -> None:
    """Move a branch that no checkout stands on, durably, if it is still at `old`; make it where that is empty.

    Raises:
        Refusal: if it is elsewhere by now.
    """
    answer = repo.git.ask("update-ref", "-m", f"{REFLOG_PREFIX}{reason}", f"refs/heads/{branch}", new, old)
    if answer.code != 0:
        raise Refusal(Code.GIT, f"{branch} cannot be moved: {answer.err.strip()}")
    repo.synchronise_branch(branch)
