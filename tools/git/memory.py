"""What need not be asked twice: facts about named objects hold for good, facts about the moment until something moves."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Hashable
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")

_LARGE = 2**20
_SETTLED_S = 2.0
"""A file that changed no later than this before it was read cannot change again without a new time of change."""


class Memory:
    """Answers of one kind, the newest `most` of them. Every key has to name its answer for good."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._known: dict[Hashable, Any] = {}

    def get(self, key: Hashable) -> Any:  # noqa: ANN401
        """What is known; None if nothing is."""
        return self._known.get(key)

    def put(self, key: Hashable, answer: object) -> None:
        """Remember an answer, and forget the oldest when there are too many."""
        self._known[key] = answer
        while len(self._known) > self._most:
            # Readers and a writer share it, each in its own thread.
            self._known.pop(next(iter(self._known)), None)

    def ask(self, key: Hashable, question: Callable[[], T]) -> T:
        """The remembered answer, or the one that is found now."""
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


class Digests:
    """SHA-256 of what stands at a path. Only large files are remembered, and by what a program cannot set back."""

    def __init__(self) -> None:
        self._large = Memory(1000)

    def of(self, file: Path) -> str:
        """A file's bytes, a link's target, or the word `absent`."""
        if file.is_symlink():
            return "link:" + hashlib.sha256(os.fsencode(os.readlink(file))).hexdigest()
        if not file.is_file():
            return "absent"
        mode = "x:" if os.access(file, os.X_OK) else ""
        return mode + self._content(file)

    def _content(self, file: Path) -> str:
        with file.open("rb") as stream:
            status = os.fstat(stream.fileno())
            key = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
            if known := self._large.get(key):
                return str(known)
            settled = time.time() - status.st_ctime > _SETTLED_S
            found = hashlib.file_digest(stream, "sha256").hexdigest()
            if settled and status.st_size >= _LARGE:
                self._large.put(key, found)
            return found
