"""The rows of sessions in the journal: what a list, a picture or a search needs of them, by queries that its indexes answer."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator, Sequence

from ..storage.database import Database
from .events import Logged, Row
from .short_rows import ShortRow, read_short

_NO_LIMIT = 2**62
_AT_ONCE, _AT_ONCE_BY_NUMBER, _NEAR_AT_ONCE = 2048, 500, 64
_ROWS = "FROM event WHERE session = ? AND kind = 'logged'"
_STATUS, _GUARD_FAILED, _GAIN, _EVIDENCE = (
    "json_extract(body, '$.row.status')",
    "json_extract(body, '$.row.guard') IS 'fail'",
    "json_extract(body, '$.row.gain')",
    "coalesce(json_extract(body, '$.row.evidence'), 0)",
)
_DISCARDS = f"{_ROWS} AND {_STATUS} = 'discard'"
INDEXES = f"""
CREATE INDEX IF NOT EXISTS row_by_status ON event (session, {_STATUS}, iteration) WHERE kind = 'logged';
CREATE INDEX IF NOT EXISTS discard_by_guard ON event (session, {_GUARD_FAILED}, iteration)
    WHERE kind = 'logged' AND {_STATUS} = 'discard';
CREATE INDEX IF NOT EXISTS discard_by_nearness ON event (session, {_EVIDENCE} DESC, {_GAIN} DESC, iteration)
    WHERE kind = 'logged' AND {_STATUS} = 'discard' AND {_GAIN} > 0;
"""


def places(values: Sequence[object]) -> str:
    """Return the places of some values in a query."""
    return ", ".join("?" * len(values))


class RowQueries:
    """Reads rows, in full or in short."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def rows(self, session: str, last: int = -1, before: int = 0, statuses: Collection[str] = ()) -> list[Row]:
        """The rows of a session, oldest first: the newest `last`, of iterations below `before`, of some statuses."""
        query = f"SELECT iteration, body {_ROWS} AND iteration < ? {{}} ORDER BY iteration DESC LIMIT ?"
        limits = (before if before > 0 else _NO_LIMIT, last)
        if statuses:  # one by one, because only then the index gives them in order
            one = query.format(f"AND {_STATUS} = ?")
            asked = (self._database.query(one, session, limits[0], status, limits[1]) for status in statuses)
            found = sorted((row for rows in asked for row in rows), reverse=True)
        else:
            found = self._database.query(query.format(""), session, *limits)
        newest = found[:last] if last >= 0 else found
        return [_read(body) for _, body in reversed(newest)]

    def rows_of(self, session: str, iterations: Sequence[int]) -> list[Row]:
        """Return the rows of some iterations, oldest first."""
        return [_read(body) for body in self._bodies_of(session, sorted(iterations))]

    def count(self, session: str, before: int, statuses: Collection[str]) -> int:
        """Return how many rows there are of some statuses, or of all, below an iteration; 0 sets no limit."""
        limit = before if before > 0 else _NO_LIMIT
        if not statuses:
            query = f"SELECT count(*) {_ROWS} AND iteration < ?"
            return int(next((count for (count,) in self._database.query(query, session, limit)), 0))
        query = f"SELECT count(*) {_ROWS} AND iteration < ? AND {_STATUS} = ?"
        return sum(int(self._database.query(query, session, limit, status)[0][0]) for status in statuses)

    def iterations(self, session: str, statuses: Collection[str]) -> list[int]:
        """Return the iterations of a session with some statuses, in order."""
        query = f"SELECT iteration {_ROWS} AND {_STATUS} = ?"
        asked = (self._database.query(query, session, status) for status in statuses)
        return sorted(iteration for found in asked for (iteration,) in found)

    def discards(self, session: str, guard_failed: bool, most: int) -> tuple[int, list[Row]]:
        """Count the discards of a session on which a guard failed, or all others; return the newest of them too, oldest first."""
        those = f"{_DISCARDS} AND ({_GUARD_FAILED}) = ?"
        [(count,)] = self._database.query(f"SELECT count(*) {those}", session, guard_failed)
        query = f"SELECT body {those} ORDER BY iteration DESC LIMIT ?"
        found = self._database.query(query, session, guard_failed, most)
        return int(count), [_read(body) for (body,) in reversed(found)]

    def nearest(self, session: str) -> Iterator[Row]:
        """Return the discards of a session that are estimated to gain, those of the most evidence and gain first."""
        query = f"SELECT body {_DISCARDS} AND {_GAIN} > 0 ORDER BY {_EVIDENCE} DESC, {_GAIN} DESC, iteration LIMIT ? OFFSET ?"
        for first in itertools.count(0, _NEAR_AT_ONCE):
            found = self._database.query(query, session, _NEAR_AT_ONCE, first)
            yield from (_read(body) for (body,) in found)
            if len(found) < _NEAR_AT_ONCE:
                return

    def short_rows(self, session: str, after: int = 0) -> Iterator[ShortRow]:
        """Return the rows of a session in short, oldest first, those after an iteration; read a few thousand at a time."""
        query = f"SELECT body {_ROWS} AND iteration > ? ORDER BY iteration LIMIT ?"
        while found := self._database.query(query, session, after, _AT_ONCE):
            for row in read_short(body for (body,) in found):
                yield row
                after = row.iteration

    def short_rows_of(self, session: str, iterations: Sequence[int]) -> Iterator[ShortRow]:
        """Return the rows of some iterations in short, oldest first; the iterations are in order."""
        return read_short(self._bodies_of(session, iterations))

    def _bodies_of(self, session: str, iterations: Sequence[int]) -> Iterator[str]:
        for first in range(0, len(iterations), _AT_ONCE_BY_NUMBER):
            some = iterations[first : first + _AT_ONCE_BY_NUMBER]
            query = f"SELECT body {_ROWS} AND iteration IN ({places(some)}) ORDER BY iteration"
            yield from (body for (body,) in self._database.query(query, session, *some))


def _read(body: str) -> Row:
    return Logged.model_validate_json(body).row
