"""What is about to happen to HEAD, the index and the files: written down first, so that a dead server's step can be finished."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from ..storage.disk import write_atomically
from .events import Committed, Landed, Reverted

INTENT_FILE = "intent.json"


class Intent(BaseModel):
    """HEAD goes from `old` to `new`, which exists already; then `event` is recorded in the journal.

    For an undo, `base` is the commit whose files come back; `edited` are paths that somebody had edited before, which keep
    their edit, and `staged` those of them whose place in the index is somebody's too.
    """

    model_config = ConfigDict(frozen=True)

    session: str
    old: str
    new: str
    event: Committed | Landed | Reverted
    base: str = ""
    edited: tuple[str, ...] = ()
    staged: tuple[str, ...] = ()


def write_intent(folder: Path, intent: Intent) -> None:
    """Write down what comes, durably."""
    write_atomically(folder / INTENT_FILE, intent.model_dump_json())


def read_intent(folder: Path) -> Intent | None:
    """Return what a dead server was about to do; None if it left nothing open."""
    try:
        return Intent.model_validate_json((folder / INTENT_FILE).read_bytes())
    except (OSError, ValidationError):
        return None


def intent_written_at(folder: Path) -> float:
    """When the open intent was written, in seconds since the epoch."""
    return (folder / INTENT_FILE).stat().st_mtime


def clear_intent(folder: Path) -> None:
    """It is done, or was never begun."""
    (folder / INTENT_FILE).unlink(missing_ok=True)
