"""Two small exact tests: are these numbers larger, and did this fail more often. Pure Python; sources with each."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from functools import cache

MOST_EXACT = 30
"""Values on one side up to which the distribution of ranks is counted out."""


def larger(these: Sequence[float], those: Sequence[float]) -> float:
    """Return the chance of seeing `these` so far above `those` if nothing differed: the one-sided Mann-Whitney U test.

    Exact without ties and up to 30 values a side; else the normal approximation with corrections for ties and continuity.
    Source: Mann and Whitney (1947), "On a test of whether one of two random variables is stochastically larger".

    Raises:
        ValueError: if one side has no values.
    """
    n, m = len(these), len(those)
    if not (n and m):
        raise ValueError("both sides need at least one value")
    doubled = sum(2 * (a > b) + (a == b) for a in these for b in those)
    groups = Counter([*these, *those]).values()
    if max(groups) == 1 and max(n, m) <= MOST_EXACT:
        u = doubled // 2
        return sum(_ways(n, m, rest) for rest in range(u, n * m + 1)) / math.comb(n + m, n)
    total = n + m
    ties = sum(size**3 - size for size in groups)
    variance = n * m / 12 * (total + 1 - ties / (total * (total - 1)))
    if variance <= 0:
        return 1.0
    z = (doubled / 2 - n * m / 2 - 0.5) / math.sqrt(variance)
    return 0.5 * math.erfc(z / math.sqrt(2))


def more_often(failed: int, runs: int, failed_before: int, runs_before: int) -> float:
    """Return the chance of so many more failures than before if the rate were the same: Fisher's exact test, one-sided.

    Source: Fisher (1934), "Statistical Methods for Research Workers", section 21.02: the hypergeometric tail.
    """
    total, all_failed = runs + runs_before, failed + failed_before
    most = min(runs, all_failed)
    ways = sum(math.comb(runs, k) * math.comb(runs_before, all_failed - k) for k in range(failed, most + 1))
    return ways / math.comb(total, all_failed)


def seen_once(rate: float, runs: int) -> float:
    """Return the chance that a test which fails at this rate fails at least once in so many runs."""
    return 1.0 - (1.0 - rate) ** runs


@cache
def _ways(n: int, m: int, u: int) -> int:
    """Count the orders of n and m values in which U is exactly u."""
    if u < 0:
        return 0
    if n == 0 or m == 0:
        return int(u == 0)
    return _ways(n - 1, m, u - m) + _ways(n, m - 1, u)
