"""How alike two texts are, and when a search brings nothing new any more."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence

SAME = 0.8
"""From here on two texts say the same: one of five words may differ."""
RELATED = 0.5
"""From here on two texts are about the same thing."""

_STOP = frozenset(
    "a an and are as at be been but by can could do does for from had has have if in into is it its may might no not of on or "
    "should so than that the their then there these this to was were when where which while will with would".split()
)


def meaning(text: str) -> frozenset[str]:
    """Return the words of a text that carry meaning, numbers among them."""
    return frozenset(re.findall(r"[a-z0-9_]+", text.lower())) - _STOP


def likeness(one: str, other: str) -> float:
    """Return the share of words that both texts have, of all that either has (Jaccard 1901): 0 to 1; 1 for empty texts."""
    here, there = meaning(one), meaning(other)
    return len(here & there) / len(here | there) if here | there else 1.0


def nearest(text: str, others: Iterable[tuple[str, str]]) -> tuple[str, float]:
    """Return the name of the text most like this one, and how alike it is; nothing and 0 without any."""
    return max(((name, likeness(text, other)) for name, other in others), key=lambda pair: pair[1], default=("", 0.0))


WINDOW = 3
"""Rounds in a row that have to bring too little. Source: ancestor."""


def saturated(new: Sequence[int], threshold: int) -> bool:
    """Tell whether each of the last three rounds brought less than `threshold` that was new; never before three rounds."""
    last = new[-WINDOW:]
    return len(last) == WINDOW and all(count < threshold for count in last)


def dry_for(new: Sequence[int], threshold: int) -> int:
    """Return how many rounds at the end brought less than `threshold` that was new."""
    return next((n for n, count in enumerate(reversed(new)) if count >= threshold), len(new))


def fingerprint(path: str, kind: str, quote: str) -> str:
    """16 hexadecimal digits for a finding: the same as long as its file, its kind and the quoted code are, wherever it stands."""
    text = "\0".join((path, kind, " ".join(quote.split())))
    return hashlib.sha256(text.encode()).hexdigest()[:16]
