"""The user's own texts: files, folders and globs of text, JSON lines and parquet."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

from splits import MOST_SHARED, SourceError, Split, shared, shingles, stamp_of

LONGEST = 10_000
"""Characters of a document; longer ones are cut where a blank line comes next."""
KEPT_BACK = 20
"""One document in so many is for the score, and another one is secret."""
COMPARED_BYTES = 200_000_000
"""Texts up to this size are searched for what stands in the held-out ones as well."""
LINES, PARQUET = (".jsonl", ".jsonl.gz"), ".parquet"


class Files:
    """Documents of local files, split by what is in them: the same text lands in the same split wherever it stands."""

    def __init__(self, spec: str, globs: tuple[str, ...], root: Path) -> None:
        self.spec = spec
        self._files = tuple(sorted({file for glob in globs for file in _found(glob, root)}))

    def documents(self, split: Split) -> Iterator[str]:
        """Each text once, in the order of the files."""
        seen = set()
        for text in self._all():
            mark = _mark(text)
            if mark not in seen and self._split(mark) is split and mark not in self._quoted:
                seen.add(mark)
                yield text

    @cached_property
    def digest(self) -> str:
        """Over what is in the documents, not over where they stand."""
        return hashlib.sha256(b"".join(self._marks)).hexdigest()

    @property
    def stamp(self) -> str:
        """Over names, sizes and times of the files."""
        return stamp_of(self._files)

    def held_out_files(self) -> tuple[Path, ...]:
        """All of them: training gets its text as tokens."""
        return self._files

    def _all(self) -> Iterator[str]:
        for file in self._files:
            for text in read_documents(file):
                yield from cut(text)

    @cached_property
    def _marks(self) -> list[bytes]:
        marks = sorted({_mark(text) for text in self._all()})
        if len(marks) < 3:
            raise SourceError(
                f"{self.spec} has {len(marks)} documents; three are needed at least. Add more or longer files."
            )
        return marks

    def _split(self, mark: bytes) -> Split:
        """By rank, so that no split is empty, however few documents there are."""
        kept = max(1, len(self._marks) // KEPT_BACK)
        if mark <= self._marks[kept - 1]:
            return Split.VALIDATION
        return Split.TEST if mark <= self._marks[2 * kept - 1] else Split.TRAIN

    @cached_property
    def _quoted(self) -> set[bytes]:
        """Training documents that repeat held-out ones."""
        if sum(file.stat().st_size for file in self._files) > COMPARED_BYTES:
            return set()
        texts = {_mark(text): text for text in self._all()}
        held_out = shingles(text for mark, text in texts.items() if self._split(mark) is not Split.TRAIN)
        rest = ((mark, text) for mark, text in texts.items() if self._split(mark) is Split.TRAIN)
        return {mark for mark, text in rest if shared(text, held_out) > MOST_SHARED}


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


def read_documents(file: Path) -> Iterator[str]:
    """The documents of a file: lines of JSON or rows of parquet with a `text`, else the whole of it.

    Raises:
        SourceError: if it is not what its name says.
    """
    if file.name.endswith(LINES):
        return _of_lines(file)
    if file.name.endswith(PARQUET):
        return of_parquet(file)
    return _of_text(file)


def _of_text(file: Path) -> Iterator[str]:
    try:
        yield file.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise SourceError(f"{file} is not UTF-8 text. Leave it out of `data`, or convert it.") from None


def _of_lines(file: Path) -> Iterator[str]:
    open_text = gzip.open if file.suffix == ".gz" else open
    with open_text(file, "rt", encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                text = json.loads(line)["text"]
            except (ValueError, KeyError, TypeError):
                text = None
            if not isinstance(text, str):
                raise SourceError(
                    f"{file}, line {number}: no JSON object with a string `text`. Correct or remove that line."
                )
            yield text


def of_parquet(file: Path) -> Iterator[str]:
    """The column `text`, some rows at a time.

    Raises:
        SourceError: if there is no such column, or nothing to read it with.
    """
    try:
        import pyarrow as arrow
        from pyarrow import parquet
    except ImportError:
        raise SourceError(f"{file.name} is parquet, which needs pyarrow: pip install pyarrow.") from None
    try:
        with parquet.ParquetFile(file) as opened:
            if "text" not in opened.schema_arrow.names:
                raise SourceError(f"{file} has no column `text`; it has {', '.join(opened.schema_arrow.names)}.")
            for batch in opened.iter_batches(columns=["text"]):
                yield from (text for text in batch.column(0).to_pylist() if text)
    except arrow.ArrowInvalid as error:
        raise SourceError(f"{file} is not parquet: {error}.") from error


def cut(text: str) -> Iterator[str]:
    """A text in pieces of about LONGEST characters, cut at blank lines where there are any."""
    while len(text) > LONGEST:
        place = text.find("\n\n", LONGEST)
        if place < 0 or place > 2 * LONGEST:
            place = LONGEST
        yield text[:place]
        text = text[place:]
    if text.strip():
        yield text


def _mark(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
