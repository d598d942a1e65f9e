"""How each quality is measured in a project: a command whose `METRIC` line holds the number, and what it needs first."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from . import recipes
from .folders import CommandKind, Language, ProjectCommand
from .projects import Project


@dataclass(frozen=True)
class Measure:
    """A command, typed at the repository's root, whose `METRIC` line holds the number; what to watch besides, and what has
    to be typed first because a tool is not installed. `metric` is the number's name where it is not the aim's usual one.
    """

    verify: str
    guard_metrics: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    metric: str = ""


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
    ("mocha", "", r"^ *([0-9]+) passing"),
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


def _with(project: Project, kind: CommandKind, tool: str, *, scripts: bool = False) -> ProjectCommand | None:
    """Return the project's own command that calls a tool, if it has one; with `scripts` also one whose script does."""
    word = re.compile(rf"(?<![\w-]){re.escape(tool)}(?![\w-])")
    commands = project.of_kind(kind)
    texts = [[one.text for one in commands], [one.script for one in commands if scripts]]
    return next((commands[place] for held in texts for place, text in enumerate(held) if word.search(text)), None)


def _first(project: Project, kind: CommandKind) -> ProjectCommand | None:
    return next(iter(project.of_kind(kind)), None)


def _here(
    project: Project,
    command: str,
    *built_on: ProjectCommand,
    guard_metrics: tuple[str, ...] = (),
    warnings: tuple[str, ...] = (),
) -> Measure:
    """Return a measure in the project's folder, with what the commands that it is built on need first."""
    return Measure(recipes.inside(project.root, command), guard_metrics, warnings, needed(project, built_on))


def needed(project: Project, commands: Sequence[ProjectCommand]) -> tuple[str, ...]:
    """Return what has to be typed at the repository's root before these commands work here."""
    return tuple(dict.fromkeys(recipes.inside(project.root, one.needs) for one in commands if one.needs))


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
            return _here(project, verify, command, guard_metrics=_no_more(project, counter.suppressions))
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
        if command := _with(project, CommandKind.TEST, tool, scripts=not flags):
            return _here(project, recipes.summed(command.text + flags, "passed_tests", pattern), command)
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
    return _here(project, recipes.timed(_fresh(command.text), "test_seconds"), command) if command else None


def build_seconds(project: Project) -> Measure | None:
    """Measure the wall-clock time of a full build; None where nothing but a wiped cache would make it full."""
    command = _first(project, CommandKind.BUILD)
    if command is None or "cargo" in command.text:
        return None
    return _here(project, recipes.timed(_fresh(command.text), "build_seconds"), command)


def coverage(project: Project) -> Measure | None:
    """Measure the percent of the code that the tests run; None where no tool that counts it is named."""
    if (named := project.of_kind(CommandKind.COVERAGE)) and (test := _with(project, CommandKind.TEST, "pytest")):
        plugin = next((one for one in named if "--cov" in one.text), None)
        prefix = test.text.removesuffix("pytest -q")
        verify = recipes.python_coverage(prefix, project.python, plugin=plugin is not None)
        return _here(project, verify, test, plugin or named[0])
    for tool in ("vitest", "jest"):
        if covers := _with(project, CommandKind.COVERAGE, f"{tool} --coverage") or _with(
            project, CommandKind.COVERAGE, f"{tool} run --coverage"
        ):
            runner = covers.text.removesuffix(" --coverage")
            return _here(project, recipes.node_coverage(runner, vitest=tool == "vitest"), covers)
    return _here(project, recipes.go_coverage()) if _with(project, CommandKind.COVERAGE, "go test") else None


_OWN_WORKLOAD = "Wall-clock time of the benchmark: it has to do the same work however fast the code is."


def benchmark(project: Project) -> Measure | None:
    """Measure by the first benchmark of the project."""
    bench = next((one for one in project.of_kind(CommandKind.BENCHMARK) if "jmh" not in one.text), None)
    if bench is None:
        return None
    text = f"{bench.text} {bench.script} {bench.body}"
    if "--benchmark-only" in text:
        return _here(project, recipes.pytest_benchmark(bench.text, project.python, "milliseconds"), bench)
    if bench.text.endswith("vitest bench"):
        return _here(project, recipes.vitest_bench(bench.text, "milliseconds"), bench)
    if "hyperfine" in text:
        return _here(project, recipes.hyperfine(bench.text, "milliseconds"), bench)
    if bench.text.startswith("go test"):
        timed = f"{bench.text} -benchtime 0.2s"
        return _here(project, recipes.nanoseconds(timed, "milliseconds", '$4 == "ns/op"', 3), bench)
    if "--output-format bencher" in text:
        return _here(project, recipes.nanoseconds(bench.text, "milliseconds", "/ bench: /", 5), bench)
    measured = _here(project, recipes.timed(_fresh(bench.text), "seconds"), bench, warnings=(_OWN_WORKLOAD,))
    return replace(measured, metric="seconds")


def notebook_seconds(project: Project) -> Measure | None:
    """Measure how long the first notebook takes from top to bottom."""
    runs = project.of_kind(CommandKind.RUN)
    if not runs:
        return None
    only = (f"Only {runs[0].source} is timed, not the other {len(runs) - 1}.",) if runs[1:] else ()
    return _here(project, recipes.timed(runs[0].text, "seconds"), runs[0], warnings=only)


def import_ms(project: Project) -> Measure | None:
    """Measure how long it takes to import a Python package."""
    return (
        _here(project, recipes.import_time(project.python, project.package, "import_ms")) if project.package else None
    )


def imported_modules(project: Project) -> Measure | None:
    """Measure how many modules the import of a Python package loads."""
    if not project.package:
        return None
    return _here(project, recipes.imported_modules(project.python, project.package, "imported_modules"))


_AS_WRITTEN = (
    "Nothing builds this package: what is shipped is the code as it is written, so that only less code makes it smaller. A script "
    '"build" that minifies, with `main` and `files` naming what it writes, would do more.'
)


def package_bytes(project: Project) -> Measure | None:
    """Measure the size of what the project ships to its users; where that is the code itself, lines may not grow long instead."""
    if "npm pack" not in project.shipped:
        return _here(project, project.shipped) if project.shipped else None
    if builds := project.of_kind(CommandKind.BUILD)[:1]:
        return _here(project, project.shipped, *builds)
    return _here(project, project.shipped, guard_metrics=(_no_longer_lines(project),), warnings=(_AS_WRITTEN,))


def bundle_bytes(project: Project) -> Measure | None:
    """Measure the size of what the build script writes into its output folder, where nothing is published."""
    build = _first(project, CommandKind.BUILD)
    if build is None or not project.outputs or not project.speaks(Language.JAVASCRIPT, Language.TYPESCRIPT):
        return None
    return _here(project, recipes.folder_bytes(build.text, project.outputs[0], "bundle_bytes"), build)


def program_bytes(project: Project) -> Measure | None:
    """Measure the size of the linked program."""
    build = _first(project, CommandKind.BUILD)
    if build is None or not project.outputs or not project.speaks(Language.C, Language.CPP, Language.RUST):
        return None
    return _here(project, recipes.file_bytes(build.text, project.outputs[0], "program_bytes"))


def code_lines(project: Project) -> Measure | None:
    """Measure the lines of source that are not blank; lines may not grow long instead."""
    if not project.sources or project.speaks(Language.MARKDOWN, Language.NOTEBOOK):
        return None
    return Measure(recipes.code_lines(project.sources, "code_lines"), (_no_longer_lines(project),))


def _no_longer_lines(project: Project) -> str:
    return f"long_lines lower 0: {recipes.matching_lines(project.sources, '.{121,}')}"


_KEEP_TEXT = "A formula judges the text, not a reader: read what is kept."
_KEPT = {"headings": "^#+ ", "links": r"\]\([^)]+\)", "examples": "^ *(```|~~~)"}


def _documents_stay(project: Project) -> tuple[str, ...]:
    """Return guards by which no document, heading, link or example may go."""
    counts = (f"{name} higher 0: {recipes.matching_lines(project.sources, line)}" for name, line in _KEPT.items())
    return (f"documents higher 0: {recipes.documents(project.sources, 20)}", *counts)


def reading_grade(project: Project) -> Measure | None:
    """Measure how hard the text is to read."""
    if not project.speaks(Language.MARKDOWN):
        return None
    most = f"words higher 10%: {recipes.word_count(project.sources)}"
    verify = recipes.reading_grade(project.sources, "reading_grade")
    return Measure(verify, (most, *_documents_stay(project)), (_KEEP_TEXT,))


def words(project: Project) -> Measure | None:
    """Measure the length of the text; each document, heading, link and example stays."""
    if not project.speaks(Language.MARKDOWN):
        return None
    warning = "Nothing here notices lost content within a paragraph: read what is kept."
    return Measure(recipes.words(project.sources, "words"), _documents_stay(project), (warning,))
