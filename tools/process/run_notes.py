"""What was noted just before a run began, so that another server can read its result: files in a folder of ours."""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from ..storage.disk import write_atomically


@dataclass(frozen=True)
class Channel:
    """Where the evaluator writes its number: a named pipe of one run, in a folder of its own."""

    file: Path

    def close(self) -> None:
        """Remove the pipe with its folder."""
        shutil.rmtree(self.file.parent, ignore_errors=True)


def open_channel() -> Channel:
    """Make a channel: a pipe rather than a file, because nothing that was written to it can be written over."""
    file = Path(tempfile.mkdtemp(prefix="autoresearch-")) / secrets.token_hex(16)
    os.mkfifo(file, 0o600)
    return Channel(file)


Mark = tuple[int, int, int]
"""Inode, time of the last change of any kind in nanoseconds, and size; zeros where there is no file."""


class RunNote(BaseModel):
    """One run as it began. Marks tell whether a file was swapped or written since; `at_ns` is since the epoch."""

    model_config = ConfigDict(frozen=True)

    seed: int
    at_ns: int
    channel: str = ""
    temporary: str = ""
    watched: dict[str, Mark] = {}
    written: dict[str, Mark] = {}
    named: dict[str, Mark] = {}


class RunNotes:
    """The notes of one repository, by the key of their run."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def find(self, key: str) -> RunNote | None:
        """Return the note of a run that began; None if it never did."""
        try:
            return RunNote.model_validate_json((self._folder / f"{key}.json").read_bytes())
        except (OSError, ValidationError):
            return None

    def note(self, key: str, begun: RunNote) -> None:
        """Note that a run begins."""
        self._folder.mkdir(parents=True, exist_ok=True)
        write_atomically(self._folder / f"{key}.json", begun.model_dump_json())

    def forget(self, key: str) -> None:
        """Remove a note with its pipe and temporary folder: its result was read, or there will be none."""
        begun = self.find(key)
        if begun and begun.channel:
            Channel(Path(begun.channel)).close()
        if begun and begun.temporary:
            shutil.rmtree(begun.temporary, ignore_errors=True)
        (self._folder / f"{key}.json").unlink(missing_ok=True)

    def clear(self) -> None:
        """Remove all notes."""
        for file in self._folder.glob("*.json"):
            self.forget(file.stem)
        shutil.rmtree(self._folder, ignore_errors=True)
