"""What a document says, one claim at a time, and what became of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from functools import cached_property

from ....text.markdown import CodeText, DocumentPage
from ..repository import Repository


class DocumentFault(StrEnum):
    """What can be wrong with a document, the worst first: what it claims, and what it is."""

    MISSING = "missing"
    SECRET = "secret"
    CONTRADICTION = "contradiction"
    LINK = "link"
    MARKUP = "markup"
    SYNTAX = "syntax"
    FILE = "file"
    LINE = "line"
    IMPORT = "import"
    SYMBOL = "symbol"
    SIGNATURE = "signature"
    EXAMPLE = "example"
    COMMAND = "command"
    TARGET = "target"
    OPTION = "option"
    KEY = "key"
    COUNT = "count"
    VERSION = "version"
    EMPTY = "empty"


@dataclass(frozen=True)
class Claim:
    """One thing that a document says: at which of its lines, and, where it is not so, what the code says. `path` is the file
    meant; `known` tells whether it could be checked at all.
    """

    kind: DocumentFault
    line: int
    text: str
    why: str = ""
    path: str = ""
    known: bool = True

    @property
    def wrong(self) -> bool:
        """Whether the code says otherwise."""
        return self.known and bool(self.why)


@dataclass(frozen=True)
class Document:
    """A document with its name, its text and what stands in it."""

    path: str
    text: str
    page: DocumentPage

    @cached_property
    def lines(self) -> tuple[str, ...]:
        """Its lines as they stand."""
        return tuple(self.text.replace("\r\n", "\n").split("\n"))

    @cached_property
    def prose(self) -> str:
        """Its text with the lines of code blocks empty, so that a place in it is at the same line."""
        lines = list(self.lines)
        for block in self.page.blocks:
            for line in range(block.line - 1, min(len(lines), block.line + block.text.rstrip("\n").count("\n"))):
                lines[line] = ""
        return "\n".join(lines)

    def said(self, line: int) -> str:
        """Return a line; empty where there is none."""
        return self.lines[line - 1] if 0 < line <= len(self.lines) else ""


Check = Callable[[Document, Repository], Iterable[Claim]]
"""Finds the claims of one kind, or of a few that are found together."""


def matches(pattern: re.Pattern[str], document: Document) -> Iterator[tuple[int, re.Match[str]]]:
    """Return what matches in the prose of a document, each with the line at which it begins."""
    for match in pattern.finditer(document.prose):
        yield document.prose.count("\n", 0, match.start()) + 1, match


def blocks(document: Document, languages: Iterable[str]) -> Iterator[CodeText]:
    """Return the code blocks in any of these languages."""
    known = frozenset(languages)
    return (block for block in document.page.blocks if block.language in known)


def contains(words: str, text: str) -> bool:
    """Return whether words stand in a text; whitespace may differ."""
    return " ".join(words.split()) in " ".join(text.split())


def line_of(words: str, text: str) -> int:
    """Return the line at which words begin that stand in a text; 0 where they begin in the middle of a broken line."""
    first = " ".join(words.split())[:40]
    return next((line for line, one in enumerate(text.splitlines(), 1) if first[:20] in " ".join(one.split())), 0)


def nearest(name: str, names: Iterable[str], how: float = 0.6) -> str:
    """Return, to be put behind a problem, which name may have been meant; empty where none is like it."""
    found = get_close_matches(name, sorted(names), 1, how)
    return f"; there is {found[0]}" if found else ""
