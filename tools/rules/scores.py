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


def ship_ancestor(passed: int, checks: int, dry_run_ok: bool, blockers: int) -> Score:
    """80 for the share of checks that passed, 15 for a dry run that went well, 5 without blockers. 0 to 100.

    A trivial check that passes raises it. Source: ancestor.
    """
    return Score("ship coverage", share(passed, checks) * 80 + 15 * dry_run_ok + 5 * (blockers == 0))


def ship_readiness(blockers: int, required: int, recommended: int, dry_run_ok: bool) -> Score:
    """100, less 20 for each required and 5 for each recommended check that does not hold or was not looked at, less 15
    without a dry run that went well; never below 0, and 0 while there is a blocker. What passes adds nothing, so more
    checks never raise it.
    """
    left = 100 - 20 * required - 5 * recommended - (0 if dry_run_ok else 15)
    return Score("ship", 0 if blockers else max(0, left))


# --- scenario --------------------------------------------------------------------------------------------------------


# --- predict ---------------------------------------------------------------------------------------------------------


# --- learn -----------------------------------------------------------------------------------------------------------


# --- probe -----------------------------------------------------------------------------------------------------------


# --- reason ----------------------------------------------------------------------------------------------------------


# --- improve ---------------------------------------------------------------------------------------------------------


# --- regression ------------------------------------------------------------------------------------------------------
