"""Tokens as rows of one length, and what the simplest models make of them.

Documents of any length become rows of one length, with nothing lost and nothing padded.

Every row begins with the token that begins a document, so the model never looks back into a text that it cannot see the
start of. Pieces are placed best fit first (the idea of Ding et al., 2024); where none fits, the shortest is cut, and
what is left of it comes back as a piece of its own.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BUFFER = 1000
"""Pieces to choose from: more waste less context and take more time."""
BELIEF = 5.0
"""Observations that the unigram stands for, as a Dirichlet prior (MacKay and Peto, 1995)."""

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


@dataclass(frozen=True)
class Bigrams:
    """A model of counts, against which two texts are told hard or easy: of pairs, by pair code (first token times vocabulary plus second), sorted."""

    pairs: NDArray[np.int64]
    counts: NDArray[np.int64]
    first: NDArray[np.int64]
    share: NDArray[np.float64]

    @staticmethod
    def learn(rows: NDArray[np.uint16], size: int) -> Bigrams:
        """Count rows of token ids; pairs do not cross rows."""
        before, after = rows[:, :-1].astype(np.int64).ravel(), rows[:, 1:].astype(np.int64).ravel()
        pairs, counts = np.unique(before * size + after, return_counts=True)
        share = (np.bincount(after, minlength=size) + 1.0) / (len(after) + size)
        return Bigrams(pairs, counts, np.bincount(before, minlength=size), share)

    def nats(self, rows: NDArray[np.uint16]) -> NDArray[np.float64]:
        """What each token after the first of a row costs, [rows, length]."""
        before, after = rows[:, :-1].astype(np.int64), rows[:, 1:].astype(np.int64)
        codes = before * len(self.share) + after
        places = np.minimum(np.searchsorted(self.pairs, codes), len(self.pairs) - 1)
        seen = np.where(self.pairs[places] == codes, self.counts[places], 0)
        found: NDArray[np.float64] = -np.log((seen + BELIEF * self.share[after]) / (self.first[before] + BELIEF))
        return found

    def difficulty(self, rows: NDArray[np.uint16], byte_lengths: NDArray[np.int64]) -> NDArray[np.float64]:
        """How hard each row is, [rows, 3]: tokens that stand for bytes, and what they cost by their share alone and by the
        token before, in nats.
        """
        after = rows[:, 1:]
        counted = byte_lengths[after] > 0
        costs = (np.ones(after.shape), -np.log(self.share[after]), self.nats(rows))
        return np.stack([np.where(counted, cost, 0.0).sum(1) for cost in costs], axis=1)
