"""`autoresearch-mcp hook`: answer an event of a client's chat."""

from __future__ import annotations

import json
import os
import sys
from argparse import Namespace
from pathlib import Path

_STOPS = ("Stop", "AfterAgent")
"""What clients call the event of a chat that would stop."""


def run(root: Path, options: Namespace) -> int:
    """Answer an event of a client's chat; says nothing where there is nothing to say. Returns the exit status."""
    try:
        told = json.loads(sys.stdin.read() or "{}")
    except ValueError:
        return 0
    if not isinstance(told, dict) or (_attended() and told.get("hook_event_name") in _STOPS):
        return 0  # a chat that somebody attends may always stop, and its person waits for this

    from ...tools.driver.chats import answer_hook
    from ...tools.lab.access import Lab

    if answer := answer_hook(Lab(root), told):
        sys.stdout.write(f"{answer}\n")
    return 0


def _attended() -> bool:
    """Return whether somebody attends this chat: as Claude Code says; of others, unless the person who started it says otherwise."""
    known = os.environ.get("CLAUDE_CODE_SESSION_ATTENDED")
    return known != "0" if known else os.environ.get("AUTORESEARCH_UNATTENDED") != "1"
