"""What stands in a file: text, JSON lines, parquet; read a little at a time, whatever its size."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from splits import SourceError

LONGEST = 10_000
"""Characters of a document; longer ones are cut where a blank line comes next."""
BLOCK = 1 << 20
"""Characters of a text file that are a document, about, before they are cut."""
LONGEST_LINE = 1 << 26
"""Bytes of a line of JSON."""
ROWS_AT_A_TIME = 64
LINES, PARQUET = (".jsonl", ".jsonl.gz"), ".parquet"
_CURE = "Fetch or write it again, or leave it out of `data`."


def documents(file: Path) -> Iterator[str]:
    """The documents of a file: lines of JSON or rows of parquet with a `text`, else the text of it.

    Raises:
        SourceError: naming the file, if it is not what its name says.
    """
    of = _of_lines if file.name.endswith(LINES) else of_parquet if file.name.endswith(PARQUET) else _of_text
    try:
        yield from of(file)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise SourceError(f"{file} is no whole gzip file: {error}. {_CURE}") from None
    except OSError as error:
        raise SourceError(f"{file} cannot be read: {error.strerror or error}. {_CURE}") from None


def _of_text(file: Path) -> Iterator[str]:
    text = ""
    try:
        with file.open(encoding="utf-8") as opened:
            while block := opened.read(BLOCK):
                text += block
                if len(text) > BLOCK:
                    place = max(text.rfind("\n\n"), 0) or BLOCK
                    yield text[:place]
                    text = text[place:]
    except UnicodeDecodeError:
        raise SourceError(f"{file} is not UTF-8 text. Leave it out of `data`, or convert it.") from None
    if text:
        yield text


def _of_lines(file: Path) -> Iterator[str]:
    with gzip.open(file, "rb") if file.suffix == ".gz" else file.open("rb") as lines:
        number = 0
        while line := lines.readline(LONGEST_LINE):
            number += 1
            if line.strip():
                yield _text_of(line, f"{file}, line {number}")


def _text_of(line: bytes, place: str) -> str:
    try:
        text = json.loads(line)["text"]
        if isinstance(text, str):
            text.encode()  # half of a surrogate pair has no bytes
            return text
    except (ValueError, KeyError, TypeError, RecursionError):
        pass
    raise SourceError(f"{place}: no JSON object with a string `text` of whole characters. Correct or remove that line.")


def of_parquet(file: Path) -> Iterator[str]:
    """The column `text`, some rows at a time.

    Raises:
        SourceError: if there is no such column, it holds no strings, or there is nothing to read it with.
    """
    try:
        import pyarrow as arrow
        from pyarrow import parquet
    except ImportError:
        raise SourceError(f"{file.name} is parquet, which needs pyarrow: pip install pyarrow.") from None
    try:
        # Without a buffer a column is read a row group at a time, which may be the whole file.
        with parquet.ParquetFile(file, buffer_size=1 << 16, pre_buffer=False) as opened:
            _require_strings(opened.schema_arrow, file, arrow.types)
            for batch in opened.iter_batches(ROWS_AT_A_TIME, columns=["text"], use_threads=False):
                yield from filter(None, batch.column(0).to_pylist())
    except (arrow.ArrowException, UnicodeDecodeError, OSError) as error:
        first = str(error).partition("\n")[0]
        raise SourceError(f"{file} is not parquet, or damaged: {first}. {_CURE}") from None


def _require_strings(schema: Any, file: Path, types: Any) -> None:  # noqa: ANN401 - pyarrow tells no types
    if "text" not in schema.names:
        raise SourceError(
            f"{file} has no column `text`; it has {', '.join(schema.names)}. Rename the one with the text."
        )
    kind = schema.field("text").type
    held = kind.value_type if types.is_dictionary(kind) else kind
    if not (types.is_string(held) or types.is_large_string(held) or types.is_string_view(held)):
        raise SourceError(
            f"{file}: the column `text` holds {kind}, not strings. Write it again with a text in each row."
        )


def cut(text: str) -> Iterator[str]:
    """A text in pieces of about LONGEST characters, cut at blank lines where there are any."""
    begin = 0
    while len(text) - begin > LONGEST:
        place = text.find("\n\n", begin + LONGEST)
        if not begin < place <= begin + 2 * LONGEST:
            place = begin + LONGEST
        yield text[begin:place]
        begin = place
    if text[begin:].strip():
        yield text[begin:]
