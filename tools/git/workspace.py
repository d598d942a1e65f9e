"""A checkout of its own for one who edits: outside the user's, with copies of what git does not have."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..errors import Code, Refusal
from .checkout import CheckoutCache
from .linked_checkout import LinkedCheckout
from .repo import Repo
from .untracked_copies import UntrackedCopies, UntrackedPaths

_SEEN: dict[Path, CheckoutCache] = {}
_SWITCH = ("checkout", "--quiet", "--detach")


class Workspace:
    """A linked worktree on no branch, which git is told to keep. Whoever edits there has it alone."""

    def __init__(self, repo: Repo, name: str) -> None:
        self._repo, self.name = repo, name
        self._linked = LinkedCheckout(repo, f"workspace-{name}")
        self.folder = self._linked.folder

    def repo(self) -> Repo:
        """Return the checkout in the place, with what was seen of it before."""
        return Repo(self.folder, _SEEN.setdefault(self.folder, CheckoutCache()))

    def exists(self) -> bool:
        """Tell whether the place is whole."""
        return self._linked.git() is not None

    def make(self, commit: str, untracked: Sequence[str]) -> UntrackedPaths:
        """Make the place at a commit, in place of what stands there; returns what was brought into it.

        Raises:
            Refusal: if it cannot be made.
        """
        self.remove()
        try:
            git = self._linked.add(commit)
            # A note that is locked keeps its commit from git's collection even where the folder is away.
            self._repo.git.run("worktree", "lock", "--reason=a workspace of autoresearch-mcp", str(self.folder))
            git.run(*_SWITCH, commit)
            return UntrackedCopies(self._repo, self.folder, edits=True).bring(untracked, ())
        except (OSError, Refusal) as error:
            self.remove()
            cure = "Free disk space there, or set XDG_CACHE_HOME to a folder that can be written, and try again."
            raise Refusal(Code.GIT, f"No workspace could be made at {self.folder}: {error} {cure}") from error

    def move(self, commit: str) -> str:
        """Bring the place to a commit, every edit that stands there kept; returns why git did not, empty where it did."""
        git = self._linked.git()
        if git is None:
            return f"{self.folder} is gone"
        answer = git.ask(*_SWITCH, commit)
        return answer.err.strip() if answer.code else ""

    def remove(self) -> None:
        """Take the place away, with all that stands in it."""
        self._linked.remove()
