"""The agent's own notes of a session: free text for its next context, kept beside the journal and in no number."""

from __future__ import annotations

import json
from pathlib import Path

from ..storage.disk import read_or_empty, write_atomically
from ..text.redaction import redactor

NOTES_FILE = "notes.json"
MOST_CHARACTERS = 6000
"""Of all notes of a session; the oldest go first."""
MOST_SESSIONS = 8
"""Sessions whose notes are kept: several may be at work in the worktrees of a repository."""


def notes_of(folder: Path, session: str) -> list[str]:
    """Return the notes of a session, oldest first."""
    return _stored(folder).get(session, [])


def add_note(folder: Path, session: str, text: str) -> list[str]:
    """Keep one more note, without secrets, and return all that are kept of the session."""
    stored = _stored(folder)
    kept = [*stored.pop(session, []), redactor()(text.strip())[:MOST_CHARACTERS]]
    while sum(map(len, kept)) > MOST_CHARACTERS:
        kept.pop(0)
    newest = dict([*stored.items(), (session, kept)][-MOST_SESSIONS:])
    write_atomically(folder / NOTES_FILE, json.dumps(newest, ensure_ascii=False, indent=1))
    return kept


def _stored(folder: Path) -> dict[str, list[str]]:
    try:
        found = json.loads(read_or_empty(folder / NOTES_FILE) or b"{}")
        return {str(session): [str(note) for note in notes] for session, notes in found.items()}
    except (ValueError, TypeError, AttributeError):
        return {}
