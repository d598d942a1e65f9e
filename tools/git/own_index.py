"""The index of a checkout of ours, believed only while it is the one that we left there.

Whoever may write in a checkout may also tell its index that any content is the committed one, by a filter of a moment's
life, by flags, or by hand.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from .cli import GitCli
from .memory import Memory

_LEFT = Memory(16)
"""Digests of the indexes that this process left, by file. Another process's are read from the files once."""


def renew_index(git: GitCli, place: Path) -> None:
    """Read an index anew from HEAD and the files, if it is not the one that we left in this git folder.

    Files that are as in HEAD keep their times. Where git fails, the next thing that it is asked to do there fails as well.
    """
    index = place / "index"
    if (known := _LEFT.get(index)) and known == _digest(index):
        return
    index.unlink(missing_ok=True)
    git.ask("read-tree", "HEAD")
    git.ask("update-index", "-q", "--refresh")


def note_index(place: Path) -> None:
    """Remember the index in this git folder as ours."""
    _LEFT.put(place / "index", _digest(place / "index"))


def _digest(index: Path) -> bytes:
    """Return the digest of an index that stands in one file; nothing for one that does not."""
    try:
        content = index.read_bytes()
    except OSError:
        return b""
    return b"" if any(index.parent.glob("sharedindex.*")) else hashlib.sha256(content).digest()
