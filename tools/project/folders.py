"""A project's folder as seen through its file names and manifests, and the words for what is found there."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any


class Language(StrEnum):
    """What the source files of a project are written in."""

    PYTHON = "python"
    JAVASCRIPT = "javascript"
    TYPESCRIPT = "typescript"
    GO = "go"
    RUST = "rust"
    JAVA = "java"
    KOTLIN = "kotlin"
    CSHARP = "c#"
    FSHARP = "f#"
    C = "c"
    CPP = "c++"
    RUBY = "ruby"
    PHP = "php"
    NOTEBOOK = "jupyter notebook"
    MARKDOWN = "markdown"


class CommandKind(StrEnum):
    """What a project's command is for."""

    TEST = "test"
    LINT = "lint"
    TYPES = "types"
    BUILD = "build"
    COVERAGE = "coverage"
    BENCHMARK = "benchmark"
    RUN = "run"


@dataclass(frozen=True)
class ProjectCommand:
    """A command that a project offers, as typed in the project's own folder, and the file that showed it; `script` is what
    a package manager's script of that name would start, `body` what a makefile's target has below it.
    """

    kind: CommandKind
    text: str
    source: str
    script: str = ""
    body: str = ""
    needs: str = ""
    """What has to be typed first, because the command's tool is not installed; empty where it is, or nobody looked."""


@dataclass(frozen=True)
class LocalTools:
    """What this machine has beside the tracked files; where nobody looked, everything is taken to be there.

    All by a project's folder: `pythons` has the Python of its environment as it is typed there, `modules` what is installed
    for its Python, `node_modules` and `vendored` the folders whose packages are installed. `benchmarks` are the test files that hold some.
    """

    programs: frozenset[str] | None = None
    pythons: Mapping[str, str] = field(default_factory=dict)
    modules: Mapping[str, frozenset[str]] = field(default_factory=dict)
    node_modules: frozenset[str] = frozenset()
    vendored: frozenset[str] = frozenset()
    benchmarks: frozenset[str] = frozenset()

    def has(self, program: str) -> bool:
        """Tell whether a program is on the PATH."""
        return self.programs is None or program in self.programs


@dataclass(frozen=True)
class Folder:
    """A project's folder as an ecosystem sees it: names relative to it, the text of what was read there,
    the names of the files that lie directly in a folder above it (a workspace's lock file, say), and the machine's tools."""

    files: frozenset[str]
    texts: Mapping[str, str]
    above: frozenset[str] = frozenset()
    root: str = ""
    tools: LocalTools = field(default_factory=LocalTools)

    def has(self, *names: str) -> str:
        """Return the first of these names that exists here; empty when none does."""
        return next((name for name in names if name in self.files), "")

    def locked(self, name: str) -> bool:
        """Tell whether a file lies here or directly in a folder above."""
        return name in self.files or name in self.above

    def text(self, name: str) -> str:
        """Return the text of a file that was read; empty otherwise."""
        return self.texts.get(name, "")

    @cached_property
    def all_text(self) -> str:
        """Everything that was read here, for questions such as `is pytest named anywhere?`."""
        return "\n".join(self.texts.values())

    def naming(self, tool: str) -> str:
        """Return the first manifest that names a tool; empty when none does."""
        pattern = re.compile(rf"(?<![\w-]){re.escape(tool)}(?![\w-])")
        return next((name for name, text in sorted(self.texts.items()) if pattern.search(text)), "")

    def ending(self, suffix: str) -> tuple[str, ...]:
        """Return the files whose name ends so, sorted."""
        return tuple(sorted(name for name in self.files if name.endswith(suffix)))


@dataclass(frozen=True)
class FolderFinding:
    """What an ecosystem makes of a folder."""

    package_managers: tuple[str, ...] = ()
    commands: tuple[ProjectCommand, ...] = ()
    outputs: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    fixed: tuple[str, ...] = ()
    """Files that steer what is measured, although they are no manifests."""
    shipped: str = ""
    """A command that prints the bytes of what the project ships, as `METRIC package_bytes=...`."""
    python: str = ""
    """How the project's Python is typed in its folder; empty where it has none."""
    package: str = ""
    """The Python package that users import, with its folder: `src/shop`."""


def command_list(rows: list[tuple[CommandKind, str, str]]) -> tuple[ProjectCommand, ...]:
    """Make commands of rows of kind, text and source; those without a source were not found."""
    return tuple(ProjectCommand(kind, text, source) for kind, text, source in rows if source)


def table_of(folder: Folder, name: str) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return a TOML or JSON manifest, and a warning if it cannot be read; an absent or empty one is an empty table."""
    text = folder.text(name)
    try:
        loaded = (json.loads(text) if name.endswith(".json") else tomllib.loads(text)) if text.strip() else {}
    except (ValueError, RecursionError) as error:
        return {}, (f"{name} cannot be read ({error}); what it says is missing here.",)
    return (loaded, ()) if isinstance(loaded, dict) else ({}, (f"{name} does not hold a table.",))


def within(table: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    """Return a nested table; empty when any step is absent or is no table."""
    for key in keys:
        inner = table.get(key)
        table = inner if isinstance(inner, dict) else {}
    return dict(table)


_MAKE_KINDS = {
    "test": CommandKind.TEST, "tests": CommandKind.TEST, "check": CommandKind.TEST, "lint": CommandKind.LINT, "types": CommandKind.TYPES,
    "typecheck": CommandKind.TYPES, "mypy": CommandKind.TYPES, "coverage": CommandKind.COVERAGE, "cov": CommandKind.COVERAGE,
    "bench": CommandKind.BENCHMARK, "benchmark": CommandKind.BENCHMARK, "benchmarks": CommandKind.BENCHMARK, "build": CommandKind.BUILD,
}  # fmt: skip
MAKEFILES = ("Makefile", "makefile", "GNUmakefile")


def make_commands(folder: Folder) -> tuple[ProjectCommand, ...]:
    """Return the well-known targets of a makefile, in the file's order; of two for one kind the first."""
    name = folder.has(*MAKEFILES)
    rule = re.compile(r"^([A-Za-z][\w.-]*)[ \t]*:(?!=).*((?:\n\t.*)*)", re.MULTILINE)
    targets = rule.findall(folder.text(name)) if name else []
    kinds = {_MAKE_KINDS[target]: (target, body) for target, body in reversed(targets) if target in _MAKE_KINDS}
    return tuple(ProjectCommand(kind, f"make {target}", name, body=body) for kind, (target, body) in kinds.items())
