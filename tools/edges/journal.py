"""The journal: every event of every session, appended to one SQLite file under the git common directory."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

from ..rules.events import Event, Logged, Row, read_event

_SCHEMA = """
CREATE TABLE IF NOT EXISTS event (
    number INTEGER PRIMARY KEY,
    session TEXT NOT NULL,
    at REAL NOT NULL,
    kind TEXT NOT NULL,
    iteration INTEGER,
    body TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS event_by_session ON event (session, kind, iteration);
CREATE INDEX IF NOT EXISTS event_by_kind ON event (kind, number);
CREATE TRIGGER IF NOT EXISTS event_is_never_changed BEFORE UPDATE ON event
    BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
CREATE TRIGGER IF NOT EXISTS event_is_never_removed BEFORE DELETE ON event
    BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
"""


class Journal:
    """Reads without waiting for writers; writes durably, all events of one call or none."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "journal.db"

    def append(self, session: str, at: float, events: Sequence[Event]) -> None:
        """Add events in order. `at` is in seconds since the epoch."""
        self._file.parent.mkdir(parents=True, exist_ok=True)
        rows = [
            (session, at, event.kind, getattr(event, "iteration", None), event.model_dump_json()) for event in events
        ]
        with closing(self._open()) as database, database:
            database.executemany("INSERT INTO event (session, at, kind, iteration, body) VALUES (?, ?, ?, ?, ?)", rows)

    def latest_session(self, branch: str) -> str:
        """The id of the newest session on a branch; empty without one."""
        for session, body in self._query("SELECT session, body FROM event WHERE kind = 'started' ORDER BY number DESC"):
            if json.loads(body)["branch"] == branch:
                return str(session)
        return ""

    def events(self, session: str) -> Iterator[tuple[float, Event]]:
        """Every event of a session with its time, oldest first."""
        rows = self._query("SELECT at, body FROM event WHERE session = ? ORDER BY number", session)
        return ((at, read_event(body)) for at, body in rows)

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
        with closing(self._open()) as database:
            return database.execute(query, values).fetchall()

    def _open(self) -> sqlite3.Connection:
        fresh = not self._file.exists()
        database = sqlite3.connect(self._file, timeout=10)
        if fresh:
            database.execute("PRAGMA journal_mode = WAL")
            database.executescript(_SCHEMA)
        database.execute("PRAGMA synchronous = FULL")
        return database
