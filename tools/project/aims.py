"""What can be made better in a project, and the words that people use to ask for it: one row an aim."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from . import measures
from .measures import Measure
from .projects import CommandKind, Project


class Edits(StrEnum):
    """Which files a plan of this kind changes."""

    SOURCES = "sources"
    TESTS = "tests"


@dataclass(frozen=True)
class Aim:
    """A kind of improvement. `asks` are the ways to ask for it: every group of word stems must be met once.

    `useful` breaks ties between plans that the goal asks for alike.
    """

    metric: str
    direction: str
    title: str
    means: str
    asks: tuple[tuple[str, ...], ...]
    useful: int
    measure: Callable[[Project], Measure | None]
    guards: tuple[CommandKind, ...] = ()
    unit: str = ""
    edits: Edits = Edits.SOURCES


_FASTER = ("fast", "quick", "speed", "slow", "time", "second", "duration", "latency", "perform", "optimi")
_SMALLER = ("small", "size", "shrink", "byte", "big", "bigger", "large", "heavy", "light", "slim", "reduc", "weight")
_TESTS = ("test", "suite", "spec")
_DOCS = ("doc", "docs", "docu", "readme", "text", "prose", "content", "article", "markdown", "writing", "page", "guide")
_FEWER = ("fewer", "less", "short", "reduc", "simpl", "cut", "cutting", "remov", "delet", "shrink", "count", "lines")

AIMS = (
    Aim("test_seconds", "lower", "Faster tests", "wall-clock seconds of the whole test run", (_TESTS, _FASTER), 8, measures.test_seconds),
    Aim("coverage", "higher", "Higher test coverage", "percent of the code that the tests run",
        (("cover", "untested"),), 9, measures.coverage, unit="%", edits=Edits.TESTS),
    Aim("passed_tests", "higher", "More passing tests", "tests that pass; the tests themselves are protected",
        (_TESTS, ("pass", "fail", "fix", "fixes", "fixing", "green", "broken", "repair", "flak")), 4, measures.passed_tests),
    Aim("type_errors", "lower", "Fewer type errors", "errors that the type checker reports",
        (("type", "typing", "mypy", "pyright", "tsc", "phpstan"),), 6, measures.type_errors, (CommandKind.TEST,)),
    Aim("lint_errors", "lower", "Fewer lint findings", "findings of the linter",
        (("lint", "style", "ruff", "eslint", "flake8", "clippy", "rubocop", "vet", "smell"),), 7, measures.lint_errors, (CommandKind.TEST,)),
    Aim("compiler_warnings", "lower", "Fewer compiler warnings", "warnings of a full build", (("warning",),), 5, measures.compiler_warnings, (CommandKind.TEST,)),
    Aim("bundle_bytes", "lower", "Smaller bundle", "bytes of the built bundle, source maps left out",
        (("bundle", "asset", "dist", "javascript", "js", "web", "frontend", "build"), _SMALLER), 10, measures.bundle_bytes, (CommandKind.TEST,), "bytes"),
    Aim("program_bytes", "lower", "Smaller program", "bytes of the built program",
        (("binary", "program", "executable", "artifact"), _SMALLER), 3, measures.program_bytes, (CommandKind.TEST,), "bytes"),
    Aim("ns_per_op", "lower", "Faster benchmarks", "nanoseconds an operation, summed over all benchmarks", (_FASTER,), 10, measures.ns_per_op, (CommandKind.TEST,)),
    Aim("seconds", "lower", "Faster program", "wall-clock seconds of a run", (_FASTER,), 9, measures.seconds, (CommandKind.TEST,)),
    Aim("build_seconds", "lower", "Faster build", "wall-clock seconds of a build",
        (("build", "compil", "bundl"), _FASTER), 2, measures.build_seconds, (CommandKind.TEST,)),
    Aim("code_lines", "lower", "Fewer lines of code", "lines of source that are not blank",
        (("line", "loc", "code", "refactor", "simpl", "complex"), _FEWER), 5, measures.code_lines, (CommandKind.TEST, CommandKind.TYPES)),
    Aim("reading_grade", "lower", "More readable text", "school year needed to follow the text (Automated Readability Index)",
        (("readab", "reading", "clear", "clarity", "plain", "understand", "easier"),), 3, measures.reading_grade),
    Aim("words", "lower", "Shorter text", "words in the text", (_DOCS, (*_FEWER, "conci", "word", "long")), 1, measures.words),
)  # fmt: skip
