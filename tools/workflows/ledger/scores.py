"""Every score of a workflow: each counts what the server ran or looked up, and nothing that was only said.

Sources: the weights and threshold of a regression are those of Claude Autoresearch (2.0.04), as facts; the rest is ours. A
function takes plain counts, so that a test can compute it by hand.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
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
