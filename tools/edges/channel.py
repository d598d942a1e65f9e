"""The protected channel: a file of one run, with a name that nobody can know beforehand, for the evaluator's number."""

from __future__ import annotations

import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

LONGEST = 64 * 1024


@dataclass(frozen=True)
class Channel:
    """Where the evaluator writes."""

    file: Path

    def text(self) -> str:
        """What was written; a link or a missing file is nothing."""
        if self.file.is_symlink() or not self.file.is_file():
            return ""
        with self.file.open("rb") as stream:
            return stream.read(LONGEST).decode(errors="replace")


@contextmanager
def channel() -> Iterator[Channel]:
    """A fresh channel in a folder of its own; gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="autoresearch-"))
    try:
        yield Channel(folder / secrets.token_hex(16))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
