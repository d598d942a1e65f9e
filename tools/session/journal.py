"""The journal: every event of every session, appended to one SQLite file under the git common directory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import Code, Refusal
from ..storage.database import Database
from . import chain
from .events import Committed, Event, Record, read_event
from .journal_seal import JournalSeal
from .row_queries import INDEXES, RowQueries, places

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
CREATE INDEX IF NOT EXISTS commit_by_tree ON event (session, json_extract(body, '$.tree')) WHERE kind = 'committed';
CREATE INDEX IF NOT EXISTS commit_by_change ON event (session, json_extract(body, '$.change')) WHERE kind = 'committed';
CREATE INDEX IF NOT EXISTS commit_by_shape ON event (session, json_extract(body, '$.shape')) WHERE kind = 'committed';
CREATE TABLE IF NOT EXISTS summary (
    session TEXT PRIMARY KEY,
    number INTEGER NOT NULL,
    text TEXT NOT NULL,
    digest TEXT NOT NULL
);
CREATE TRIGGER IF NOT EXISTS event_is_never_changed BEFORE UPDATE ON event
    BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
CREATE TRIGGER IF NOT EXISTS event_is_never_removed BEFORE DELETE ON event
    BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
"""


_LAYOUT = 2
_AT_ONCE = 2048
_IN_ORDER, _BY_INDEX = "NOT INDEXED", "INDEXED BY event_by_session"
"""Ways to the records of a session: nearly all that come, as they stand; or the few that are its own."""


def _edited(file: Path, what: str) -> Refusal:
    message = f"The journal is not what was written: {what}. Nothing that rests on it can be believed."
    cure = f"Stop the server, then restore {file} from a backup or move it away; {file.name}-wal and -shm go with it."
    return Refusal(Code.JOURNAL_BROKEN, f"{message} {cure}")


@dataclass(frozen=True)
class RecordPlace:
    """A record's number, its digest, and when it was written, in seconds since the epoch."""

    number: int
    digest: str
    at: float


class Journal(RowQueries):
    """Reads without waiting for writers; writes durably, all events of one call or none. For many threads of one process."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "journal.db"
        super().__init__(Database(self._file, _SCHEMA + INDEXES, _LAYOUT))
        self._seal = JournalSeal(folder)

    def append(self, session: str, at: float, events: Sequence[Record]) -> None:
        """Add events of a session, or of a ledger, in order. `at` is in seconds since the epoch."""
        with self._database.transaction() as execute:
            chain.append(execute, session, at, events, self._seal)

    def records(self) -> list[tuple]:  # type: ignore[type-arg]
        """Return every record with its place in the chain, as `restore` takes it."""
        return self._database.query("SELECT * FROM event ORDER BY number")

    def restore(self, records: Iterable[Sequence[object]]) -> None:
        """Fill a new journal with the records of another one, as they are; whether they hold together is for `broken`."""
        with self._database.transaction() as execute:
            for record in records:
                execute(f"INSERT INTO event VALUES ({places(record)})", record)

    def tip(self) -> str:
        """Return the digest of the last record; empty without any."""
        return self._last()[1]

    def _last(self) -> tuple[int, str]:
        return next(iter(self._database.query(chain.LAST)), (0, ""))

    def doubt(self) -> str:
        """Return what speaks against the records being those that servers of this account wrote; empty where nothing does."""
        return self._seal.doubt(self._last, self.digest_of)

    def broken(self, thorough: bool = False) -> str:
        """Return the first record that was edited, or that others are missing before; empty when the chain holds.

        `thorough` follows every record; without it checkpoints stand for those before the newest of them.
        """
        return chain.broken(self._database, thorough)

    def start_of(self, session: str) -> int:
        """Return the number of the record that a session began with; 0 without any."""
        query = "SELECT coalesce(min(number), 0) FROM event WHERE session = ? AND kind = 'started'"
        return int(self._database.query(query, session)[0][0])

    def last_of(self, session: str) -> int:
        """Return the number of the last record of a session; 0 without any."""
        query = "SELECT coalesce(max(number), 0) FROM event WHERE session = ?"
        return next((int(number) for (number,) in self._database.query(query, session)), 0)

    def knows(self, digest: str) -> bool:
        """Return whether some record has this digest."""
        return bool(self._database.query("SELECT 1 FROM event WHERE digest = ? LIMIT 1", digest))

    def unknown(self, digests: Sequence[str]) -> frozenset[str]:
        """Return those digests that no record has."""
        left = set(digests)
        for first in range(0, len(digests), 500):
            some = digests[first : first + 500]
            query = f"SELECT digest FROM event WHERE digest IN ({places(some)})"
            left -= {digest for (digest,) in self._database.query(query, *some)}
        return frozenset(left)

    def has(self, session: str, kind: str, iteration: int) -> bool:
        """Return whether an event of a kind was recorded of an iteration."""
        query = "SELECT 1 FROM event WHERE session = ? AND kind = ? AND iteration = ? LIMIT 1"
        return bool(self._database.query(query, session, kind, iteration))

    def latest_session(self, branch: str) -> str:
        """Return the id of the newest session on a branch; empty without one."""
        query = (
            "SELECT session FROM event WHERE kind = 'started' AND json_extract(body, '$.branch') = ? "
            "ORDER BY number DESC LIMIT 1"
        )
        return next((str(session) for (session,) in self._database.query(query, branch)), "")

    def sessions_after(self, branch: str, ledger: str) -> tuple[str, ...]:
        """Return the sessions that began on a branch after a ledger was opened, oldest first."""
        query = (
            "SELECT session FROM event WHERE kind = 'started' AND json_extract(body, '$.branch') = ? AND number > "
            "(SELECT min(number) FROM event WHERE session = ?) ORDER BY number"
        )
        return tuple(str(session) for (session,) in self._database.query(query, branch, ledger))

    def writes(self) -> tuple[int, ...]:
        """Return a value that changes when anybody but this object writes to the file, or puts another in its place."""
        return self._database.writes()

    def digest_of(self, number: int) -> str:
        """Return the digest of the record with a number; empty without one."""
        return next(
            (digest for (digest,) in self._database.query("SELECT digest FROM event WHERE number = ?", number)), ""
        )

    def events(self, session: str, after: int = 0) -> Iterator[tuple[RecordPlace, Event]]:
        """Return every event of a session with its place, oldest first, those after record number `after`.

        Raises:
            Refusal: at a record that is not what was written, or before which one is missing, naming it.
        """
        return ((place, read_event(body)) for place, body in self._bodies(session, after, _IN_ORDER))

    def ledger_bodies(self, ledger: str, after: int = 0) -> Iterator[tuple[RecordPlace, str]]:
        """Return every event of a ledger as JSON with its place, oldest first, those after record number `after`.

        Raises:
            Refusal: at a record that is not what was written, or before which one is missing, naming it.
        """
        return self._bodies(ledger, after, _BY_INDEX)  # few records among many

    def opened_ledgers(self) -> list[tuple[str, str]]:
        """Return every ledger by its id with the event that opened it as JSON, the oldest first."""
        return self._database.query("SELECT session, body FROM event WHERE kind = 'ledger-opened' ORDER BY number")

    def closed_ledgers(self) -> frozenset[str]:
        """Return the ids of the ledgers that were closed."""
        return frozenset(
            name for (name,) in self._database.query("SELECT session FROM event WHERE kind = 'ledger-closed'")
        )

    def _bodies(self, session: str, after: int, way: str) -> Iterator[tuple[RecordPlace, str]]:
        before, query = (
            after,
            (
                f"SELECT {chain.FIELDS}, previous, digest FROM event {way} WHERE session = ? AND number > ? ORDER BY number LIMIT ?"
            ),
        )
        while rows := self._database.query(query, session, before, _AT_ONCE):
            for *fields, previous, own in rows:
                if own != chain.chained(previous, fields):
                    raise _edited(self._file, f"record {fields[0]} ({fields[3]}, iteration {fields[4]}) was edited")
                if before and not self._whole(before, fields[0]):
                    raise _edited(self._file, f"a record is missing between {before} and {fields[0]}, or was replaced")
                before = fields[0]
                yield RecordPlace(fields[0], own, fields[2]), fields[5]

    def _whole(self, first: int, last: int) -> bool:
        """Return whether every record from one to another is there; those of other sessions may stand between."""
        if last == first + 1:
            return True
        query = "SELECT count(*) FROM event WHERE number BETWEEN ? AND ?"
        return bool(self._database.query(query, first, last)[0][0] == last - first + 1)

    def of_iteration(self, session: str, iteration: int) -> list[Event]:
        """Return every event of one iteration, oldest first."""
        query = "SELECT body FROM event WHERE session = ? AND iteration = ? ORDER BY number"
        return [read_event(body) for (body,) in self._database.query(query, session, iteration)]

    def of_iterations(self, session: str, kinds: Sequence[str], iterations: Sequence[int]) -> Iterator[Event]:
        """Return the events of some kinds that belong to some iterations, in the order in which they were written."""
        for first in range(0, len(iterations), 500):
            some = iterations[first : first + 500]
            query = (
                f"SELECT body FROM event {_BY_INDEX} WHERE session = ? AND kind IN ({places(kinds)}) "
                f"AND iteration IN ({places(some)}) ORDER BY number"
            )
            for (body,) in self._database.query(query, session, *kinds, *some):
                yield read_event(body)

    def sessions_on(self, branch: str) -> list[str]:
        """Return the ids of the sessions on a branch, oldest first."""
        query = (
            "SELECT session FROM event WHERE kind = 'started' AND json_extract(body, '$.branch') = ? ORDER BY number"
        )
        return [str(session) for (session,) in self._database.query(query, branch)]

    def of_kind(self, session: str, kind: str) -> list[Event]:
        """Return every event of one kind, oldest first."""
        query = "SELECT body FROM event WHERE session = ? AND kind = ? ORDER BY number"
        return [read_event(body) for (body,) in self._database.query(query, session, kind)]

    def latest_of(self, session: str, kind: str, most: int) -> list[Event]:
        """Return the newest events of one kind, oldest first."""
        query = "SELECT body FROM event WHERE session = ? AND kind = ? ORDER BY iteration DESC, number DESC LIMIT ?"
        return [read_event(body) for (body,) in self._database.query(query, session, kind, most)][::-1]

    def latest_commit(self, session: str, what: str, value: str) -> int | None:
        """Return the last iteration with a commit of this `tree`, `change` or `shape`; None without one."""
        query = (
            "SELECT iteration FROM event WHERE session = ? AND kind IN ('committed', 'screened') "
            f"AND json_extract(body, '$.{what}') = ? ORDER BY number DESC LIMIT 1"
        )
        return next((iteration for (iteration,) in self._database.query(query, session, value)), None)

    def tried_again(self, session: str, iteration: int) -> bool:
        """Return whether a later iteration has the change of this one."""
        some = self.of_iterations(session, ("committed",), [iteration])
        changes = [event.change for event in some if isinstance(event, Committed) and event.change]
        return bool(changes) and self.latest_commit(session, "change", changes[-1]) != iteration

    def submitted(self, session: str, after: int = 0) -> dict[int, int]:
        """Return the candidates that are iterations of a session by now, and which, of those after one; the last one last."""
        query = (
            "SELECT json_extract(body, '$.submitted'), iteration FROM event WHERE session = ? AND kind IN ('committed', 'screened') "
            "AND iteration > ? AND json_extract(body, '$.submitted') > 0 ORDER BY iteration"
        )
        return {int(candidate): int(iteration) for candidate, iteration in self._database.query(query, session, after)}

    def snapshot(self, session: str) -> tuple[int, str] | None:
        """Return the last snapshot of a session, with the number of the record that it reaches to; None without any.

        A snapshot that is not what was written, that no checkpoint names, or whose record is another by now, is none.
        """
        query = "SELECT number, text, digest FROM summary WHERE session = ?"
        for number, text, digest in self._database.query(query, session):
            own = chain.chained(self.digest_of(number), (session, number, text))
            if digest == own and chain.names_snapshot(self._database, digest, number):
                return number, text
        return None

    def save_snapshot(self, session: str, at: float, number: int, text: str) -> None:
        """Keep a snapshot of a session after all its records up to one, in place of an earlier one, with a checkpoint.

        Nothing is kept twice, and nothing of a journal that is not what was written.
        """
        digest = chain.chained(self.digest_of(number), (session, number, text))
        if self._database.query("SELECT 1 FROM summary WHERE session = ? AND digest = ?", session, digest):
            return
        if checkpoint := chain.next_checkpoint(self._database, digest):
            with self._database.transaction() as execute:
                execute("INSERT OR REPLACE INTO summary VALUES (?, ?, ?, ?)", (session, number, text, digest))
                chain.append(execute, "", at, [checkpoint], self._seal)
