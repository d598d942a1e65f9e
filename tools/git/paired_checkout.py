"""One second checkout of ours, in which candidate and incumbent take turns in the same place.

It is a linked worktree outside the user's checkout. Between two runs git rewrites only the files in which the two
commits differ, so caches and incremental builds stay warm and neither arm has the better place.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path, PurePosixPath
from typing import cast

from ..errors import Code, Refusal
from ..storage.disk import boot, write_atomically
from .cli import GitCli
from .linked_checkout import LinkedCheckout
from .memory import Memory
from .own_index import note_index, renew_index
from .repo import Repo, literal
from .trees import Tracked, TreeChange
from .untracked import changed_since, remove_file, without_caches
from .untracked_copies import UntrackedCopies, UntrackedPaths

MOST_PATTERNS = 5000
"""Paths that one command line can spare from cleaning; beyond that, their whole folders are spared."""
_SWITCH = ("checkout", "--quiet", "--force", "--detach")
_TRACKED = Memory(4)
"""Files of commits, by their tree."""
_STRAIGHT = Memory(4)
"""Trees in which guarded paths stand as in a baseline, by its tree and the paths."""


class PairedCheckout:
    """One place for both arms: made when it is first needed, and again whenever it is gone or broken."""

    def __init__(self, repo: Repo, name: str, as_of: float = math.inf, pristine: bool = False) -> None:
        """`as_of`, in seconds since the epoch: what git does not have and has changed since is told of; it does not come into a
        `pristine` checkout, in which nothing of an earlier run stays either, not even what git ignores.
        """
        self._repo = repo
        self._as_of = as_of
        self._pristine = pristine
        self._unseen: tuple[str, ...] | None = None
        self._linked = LinkedCheckout(repo, name)
        self.folder = self._linked.folder
        self._memory = self._linked.home / "brought.json"
        self._copies = UntrackedCopies(repo, self.folder, as_of if pristine else math.inf)
        self.left_alone = False
        """Whether only that was rewritten in which the commits differ, when one was last checked out."""

    def check_out(
        self,
        commit: str,
        untracked: Sequence[str] = (),
        sealed: tuple[str, Sequence[str]] | None = None,
        outputs: Sequence[str] = (),
    ) -> Path:
        """Check out `commit` exactly: tracked files as in the commit, and nothing untracked but what came in when it was made.

        What git ignores stays from run to run, because builds are there, but in a pristine checkout. Caches go: bytecode
        can be other code than its source; so do the `outputs` of the command that is to run, if they are files. `untracked`
        comes in when the checkout is made. `sealed` is a commit and the protected paths that are to stand as they do in it.

        Raises:
            Refusal: if there is no such commit, or git cannot make a second checkout.
        """
        exact = self._repo.commit(commit)
        git = self._linked.git() if self._remembered() is not None else None
        if git is not None:
            renew_index(git, self._linked.place)
        # Where git cannot switch, a lock or half an index that a killed process left is cured by a new place.
        again = git is not None and git.ask(*_SWITCH, exact).code == 0 and self._clean(git, exact)
        if git is None or not again:
            git = self._make(exact, untracked)
        if not (again and self._pristine):
            self._unseen = self._beside(git, outputs)
        restored = sealed is not None and self._seal(git, exact, *sealed)
        self.left_alone = bool(again) and not restored
        note_index(self._linked.place)
        if self._pristine and not again:
            self._copies.note(self._tracked(git, exact))
        return self.folder

    def unseen(self) -> tuple[str, ...]:
        """Name some of what git does not have and stood here, beside what came in, when a commit was last checked out; where
        another process did that, some of what stands here now.
        """
        if self._unseen is None:
            git = self._linked.git()
            self._unseen = self._beside(git) if git else ()
        return self._unseen

    def untracked_paths(self) -> UntrackedPaths:
        """Return the untracked paths that came in when the checkout was made."""
        return self._remembered() or UntrackedPaths((), ())

    def remove(self) -> None:
        """Take the place away, and git's note of it. Links in it are removed, what they lead to stays."""
        self._copies.forget()
        self._linked.remove()

    def _remembered(self) -> UntrackedPaths | None:
        try:
            kinds = json.loads(self._memory.read_text(encoding="utf-8"))
            if (
                kinds.get("boot") != boot()
            ):  # git does not wait for the files, so after a loss of power some are not whole
                return None
            return UntrackedPaths(tuple(kinds["copied"]), tuple(kinds["shared"]), kinds["at"], tuple(kinds["late"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def _make(self, commit: str, untracked: Sequence[str]) -> GitCli:
        self.remove()
        try:
            git = self._linked.add(commit)
            git.run(*_SWITCH, commit)
            late = () if self._pristine or self._as_of == math.inf else changed_since(self._repo, self._as_of)
            brought = self._copies.bring(untracked, late)
            write_atomically(self._memory, json.dumps({**asdict(brought), "boot": boot()}))
            return git
        except (OSError, Refusal) as error:
            self.remove()
            cure = "Free disk space there, or set XDG_CACHE_HOME to a folder that can be written, and try again."
            raise Refusal(Code.GIT, f"No second checkout could be made at {self.folder}: {error} {cure}") from error

    def _clean(self, git: GitCli, commit: str) -> bool:
        """Remove what an earlier run left, so that nobody reads a stale result; `-ff` also takes nested repositories.

        Returns false where a new place is the only cure.
        """
        present = self.untracked_paths()
        if self._pristine:
            return self._linked.clean_note() and self._copies.restore(self._tracked(git, commit), present.shared)
        kept = {*present.copied, *present.shared}
        if len(kept) > MOST_PATTERNS:
            kept = {os.path.dirname(path) or path for path in kept}
        patterns = [part for path in sorted(kept) for part in ("-e", _pattern(path))]
        git.run("clean", "-f", "-f", "-d", "-q", *patterns)
        return True

    def _beside(self, git: GitCli, outputs: Sequence[str] = ()) -> tuple[str, ...]:
        """Remove caches and outputs, and name some of what else git does not have and was made or changed since the session
        began.
        """
        present = self.untracked_paths()
        listed = git.run("ls-files", "-z", "--others", "--directory").split(b"\0")
        paths = [os.fsdecode(path) for path in listed if path]
        folders = tuple(path for path in paths if path[-1] == "/")
        for path in outputs:
            if path in paths or path.startswith(folders):
                remove_file(self.folder, path)
        return (*present.late, *without_caches(self.folder, paths, present.at))

    def _tracked(self, git: GitCli, commit: str) -> Tracked:
        """Return the files of a commit that stands here."""
        tree = self._repo.tree(commit)

        def look() -> Tracked:
            for old, files in _TRACKED.newest_first():
                if (entries := self._repo.known_entries(str(old), tree)) is not None:
                    return cast(Tracked, files).changed(entries)
            return Tracked(frozenset(os.fsdecode(git.run("ls-files", "-z")).split("\0")) - {""})

        return _TRACKED.ask(tree, look)

    def _seal(self, git: GitCli, commit: str, baseline: str, paths: Sequence[str]) -> bool:
        """Let protected paths stand as in the commit `baseline`; return whether one did not."""
        if bent := self._bent(commit, baseline, frozenset(paths)):
            restore = ("restore", "--staged", "--worktree", f"--source={baseline}")
            git.run(*restore, "--pathspec-from-file=-", "--pathspec-file-nul", stdin=literal(bent))
        return bool(bent)

    def _bent(self, commit: str, baseline: str, guarded: frozenset[str]) -> list[str]:
        """Return the guarded paths in which two commits differ. Git is not asked where it is known how one differs from another
        that has them as in the baseline.
        """
        tree = self._repo.tree(commit)
        straight = _STRAIGHT.ask((self._repo.tree(baseline), guarded), lambda: Memory(4))
        steps = (self._repo.known_entries(str(other), tree) for other, _ in straight.newest_first())
        if straight.get(tree) or any(step is not None and not _under(step, guarded) for step in steps):
            bent = []
        else:
            bent = _under(self._repo.entries(commit, baseline), guarded)
        if not bent:
            straight.put(tree, True)
        return bent


def _under(entries: Sequence[TreeChange], guarded: frozenset[str]) -> list[str]:
    paths = (entry.path for entry in entries)
    return [path for path in paths if not guarded.isdisjoint((path, *map(str, PurePosixPath(path).parents)))]


def _pattern(path: str) -> str:
    """Return an ignore pattern of git's that matches one path and no other: anchored, no letter with a meaning."""
    return "/" + "".join(f"\\{letter}" if letter in "\\*?[]" else letter for letter in path)
