"""What stands in a checkout and not in git: ignored and untracked paths, and which of them changed since a moment."""

from __future__ import annotations

import os
import re
import shutil
import stat
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import chain, islice
from pathlib import Path

from .repo import Repo, shown
from .stamps import stamps_of

MOST_PATHS = 1000
"""Untracked paths that are looked at one by one; beyond that, whole untracked folders are."""
MOST_NAMED = 8
_PART = 1000
"""Files that are looked at before it is asked whether enough were found."""
_OURS = (r"autoresearch-results[^/]*\.tsv", r"autoresearch-progress\.png", r"autoresearch-report\.html")
_CACHES = frozenset({"__pycache__", ".pytest_cache", ".mypy_cache", ".ruff_cache"})
"""Folders that are made again by whoever misses them."""
_NEVER = re.compile(rf"(?:\A|/)(?:{'|'.join((*map(re.escape, ('.git', *sorted(_CACHES))), *_OURS))})(?:/|\Z)")
"""Names that a path holds anywhere."""


def changed_since(repo: Repo, moment: float) -> tuple[str, ...]:
    """Return some files that git does not have and that changed since a moment, in seconds since the epoch.

    By the time of their last change of any kind, which no program can set back.
    """
    status = repo.status()
    kinds = [paths.ask("no caches", _files_and_folders) for paths in (status.ignored, status.untracked)]
    parts = (
        (str(repo.root), files[start : start + _PART]) for files, _ in kinds for start in range(0, len(files), _PART)
    )
    below = (part for _, folders in kinds for folder in folders for part in _below(f"{repo.root}/{folder}"))
    found = (f"{place}/{name}" for place, names in chain(parts, below) for name in _changed(place, names, moment))
    return tuple(shown(os.path.relpath(file, repo.root)) for file in islice(found, MOST_NAMED))


def changed_below(repo: Repo, folders: Sequence[str], moment: float) -> tuple[str, ...]:
    """Return some files in these folders that changed since a moment, in seconds since the epoch; without caches, and without
    what tools keep for themselves in folders whose name begins with a dot.
    """
    found = (
        f"{place}/{name}"
        for top in (f"{repo.root}/{folder}" for folder in folders)
        for place, names in _below(top)
        if "/." not in place[len(top) :]
        for name in _changed(place, names, moment)
    )
    return tuple(shown(os.path.relpath(file, repo.root)) for file in islice(found, MOST_NAMED))


def _files_and_folders(paths: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    kept = [path for path in paths if not is_cache(path)]
    return tuple(path for path in kept if path[-1] != "/"), tuple(path for path in kept if path[-1] == "/")


def _changed(place: str, names: Sequence[str], moment: float) -> Iterator[str]:
    new = (name for name, stamp in stamps_of(place, names).items() if stamp[1] >= moment * 1e9)
    return (name for name in new if _ordinary(f"{place}/{name}"))


def _below(path: str) -> Iterator[tuple[str, Sequence[str]]]:
    """Yield each folder at and below a path with the files in it, but for caches."""
    for folder, folders, names in os.walk(path):
        folders[:] = _no_caches(folders)
        yield folder, _no_caches(names)


def _no_caches(names: list[str]) -> list[str]:
    return [name for name in names if not is_cache(name)] if is_cache("/".join(names)) else names


def without_caches(root: Path, paths: Sequence[str], moment: float) -> tuple[str, ...]:
    """Remove the caches at and below these paths of a folder of ours; folders end in a slash, links are not followed.

    Returns some of what else changed there since a moment: files, links, and folders without any.
    """
    found: list[str] = []
    for path in paths:
        full = os.path.join(root, path.rstrip("/"))
        if os.path.basename(full) in _CACHES:
            _remove(full)
        elif path[-1] == "/":
            found += _stripped(full, moment)
        else:
            found += _since(full, moment)
    return tuple(shown(os.path.relpath(file, root)) for file in found[:MOST_NAMED])


def remove_file(root: Path, path: str) -> None:
    """Remove a file of a folder of ours, if it is one; none to which a link leads."""
    file = os.path.join(os.path.realpath(root), path)
    if os.path.isfile(file) and os.path.realpath(file) == file:
        os.unlink(file)


def _stripped(top: str, moment: float) -> Iterator[str]:
    for place, folders, names in os.walk(top):
        for cache in _CACHES.intersection((*folders, *names)):
            _remove(os.path.join(place, cache))
        folders[:] = [name for name in folders if name not in _CACHES]
        links = [name for name in folders if os.path.islink(os.path.join(place, name))]
        files = [name for name in (*names, *links) if name not in _CACHES]
        for name in files or ([] if folders else [""]):
            yield from _since(os.path.join(place, name), moment)


def _since(file: str, moment: float) -> Iterator[str]:
    with suppress(OSError):
        if os.lstat(file).st_ctime_ns >= moment * 1e9:
            yield file


def _remove(path: str) -> None:
    if os.path.islink(path) or os.path.isfile(path):
        os.unlink(path)
    shutil.rmtree(path, ignore_errors=True)


def changed_after(file: Path, moment: float) -> bool:
    """Tell whether a file was written, renamed or made after a moment."""
    with suppress(OSError):
        return file.lstat().st_ctime >= moment
    return False


def not_in_git(repo: Repo, untracked: Sequence[str]) -> tuple[str, ...]:
    """Return the ignored and untracked paths of the user's checkout that commands may need."""
    return tuple(path for path in _not_in_git(repo, untracked) if _ordinary(f"{repo.root}/{path}"))


def _not_in_git(repo: Repo, untracked: Sequence[str]) -> Iterator[str]:
    """Yield the ignored and untracked paths that are no caches, whatever stands there."""
    ignored = repo.status().ignored.paths
    others = dict.fromkeys(_folded(repo, untracked))
    # What a rule hides inside a folder that comes as a whole comes with it; brought first, it would keep the folder out.
    hidden = (path for path in ignored if others.keys().isdisjoint(_above(path)))
    return (path for path in dict.fromkeys((*(p.rstrip("/") for p in hidden), *others)) if not is_cache(path))


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
