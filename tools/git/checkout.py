"""One checkout at one moment: where it is, where HEAD stands, what differs from it, and what steers git there."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import NamedTuple, TypeVar

from ..errors import Code, Refusal
from ..storage.disk import read_or_empty
from .cli import GitCli
from .locks import wait_until_free
from .memory import Digests, Listing, Listings, Memory, Paths
from .others import HeldOthers, Others, Premises
from .settings import Settings, branch_in, commit_in, file_of_user, places_of, settings_now
from .stamps import Stamp, stamps_of
from .trees import ABSENT, TreeChange

T = TypeVar("T")

_FEW = 50
"""Entries that are looked for in a listing one by one."""

_LOCKS = ("index.lock", "HEAD.lock")
_GO_ON = "git {} --continue (whoever began it may abort it, which throws away what was resolved)"
_IN_PROGRESS = {
    "MERGE_HEAD": ("a merge", _GO_ON.format("merge")),
    "rebase-merge": ("a rebase", _GO_ON.format("rebase")),
    "rebase-apply": ("a rebase or git am", f"git am --continue or {_GO_ON.format('rebase')}"),
    "CHERRY_PICK_HEAD": ("a cherry-pick", _GO_ON.format("cherry-pick")),
    "REVERT_HEAD": ("a revert", _GO_ON.format("revert")),
    "sequencer": ("several cherry-picks or reverts", f"git revert --continue or {_GO_ON.format('cherry-pick')}"),
    "BISECT_LOG": ("a bisect", "git bisect reset"),
}


class PathChange(NamedTuple):
    """One path that differs from HEAD, staged or not. `tracked` is false for a file that git does not know."""

    path: str
    tracked: bool
    staged: bool


@dataclass(frozen=True)
class CheckoutStatus:
    """How the checkout differs from HEAD. `as_head` tells that nothing is staged, not even the name of a new file. What git
    ignores is known only where the whole checkout was looked at.
    """

    edits: tuple[PathChange, ...]
    untracked: Paths
    as_head: bool
    ignored: Paths

    @cached_property
    def changes(self) -> tuple[PathChange, ...]:
        """Every path that differs, those that git does not know last."""
        return (*self.edits, *(PathChange(path, tracked=False, staged=False) for path in self.untracked.paths))

    @cached_property
    def paths(self) -> frozenset[str]:
        """The same, without what is known of them."""
        return frozenset((*(edit.path for edit in self.edits), *self.untracked.paths))


class CheckoutCache:
    """What a server knows of one checkout from call to call. Nothing in it can become wrong: every key names its answer."""

    def __init__(self) -> None:
        self.places = Memory(4)
        self.trees = Memory(256)
        self.deltas = Memory(4)
        self.histories = Memory(8)
        self.listings = Listings()
        self.settings: Settings | None = None
        self.digests = Digests()
        self.names = Memory(4)
        self.others = Memory(2)
        self.as_written = Memory(4)


class Checkout:
    """Its top folder, its own git folder, and the git folder that all its worktrees share."""

    def __init__(self, folder: Path, cache: CheckoutCache | None = None) -> None:
        self.git = GitCli(folder)
        self._cache = cache or CheckoutCache()
        self._now = Memory(32)
        self._settings: Settings | None = None
        self.root, self.git_dir, self.common_dir = self._place(folder)
        # From here on git looks for nothing: should this repository go away, the one around it is not meant.
        self.git = GitCli(self.root, self.git_dir)

    def _place(self, folder: Path) -> tuple[Path, Path, Path]:
        known: tuple[Path, Path, Path] | None = self._cache.places.get(folder)
        if known and self._cache.places.get((folder, "marks")) == _marks(folder, known[2]):
            return known
        questions = ("--show-toplevel", "--absolute-git-dir", "--git-common-dir")
        answer = self.git.ask("rev-parse", *questions)
        if answer.code != 0:
            raise _not_a_repository(folder, answer.err)
        lines = answer.text.split("\n")
        if len(lines) != len(questions):  # a folder's name holds a line feed
            lines = [self.git.line("rev-parse", question) for question in questions]
        top, git_dir, common = lines
        found = (Path(top), Path(git_dir), (folder / common).resolve())
        self._cache.places.put(folder, found)
        self._cache.places.put((folder, "marks"), _marks(folder, found[2]))
        return found

    def invalidate(self) -> None:
        """Forget what was seen of the checkout: something ran, or we changed it ourselves."""
        self._now.clear()

    def once(self, key: Hashable, question: Callable[[], T]) -> T:
        """Return an answer about this moment, found only once until something moves."""
        return self._now.ask(key, question)

    @property
    def own_folder(self) -> Path:
        """Where everything of ours is kept: outside the work tree, shared by all worktrees."""
        return self.common_dir / "autoresearch"

    def head(self) -> str:
        """Return the commit at HEAD; empty before the first commit."""
        if known := commit_in(self.git_dir, self.common_dir):
            return known
        answer = self.git.ask("rev-parse", "--verify", "--quiet", "HEAD^{commit}")
        return answer.text if answer.code == 0 else ""

    def branch(self) -> str:
        """Return the current branch; empty on a detached HEAD."""
        known = branch_in(self.git_dir)
        if known is not None:
            return known
        answer = self.git.ask("symbolic-ref", "--quiet", "--short", "HEAD")
        return answer.text if answer.code == 0 else ""

    def in_progress(self) -> tuple[str, str] | None:
        """Return the operation that the repository is in the middle of, with the command that ends it."""
        return next((known for name, known in _IN_PROGRESS.items() if (self.git_dir / name).exists()), None)

    def refuse_in_progress(self) -> None:
        """Refuse to move HEAD in the middle of a merge or the like, which would be recorded on top of something else.

        Raises:
            Refusal: naming the operation, and the commands that end it.
        """
        if doing := self.in_progress():
            message = f"The repository is in the middle of {doing[0]}. Nothing was moved. End it first: {doing[1]}"
            raise Refusal(Code.GIT, f"{message}; then make the same call again.")

    def held_lock(self) -> Path | None:
        """Return the lock of the index or of HEAD if another git process holds it for longer than a moment, or died holding it."""
        return next((lock for name in _LOCKS if not wait_until_free(lock := self.git_dir / name)), None)

    def ref_locks(self) -> tuple[Path, Path]:
        """Return the locks that git takes to move HEAD on its branch."""
        return self.git_dir / "HEAD.lock", self.common_dir / "refs" / "heads" / f"{self.branch()}.lock"

    def changes(self, *paths: str) -> tuple[PathChange, ...]:
        """List every path that differs from HEAD, untracked files included, ignored ones not. With paths, these are asked anew."""
        if not paths:
            return self.status().changes
        edits, unknown, _ = self._read_status("--untracked-files=all", "--", *paths)
        return _parsed_status(edits, Others(Paths(unknown), Paths(b""))).changes

    def status(self) -> CheckoutStatus:
        """Return the whole checkout, since something last moved."""
        return self.once("status", self._look)

    def untracked(self) -> Paths:
        """Return the paths that git does not know, since something last moved: only folders are looked at for that, no tracked
        file.
        """
        seen: CheckoutStatus | None = self._now.get("status")
        return seen.untracked if seen else self.once("untracked", self._read_untracked)

    def _read_untracked(self) -> Paths:
        if others := self._held.still(self._names()):
            return others.untracked
        found = self.git.run("ls-files", "-t", "-z", "--others", "--exclude-standard")
        return self._same((b"\0" + found).removesuffix(b"\0"))

    @property
    def _held(self) -> HeldOthers:
        return self._cache.others.ask(self.root, lambda: HeldOthers(self.root))

    def _names(self) -> Premises | None:
        """Look at all names here, and at all that tells git which of them to ignore."""
        settings = self.settings()
        files = (
            self.common_dir / "info" / "exclude",
            file_of_user(settings, self.root, "core.excludesfile", "ignore"),
        )
        return self._held.look((self.listing().out, settings.values), files)

    def _look(self) -> CheckoutStatus:
        now = self._names()
        others = self._held.still(now)
        wanted = ("--untracked-files=no",) if others else ("--untracked-files=all", "--ignored=matching")
        edits, unknown, hidden = self._read_status(*wanted)
        if others is None:
            others = Others(self._same(unknown), self._same(hidden))
            self._held.hold(now, others)
        return _parsed_status(edits, others)

    def _read_status(self, *wanted: str) -> tuple[bytes, bytes, bytes]:
        return _sections(b"\0" + self.git.run("status", "--porcelain=v2", "-z", "--no-renames", *wanted))

    def _same(self, out: bytes) -> Paths:
        """Return these paths with what was worked out from them, if they were listed before."""
        kind = out[:2]
        known: Paths | None = self._cache.names.get(kind)
        if known is None or known.out != out:
            self._cache.names.put(kind, known := Paths(out))
        return known

    def committed(self, paths: Sequence[str]) -> None:
        """Note that these paths are at HEAD now, by plumbing that touches nothing else: what else was seen still stands."""
        seen: CheckoutStatus | None = self._now.get("status")
        self._now.forget("listing")
        self._now.forget("untracked")
        if seen is not None:
            rest = tuple(edit for edit in seen.edits if edit.path not in set(paths))
            gone = set(paths).intersection(seen.untracked.paths)
            self._now.put("status", replace(seen, edits=rest, untracked=seen.untracked.without(gone)))

    @contextmanager
    def same_paths(self, index: Path, entries: Sequence[TreeChange]) -> Iterator[None]:
        """Know what an index file lists that after the body differs from the checkout's in these entries, where no path comes
        or goes.
        """
        known = self._cache.listings.known(self.git_dir / "index") if len(entries) <= _FEW else None
        yield
        if (
            known
            and all(entry.new_mode != ABSENT for entry in entries)
            and known.has([entry.path for entry in entries])
        ):
            self._cache.listings.put(index, known)

    def settings(self) -> Settings:
        """Return what git is configured to here."""
        places = places_of(self.git_dir, self.common_dir)
        known = self._settings or self._cache.settings
        if known is None or known.files != places or not known.stand:
            known = settings_now(self.git, self.root, places)
        self._settings = self._cache.settings = known
        return known

    def listing(self) -> Listing:
        """Return what the index lists."""
        return self.once("listing", lambda: self._cache.listings.of(self.git, self.git_dir))

    def tracked(self) -> tuple[str, ...]:
        """Return every path in the index."""
        return self.listing().paths

    def matching(self, key: Hashable, matches: Callable[[str], bool]) -> frozenset[str]:
        """Return the paths that a rule covers, tracked or untracked but not ignored. `key` names the rule."""
        tracked, others = (paths.matching(key, matches) for paths in (self.listing(), self.untracked()))
        return tracked | others if others else tracked

    def stamps(self, paths: frozenset[str]) -> dict[str, Stamp]:
        """Return what tells that a file was changed, as it was when it was first looked at since something last moved."""
        return self.once(("stamps", paths), lambda: stamps_of(self.root, paths))

    def digests(self, paths: frozenset[str]) -> dict[str, str]:
        """Return the SHA-256 of what stands at each path."""
        return self._cache.digests.of(self.root, paths, lambda: self.stamps(paths))

    def digests_in(self, folder: Path, stamps: Mapping[str, Stamp]) -> dict[str, str]:
        """Return the same for a second checkout in `folder`, of the paths that these `stamps` of now are of."""
        return self._cache.digests.of(folder, stamps.keys(), lambda: stamps)


def _sections(out: bytes) -> tuple[bytes, bytes, bytes]:
    """Return what git tracks, what it does not know, and what it ignores: it lists them in this order."""
    rest, mark, ignored = out.removesuffix(b"\0").partition(b"\0! ")
    edits, sign, unknown = rest.partition(b"\0? ")
    return edits, sign + unknown, mark + ignored


def _parsed_status(edits: bytes, others: Others) -> CheckoutStatus:
    tracked = [entry for entry in os.fsdecode(edits).split("\0") if entry]
    as_head = not any(entry[2] != "." or entry[3] == "A" for entry in tracked)
    return CheckoutStatus(tuple(map(_tracked_change, tracked)), others.untracked, as_head, others.ignored)


def _tracked_change(entry: str) -> PathChange:
    # `1 XY sub mH mI mW hH hI path`, and two fields more for a path that is not merged.
    path = entry.split(" ", 10 if entry[0] == "u" else 8)[-1]
    return PathChange(path, tracked=True, staged=entry[2] != ".")


def _marks(folder: Path, common: Path) -> tuple[object, ...]:
    """Return what would tell that a folder belongs to another checkout than before, or to somebody else."""
    return (*(_mark(place / ".git") for place in (folder, *folder.parents)), read_or_empty(common / "config"))


def _mark(file: Path) -> tuple[int, int, int] | bytes | None:
    try:
        status = file.lstat()
    except OSError:
        return None
    return (status.st_dev, status.st_ino, status.st_uid) if stat.S_ISDIR(status.st_mode) else read_or_empty(file)


def _not_a_repository(folder: Path, message: str) -> Refusal:
    if "dubious ownership" in message:
        return Refusal(Code.NOT_A_REPOSITORY, f"git does not trust {folder}: {message.strip()}")
    bare = (folder / "HEAD").is_file() and (folder / "objects").is_dir()
    if bare or "work tree" in message:
        return Refusal(Code.NOT_A_REPOSITORY, f"{folder} has no work tree. Use a normal clone, not a bare repository.")
    cure = f"Run `git -C {folder} init`, commit the files, and try again."
    return Refusal(Code.NOT_A_REPOSITORY, f"{folder} is not in a git repository. {cure}")
