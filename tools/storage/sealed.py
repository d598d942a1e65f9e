"""What this account remembers of a repository: outside of it, under the seals of a key that only the account can read."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
import stat
from pathlib import Path

from .disk import write_atomically

_KEY_BYTES = 32
_NO_TEXT = b"\xff"
"""A byte that stands in no UTF-8."""


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

    def write(self, content: object, *, durable: bool = True) -> None:
        """Replace what stands there; what is not `durable` may be as before after a loss of power."""
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_atomically(self.path, json.dumps(content, indent=1), durable=durable)

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


def _is_text(content: bytes) -> bool:
    try:
        return bool(content.decode())
    except UnicodeDecodeError:
        return False
