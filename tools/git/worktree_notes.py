"""Git's notes of second checkouts, in `worktrees` of its folder: made durable, and taken away where a loss of power left them blank.

A blank one is worse than none: no `git worktree` gets past it, for whatever checkout.
"""

from __future__ import annotations

import json
import os
import shutil
from contextlib import suppress
from pathlib import Path

from ..storage.disk import read_or_empty, synchronise, write_atomically

_BLANK = b"\0 \n"
_NOTE = frozenset({"HEAD", "commondir", "gitdir", "index"})


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

    def forget(self, folder: Path) -> None:
        """Take away the note of a checkout that is gone, whatever is broken in it, and what `_forget_blank` does.

        No `worktree prune`: that would also forget worktrees of the user's on a disk that is not mounted now.
        """
        self._forget_blank()
        for place in self._all():
            if is_of(place, folder):
                shutil.rmtree(place, ignore_errors=True)
        with suppress(OSError):  # as git does where it was the last
            self._places.rmdir()

    def clean(self, place: Path) -> bool:
        """Take away what somebody left beside git's own note of a checkout of ours, git's logs too, which anybody can write.

        Returns false where the note itself is not as git writes it.
        """
        for left in place.iterdir():
            if left.name not in _NOTE:
                shutil.rmtree(left) if left.is_dir() and not left.is_symlink() else left.unlink()
        common = read_or_empty(place / "commondir").removesuffix(b"\n")
        one_line = all(read_or_empty(place / name).count(b"\n") == 1 for name in ("commondir", "gitdir"))
        return (
            one_line
            and not any((place / name).is_symlink() for name in _NOTE)
            and common in {b"../..", os.fsencode(self._common_dir)}
        )

    def _forget_blank(self) -> None:
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


def is_of(place: Path, folder: Path) -> bool:
    """Return whether the note in a place of git's is of the checkout in a folder."""
    named = read_or_empty(place / "gitdir").strip(_BLANK)
    return b"\0" not in named and Path(place, os.fsdecode(named)).resolve() == (folder / ".git").resolve()


def place_of(folder: Path) -> Path | None:
    """Return the place of git's that a second checkout names as its own; None where it names none."""
    sign, _, named = read_or_empty(folder / ".git").partition(b"gitdir: ")
    return Path(folder, os.fsdecode(named.rstrip(b"\r\n"))).resolve() if not sign and b"\0" not in named else None
