"""`autoresearch-mcp approve`: a person says yes, at a terminal, to the commands of the plan file."""

from __future__ import annotations

import sys
from argparse import Namespace
from pathlib import Path

from ..tools.errors import Refusal
from ..tools.lab import Lab
from ..tools.planning import agree_to, commands_without_consent, wanted_commands
from ..tools.rules.cleaning import visible
from ..tools.rules.plan import PLAN_FILE, Plan


def run(root: Path, options: Namespace) -> int:
    """Show the commands and ask; returns the exit status: 0 agreed, 1 not, 2 nothing could be asked."""
    lab = Lab(root)
    try:
        lab.open()
    except Refusal as refusal:
        return _say(refusal.message, 2)
    planned, wanted = commands_without_consent(lab, Plan(), ""), wanted_commands(lab)
    missing = (*planned, *(command for command in wanted if command not in planned))
    if not missing:
        return _say(f"Nothing to agree to: {PLAN_FILE} is absent, unusable, or its commands are agreed to already.", 0)
    if not sys.stdin.isatty():
        return _say("This asks a person: run it in a terminal.", 2)
    listed = "\n".join(f"  {visible(command)}" for command in missing)
    asker = PLAN_FILE if planned else "An agent's ledger"
    sys.stdout.write(f"{asker} in {root} asks to run, as you, on this machine:\n\n{listed}\n\n")
    sys.stdout.write("Type yes to agree: ")
    sys.stdout.flush()
    if sys.stdin.readline().strip().lower() != "yes":
        return _say("Not agreed; nothing was stored.", 1)
    agree_to(lab, missing)  # what was shown, whatever stands in the files by now
    return _say("Agreed. The server may run these exact commands in this repository.", 0)


def _say(text: str, status: int) -> int:
    (sys.stderr if status == 2 else sys.stdout).write(f"{text}\n")
    return status
