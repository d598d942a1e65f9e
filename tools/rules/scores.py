"""Every score of every workflow, from checked items alone. The ancestor's formulas stay visible where they reward volume, as
coverage; beside each stands one that does not.

Sources: the formulas named `ancestor` are those of Claude Autoresearch (its last version with all of them, 2.0.04), as
facts; the others are ours. A function takes plain counts, so that a test can compute it by hand.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
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


# --- probe -----------------------------------------------------------------------------------------------------------


# --- reason ----------------------------------------------------------------------------------------------------------


# --- improve ---------------------------------------------------------------------------------------------------------


# --- regression ------------------------------------------------------------------------------------------------------

REGRESSION_WEIGHTS = {"flakiness": 0.30, "performance": 0.30, "resource": 0.20, "visual-ui": 0.20}
"""Of the scored dimensions. Source: ancestor."""
REGRESSION_THRESHOLD = 95.0
"""From here on stable; compared before rounding. Source: ancestor."""


def regression_within(delta: float, allowed: float) -> float:
    """The subscore of something that may grow by `allowed` and grew by `delta`, both in percent or both as a share.

    100 up to what is allowed, then `100 * allowed / delta`: 50 at twice, 25 at four times; never 0. Ours: the ancestor names no
    curve.
    """
    return 100.0 if delta <= allowed else 100.0 * allowed / delta if allowed > 0 else 0.0


def regression_steady(rise: float) -> float:
    """The subscore of a test whose rate of failure rose by `rise` (0 to 1) beyond chance: `100 * (1 - rise)`. Ours."""
    return 100.0 * (1.0 - min(1.0, max(0.0, rise)))


def regression_stability(worst: Mapping[str, float]) -> Score:
    """The weighted mean of the worst subscore of each scored dimension that was measured; 100 where none was. 0 to 100.

    Source: ancestor, but for one thing: only rows that count against the change may lower a dimension's worst.
    """
    weights = {name: REGRESSION_WEIGHTS[name] for name in worst}
    if not weights:
        return Score("stability", 100.0)
    return Score("stability", math.fsum(weights[name] * worst[name] for name in worst) / math.fsum(weights.values()))
