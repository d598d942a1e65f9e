"""From a goal to a session in a terminal, for people: what could be measured, a plan file, its gates, the start."""

from __future__ import annotations

import sys
from argparse import Namespace
from pathlib import Path

from ...tools.errors import Refusal
from ...tools.lab.access import Lab
from ...tools.plan.model import PLAN_FILE, Plan, in_toml
from ...tools.verbs.planning import Checked, Inspected, Planning
from ...tools.verbs.sessions import Sessions
from .tool_commands import print_answer
from .wording import for_people


def plan(root: Path, options: Namespace) -> int:
    """Print the plans that suit a goal, or what to add before there is one."""
    return print_answer(options.json, lambda: Planning(Lab(root)).inspect_project(" ".join(options.goal)))


def check(root: Path, options: Namespace) -> int:
    """Try every gate of the plan file; returns the exit status: 1 if one failed."""
    found: list[Checked] = []

    def ask() -> Checked:
        found.append(Planning(Lab(root, allow_commands=options.allow_commands)).check_plan(Plan()))
        return found[0]

    return print_answer(options.json, ask) or int(not found[0].ready)


def start(root: Path, options: Namespace) -> int:
    """Start a session with the plan file."""
    lab = Lab(root, allow_commands=options.allow_commands)
    return print_answer(options.json, lambda: Sessions(lab).start_session(Plan()))


def write_plan(root: Path, goal: str) -> int:
    """Write the plan that suits a goal best as the plan file; returns the exit status: 1 if nothing measures it."""
    try:
        context = Lab(root).for_reading()
        found = Planning(Lab(root)).inspect_project(goal)
    except Refusal as refusal:
        sys.stderr.write(f"{refusal.message}\n")
        return 2
    file = context.repo.root / PLAN_FILE
    if file.exists():
        sys.stderr.write(f"{for_people(found.plan_file) or f'{PLAN_FILE} is here already.'}\nNothing was written.\n")
        return 1
    if not found.candidates:
        told = [for_people(line) for one in found.lacking for line in one.lines()]
        sys.stderr.write("\n".join(told or [_NOTHING]) + "\n")
        return 1
    file.write_text(in_toml(found.candidates[0].plan), encoding="utf-8")
    sys.stdout.write(_written(found) + "\n")
    return 0


_NOTHING = (
    f"Nothing was found here that could be measured. If a command prints a number that should get better, `autoresearch-mcp quick -- COMMAND` "
    f"measures it and prints a plan to paste into {PLAN_FILE}."
)


def _written(found: Inspected) -> str:
    first, *others = found.candidates
    return "\n".join(
        [
            f"Wrote {PLAN_FILE}:",
            *first.lines(),
            *(
                [f"Others that fit: {', '.join(one.title for one in others)} (autoresearch-mcp plan shows them)."]
                if others
                else []
            ),
            "Read it, change it to your taste, and commit it. Then: autoresearch-mcp check.",
        ]
    )
