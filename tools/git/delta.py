"""The difference between two trees, in one process: what each path was and is, how many lines, and the patch."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

COMMAND = ("diff-tree", "-r", "-z", "--raw", "--numstat", "-p", "--no-ext-diff", "--no-textconv", "--no-renames")
ABSENT = "000000"
FILE, EXECUTABLE, SYMLINK, FOLDER, GITLINK = "100644", "100755", "120000", "040000", "160000"
"""Modes as git writes them."""


@dataclass(frozen=True)
class TreeChange:
    """One path of a tree difference: modes and object ids before and after."""

    path: str
    old_mode: str
    new_mode: str
    old_id: str
    new_id: str

    @property
    def added(self) -> bool:
        """Whether the path was not there before."""
        return self.old_mode == ABSENT

    def reversed(self) -> TreeChange:
        """The same difference, looked at from the other side."""
        return TreeChange(self.path, self.new_mode, self.old_mode, self.new_id, self.old_id)


@dataclass(frozen=True)
class DiffStat:
    """Files, and lines added and removed; a binary file counts no lines."""

    files: tuple[str, ...]
    added: int
    removed: int


@dataclass(frozen=True)
class Delta:
    """All of it. Undecodable bytes of the patch are replaced."""

    entries: tuple[TreeChange, ...]
    stat: DiffStat
    patch: str


def read_delta(out: bytes) -> Delta:
    """What git printed: entries, counts and, after an empty field, the patch."""
    fields: list[str] = []
    place = 0
    while (end := out.find(b"\0", place)) > place:
        fields.append(os.fsdecode(out[place:end]))
        place = end + 1
    raw = 2 * sum(field.startswith(":") for field in fields[::2])
    entries = tuple(_entry(head, path) for head, path in zip(fields[:raw:2], fields[1:raw:2], strict=True))
    return Delta(entries, _stat(fields[raw:]), out[place + 1 :].decode(errors="replace"))


def _entry(head: str, path: str) -> TreeChange:
    old_mode, new_mode, old_id, new_id, _ = head.lstrip(":").split(" ")
    return TreeChange(path, old_mode, new_mode, old_id, new_id)


def _stat(fields: Sequence[str]) -> DiffStat:
    rows = [field.split("\t", 2) for field in fields]
    count = [(int(added), int(removed)) for added, removed, _ in rows if added != "-"]
    return DiffStat(tuple(row[2] for row in rows), sum(a for a, _ in count), sum(r for _, r in count))
