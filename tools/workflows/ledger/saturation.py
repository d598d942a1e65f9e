"""When a search has run dry: too little that is new, several rounds in a row."""

from __future__ import annotations

from collections.abc import Sequence

WINDOW = 3
"""Rounds in a row that have to bring too little. Source: ancestor."""


def saturated(new: Sequence[int], threshold: int) -> bool:
    """Whether each of the last three rounds brought less than `threshold` that was new; never before three rounds."""
    last = new[-WINDOW:]
    return len(last) == WINDOW and all(count < threshold for count in last)


def dry_for(new: Sequence[int], threshold: int) -> int:
    """How many rounds at the end brought less than `threshold` that was new."""
    return next((n for n, count in enumerate(reversed(new)) if count >= threshold), len(new))
