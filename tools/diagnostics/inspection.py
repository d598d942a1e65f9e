"""The command that counts errors: which of a project's commands it starts, as one line that a person can read and seal."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from .diagnostic import Trouble

SCRIPT = "count_errors.py"
"""The name of our script, by which such a command is known."""
METRIC = "errors"
_KINDS = (Trouble.BUILD, Trouble.TEST, Trouble.TYPES, Trouble.LINT)


@dataclass(frozen=True)
class Detection:
    """One of the project's own commands, typed at the repository's root, and what it finds."""

    trouble: Trouble
    command: str
    script: str = ""


@dataclass(frozen=True)
class Bug:
    """A reported fault: a command that exits non-zero while it is there."""

    severity: str
    title: str
    place: str
    command: str


@dataclass(frozen=True)
class Inspection:
    """Everything that is looked at. `tests` is how many tests have to run: each one fewer is an error. `only` keeps some
    kinds of trouble, and what hides others; `scope` keeps what checkers say of some files. Empty: all. `name` is the metric's.
    """

    detections: tuple[Detection, ...]
    bugs: tuple[Bug, ...] = ()
    tests: int = 0
    only: tuple[Trouble, ...] = ()
    scope: tuple[str, ...] = ()
    name: str = METRIC

    @property
    def commands(self) -> tuple[str, ...]:
        """Every command of the project that would run."""
        return (*(one.command for one in self.detections), *(bug.command for bug in self.bugs))

    def typed(self, python: str, script: str) -> str:
        """The whole as a shell command. It has no effect but to start these commands and count."""
        words = [python, "-I", script]
        for one in self.detections:
            words += [f"--{one.trouble}", one.command, *(["--script", one.script] if one.script else [])]
        for bug in self.bugs:
            words += ["--bug", bug.severity, bug.title, bug.place, bug.command]
        words += ["--tests", str(self.tests)] if self.tests else []
        words += [part for kind in self.only for part in ("--only", kind.value)]
        words += [part for glob in self.scope for part in ("--scope", glob)]
        words += ["--as", self.name] if self.name != METRIC else []
        return shlex.join(words)


class _Ordered(argparse.Action):
    """Commands in the order in which they were typed; a script belongs to the command before it."""

    def __call__(self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: object, option: str | None = None) -> None:  # fmt: skip
        found: list[Detection] = list(getattr(namespace, "detections", None) or [])
        kind = str(option).removeprefix("--")
        if kind == "script":
            if not found:
                parser.error("--script belongs behind a command")
            found[-1] = Detection(found[-1].trouble, found[-1].command, str(values))
        else:
            found.append(Detection(Trouble(kind), str(values)))
        namespace.detections = found


class _Quiet(argparse.ArgumentParser):
    def error(self, message: str) -> None:  # type: ignore[override]
        raise ValueError(message)


def parse(words: Sequence[str]) -> Inspection:
    """The inspection that these arguments of the script ask for.

    Raises:
        ValueError: if they are not what `typed` makes.
    """
    parser = _Quiet(prog=SCRIPT, add_help=False, allow_abbrev=False)
    for kind in _KINDS:
        parser.add_argument(f"--{kind}", action=_Ordered)
    parser.add_argument("--script", action=_Ordered)
    parser.add_argument("--bug", action="append", nargs=4, default=[])
    parser.add_argument("--tests", type=int, default=0)
    parser.add_argument("--only", action="append", type=Trouble, default=[])
    parser.add_argument("--scope", action="append", default=[])
    parser.add_argument("--as", dest="name", default=METRIC)
    parsed = parser.parse_args(list(words))
    return Inspection(
        tuple(getattr(parsed, "detections", None) or ()),
        tuple(Bug(*bug) for bug in parsed.bug),
        parsed.tests,
        tuple(parsed.only),
        tuple(parsed.scope),
        parsed.name,
    )


def inspection_of(command: str, python: str, script: str) -> Inspection | None:
    """The inspection that a shell command is, if it is exactly that and nothing besides; None otherwise."""
    if SCRIPT not in command:
        return None
    try:
        words = shlex.split(command)
        found = parse(words[3:])
    except ValueError:
        return None
    return found if found.typed(python, script) == command else None


def commands_in(words: Sequence[str]) -> tuple[str, ...]:
    """The commands that our script, if these words start it, would start in turn; none otherwise."""
    if len(words) < 3 or not words[2].endswith(f"/{SCRIPT}"):
        return ()
    try:
        return parse(words[3:]).commands
    except ValueError:
        return ()


def names_inspection(command: str) -> bool:
    """Whether a command counts errors by our script; cheap, for those who only have to look elsewhere."""
    return SCRIPT in command
