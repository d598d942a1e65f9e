"""From a goal to a session in a terminal, for people: what could be measured, a plan file, its gates, the start."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from pydantic import Field

from ...tools.lab.access import Lab
from ...tools.plan.model import PLAN_FILE, Plan, in_toml
from ...tools.verbs.planning import Checked, Inspected, Planning
from ...tools.verbs.sessions import Sessions
from .printing import print_answer
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


class Proposed(Inspected):
    """What was found, and the plan file that was written of it."""

    written: str = Field("", description="The plan file; empty: nothing was written.")


def write_plan(root: Path, goal: str, *, as_json: bool) -> int:
    """Write the plan that suits a goal best as the plan file; returns the exit status: 1 if nothing measures it."""
    made: list[str] = []

    def ask() -> Proposed:
        lab = Lab(root)
        found, file = Planning(lab).inspect_project(goal), lab.for_reading().repo.root / PLAN_FILE
        if found.candidates and not file.exists():
            file.write_text(in_toml(found.candidates[0].plan), encoding="utf-8")
            made.append(str(file))
        return Proposed(**found.model_dump(), written="".join(made))

    return print_answer(as_json, ask, _told) or int(not made)


def _told(found: Proposed) -> list[str]:
    if found.written:
        return _written(found)
    if found.candidates or found.plan_file:
        return [for_people(found.plan_file) or f"{PLAN_FILE} is here already.", "Nothing was written."]
    return [for_people(line) for one in found.lacking for line in one.lines()] or [_NOTHING]


_NOTHING = (
    f"Nothing was found here that could be measured. If a command prints a number that should get better, `autoresearch-mcp quick -- COMMAND` "
    f"measures it and prints a plan to paste into {PLAN_FILE}."
)


def _written(found: Inspected) -> list[str]:
    first, *others = found.candidates
    more = f"Others that fit: {', '.join(one.title for one in others)} (autoresearch-mcp plan shows them)."
    return [
        f"Wrote {PLAN_FILE}:",
        *first.lines(),
        *([more] if others else []),
        "Read it, change it to your taste, and commit it. Then: autoresearch-mcp check.",
    ]
