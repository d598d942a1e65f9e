"""Words beside the journal that move no number: the agent's notes to its next context, and what a person says while it works."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path

from ..storage.disk import read_or_empty, write_atomically
from ..text.redaction import redactor

MOST_CHARACTERS = 6000
"""Of all words of a kind in a session; the oldest go first."""
MOST_SESSIONS = 8
"""Sessions whose words are kept: several may be at work in the worktrees of a repository."""

PAUSED, NO_REASON = "The person paused the session", "no reason was given"


class Said(StrEnum):
    """Whose words, and what for; each kind in a file of its own, which one process at a time writes."""

    NOTE = "notes"
    """The agent's, to its next context."""
    HINT = "hints"
    """A person's: it holds until it is taken back."""
    IDEA = "ideas"
    """A person's: a try that an agent may make when it comes to it."""
    PAUSE = "pauses"
    """A person's: why no experiment begins until it is taken back."""


def said(folder: Path, session: str, kind: Said = Said.NOTE) -> list[str]:
    """Return what was said in a session, oldest first."""
    return _stored(folder, kind).get(session, [])


def say(folder: Path, session: str, text: str, kind: Said = Said.NOTE) -> list[str]:
    """Keep one more, without secrets, and return all that are kept of the session."""
    return keep_said(folder, session, [*said(folder, session, kind), redactor()(text.strip())[:MOST_CHARACTERS]], kind)


def keep_said(folder: Path, session: str, texts: list[str], kind: Said) -> list[str]:
    """Keep these of the session and no others; returns them, without the oldest where they are too long together."""
    kept = list(texts)
    while sum(map(len, kept)) > MOST_CHARACTERS:
        kept.pop(0)
    others = [(other, words) for other, words in _stored(folder, kind).items() if other != session]
    newest = dict([*others, (session, kept)][-MOST_SESSIONS:])
    write_atomically(folder / f"{kind}.json", json.dumps(newest, ensure_ascii=False, indent=1))
    return kept


def steer(folder: Path, session: str, kind: Said, text: str = "", without: int | None = None) -> list[str]:
    """Take back what a person said, the one with a number or with 0 all, then add a text, if there is one; returns what holds."""
    kept = said(folder, session, kind)
    if without is not None:
        kept = [one for number, one in enumerate(kept, 1) if without and number != without]
        keep_said(folder, session, kept, kind)
    return say(folder, session, text, kind) if text.strip() else kept


def from_person(folder: Path, session: str) -> list[str]:
    """Return what a person says of a session, in lines to read: a pause, hints that hold, and ideas that nobody has taken up."""
    hints = said(folder, session, Said.HINT)
    ideas = enumerate(said(folder, session, Said.IDEA), 1)
    return [
        *(f"{PAUSED} ({why}): stop here until they resume it." for why in said(folder, session, Said.PAUSE)),
        *(f"Hint of the person: {text}" for text in hints),
        *(f"Idea {n} of the person: {text}" for n, text in ideas),
    ]


def _stored(folder: Path, kind: Said) -> dict[str, list[str]]:
    try:
        found = json.loads(read_or_empty(folder / f"{kind}.json") or b"{}")
        return {str(session): [str(text) for text in texts] for session, texts in found.items()}
    except (ValueError, TypeError, AttributeError):
        return {}
