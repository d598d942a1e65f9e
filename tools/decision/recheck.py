"""Before a keep: does the gain hold in checkouts without what git does not have? Pairs of runs there, until it is clear.

How far a difference scatters is learnt from the differences at hand: a change may scatter far more than the incumbent does. With
so few of them both questions are put to Student's t: is it likelier that the change is worth what was found, or nothing, and
could pairs of a change that is worth it show as little as this by chance?
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from .judging import ahead_words
from .scatter import normal, squares

LEAST_PAIRS, MOST_PAIRS = 2, 4
"""How many pairs a gain may fall by: one alone is a single draw."""
WORTH = 4.0
"""How many differences the spread of the incumbent's runs is worth, beside those at hand."""
CLEAR, CLEAR_BESIDE = math.log(2), math.log(3)
"""Logarithms of the odds at which a gain stands before the last pair: where nothing was seen to have stayed, and where was."""
SHORT, SHORT_BESIDE, EARLY = 2.2, 2.0, 0.5
"""Standard errors short of what was found at which a gain falls, if nothing is likelier; so many more before the last pair."""


@dataclass(frozen=True)
class Recheck:
    """What the pairs have shown: whether the gain stands, None for one more pair, and why."""

    stands: bool | None
    why: str = ""


UNCHECKED = Recheck(None)


def recheck(
    differences: Sequence[float], found: Sequence[float], gain: float, spread: float, unseen: Sequence[str]
) -> Recheck:
    """Hold the differences of pairs, positive is better, against the `gain` that the differences `found` gave beside the files
    `unseen`; where there are some, more is asked of a gain.

    `spread` is the standard deviation of one run of the incumbent. What was found to be no gain has to be no loss of two
    of these.
    """
    shift = max(0.0, 2 * spread - gain) if gain < spread else 0.0
    count, mean = len(differences), statistics.fmean(differences)
    degrees = WORTH + max(0, len(found) - 1) + count - 1
    variance = (2 * WORTH * spread**2 + squares(found) + squares(differences)) / degrees
    error = math.sqrt(variance * (1 / max(1, len(found)) + 1 / count))
    ahead, short = normal((mean + shift) / error, degrees), normal((gain - mean) / error, degrees)
    odds, last = (ahead * abs(ahead) - short * abs(short)) / 2, count >= MOST_PAIRS
    if odds > (CLEAR_BESIDE if unseen else CLEAR):
        return Recheck(True)
    limit = (SHORT_BESIDE if unseen else SHORT) + (0 if last else EARLY)
    if odds >= 0 or short <= limit or count < LEAST_PAIRS:
        return Recheck(True if last else None)
    beside = f" ({', '.join(unseen)})" if unseen else ""
    why = (
        f"{ahead_words(gain)} where runs leave things behind{beside}, and {ahead_words(mean)} by {count} pairs of runs in clean "
        "checkouts: the gain is not the commit's."
    )
    return Recheck(False, why)
