"""The command that counts errors: which of a project's commands it starts, as one line that a person can read and seal; and
the count that it gives: the number that decides, and behind it every error by its identity, the first of them in full.
"""

from __future__ import annotations

import argparse
import json
import posixpath
import re
import shlex
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, ClassVar

from .diagnostic import Diagnostic, Trouble, points

SCRIPT = "count_errors.py"
"""The name of our script, by which such a command is known."""
_FILE = posixpath.join(posixpath.dirname(__file__), SCRIPT)
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
    """A reported fault: a command that exits non-zero while it is there, and a `control` that passes all the same."""

    severity: str
    title: str
    place: str
    command: str
    control: str = ""


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
        """Every command of the project that would run; the controls last."""
        controls = (bug.control for bug in self.bugs if bug.control)
        return (*(one.command for one in self.detections), *(bug.command for bug in self.bugs), *controls)

    def command_line(self, python: str = sys.executable, script: str = _FILE) -> str:
        """Write the whole as a shell command of this installation. All that it does is to start these commands and count."""
        words = [python, "-I", script]
        for one in self.detections:
            words += [f"--{one.trouble}", one.command, *(["--script", one.script] if one.script else [])]
        for bug in self.bugs:
            words += ["--bug", bug.severity, bug.title, bug.place, bug.command]
            words += ["--control", bug.control] if bug.control else []
        words += ["--tests", str(self.tests)] if self.tests else []
        words += [part for kind in self.only for part in ("--only", kind.value)]
        words += [part for glob in self.scope for part in ("--scope", glob)]
        words += ["--as", self.name] if self.name != METRIC else []
        return shlex.join(words)


class _Ordered(argparse.Action):
    """Commands in the order in which they stand; a script belongs to the command before it."""

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


class _WithControl(argparse.Action):
    """Reported faults; a control belongs to the fault before it."""

    def __call__(self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: Any, option: str | None = None) -> None:  # fmt: skip # noqa: ANN401
        found: tuple[Bug, ...] = namespace.bug
        if option == "--bug":
            namespace.bug = (*found, Bug(*values))
        elif found:
            namespace.bug = (*found[:-1], replace(found[-1], control=values))
        else:
            parser.error("--control belongs behind a fault")


class _Quiet(argparse.ArgumentParser):
    def error(self, message: str) -> None:  # type: ignore[override]
        raise ValueError(message)


def parse(words: Sequence[str]) -> Inspection:
    """Parse the inspection that these arguments of the script ask for.

    Raises:
        ValueError: if they are not what `command_line` makes.
    """
    parser = _Quiet(prog=SCRIPT, add_help=False, allow_abbrev=False)
    for kind in _KINDS:
        parser.add_argument(f"--{kind}", action=_Ordered)
    parser.add_argument("--script", action=_Ordered)
    parser.add_argument("--bug", action=_WithControl, nargs=4, default=())
    parser.add_argument("--control", action=_WithControl, dest="bug")
    parser.add_argument("--tests", type=int, default=0)
    parser.add_argument("--only", action="append", type=Trouble, default=[])
    parser.add_argument("--scope", action="append", default=[])
    parser.add_argument("--as", dest="name", default=METRIC)
    parsed = parser.parse_args(list(words))
    return Inspection(
        tuple(getattr(parsed, "detections", None) or ()),
        parsed.bug,
        parsed.tests,
        tuple(parsed.only),
        tuple(parsed.scope),
        parsed.name,
    )


def inspection_of(command: str, python: str = sys.executable, script: str = _FILE) -> Inspection | None:
    """Read a shell command as an inspection; None unless it is exactly what `command_line` gives."""
    if SCRIPT not in command:
        return None
    try:
        words = shlex.split(command)
        found = parse(words[3:])
    except ValueError:
        return None
    return found if found.command_line(python, script) == command else None


def commands_in(words: Sequence[str]) -> tuple[str, ...]:
    """Return the commands that our script, if these words start it, would start in turn; none otherwise."""
    if len(words) < 3 or not words[2].endswith(f"/{SCRIPT}"):
        return ()
    try:
        return parse(words[3:]).commands
    except ValueError:
        return ()


def names_inspection(command: str) -> bool:
    """Tell whether a command counts errors by our script; cheap, for those who only have to look elsewhere."""
    return SCRIPT in command


MOST = 5000
"""Errors beyond which nobody works one by one."""
IN_FULL = 200
_MARK = "DIAGNOSTICS "


@dataclass(frozen=True)
class Tally:
    """A count. `ids` names every error, the most urgent first, `first` the first of them; `ran` how many tests ran.

    `masked` are commands that could not look, because something that hides what they would see is broken.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    count: int
    points: int
    ids: tuple[str, ...]
    first: tuple[Diagnostic, ...]
    ran: int | None = None
    masked: tuple[str, ...] = ()

    def of(self, trouble: Trouble) -> tuple[Diagnostic, ...]:
        """Return the errors of one kind, of those that are kept in full."""
        return tuple(one for one in self.first if one.trouble is trouble)

    def redacted(self, change: Callable[[str], str]) -> Tally:
        """Apply a change to the words, for whoever stores or shows them; the identities are of the original ones."""
        first = (replace(one, message=change(one.message), name=change(one.name)) for one in self.first)
        return replace(self, first=tuple(first))


def tallied(found: Sequence[Diagnostic], ran: int | None, masked: Sequence[str]) -> Tally:
    """Return the count of these errors, which are in order and identified."""
    return Tally(
        count=len(found),
        points=points(found),
        ids=tuple(one.id for one in found[:MOST]),
        first=tuple(found[:IN_FULL]),
        ran=ran,
        masked=tuple(masked),
    )


def metric_line(tally: Tally, name: str = METRIC) -> str:
    """Return the line with the number that decides."""
    return f"METRIC {name}={tally.points}"


def written(tally: Tally, name: str = METRIC) -> str:
    """Return the count for the channel: the number, then all the rest on one line."""
    return f"{metric_line(tally, name)}\n{_MARK}{json.dumps(asdict(tally))}\n"


def read_tally(text: str) -> Tally | None:
    """Return a count as it was written; None where there is none."""
    before, mark, after = text.partition(f"\n{_MARK}")
    if not mark or not before.startswith("METRIC "):
        return None
    from pydantic import TypeAdapter, ValidationError  # who counts does without

    try:
        return TypeAdapter(Tally).validate_json(after.strip())
    except ValidationError:
        return None


_UNABLE = re.compile(r"^could not run #(\d+): (.*)$", re.MULTILINE)


def unable_line(number: int, why: str) -> str:
    """Return the line about a command, by its place among those of the inspection, that could not be run."""
    return f"could not run #{number}: {' '.join(why.split())[:400]}"


def read_unable(text: str) -> dict[int, str]:
    """Return which commands could not be run, and why."""
    return {int(number): why for number, why in _UNABLE.findall(text)}
