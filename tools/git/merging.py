"""A change of earlier commits on top of another one, merged by git in an index of its own, and brought into the checkout."""

from __future__ import annotations

import os
from collections.abc import Sequence

from ..storage.disk import remove
from .experiment import Staged
from .repo import Repo, literal
from .trees import ABSENT

_PATCH = ("diff-tree", "-p", "--binary", "--full-index", "--no-ext-diff", "--no-textconv", "--no-renames")


_NAME = "autoresearch-merge-index"


def merged(repo: Repo, old: str, new: str, onto: str) -> Staged | None:
    """Build the tree that has the difference of two commits on top of a third; None where they conflict."""
    tree = stacked(repo, [patch_of(repo, old, new)], onto)
    if tree is None:
        return None
    repo.tree(onto)  # differences are remembered by trees
    return Staged(tree, repo.entries(onto, tree))


def patch_of(repo: Repo, old: str, new: str) -> bytes:
    """Return the difference of two commits."""
    return repo.git.run(*_PATCH, old, new)


def stacked(repo: Repo, patches: Sequence[bytes], onto: str, index: str = _NAME) -> str | None:
    """Build the tree that has patches on top of a commit, one after the other, in the `index` of this name, which is for one at a
    time; None where they conflict.

    The merge is three-way, but where the repository's own settings name merge programs, which are not run: there the lines
    around have to be as they were.
    """
    private = _index(repo, index)
    repo.git.run("read-tree", "--reset", onto, environment=private)
    way = ("apply", "--cached", "--whitespace=nowarn", *(() if _has_programs(repo) else ("--3way",)), "-")
    for patch in filter(None, patches):
        if repo.git.ask(*way, stdin=patch, environment=private).code != 0:
            return None
    return repo.git.line("write-tree", environment=private)


def conflicting(repo: Repo, index: str = _NAME) -> tuple[str, ...]:
    """Return the paths in which the last `merged` conflicted; none where git did not come so far."""
    out = repo.git.run("ls-files", "-z", "--unmerged", environment={"GIT_INDEX_FILE": str(repo.git_dir / index)})
    return tuple(dict.fromkeys(os.fsdecode(line.partition(b"\t")[2]) for line in out.split(b"\0") if line))


def bring(repo: Repo, staged: Staged) -> None:
    """Put the files of a tree that differ from HEAD into the checkout, as if somebody had edited them there. The user's index
    is not touched.
    """
    private = _index(repo)
    repo.git.run("read-tree", "--reset", staged.tree, environment=private)
    for entry in staged.entries:
        if entry.new_mode == ABSENT:
            remove(repo.root, entry.path)
    back = [entry.path for entry in staged.entries if entry.new_mode != ABSENT]
    repo.git.run("checkout-index", "--force", "-z", "--stdin", stdin=literal(back), environment=private)
    (repo.git_dir / _NAME).unlink(missing_ok=True)
    repo.invalidate()


def _index(repo: Repo, name: str = _NAME) -> dict[str, str]:
    index = repo.git_dir / name
    for left in (index, index.with_name(f"{_NAME}.lock")):
        left.unlink(missing_ok=True)
    return {"GIT_INDEX_FILE": str(index)}


def _has_programs(repo: Repo) -> bool:
    own = [name for scope, name, _ in repo.settings().values if scope in {"local", "worktree"}]
    return any(name.startswith("merge.") and name.endswith(".driver") for name in own)
