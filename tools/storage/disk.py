"""Small files of ours and digests of the user's: atomic writes, the results view, the writer's lock, evidence."""

from __future__ import annotations

import errno
import fcntl
import os
import platform
import shutil
import time
from collections.abc import Hashable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from ..errors import Code, Refusal

OURS = b"autoresearch-mcp"
"""Stands in every picture and page of ours, so that another file by their name is known to be somebody else's."""


def write_ours(file: Path, data: bytes) -> None:
    """Write a picture or page of ours, in place of the one before.

    Raises:
        Refusal: if what stands there is not ours.
    """
    if os.path.lexists(file) and (not file.is_file() or OURS not in file.read_bytes()[:4096]):
        message = f"{file.name} exists and is not ours, so it was left alone. Move or rename it, then ask again."
        raise Refusal(Code.BAD_NAME, message)
    write_atomically(file, data)


def write_atomically(file: Path, content: str | bytes, *, durable: bool = True) -> None:
    """Replace a file's content; a reader sees the old one or the new, never half of it, where it is `durable` also after a loss
    of power.
    """
    draft = file.with_name(f".{file.name}.draft")
    with draft.open("wb") as stream:
        stream.write(content.encode() if isinstance(content, str) else content)
        stream.flush()
        if durable:
            os.fsync(stream.fileno())
    os.replace(draft, file)
    if durable:
        synchronise(file.parent)


_CANNOT = frozenset({errno.EINVAL, errno.ENOTSUP, errno.EACCES, errno.ENOENT, errno.ENOTDIR, errno.ELOOP})
"""What file systems say that keep no folder apart from its files, folders that one may write but not read, and what is not
there, or is a link by now."""


def synchronise(*places: Path) -> None:
    """Make files, and the names in folders, durable; what is not there is passed over.

    A file that was synchronised may still be lost with a name that was not: that is its folder's.
    """
    if len(places) > MOST_PLACES:
        os.sync()
        return
    for place in places:
        try:
            descriptor = os.open(place, os.O_RDONLY | os.O_NOFOLLOW | (os.O_DIRECTORY if place.is_dir() else 0))
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        except OSError as error:
            if error.errno not in _CANNOT:
                raise


MOST_PLACES = 500
"""Places that are synchronised one by one; of more, the whole disk is waited for."""


class DerivedFile:
    """A derived file: whole after every write, and put aside rather than overwritten when somebody edited it.

    While it is as we left it, it only grows at its end.
    """

    def __init__(self) -> None:
        self._left: tuple[object, ...] = ()

    def grow(self, file: Path, line: str, after: Hashable) -> bool:
        """Add one line to what `after` names; false if that is not what stands there."""
        if self._left != (after, *_mark(file)):
            return False
        with file.open("a", encoding="utf-8") as stream:
            stream.write(line)
        return True

    def write(self, file: Path, text: str, previous: str) -> Path | None:
        """Bring the file up to date.

        `previous` is what it held after our last write. If somebody changed it since, their version is set aside
        beside it, and that path is returned. The beginning of the text alone is a write of ours that was interrupted.
        """
        found = file.read_text(encoding="utf-8", errors="replace") if file.exists() else ""
        aside = None
        if found not in {text, previous} and not text.startswith(found):
            aside = _free_name(file)
            os.replace(file, aside)
        if found != text:
            write_atomically(file, text)
        return aside

    def leave(self, file: Path, what: Hashable) -> None:
        """Remember how the file stands, and what it shows."""
        self._left = (what, *_mark(file))


def _mark(file: Path) -> tuple[int, ...]:
    try:
        status = file.lstat()
    except OSError:
        return ()
    return (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def _free_name(file: Path) -> Path:
    number = 1
    while (aside := file.with_suffix(f".edited-{number}{file.suffix}")).exists():
        number += 1
    return aside


def read_or_empty(file: Path) -> bytes:
    """Return a file's bytes; none where it cannot be read."""
    try:
        return file.read_bytes()
    except OSError:
        return b""


BOOT = Path("/proc/sys/kernel/random/boot_id")


def boot() -> str:
    """Tell one start of the machine from another: what nobody waited for before the last may be there in part.

    Empty where the system does not say.
    """
    return read_or_empty(BOOT).decode().strip()


def remove(root: Path, path: str) -> None:
    """Delete one file and the folders that it leaves empty."""
    file = root / path
    file.unlink(missing_ok=True)
    for folder in file.parents:
        if folder == root or (folder.exists() and any(folder.iterdir())):
            return
        if folder.exists():
            folder.rmdir()


def keep_evidence(folder: Path, root: Path, paths: Iterable[str]) -> None:
    """Copy files as they stand into a folder of ours; a copy that an interrupted call left there stays beside them."""
    for path in paths:
        if (root / path).is_file():
            copy, number = folder / path, 0
            while os.path.lexists(copy):
                number += 1
                copy = folder / f"{path}.{number}"
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(root / path, copy, follow_symlinks=False)


_CLONE = 0x40049409
"""FICLONE of `linux/fs.h`: one file gets the blocks of another, until either is written."""


def clone_file(source: str, target: str) -> bool:
    """Make a new file of the blocks of another; tells whether the file system can do that. Where not, there is no new file."""
    try:
        with open(source, "rb") as old, open(target, "xb") as new:
            fcntl.ioctl(new, _CLONE, old.fileno())
        return True
    except OSError:
        Path(target).unlink(missing_ok=True)
        return False


def take_lock(file: Path, make: bool = True) -> int | None:
    """Return an open descriptor that holds the file's lock; None while another process holds it. Death releases it.

    Raises:
        FileNotFoundError: if there is no such file and none is to be made.
    """
    descriptor = os.open(file, os.O_RDWR | (os.O_CREAT if make else 0), 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


@contextmanager
def held_lock(file: Path, patience_s: float) -> Iterator[None]:
    """Hold a file's lock, waiting for it at most so many seconds. Death releases it.

    Raises:
        OSError: if it cannot be had in time.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a+b") as opened:
        if not _taken(opened.fileno(), patience_s):
            raise TimeoutError(f"another process holds {file}")
        try:
            yield
        finally:
            fcntl.flock(opened.fileno(), fcntl.LOCK_UN)


RETRY_S = 0.02

HELD: ContextVar[tuple[int, ...]] = ContextVar("HELD", default=())
"""Descriptors of the writer's locks that this call holds. Its git inherits them: if it outlives a dead server, nobody else
begins before it ends. Those of other calls are not its own to keep, and may be closed at any moment."""


@contextmanager
def writer_lock(folder: Path, what: str, patience_s: float = 0.0) -> Iterator[None]:
    """Hold the one writer's place of a repository, waiting for it at most `patience_s` seconds. Death releases it.

    Raises:
        Refusal: if another call or process holds it; names the holder.
    """
    if not folder.is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        synchronise(folder.parent)
    with (folder / "lock").open("a+", encoding="utf-8") as file:
        if not _taken(file.fileno(), patience_s):
            holder = lock_holder(folder) or "another process"
            raise Refusal(Code.BUSY, f"Another call is at work in this repository ({holder}).")
        file.truncate(0)
        file.write(f"{what} since {time.strftime('%H:%M:%S')} on {platform.node()}, process {os.getpid()}")
        file.flush()
        before = HELD.set((*HELD.get(), file.fileno()))
        try:
            yield
        finally:
            HELD.reset(before)
            file.truncate(0)
            # By hand: a process that another thread is just starting has a copy of the descriptor for a moment, and a lock
            # that is only closed lasts as long as that.
            fcntl.flock(file.fileno(), fcntl.LOCK_UN)


def _taken(descriptor: int, patience_s: float) -> bool:
    """Try to get the lock in time; by asking again and again, because a wait in the kernel has no deadline."""
    deadline = time.monotonic() + patience_s
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if time.monotonic() >= deadline:
                return False
            time.sleep(RETRY_S)


def lock_holder(folder: Path) -> str:
    """Say who holds the writer's place; empty while nobody does. Reads only: a reader must not stand in the way."""
    file = folder / "lock"
    words = file.read_text(encoding="utf-8").strip() if file.exists() else ""
    number = words.rpartition(" ")[2]
    return words if number.isdecimal() and alive(int(number)) else ""


def alive(process: int) -> bool:
    """Whether there is a process of this number."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True  # it lives, and belongs to somebody else
    return True


@contextmanager
def curable_disk() -> Iterator[None]:
    """Turn the error of a disk that is full or may not be written into a refusal with its cure."""
    try:
        yield
    except OSError as error:
        if error.errno not in {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM}:
            raise
        where = f" at {error.filename}" if error.filename else ""
        cure = "Free disk space or make it writable, then make the same call again: it goes on where this one stopped."
        raise Refusal(Code.DISK, f"The disk said no{where}: {error.strerror}. {cure}") from error
