"""The protected channel: a pipe of one run, with a name of its own, for the evaluator's number.

A pipe rather than a file, because nothing that was written to it can be written over.
"""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Channel:
    """Where the evaluator writes: a named pipe in a folder of its own."""

    file: Path

    def close(self) -> None:
        """Take it away."""
        shutil.rmtree(self.file.parent, ignore_errors=True)


def open_channel() -> Channel:
    """A fresh channel."""
    file = Path(tempfile.mkdtemp(prefix="autoresearch-")) / secrets.token_hex(16)
    os.mkfifo(file, 0o600)
    return Channel(file)
