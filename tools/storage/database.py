"""One SQLite file, durable and shared: its connection is kept open, because to open it anew costs more than most answers."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from ..errors import Code, Refusal

Execute = Callable[..., Any]


class Database:
    """Reads without waiting for writers, for many threads of one process. `layout` numbers the schema."""

    def __init__(self, file: Path, schema: str, layout: int) -> None:
        self._file = file
        self._schema = schema
        self._layout = layout
        self._lock = threading.RLock()
        self._link: sqlite3.Connection | None = None
        self._owner = (0, 0, 0)
        self._log = 0
        self._copies: tempfile.TemporaryDirectory[str] | None = None
        self._copied: Sequence[tuple[int, int, int]] = ()

    def query(self, query: str, *values: object) -> list[tuple]:  # type: ignore[type-arg]
        """Return all answers; none while there is no file.

        Raises:
            Refusal: if the file cannot be read.
        """
        if not self._file.exists():
            return []
        with self._curable(), self._open() as link:
            return link.execute(query, values).fetchall()

    @contextmanager
    def transaction(self) -> Iterator[Execute]:
        """Write all or nothing; the lock is taken at once, because what is written depends on what stands there.

        Raises:
            Refusal: if the file cannot be written.
        """
        self._file.parent.mkdir(parents=True, exist_ok=True)
        with self._curable(), self._open() as link:
            link.execute("BEGIN IMMEDIATE")
            try:
                yield link.execute
            except BaseException:
                link.execute("ROLLBACK")
                raise
            link.execute("COMMIT")

    def writes(self) -> tuple[int, ...]:
        """Return a value that changes when another connection writes, or when the file is another one."""
        if not self._file.exists() or not os.access(self._file.parent, os.W_OK):
            return ()
        with self._curable(), self._open() as link:
            return (*self._owner, int(link.execute("PRAGMA data_version").fetchone()[0]))

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            if self._file.exists() and not os.access(self._file.parent, os.W_OK):
                with closing(self._read_only()) as link:
                    yield link
                return
            if self._link is None or self._owner != self._now() or self._log != self._log_now():
                self._renew()
            assert self._link is not None, "made just before"
            yield self._link

    def _read_only(self) -> sqlite3.Connection:
        """Open the file where nothing can be written beside it, which a reader, too, would have to do.

        Without a log it is all there is. With one SQLite reads both if the log's index is there as well; if not, from copies
        in a folder where it can make another.
        """
        place, log = self._file.resolve().as_uri(), self._file.with_name(f"{self._file.name}-wal")
        if not log.exists() or not log.stat().st_size:
            return sqlite3.connect(f"{place}?mode=ro&immutable=1", uri=True, timeout=10)
        link = sqlite3.connect(f"{place}?mode=ro", uri=True, timeout=10)
        try:
            link.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchall()
            return link
        except sqlite3.OperationalError:
            link.close()
        found = [file.stat() for file in (self._file, log)]
        marks = [(one.st_ino, one.st_size, one.st_mtime_ns) for one in found]
        if self._copied != marks or self._copies is None:
            self._copies = tempfile.TemporaryDirectory(prefix="autoresearch-")
            for file in (self._file, log):
                shutil.copyfile(file, Path(self._copies.name) / file.name)
            self._copied = marks
        return sqlite3.connect(Path(self._copies.name) / self._file.name, timeout=10)

    def _log_now(self) -> int:
        """Return the inode of the write-ahead log; 0 without one."""
        try:
            return self._file.with_name(f"{self._file.name}-wal").stat().st_ino
        except FileNotFoundError:
            return 0

    def _renew(self) -> None:
        self._close()  # which brings what only a log without a name holds into the file, while nobody began another log
        link = sqlite3.connect(self._file, timeout=10, isolation_level=None, check_same_thread=False)
        try:
            if link.execute("PRAGMA user_version").fetchone()[0] < self._layout:
                link.execute("PRAGMA journal_mode = WAL")
                link.executescript(f"{self._schema} PRAGMA user_version = {self._layout};")
            link.execute("PRAGMA synchronous = FULL")
            link.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchall()  # now the log is there
        except BaseException:
            link.close()
            raise
        self._link, self._owner, self._log = link, self._now(), self._log_now()

    def _now(self) -> tuple[int, int, int]:
        """Whose the connection is, and which file it would open."""
        try:
            status = self._file.stat()
        except (FileNotFoundError, NotADirectoryError):
            return (os.getpid(), 0, 0)
        return (os.getpid(), status.st_dev, status.st_ino)

    def _close(self) -> None:
        if self._link is not None and self._owner == self._now():
            self._link.close()
        elif self._link is not None:
            # Of the process that forked us, or of a file that another took the place of: to close it would remove a log
            # that is not its own.
            _ANOTHERS.append(self._link)
        self._link = None

    def __del__(self) -> None:
        self._close()

    @contextmanager
    def _curable(self) -> Iterator[None]:
        """Turn an error of the database into a refusal that says what to do."""
        try:
            yield
        except sqlite3.OperationalError as error:
            cure = "Free disk space there and make it writable, then make the same call again."
            raise Refusal(Code.DISK, f"The journal {self._file} could not be used: {error}. {cure}") from error
        except sqlite3.DatabaseError as error:
            cure = "restore it from a backup, or move it away and start anew; git keeps every experiment"
            files = f"{self._file.name}-wal and {self._file.name}-shm, if they are there, go with it"
            cure = f"Stop the server, then {cure}: {files}."
            raise Refusal(Code.JOURNAL_BROKEN, f"The journal cannot be read: {error}. {cure}") from error


_ANOTHERS: list[sqlite3.Connection] = []
