"""What a run leaves on the disk beside the journal: who drives, what it does, and files for the client. Nothing that decides."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import Code, Refusal
from ..storage.disk import read_or_empty, take_lock, write_atomically

FOLDER = "autoresearch/driver"
_LOCK, _NOW, LOG = "lock", "now.json", "log"


@dataclass(frozen=True)
class DriverPlace:
    """The folder of the driver of one checkout."""

    folder: Path

    @classmethod
    def of(cls, git_dir: Path, agent: str = "") -> DriverPlace:
        """Return the place in git's folder of a checkout, which each worktree has for itself; in it that of one `agent` of several."""
        return cls(git_dir / FOLDER / agent)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Be the driver of this checkout. Death releases it.

        Raises:
            Refusal: if another one drives here.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        lock = take_lock(self.folder / _LOCK)
        if lock is None:
            cure = "Look at it with `autoresearch-mcp run --status`, end it with `run --stop`."
            raise Refusal(Code.BUSY, f"A run is at work in this checkout, process {self.driver()}. {cure}")
        os.truncate(lock, 0)
        os.pwrite(lock, str(os.getpid()).encode(), 0)
        try:
            yield
        finally:
            os.close(lock)

    def driver(self) -> int:
        """Return the process that drives here; 0 without one."""
        try:
            lock = take_lock(self.folder / _LOCK, make=False)
        except OSError:
            return 0
        if lock is not None:
            os.close(lock)
            return 0
        words = read_or_empty(self.folder / _LOCK).decode()
        return int(words) if words.isdecimal() else 0

    def stop(self) -> bool:
        """Ask the driver to end its leg and itself; false without one."""
        if driver := self.driver():
            os.kill(driver, signal.SIGINT)
        return bool(driver)

    def put(self, files: Mapping[str, str]) -> None:
        """Write files for a client, for nobody else to read."""
        for name, text in files.items():
            file = self.folder / name
            file.touch(mode=0o600)
            file.write_text(text, encoding="utf-8")

    def note_now(self, now: Mapping[str, Any]) -> None:
        """Say what the driver does at the moment, for others to see, and for the next driver should this one be killed."""
        write_atomically(self.folder / _NOW, json.dumps(now))

    def now(self) -> dict[str, Any]:
        """Return what the driver did last; empty where it ended in order."""
        try:
            found = json.loads(read_or_empty(self.folder / _NOW) or b"{}")
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}


def open_to_others(folder: Path) -> Path | None:
    """Return the first folder at or above one that others may write to; None where there is none."""
    there = (place for place in (folder, *folder.parents) if place.exists())
    return next((place for place in there if place.stat().st_mode & 0o022), None)
