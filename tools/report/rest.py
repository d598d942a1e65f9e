"""The rows that a page can find and show but does not at first: in columns, packed, for its script to unpack. Pure."""

from __future__ import annotations

import zlib
from base64 import b64encode
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

from ..session.results import metric_of
from ..session.short_rows import ShortRow
from .drawing import name_of
from .picture import mark_of
from .words import delta_words, duration

MOST_BYTES = 5_000_000
"""Packed bytes from which what was learned and the files are left out of the search."""
LONGEST = 300
_COLUMN, _ROW, _AT_ONCE = "\x1e", "\n", 1000


@dataclass(frozen=True)
class Rest:
    """Rows that are not in the table yet: how many, and packed as text; a live page asks for them instead."""

    count: int
    packed: str = ""


NO_REST = Rest(0)


def rest_of(count: int, rows: Iterable[ShortRow], standing: Collection[int]) -> Rest:
    """Pack so many rows of a session, oldest first, into a page."""
    return Rest(count, b64encode(pack(rows, standing)).decode()) if count else NO_REST


def pack(rows: Iterable[ShortRow], standing: Collection[int]) -> bytes:
    """Pack rows of a session whose keeps of these iterations stand, oldest first; they come newest first, as zlib-compressed text: a
    column after the other, each with a line for every row. Few rows are held at a time.
    """
    standing, rows = frozenset(standing), iter(rows)
    columns: tuple[Callable[[ShortRow], str], ...] = (
        lambda row: str(row.iteration),
        lambda row: name_of(mark_of(row, standing)),
        lambda row: row.status,
        metric_of,
        delta_words,
        lambda row: duration(row.seconds),
        lambda row: _on_a_line(row.description),
        lambda row: _searched_too(row.learned, row.files),
    )
    told: list[list[str]] = [[] for _ in columns]
    while some := list(islice(rows, _AT_ONCE))[::-1]:
        for column, parts in zip(columns, told, strict=True):
            parts.append(_ROW.join([column(row) for row in some]))
    packed = _packed(told)
    if len(packed) <= MOST_BYTES:
        return packed
    return _packed([*told[:-1], ["\n" * part.count("\n") for part in told[-1]]])


def _packed(columns: Iterable[Sequence[str]]) -> bytes:
    text = _COLUMN.join(_ROW.join(reversed(parts)) for parts in columns)
    return zlib.compress(text.encode(), 3)


@lru_cache(1000)
def _searched_too(learned: str, files: tuple[str, ...]) -> str:
    return _on_a_line(f"{learned} {' '.join(files)}")


def _on_a_line(text: str) -> str:
    words = " ".join(text.split())
    return words if len(words) <= LONGEST else f"{words[: LONGEST - 1]}…"
