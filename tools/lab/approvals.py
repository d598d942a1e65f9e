"""What people said yes to: kept outside of the repositories, each yes sealed by a key that only the user's account can read."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import pwd
import secrets
import stat
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from ..storage.disk import write_atomically

_KEY_BYTES = 32


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
        self._repository = str(repository.resolve())
        # Not below XDG_STATE_HOME: a terminal may have that variable where the server that a client starts has not.
        home = Path("~/.local/state/autoresearch-mcp").expanduser()
        self._key_file = home / "approvals.key"
        name = hashlib.sha256(os.fsencode(self._repository)).hexdigest()[:32]
        self._file = home / "approvals" / f"{name}.json"

    def read(self) -> dict[str, PersonsYes]:
        """Return the yeses whose seal holds, by the digest of what was said; none where the key is not the user's alone."""
        key = self._key()
        try:
            rows = json.loads(self._file.read_bytes()) if key else []
        except (OSError, ValueError, RecursionError):
            return {}
        found = [_yes(row) for row in rows] if isinstance(rows, list) else []
        return {yes.said: yes for yes, seal in filter(None, found) if hmac.compare_digest(self._seal(key, yes), seal)}

    def add(self, statements: Sequence[str], how: str) -> None:
        """Remember a person's yes to exactly these statements."""
        key = self._key() or self._new_key()
        by, at = _account(), time.time()
        new = {said: PersonsYes(said, how, by, at) for said in map(fingerprint, statements)}
        rows = [{**asdict(yes), "seal": self._seal(key, yes)} for yes in {**self.read(), **new}.values()]
        self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_atomically(self._file, json.dumps(rows, indent=1))

    def _seal(self, key: bytes, yes: PersonsYes) -> str:
        text = json.dumps([self._repository, *asdict(yes).values()])
        return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()

    def _key(self) -> bytes:
        """Return the key; empty where there is none, or others could have read or written it."""
        try:
            with self._key_file.open("rb") as file:
                seen = os.fstat(file.fileno())
                mine = seen.st_uid == os.getuid() and stat.S_ISREG(seen.st_mode) and not seen.st_mode & 0o077
                key = file.read(_KEY_BYTES + 1)
        except OSError:
            return b""
        return key if mine and len(key) == _KEY_BYTES else b""

    def _new_key(self) -> bytes:
        """Make a key; what was sealed by one that could not be trusted counts no more."""
        self._key_file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._key_file.unlink(missing_ok=True)
        descriptor = os.open(self._key_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(key := secrets.token_bytes(_KEY_BYTES))
        return key


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
