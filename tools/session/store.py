"""The journal of one repository and its newest session: remembered from call to call, kept as a snapshot for the next server."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.machinery import ModuleSpec
from importlib.util import find_spec, resolve_name
from pathlib import Path

from ..storage.disk import DerivedFile
from .events import Event, Started
from .fold import advance
from .journal import Journal
from .state import Session, dump_snapshot, load_snapshot

SNAPSHOT_INTERVAL = 64
"""Iterations between two snapshots, which spare the next server reading the whole journal."""


@dataclass(frozen=True)
class _Known:
    """A session as it stood after a record, when nobody else had written since."""

    session: Session
    number: int
    digest: str
    writes: tuple[int, ...]


class SessionStore:
    """The journal and the session that it adds up to. Many threads may use it: what is known is replaced whole.

    One that only `follows` what another process writes adds that to what it has read; every record it reads is checked,
    but those of before are not read again. What decides may not do so.
    """

    def __init__(self, folder: Path, follows: bool = False) -> None:
        self._follows = follows
        self.journal = Journal(folder)
        self.view = DerivedFile()
        self._known: _Known | None = None

    def session(self, branch: str) -> Session | None:
        """Return the newest session on a branch as it stands; None without one.

        Only what was written since the last look is read, and checked. When another process wrote, all of it is.

        Raises:
            Refusal: if a record is not what was written.
        """
        name = self.journal.latest_session(branch) if branch else ""
        if not name:
            return None
        writes = self.journal.writes()
        known = self._known
        if known is None or known.session.id != name:
            known = self._from_snapshot(name, writes)
        elif (
            not writes
            or (known.writes != writes and not self._follows)
            or self.journal.digest_of(known.number) != known.digest
        ):
            known = None
        before = known.number if known else self.journal.start_of(name) - 1
        session, number, digest = (known.session, known.number, known.digest) if known else (None, before, "")
        for place, event in self.journal.events(name, number):
            session, number, digest = advance(session, event, place.at, name), place.number, place.digest
        if session is not None:
            self._known = _Known(session, number, digest, writes)
        return session

    def append(self, name: str, at: float, events: Sequence[Event], session: Session | None) -> Session:
        """Append events to the journal, and return the session after them."""
        self.journal.append(name, at, events)
        for event in events:
            session = advance(session, event, at, name)
        assert session is not None, "there was an event"
        return session

    def save_snapshot(self, session: Session, at: float) -> None:
        """Keep the session as a snapshot, between two iterations and only every `SNAPSHOT_INTERVAL` of them."""
        if session.trial is None and session.last_iteration and session.last_iteration % SNAPSHOT_INTERVAL == 0:
            number = self.journal.last_of(session.id)
            self.journal.save_snapshot(session.id, at, number, f"{_code_digest()}\n{dump_snapshot(session)}")

    def _from_snapshot(self, name: str, writes: tuple[int, ...]) -> _Known | None:
        found = self.journal.snapshot(name)
        if found is None:
            return None
        number, text = found
        rules, _, frozen = text.partition("\n")
        start = next((event for event in self.journal.of_kind(name, "started") if isinstance(event, Started)), None)
        session = load_snapshot(frozen, start, name) if start and rules == _code_digest() else None
        return _Known(session, number, self.journal.digest_of(number), writes) if session else None


@cache
def _code_digest() -> str:
    """Digest the code that folds events and writes snapshots: a snapshot of other code is not believed."""
    return digest(foundations(advance.__module__, dump_snapshot.__module__))


_OURS = __name__.partition(".")[0]


def foundations(*modules: str) -> tuple[Path, ...]:
    """Return the source files that modules rest on, their own and those of all that they import, by the modules' names.

    Found by what the sources import, not by where they lie: a file that moves, or a new one, is among them all the same.

    Raises:
        RuntimeError: if one of the modules has no source, or none was named: a digest of too little looks like any other.
    """
    found: dict[str, Path] = {}
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        if name not in found and (spec := _spec(name)) and spec.origin:
            found[name] = Path(spec.origin)
            waiting += _imported(found[name], spec.parent or "")
    if not modules or not found.keys() >= set(modules):
        raise RuntimeError(f"no source was found for {set(modules) - found.keys() or 'anything'}")
    return tuple(found[name] for name in sorted(found))


def digest(files: Iterable[Path]) -> str:
    """Return one digest of the contents of files."""
    return hashlib.sha256(b"".join(hashlib.sha256(file.read_bytes()).digest() for file in files)).hexdigest()


def _spec(name: str) -> ModuleSpec | None:
    """Find a module of ours; None for others, and for what is no module but a name in one."""
    if name.partition(".")[0] != _OURS:
        return None
    try:
        return find_spec(name)
    except ModuleNotFoundError:
        return None


def _imported(file: Path, package: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_bytes())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = resolve_name("." * node.level + (node.module or ""), package)
            yield from (base, *(f"{base}.{alias.name}" for alias in node.names))
