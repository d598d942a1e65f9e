"""Before a keep: does the gain hold in checkouts without what git does not have? Pairs of runs there, until it is clear.

A sequential test of two simple hypotheses (A. Wald 1945, "Sequential tests of statistical hypotheses"): that the change is
worth what was found, or that it is worth nothing, at normal noise of a known standard deviation. It ends after a few
pairs, and then what was found beside those files stands unless the pairs speak against it.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from .judging import ahead_words

MOST_PAIRS = 4
STANDS, FALLS = math.log(3), -math.log(20)
"""Logarithms of the odds at which it is clear."""
IN_DOUBT = -1.0
"""Logarithm of the odds, after the last pair, above which the gain stands."""


@dataclass(frozen=True)
class Recheck:
    """What the pairs have shown: whether the gain stands, None for one more pair, and why."""

    stands: bool | None
    why: str = ""


UNCHECKED = Recheck(None)


def recheck(differences: Sequence[float], gain: float, spread: float, unseen: Sequence[str]) -> Recheck:
    """Hold the differences of pairs, positive is better, against the `gain` that was found beside the files `unseen`; where
    none were seen, a pair that does not speak against it is enough.

    `spread` is the standard deviation of one run. What was found to be no gain has to be no loss of two of these.
    """
    shift = max(0.0, 2 * spread - gain) if gain < spread else 0.0
    worth = gain + shift
    odds = sum(worth * (seen + shift) - worth**2 / 2 for seen in differences) / (2 * spread**2)
    if FALLS < odds < (STANDS if unseen else IN_DOUBT) and len(differences) < MOST_PAIRS:
        return Recheck(None)
    if odds > IN_DOUBT:
        return Recheck(True)
    count, mean = len(differences), statistics.fmean(differences)
    beside = f" ({', '.join(unseen)})" if unseen else ""
    pairs = "1 pair of runs" if count == 1 else f"{count} pairs of runs"
    why = (
        f"{ahead_words(gain)} where runs leave things behind{beside}, and {ahead_words(mean)} by {pairs} in clean checkouts: "
        "the gain is not the commit's."
    )
    return Recheck(False, why)
