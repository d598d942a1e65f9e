"""What people said yes to, and which plans were committed under our eyes: kept outside of the repositories, sealed by a key
that only the user's account can read.
"""

from __future__ import annotations

import hashlib
import os
import pwd
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from ..storage.disk import alive, held_lock
from ..storage.sealed import SealedFile

PATIENCE_S = 1.0
"""For another server that notes something in the same moment."""


@dataclass(frozen=True)
class PersonsYes:
    """One statement that a person agreed to: its digest, how they said so, under which account, and when (seconds since 1970)."""

    said: str
    how: str
    by: str
    at: float

    def words(self) -> str:
        """Return who agreed, how and when, in local time."""
        return f"{self.by} {self.how} on {moment(self.at)}"


class ApprovalStore:
    """The yeses for one repository, by its folder of ours."""

    def __init__(self, repository: Path) -> None:
        self._file = SealedFile("approvals", repository)

    def read(self) -> dict[str, PersonsYes]:
        """Return the yeses whose seal holds, by the digest of what was said; none where the key is not the user's alone."""
        rows = self._file.read()
        found = [_yes(row) for row in rows] if isinstance(rows, list) else []
        return {yes.said: yes for yes, seal in filter(None, found) if self._file.holds(seal, *asdict(yes).values())}

    def add(self, statements: Sequence[str], how: str) -> None:
        """Remember a person's yes to exactly these statements."""
        by, at = _account(), time.time()
        new = {said: PersonsYes(said, how, by, at) for said in map(fingerprint, statements)}
        yeses = [asdict(yes) for yes in {**self.read(), **new}.values()]
        self._file.write([{**yes, "seal": self._file.seal(*yes.values())} for yes in yeses])


class PlanWatch:
    """What the committed plans of one repository ask for, and which of it an agent may have committed itself.

    A date in git says what whoever commits wants it to say, so what counts is what was seen: each server notes what HEAD's plan
    asks for when it starts and when it ends. What was new in between, or while one was there that did not live to say so, is
    never taken for a person's. A server remembers its notes, for the file may be taken away or put back to what it was.
    """

    def __init__(self, repository: Path) -> None:
        self._file = SealedFile("plans", repository)
        self._noted = _SeenPlans()

    def counts(self, statements: Sequence[str]) -> frozenset[str]:
        """Return the digests of those of a committed plan's statements that a person may have committed."""
        asked, seen = frozenset(map(fingerprint, statements)), self._read()
        if not seen.servers:
            return asked - seen.late
        if asked - seen.known - seen.late:
            self._change(lambda seen: replace(seen, late=seen.late | asked - seen.known))
        return asked & seen.known

    def begin(self, statements: Sequence[str]) -> None:
        """Note what HEAD's plan asks for as this server starts."""

        def began(seen: _SeenPlans) -> _SeenPlans:
            new = frozenset(map(fingerprint, statements)) - seen.known - seen.late
            late = new if seen.servers else frozenset[str]()
            servers = {server for server in seen.servers if server > 0 and alive(server)} | {os.getpid()}
            return _SeenPlans(seen.known | new - late, seen.late | late, frozenset(servers))

        self._change(began)

    def end(self, statements: Sequence[str]) -> None:
        """Note the same as it ends."""
        asked, mine = frozenset(map(fingerprint, statements)), frozenset({os.getpid()})
        self._change(lambda seen: replace(seen, late=seen.late | asked - seen.known, servers=seen.servers - mine))

    def _change(self, changed: Callable[[_SeenPlans], _SeenPlans]) -> None:
        try:
            with held_lock(self._file.path.with_suffix(".lock"), PATIENCE_S):
                seen = changed(self._read())
                lists = {"known": sorted(seen.known), "late": sorted(seen.late), "servers": sorted(seen.servers)}
                self._file.write({**lists, "seal": self._file.seal(*lists.values())})
        except OSError:  # the account's folder may not be written
            seen = changed(self._read())
        self._noted = seen

    def _read(self) -> _SeenPlans:
        found = self._in_file()
        return self._noted if os.getpid() in self._noted.servers - found.servers else found

    def _in_file(self) -> _SeenPlans:
        if not self._file.path.exists():
            return _SeenPlans()
        match self._file.read():
            case {"known": [*known], "late": [*late], "servers": [*servers], "seal": str(seal)} if self._file.holds(
                seal, known, late, servers
            ):
                return _SeenPlans(frozenset(known), frozenset(late), frozenset(servers))
        return _SeenPlans(servers=frozenset({_NOBODY_KNOWS}))


_NOBODY_KNOWS = -1
"""In place of a server's process, where somebody else wrote the file."""


@dataclass(frozen=True)
class _SeenPlans:
    """Digests of statements: seen while no server was there, and come under the eyes of one; and the servers' processes."""

    known: frozenset[str] = frozenset()
    late: frozenset[str] = frozenset()
    servers: frozenset[int] = frozenset()


def fingerprint(statement: str) -> str:
    """Return the digest under which a statement is remembered."""
    return hashlib.sha256(statement.encode()).hexdigest()


def moment(at: float) -> str:
    """Return a time in local words, to the minute."""
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(at))


def _yes(row: object) -> tuple[PersonsYes, str] | None:
    match row:
        case {"said": str(said), "how": str(how), "by": str(by), "at": float(at), "seal": str(seal)}:
            return PersonsYes(said, how, by, at), seal
    return None


def _account() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"user {os.getuid()}"
