"""The agent's own notes of a session: free text for its next context, kept beside the journal and in no number."""

from __future__ import annotations

import json
from pathlib import Path

from ..storage.disk import read_or_empty, write_atomically
from ..text.redaction import redactor

NOTES_FILE = "notes.json"
MOST_CHARACTERS = 6000
"""Of all notes of a session; the oldest go first."""


def notes_of(folder: Path, session: str) -> list[str]:
    """Return the notes of a session, oldest first; none where the file holds those of another one."""
    try:
        stored = json.loads(read_or_empty(folder / NOTES_FILE) or b"{}")
        return [str(note) for note in stored["notes"]] if stored.get("session") == session else []
    except (ValueError, KeyError, TypeError, AttributeError):
        return []


def add_note(folder: Path, session: str, text: str) -> list[str]:
    """Keep one more note, without secrets, and return all that are kept."""
    kept = [*notes_of(folder, session), redactor()(text.strip())[:MOST_CHARACTERS]]
    while sum(map(len, kept)) > MOST_CHARACTERS:
        kept.pop(0)
    write_atomically(folder / NOTES_FILE, json.dumps({"session": session, "notes": kept}, ensure_ascii=False, indent=1))
    return kept
