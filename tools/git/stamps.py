"""How files stand: stamps that tell whether one changed, and folders, which are read again only if something came or went there."""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Iterable, Sequence
from functools import lru_cache
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import NamedTuple

Stamp = tuple[int, int, int, int]
"""Inode, time of the last change of any kind in nanoseconds, size and device; all zero where nothing is."""
STAMP = attrgetter("st_ino", "st_ctime_ns", "st_size", "st_dev")
NOTHING = (0, 0, 0, 0)
SETTLED_S = 2.0
"""What changed no later than this before it was read cannot change again without a new time of change."""
_FEW = 100
"""Paths that are looked at one by one, and not by their folders."""
_HOLD = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_CLOEXEC


class Group(NamedTuple):
    """Files of one folder: its path, empty or with a slash at the end, their names in it, and their paths."""

    folder: str
    names: Sequence[str]
    paths: Sequence[str]


def stamps_of(root: Path | str, paths: Collection[str]) -> dict[str, Stamp]:
    """Return what tells that a file was swapped and put back: a program can set all times of a file but that of its change.

    A link is looked at itself, not what it leads to.
    """
    top = str(root)  # a `Path` would be written out anew for each of thousands
    if isinstance(paths, frozenset) and len(paths) > _FEW:
        return stamps_in(top, _grouped(paths))
    return {path: _stamp_at(f"{top}/{path}") for path in paths}


def stamps_in(top: str, groups: Iterable[Group]) -> dict[str, Stamp]:
    """Return the same for files by their folders: from inside of one, the system has less to look up for each."""
    found: dict[str, Stamp] = {}
    for group in groups:
        try:
            folder = os.open(f"{top}/{group.folder}", _HOLD)
            try:
                stamps = [STAMP(os.lstat(name, dir_fd=folder)) for name in group.names]
            finally:
                os.close(folder)
        except (OSError, ValueError):  # something is not there
            stamps = [_stamp_at(f"{top}/{path}") for path in group.paths]
        found.update(zip(group.paths, stamps, strict=True))
    return found


def _stamp_at(file: str) -> Stamp:
    try:
        stamp: Stamp = STAMP(os.lstat(file))
    except (OSError, ValueError):
        return NOTHING
    return stamp


@lru_cache(maxsize=4)
def _grouped(paths: frozenset[str]) -> tuple[Group, ...]:
    split = sorted((*path.rpartition("/")[::2], path) for path in paths)
    by_folder = ((folder, list(files)) for folder, files in groupby(split, lambda file: file[0]))
    return tuple(
        Group(f"{folder}/" if folder else "", [file[1] for file in files], [file[2] for file in files])
        for folder, files in by_folder
    )


class Names(NamedTuple):
    """What is in a folder by name, sorted; links count as files. And the folder's own mode."""

    mode: int
    files: tuple[str, ...]
    folders: tuple[str, ...]
    of_git: frozenset[str]
    """Those of its names that begin with `.git`."""


class Folders:
    """All folders below one top, as they were at the last look."""

    def __init__(self, top: Path) -> None:
        self._top = str(top)
        self._seen: dict[str, tuple[Stamp | None, Names]] = {}

    def look(self, closed: Collection[str] = ()) -> dict[str, Names]:
        """Return each folder by its path, empty or with a slash at the end, but for `closed` ones with all that is in them.

        Where nothing came, went, or got another name or mode, it is the object of the look before. What is *in* a file is not
        looked at.

        Raises:
            OSError: if one cannot be read.
        """
        known, seen, places = self._seen, dict[str, tuple[Stamp | None, Names]](), [""]
        for place in places:
            path = f"{self._top}/{place}"
            status, there = os.lstat(path), known.get(place)
            if there is None or there[0] != STAMP(status):
                there = _read(path, status, there[1] if there else None)
            seen[place] = there
            places += [inner for name in there[1].folders if (inner := f"{place}{name}/") not in closed]
        self._seen = seen
        return {place: names for place, (_, names) in seen.items()}


def _read(path: str, status: os.stat_result, known: Names | None) -> tuple[Stamp | None, Names]:
    settled = time.time() - status.st_ctime > SETTLED_S  # before it is read
    files, folders = list[str](), list[str]()
    with os.scandir(path) as entries:
        for entry in entries:
            (folders if entry.is_dir(follow_symlinks=False) else files).append(entry.name)
    of_git = frozenset(name for name in (*files, *folders) if name.startswith(".git"))
    found = Names(status.st_mode, tuple(sorted(files)), tuple(sorted(folders)), of_git)
    return STAMP(status) if settled else None, known if known == found else found
