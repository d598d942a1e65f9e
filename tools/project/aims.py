"""What can be made better, by which plan, and what an experiment may not pay with: the obvious cheats, kept out by numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from . import measures, recipes
from .folders import CommandKind, Language
from .goals import Quality
from .measures import Measure
from .projects import Project

_PUBLIC = {
    Language.PYTHON: "^(async def|def|class) [A-Za-z]",
    Language.JAVASCRIPT: r"^ *(export |module\.exports|exports\.)",
    Language.TYPESCRIPT: "^ *export ",
    Language.GO: r"^(func (\([^)]*\) )?[A-Z]|type [A-Z]|var [A-Z]|const [A-Z])",
    Language.RUST: "^ *pub ",
    Language.JAVA: "^ *(public|protected) ",
    Language.KOTLIN: "^ *(fun|class|object|interface|val) ",
    Language.CSHARP: "^ *(public|protected) ",
    Language.RUBY: "^ *(def|class|module) ",
    Language.PHP: "^ *(public |class |function )",
}
_COMMENT = r"^[[:space:]]*(//|/?\*)"
_ASSERTIONS = r"assert|expect|should|EXPECT_|CHECK|REQUIRE|t\.(Error|Fatal|is|equal|ok)|Equal\("


def _exports_stay(project: Project) -> str:
    patterns = dict.fromkeys(_PUBLIC[language] for language in project.languages if language in _PUBLIC)
    lines = recipes.matching_lines(project.sources, "|".join(patterns))
    return f"public_names higher 0: {lines}" if patterns and project.sources else ""


def _comments_stay(project: Project) -> str:
    """Guard against a smaller package by fewer comments, where what ships is not minified."""
    if "npm pack" not in project.shipped:
        return ""
    return f"comments higher 10%: {recipes.matching_lines(project.sources, _COMMENT)}"


def _tests_stay(project: Project) -> str:
    counted = measures.passed_tests(project)
    return f"passed_tests higher 0: {counted.verify}" if counted else ""


def _assertions_stay(project: Project) -> str:
    return f"assertions higher 0: {recipes.matching_lines(project.tests, _ASSERTIONS)}" if project.tests else ""


class Edits(StrEnum):
    """Which files a plan of this kind changes."""

    SOURCES = "sources"
    TESTS = "tests"


@dataclass(frozen=True)
class Aim:
    """A plan for a quality. `keeps` makes guards against the cheap way; it returns nothing where that cannot be counted."""

    quality: Quality
    metric: str
    direction: str
    title: str
    means: str
    measure: Callable[[Project], Measure | None]
    guards: tuple[CommandKind, ...] = (CommandKind.TEST,)
    keeps: tuple[Callable[[Project], str], ...] = ()
    unit: str = ""
    edits: Edits = Edits.SOURCES


_LINT = ("lint_errors", "lower", "Fewer lint findings", "findings of the linter", measures.lint_errors)
_TYPES = ("type_errors", "lower", "Fewer type errors", "errors that the type checker reports", measures.type_errors)
_GRADE = "school year needed to follow the text (Automated Readability Index)"

AIMS = (
    Aim(Quality.SPEED, "milliseconds", "lower", "Faster benchmarks", "the time of the project's own benchmarks", measures.benchmark),
    Aim(Quality.SPEED, "seconds", "lower", "Faster notebook", "wall-clock seconds of a run from top to bottom",
        measures.notebook_seconds, ()),
    Aim(Quality.SIZE, "package_bytes", "lower", "Smaller package", "bytes of what is shipped", measures.package_bytes,
        keeps=(_exports_stay, _comments_stay), unit="bytes"),
    Aim(Quality.SIZE, "bundle_bytes", "lower", "Smaller bundle", "bytes of the built bundle, source maps left out",
        measures.bundle_bytes, keeps=(_exports_stay,), unit="bytes"),
    Aim(Quality.SIZE, "program_bytes", "lower", "Smaller program", "bytes of the built program", measures.program_bytes, unit="bytes"),
    Aim(Quality.COVERAGE, "coverage", "higher", "Higher test coverage", "percent of the code that the tests run",
        measures.coverage, (), (_assertions_stay,), "%", Edits.TESTS),
    Aim(Quality.TEST_SPEED, "test_seconds", "lower", "Faster tests", "wall-clock seconds of the whole test run",
        measures.test_seconds, (), (_tests_stay, _assertions_stay), "", Edits.TESTS),
    Aim(Quality.LINT, *_LINT),
    Aim(Quality.TYPES, *_TYPES),
    Aim(Quality.CODE_QUALITY, *_LINT),
    Aim(Quality.CODE_QUALITY, *_TYPES),
    Aim(Quality.CODE_LINES, "code_lines", "lower", "Fewer lines of code", "lines of source that are not blank",
        measures.code_lines, (CommandKind.TEST, CommandKind.TYPES), (_exports_stay,)),
    Aim(Quality.WARNINGS, "compiler_warnings", "lower", "Fewer compiler warnings", "warnings of a full build", measures.compiler_warnings),
    Aim(Quality.PASSING, "passed_tests", "higher", "More passing tests", "tests that pass; the tests themselves are protected",
        measures.passed_tests, ()),
    Aim(Quality.START, "import_ms", "lower", "Faster import", "milliseconds that importing the package takes", measures.import_ms,
        keeps=(_exports_stay,)),
    Aim(Quality.IMPORTS, "imported_modules", "lower", "Fewer modules at import", "modules that importing the package loads",
        measures.imported_modules, keeps=(_exports_stay,)),
    Aim(Quality.BUILD_SPEED, "build_seconds", "lower", "Faster build", "wall-clock seconds of a build", measures.build_seconds),
    Aim(Quality.READABILITY, "reading_grade", "lower", "More readable text", _GRADE, measures.reading_grade, ()),
    Aim(Quality.TEXT_LENGTH, "words", "lower", "Shorter text", "words in the text", measures.words, ()),
)  # fmt: skip
"""Of two for one quality the first fits better."""
