"""The chain of a journal's records: each has the digest of the one before, and checkpoints have that of many at once.

A record names its predecessor's digest, so that none can be edited or taken out unseen. To follow that record by record
takes seconds where there are hundreds of thousands. A checkpoint is a record with one digest of all since the one before
it, made when their chain was followed; later they need only give that digest again. It stands in the chain itself: who
changes it breaks the chain there. What does not give its digest is followed record by record, and that is what counts.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Literal

from pydantic import ValidationError

from ..storage.database import Database, Execute
from .events import Record
from .journal_seal import JournalSeal

CHECKPOINT = "checkpoint"
FIELDS = "number, session, at, kind, iteration, body"
LAST = "SELECT number, digest FROM event ORDER BY number DESC LIMIT 1"
_NO_END = 2**62
_STEP = 256
"""Records read at once, which bounds the memory that a check takes."""
_WHOLE = "||x'1F'||".join(
    ("number", "session", f"CAST(at * {2**22} AS INTEGER)", "kind", "quote(iteration)", "body", "previous", "digest")
)
"""All columns of a record as one text. A time of this century is a whole number of 2**-22 s, as exact as SQLite keeps it."""


class Checkpoint(Record):
    """The records from number `since` up to this one as one digest, `content`, and that of the snapshot made with it."""

    kind: Literal["checkpoint"] = "checkpoint"
    since: int
    content: str
    snapshot: str = ""


def chained(previous: str, fields: Sequence[object]) -> str:
    """Return the digest of a record, over its own fields and the digest of the record before it."""
    return hashlib.sha256(json.dumps([previous, *fields], default=repr).encode()).hexdigest()


def append(execute: Execute, session: str, at: float, events: Sequence[Record], seal: JournalSeal) -> None:
    """Put records at the end of the chain, inside a transaction. `at` is in seconds since the epoch."""
    number, digest = before = execute(LAST).fetchone() or (0, "")
    for event in events:
        number, previous = number + 1, digest
        kind, iteration = getattr(event, "kind"), getattr(event, "iteration", None)  # noqa: B009
        fields = (number, session, at, kind, iteration, event.model_dump_json())
        digest = chained(previous, fields)
        execute("INSERT INTO event VALUES (?, ?, ?, ?, ?, ?, ?, ?)", (*fields, previous, digest))
    seal.note(before, (number, digest))


def broken(database: Database, thorough: bool) -> str:
    """Return the first record that was edited, or that others are missing before; empty when the chain holds.

    `thorough` follows every record; without it checkpoints stand for those before the newest of them.
    """
    since, query = 1, "SELECT number, body FROM event WHERE kind = ? ORDER BY number"
    for number, body in [] if thorough else database.query(query, CHECKPOINT):
        checkpoint = _read(body)
        told = checkpoint.content if checkpoint and checkpoint.since == since else ""
        holds = told and told == _content(database, since, number)
        if not holds and (found := _followed(database, since, number)):
            return found
        since = number
    return _followed(database, since)


def next_checkpoint(database: Database, snapshot: str) -> Checkpoint | None:
    """Make the checkpoint of the records since the last one; None if their chain is broken."""
    newest = "SELECT coalesce(max(number), 1) FROM event WHERE kind = ?"
    since = next((number for (number,) in database.query(newest, CHECKPOINT)), 1)
    end = next((number for number, _ in database.query(LAST)), 0) + 1
    if _followed(database, since, end):
        return None
    return Checkpoint(since=since, content=_content(database, since, end), snapshot=snapshot)


def names_snapshot(database: Database, digest: str, after: int) -> bool:
    """Return whether a checkpoint after a record names a snapshot, and is what was written."""
    query = f"SELECT {FIELDS}, previous, digest FROM event WHERE kind = ? AND number > ? AND instr(body, ?)"
    return any(
        chained(previous, fields) == own for *fields, previous, own in database.query(query, CHECKPOINT, after, digest)
    )


def _read(body: object) -> Checkpoint | None:
    """Return a checkpoint; None if it cannot be read."""
    try:
        return Checkpoint.model_validate_json(str(body))
    except ValidationError:
        return None


def _content(database: Database, first: int, end: int) -> str:
    """Return one digest of all columns of the records from `first` up to before `end`.

    The database joins them, which takes less than half the time that following them does, and other threads run meanwhile.
    No column has the separators when it is written, so with their count the text is that of these records alone.
    """
    found = hashlib.sha256()
    for start in range(first, end, _STEP):
        query = f"SELECT CAST(count(*)||x'1D'||group_concat({_WHOLE}, x'1E') AS BLOB) FROM event WHERE number >= ? AND number < ?"
        [(text,)] = database.query(query, start, min(start + _STEP, end))
        found.update(text or b"")
    return found.hexdigest()


def _followed(database: Database, first: int, end: int = _NO_END) -> str:
    """Follow the chain from one record up to before another: what is wrong with the first that does not fit, or nothing."""
    digest = next((digest for (digest,) in database.query("SELECT digest FROM event WHERE number = ?", first - 1)), "")
    expected, query = first, f"SELECT {FIELDS}, previous, digest FROM event WHERE number >= ? AND number < ? LIMIT ?"
    while rows := database.query(query, expected, end, 16 * _STEP):
        for *fields, previous, own in rows:
            if fields[0] != expected or previous != digest:
                return f"between records {expected - 1} and {fields[0]} something is missing or was replaced"
            if own != chained(previous, fields):
                return f"record {fields[0]} ({fields[3]}, session {fields[1]}, iteration {fields[4]}) was edited"
            expected, digest = expected + 1, own
    return f"between records {expected - 1} and {end} something is missing" if expected < end < _NO_END else ""
