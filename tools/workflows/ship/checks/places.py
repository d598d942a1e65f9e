"""Lines of files, where they come from, and places that something was found at."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

Texts = Mapping[str, str]
"""Files by their path from the repository's root."""

_HUNK = re.compile(r"@@ -\d+(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")


@dataclass(frozen=True)
class FileLine:
    """One line of a file, counted from 1."""

    path: str
    number: int
    text: str


@dataclass(frozen=True)
class FoundPlace:
    """Where something was found, and what."""

    path: str
    line: int
    what: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line} {self.what}" if self.line else f"{self.path} {self.what}"


def lines_of(texts: Texts) -> Iterator[FileLine]:
    """Every line of every file."""
    for path, text in texts.items():
        for number, line in enumerate(text.splitlines(), 1):
            yield FileLine(path, number, line)


def added_lines(patch: str) -> Iterator[FileLine]:
    """The lines that a patch, as git writes it, adds."""
    path, number, old, new = "", 0, 0, 0
    for line in patch.splitlines():
        if old <= 0 and new <= 0:
            if line.startswith("+++ "):
                path = _named(line[4:])
            elif hunk := _HUNK.match(line):
                old, number, new = int(hunk[1] or 1), int(hunk[2]), int(hunk[3] or 1)
        elif line.startswith("+"):
            yield FileLine(path, number, line[1:])
            number, new = number + 1, new - 1
        elif line.startswith("-"):
            old -= 1
        elif not line.startswith("\\"):
            number, old, new = number + 1, old - 1, new - 1


def found(lines: Iterable[FileLine], pattern: re.Pattern[str]) -> tuple[FoundPlace, ...]:
    """The first match in each line that has one."""
    pairs = ((line, pattern.search(line.text)) for line in lines)
    return tuple(FoundPlace(line.path, line.number, match[0].strip()[:80]) for line, match in pairs if match)


def _named(told: str) -> str:
    """A path as a patch names it: after `b/`, in quotes where it is unusual."""
    name = told.rstrip("\t")
    if name.startswith('"') and name.endswith('"'):
        octal = re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), name[1:-1])
        name = octal.encode("latin-1", "replace").decode("utf-8", "replace").replace('\\"', '"').replace("\\\\", "\\")
    return name.removeprefix("b/")
