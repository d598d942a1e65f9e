"""What a repository holds: its files and commands; and its code, by languages, areas, sizes, entry points and symbols.

Python is parsed; of other files the words are known.
"""

from __future__ import annotations

import ast
import json
import re
import tomllib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from posixpath import dirname, normpath
from typing import Any

from ...project.ecosystems import ECOSYSTEMS
from ...text.markdown import is_markdown

_WORD = re.compile(r"[A-Za-z_][\w-]*")
_LANGUAGES = {suffix: str(language) for row in ECOSYSTEMS for suffix, language in row.languages.items()} | {
    ".sh": "shell",
    ".css": "css",
    ".scss": "css",
    ".html": "html",
    ".sql": "sql",
    ".swift": "swift",
    ".scala": "scala",
    ".lua": "lua",
}
_NOT_CODE = frozenset(("markdown", "jupyter notebook", "html", "css"))
_ENTRY_FILES = re.compile(
    r"(?:^|/)(?:__main__\.py|manage\.py|main\.(?:py|go|rs|ts|js|c|cpp)|index\.(?:js|ts)|server\.(?:js|ts)|Program\.cs)$"
)


@dataclass(frozen=True)
class Symbol:
    """Something that Python code defines: where, its dotted name within the module, and what it is."""

    path: str
    line: int
    name: str
    kind: str


@dataclass(frozen=True)
class Area:
    """A part of a repository, by its folder: how many source files and lines there are."""

    name: str
    files: int
    lines: int


@dataclass(frozen=True)
class Module:
    """A Python module: what it defines, the names that it takes from elsewhere, its classes that inherit nothing, and whether
    it may have any name, because it takes all of another module's or makes them.
    """

    path: str
    symbols: tuple[Symbol, ...] = ()
    taken: frozenset[str] = frozenset()
    plain_classes: frozenset[str] = frozenset()
    open: bool = False

    @cached_property
    def names(self) -> frozenset[str]:
        """Every name that can be asked of it, those of classes with a dot."""
        return frozenset({symbol.name for symbol in self.symbols} | self.taken)


@dataclass(frozen=True)
class CodeMap:
    """The code of a repository, from the text of its files; `complete` tells whether all of them were read."""

    texts: Mapping[str, str]
    complete: bool = True
    modules: Mapping[str, Module] = field(default_factory=dict)

    @cached_property
    def sources(self) -> tuple[str, ...]:
        """The files that are code, sorted."""
        return tuple(sorted(path for path in self.texts if language_of(path) not in {"", *_NOT_CODE}))

    @cached_property
    def words(self) -> frozenset[str]:
        """Every word of every file that is no document, also those with hyphens, whole and in parts."""
        found: set[str] = set()
        for path, text in self.texts.items():
            if not is_document(path):
                found |= words_of(text)
        return frozenset(found)

    @cached_property
    def classes(self) -> Mapping[str, tuple[Module, ...]]:
        """The modules that define a class, by its name."""
        found: dict[str, tuple[Module, ...]] = {}
        for module in self.modules.values():
            for symbol in module.symbols:
                if symbol.kind == "class" and "." not in symbol.name:
                    found[symbol.name] = (*found.get(symbol.name, ()), module)
        return found

    @cached_property
    def symbols(self) -> tuple[Symbol, ...]:
        """Everything that Python code defines, by file and line."""
        found = (symbol for module in self.modules.values() for symbol in module.symbols)
        return tuple(sorted(found, key=lambda symbol: (symbol.path, symbol.line)))

    def lines(self, path: str) -> int:
        """Return how many lines a file has."""
        return len(self.texts[path].splitlines())


@dataclass(frozen=True)
class Repository:
    """What documents can speak of. `files` are all that git has or would add; `ignored` tells whether a path is one that
    git ignores, such as what a build makes; `installed` whether a program is on this machine.
    """

    code: CodeMap
    files: frozenset[str]
    programs: frozenset[str] = frozenset()
    targets: frozenset[str] = frozenset()
    node_scripts: frozenset[str] = frozenset()
    ignored: Callable[[str], bool] = field(default=lambda path: False)
    installed: Callable[[str], bool] = field(default=lambda program: False)

    @cached_property
    def folders(self) -> frozenset[str]:
        """Every folder that holds a file."""
        found: set[str] = {""}
        for path in self.files:
            parts = path.split("/")[:-1]
            found |= {"/".join(parts[:depth]) for depth in range(1, len(parts) + 1)}
        return frozenset(found)

    @cached_property
    def by_name(self) -> Mapping[str, tuple[str, ...]]:
        """The files by the last part of their path."""
        found: dict[str, tuple[str, ...]] = {}
        for path in sorted(self.files):
            name = path.rpartition("/")[2]
            found[name] = (*found.get(name, ()), path)
        return found

    def spelled(self, name: str) -> bool:
        """Return whether any file that is no document has a text in it."""
        return any(name in text for path, text in self.code.texts.items() if not is_document(path))

    def exists(self, path: str) -> bool:
        """Return whether a file or folder is there, or would be made."""
        return path in self.files or path in self.folders or self.ignored(path)

    def place(self, document: str, name: str) -> str | None:
        """Return the file or folder that a name in a document means: from the root, from the document, or the end of a
        path; the name itself where only a build makes it; None where there is nothing.
        """
        plain: str = normpath(name.removeprefix("./")).rstrip("/")
        for path in (plain, normpath(f"{dirname(document)}/{plain}").lstrip("/")):
            if path in self.files or path in self.folders:
                return path
        named: list[str] = [*self.by_name.get(plain.rpartition("/")[2], ())]
        named += sorted(self.folders) if name.endswith("/") else []
        end = next((path for path in named if path.endswith(f"/{plain}")), None)
        return plain if end is None and self.ignored(plain) else end


def code_map(texts: Mapping[str, str], *, complete: bool = True) -> CodeMap:
    """Return the map of a repository from the text of its files by path."""
    python = {module_name(path): _module(path, text) for path, text in texts.items() if path.endswith(".py")}
    return CodeMap(texts, complete, python)


def is_document(path: str) -> bool:
    """Return whether a file is prose, so that a word in it proves nothing about the code."""
    return is_markdown(path) or path.endswith((".rst", ".txt"))


def words_of(text: str) -> set[str]:
    """Return the words of a text; one with hyphens also in its parts."""
    whole = set(_WORD.findall(text))
    return whole | {part for word in whole if "-" in word for part in word.split("-")}


def language_of(path: str) -> str:
    """Return the language of a file by its name; empty where it has none."""
    stem, dot, suffix = path.rpartition("/")[2].rpartition(".")
    return _LANGUAGES.get(dot + suffix.lower(), "") if stem else ""


def module_name(path: str) -> str:
    """Return the dotted name of a Python file, without `src` in front."""
    parts = path.removesuffix(".py").split("/")
    parts = parts[1:] if parts[0] == "src" and len(parts) > 1 else parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)


def _module(path: str, text: str) -> Module:
    """Return what a Python file defines; one that cannot be parsed may define anything."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return Module(path, open=True)
    taken: set[str] = set()
    starred = False
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            taken |= {(alias.asname or alias.name).partition(".")[0] for alias in node.names}
            starred = starred or any(alias.name == "*" for alias in node.names)
    made = any(isinstance(node, ast.FunctionDef) and node.name == "__getattr__" for node in tree.body)
    plain = {node.name for node in tree.body if isinstance(node, ast.ClassDef) and not (node.bases or node.keywords)}
    return Module(path, tuple(_symbols(path, tree.body, "")), frozenset(taken), frozenset(plain), starred or made)


def _symbols(path: str, body: Iterable[ast.stmt], inside: str) -> Iterator[Symbol]:
    for node in body:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                yield Symbol(path, node.lineno, inside + node.name, "method" if inside else "function")
                if inside:
                    yield from _own_attributes(path, node, inside)
            case ast.ClassDef():
                yield Symbol(path, node.lineno, inside + node.name, "class")
                yield from _symbols(path, node.body, f"{inside}{node.name}.")
            case ast.Assign() | ast.AnnAssign():
                yield from (Symbol(path, node.lineno, inside + name, "constant") for name in _assigned(node))
            case ast.If() | ast.Try() | ast.With():
                held = [*node.body, *getattr(node, "orelse", []), *getattr(node, "finalbody", [])]
                held += [statement for handler in getattr(node, "handlers", []) for statement in handler.body]
                yield from _symbols(path, held, inside)


def _assigned(node: ast.stmt) -> list[str]:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return [part.id for target in targets for part in ast.walk(target) if isinstance(part, ast.Name)]


def _own_attributes(path: str, method: ast.FunctionDef | ast.AsyncFunctionDef, inside: str) -> Iterator[Symbol]:
    """Yield what a method assigns on `self`."""
    for node in ast.walk(method):
        if (
            isinstance(node, ast.Attribute)
            and isinstance(node.ctx, ast.Store)
            and isinstance(node.value, ast.Name)
            and node.value.id == "self"
        ):
            yield Symbol(path, node.lineno, inside + node.attr, "attribute")


def languages(code: CodeMap) -> list[tuple[str, int, int]]:
    """Return each language with its files and lines, the largest first."""
    files, lines = Counter[str](), Counter[str]()
    for path in code.texts:
        if language := language_of(path):
            files[language] += 1
            lines[language] += code.lines(path)
    return [(language, files[language], count) for language, count in lines.most_common()]


def areas(code: CodeMap, most: int = 40) -> tuple[Area, ...]:
    """Return the folders with source files, to the second level, by name; files at the top are the area `.`."""
    files, lines = Counter[str](), Counter[str]()
    for path in code.sources:
        name = "/".join(path.split("/")[:-1][:2]) or "."
        files[name] += 1
        lines[name] += code.lines(path)
    found = sorted(files, key=lambda name: -lines[name])[:most]
    return tuple(Area(name, files[name], lines[name]) for name in sorted(found))


def largest(code: CodeMap, most: int = 10) -> list[tuple[str, int]]:
    """Return the longest source files, with their lines."""
    return sorted(((path, code.lines(path)) for path in code.sources), key=lambda pair: (-pair[1], pair[0]))[:most]


def entry_points(code: CodeMap, most: int = 20) -> tuple[str, ...]:
    """Return where the code begins: what manifests declare, then files that are begun by their name or as a script."""
    declared = [f"{name} ({path})" for path, name in _declared(code.texts)]
    named = [path for path in code.sources if _ENTRY_FILES.search(path)]
    scripts = [
        path
        for path in code.sources
        if path not in named and re.search(r'^if __name__ == ["\']__main__["\']', code.texts[path], re.MULTILINE)
    ]
    return tuple(dict.fromkeys([*declared, *named, *scripts]))[:most]


def _declared(texts: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for path, text in texts.items():
        base = path.rpartition("/")[2]
        if base == "pyproject.toml":
            project = _table(tomllib.loads, text).get("project", {})
            yield from ((path, name) for name in (project.get("scripts", {}) if isinstance(project, dict) else {}))
        if base == "package.json":
            table = _table(json.loads, text)
            made = table.get("bin", {})
            names = list(made) if isinstance(made, dict) else [str(table.get("name", ""))]
            yield from ((path, name) for name in names if name)


def _table(read: Any, text: str) -> dict[str, Any]:  # noqa: ANN401 - either parser
    try:
        found = read(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def commands_declared(texts: Mapping[str, str]) -> frozenset[str]:
    """Return the programs that a repository's own manifests install."""
    return frozenset(name for _, name in _declared(texts))


def make_targets(texts: Mapping[str, str]) -> frozenset[str]:
    """Return every target of every makefile, also those declared phony."""
    files = [text for path, text in texts.items() if re.search(r"(?:^|/)(?:GNUm|M|m)akefile$|\.mk$", path)]
    found = (names for text in files for names in re.findall(r"^([^\s#:=][^#:=\n]*)::?(?!=)", text, re.MULTILINE))
    return frozenset(name for names in found for name in names.split())


def node_scripts(texts: Mapping[str, str]) -> frozenset[str]:
    """Return every script of every package.json."""
    found = (_table(json.loads, text).get("scripts") for path, text in texts.items() if path.endswith("package.json"))
    return frozenset(name for scripts in found if isinstance(scripts, dict) for name in scripts)
