"""The user's own texts: files, folders and globs of text, JSON lines and parquet."""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from documents import cut, documents
from splits import MOST_SHARED, SourceError, Split, shared, shingles, stamp_of
from tokenizer import Tokenizer

KEPT_BACK, MOST_KEPT_BACK = 20, 20_000
"""One document in so many is for the score, and another one is secret; no more than so many of each."""
COMPARED_CHARACTERS = 200_000_000
"""Texts up to this size are searched for what stands in the held-out ones as well."""
PINNED, PINNED_SECRET = "shard_06542.parquet", 8
"""The validation shard of Karpathy's autoresearch, which is never trained on; one of so many of its documents is secret."""

Marks = NDArray[np.uint64]
"""Of documents, sorted: the first 8 bytes of each one's SHA-256."""


@dataclass(frozen=True)
class Census:
    """What one look at all documents tells: who there is, who stands there twice, who is kept back, and how long they are."""

    marks: Marks
    repeated: Marks
    kept: dict[Split, Marks]
    characters: int


class Files:
    """Documents of local files, split by what is in them: the same text lands in the same split wherever it stands. Where
    the pinned shard is among the files, it is what is kept back.
    """

    def __init__(self, spec: str, globs: tuple[str, ...], root: Path) -> None:
        self.spec = spec
        self._files = tuple(sorted({file for glob in globs for file in _found(glob, root)}))

    def documents(self, split: Split) -> Iterator[str]:
        """Each text once, in the order of the files."""
        repeated = self._census.repeated
        told = np.zeros(len(repeated), bool)
        for mark, text, _ in self._all():
            if self._split(mark) is not split or _among(mark, self._quoted):
                continue
            if _among(mark, repeated):
                place = np.searchsorted(repeated, mark)
                if told[place]:
                    continue
                told[place] = True
            yield text

    @cached_property
    def digest(self) -> str:
        """Over what is in the documents, not over where they stand."""
        kept = [self._census.kept[split] for split in (Split.VALIDATION, Split.TEST)]
        return hashlib.sha256(b"".join(part.tobytes() for part in (self._census.marks, *kept))).hexdigest()

    @property
    def stamp(self) -> str:
        """Over names, sizes and times of the files."""
        return stamp_of(self._files)

    def tokenizer(self, size: int) -> Tokenizer | None:
        """None: it is learnt from the text."""
        return None

    def held_out_files(self) -> tuple[Path, ...]:
        """All of them: training gets its text as tokens."""
        return self._files

    def _all(self) -> Iterator[tuple[np.uint64, str, Split]]:
        """Marks and texts, and what each is for where it stands."""
        for file in self._files:
            for place, document in enumerate(documents(file)):
                split = split_of_pinned(place) if file.name == PINNED else Split.TRAIN
                for text in cut(document):
                    yield _mark(text), text, split

    @cached_property
    def _census(self) -> Census:
        marks, pinned, characters = array("Q"), {split: array("Q") for split in Split}, 0
        for mark, text, split in self._all():
            marks.append(int(mark))
            if split is not Split.TRAIN:
                pinned[split].append(int(mark))
            characters += len(text)
        unique, counts = np.unique(np.frombuffer(marks, np.uint64), return_counts=True)
        if len(unique) < 3:
            raise SourceError(
                f"{self.spec} has {len(unique)} documents; three are needed at least. Add more or longer files."
            )
        return Census(unique, unique[counts > 1], _kept(unique, pinned), characters)

    def _split(self, mark: np.uint64) -> Split:
        kept = self._census.kept
        return next((split for split in (Split.VALIDATION, Split.TEST) if _among(mark, kept[split])), Split.TRAIN)

    @cached_property
    def _quoted(self) -> Marks:
        """Training documents that repeat held-out ones."""
        if self._census.characters > COMPARED_CHARACTERS:
            return np.empty(0, np.uint64)
        held_out = shingles(text for mark, text, _ in self._all() if self._split(mark) is not Split.TRAIN)
        rest = ((mark, text) for mark, text, _ in self._all() if self._split(mark) is Split.TRAIN)
        return np.unique(np.array([mark for mark, text in rest if shared(text, held_out) > MOST_SHARED], np.uint64))


def split_of_pinned(place: int) -> Split:
    """What a document of the pinned shard is for, by its place in it."""
    return Split.TEST if place % PINNED_SECRET == PINNED_SECRET - 1 else Split.VALIDATION


def _kept(unique: Marks, pinned: dict[Split, array[int]]) -> dict[Split, Marks]:
    """The documents that are kept back: the pinned ones, else by rank, so that no split is empty, however few there are."""
    if pinned[Split.VALIDATION]:
        validation, test = (
            np.unique(np.frombuffer(pinned[split], np.uint64)) for split in (Split.VALIDATION, Split.TEST)
        )
        return {Split.VALIDATION: validation, Split.TEST: np.setdiff1d(test, validation)}
    count = max(1, min(len(unique) // KEPT_BACK, MOST_KEPT_BACK))
    return {Split.VALIDATION: unique[:count], Split.TEST: unique[count : 2 * count]}


def _among(mark: np.uint64, marks: Marks) -> bool:
    place = marks.searchsorted(mark)
    return bool(place < len(marks) and marks[place] == mark)


def _mark(text: str) -> np.uint64:
    return np.uint64(int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big"))


def _found(glob: str, root: Path) -> Iterator[Path]:
    """The files that a path or a glob names, hidden ones left out.

    Raises:
        SourceError: if there is none.
    """
    place = root / Path(glob).expanduser()
    if place.is_file():
        yield place
        return
    base, pattern = (place, "**/*") if place.is_dir() else _rooted(place)
    files = [file for file in base.glob(pattern) if file.is_file() and not _hidden(file.relative_to(base))]
    if not files:
        raise SourceError(f"files:{glob} names no file below {root}. Correct `data` in gpt.toml.")
    yield from files


def _rooted(place: Path) -> tuple[Path, str]:
    parts = place.parts
    first = next((index for index, part in enumerate(parts) if any(sign in part for sign in "*?[")), len(parts))
    return Path(*parts[:first]), str(Path(*parts[first:])) if first < len(parts) else "*"


def _hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)
