"""What git does not have and commands may need, in a checkout of ours: copied there, or linked to the user's own.

A copy shares its blocks with the original where the file system can do that. Nothing is a hard link: what is appended to one
would be in the other as well.
"""

from __future__ import annotations

import math
import os
import shutil
import stat
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path, PurePosixPath

from ..storage.disk import clone_file
from .memory import Memory
from .repo import Repo
from .stamps import Folders, Group, Names, Stamp, stamps_in, stamps_of
from .trees import Tracked
from .untracked import changed_after, is_cache, is_ordinary, not_in_git

ROOM = 2**30
"""Bytes that are copied in all; what is left over is linked."""
DEPENDENCIES = frozenset({"node_modules", ".venv", "venv", "env", ".tox", ".gradle", "vendor"})
"""Folders that commands read and do not write: linked, however small; so are Python environments of any name."""
_OF_ENVIRONMENTS = ("pyvenv.cfg", "conda-meta")
_OF_BUILDS = ("CMakeCache.txt", ".rustc_info.json")
"""Files in build folders that hold their own path: in a copy CMake builds nothing and says so to nobody, and Cargo skips sources
that are older than what it built.
"""
_FOLDER = -1
"""Stands for the inode among the stamps of folders, which have nothing but their mode."""
_TICK_S = 0.01
"""The kernel's clock for times of change: what a run writes has a later one than what was copied so long before."""
_CAME_IN = Memory(8)
"""Stamps of all that git does not have, by checkout. Only this process knows them: on disk, whoever runs there could write
them.
"""
_FOLDERS = Memory(8)
"""The folders of a checkout, and the files in each that are beside the tracked ones."""


@dataclass(frozen=True)
class UntrackedPaths:
    """Paths that git does not have and commands may need: copied, or linked to the user's own; and when that was done, in
    seconds since the epoch. Some that had changed since the session began are named in `late`; what is needed but did not come
    is in `left`. `files` and `size`, in bytes, are of the copies, of which `clones` files share their blocks with the user's.
    """

    copied: tuple[str, ...]
    shared: tuple[str, ...]
    at: float = field(default=0.0, compare=False)
    late: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    files: int = field(default=0, compare=False)
    size: int = field(default=0, compare=False)
    clones: int = field(default=0, compare=False)


class UntrackedCopies:
    """The copies in one checkout of ours. What changed after `not_after`, in seconds since the epoch, does not come in.

    Build folders that hold their own path are left out. In a checkout that somebody `edits` nothing is linked to the user's own,
    where an installation would write.
    """

    def __init__(self, repo: Repo, folder: Path, not_after: float = math.inf, edits: bool = False) -> None:
        self._repo = repo
        self._folder = folder
        self._not_after = not_after
        self._edits = edits
        self._copier = _Copier()

    def bring(self, untracked: Sequence[str], late: tuple[str, ...]) -> UntrackedPaths:
        """Copy, or link, into a checkout in which nothing stands yet but what git has."""
        copied: list[str] = []
        shared: list[str] = []
        left: list[str] = []
        room = min(ROOM, shutil.disk_usage(self._folder).free // 2)
        can_hold = cache(self._can_hold)
        paths = [
            path
            for path in not_in_git(self._repo, untracked)
            if not self._too_new(self._source(path))
            and can_hold(os.path.dirname(path))
            and not os.path.lexists(self._target(path))
        ]
        for size, path in sorted((_size(self._source(path)), path) for path in paths):
            needs_link = size > room or (
                not self._edits and (os.path.basename(path) in DEPENDENCIES or _is_environment(self._source(path)))
            )
            if _is_build(self._source(path)) or (needs_link and self._edits):
                left.append(path)
            elif needs_link:
                os.symlink(self._source(path), self._target(path))
                shared.append(path)
            elif self._copy(path):
                room -= size
                copied.append(path)
        done = self._copier
        brought = (tuple(copied), tuple(shared), time.time(), late, tuple(left))
        return UntrackedPaths(*brought, done.files, done.size, done.clones)

    def note(self, tracked: Tracked) -> None:
        """Remember what stands there beside the `tracked` files, before anything has run there."""
        _CAME_IN.put(self._folder, self._beside(tracked))
        time.sleep(_TICK_S)

    def restore(self, tracked: Tracked, shared: Collection[str]) -> bool:
        """Put back what stood there beside the `tracked` files when that was noted, and nothing else: only what was touched
        since is copied again, or linked where that was `shared`.

        Returns false where that is not known, or the user's own has changed since.
        """
        known: dict[str, Stamp] | None = _CAME_IN.get(self._folder)
        if known is None:
            return False
        self.forget()  # until it is whole
        try:
            found = self._beside(tracked)
            if found == known:
                _CAME_IN.put(self._folder, known)
                return True
            for path in sorted(found.keys() - known.keys(), reverse=True):
                _delete(self._target(path))
            touched = sorted(path for path, stamp in known.items() if found.get(path) != stamp)
            if not all(self._again(path, known[path], path in shared) for path in touched):
                return False
        except OSError:
            return False
        files = [path for path in touched if known[path][0] != _FOLDER]
        _CAME_IN.put(self._folder, {**known, **stamps_of(self._folder, files)})
        time.sleep(_TICK_S if files else 0)
        return True

    def forget(self) -> None:
        """Know nothing of what stands there."""
        _CAME_IN.forget(self._folder)

    def _source(self, path: str) -> str:
        return f"{self._repo.root}/{path}"

    def _target(self, path: str) -> str:
        return f"{self._folder}/{path}"

    def _beside(self, tracked: Tracked) -> dict[str, Stamp]:
        """Return all that stands there beside the `tracked` files and the folders that these are in."""
        folders, known = _FOLDERS.ask(self._folder, lambda: (Folders(self._folder), Memory(2)))
        there = folders.look()
        found = {
            path: (_FOLDER, folder.mode, 0, 0)
            for place, folder in there.items()
            if (path := place.rstrip("/")) and path not in tracked.folders
        }
        before: dict[str, tuple[Names, Group]] = known.get(tracked) or {}
        groups = {place: _group(place, folder, tracked, before.get(place)) for place, folder in there.items()}
        known.put(tracked, groups)
        return found | stamps_in(str(self._folder), (group for _, group in groups.values() if group.names))

    def _again(self, path: str, stamp: Stamp, is_shared: bool) -> bool:
        source, target = self._source(path), self._target(path)
        is_folder = stamp[0] == _FOLDER
        if not (is_folder and os.path.isdir(target) and not os.path.islink(target)):
            _delete(target)
        if is_folder:
            os.makedirs(target, exist_ok=True)
            os.chmod(target, stat.S_IMODE(stamp[1]))
        elif is_shared:
            os.symlink(source, target)
        elif os.path.lexists(source) and not self._too_new(source):
            self._copy_one(source, target)
        return os.path.lexists(target)

    def _can_hold(self, parent: str) -> bool:
        """Make a folder; tell whether it is one of ours. A commit's link is never written through."""
        parts = PurePosixPath(parent)
        if any(os.path.islink(self._target(str(place))) for place in (parts, *parts.parents)):
            return False
        with suppress(FileExistsError, NotADirectoryError):
            os.makedirs(self._target(parent), exist_ok=True)
        return os.path.isdir(self._target(parent))

    def _copy(self, path: str) -> bool:
        source, target = self._source(path), self._target(path)
        if os.path.islink(source) or not os.path.isdir(source):
            self._copy_one(source, target)
        else:
            with suppress(OSError):  # some of it could not be read; the rest is there
                shutil.copytree(source, target, symlinks=True, ignore=self._unwanted, copy_function=self._copier.copy)
            for link in _links(target):
                self._aim(link)
        return os.path.lexists(target)

    def _copy_one(self, source: str, target: str) -> None:
        self._copier.copy(source, target)
        if os.path.islink(target):
            self._aim(Path(target))

    def _unwanted(self, folder: str, names: list[str]) -> list[str]:
        files = {name: f"{folder}/{name}" for name in names}
        return [
            name
            for name, file in files.items()
            if is_cache(name) or not is_ordinary(Path(file)) or self._too_new(file) or _is_build(file)
        ]

    def _too_new(self, file: str) -> bool:
        return self._not_after < math.inf and not os.path.isdir(file) and changed_after(Path(file), self._not_after)

    def _aim(self, link: Path) -> None:
        """Correct a link copied from the user's checkout: what led into that leads into ours, what led out still does."""
        root, given = self._repo.root, os.readlink(link)
        place = root / link.relative_to(self._folder)
        full = Path(os.path.normpath(place.parent / given))
        within = full.is_relative_to(root)
        if within != os.path.isabs(given):
            return  # relative and inside, or absolute and outside: it means the same here
        link.unlink()
        link.symlink_to(self._folder / full.relative_to(root) if within else full)


def _group(place: str, folder: Names, tracked: Tracked, known: tuple[Names, Group] | None) -> tuple[Names, Group]:
    """Return the files in a folder that are beside the `tracked` ones, as `known` where it is the folder of before."""
    if known is not None and known[0] is folder:
        return known
    beside = [name for name in folder.files if (path := f"{place}{name}") not in tracked.files and path != ".git"]
    return folder, Group(place, beside, [f"{place}{name}" for name in beside])


def _is_environment(path: str) -> bool:
    return os.path.isdir(path) and any(os.path.exists(f"{path}/{name}") for name in _OF_ENVIRONMENTS)


def _is_build(path: str) -> bool:
    return os.path.isdir(path) and any(os.path.exists(f"{path}/{name}") for name in _OF_BUILDS)


def _size(path: str) -> int:
    """Return the bytes below a path; counting stops where it is too much to copy anyway."""
    size = os.lstat(path).st_size
    for folder, _, names in os.walk(path) if not os.path.islink(path) else ():
        for name in names:
            with suppress(OSError):
                size += os.lstat(os.path.join(folder, name)).st_size
        if size > ROOM:
            break
    return size


def _delete(path: str) -> None:
    if os.path.isdir(path) and not os.path.islink(path):
        delete_folder(Path(path))
    else:
        with suppress(FileNotFoundError):
            os.unlink(path)


def delete_folder(folder: Path) -> None:
    """Remove a folder, and the folders in it that a build made read-only. Links are not followed."""
    shutil.rmtree(folder, ignore_errors=True)
    for place, names, _ in os.walk(folder):
        for name in (".", *names):
            if not os.path.islink(os.path.join(place, name)):
                os.chmod(os.path.join(place, name), 0o700)
    shutil.rmtree(folder, ignore_errors=True)


class _Copier:
    """Copies files, as clones as long as the file system makes any, and counts them."""

    def __init__(self) -> None:
        self.files = self.size = self.clones = 0
        self._can_clone = True

    def copy(self, source: str, target: str) -> None:
        """Copy one file or link with its times and mode; half a file is worse than none."""
        try:
            if self._cloned(source, target):
                shutil.copystat(source, target, follow_symlinks=False)
                self.clones += 1
            else:
                shutil.copy2(source, target, follow_symlinks=False)
            self.files += 1
            self.size += os.lstat(target).st_size
        except OSError:
            Path(target).unlink(missing_ok=True)

    def _cloned(self, source: str, target: str) -> bool:
        # Where the file system cannot, the next file is not tried.
        self._can_clone = self._can_clone and (os.path.islink(source) or clone_file(source, target))
        return self._can_clone and not os.path.islink(source)


def _links(top: str) -> Iterator[Path]:
    for folder, folders, names in os.walk(top):
        yield from (link for name in (*folders, *names) if (link := Path(folder, name)).is_symlink())
