"""What was noted just before a run began, so that another server can read its result: files in a folder of ours."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ..git.memory import Memory
from ..git.stamps import Stamp
from ..storage.disk import boot, write_atomically


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


class RunNote(BaseModel):
    """One run as it began. Stamps tell whether a file was swapped or written since; `at_ns` is since the epoch.

    `watched` may be thousands of files, the same for every run: it has a file of its own, with its digest in its name.
    """

    model_config = ConfigDict(frozen=True)

    seed: int
    at_ns: int
    boot: str = Field(default_factory=boot)
    channel: str = ""
    temporary: str = ""
    watched: dict[str, Stamp] = {}
    watched_in: str = ""
    written: dict[str, Stamp] = {}
    named: dict[str, Stamp] = {}


_LATEST = Memory(8)
"""The watched files that were last written, of the user's checkout and of another, each with the name of its file, by folder."""
_PLACES = 2


class RunNotes:
    """The notes of one repository, by the key of their run."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._watched = folder.parent / "watched"

    def find(self, key: str) -> RunNote | None:
        """Return the note of a run that began; None if it never did, or before the machine last started.

        Then nothing of the run lives, and of what it would have read in a second checkout some may be lost.
        """
        begun = self._read(key)
        if begun is None or begun.boot != boot():
            return None
        if not begun.watched_in:
            return begun
        try:
            text = (self._watched / begun.watched_in).read_bytes()
            watched = {path: tuple(stamp) for path, stamp in json.loads(text).items()}
        except (OSError, ValueError):
            return None
        return begun.model_copy(update={"watched": watched}) if _name(text) == begun.watched_in else None

    def _read(self, key: str) -> RunNote | None:
        try:
            return RunNote.model_validate_json((self._folder / f"{key}.json").read_bytes())
        except (OSError, ValidationError):
            return None

    def note(self, key: str, begun: RunNote) -> None:
        """Note that a run begins."""
        self._folder.mkdir(parents=True, exist_ok=True)
        written = begun.model_copy(update={"watched_in": self._write(begun.watched) if begun.watched else ""})
        write_atomically(self._folder / f"{key}.json", written.model_dump_json(exclude={"watched"}))

    def _write(self, watched: dict[str, Stamp]) -> str:
        latest: list[tuple[dict[str, Stamp], str]] = _LATEST.get(self._watched) or []
        for known, name in latest:
            if known == watched and (self._watched / name).exists():
                return name
        text = json.dumps(watched).encode()
        name = _name(text)
        self._watched.mkdir(exist_ok=True)
        write_atomically(self._watched / name, text.decode())
        _LATEST.put(self._watched, [(watched, name), *latest][:_PLACES])
        return name

    def forget(self, key: str) -> None:
        """Remove a note with its pipe and temporary folder: its result was read, or there will be none."""
        begun = self._read(key)
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
        latest = {name for _, name in _LATEST.get(self._watched) or ()}
        for file in self._watched.glob("*"):
            if file.name not in latest:
                file.unlink(missing_ok=True)


def _name(text: bytes) -> str:
    return hashlib.sha256(text).hexdigest()
