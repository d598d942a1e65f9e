"""`autoresearch-mcp approve`: a person says yes, at a terminal, to commands, and to a shipment."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from pathlib import Path

from ...tools.errors import Refusal
from ...tools.lab.access import Lab
from ...tools.plan.model import PLAN_FILE, Plan
from ...tools.text.redaction import visible
from ...tools.verbs.planning import agree_to, commands_without_consent, wanted_commands
from ...tools.workflows.ship.approval import approve_shipment, waiting_shipment


def run(root: Path, options: Namespace) -> int:
    """Show what waits for a yes, and ask; returns the exit status: 0 agreed, 1 not, 2 nothing could be asked."""
    lab = Lab(root)
    try:
        lab.for_reading()
        if options.json:
            return _listed(lab)
        statuses = [status for ask in (_commands, _shipment) if (status := ask(lab, root)) is not None]
    except Refusal as refusal:
        return _say(refusal.message, 2)
    nothing = f"Nothing to agree to: {PLAN_FILE} is absent, unusable, or its commands are agreed to already."
    return max(statuses) if statuses else _say(nothing, 0)


def _listed(lab: Lab) -> int:
    """Print what waits for a yes as JSON, and ask nothing; 1 if something does."""
    commands, shipment = _missing(lab)[1], waiting_shipment(lab)
    waiting = {"commands": [*map(visible, commands)], "shipment": shipment.question if shipment else ""}
    sys.stdout.write(json.dumps(waiting, ensure_ascii=False) + "\n")
    return int(bool(commands or shipment))


def _missing(lab: Lab) -> tuple[bool, tuple[str, ...]]:
    """Return whether the plan file asks for something, and all that nobody agreed to."""
    planned, wanted = commands_without_consent(lab, Plan(), ""), wanted_commands(lab)
    return bool(planned), (*planned, *(command for command in wanted if command not in planned))


def _commands(lab: Lab, root: Path) -> int | None:
    """Ask for the commands that nobody agreed to; None if there are none."""
    planned, missing = _missing(lab)
    if not missing:
        return None
    listed = "\n".join(f"  {visible(command)}" for command in missing)
    asker = PLAN_FILE if planned else "An agent's ledger"
    shown = f"{asker} in {root} asks to run, as you, on this machine:\n\n{listed}\n\n"
    if status := _asked(shown, "yes"):
        return status
    agree_to(lab, missing)  # what was shown, whatever stands in the files by now
    return _say("Agreed. The server may run these exact commands in this repository.", 0)


def _shipment(lab: Lab, root: Path) -> int | None:
    """Ask for the shipment that waits on this branch; None if none does."""
    waiting = waiting_shipment(lab)
    if waiting is None:
        return None
    if status := _asked(f"In {root}:\n\n{waiting.question}\n\n", "ship"):
        return status
    approve_shipment(lab, waiting.digest, "in a terminal")
    return _say("Approved: this commit with this checklist, and nothing else.", 0)


def _asked(shown: str, word: str) -> int:
    """Show and ask; 0 if the word was typed, 1 if not, 2 if there is nobody to ask."""
    if not sys.stdin.isatty():
        return _say("This asks a person: run it in a terminal.", 2)
    sys.stdout.write(f"{shown}Type {word} to agree: ")
    sys.stdout.flush()
    return 0 if sys.stdin.readline().strip().lower() == word else _say("Not agreed; nothing was stored.", 1)


def _say(text: str, status: int) -> int:
    (sys.stderr if status == 2 else sys.stdout).write(f"{text}\n")
    return status
