"""The project's own commands, run for a checklist where a person agreed to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...lab.context import RepoContext
from ...process.runner import CommandRun
from ...process.screen import screen
from ...project.folders import MAKEFILES, CommandKind, Language, ProjectCommand
from ...project.projects import Project, recognise
from ...project.recipes import inside
from ...project.scan import missing_tools, scan
from ...text.hygiene import clean_end
from .checks.links import checker
from .checks.lists import Weight
from .checks.material import CheckLook, CheckResult
from .checks.places import FoundPlace

TIMEOUT_S = 1800.0
HEALTH_S = 60.0
"""For one look at what was shipped."""
TAIL_LINES = 12
_KINDS = {"tests": CommandKind.TEST, "build": CommandKind.BUILD, "types": CommandKind.TYPES, "lint": CommandKind.LINT}
_EXAMPLES = frozenset(("example", "examples", "sample", "samples", "demo", "demos", "templates"))
_NO_CODE = frozenset({Language.MARKDOWN, Language.NOTEBOOK})
COMMANDS = frozenset(_KINDS)
"""The names of the checks that are commands of the project."""


@dataclass(frozen=True)
class Offered:
    """The commands that the projects here offer for each check, as typed at the repository's root."""

    commands: dict[str, tuple[str, ...]]
    links: str
    code: bool


def offered(context: RepoContext) -> Offered:
    """What the projects offer: of several commands for one purpose the project's own, from its makefile, else the first."""
    files = context.repo.tracked()
    texts = scan(context.repo.root, files)
    projects = [project for project in recognise(files, texts) if not _EXAMPLES & set(project.root.split("/"))]
    commands = {name: _of_kind(projects, kind) for name, kind in _KINDS.items()}
    return Offered(commands, checker(texts), any(set(project.languages) - _NO_CODE for project in projects))


def _of_kind(projects: Sequence[Project], kind: CommandKind) -> tuple[str, ...]:
    found = ((project.root, _preferred(project.of_kind(kind))) for project in projects)
    return tuple(dict.fromkeys(inside(root, command.text) for root, command in found if command))


def _preferred(commands: Sequence[ProjectCommand]) -> ProjectCommand | None:
    own = [command for command in commands if command.source in MAKEFILES]
    return next(iter([*own, *commands]), None)


def not_offered(name: str, code: bool) -> CheckLook:
    """What a check without a command is: tests are missed where there is code."""
    if name != "tests" or not code:
        return CheckLook(CheckResult.NOT_HERE, "the project has no command for it that is known here")
    cure = "no test command was found. A make target or package script `test` is always found"
    return CheckLook(CheckResult.FAILED, cure, weight=Weight.REQUIRED)


def ran(context: RepoContext, name: str, commands: Sequence[str], timeout_s: float = TIMEOUT_S) -> CheckLook:
    """Run the commands of a check, up to the first that fails."""
    if why := _may_not_run(context, commands):
        return CheckLook(CheckResult.OPEN, why)
    for command in commands:
        run = context.run(context.key(f"ship {name} {command}"), command, timeout_s, context.repo.root, {})
        if run.cancelled or run.lost:
            return CheckLook(CheckResult.OPEN, f"`{command}` was {'cancelled' if run.cancelled else 'lost'}")
        if run.exit_code != 0 or run.timed_out:
            told = f"timed out after {timeout_s:.0f} s" if run.timed_out else f"exit {run.exit_code}"
            return CheckLook(
                CheckResult.FAILED, f"`{command}`: {told}", tuple(FoundPlace(line, 0, "") for line in last_lines(run))
            )
    return CheckLook(CheckResult.PASSED, f"{', '.join(f'`{command}`' for command in commands)}: exit 0")


def _may_not_run(context: RepoContext, commands: Sequence[str]) -> str:
    """Why commands are not run; empty if they may. Those that nobody agreed to are noted for a person to look at."""
    for command in commands:
        if told := screen(command).refused:
            return f"`{command}` is not run here: {told}"
    if waiting := [command for command in commands if not context.consent.agreed_to(command)]:
        for command in waiting:
            context.consent.want(command)
        named = ", ".join(f"`{command}`" for command in waiting)
        return f"not run: nobody agreed to {named}. A person can, with `autoresearch-mcp approve`"
    missing = missing_tools(commands)
    return f"not run: {', '.join(missing)} is not installed here" if missing else ""


def last_lines(run: CommandRun) -> list[str]:
    """The end of what a command printed."""
    return clean_end(run.stdout + run.stderr, 1500).strip().splitlines()[-TAIL_LINES:]
