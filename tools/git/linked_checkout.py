"""A linked worktree of ours in a folder outside the user's checkout: made, found again, and taken away."""

from __future__ import annotations

import hashlib
import os
import tempfile
from contextlib import AbstractContextManager
from pathlib import Path

from ..errors import Code, Refusal
from ..storage.disk import held_lock
from .cli import GitCli
from .repo import Repo
from .untracked_copies import delete_folder
from .worktree_notes import WorktreeNotes, is_of, place_of

PATIENCE_S = 60.0
"""How long one waits until another worktree of the repository is made or taken away, in seconds."""


class LinkedCheckout:
    """The place of one name. Nothing stands in it until `add`."""

    def __init__(self, repo: Repo, name: str) -> None:
        self._repo = repo
        key = hashlib.sha256(os.fsencode(repo.root)).hexdigest()[:12]
        self.home = cache_folder(repo.root) / "arenas" / f"{key}-{name}"
        self.folder = self.home / (repo.root.name or "root")
        self.place = Path()
        """Its own git folder, when that is known."""
        self._notes = WorktreeNotes(repo.common_dir, repo.own_folder)

    def git(self) -> GitCli | None:
        """Return the git of this place and no other, if the place is whole. Every `checkout` and `clean` runs by it."""
        if self.folder.is_symlink() or not (self.folder / ".git").is_file():
            return None
        place = place_of(self.folder)
        # Both must point at each other: a `.git` that names the user's own place would move the user's HEAD.
        if place is None or place.parent != self._repo.common_dir / "worktrees" or not is_of(place, self.folder):
            return None
        self.place = place
        return GitCli(self.folder, place)

    def add(self, commit: str) -> GitCli:
        """Make the place, detached at a commit, with no file in it yet.

        Raises:
            OSError: if no folder can be made.
            Refusal: if git cannot make a second checkout there.
        """
        self._open_home()
        # --force: the path may still be noted in a worktree list that `remove` could not read.
        add = ("worktree", "add", "--quiet", "--force", "--detach", "--no-checkout")
        with self._alone():
            self._notes.begin()
            self._repo.git.run(*add, str(self.folder), commit)
            self._notes.finish()
        if (git := self.git()) is None:
            raise Refusal(Code.GIT, "git made it for another repository, or elsewhere.")
        return git

    def remove(self) -> None:
        """Take the place away, and git's note of it. Links in it are removed, what they lead to stays."""
        delete_folder(self.folder)
        with self._alone():
            self._notes.forget(self.folder)
        delete_folder(self.home)

    def clean_note(self) -> bool:
        """Take away what somebody left beside git's note of this place. Returns false where the note is not as git writes it."""
        return self._notes.clean(self.place)

    def _alone(self) -> AbstractContextManager[None]:
        return held_lock(self._repo.own_folder / "worktrees.turn", PATIENCE_S)

    def _open_home(self) -> None:
        # Private: ignored files such as `.env` are copied there.
        self.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        trusted = {os.getuid(), self._repo.root.stat().st_uid}
        for folder in (self.home, *self.home.parents[:2]):
            if folder.stat().st_uid not in trusted:  # a name in /tmp can be guessed, and taken before us
                raise PermissionError(f"{folder} belongs to somebody else.")


def cache_folder(root: Path | None = None) -> Path:
    """Find where our checkouts are kept: the user's cache, unless that cannot be written or lies inside `root`."""
    given = Path(os.environ.get("XDG_CACHE_HOME", ""))
    cache = (given if given.is_absolute() else Path.home() / ".cache") / "autoresearch"
    standing = next(folder for folder in (cache, *cache.parents) if os.path.exists(folder))
    fit = os.path.isdir(standing) and os.access(standing, os.W_OK | os.X_OK)
    if not fit or (root and cache.resolve().is_relative_to(root.resolve())):
        cache = Path(tempfile.gettempdir()) / f"autoresearch-{os.getuid()}"
    return cache
