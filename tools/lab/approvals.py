"""What people said yes to, and which plans were committed under our eyes: kept outside of the repositories, sealed by a key
that only the user's account can read.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import pwd
import secrets
import stat
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from ..storage.disk import alive, held_lock, write_atomically

_KEY_BYTES = 32
_NO_TEXT = b"\xff"
"""A byte that stands in no UTF-8."""
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


class SealedFile:
    """A file of the account's about one repository, told by its folder of ours: JSON under seals of the account's key."""

    def __init__(self, kind: str, repository: Path) -> None:
        self._repository = str(repository.resolve())
        # Not below XDG_STATE_HOME: a terminal may have that variable where the server that a client starts has not.
        home = Path("~/.local/state/autoresearch-mcp").expanduser()
        self._key_file = home / "approvals.key"
        self.path = home / kind / f"{hashlib.sha256(os.fsencode(self._repository)).hexdigest()[:32]}.json"

    def read(self) -> object:
        """Return what stands in the file; None where that is no JSON, or no key could vouch for it."""
        try:
            return json.loads(self.path.read_bytes()) if self._key() else None
        except (OSError, ValueError, RecursionError):
            return None

    def write(self, content: object) -> None:
        """Replace what stands there."""
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_atomically(self.path, json.dumps(content, indent=1))

    def seal(self, *values: object) -> str:
        """Return the seal of values in this repository, with a new key where there is none that can be trusted."""
        text = json.dumps([self._repository, *values])
        return hmac.new(self._key() or self._new_key(), text.encode(), hashlib.sha256).hexdigest()

    def holds(self, seal: str, *values: object) -> bool:
        """Whether a seal is that of these values."""
        return hmac.compare_digest(self.seal(*values), seal)

    def _key(self) -> bytes:
        """Return the key; empty where there is none, others could have read or written it, or an edit tool did: those write text."""
        try:
            with self._key_file.open("rb") as file:
                seen = os.fstat(file.fileno())
                mine = seen.st_uid == os.getuid() and stat.S_ISREG(seen.st_mode) and not seen.st_mode & 0o077
                key = file.read(_KEY_BYTES + 1)
        except OSError:
            return b""
        return key if mine and len(key) == _KEY_BYTES and not _is_text(key) else b""

    def _new_key(self) -> bytes:
        """Make a key; what was sealed by one that could not be trusted counts no more."""
        self._key_file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._key_file.unlink(missing_ok=True)
        descriptor = os.open(self._key_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(key := _NO_TEXT + secrets.token_bytes(_KEY_BYTES - len(_NO_TEXT)))
        return key


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


def _is_text(content: bytes) -> bool:
    try:
        return bool(content.decode())
    except UnicodeDecodeError:
        return False


def _account() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"user {os.getuid()}"
