"""Whether a session should go on, stop or change, by what its rows show."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from .analysis import Analysis, Continuation
from .course import Course
from .foreign_rows import ResultsLine, RowFate

SPENT = 3
"""Plateaus' worth of tries after which more of the same is a waste."""
BROKEN = 0.6
"""From this share of crashes among the last tries on, the harness is looked at first."""


def advice(analysis: Analysis, course: Course, window: int) -> Continuation:
    """Whether to go on: the first of these that holds, the most certain first."""
    recent = course.tries[-window:]
    flat = analysis.plateau_length or 0
    refused = sum(step.line in {row.line for row in recent} for step in analysis.improved_but_failed)
    tournament = analysis.columns.get("tournament", {})
    saturated = analysis.columns.get("saturation", {}).get("saturated", False)
    cases: tuple[tuple[bool, Literal["continue", "stop", "change"], str], ...] = (
        (not course.rows, "change", "The file has no rows: nothing to go by."),
        (
            analysis.goal_achieved is True,
            "stop",
            f"The goal {analysis.goal:g} is reached: {analysis.best:g}." if analysis.goal_achieved else "",
        ),
        (
            _share(recent, RowFate.CRASH) >= BROKEN,
            "change",
            f"{sum(row.fate is RowFate.CRASH for row in recent)} of the last {len(recent)} tries crashed: mend what crashes first.",
        ),
        (
            refused >= 2,
            "change",
            f"{refused} of the last {len(recent)} tries were better and a guard refused them: find what it protects.",
        ),
        (
            bool(tournament.get("oscillating")),
            "change",
            "Two candidates take turns at winning: the judges have no stable preference.",
        ),
        (
            bool(tournament.get("converged")),
            "stop",
            f"{tournament.get('winner')} won {tournament.get('wins_in_a_row')} rounds in a row.",
        ),
        (bool(saturated), "stop", "The last rounds brought hardly anything new."),
        (flat >= SPENT * window, "stop", f"No new best in {flat} measured tries: this line is spent."),
        (flat >= window, "change", f"No new best in {flat} measured tries: try something of another kind."),
        (
            analysis.diminishing_returns is True,
            "continue",
            f"Still gaining, but a step now brings {100 * (analysis.later_share or 0):.0f} % of what it did: plan for the end.",
        ),
        (
            analysis.keeps > 0,
            "continue",
            f"{analysis.keeps} kept of {analysis.iterations_run}, and the last new best is recent.",
        ),
    )
    verdict, reason = next(
        ((word, why) for holds, word, why in cases if holds),
        ("continue", "Too little was tried to tell: nothing was kept yet."),
    )
    return Continuation(verdict=verdict, reason=reason)


def _share(rows: Sequence[ResultsLine], fate: RowFate) -> float:
    return sum(row.fate is fate for row in rows) / len(rows) if rows else 0.0
