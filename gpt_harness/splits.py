"""What every source of text has: three splits, a way to tell that it changed, and a measure of what two texts share."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from tokenizer import Tokenizer

SHINGLE = 8
MOST_SHARED = 0.2
"""Share of a training document's shingles, runs of eight words, that may stand in a held-out text."""


Shingles = NDArray[np.int64]
"""Hashes, sorted; the same within one process only."""


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

    def tokenizer(self, size: int) -> Tokenizer | None:
        """The tokenizer of so many tokens that comes with the text; None if one is to be learnt from it."""
        ...

    def held_out_files(self) -> tuple[Path, ...]:
        """Files and folders on this machine that hold text which is kept back."""
        ...


def stamp_of(files: Iterable[Path]) -> str:
    """SHA-256 over names, sizes and times of change."""
    lines = [f"{file} {(status := file.stat()).st_size} {status.st_mtime_ns}" for file in files]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def shingles(texts: Iterable[str]) -> Shingles:
    """The runs of eight words that stand in some texts."""
    return np.unique(np.concatenate([np.empty(0, np.int64), *map(_marks, texts)]))


def shared(text: str, held_out: Shingles) -> float:
    """The share of a text's shingles that are among the held-out ones."""
    marks = _marks(text)
    places = np.minimum(held_out.searchsorted(marks), len(held_out) - 1)
    return float((held_out[places] == marks).mean()) if len(marks) and len(held_out) else 0.0


def _marks(text: str) -> Shingles:
    words = text.split()
    runs = zip(*(words[place:] for place in range(SHINGLE)), strict=False)
    return np.unique(np.fromiter(map(hash, runs), np.int64))
