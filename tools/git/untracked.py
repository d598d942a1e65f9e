"""What stands in a checkout and not in git: ignored and untracked paths, and which of them changed since a moment."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path

from .repo import Repo, shown

MOST_PATHS = 1000
"""Untracked paths that are looked at one by one; beyond that, whole untracked folders are."""
MOST_NAMED = 8
_OURS = (r"autoresearch-results[^/]*\.tsv", r"autoresearch-progress\.png", r"autoresearch-report\.html")
_CACHES = (r"\.git", "__pycache__", r"\.(?:pytest|mypy|ruff)_cache")
_NEVER = re.compile(rf"(?:\A|/)(?:{'|'.join((*_CACHES, *_OURS))})(?:/|\Z)")
"""Names that a path holds anywhere."""


def changed_since(repo: Repo, moment: float) -> tuple[str, ...]:
    """Return some files that git does not have and that changed since a moment, in seconds since the epoch.

    By the time of their last change of any kind, which no program can set back.
    """
    untracked = [change.path for change in repo.changes() if not change.tracked]
    files = (file for path in _not_in_git(repo, untracked) for file in _changed_under(f"{repo.root}/{path}", moment))
    return tuple(shown(os.path.relpath(file, repo.root)) for file in islice(files, MOST_NAMED))


def changed_after(file: Path, moment: float) -> bool:
    """Tell whether a file was written, renamed or made after a moment."""
    with suppress(OSError):
        return file.lstat().st_ctime >= moment
    return False


def _changed_under(path: str, moment: float) -> Iterator[str]:
    """Yield the file at a path, or the files below a folder, that changed after a moment."""
    status = _ordinary(path)
    if status is None:
        return
    if not stat.S_ISDIR(status.st_mode):
        if status.st_ctime >= moment:
            yield path
        return
    for folder, folders, names in os.walk(path):
        folders[:] = [name for name in folders if not is_cache(name)]
        for file in (os.path.join(folder, name) for name in names if not is_cache(name)):
            with suppress(OSError):
                if os.lstat(file).st_ctime >= moment:
                    yield file


def not_in_git(repo: Repo, untracked: Sequence[str]) -> tuple[str, ...]:
    """Return the ignored and untracked paths of the user's checkout that commands may need."""
    return tuple(path for path in _not_in_git(repo, untracked) if _ordinary(f"{repo.root}/{path}"))


def _not_in_git(repo: Repo, untracked: Sequence[str]) -> Iterator[str]:
    """Yield the ignored and untracked paths that are no caches, whatever stands there."""
    paths = dict.fromkeys((*(repo.status(ignored=True).ignored or ()), *_folded(repo, untracked)))
    return (path for path in paths if not is_cache(path))


def _folded(repo: Repo, paths: Sequence[str]) -> Sequence[str]:
    """Fold thousands of untracked files into the outermost folders in which nothing is tracked."""
    if len(paths) <= MOST_PATHS:
        return paths
    tracked = {folder for path in repo.tracked() for folder in _above(path)}
    return tuple(dict.fromkeys(next((f for f in _above(path) if f not in tracked), path) for path in paths))


def _above(path: str) -> Iterator[str]:
    """Yield every folder above a path, the outermost first."""
    end = path.find("/")
    while end >= 0:
        yield path[:end]
        end = path.find("/", end + 1)


def is_cache(path: str) -> bool:
    """Tell whether a path is a cache, or ours, that nobody needs elsewhere."""
    return _NEVER.search(path) is not None


def is_ordinary(path: Path) -> bool:
    """Tell whether a path is a file, folder or link that is there: no socket, pipe or device."""
    return _ordinary(str(path)) is not None


def _ordinary(path: str) -> os.stat_result | None:
    """Look at a path; None where there is no file, folder or link."""
    try:
        status = os.lstat(path)
    except (OSError, ValueError):
        return None
    mode = status.st_mode
    return status if stat.S_ISREG(mode) or stat.S_ISDIR(mode) or stat.S_ISLNK(mode) else None
