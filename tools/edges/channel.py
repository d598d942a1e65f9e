"""The protected channel: a file of one run, with a name that nobody can know beforehand, for the evaluator's number."""

from __future__ import annotations

import secrets
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

LONGEST = 64 * 1024


@dataclass(frozen=True)
class Channel:
    """Where the evaluator writes: a file in a folder of its own."""

    file: Path

    def text(self) -> str:
        """What was written; a link or a missing file is nothing."""
        if self.file.is_symlink() or not self.file.is_file():
            return ""
        with self.file.open("rb") as stream:
            return stream.read(LONGEST).decode(errors="replace")

    def close(self) -> None:
        """Take it away."""
        shutil.rmtree(self.file.parent, ignore_errors=True)


def open_channel() -> Channel:
    """A fresh channel."""
    return Channel(Path(tempfile.mkdtemp(prefix="autoresearch-")) / secrets.token_hex(16))
