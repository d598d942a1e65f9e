"""What can be made better in a project: how each quality is measured there, and the words that people use to ask for it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from . import recipes
from .folders import CommandKind, Language, ProjectCommand
from .projects import Project


@dataclass(frozen=True)
class Measure:
    """A command, typed at the repository's root, whose `METRIC` line holds the number; what to watch besides."""

    verify: str
    guard_metrics: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Counter:
    tool: str
    flags: str
    pattern: str
    broken: str = ""
    suppressions: str = ""


_AT = r"^[^ ]+:[0-9]+:[0-9]+: "
_FINDINGS = (
    _Counter("ruff", " --output-format concise", _AT, r": (invalid-syntax|SyntaxError|E999)\b", "# noqa"),
    _Counter("flake8", "", _AT, r": E9(99|02) ", "# noqa"),
    _Counter("eslint", " --format stylish", r"^ +[0-9]+:[0-9]+ +(error|warning) ", "Parsing error", "eslint-disable"),
    _Counter("golangci-lint", "", _AT, r"\(typecheck\)", "//nolint"),
    _Counter("go vet", "", r"\.go:[0-9]+:[0-9]+: ", r"^vet: "),
    _Counter("cargo clippy", " --message-format short -- --cap-lints warn", _AT + "warning", r": error", r"allow\("),
    _Counter("rubocop", " --format emacs", _AT, "Lint/Syntax", "rubocop:disable"),
    _Counter("phpcs", " --report=emacs", r":[0-9]+:[0-9]+: (error|warning) - ", "", "phpcs:(ignore|disable)"),
)  # fmt: skip
_TYPE_ERRORS = (
    _Counter(
        "mypy",
        " --no-pretty --no-color-output --show-error-codes",
        r": error: ",
        r"errors prevented further checking|\[syntax\]",
        "type: *ignore",
    ),
    _Counter("pyright", "", r"^ +.*:[0-9]+:[0-9]+ - error: ", "", "(type|pyright): *ignore"),
    _Counter(
        "tsc", " --pretty false", r"error TS[0-9]+: ", r"error TS1[0-9]{3}: ", "@ts-(ignore|expect-error|nocheck)"
    ),
    _Counter("phpstan", " --error-format=raw --no-progress", r"^.+:[0-9]+:", "Syntax error", "@phpstan-ignore"),
)
_WARNINGS = (
    _Counter("make -B", "", r": warning: ", ": error: "),
    _Counter("cmake --build build", " --clean-first", r": warning: ", ": error: "),
    _Counter(
        "dotnet build",
        " -clp:NoSummary",
        r": warning [A-Z]+[0-9]+: ",
        r": error [A-Z]+[0-9]+: ",
        "#pragma warning disable",
    ),
)
_PASSED = (
    ("pytest", "", r"^(.*[^0-9])?([0-9]+) passed"),
    ("vitest", "", r"^ *Tests +(.*[^0-9])?([0-9]+) passed"),
    ("jest", "", r"^Tests: +(.*[^0-9])?([0-9]+) passed"),
    ("node --test", " --test-reporter=tap", r"^# pass ([0-9]+)"),
    ("cargo test", " --no-fail-fast", r"^test result: .* ([0-9]+) passed"),
    ("dotnet test", "", r"^.*Passed: +([0-9]+)"),
)
_FRESH = {
    "go test ": "go test -count=1 ",
    "go build ": "go build -a ",
    "cmake --build build": "cmake --build build --clean-first",
    "mvn -B -D": "mvn -B clean -D",
}


def _with(project: Project, kind: CommandKind, tool: str) -> ProjectCommand | None:
    """Return the project's own command that calls a tool, if it has one."""
    word = re.compile(rf"(?<![\w-]){re.escape(tool)}(?![\w-])")
    return next((command for command in project.of_kind(kind) if word.search(command.text)), None)


def _first(project: Project, kind: CommandKind) -> ProjectCommand | None:
    return next(iter(project.of_kind(kind)), None)


def _here(project: Project, command: str, **extra: tuple[str, ...]) -> Measure:
    return Measure(recipes.inside(project.root, command), **extra)


def _fresh(command: str) -> str:
    """Return a command as it must be typed so that no cache answers in its place."""
    if "cargo test" in command:
        return f"{command} --no-run && {command}"
    for stale, fresh in _FRESH.items():
        if stale in command:
            return command.replace(stale, fresh, 1)
    return command


def _count(project: Project, kind: CommandKind, metric: str, counters: tuple[_Counter, ...]) -> Measure | None:
    for counter in counters:
        if command := _with(project, kind, counter.tool):
            verify = recipes.counted(command.text + counter.flags, metric, counter.pattern, counter.broken)
            return _here(project, verify, guard_metrics=_no_more(project, counter.suppressions))
    return None


def _no_more(project: Project, suppression: str) -> tuple[str, ...]:
    """Return a guard against silencing a finding in place of curing it."""
    if not suppression:
        return ()
    return (f"suppressions lower 0: {recipes.matching_lines(project.sources, suppression)}",)


def lint_errors(project: Project) -> Measure | None:
    """Measure the findings of the first linter here that we can count."""
    return _count(project, CommandKind.LINT, "lint_errors", _FINDINGS)


def type_errors(project: Project) -> Measure | None:
    """Measure the errors of the first type checker here that we can count."""
    return _count(project, CommandKind.TYPES, "type_errors", _TYPE_ERRORS)


def compiler_warnings(project: Project) -> Measure | None:
    """Measure the warnings of a full build, where the build says each in one line."""
    return _count(project, CommandKind.BUILD, "compiler_warnings", _WARNINGS)


def passed_tests(project: Project) -> Measure | None:
    """Measure how many tests pass, as the runner counts them."""
    for tool, flags, pattern in _PASSED:
        if command := _with(project, CommandKind.TEST, tool):
            return _here(project, recipes.summed(command.text + flags, "passed_tests", pattern))
    if command := _with(project, CommandKind.TEST, "go test"):
        return _here(
            project,
            recipes.counted(f"{_fresh(command.text)} -v", "passed_tests", "^ *--- PASS: ", r"\[(build|setup) failed\]"),
        )
    if command := _with(project, CommandKind.TEST, "ctest"):
        return _here(project, recipes.counted(command.text, "passed_tests", r"Test +#[0-9]+: .* Passed "))
    return None


def test_seconds(project: Project) -> Measure | None:
    """Measure the wall-clock time of the test command."""
    command = _first(project, CommandKind.TEST)
    return _here(project, recipes.timed(_fresh(command.text), "test_seconds")) if command else None


def build_seconds(project: Project) -> Measure | None:
    """Measure the wall-clock time of a full build; None where nothing but a wiped cache would make it full."""
    command = _first(project, CommandKind.BUILD)
    if command is None or "cargo" in command.text:
        return None
    return _here(project, recipes.timed(_fresh(command.text), "build_seconds"))


def coverage(project: Project) -> Measure | None:
    """Measure the percent of the code that the tests run."""
    if project.speaks(Language.PYTHON) and (test := _with(project, CommandKind.TEST, "pytest")):
        return _python_coverage(project, test.text.removesuffix("pytest -q"))
    for tool in ("vitest", "jest"):
        if test := _with(project, CommandKind.TEST, tool):
            return _here(project, recipes.node_coverage(test.text, vitest=tool == "vitest"))
    return _here(project, recipes.go_coverage()) if _with(project, CommandKind.COVERAGE, "go test") else None


def _python_coverage(project: Project, prefix: str) -> Measure:
    named = project.of_kind(CommandKind.COVERAGE)
    plain = bool(named) and not any("--cov" in command.text for command in named)
    verify = recipes.python_coverage(prefix, _python(prefix), plugin=not plain)
    return _here(project, verify, warnings=() if named else ("No manifest names pytest-cov; install it first.",))


def _python(prefix: str) -> str:
    return "python" if prefix == "python -m " else f"{prefix}python"


_FIXED_TIME = ("jmh", "cargo bench")
_WORKLOAD = "The whole program is timed, without arguments: make sure that it ends by itself and does typical work."
_SELF_TIMED = (
    "Wall-clock time says nothing if the benchmark runs for a fixed time; then let it print METRIC name=value."
)


def seconds(project: Project) -> Measure | None:
    """Measure the time of a benchmark, else of the program itself; None for benchmarks that run for a fixed time."""
    bench = next(
        (c for c in project.of_kind(CommandKind.BENCHMARK) if not any(word in c.text for word in _FIXED_TIME)), None
    )
    if bench and "--benchmark-only" in bench.text:
        return _here(
            project, recipes.pytest_benchmark(bench.text, _python(bench.text.partition("pytest")[0]), "seconds")
        )
    if bench and not bench.text.startswith("go test"):
        return _here(project, recipes.timed(_fresh(bench.text), "seconds"), warnings=(_SELF_TIMED,))
    run = _first(project, CommandKind.RUN)
    if run is None:
        return None
    build = _first(project, CommandKind.BUILD) if project.outputs else None
    others = len(project.of_kind(CommandKind.RUN)) - 1
    only = (f"Only {run.source} is timed, not the other {others}.",) if others else ()
    whole = f"{build.text} && {run.text}" if build else run.text
    return _here(project, recipes.timed(whole, "seconds"), warnings=(_WORKLOAD, *only))


def ns_per_op(project: Project) -> Measure | None:
    """Measure the time of an operation by Go's own benchmarks."""
    command = _with(project, CommandKind.BENCHMARK, "go test")
    return _here(project, recipes.go_benchmark(command.text, "ns_per_op")) if command else None


def bundle_bytes(project: Project) -> Measure | None:
    """Measure the size of what the build script writes into its output folder."""
    build = _first(project, CommandKind.BUILD)
    if build is None or not project.outputs or not project.speaks(Language.JAVASCRIPT, Language.TYPESCRIPT):
        return None
    return _here(project, recipes.folder_bytes(build.text, project.outputs[0], "bundle_bytes"))


def program_bytes(project: Project) -> Measure | None:
    """Measure the size of the linked program."""
    build = _first(project, CommandKind.BUILD)
    if build is None or not project.outputs or not project.speaks(Language.C, Language.CPP, Language.RUST):
        return None
    return _here(project, recipes.file_bytes(build.text, project.outputs[0], "program_bytes"))


def code_lines(project: Project) -> Measure | None:
    """Measure the lines of source that are not blank."""
    if not project.sources or project.speaks(Language.MARKDOWN, Language.NOTEBOOK):
        return None
    return Measure(recipes.code_lines(project.sources, "code_lines"))


_KEEP_TEXT = "A formula judges the text, not a reader: read what is kept."


def reading_grade(project: Project) -> Measure | None:
    """Measure how hard the text is to read."""
    if not project.speaks(Language.MARKDOWN):
        return None
    guard = f"words higher 10%: {recipes.word_count(project.sources)}"
    return Measure(recipes.reading_grade(project.sources, "reading_grade"), (guard,), (_KEEP_TEXT,))


def words(project: Project) -> Measure | None:
    """Measure the length of the text."""
    if not project.speaks(Language.MARKDOWN):
        return None
    warning = "Nothing here notices lost content: read what is kept."
    return Measure(recipes.words(project.sources, "words"), warnings=(warning,))


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
    Aim("test_seconds", "lower", "Faster tests", "wall-clock seconds of the whole test run", (_TESTS, _FASTER), 8, test_seconds),
    Aim("coverage", "higher", "Higher test coverage", "percent of the code that the tests run",
        (("cover", "untested"),), 9, coverage, unit="%", edits=Edits.TESTS),
    Aim("passed_tests", "higher", "More passing tests", "tests that pass; the tests themselves are protected",
        (_TESTS, ("pass", "fail", "fix", "fixes", "fixing", "green", "broken", "repair", "flak")), 4, passed_tests),
    Aim("type_errors", "lower", "Fewer type errors", "errors that the type checker reports",
        (("type", "typing", "mypy", "pyright", "tsc", "phpstan"),), 6, type_errors, (CommandKind.TEST,)),
    Aim("lint_errors", "lower", "Fewer lint findings", "findings of the linter",
        (("lint", "style", "ruff", "eslint", "flake8", "clippy", "rubocop", "vet", "smell"),), 7, lint_errors, (CommandKind.TEST,)),
    Aim("compiler_warnings", "lower", "Fewer compiler warnings", "warnings of a full build", (("warning",),), 5, compiler_warnings, (CommandKind.TEST,)),
    Aim("bundle_bytes", "lower", "Smaller bundle", "bytes of the built bundle, source maps left out",
        (("bundle", "asset", "dist", "javascript", "js", "web", "frontend", "build"), _SMALLER), 10, bundle_bytes, (CommandKind.TEST,), "bytes"),
    Aim("program_bytes", "lower", "Smaller program", "bytes of the built program",
        (("binary", "program", "executable", "artifact"), _SMALLER), 3, program_bytes, (CommandKind.TEST,), "bytes"),
    Aim("ns_per_op", "lower", "Faster benchmarks", "nanoseconds an operation, summed over all benchmarks", (_FASTER,), 10, ns_per_op, (CommandKind.TEST,)),
    Aim("seconds", "lower", "Faster program", "wall-clock seconds of a run", (_FASTER,), 9, seconds, (CommandKind.TEST,)),
    Aim("build_seconds", "lower", "Faster build", "wall-clock seconds of a build",
        (("build", "compil", "bundl"), _FASTER), 2, build_seconds, (CommandKind.TEST,)),
    Aim("code_lines", "lower", "Fewer lines of code", "lines of source that are not blank",
        (("line", "loc", "code", "refactor", "simpl", "complex"), _FEWER), 5, code_lines, (CommandKind.TEST, CommandKind.TYPES)),
    Aim("reading_grade", "lower", "More readable text", "school year needed to follow the text (Automated Readability Index)",
        (("readab", "reading", "clear", "clarity", "plain", "understand", "easier"),), 3, reading_grade),
    Aim("words", "lower", "Shorter text", "words in the text", (_DOCS, (*_FEWER, "conci", "word", "long")), 1, words),
)  # fmt: skip
