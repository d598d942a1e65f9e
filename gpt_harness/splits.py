"""What every source of text has: three splits, a way to tell that it changed, and a measure of what two texts share."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import Protocol

SHINGLE = 8
MOST_SHARED = 0.2
"""Share of a training document's shingles, runs of eight words, that may stand in a held-out text."""


class SourceError(Exception):
    """Text that cannot be had; the message has the next step."""


class Split(StrEnum):
    """What a text is for."""

    TRAIN = "train"
    VALIDATION = "validation"
    TEST = "test"


class Source(Protocol):
    """Texts by split. `spec` is how it was asked for, `digest` the SHA-256 of what it holds."""

    @property
    def spec(self) -> str:
        """As it was asked for."""
        ...

    @property
    def digest(self) -> str:
        """SHA-256 in hexadecimal over the content."""
        ...

    @property
    def stamp(self) -> str:
        """What tells without reading whether the content may have changed."""
        ...

    def documents(self, split: Split) -> Iterator[str]:
        """The documents of a split, in a fixed order, as often as asked."""
        ...

    def held_out_files(self) -> tuple[Path, ...]:
        """Files and folders on this machine that hold text which is kept back."""
        ...


def stamp_of(files: Iterable[Path]) -> str:
    """SHA-256 over names, sizes and times of change."""
    lines = [f"{file} {(status := file.stat()).st_size} {status.st_mtime_ns}" for file in files]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def shingles(texts: Iterable[str]) -> set[int]:
    """The runs of eight words that stand in some texts."""
    return {mark for text in texts for mark in _marks(text)}


def shared(text: str, held_out: set[int]) -> float:
    """The share of a text's shingles that are among the held-out ones."""
    marks = set(_marks(text))
    return len(marks & held_out) / len(marks) if marks else 0.0


def _marks(text: str) -> Iterator[int]:
    words = text.split()
    return map(hash, zip(*(words[place:] for place in range(SHINGLE)), strict=False))
