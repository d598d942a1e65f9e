"""One thing that is broken, with an identity that outlives edits elsewhere in the file; and what readers of tools share."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import wraps
from typing import Any, ClassVar

MASKING = 10_000
"""How much more an error counts for each depth of what it may hide."""
MESSAGE_CHARACTERS = 300
_NUMBER = re.compile(r"\d+")


class Trouble(StrEnum):
    """What kind of thing is broken. `crash`: a tool ended without saying what is wrong, or could not load what it tests."""

    BUILD = "build"
    CRASH = "crash"
    BUG = "bug"
    TYPES = "type"
    TEST = "test"
    LINT = "lint"
    WARNING = "warning"


@dataclass(frozen=True)
class Diagnostic:
    """One finding of one tool. `line` and `column` count from 1, 0 where they are unknown; `path` is from the repository's
    root, empty where none is known; `name` is a test's; `severity` a reported bug's; `blames` the place in the project's own
    code, no test, that a failing test leads to.

    `hides` says how much may lie behind it that no tool can see yet: 0 nothing; 1 what comes after the build, or the tests
    of one file; 2 whatever else its file holds; 3 everything that its tool would have said.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {
        "extra": "forbid"
    }  # without its import, a tenth of a second a count

    trouble: Trouble
    tool: str
    message: str
    path: str = ""
    line: int = 0
    column: int = 0
    code: str = ""
    name: str = ""
    severity: str = ""
    blames: str = ""
    hides: int = 0
    id: str = ""

    def __post_init__(self) -> None:
        """Hold what a report says to its shape.

        Raises:
            TypeError: if what is text or a number here is something else there.
            ValueError: if a number cannot be read.
        """
        for name in ("line", "column"):
            object.__setattr__(self, name, int(getattr(self, name)))
        texts = (self.tool, self.message, self.path, self.code, self.name, self.severity, self.blames, self.id)
        if not all(isinstance(text, str) for text in texts):
            raise TypeError("a text of a finding is none")

    @property
    def weight(self) -> int:
        """What it counts: 1, or more than all that it may hide, so that what it gives way to is no step back."""
        return int(MASKING**self.hides)

    @property
    def rank(self) -> int:
        """The order of work, 0 first: build, crash, severe bugs, types, tests, other bugs, lint, warnings."""
        return _ORDER.index((self.trouble, self.trouble is Trouble.BUG and self.severity in {"critical", "high"}))

    @property
    def place(self) -> str:
        """`path:line` of what is to be mended, as far as it is known."""
        if self.blames:
            return self.blames
        return f"{self.path}:{self.line}" if self.path and self.line else self.path

    @property
    def file(self) -> str:
        """The file that is to be mended, as far as it is known."""
        return self.place.partition(":")[0]

    @property
    def line_of_text(self) -> str:
        """The whole finding on one line."""
        words = " ".join(part for part in dict.fromkeys((self.place, self.name, self.message)) if part)
        return f"{self.trouble}: {words}" + (f" [{self.code}]" if self.code else "") + f" ({self.tool})"


_ORDER = (
    (Trouble.BUILD, False),
    (Trouble.CRASH, False),
    (Trouble.BUG, True),
    (Trouble.TYPES, False),
    (Trouble.TEST, False),
    (Trouble.BUG, False),
    (Trouble.LINT, False),
    (Trouble.WARNING, False),
)

LineOf = Callable[[str, int], str]
"""The text of a line of a file; empty where there is none."""


def identified(found: Iterable[Diagnostic], line_of: LineOf) -> tuple[Diagnostic, ...]:
    """Return each finding once, the most urgent first, with its identity.

    Two tools that say the same of the same place say one thing; the more urgent of the two words stands. The identity is
    of the path, the code, the message without its numbers, and the text of the line, so that it stays when lines move; of
    a test it is its name. Where several are equal in all of that, they are numbered in their order.
    """
    ordered = sorted(found, key=lambda one: (one.rank, one.path, one.line, one.column, one.name, one.message))
    seen: set[tuple[object, ...]] = set()
    counts: Counter[str] = Counter()
    kept = []
    for one in ordered:
        if (same := _same(one)) in seen:
            continue
        seen.add(same)
        base = _base(one, line_of)
        counts[base] += 1
        short = replace(one, message=_cut(one.message), id=_digest(f"{base}\0{counts[base]}"))
        kept.append(short)
    return tuple(kept)


def points(found: Sequence[Diagnostic]) -> int:
    """Return the sum of the weights: the number that a fix session brings to 0."""
    return sum(one.weight for one in found)


def _same(one: Diagnostic) -> tuple[object, ...]:
    if one.name:
        return (one.trouble is Trouble.BUG, one.name, one.path)
    if one.path and one.line:
        return (one.path, one.line, one.column, one.message)
    return ("" if one.path else one.tool, one.path, one.code, one.message)


def kindred(one: Diagnostic) -> tuple[str, ...]:
    """Return what stays of an error when its line is edited and it is there all the same; nothing of those with a
    name, which are known by it anyway.
    """
    if one.name or not (one.path and one.line):
        return ()
    return (one.trouble, one.tool, one.path, one.code, _NUMBER.sub("#", one.message))


def _base(one: Diagnostic, line_of: LineOf) -> str:
    if one.name:
        return f"test\0{one.name}\0{one.path}"
    if one.hides == 3:
        return f"crash\0{one.tool}"
    text = line_of(one.path, one.line).strip() if one.path and one.line else ""
    tool = "" if one.path else one.tool
    return "\0".join((tool, one.path, one.code, _NUMBER.sub("#", one.message), text))


def _cut(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= MESSAGE_CHARACTERS else flat[: MESSAGE_CHARACTERS - 1] + "…"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()[:10]


Here = Callable[[str], str]
"""A path as a tool writes it, as a path from the repository's root; empty where it is no file of the repository."""


@dataclass(frozen=True)
class ToolOutput:
    """A tool's run: its texts, and the report that it was told to write (empty if it wrote none)."""

    exit_code: int
    stdout: str
    stderr: str
    report: str = ""

    @property
    def text(self) -> str:
        """Both streams."""
        return f"{self.stdout}\n{self.stderr}"


@dataclass(frozen=True)
class ToolRequest:
    """What was wanted of a tool: its name, the kind of trouble that it finds, and how its paths are read."""

    tool: str
    trouble: Trouble
    here: Here


@dataclass(frozen=True)
class ReaderResult:
    """What a reader found. `ran` counts the tests that ran, skipped ones left out; None where that is not known."""

    found: tuple[Diagnostic, ...] = ()
    ran: int | None = None

    @property
    def errors(self) -> tuple[Diagnostic, ...]:
        """What is more than a warning."""
        return tuple(one for one in self.found if one.trouble is not Trouble.WARNING)


class Unreadable(Exception):
    """A report that is not what its tool writes."""


Reader = Callable[[ToolOutput, ToolRequest], ReaderResult]
"""Reads one tool's output.

Raises:
    Unreadable: if it is not what this tool writes.
"""


def shaped(reader: Reader) -> Reader:
    """Make a reader raise `Unreadable` for a report of another shape, wherever that shows."""

    @wraps(reader)
    def read(output: ToolOutput, request: ToolRequest) -> ReaderResult:
        try:
            return reader(output, request)
        except (LookupError, TypeError, ValueError, AttributeError, RecursionError) as error:
            raise Unreadable(f"not what {request.tool} writes: {type(error).__name__} {error}") from error

    return read


def document(output: ToolOutput) -> Any:  # noqa: ANN401 - any JSON
    """Return the first JSON value that begins a line; package managers print a banner before it."""
    text = output.report or output.stdout
    for start in re.finditer(r"^[ \t]*(?=[\[{])", text, re.MULTILINE):
        try:
            return json.JSONDecoder().raw_decode(text, start.end())[0]
        except json.JSONDecodeError:
            continue
    raise ValueError("no JSON")


def documents(text: str) -> Iterator[Any]:
    """Yield every line that is a JSON object."""
    for line in text.splitlines():
        if line.startswith("{"):
            try:
                yield json.loads(line)
            except json.JSONDecodeError:
                continue


def found_in(request: ToolRequest, file: object, message: object, **more: Any) -> Diagnostic:  # noqa: ANN401 - fields
    """Return a finding of the tool that was asked, in a file as the tool names it."""
    fields = {"trouble": request.trouble, **more}
    return Diagnostic(tool=request.tool, path=request.here(str(file)), message=str(message), **fields)
