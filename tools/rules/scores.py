"""Every score of every workflow, from checked items alone. The ancestor's formulas stay visible where they reward volume, as
coverage; beside each stands one that does not.

Sources: the formulas named `ancestor` are those of Claude Autoresearch (its last version with all of them, 2.0.04), as
facts; the others are ours. A function takes plain counts, so that a test can compute it by hand.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Score:
    """One number with its name. `most` is its upper bound, None where it has none: such a score counts work, not quality."""

    name: str
    value: float
    most: float | None = 100.0


def share(part: float, whole: float) -> float:
    """A part of a whole, from 0 to 1; 0 of nothing."""
    return min(1.0, max(0.0, part / whole)) if whole > 0 else 0.0


# --- debug -----------------------------------------------------------------------------------------------------------

TECHNIQUES = 7


def debug_ancestor(findings: int, hypotheses: int, files_read: int, files_in_scope: int, techniques: int) -> Score:
    """15 a finding, 3 a hypothesis, up to 40 for the share of files read, up to 10 for the share of techniques used.

    Unbounded: it grows with the number of findings and hypotheses, so it counts work. Source: ancestor.
    """
    looked = share(files_read, files_in_scope) * 40 + share(techniques, TECHNIQUES) * 10
    return Score("debug coverage", findings * 15 + hypotheses * 3 + looked, None)


def debug_quality(settled: int, hypotheses: int, reproduced: int, findings: int) -> Score:
    """Half for the share of hypotheses that an experiment settled, confirmed or disproven; half for the share of findings
    whose reproduction the server ran and saw fail. 0 to 100; without findings only the first half can be had.
    """
    return Score("debug", 50 * share(settled, hypotheses) + 50 * share(reproduced, findings))


# --- fix -------------------------------------------------------------------------------------------------------------


# --- security --------------------------------------------------------------------------------------------------------


# --- ship ------------------------------------------------------------------------------------------------------------


# --- scenario --------------------------------------------------------------------------------------------------------


# --- predict ---------------------------------------------------------------------------------------------------------


# --- learn -----------------------------------------------------------------------------------------------------------


def learn_ancestor(valid: int, fits: int, documents: int, there: int, expected: int) -> Score:
    """50 for the share of documents without a problem, 30 for the share of expected core documents that exist, 20 for the
    share within their number of lines. 0 to 100. Source: ancestor.
    """
    return Score(
        "learn validation", 50 * share(valid, documents) + 30 * share(there, expected) + 20 * share(fits, documents)
    )


def learn_quality(held: int, claims: int, there: int, due: int, fresh: int, documents: int) -> Score:
    """50 for the share of claims about files, symbols, commands and settings that hold, 30 for the share of due documents
    that exist, 20 for the share of documents that are not behind the code. 0 to 100.

    Documents that claim nothing earn nothing for their claims, and a claim that was exempted does not hold: neither
    vagueness nor exemptions pay.
    """
    return Score("learn", 50 * share(held, claims) + 30 * share(there, due) + 20 * share(fresh, documents))


# --- probe -----------------------------------------------------------------------------------------------------------


# --- reason ----------------------------------------------------------------------------------------------------------


# --- improve ---------------------------------------------------------------------------------------------------------


# --- regression ------------------------------------------------------------------------------------------------------
