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

REDUCTION, GUARDED = 60, 25
QUALITY_FLOOR = -20


def fix_ancestor(
    before: int, left: int, hiding: dict[str, int], *, guarded: bool, discards: int, compound: bool
) -> Score:
    """Up to 60 for the share of the first count that is gone; less 5 for each suppression, 10 for each skipped or deleted
    test, 3 for each type that says nothing, together no less than -20; 25 if no guard ever failed; 10 for no errors left, 5
    for no discards, 5 if what surfaced on the way is mended too. -20 to 105, which is what can really be had. Source: ancestor,
    with the guard that its printed total leaves out.

    `hiding` has the numbers `other`, `tests` and `any`.
    """
    reduction = share(before - left, before) * REDUCTION
    quality = max(QUALITY_FLOOR, -(5 * hiding["other"] + 10 * hiding["tests"] + 3 * hiding["any"]))
    bonus = 10 * (left == 0) + 5 * (discards == 0) + 5 * compound
    return Score("fix points", reduction + quality + GUARDED * guarded + bonus, 105.0)


def fix_quality(known: int, left: int, hidden: int) -> Score:
    """The share of all errors ever seen, those that surfaced on the way among them, that are gone and not merely hidden.
    0 to 100; 100 where there never were any.
    """
    return Score("fix", 100 * share(known - left - hidden, known) if known else 100.0)


# --- security --------------------------------------------------------------------------------------------------------


# --- ship ------------------------------------------------------------------------------------------------------------


# --- scenario --------------------------------------------------------------------------------------------------------


# --- predict ---------------------------------------------------------------------------------------------------------


# --- learn -----------------------------------------------------------------------------------------------------------


# --- probe -----------------------------------------------------------------------------------------------------------


# --- reason ----------------------------------------------------------------------------------------------------------


# --- improve ---------------------------------------------------------------------------------------------------------


# --- regression ------------------------------------------------------------------------------------------------------
