"""What stands in a checkout and not in git: ignored and untracked paths, and which of them changed since a moment."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import suppress
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath

from .repo import Repo, shown

MOST_PATHS = 1000
"""Untracked paths that are looked at one by one; beyond that, whole untracked folders are."""
MOST_NAMED = 8
_OURS = ("autoresearch-results*.tsv", "autoresearch-progress.png", "autoresearch-report.html")
_NEVER = (".git", "__pycache__", ".pytest_cache", ".mypy_cache", ".ruff_cache", *_OURS)


def changed_since(repo: Repo, moment: float) -> tuple[str, ...]:
    """Return some files that git does not have and that changed since a moment, in seconds since the epoch.

    By the time of their last change of any kind, which no program can set back.
    """
    untracked = [change.path for change in repo.changes() if not change.tracked]
    found: list[str] = []
    for path in not_in_git(repo, untracked):
        for file in _files(repo.root / path):
            if changed_after(file, moment):
                found.append(shown(str(file.relative_to(repo.root))))
            if len(found) == MOST_NAMED:
                return tuple(found)
    return tuple(found)


def changed_after(file: Path, moment: float) -> bool:
    """Tell whether a file was written, renamed or made after a moment."""
    with suppress(OSError):
        return file.lstat().st_ctime >= moment
    return False


def _files(path: Path) -> Iterator[Path]:
    if path.is_symlink() or not path.is_dir():
        yield path
        return
    for folder, folders, names in os.walk(path):
        folders[:] = [name for name in folders if not is_cache(name)]
        yield from (Path(folder, name) for name in names if not is_cache(name))


def not_in_git(repo: Repo, untracked: Sequence[str]) -> tuple[str, ...]:
    """Return the ignored and untracked paths of the user's checkout that commands may need."""
    paths = dict.fromkeys((*(repo.status(ignored=True).ignored or ()), *_folded(repo, untracked)))
    return tuple(path for path in paths if not is_cache(path) and is_ordinary(repo.root / path))


def _folded(repo: Repo, paths: Sequence[str]) -> Sequence[str]:
    """Fold thousands of untracked files into the outermost folders in which nothing is tracked."""
    if len(paths) <= MOST_PATHS:
        return paths
    tracked = {PurePosixPath("."), *(parent for path in repo.tracked() for parent in PurePosixPath(path).parents)}
    chains = ((path, *PurePosixPath(path).parents) for path in map(PurePosixPath, paths))
    return tuple({str(next(p for p in reversed(chain) if p not in tracked)): None for chain in chains})


def is_cache(path: str) -> bool:
    """Tell whether a path is a cache, or ours, that nobody needs elsewhere."""
    return any(fnmatch(part, pattern) for part in PurePosixPath(path).parts for pattern in _NEVER)


def is_ordinary(path: Path) -> bool:
    """Tell whether a path is a file, folder or link that is there: no socket, pipe or device."""
    try:
        mode = path.lstat().st_mode
    except (OSError, ValueError):
        return False
    return stat.S_ISREG(mode) or stat.S_ISDIR(mode) or stat.S_ISLNK(mode)
