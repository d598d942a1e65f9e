"""What a person says to a session while an agent works: each public function returns the exit status."""

from __future__ import annotations

import sys
from argparse import Namespace
from pathlib import Path

from ...tools.errors import Code, Refusal
from ...tools.lab.access import Lab
from ...tools.lab.notes import NO_REASON, Said, steer
from ...tools.text.redaction import visible
from ...tools.verbs.review import session_of
from ...tools.vocabulary import Phase


def hint(root: Path, options: Namespace) -> int:
    """Say what every answer repeats until it is taken back."""
    return _steered(root, Said.HINT, " ".join(options.words), 0 if options.clear else None, "No hints.")


def idea(root: Path, options: Namespace) -> int:
    """Put an idea into the backlog, or take one out."""
    return _steered(root, Said.IDEA, " ".join(options.words), options.done or None, "No ideas.")


def pause(root: Path, options: Namespace) -> int:
    """Let no experiment begin until the session is resumed; the one at work goes on to its end."""
    return _steered(root, Said.PAUSE, " ".join(options.words) or NO_REASON, 0, "")


def resume(root: Path, options: Namespace) -> int:
    """Take a pause back."""
    return _steered(root, Said.PAUSE, "", 0, "The session goes on.")


def _steered(root: Path, kind: Said, text: str, without: int | None, none: str) -> int:
    try:
        context = Lab(root).for_reading()
        if text and context.phase in {Phase.NO_SESSION, Phase.ENDED}:
            raise Refusal(Code.NO_SESSION, "No session is at work on this branch, so nobody would hear it.")
        there = steer(context.repo.own_folder, session_of(context).id, kind, text, without)
    except (Refusal, OSError) as problem:
        sys.stderr.write(f"{problem}\n")
        return 2
    if there and kind is Said.PAUSE:
        sys.stdout.write(
            f"Paused ({visible(there[0])}). What is at work goes on to its end. To go on: autoresearch-mcp resume\n"
        )
        return 0
    sys.stdout.write("".join(f"{n}. {visible(words)}\n" for n, words in enumerate(there, 1)) or f"{none}\n")
    return 0
