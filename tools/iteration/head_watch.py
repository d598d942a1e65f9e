"""HEAD before and after commands of the plan: what they did to it is taken back and said, what others did is refused."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from ..errors import Code, Refusal
from ..git.repo import shown
from ..lab.context import RepoContext, way_back
from ..measurement.meter import REFLOG_ACTION


class HeadWatch:
    """Where HEAD stood when it was made, before commands ran."""

    def __init__(self, context: RepoContext) -> None:
        self._context, self._repo = context, context.repo
        self._branch, self._head = self._repo.branch(), self._repo.head()
        self._untracked = {change.path for change in self._repo.changes() if not change.tracked}
        self._log = self._repo.git_dir / "logs" / "HEAD"
        self._lines = len(self._logged())

    def brought_back(self) -> tuple[str, ...]:
        """What the commands did to HEAD, in words, after that was taken back; nothing where they left it alone.

        Raises:
            Refusal: if it cannot be proved that they did it, or it cannot be taken back.
        """
        branch, head = self._repo.branch(), self._repo.head()
        if (branch, head) == (self._branch, self._head):
            return ()
        moves = self._logged()[self._lines :]
        if not moves or not all(move.partition(b"\t")[2].startswith(REFLOG_ACTION.encode()) for move in moves):
            raise self._unproved(branch, head)
        places = f"from {self._branch} at {self._head[:7]} to {branch or 'no branch'} at {head[:7]}"
        stay: Collection[str] = self._untracked
        if branch == self._branch:  # what a command committed was there before, or is a file that it made
            stay = [entry.path for entry in self._repo.entries(self._head, head) if entry.added]
        kept = self._context.index.bring_back(self._branch, self._head, stay)
        return (f"the repository: a command moved HEAD {places}; it was brought back{_kept(kept)}",)

    def _unproved(self, branch: str, head: str) -> Refusal:
        if branch != self._branch:
            where = f"{branch or 'no branch'} instead of {self._branch}"
            cure = f"Go back with `git switch {self._branch}`, then make the same call again."
        else:
            where, cure = f"{head[:7]} instead of {self._head[:7]}", way_back(head, self._head)
        message = f"HEAD is at {where} since commands ran, moved by them or by somebody else. No result was recorded."
        return Refusal(Code.HEAD_MOVED, f"{message} {cure}")

    def _logged(self) -> list[bytes]:
        try:
            return self._log.read_bytes().splitlines()
        except OSError:
            return []


def _kept(refs: Sequence[str]) -> str:
    return f", and what was there is kept by {', '.join(map(shown, refs))}" if refs else ""
