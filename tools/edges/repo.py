"""Questions to a git repository, and the few refs that a session makes. Nothing here touches the user's files."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import Code, Refusal
from .gitcli import GitCli

_IN_PROGRESS = {
    "MERGE_HEAD": ("a merge", "git merge --continue or git merge --abort"),
    "rebase-merge": ("a rebase", "git rebase --continue or git rebase --abort"),
    "rebase-apply": ("a rebase or git am", "git rebase --abort or git am --abort"),
    "CHERRY_PICK_HEAD": ("a cherry-pick", "git cherry-pick --continue or --abort"),
    "REVERT_HEAD": ("a revert", "git revert --continue or --abort"),
    "BISECT_LOG": ("a bisect", "git bisect reset"),
}


@dataclass(frozen=True)
class Change:
    """One path that differs from HEAD, staged or not. `tracked` is false for a file that git does not know."""

    path: str
    tracked: bool
    staged: bool


@dataclass(frozen=True)
class DiffStat:
    """Files, and lines added and removed; a binary file counts no lines."""

    files: tuple[str, ...]
    added: int
    removed: int


class Repo:
    """One checkout: its top folder, its own git folder, and the git folder that all its worktrees share."""

    def __init__(self, folder: Path) -> None:
        self.git = GitCli(folder)
        answer = self.git.ask("rev-parse", "--show-toplevel", "--absolute-git-dir", "--git-common-dir")
        if answer.code != 0:
            raise _not_a_repository(folder, answer.err)
        top, git_dir, common = answer.text.split("\n")
        self.root = Path(top)
        self.git_dir = Path(git_dir)
        self.common_dir = (folder / common).resolve()
        if self.root != folder:
            self.git = GitCli(self.root)

    @property
    def own_folder(self) -> Path:
        """Where everything of ours is kept: outside the work tree, shared by all worktrees."""
        return self.common_dir / "autoresearch"

    def head(self) -> str:
        """The commit at HEAD; empty before the first commit."""
        answer = self.git.ask("rev-parse", "--verify", "--quiet", "HEAD^{commit}")
        return answer.text if answer.code == 0 else ""

    def tree(self, commit: str) -> str:
        """The tree of a commit."""
        return self.git.line("rev-parse", "--verify", f"{commit}^{{tree}}")

    def branch(self) -> str:
        """The current branch; empty on a detached HEAD."""
        answer = self.git.ask("symbolic-ref", "--quiet", "--short", "HEAD")
        return answer.text if answer.code == 0 else ""

    def in_progress(self) -> tuple[str, str] | None:
        """The operation that the repository is in the middle of, with the command that ends it."""
        return next((told for name, told in _IN_PROGRESS.items() if (self.git_dir / name).exists()), None)

    def index_locked(self) -> bool:
        """Whether another git process holds the index, or died holding it."""
        return (self.git_dir / "index.lock").exists()

    def changes(self, *paths: str) -> tuple[Change, ...]:
        """Every path that differs from HEAD, untracked files included, ignored ones not."""
        out = self.git.run("status", "--porcelain=v1", "-z", "--untracked-files=all", "--no-renames", "--", *paths)
        entries = [os.fsdecode(entry) for entry in out.split(b"\0") if entry]
        return tuple(Change(entry[3:], entry[:2] != "??", entry[0] not in " ?") for entry in entries)

    def tracked(self) -> tuple[str, ...]:
        """Every path in the index."""
        return _paths(self.git.run("ls-files", "-z"))

    def present(self) -> tuple[str, ...]:
        """Every path that git would show: tracked, and untracked but not ignored."""
        return tuple(sorted(set(_paths(self.git.run("ls-files", "-z", "--cached", "--others", "--exclude-standard")))))

    def content(self, commit: str, path: str) -> bytes | None:
        """A file's bytes at a commit; None where it does not exist."""
        answer = self.git.ask("cat-file", "blob", f"{commit}:{path}")
        return answer.out if answer.code == 0 else None

    def diffstat(self, old: str, new: str) -> DiffStat:
        """What changed between two commits."""
        out = self.git.run("diff-tree", "-r", "-z", "--numstat", "--no-renames", old, new)
        rows = [os.fsdecode(row).split("\t", 2) for row in out.split(b"\0") if row]
        count = [(int(a), int(r)) for a, r, _ in rows if a != "-"]
        return DiffStat(tuple(row[2] for row in rows), sum(a for a, _ in count), sum(r for _, r in count))

    def diff(self, old: str, new: str) -> str:
        """The change between two commits as a patch; undecodable bytes are replaced."""
        out = self.git.run("diff-tree", "-p", "--no-ext-diff", "--no-textconv", "--no-renames", old, new)
        return out.decode(errors="replace")

    def trailers(self, base: str, tip: str, name: str) -> tuple[tuple[str, str], ...]:
        """Commits after `base` up to `tip` that have a trailer, with its value, newest first."""
        form = f"%H%x00%(trailers:key={name},valueonly,separator=%x2C)"
        lines = os.fsdecode(self.git.run("log", f"--format={form}", f"{base}..{tip}")).splitlines()
        pairs = (line.split("\0", 1) for line in lines)
        return tuple((commit, value) for commit, value in pairs if value)

    def exclude(self, pattern: str) -> None:
        """Hide a path of ours from `git status` without touching the user's .gitignore."""
        folder = self.common_dir / "info"
        folder.mkdir(exist_ok=True)
        file = folder / "exclude"
        lines = file.read_text(encoding="utf-8", errors="surrogateescape") if file.exists() else ""
        if pattern not in lines.splitlines():
            gap = "" if not lines or lines.endswith("\n") else "\n"
            with file.open("a", encoding="utf-8") as out:
                out.write(f"{gap}{pattern}\n")

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
        """The commit at a branch; empty if there is none."""
        return self.git.ask("rev-parse", "--verify", "--quiet", f"refs/heads/{branch}").text

    def switch_to_new_branch(self, name: str) -> None:
        """Create a branch at HEAD and stand on it; no file changes, because it is the same commit."""
        if self.tip(name) != self.head():  # made before, by a call that was interrupted
            self.git.run("update-ref", f"refs/heads/{name}", "HEAD", "")
        self.git.run("symbolic-ref", "-m", "autoresearch: start", "HEAD", f"refs/heads/{name}")

    def squash(self, name: str, base: str, tip: str, message: str) -> str:
        """A new branch with one commit on `base` that has the tree of `tip`; returns the commit."""
        there = self.git.ask("rev-parse", "--verify", "--quiet", f"refs/heads/{name}^{{tree}}", f"refs/heads/{name}^")
        if there.code == 0 and there.text.split("\n") == [self.tree(tip), base]:
            return self.git.line("rev-parse", f"refs/heads/{name}")  # made before, by a call that was interrupted
        self.check_new_branch(name)
        commit = self.commit_tree(f"{tip}^{{tree}}", base, message)
        self.git.run("update-ref", f"refs/heads/{name}", commit, "")
        return commit

    def commit_tree(self, tree: str, parent: str, message: str) -> str:
        """Write a commit object, in the user's name where git knows it."""
        identity = _identity(self.git)
        object_id = self.git.line("rev-parse", "--verify", tree)
        return self.git.line("commit-tree", object_id, "-p", parent, stdin=message.encode(), environment=identity)


_FALLBACK = {
    "GIT_AUTHOR_NAME": "autoresearch",
    "GIT_AUTHOR_EMAIL": "autoresearch@localhost",
    "GIT_COMMITTER_NAME": "autoresearch",
    "GIT_COMMITTER_EMAIL": "autoresearch@localhost",
}


def _identity(git: GitCli) -> dict[str, str] | None:
    """Nothing where git knows the user's name; otherwise ours."""
    known = all(git.ask("var", name).code == 0 for name in ("GIT_AUTHOR_IDENT", "GIT_COMMITTER_IDENT"))
    return None if known else _FALLBACK


def _paths(out: bytes) -> tuple[str, ...]:
    return tuple(os.fsdecode(path) for path in out.split(b"\0") if path)


def _not_a_repository(folder: Path, said: str) -> Refusal:
    if "dubious ownership" in said:
        return Refusal(Code.NOT_A_REPOSITORY, f"git does not trust {folder}: {said.strip()}")
    if "work tree" in said:
        return Refusal(Code.NOT_A_REPOSITORY, f"{folder} has no work tree. Use a normal clone, not a bare repository.")
    cure = f"Run `git -C {folder} init`, commit the files, and try again."
    return Refusal(Code.NOT_A_REPOSITORY, f"{folder} is not in a git repository. {cure}")


def shown(path: str) -> str:
    """A path as text that can be stored and sent: bytes of a name that are no text are written as escapes."""
    return os.fsencode(path).decode(errors="backslashreplace")


def literal(paths: Sequence[str]) -> bytes:
    """Paths as git reads them from standard input with `-z`."""
    return b"".join(os.fsencode(path) + b"\0" for path in paths)


def create_repository(folder: Path, message: str) -> None:
    """Make a folder a git repository with one commit of everything in it."""
    git = GitCli(folder)
    git.run("init", "--quiet", "--initial-branch=main")
    git.run("add", "--all")
    git.run("commit", "--quiet", "--no-gpg-sign", "-m", message, environment=_identity(git))
