"""Questions to a git repository, and the few refs that a session makes. Nothing here touches the user's files."""

from __future__ import annotations

import os
import re
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import Code, Refusal
from ..storage.disk import synchronise
from .checkout import Checkout
from .cli import GitCli
from .memory import Digests
from .trees import COMMAND, NO_INDEX, Delta, DiffStat, TreeChange, read_delta


@dataclass(frozen=True)
class LastChange:
    """A commit, its author, and when it was committed, in seconds since 1970."""

    commit: str
    author: str
    at: float


class Repo(Checkout):
    """A checkout with its history."""

    def tree(self, commit: str) -> str:
        """Return the tree of a commit."""

        def ask() -> str:
            return self.git.line("rev-parse", "--verify", f"{commit}^{{tree}}")

        return self._cache.trees.ask(commit, ask) if _exact(commit) else ask()

    def commit(self, name: str) -> str:
        """Return the commit that a name means.

        Raises:
            Refusal: if it means none.
        """
        if _exact(name) and self._cache.trees.get(name):
            return name
        answer = self.git.ask("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
        if answer.code != 0:
            raise Refusal(Code.GIT, f"{name!r} is not a commit of {self.root}. Name one that `git log` shows.")
        return answer.text

    def parents(self, commit: str) -> tuple[str, ...]:
        """Return the commits that a commit stands on."""
        return tuple(self.git.line("rev-list", "--no-walk", "--parents", commit).split()[1:])

    def content(self, commit: str, path: str) -> bytes | None:
        """Return a file's bytes at a commit; None where it does not exist."""
        answer = self.git.ask("cat-file", "blob", f"{commit}:{path}")
        return answer.out if answer.code == 0 else None

    def last_change(self, path: str) -> LastChange | None:
        """Return the commit before HEAD, or HEAD, that last changed a file; None where there is none."""
        answer = self.git.ask("log", "-1", "--format=%H%x00%an <%ae>%x00%ct", "HEAD", "--", path)
        parts = answer.out.decode("utf-8", errors="replace").rstrip("\n").split("\0")
        return LastChange(parts[0], parts[1], float(parts[2])) if len(parts) == 3 else None

    def contents(self, commit: str, paths: Sequence[str]) -> dict[str, bytes]:
        """Return the bytes of several files at a commit, those that exist there, in one process."""
        plain = [path for path in paths if "\n" not in path]
        odd = {path: self.content(commit, path) for path in paths if "\n" in path}
        asked = b"".join(os.fsencode(f"{commit}:{path}\n") for path in plain)
        found = dict(zip(plain, _blobs(self.git.run("cat-file", "--batch", stdin=asked)), strict=True)) if plain else {}
        return {path: data for path, data in (found | odd).items() if data is not None}

    def digests_as_written(self, commit: str, paths: frozenset[str]) -> dict[str, str]:
        """Return the SHA-256 of files as git writes them from a commit into a new place: with the line ends and the content
        that attributes ask for, which may differ from what was sealed in the user's checkout.
        """

        def ask() -> dict[str, str]:
            with tempfile.TemporaryDirectory(prefix="autoresearch-") as place:
                own = {"GIT_INDEX_FILE": f"{place}/index"}
                self.git.run("read-tree", commit, environment=own)
                # It complains of paths that the commit does not have, and writes the others.
                write = ("checkout-index", "--quiet", f"--prefix={place}/files/", "-z", "--stdin")
                self.git.ask(*write, stdin=literal(sorted(paths)), environment=own)
                return Digests().of(Path(place, "files"), paths)

        found: dict[str, str] = self._cache.as_written.ask((commit, paths), ask)
        return found

    def delta(self, old: str, new: str) -> Delta:
        """Return what changed between two commits or trees."""

        if self._tree_of(old) == self._tree_of(new):
            return read_delta(b"")

        def ask() -> Delta:
            return read_delta(self.git.run(*COMMAND, old, new, environment=NO_INDEX))

        if not (_exact(old) and _exact(new)):
            return ask()
        return self._cache.deltas.ask((self._tree_of(old), self._tree_of(new)), ask)

    def entries(self, old: str, new: str) -> tuple[TreeChange, ...]:
        """Return the paths that changed between two commits or trees."""
        known = self.known_entries(old, new)
        return self.delta(old, new).entries if known is None else known

    def known_entries(self, old: str, new: str) -> tuple[TreeChange, ...] | None:
        """Return the same where git need not be asked, else None."""
        pair = self._tree_of(old), self._tree_of(new)
        there, back = (self._cache.deltas.get(key) for key in (pair, pair[::-1]))
        return there.entries if there else tuple(entry.reversed() for entry in back.entries) if back else None

    def _tree_of(self, name: str) -> str:
        return str(self._cache.trees.get(name) or name)

    def diffstat(self, old: str, new: str) -> DiffStat:
        """Return how much changed between two commits."""
        return self.delta(old, new).stat

    def diff(self, old: str, new: str) -> str:
        """Return the change between two commits as a patch; undecodable bytes are replaced."""
        return self.delta(old, new).patch

    def patches(self, attempts: Mapping[str, str]) -> dict[str, str]:
        """Read the patches of changes of one or more commits in two processes; `attempts` maps last commits to first ones.

        Undecodable bytes are replaced; a commit that is not there has no patch.
        """
        several = [first for last, first in attempts.items() if first != last]
        before = self._parents(several) if several else {}
        spans = {last: before.get(first, "") for last, first in attempts.items()}
        asked = "".join(f"{end} {start}\n" for end, start in spans.items())
        command = ("diff-tree", "--stdin", "-p", "-r", "--root", "--no-ext-diff", "--no-textconv", "--no-renames")
        out = self.git.ask(*command, stdin=asked.encode()).out.decode(errors="replace")
        parts = _COMMIT_LINE.split(out)
        return {end: text for end, text in zip(parts[1::2], parts[2::2], strict=True) if end in spans}

    def _parents(self, commits: Sequence[str]) -> dict[str, str]:
        """Return the first parent of each commit that is there and has one."""
        asked = "".join(f"{commit}\n" for commit in commits).encode()
        out = self.git.ask("rev-list", "--no-walk", "--parents", "--ignore-missing", "--stdin", stdin=asked).text
        return {words[0]: words[1] for line in out.splitlines() if len(words := line.split()) > 1}

    def trailers(self, base: str, tip: str, name: str) -> tuple[tuple[str, str], ...]:
        """Return the commits after `base` up to `tip` that have a trailer, with its value, newest first."""
        form = f"%H%x00%(trailers:key={name},valueonly,separator=%x2C)"
        lines = os.fsdecode(self.git.run("log", f"--format={form}", f"{base}..{tip}")).splitlines()
        pairs = (line.split("\0", 1) for line in lines)
        return tuple((commit, value) for commit, value in pairs if value)

    def recent_trailers(self, tip: str, names: Sequence[str], most: int) -> tuple[tuple[str, ...], ...]:
        """Return the last `most` commits of the line that ends in `tip`, newest first, each with the values of its trailers."""

        def ask() -> tuple[tuple[str, ...], ...]:
            values = "".join(f"%x00%(trailers:key={name},valueonly,separator=%x2C)" for name in names)
            out = self.git.run("log", "--first-parent", f"--max-count={most}", f"--format=%H{values}", tip, "--")
            return tuple(tuple(line.split("\0")) for line in out.decode(errors="replace").splitlines())

        found: tuple[tuple[str, ...], ...] = self._cache.histories.ask((tip, tuple(names), most), ask)
        return found

    def in_history(self, commit: str) -> bool:
        """Return whether HEAD stands on a commit, or is it."""

        def ask() -> int:
            return 1 + (self.git.ask("merge-base", "--is-ancestor", commit, "HEAD").code == 0)

        return self._cache.histories.ask((commit, self.head(), "in history"), ask) == 2

    def was_made_here(self, commit: str, head: str) -> bool:
        """Return whether we made a commit in this repository, as its reflogs tell; true where none is kept."""

        def ask() -> bool:
            lines = self.git.ask("log", "--walk-reflogs", "--all", "--format=%H%x00%gs").out.splitlines()
            ours = tuple(f"{commit}\0{REFLOG_PREFIX}{subject}".encode() for subject in ("experiment(", "Revert "))
            return not lines or any(line.startswith(ours) for line in lines)

        return bool(self._cache.histories.ask((commit, head, "made here"), ask))

    def linked_worktrees(self) -> tuple[Path, ...]:
        """Return the other checkouts of this repository that are there, the main one included."""
        fields = os.fsdecode(self.git.ask("worktree", "list", "--porcelain", "-z").out).split("\0")
        found = (Path(field.removeprefix("worktree ")) for field in fields if field.startswith("worktree "))
        return tuple(place for place in found if (place / ".git").exists() and place.resolve() != self.root.resolve())

    def recently_changed(self, commits: int) -> dict[str, int]:
        """Return how many of the last commits changed each path, the paths of the newest commit first."""
        command = ("log", f"--max-count={commits}", "--format=", "--name-only", "--no-renames", "-z")
        paths = (path.strip("\n") for path in os.fsdecode(self.git.run(*command)).split("\0"))
        return Counter(filter(None, paths))

    def changed_paths(self, old: str, new: str) -> frozenset[str] | None:
        """Return the paths that differ between two commits; None where git does not have both."""
        answer = self.git.ask("diff", "--name-only", "--no-renames", "-z", old, new, "--")
        return frozenset(path for path in os.fsdecode(answer.out).split("\0") if path) if answer.code == 0 else None

    def holding(self, text: str) -> tuple[str, ...]:
        """Return the files at HEAD that hold a text on one line."""
        answer = self.git.ask("grep", "--name-only", "--fixed-strings", "-I", "-z", "-e", text, "HEAD", "--")
        return tuple(path.removeprefix("HEAD:") for path in os.fsdecode(answer.out).split("\0") if path)

    def exclude(self, pattern: str) -> None:
        """Hide a path of ours from `git status` without touching the user's .gitignore."""
        self.invalidate()
        folder = self.common_dir / "info"
        folder.mkdir(exist_ok=True)
        file = folder / "exclude"
        lines = file.read_text(encoding="utf-8", errors="surrogateescape") if file.exists() else ""
        if pattern not in lines.splitlines():
            gap = "" if not lines or lines.endswith("\n") else "\n"
            with file.open("a", encoding="utf-8") as out:
                out.write(f"{gap}{pattern}\n")
            synchronise(file, folder)

    def check_new_branch(self, name: str) -> None:
        """Refuse a name that cannot become a new branch.

        Raises:
            Refusal: if git would not accept it, or it exists.
        """
        if name.startswith("-") or self.git.ask("check-ref-format", "--branch", name).code != 0:
            raise Refusal(Code.BAD_NAME, f"{name!r} is not a branch name. Use one such as `autoresearch/nov23`.")
        if self.git.ask("rev-parse", "--verify", "--quiet", f"refs/heads/{name}").code == 0:
            raise Refusal(
                Code.BAD_NAME, f"Branch {name!r} exists. Choose a new name, or check it out and leave `branch` empty."
            )

    def tip(self, branch: str) -> str:
        """Return the commit at a branch; empty if there is none."""
        return self.git.ask("rev-parse", "--verify", "--quiet", f"refs/heads/{branch}").text

    def switch_to_new_branch(self, name: str) -> None:
        """Create a branch at HEAD and stand on it; no file changes, because it is the same commit."""
        if self.tip(name) != self.head():  # made before, by a call that was interrupted
            self.git.run("update-ref", f"refs/heads/{name}", "HEAD", "")
        self.invalidate()
        self.git.run("symbolic-ref", "-m", "autoresearch: start", "HEAD", f"refs/heads/{name}")
        self.synchronise_branch(name)

    def squash(self, name: str, base: str, tip: str, message: str) -> str:
        """Make a new branch with one commit on `base` that has the tree of `tip`; return the commit."""
        there = self.git.ask("rev-parse", f"refs/heads/{name}^{{tree}}", f"refs/heads/{name}^")
        if there.code == 0 and there.text.split("\n") == [self.tree(tip), base]:
            return self.git.line("rev-parse", f"refs/heads/{name}")  # made before, by a call that was interrupted
        self.check_new_branch(name)
        commit = self.commit_tree(f"{tip}^{{tree}}", base, message)
        self.synchronise_commit(commit)
        self.git.run("update-ref", f"refs/heads/{name}", commit, "")
        self.synchronise_branch(name)
        return commit

    def synchronise_commit(self, commit: str, tree: str = "", entries: Sequence[TreeChange] = ()) -> None:
        """Make durable where a commit's new objects stand: git waits for what is in them, not for the folders that name them."""
        folders = {str(folder) for entry in entries for folder in Path(entry.path).parents} - {"."}
        asked = b"".join(os.fsencode(f"{tree}:{folder}\n") for folder in sorted(folders) if "\n" not in folder)
        trees = self.git.run("cat-file", "--batch-check", stdin=asked).splitlines() if asked else []
        ids = {commit, tree, *(entry.new_id for entry in entries), *(os.fsdecode(line[:2]) for line in trees)}
        objects = self.common_dir / "objects"
        loose = sorted({objects / id[:2] for id in ids if (objects / id[:2]).is_dir()})
        packed = any(
            set(entry.new_id) != {"0"} and not (objects / entry.new_id[:2] / entry.new_id[2:]).exists()
            for entry in entries
        )
        synchronise(*loose, objects, *([objects / "pack"] if packed else []))  # git packs what is large at once

    def synchronise_branch(self, new: str = "") -> None:
        """Make durable where the branch stands: git does not wait for the folder of its file. A `new` one may have new folders,
        and HEAD may be on it by now.
        """
        heads = self.common_dir / "refs" / "heads"
        branch = heads / (new or self.branch())
        if not new:
            synchronise(branch.parent)
            return
        folders = (folder for folder in branch.parents if folder.is_relative_to(heads))
        synchronise(*folders, self.git_dir / "HEAD", self.git_dir)

    def commit_tree(self, tree: str, parent: str, message: str) -> str:
        """Write a commit object, in the user's name where git knows it."""
        exact = tree if _exact(tree) else self.git.line("rev-parse", "--verify", tree)
        command = ("commit-tree", exact, "-p", parent)
        answer = self.git.ask(*command, stdin=message.encode())
        if answer.code == 0:
            commit = answer.text
        else:  # most likely nobody told git who the user is
            commit = self.git.line(*command, stdin=message.encode(), environment=_identity(self.git))
        self._cache.trees.put(commit, exact)
        return commit


REFLOG_PREFIX = "autoresearch: "
"""What the reflog says first of every move of HEAD that we made."""
_COMMIT_LINE = re.compile(r"^([0-9a-f]{40}(?:[0-9a-f]{24})?)\n", re.MULTILINE)
_ID = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")

_FALLBACK = {
    "GIT_AUTHOR_NAME": "autoresearch",
    "GIT_AUTHOR_EMAIL": "autoresearch@localhost",
    "GIT_COMMITTER_NAME": "autoresearch",
    "GIT_COMMITTER_EMAIL": "autoresearch@localhost",
}


def _identity(git: GitCli) -> dict[str, str] | None:
    """Return our name where git does not know the user's, else None."""
    known = all(git.ask("var", name).code == 0 for name in ("GIT_AUTHOR_IDENT", "GIT_COMMITTER_IDENT"))
    return None if known else _FALLBACK


def _exact(name: str) -> bool:
    """Tell whether a name can only ever mean one object."""
    return _ID.fullmatch(name) is not None


def _blobs(out: bytes) -> Iterator[bytes | None]:
    """Yield what `cat-file --batch` printed: a line on each object, then its bytes; one line for what is missing."""
    place = 0
    while place < len(out):
        end = out.index(b"\n", place)
        words = out[place:end].rsplit(b" ", 2)
        if len(words) < 3 or not words[2].isdigit():
            yield None
            place = end + 1
            continue
        size = int(words[2])
        yield out[end + 1 : end + 1 + size] if words[1] == b"blob" else None
        place = end + 2 + size


def shown(path: str) -> str:
    """Return a path as text that can be stored and sent: bytes of a name that are no text are written as escapes."""
    return path if path.isascii() else os.fsencode(path).decode(errors="backslashreplace")


def literal(paths: Sequence[str]) -> bytes:
    """Return the paths as git reads them from standard input with `-z`."""
    return b"".join(os.fsencode(path) + b"\0" for path in paths)


def create_repository(folder: Path, message: str) -> None:
    """Make a folder a git repository with one commit of everything in it."""
    git = GitCli(folder, folder / ".git")
    git.run("init", "--quiet", "--initial-branch=main")
    git.run("add", "--all")
    git.run("commit", "--quiet", "--no-gpg-sign", "-m", message, environment=_identity(git))
