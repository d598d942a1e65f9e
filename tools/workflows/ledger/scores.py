"""Every score of a workflow: each counts what the server ran or looked up, and nothing that was only said.

A function takes plain counts, so that a test can compute it by hand.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Score:
    """One number with its name, 0 to 100."""

    name: str
    value: float


def fix_score(known: int, left: int, hidden: int) -> Score:
    """Return the share of all errors ever seen, those that surfaced on the way among them, that are gone and not merely
    hidden; 100 where there never were any.
    """
    return Score("fix", 100 * max(0, known - left - hidden) / known if known else 100.0)
