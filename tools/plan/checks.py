"""What has to be true of a plan before it may be sealed: what is wrong with it, and what a person has to agree to.

A stored yes is to exactly these sentences. A command agreed to without a sandbox may also run inside one. The other way
round it may not: whoever agreed to a command behind walls did not agree to it without them.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from ..text.arguments import wrong_words
from ..text.redaction import hides_something, visible
from .metrics import check_read
from .model import LEAST_RUNS, MOST_RUNS, Direction, Effort, Plan, Ties, parse_guard_metric
from .resources import resource_of
from .scope import check_glob


@dataclass(frozen=True)
class PlanProblem:
    """What is wrong with one field of a plan, and what to write instead."""

    field: str
    seen: str
    cure: str

    def __str__(self) -> str:
        return f"{self.field}: {self.seen}. {self.cure}{'' if self.cure.endswith('?') else '.'}"


def load_plan(fields: Mapping[str, Any]) -> Plan | tuple[PlanProblem, ...]:
    """Validate raw fields, from a plan file or a call: a plan, or what is wrong with them. Unknown keys are named."""
    try:
        return Plan.model_validate(fields)
    except ValidationError as error:
        return tuple(dict.fromkeys(map(_shape_problem, error.errors())))


def _shape_problem(issue: ErrorDetails) -> PlanProblem:
    field = str(issue["loc"][0])
    if issue["type"] != "extra_forbidden":
        each = "each entry " if len(issue["loc"]) > 1 else ""
        return PlanProblem(field, f"{each}{wrong_words(issue)}", f"It is {visible(repr(issue['input']))[:60]}")
    close = difflib.get_close_matches(field, Plan.model_fields, n=1)
    cure = f"Did you mean `{close[0]}`?" if close else f"Known keys: {', '.join(Plan.model_fields)}"
    return PlanProblem(field, "unknown key", cure)


CALLGRIND = "valgrind --tool=callgrind --callgrind-out-file=/dev/null COMMAND 2>&1"
_BUDGET = re.compile(r"[A-Z][A-Z0-9_]{0,60}=[1-9]\d{0,15}")
_STYLE = re.compile(r"[a-zA-Z]{1,20}(?:\([\w./ -]{1,40}\))?!?:?")


def problems(plan: Plan) -> tuple[PlanProblem, ...]:
    """Return everything that keeps a well-formed plan from being sealed; empty when it is fine."""
    return (
        *_required(plan),
        *_globs(plan),
        *_choices(plan),
        *_numbers(plan),
        *_guard_problems(plan),
        *_names(plan),
        *_hidden(plan),
    )


def _required(plan: Plan) -> list[PlanProblem]:
    missing = [
        ("goal", "Say in one sentence what should get better"),
        ("scope", "Name the files an experiment may change, e.g. `src/**`"),
        ("metric", "Name the number, e.g. `seconds`"),
        ("verify", "Give the shell command that prints the number"),
        ("direction", "Say `lower` or `higher`; a wrong default would optimise the wrong way"),
    ]
    return [PlanProblem(field, "missing", cure) for field, cure in missing if not getattr(plan, field)]


def _globs(plan: Plan) -> list[PlanProblem]:
    named = [("scope", glob) for glob in plan.scope] + [("protected", glob) for glob in plan.protected]
    named += [("outputs", glob) for glob in plan.outputs]
    return [
        PlanProblem(field, f"{glob!r}: {seen}", "Write a glob anchored at the repository root")
        for field, glob in named
        if (seen := check_glob(glob))
    ]


def _choices(plan: Plan) -> list[PlanProblem]:
    found = []
    if plan.direction and plan.direction not in list(Direction):
        found.append(PlanProblem("direction", f"{plan.direction!r} is no direction", "Say `lower` or `higher`"))
    if plan.ties not in list(Ties):
        found.append(PlanProblem("ties", f"{plan.ties!r} is unknown", "Say `discard` or `simpler`"))
    if 0 < plan.max_runs < LEAST_RUNS:
        cure = f"Say at least {LEAST_RUNS}, or 0 for what the effort takes"
        found.append(PlanProblem("max_runs", f"{plan.max_runs} runs decide nothing", cure))
    if plan.effort not in list(Effort):
        found.append(PlanProblem("effort", f"{plan.effort!r} is unknown", "Say `quick`, `normal` or `thorough`"))
    if not _STYLE.fullmatch(plan.commit_style):
        cure = "Say `experiment`, or the prefix that a hook wants, e.g. `perf:` or `chore(lab):`"
        found.append(PlanProblem("commit_style", f"{plan.commit_style!r} is no prefix of a commit", cure))
    if plan.run_budget and not _BUDGET.fullmatch(plan.run_budget):
        cure = "Give the name of a variable and a whole number, e.g. `STEPS=3000`"
        found.append(PlanProblem("run_budget", f"{plan.run_budget!r} is no variable with its value", cure))
    if seen := check_read(plan.read):
        cure = "Use auto, last, line, key, channel, regex:PATTERN or json:PATH; or cpu, wall or memory"
        if plan.read == "instructions":  # few machines let a command count them, and containers hardly ever
            cure = (
                f"The server counts none. Let a tool do it, e.g. `{CALLGRIND}`, and read = `regex:Collected : (\\d+)`"
            )
        found.append(PlanProblem("read", seen, cure))
    if resource := resource_of(plan.read):
        if plan.direction == Direction.HIGHER:
            found.append(PlanProblem("direction", f"more {resource} is never better", "Say `lower`, or leave it out"))
        if plan.unit != resource.unit:
            cure = f"Leave it out: the server gives {resource} in {resource.unit}"
            found.append(PlanProblem("unit", f"{plan.unit!r} cannot be chosen", cure))
    if plan.noise not in {"auto", "none"} and not 1 <= _whole(plan.noise) <= MOST_RUNS:
        found.append(
            PlanProblem("noise", f"{plan.noise!r} is unknown", f"Say `auto`, `none`, or a number up to {MOST_RUNS}")
        )
    if plan.sandbox not in {"off", "on", "auto"}:
        found.append(PlanProblem("sandbox", f"{plan.sandbox!r} is unknown", "Say `off`, `on` or `auto`"))
    return found


def _whole(text: str) -> int:
    return int(text) if text.isdecimal() else 0


def _numbers(plan: Plan) -> list[PlanProblem]:
    found = []
    if plan.target and not _finite(plan.target):
        found.append(
            PlanProblem("target", f"{plan.target!r} is not a finite number", "Give a number or leave it empty")
        )
    try:
        _ = plan.smallest_effect
    except ValueError:
        found.append(PlanProblem("min_effect", f"{plan.min_effect!r} is not a size", "Write `0.5` or `2%`"))
    return found


def _finite(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def _hidden(plan: Plan) -> list[PlanProblem]:
    """List commands with characters that do not show: a person has to see what they agree to."""
    cure = "Write it with plain characters; inside quotes a shell and printf understand `\\033` and the like"
    texts = [(name, getattr(plan, name)) for name in ("verify", "holdout", "sabotage", "on_keep", "on_end")]
    texts += [("guards", guard) for guard in plan.guards] + [("guard_metrics", guard) for guard in plan.guard_metrics]
    found = "characters that do not show or steer a terminal"
    return [
        PlanProblem(field, f"{visible(text)!r} has {found}", cure) for field, text in texts if hides_something(text)
    ]


def _names(plan: Plan) -> list[PlanProblem]:
    cure = "Name variables of the server's environment, e.g. `DATABASE_URL`; give values there, never in the plan"
    return [
        PlanProblem("environment", f"{name!r} {seen}", cure) for name in plan.environment if (seen := check_name(name))
    ]


def check_name(name: str) -> str:
    """Return what is wrong with a name in the plan's list; empty when it can be passed on."""
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
        return "is no name of a variable"
    if name.startswith("GIT_"):
        return "steers git, which is the server's part"
    return "is set by the server" if name.startswith("AUTORESEARCH_") else ""


def _guard_problems(plan: Plan) -> list[PlanProblem]:
    found = [PlanProblem("guards", "an empty command", "Remove it") for guard in plan.guards if not guard.strip()]
    for text in plan.guard_metrics:
        try:
            parse_guard_metric(text)
        except ValueError:
            cure = "Write `name lower|higher TOLERANCE: command`, e.g. `bytes lower 5%: wc -c < app.js`"
            found.append(PlanProblem("guard_metrics", f"{text!r} is not of that form", cure))
    return found


_WALLED = " (in a sandbox without network)"
_NETWORKED = " (in a sandbox with network)"


def statements(plan: Plan) -> tuple[str, ...]:
    """Return everything that a plan asks for: its commands as they would run, and the variables that reach them."""
    walls = _walls(plan)
    commands = (command + walls[0] for command in plan.commands)
    return tuple(dict.fromkeys([*commands, *(_variable(name) for name in plan.environment)]))


def missing(plan: Plan, agreed: Callable[[str], bool]) -> tuple[str, ...]:
    """Return the statements of a plan that nobody agreed to, neither as they stand nor as more than is asked."""
    walls = _walls(plan)
    commands = [c + walls[0] for c in plan.commands if not any(agreed(c + wall) for wall in walls)]
    names = [statement for name in plan.environment if not agreed(statement := _variable(name))]
    return tuple(dict.fromkeys([*commands, *names]))


def _walls(plan: Plan) -> tuple[str, ...]:
    """Return the walls around a plan's commands, then every lower wall that covers them as well."""
    if plan.sandbox != "on":
        return ("",)
    return (_NETWORKED, "") if plan.network else (_WALLED, _NETWORKED, "")


def _variable(name: str) -> str:
    return f"pass the environment variable {name} on to these commands"
