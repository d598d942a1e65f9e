"""Commit and undo of one experiment. Works on a private copy of the index, so that what the user has staged stays theirs."""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ..errors import Code, Refusal
from ..storage.disk import remove, synchronise
from .checkout import PathChange
from .hooks import has_hook, has_hooks
from .locks import held_by_another, index_held
from .memory import digest_of
from .repo import REFLOG_PREFIX, Repo, literal
from .trees import ABSENT, SYMLINK, TreeChange, planted, stored

MOST_PATHS = 500
LARGE_INDEX = 2**20
"""Bytes of an index that cost more to write than a few more processes to start."""


@dataclass(frozen=True)
class Staged:
    """A tree ready to be committed, and how it differs from its parent."""

    tree: str
    entries: tuple[TreeChange, ...]

    @property
    def paths(self) -> tuple[str, ...]:
        """The paths that the tree changes."""
        return tuple(entry.path for entry in self.entries)


@dataclass(frozen=True)
class Undo:
    """The Revert commit, the paths left alone because somebody had edited them since, and those of them that are staged."""

    commit: str
    edited: tuple[str, ...]
    staged: tuple[str, ...]


class HookFailure(Exception):
    """A hook of the repository said no; the text is what it printed."""


class ExperimentIndex:
    """Where experiments are committed and undone."""

    def __init__(self, repo: Repo) -> None:
        self._repo = repo
        self._git = repo.git
        self._index = repo.git_dir / "autoresearch-index"
        self._private = {"GIT_INDEX_FILE": str(self._index)}
        self._ready: tuple[bytes, str] | None = None
        """What the user's index was when it was copied, and the tree that the copy holds since, if that is all that it holds."""

    def stage(self, paths: Sequence[str], parent: str) -> Staged:
        """Build the tree that a commit of `paths` would have. The user's own index is not touched.

        Raises:
            HookFailure: if the repository's pre-commit hook refuses; git runs it on the private index.
        """
        if (tree := self._tree_without_hooks(paths, parent)) is not None:
            return self._differing(tree, parent)
        self._copy_index()
        before = digest_of(self._index) if self._as(parent) and not has_hooks(self._repo) else b""
        if not self._as(parent):
            self._git.run("read-tree", "--reset", parent, environment=self._private)
        arguments = ("update-index", "--add", "--remove", "-z", "--stdin")
        self._git.run(*arguments, stdin=literal(paths), environment=self._private)
        staged = self._staged(parent)
        if staged.entries and self._hook("pre-commit"):
            staged = self._staged(parent)
        self._ready = (before, staged.tree) if before else None
        return staged

    @contextmanager
    def commit(self, staged: Staged, parent: str, message: str) -> Iterator[str]:
        """Make a commit of a staged tree, which no branch has yet; HEAD moves to it on exit, unless the body raised.

        Raises:
            HookFailure: on entry, if the repository's commit-msg hook refuses.
            Refusal: on entry, if another git holds the index, or in the middle of a merge or the like; on exit, if HEAD is no longer `parent`.
        """
        commit = self.commit_object(staged, parent, message)
        with self._moving(parent, commit, staged.entries, message, staged.tree):
            yield commit
        self._repo.committed(staged.paths)

    def commit_object(self, staged: Staged, parent: str, message: str) -> str:
        """Make a commit of a staged tree, durable with the files it was made of, which nothing leads to yet.

        Raises:
            HookFailure: if the repository's commit-msg hook refuses.
        """
        commit = self._repo.commit_tree(staged.tree, parent, self._checked(message))
        synchronise(*_touched(self._repo.root, staged.paths))
        self._repo.synchronise_commit(commit, staged.tree, staged.entries)
        return commit

    def sync(self, old: str, new: str, tree: str = "") -> None:
        """Bring the index from one commit to another, where they differ; to the `tree` that was staged last at no further cost.

        Raises:
            Refusal: if another git holds the index.
        """
        with self._index_with(self._repo.entries(old, new), tree):
            pass

    @contextmanager
    def forward(self, old: str, new: str, message: str) -> Iterator[None]:
        """Move HEAD, index and files, of which none has edits, from a commit to one on top of it on exit, unless the body raised.

        Raises:
            Refusal: on entry, if another git holds the index, or in the middle of a merge or the like; on exit, if HEAD is no longer `old`.
        """
        entries = self._repo.entries(old, new)
        with self._moving(old, new, entries, message):
            yield
        self._restore(entries)
        self._repo.invalidate()

    @contextmanager
    def undo(self, experiment: str, base: str, message: str) -> Iterator[Undo]:
        """Make a commit of the tree of `base` on top of `experiment`; on exit, unless the body raised, HEAD moves to it and the
        files of the experiment are restored, and only those.

        A file that somebody edited after the experiment's commit keeps the edit.

        Raises:
            Refusal: on entry, if another git holds the index, or in the middle of a merge or the like; on exit, if HEAD is no longer `experiment`.
        """
        entries = self._repo.entries(experiment, base)
        changes = {change.path: change for change in self._changes([entry.path for entry in entries])}
        edited = tuple(sorted(entry.path for entry in entries if entry.path in changes))
        staged = tuple(path for path in edited if changes[path].staged)
        undo = Undo(self._repo.commit_tree(self._repo.tree(base), experiment, message), edited, staged)
        self._repo.synchronise_commit(undo.commit)
        with self._moving(experiment, undo.commit, [e for e in entries if e.path not in staged], message):
            yield undo
        self._restore([entry for entry in entries if entry.path not in edited])

    def bring_back(self, branch: str, commit: str, stay: Collection[str]) -> tuple[str, ...]:
        """Put HEAD back on a branch at a commit, with the files of that commit; returns the refs that keep what stood there.

        A file that was edited since keeps the edit, and of those that the commit does not have the ones in `stay` stay.

        Raises:
            Refusal: if another git holds the index, or in the middle of a merge or the like.
        """
        now = self._repo.head()
        tips = dict.fromkeys(tip for tip in (now, self._repo.tip(branch)) if tip not in {commit, ""})
        kept = {f"refs/autoresearch/moved/{tip[:12]}": tip for tip in tips}
        self._repo.invalidate()
        entries = self._repo.entries(now, commit)
        changes = {change.path: change for change in self._changes([entry.path for entry in entries])}
        staged = {path for path, change in changes.items() if change.staged}
        with self._index_with([entry for entry in entries if entry.path not in staged]):
            self._repo.refuse_in_progress()
            for ref, tip in kept.items():
                self._git.run("update-ref", ref, tip)
            reason = "autoresearch: bring back what a command moved"
            self._git.run("symbolic-ref", "-m", reason, "HEAD", f"refs/heads/{branch}")
            self._git.run("update-ref", "-m", reason, "HEAD", commit)
            self._repo.synchronise_branch(branch)
        back = [e for e in entries if e.path not in changes and (e.new_mode != ABSENT or e.path not in stay)]
        self._restore(back)
        self._repo.invalidate()
        return tuple(kept)

    def finish_undo(
        self, experiment: str, base: str, edited: Collection[str], staged: Collection[str]
    ) -> tuple[str, ...]:
        """Do what is left of an undo that was interrupted after HEAD moved; returns paths that were edited since.

        A file as the experiment left it, or as git left it half written, is replaced; one that is back already is done.
        """
        entries = self._repo.entries(experiment, base)
        with self._index_with([entry for entry in entries if entry.path not in staged]):
            pass
        left = [entry for entry in entries if entry.path not in edited]
        theirs = [entry for entry in left if not self._is_ours(entry)]
        self._restore([entry for entry in left if entry not in theirs])
        return tuple(entry.path for entry in theirs)

    def _is_ours(self, entry: TreeChange) -> bool:
        """Tell whether what stands at a path is the experiment's, or the undo's, whole or in part."""
        file = self._repo.root / entry.path
        if not os.path.lexists(file):
            return True
        if file.is_symlink() or not file.is_file():
            return SYMLINK in {entry.old_mode, entry.new_mode}
        found = self._git.line("hash-object", f"--path={entry.path}", "--stdin", stdin=file.read_bytes())
        if found in {entry.old_id, entry.new_id}:
            return True
        if entry.new_mode == ABSENT:
            return False
        whole = self._git.run("cat-file", "--filters", f"--path={entry.path}", entry.new_id)
        return whole.startswith(file.read_bytes())

    def restore(self, paths: Sequence[str]) -> None:
        """Put tracked files back as the index holds them."""
        self._repo.invalidate()
        self._git.run("checkout-index", "--force", "-z", "--stdin", stdin=literal(paths))

    def put_back(self, changes: Sequence[PathChange]) -> None:
        """Put changed files back as they are at HEAD, in the index as well."""
        if staged := [change.path for change in changes if change.staged]:
            command = ("restore", "--source=HEAD", "--staged", "--pathspec-from-file=-", "--pathspec-file-nul")
            self._git.run(*command, stdin=literal(staged))
        at_head = self._repo.contents("HEAD", [change.path for change in changes])
        self.restore([change.path for change in changes if change.path in at_head])

    def discard_edits(self, paths: Sequence[str]) -> None:
        """Take back uncommitted edits of an experiment that a hook never let in: tracked files restored, new ones removed."""
        changes = {change.path: change for change in self._repo.changes()}
        known = set(self._repo.tracked())
        self.restore([path for path in paths if path in known])
        for path in paths:
            if path in changes and not changes[path].tracked:
                remove(self._repo.root, path)

    def _changes(self, paths: Sequence[str]) -> Sequence[PathChange]:
        """Ask anew about these paths; a command line holds only so many."""
        return self._repo.changes(*paths) if 0 < len(paths) <= MOST_PATHS else self._repo.changes()

    def _as(self, commit: str) -> bool:
        """Tell whether index and HEAD are this commit: then nothing of the user's has to be left out."""
        return self._repo.status().as_head and self._repo.head() == commit

    def _copy_index(self) -> None:
        Path(f"{self._index}.lock").unlink(missing_ok=True)
        # copy2 keeps the time stamp: git compares it with those of the files to notice edits within one second.
        index = self._repo.git_dir / "index"
        if index.exists():
            shutil.copy2(index, self._index)

    def try_hooks(self, message: str) -> str | None:
        """Run the hooks of a commit on a private index that is as HEAD; what they said, None where there are none.

        Raises:
            HookFailure: if one refuses.
        """
        if not has_hooks(self._repo):
            return None
        self._copy_index()
        self._git.run("read-tree", "--reset", "HEAD", environment=self._private)
        self._hook("pre-commit")
        return self._checked(message)

    def _tree_without_hooks(self, paths: Sequence[str], parent: str) -> str | None:
        """Return the tree, without the cost of writing an index, if nobody is to look at that; None if somebody is."""
        index = self._repo.git_dir / "index"
        if not index.exists() or index.stat().st_size < LARGE_INDEX or has_hooks(self._repo):
            return None
        settings = self._repo.settings()
        trusts_mode = "false" not in {settings.last(name) for name in ("core.filemode", "core.symlinks")}
        files = stored(self._git, self._repo.root, paths, trusts_mode)
        return None if files is None else planted(self._git, parent, files)

    def _staged(self, parent: str) -> Staged:
        return self._differing(self._git.line("write-tree", environment=self._private), parent)

    def _differing(self, tree: str, parent: str) -> Staged:
        self._repo.tree(parent)  # differences are remembered by trees
        return Staged(tree, self._repo.entries(parent, tree))

    def _hook(self, name: str, *arguments: str) -> bool:
        """Run a hook; whether there was one to run."""
        if not has_hook(self._repo, name):
            return False
        command = ("hook", "run", "--ignore-missing", name, *(("--", *arguments) if arguments else ()))
        self._repo.invalidate()  # a hook may do anything
        answer = self._git.ask(*command, environment=self._private, hooks=True)
        if answer.code != 0:
            raise HookFailure(f"{name}: {answer.text}\n{answer.err}".strip())
        return True

    def _checked(self, message: str) -> str:
        file = self._repo.git_dir / "autoresearch-message"
        file.write_text(message, encoding="utf-8")
        try:
            self._hook("commit-msg", str(file))
            return file.read_text(encoding="utf-8")
        finally:
            file.unlink(missing_ok=True)

    def _move_head(self, new: str, old: str, message: str) -> None:
        reason = f"{REFLOG_PREFIX}{message.splitlines()[0]}"
        answer = self._git.ask("update-ref", "-m", reason, "HEAD", new, old)
        if answer.code != 0 and self._repo.head() == old:
            lock = next((lock for lock in self._repo.ref_locks() if os.path.lexists(lock)), None)
            raise held_by_another(lock) if lock else Refusal(Code.GIT, f"HEAD cannot be moved: {answer.err.strip()}")
        if answer.code != 0:
            raise Refusal(Code.HEAD_MOVED, f"HEAD is no longer at {old[:7]}: {answer.err.strip()}")
        self._repo.synchronise_branch()

    @contextmanager
    def _moving(
        self, old: str, new: str, entries: Sequence[TreeChange], message: str, tree: str = ""
    ) -> Iterator[None]:
        with self._index_with(entries, tree):
            self._repo.refuse_in_progress()
            yield
            self._move_head(new, old, message)

    @contextmanager
    def _index_with(self, entries: Sequence[TreeChange], tree: str = "") -> Iterator[None]:
        """Hold the index, and give these paths their place in it on exit, unless the body raised.

        It is written beside the index before the body runs: after that nothing is left that could be refused. Where the user's
        is as it was when `tree` was staged, the index of that is it.
        """
        with index_held(self._repo.git_dir):
            with self._repo.same_paths(self._index, entries):
                if not (tree and self._ready == (digest_of(self._repo.git_dir / "index"), tree)):
                    self._write_index(entries)
            yield
            if self._index.exists():
                synchronise(self._index)
                os.replace(self._index, self._repo.git_dir / "index")
                synchronise(self._repo.git_dir)

    def _write_index(self, entries: Sequence[TreeChange]) -> None:
        self._index.unlink(missing_ok=True)
        self._copy_index()
        # Exact ids instead of `add`: an edit made since then must not be staged by accident.
        lines = [f"{entry.new_mode} {entry.new_id}\t{entry.path}" for entry in entries]
        self._git.run("update-index", "-z", "--index-info", stdin=literal(lines), environment=self._private)

    def _restore(self, entries: Sequence[TreeChange]) -> None:
        gone = [entry.path for entry in entries if entry.new_mode == ABSENT]
        for path in gone:
            remove(self._repo.root, path)
        back = [entry.path for entry in entries if entry.new_mode != ABSENT]
        self.restore(back)
        synchronise(*_touched(self._repo.root, (*back, *gone)))


def _touched(root: Path, paths: Iterable[str]) -> list[Path]:
    """Files, and all folders above them, because each may be as new as they are; those that are there."""
    files = [root / path for path in paths]
    folders = {folder for file in files for folder in file.parents if folder.is_relative_to(root)}
    return [*(file for file in files if file.is_file()), *sorted(folders)]
