"""What a person has to agree to before a plan may run, as sentences; a stored yes is to exactly these.

A command agreed to without a sandbox may also run inside one. The other way round it may not: whoever agreed to a
command behind walls did not agree to it without them.
"""

from __future__ import annotations

from collections.abc import Callable

from .model import Plan

_WALLED = " (in a sandbox without network)"
_NETWORKED = " (in a sandbox with network)"


def statements(plan: Plan) -> tuple[str, ...]:
    """Everything that a plan asks for: its commands as they would run, and the variables that reach them."""
    walls = _walls(plan)
    commands = (command + walls[0] for command in plan.commands)
    return tuple(dict.fromkeys([*commands, *(_variable(name) for name in plan.environment)]))


def missing(plan: Plan, agreed: Callable[[str], bool]) -> tuple[str, ...]:
    """The statements of a plan that nobody agreed to, neither as they stand nor as more than is asked."""
    walls = _walls(plan)
    commands = [c + walls[0] for c in plan.commands if not any(agreed(c + wall) for wall in walls)]
    names = [said for name in plan.environment if not agreed(said := _variable(name))]
    return tuple(dict.fromkeys([*commands, *names]))


def _walls(plan: Plan) -> tuple[str, ...]:
    """The walls around a plan's commands, then every lower wall that covers them as well."""
    if plan.sandbox != "on":
        return ("",)
    return (_NETWORKED, "") if plan.network else (_WALLED, _NETWORKED, "")


def _variable(name: str) -> str:
    return f"pass the environment variable {name} on to these commands"
