"""What the simplest models make of a text: counts of tokens and of pairs, against which two texts are told hard or easy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BELIEF = 5.0
"""Observations that the unigram stands for, as a Dirichlet prior (MacKay and Peto, 1995)."""


@dataclass(frozen=True)
class Bigrams:
    """Counts of pairs, by pair code (first token times vocabulary plus second), sorted."""

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
