"""The user's checkout while a command of theirs runs in it: what it may not leave behind."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ...errors import Code, Refusal
from ...git.repo import Repo
from ...lab.context import RepoContext
from ..ledger.items import Proof


@contextmanager
def left_as_it_was(context: RepoContext, proof: Proof) -> Iterator[list[str]]:
    """Run something within, after which branch, HEAD and the user's files are as they were; where it is to show a fault, none that
    git has was even written and put back. Yields a list that holds afterwards what was left, caches apart.

    Raises:
        Refusal: if they are not; HEAD is brought back where that can be.
    """
    repo, before, others = context.repo, edited(context), frozenset(context.repo.status().untracked.paths)
    branch, head, written = repo.branch(), repo.head(), _written(context)
    left: list[str] = []
    yield left
    if (repo.branch(), repo.head()) != (branch, head):
        message = f"`{proof.command}` or its control committed or switched branch. {_put_back(repo, branch, head)}"
        raise Refusal(Code.EVIDENCE, f"{message} Let it work on a copy.")
    there = {*repo.status().untracked.paths}
    left += sorted(path for path in there - others if not {"__pycache__", ".pytest_cache"} & {*path.split("/")})
    done = {
        "edited {}. Put that back, and let it work on a copy.": edited(context) - before,
        "wrote {}, and put it back. Run the code as it is, where it lies.": {
            path for path, stamp in _written(context).items() if proof.fails_with and written.get(path) != stamp
        },
        "removed {}, which git does not have. Let it work on a copy.": others - there,
    }
    for what, paths in done.items():
        if paths:
            told = what.format(", ".join(sorted(paths)[:5]))
            raise Refusal(Code.EVIDENCE, f"`{proof.command}` or its control {told}")


def _put_back(repo: Repo, branch: str, head: str) -> str:
    """Bring HEAD back to where it was, losing no edit; return what became of it, in a sentence or two."""
    told = []
    if repo.branch() != branch:
        answer = repo.git.ask("switch", "--quiet", *([branch] if branch else ["--detach", head]))
        told += [f"git would not switch back: {answer.err.strip()}"] if answer.code else []
    # After the switch: what was committed stands in the files then, and goes on to do so.
    if repo.branch() == branch and (now := repo.head()) != head:
        repo.git.run("update-ref", "-m", "autoresearch: back", "HEAD", head, now)
        told.append(f"What it committed is kept as {now[:7]}, and stands as edits.")
    repo.invalidate()
    back = (repo.branch(), repo.head()) == (branch, head)
    return " ".join([f"HEAD is {'back' if back else 'not back'} at {branch or head[:7]}.", *told])


def edited(context: RepoContext) -> frozenset[str]:
    """Return the tracked files that differ from HEAD."""
    return frozenset(change.path for change in context.repo.changes() if change.tracked)


def _written(context: RepoContext) -> dict[str, tuple[int, int]]:
    """Return when each tracked file was last written, and which one it is: that changes also where the same text is put back."""
    found = {}
    for path in context.repo.tracked():
        try:
            status = (context.repo.root / path).lstat()
        except OSError:
            continue
        found[path] = (status.st_ctime_ns, status.st_ino)
    return found
