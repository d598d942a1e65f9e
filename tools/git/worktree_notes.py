"""Git's notes of second checkouts, in `worktrees` of its folder: made durable, and taken away where a loss of power left them blank.

A blank one is worse than none: no `git worktree` gets past it, for whatever checkout.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from ..storage.disk import read_or_empty, synchronise, write_atomically

_BLANK = b"\0 \n"


class WorktreeNotes:
    """The notes of one repository, around the making of a checkout of ours."""

    def __init__(self, common_dir: Path, own_folder: Path) -> None:
        self._common_dir, self._places = common_dir, common_dir / "worktrees"
        self._begun = own_folder / "worktrees-before.json"

    def begin(self) -> None:
        """Write down which notes there are, so that a blank one that comes next is known to be ours."""
        self._begun.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(self._begun, json.dumps([place.name for place in self._all()]))

    def finish(self) -> None:
        """Make what git noted durable."""
        for place in self._all():
            synchronise(*(place / name for name in ("commondir", "gitdir", "HEAD")), place)
        synchronise(self._places, self._common_dir)
        self._begun.unlink(missing_ok=True)

    def forget_blank(self) -> None:
        """Take away the blank notes that came since one was begun and not finished."""
        try:
            before = json.loads(read_or_empty(self._begun))
        except ValueError:
            return
        for place in self._all():
            whole = all(read_or_empty(place / name).strip(_BLANK) for name in ("commondir", "gitdir", "HEAD"))
            if place.name not in before and not whole:
                shutil.rmtree(place, ignore_errors=True)

    def _all(self) -> list[Path]:
        return sorted(self._places.iterdir()) if self._places.is_dir() else []
