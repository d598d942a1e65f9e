"""What a person says to a session while an agent works: each public function returns the exit status."""

from __future__ import annotations

import sys
from argparse import Namespace
from pathlib import Path

from ...tools.errors import Refusal
from ...tools.lab.access import Lab
from ...tools.lab.notes import Said, keep_said, said, say
from ...tools.text.redaction import visible
from ...tools.verbs.review import session_of


def hint(root: Path, options: Namespace) -> int:
    """Say what every answer repeats until it is taken back."""
    return _said(root, Said.HINT, options.words, "all" if options.clear else 0)


def idea(root: Path, options: Namespace) -> int:
    """Put an idea into the backlog, or take one out."""
    return _said(root, Said.IDEA, options.words, options.done)


def _said(root: Path, kind: Said, words: list[str], without: int | str) -> int:
    try:
        context = Lab(root).for_reading()
        folder, session = context.repo.own_folder, session_of(context).id
        there = said(folder, session, kind)
        if without:
            there = keep_said(
                folder, session, [text for n, text in enumerate(there, 1) if without not in {"all", n}], kind
            )
        if text := " ".join(words).strip():
            there = say(folder, session, text, kind)
    except (Refusal, OSError) as problem:
        sys.stderr.write(f"{problem}\n")
        return 2
    sys.stdout.write("".join(f"{n}. {visible(text)}\n" for n, text in enumerate(there, 1)) or f"No {kind}.\n")
    return 0
