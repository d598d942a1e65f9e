"""Git's own locks: the index is taken as git takes it, and a lock is only removed where it can be proved to be ours."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ..errors import Code, Refusal
from ..storage.disk import write_atomically

PATIENCE_S = 5.0
"""Seconds that a lock of another git is waited for: most are held for a moment."""
DEAD_S = 1.0
"""Seconds in which a lock of a branch has to stay as it is before its git counts as dead: a living one takes milliseconds."""
_RETRY_S = 0.05
_MARK = b"Held by autoresearch-mcp"
LOCK_CURE = (
    "Most likely somebody is in the middle of a git command here, such as a `git commit` with its editor open. Let it "
    "end, then make the same call again. Only if no git runs in this repository is the lock a dead one: then a person may "
    "delete it."
)


@contextmanager
def index_held(git_dir: Path) -> Iterator[None]:
    """Hold the lock of the index, so that no other git changes it meanwhile.

    Raises:
        Refusal: if another git holds it for longer than a moment.
    """
    lock, mark = git_dir / "index.lock", git_dir / "autoresearch-index.mark"
    if _content(mark) != _MARK:  # made once and durable: a lock without its words would stay after a loss of power
        write_atomically(mark, _MARK)
    _wait(lambda: _linked(mark, lock))
    if not is_ours(lock):
        raise held_by_another(lock)
    try:
        yield
    finally:
        lock.unlink(missing_ok=True)


def wait_until_free(lock: Path) -> bool:
    """Tell whether a lock is given back within a moment."""
    return _wait(lambda: not os.path.lexists(lock))


def held_by_another(lock: Path) -> Refusal:
    """Return what to say of a lock that is not ours."""
    return Refusal(
        Code.BUSY, f"Another git process holds {lock}. Nothing was moved, and the lock was left alone. {LOCK_CURE}"
    )


def is_ours(lock: Path) -> bool:
    """Tell whether a lock of the index says that it is ours. One of git's is empty, or an index."""
    return _content(lock).startswith(_MARK)


def remove_own(git_dir: Path) -> None:
    """Remove what a dead server of ours holds of the index. For whoever holds the writer's lock."""
    (git_dir / "autoresearch-index.lock").unlink(missing_ok=True)
    if is_ours(git_dir / "index.lock"):
        (git_dir / "index.lock").unlink(missing_ok=True)


def remove_dead(head: Path, branch: Path, commit: str, since: float) -> None:
    """Remove the locks of a move of a branch to `commit` that was begun at `since` and whose git died in the middle.

    Nothing else looks like one: it was made after that, names that commit or nothing yet, and does not change.
    """
    locks = [lock for lock in (head, branch) if os.path.lexists(lock)]
    before = list(map(_mark, locks))
    if not locks or not all(mark and mark[-1] >= since for mark in before):
        return
    # After a loss of power a lock may hold the beginning of the name, or zeros.
    if _content(head) or not f"{commit}\n".encode().startswith(_content(branch).rstrip(b"\0")):
        return
    time.sleep(DEAD_S)
    if list(map(_mark, locks)) == before:
        for lock in locks:
            lock.unlink(missing_ok=True)


def _wait(done: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + PATIENCE_S
    while not (over := done()) and time.monotonic() < deadline:
        time.sleep(_RETRY_S)
    return over


def _linked(mark: Path, lock: Path) -> bool:
    """Make the lock with its words in it, at once; not where there is one."""
    try:
        os.link(mark, lock)
    except FileExistsError:
        return False
    except OSError:  # a file system without links: the words come a moment after
        with suppress(FileExistsError), lock.open("xb") as stream:
            stream.write(_MARK)
            stream.flush()
            os.fsync(stream.fileno())
            return True
        return False
    return True


def _content(file: Path) -> bytes:
    try:
        with file.open("rb") as stream:
            return stream.read(200)
    except OSError:
        return b""


def _mark(file: Path) -> tuple[float, ...]:
    try:
        seen = file.lstat()
    except OSError:
        return ()
    return (seen.st_ino, seen.st_size, seen.st_mtime, seen.st_ctime)
