"""Where text comes from, and which of it is kept back. Every source has three texts: for training, for the score, and a
secret one that only tells whether the score is believable.
"""

from __future__ import annotations

import hashlib
import os
import sysconfig
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

from splits import MOST_SHARED, Source, SourceError, Split, shared, shingles, stamp_of
from tokenizer import Tokenizer

# Held out by whole modules, which hardly any other module quotes and which no training needs to import.
VALIDATION = frozenset(
    "mailbox optparse imaplib ftplib smtplib plistlib turtle xmlrpc bdb trace fileinput sched tabnanny".split()
)
TEST = frozenset(
    "pydoc wsgiref pdb zoneinfo socketserver webbrowser venv compileall modulefinder poplib cmd filecmp shelve pyclbr "
    "code".split()
)
LEFT_OUT = frozenset(
    # getopt is read when torch compiles, so it cannot be kept back
    "test tests idlelib turtledemo lib2to3 encodings pydoc_data site-packages __pycache__ getopt.py".split()
)
SHORTEST = 200  # characters; shorter files are mostly empty packages


def open_source(spec: str, root: Path, cache: Path) -> Source:
    """The source of a spec: `stdlib`, `files:GLOB,...` below `root`, `climbmix[:SHARDS]`, `tinystories`. Downloads go
    below `cache`.

    Raises:
        SourceError: if it is none of these.
    """
    name, _, rest = spec.partition(":")
    if name == "stdlib" and not rest:
        return Library(Path(sysconfig.get_paths()["stdlib"]))
    # What the others need, HTTP and its like among it, takes a sixth of all imports of a judge.
    if name == "files" and rest:
        from files import Files

        return Files(spec, tuple(filter(None, (part.strip() for part in rest.split(",")))), root)
    if name in {"climbmix", "tinystories"}:
        from shards import climbmix, tinystories

        return tinystories(cache) if name == "tinystories" else climbmix(rest, cache)
    known = "stdlib, files:GLOB,..., climbmix:SHARDS, tinystories"
    raise SourceError(f"data = {spec!r} is no source of text. Use one of: {known}.")


class Library:
    """The standard library of the Python that runs this, split by whole modules; nothing is downloaded.

    Numbers from different Python builds must not be compared; the digest tells them apart.
    """

    spec = "stdlib"

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @cached_property
    def _files(self) -> list[Path]:
        found: list[Path] = []
        for folder, below, names in os.walk(self._folder):
            below[:] = [name for name in below if name not in LEFT_OUT]
            found += [Path(folder, name) for name in names if name.endswith(".py") and name not in LEFT_OUT]
        return sorted(found)

    @property
    def stamp(self) -> str:
        """Over names, sizes and times of the files."""
        return stamp_of(self._files)

    @cached_property
    def _texts(self) -> dict[Split, list[str]]:
        texts: dict[Split, list[str]] = {split: [] for split in Split}
        seen = set()
        for file in self._files:
            text = file.read_text(encoding="utf-8", errors="ignore")
            mark = hashlib.sha256(text.encode()).digest()
            if len(text) >= SHORTEST and mark not in seen:
                seen.add(mark)
                texts[split_of(file.relative_to(self._folder).parts[0].removesuffix(".py"))].append(text)
        held_out = shingles([*texts[Split.VALIDATION], *texts[Split.TEST]])
        texts[Split.TRAIN] = [text for text in texts[Split.TRAIN] if shared(text, held_out) <= MOST_SHARED]
        return texts

    @cached_property
    def digest(self) -> str:
        """Over every text, in order, split by split."""
        whole = hashlib.sha256()
        for split, texts in self._texts.items():
            whole.update(split.encode())
            for text in texts:
                whole.update(hashlib.sha256(text.encode()).digest())
        return whole.hexdigest()

    def documents(self, split: Split) -> Iterator[str]:
        """The modules of a split, by name."""
        return iter(self._texts[split])

    def tokenizer(self, size: int) -> Tokenizer | None:
        """None: it is learnt from the text."""
        return None

    def held_out_files(self) -> tuple[Path, ...]:
        """The modules that are kept back, with their bytecode."""
        found = [*self._folder.iterdir(), *(self._folder / "__pycache__").glob("*")]
        return tuple(sorted(place for place in found if place.name.partition(".")[0] in VALIDATION | TEST))


def split_of(module: str) -> Split:
    """What a module of the standard library is for."""
    if module in VALIDATION:
        return Split.VALIDATION
    return Split.TEST if module in TEST else Split.TRAIN
