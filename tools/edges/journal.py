"""The journal: every event of every session, appended to one SQLite file under the git common directory."""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from ..errors import Code, Refusal
from ..rules.events import Event, Logged, Row, read_event

_SCHEMA = """
CREATE TABLE IF NOT EXISTS event (
    number INTEGER PRIMARY KEY,
    session TEXT NOT NULL,
    at REAL NOT NULL,
    kind TEXT NOT NULL,
    iteration INTEGER,
    body TEXT NOT NULL,
    previous TEXT NOT NULL,
    digest TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS event_by_session ON event (session, kind, iteration);
CREATE INDEX IF NOT EXISTS event_by_kind ON event (kind, number);
CREATE INDEX IF NOT EXISTS event_by_digest ON event (digest);
CREATE TRIGGER IF NOT EXISTS event_is_never_changed BEFORE UPDATE ON event
    BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
CREATE TRIGGER IF NOT EXISTS event_is_never_removed BEFORE DELETE ON event
    BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
"""


_FIELDS = "number, session, at, kind, iteration, body"
_TIP = "SELECT digest FROM event ORDER BY number DESC LIMIT 1"


def _chained(previous: str, fields: Sequence[object]) -> str:
    """The digest of a record, over its own fields and the digest of the record before it."""
    return hashlib.sha256(json.dumps([previous, *fields]).encode()).hexdigest()


def _last(database: sqlite3.Connection) -> tuple[int, str]:
    found = database.execute("SELECT number, digest FROM event ORDER BY number DESC LIMIT 1").fetchone()
    return (found[0], found[1]) if found else (0, "")


@contextmanager
def _transaction(database: sqlite3.Connection) -> Iterator[None]:
    """All or nothing; the lock is taken at once, because the next number is read first."""
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        database.execute("ROLLBACK")
        raise
    database.execute("COMMIT")


def _edited(file: Path, what: str) -> Refusal:
    message = f"The journal is not what was written: {what}. Nothing that rests on it can be believed."
    return Refusal(Code.JOURNAL_BROKEN, f"{message} Restore {file} from a backup, or move it away and start anew.")


@contextmanager
def _curable(file: Path) -> Iterator[None]:
    """A database that cannot be written or read is a refusal with its cure."""
    try:
        yield
    except sqlite3.OperationalError as error:
        cure = "Free disk space there and make it writable, then make the same call again."
        raise Refusal(Code.DISK, f"The journal {file} could not be used: {error}. {cure}") from error
    except sqlite3.DatabaseError as error:
        cure = f"Restore {file} from a backup, or move it away and start anew; git keeps every experiment."
        raise Refusal(Code.JOURNAL_BROKEN, f"The journal cannot be read: {error}. {cure}") from error


class Journal:
    """Reads without waiting for writers; writes durably, all events of one call or none."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "journal.db"

    def append(self, session: str, at: float, events: Sequence[Event]) -> None:
        """Add events in order. `at` is in seconds since the epoch."""
        self._file.parent.mkdir(parents=True, exist_ok=True)
        with _curable(self._file), closing(self._open()) as database, _transaction(database):
            number, digest = _last(database)
            for event in events:
                number, previous = number + 1, digest
                body = event.model_dump_json()
                fields = (number, session, at, event.kind, getattr(event, "iteration", None), body)
                digest = _chained(previous, fields)
                database.execute("INSERT INTO event VALUES (?, ?, ?, ?, ?, ?, ?, ?)", (*fields, previous, digest))

    def tip(self) -> str:
        """The digest of the last record; empty without any."""
        return next((digest for (digest,) in self._query(_TIP)), "")

    def broken(self) -> str:
        """The first record that was edited, or that others are missing before; empty when the chain holds."""
        expected, digest = 1, ""
        for row in self._query(f"SELECT {_FIELDS}, previous, digest FROM event ORDER BY number"):
            *fields, previous, own = row
            if fields[0] != expected or previous != digest:
                return f"between records {expected - 1} and {fields[0]} something is missing or was replaced"
            if own != _chained(previous, fields):
                return f"record {fields[0]} ({fields[3]}, session {fields[1]}, iteration {fields[4]}) was edited"
            expected, digest = expected + 1, own
        return ""

    def knows(self, digest: str) -> bool:
        """Whether some record has this digest."""
        return bool(self._query("SELECT 1 FROM event WHERE digest = ? LIMIT 1", digest))

    def latest_session(self, branch: str) -> str:
        """The id of the newest session on a branch; empty without one."""
        for session, body in self._query("SELECT session, body FROM event WHERE kind = 'started' ORDER BY number DESC"):
            if json.loads(body)["branch"] == branch:
                return str(session)
        return ""

    def events(self, session: str) -> Iterator[tuple[float, Event]]:
        """Every event of a session with its time, oldest first.

        Raises:
            Refusal: at a record that is not what was written, or before which one is missing, naming it.
        """
        before = 0
        for row in self._query(
            f"SELECT {_FIELDS}, previous, digest FROM event WHERE session = ? ORDER BY number", session
        ):
            *fields, previous, own = row
            if own != _chained(previous, fields):
                raise _edited(self._file, f"record {fields[0]} ({fields[3]}, iteration {fields[4]}) was edited")
            if before and not self._whole(before, fields[0]):
                raise _edited(self._file, f"a record is missing between {before} and {fields[0]}, or was replaced")
            before = fields[0]
            yield fields[2], read_event(fields[5])

    def _whole(self, first: int, last: int) -> bool:
        """Whether every record from one to another is there; those of other sessions may stand between."""
        if last == first + 1:
            return True
        query = "SELECT count(*) FROM event WHERE number BETWEEN ? AND ?"
        return bool(self._query(query, first, last)[0][0] == last - first + 1)

    def of_iteration(self, session: str, iteration: int) -> list[Event]:
        """Every event of one iteration, oldest first."""
        query = "SELECT body FROM event WHERE session = ? AND iteration = ? ORDER BY number"
        return [read_event(body) for (body,) in self._query(query, session, iteration)]

    def of_kind(self, session: str, kind: str) -> list[Event]:
        """Every event of one kind, oldest first."""
        query = "SELECT body FROM event WHERE session = ? AND kind = ? ORDER BY number"
        return [read_event(body) for (body,) in self._query(query, session, kind)]

    def rows(self, session: str, last: int = -1) -> list[Row]:
        """The rows of a session, oldest first; `last` limits them to the newest ones."""
        query = "SELECT body FROM event WHERE session = ? AND kind = 'logged' ORDER BY number DESC LIMIT ?"
        logged = [Logged.model_validate_json(body) for (body,) in self._query(query, session, last)]
        return [event.row for event in reversed(logged)]

    def _query(self, query: str, *values: object) -> list[tuple]:  # type: ignore[type-arg]
        if not self._file.exists():
            return []
        with _curable(self._file), closing(self._open()) as database:
            return database.execute(query, values).fetchall()

    def _open(self) -> sqlite3.Connection:
        if not os.access(self._file.parent, os.W_OK):  # a reader, too, would have to write beside the file
            return sqlite3.connect(f"{self._file.resolve().as_uri()}?mode=ro&immutable=1", uri=True, timeout=10)
        fresh = not self._file.exists()
        database = sqlite3.connect(self._file, timeout=10, isolation_level=None)
        if fresh:
            database.execute("PRAGMA journal_mode = WAL")
            database.executescript(_SCHEMA)
        database.execute("PRAGMA synchronous = FULL")
        return database
