"""What the index lists, asked again only when the index file holds something else."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Hashable
from functools import cached_property
from pathlib import Path

from .cli import GitCli
from .memory import Memory

_FLAGGED = re.compile(rb"(?:\A|(?<=\0))[a-zS] [^\0]*")


class Listing:
    """The paths in the index, each with the letter that `ls-files -v` gives it."""

    def __init__(self, out: bytes) -> None:
        self.out = out
        self._matching = Memory(8)

    @cached_property
    def paths(self) -> tuple[str, ...]:
        """Every path."""
        return tuple(entry[2:] for entry in os.fsdecode(self.out).split("\0") if entry)

    @cached_property
    def flagged(self) -> list[bytes]:
        """The entries that git was told not to look at."""
        return sorted(_FLAGGED.findall(self.out))

    def matching(self, key: Hashable, matches: Callable[[str], bool]) -> frozenset[str]:
        """The paths that a rule covers; `key` names the rule."""
        return self._matching.ask(key, lambda: frozenset(path for path in self.paths if matches(path)))


class Listings:
    """The latest listing, known by the content of the index file."""

    def __init__(self) -> None:
        self._digest = b""
        self._latest = Listing(b"")

    def of(self, git: GitCli, git_dir: Path) -> Listing:
        """The index as it stands."""
        digest = b"" if any(git_dir.glob("sharedindex.*")) else _digest(git_dir / "index")
        latest = self._latest
        if digest and digest == self._digest:
            return latest
        out = git.run("ls-files", "-v", "-z")
        # With the same entries, what was worked out from them stands: only times or object ids changed.
        found = latest if out == latest.out else Listing(out)
        # An index that changed while git read it is not what the digest names.
        again = _digest(git_dir / "index") if digest else b""
        self._latest, self._digest = found, again if again == digest else b""
        return found


def _digest(file: Path) -> bytes:
    try:
        with file.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").digest()
    except OSError:
        return b""
