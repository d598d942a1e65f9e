"""What need not be asked twice: answers by keys that name them for good, digests of large files, and what the index lists."""

from __future__ import annotations

import hashlib
import os
import re
import stat
import time
from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from .cli import GitCli
from .stamps import NOTHING, SETTLED_S, STAMP, Stamp, stamps_of

T = TypeVar("T")

_LARGE = 2**20
_MOST_READ = 1000
"""Files of a set that are all read each time. File systems that let a program set back what is remembered by are rare."""
_MOST_KNOWN = 100_000


class Memory:
    """Answers of one kind, the newest `most` of them. Every key has to name its answer for good."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._known: dict[Hashable, Any] = {}

    def get(self, key: Hashable) -> Any:  # noqa: ANN401
        """Return what is remembered; None if nothing is."""
        return self._known.get(key)

    def put(self, key: Hashable, answer: object) -> None:
        """Remember an answer, and forget the oldest when there are too many."""
        self._known[key] = answer
        while len(self._known) > self._most:
            # Readers and a writer share it, each in its own thread.
            self._known.pop(next(iter(self._known)), None)

    def newest_first(self) -> list[tuple[Hashable, Any]]:
        """Return all that is remembered with its keys."""
        return list(reversed(self._known.items()))

    def ask(self, key: Hashable, question: Callable[[], T]) -> T:
        """Return the remembered answer, or the one that is found now."""
        known: T | None = self._known.get(key)
        if known is None:
            known = question()
            self.put(key, known)
        return known

    def forget(self, key: Hashable) -> None:
        """Forget one answer."""
        self._known.pop(key, None)

    def clear(self) -> None:
        """Forget everything."""
        self._known.clear()


NO_FILE = "absent"
"""The digest of a path where no file is."""


class Digests:
    """SHA-256 of what stands at paths. What is too much to be read each time, large files and those of a large set, is
    remembered, by what a program cannot set back.
    """

    def __init__(self) -> None:
        self._known: dict[str, tuple[Stamp, str]] = {}
        self._sets = Memory(2)

    def of(
        self, root: Path, paths: Collection[str], look: Callable[[], Mapping[str, Stamp]] | None = None
    ) -> dict[str, str]:
        """Return each file's bytes, link's target, or the word `absent`, by path. `look` stamps a large set.

        A large set of which nothing moved has the same dictionary each time.
        """
        top = str(root)
        if len(paths) <= _MOST_READ:
            return {path: self._digest(f"{top}/{path}", _LARGE) for path in paths}
        stamps = look() if look else stamps_of(root, paths)
        known: tuple[Mapping[str, Stamp], dict[str, str]] | None = self._sets.get(root)
        if known and known[0] == stamps:
            return known[1]
        found = {path: self._digest(f"{top}/{path}", 0) for path in paths}
        self._sets.forget(root)
        if all(stamp == NOTHING or self._stamp(f"{top}/{path}") == stamp for path, stamp in stamps.items()):
            self._sets.put(root, (stamps, found))
        return found

    def _stamp(self, file: str) -> Stamp | None:
        """Return by what a file's digest is remembered; None if it is not."""
        known = self._known.get(file)
        return known[0] if known else None

    def _digest(self, file: str, least: int) -> str:
        try:
            status = os.lstat(file)
        except (OSError, ValueError):
            return NO_FILE
        known = self._known.get(file) if status.st_size >= least else None
        if known and known[0] == STAMP(status):
            return known[1]
        if not stat.S_ISREG(status.st_mode):
            settled = _settled(status)
            return self._noted(file, status, settled and not least, _of_no_file(file, status))
        with open(file, "rb") as stream:
            status = os.fstat(stream.fileno())
            settled = _settled(status)  # before it is read
            mode = "x:" if os.access(file, os.X_OK) else ""
            digest = mode + hashlib.file_digest(stream, "sha256").hexdigest()
        return self._noted(file, status, settled and status.st_size >= least, digest)

    def _noted(self, file: str, status: os.stat_result, lasts: bool, digest: str) -> str:
        self._known.pop(file, None)
        if lasts:
            self._known[file] = STAMP(status), digest
            while len(self._known) > _MOST_KNOWN:
                self._known.pop(next(iter(self._known)), None)
        return digest


def _settled(status: os.stat_result) -> bool:
    return time.time() - status.st_ctime > SETTLED_S


def _of_no_file(place: str, status: os.stat_result) -> str:
    if not stat.S_ISLNK(status.st_mode):
        return NO_FILE
    return link_digest(os.readlink(place))


def link_digest(target: Path | str) -> str:
    """Return the digest of a link that leads to `target`."""
    return "link:" + hashlib.sha256(os.fsencode(target)).hexdigest()


_FLAGGED = re.compile(rb"(?:\A|(?<=\0))[a-zS] [^\0]*")


class Paths:
    """Paths as git lists them, each after a letter and a space, and what was worked out from them."""

    def __init__(self, out: bytes) -> None:
        self.out = out
        self._worked_out = Memory(8)

    @cached_property
    def paths(self) -> tuple[str, ...]:
        """Every path."""
        return tuple(entry[2:] for entry in os.fsdecode(self.out).split("\0") if entry)

    def without(self, gone: Collection[str]) -> Paths:
        """Return the rest of these paths."""
        if not gone:
            return self
        return Paths(b"".join(b"\0? " + os.fsencode(path) for path in self.paths if path not in gone))

    def ask(self, key: Hashable, question: Callable[[tuple[str, ...]], T]) -> T:
        """Return what follows from these paths alone; `key` names the question."""
        return self._worked_out.ask(key, lambda: question(self.paths))

    def matching(self, key: Hashable, matches: Callable[[str], bool]) -> frozenset[str]:
        """Return the paths that a rule covers; `key` names the rule."""
        return self.ask(key, lambda paths: frozenset(filter(matches, paths)))


class Listing(Paths):
    """The paths in the index, each with the letter that `ls-files -v` gives it."""

    @cached_property
    def flagged(self) -> list[bytes]:
        """The entries that git was told not to look at."""
        return sorted(_FLAGGED.findall(self.out))

    def has(self, paths: Sequence[str]) -> bool:
        """Tell whether all these paths are in the index, and git was told nothing about them."""
        lines = (b"H %b\0" % os.fsencode(path) for path in paths)
        return all(self.out.startswith(line) or b"\0" + line in self.out for line in lines)


class Listings:
    """The latest listing, known by the content of the index file."""

    def __init__(self) -> None:
        self._known = b"", Listing(b"")

    def of(self, git: GitCli, git_dir: Path) -> Listing:
        """Return the index as it stands."""
        digest = b"" if any(git_dir.glob("sharedindex.*")) else digest_of(git_dir / "index")
        known, latest = self._known
        if digest and digest == known:
            return latest
        out = git.run("ls-files", "-v", "-z")
        # With the same entries, what was worked out from them stands: only times or object ids changed.
        found = latest if out == latest.out else Listing(out)
        # An index that changed while git read it is not what the digest names.
        again = digest_of(git_dir / "index") if digest else b""
        self._known = again if again == digest else b"", found
        return found

    def known(self, index: Path) -> Listing | None:
        """Return what this index file lists, if that is known without asking git."""
        digest, latest = self._known
        return latest if digest and digest == digest_of(index) else None

    def put(self, index: Path, listing: Listing) -> None:
        """Note what an index file lists that is about to be the checkout's."""
        self._known = digest_of(index), listing


def digest_of(file: Path) -> bytes:
    """Return the SHA-256 of a file; empty where there is none."""
    try:
        with file.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").digest()
    except OSError:
        return b""
