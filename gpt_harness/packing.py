"""Documents of any length become rows of one length, with nothing lost and nothing padded.

Every row begins with the token that begins a document, so the model never looks back into a text that it cannot see the
start of. Pieces are placed best fit first (the idea of Ding et al., 2024); where none fits, the shortest is cut, and
what is left of it comes back as a piece of its own.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

BUFFER = 1000
"""Pieces to choose from: more waste less context and take more time."""

Piece = tuple[int, int, Sequence[int]]
"""Length, order of arrival (so that ties are decided), tokens."""


def pack(documents: Iterable[Sequence[int]], start: int, length: int) -> Iterator[NDArray[np.uint16]]:
    """Rows of `length` + 1 tokens, uint16. Each piece of a document is preceded by the token `start`.

    The last row is dropped if the documents do not fill it.
    """
    pieces = _pieces(documents, length)
    waiting: list[Piece] = []
    count = 0
    while True:
        while len(waiting) < BUFFER and (piece := next(pieces, None)) is not None:
            insort(waiting, (len(piece), count, piece))
            count += 1
        if sum(size + 1 for size, _, _ in waiting[: length + 1]) < length + 1:
            return
        row, count = _row(waiting, start, length + 1, count)
        yield np.array(row, dtype=np.uint16)


def _pieces(documents: Iterable[Sequence[int]], length: int) -> Iterator[Sequence[int]]:
    for document in documents:
        for begin in range(0, len(document), length):
            yield document[begin : begin + length]


def _row(waiting: list[Piece], start: int, size: int, count: int) -> tuple[list[int], int]:
    row: list[int] = []
    while (space := size - len(row)) > 0:
        place = bisect_right(waiting, space - 1, key=lambda piece: piece[0])
        row.append(start)
        if place:
            row.extend(waiting.pop(place - 1)[2])
        elif space > 1:
            _, _, tokens = waiting.pop(0)
            row.extend(tokens[: space - 1])
            insort(waiting, (len(tokens) - space + 1, count, tokens[space - 1 :]))
            count += 1
    return row, count
