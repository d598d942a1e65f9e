"""What the code of a repository consists of: languages, areas, sizes, entry points, and the words of its files."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from ...project.ecosystems import ECOSYSTEMS
from ...project.python_api import PythonApi
from ...text.markdown import is_markdown
from .manifests import Manifests

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
class Area:
    """A part of a repository, by its folder: how many source files and lines there are."""

    name: str
    files: int
    lines: int


@dataclass(frozen=True)
class CodeMap:
    """The code of a repository, from the text of its files; `complete` tells whether all of them were read."""

    texts: Mapping[str, str]
    complete: bool = True

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
    def python(self) -> PythonApi:
        """What its Python code defines."""
        return PythonApi(self.texts, self.words)

    @cached_property
    def manifests(self) -> Manifests:
        """What its manifests offer."""
        return Manifests(self.texts)

    def lines(self, path: str) -> int:
        """Return how many lines a file has."""
        return len(self.texts[path].splitlines())


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
    declared = [f"{name} ({path})" for path, name in code.manifests.declared]
    named = [path for path in code.sources if _ENTRY_FILES.search(path)]
    scripts = [
        path
        for path in code.sources
        if path not in named and re.search(r'^if __name__ == ["\']__main__["\']', code.texts[path], re.MULTILINE)
    ]
    return tuple(dict.fromkeys([*declared, *named, *scripts]))[:most]
