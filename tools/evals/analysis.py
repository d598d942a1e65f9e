"""Analyse a results file: trend, plateau, anomalies, and whether to go on.

What the file does not tell is None. Rates are from 0 to 1, improvements positive whatever the direction of the metric.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Literal

from ..session.events import Record
from .comparable import MACHINE_COLUMNS, comparable
from .history import MetricHistory, direction_of, trend
from .rows import Results, ResultsFormat, ResultsLine, RowFate, row_names

WINDOW = 5
"""Measured tries in a row without a new best that make a plateau."""
SPENT = 3
"""Plateaus' worth of tries after which more of the same is a waste."""
BROKEN = 0.6
"""From this share of crashes among the last tries on, the harness is looked at first."""


class NotedRow(Record):
    """One row that an analysis points at. `gain` is in the metric's unit, positive where it is better."""

    number: int | None
    line: int
    metric: float | None
    gain: float
    description: str


class Continuation(Record):
    """Whether to go on, and why."""

    verdict: Literal["continue", "stop", "change"]
    reason: str


class Analysis(Record):
    """Everything that could be computed. None: the file does not tell."""

    format: str
    metric: str = ""
    unit: str = ""
    direction: str = ""
    direction_from: str = ""
    iterations_run: int = 0
    measured: int = 0
    keeps: int = 0
    discards: int = 0
    crashes: int = 0
    keep_rate: float | None = None
    crash_rate: float | None = None
    baseline: float | None = None
    final: float | None = None
    best: float | None = None
    best_iteration: int | None = None
    improvement: float | None = None
    improvement_pct: float | None = None
    trend: str | None = None
    plateau_detected: bool | None = None
    plateau_start: int | None = None
    plateau_length: int | None = None
    guard_fail_rate: float | None = None
    improved_but_failed: tuple[NotedRow, ...] = ()
    goal: float | None = None
    goal_achieved: bool | None = None
    anomalies: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()
    recommendation: Continuation = Continuation(verdict="change", reason="Nothing was read.")


def analyse(
    found: Results,
    commits: Collection[str] = (),
    direction: str = "",
    goal: float | None = None,
    measured: Mapping[str, float] | None = None,
) -> Analysis:
    """Analyse a results file; of several segments, the last one with rows.

    Args:
        found: the file, read.
        commits: those of its commits that git has, as the file names them.
        direction: `lower` or `higher`, where the caller knows; else the file, the metric's name or the kept rows tell.
        goal: the value that the session wants to reach.
        measured: what the server itself measured of commits, by their first seven digits.
    """
    last = max((row.segment for row in found.rows), default=0)
    rows, left_out = comparable(found, [row for row in found.rows if row.segment == last], direction)
    asked = "the plan" if found.format is ResultsFormat.JOURNAL else "whoever asked"
    way, told_by = (direction, asked) if direction else direction_of(found, rows)
    doubts = _doubts(found.format, rows, commits, measured or {})
    doubted = frozenset(row.line for rows in doubts.values() for row in rows)
    history = MetricHistory(rows, {"lower": -1, "higher": 1}.get(way, 0), doubted)
    analysis = Analysis(
        format=found.format,
        metric=found.metric,
        unit=found.unit,
        direction=way,
        direction_from=told_by,
        goal=goal,
        anomalies=(
            *found.notes,
            *left_out,
            *(f"{row_names(rows)}: {why}; no best." for why, rows in doubts.items() if rows),
            *_anomalies(found, history),
        ),
        skipped=tuple(f"line {one.line}: {one.why}" for one in found.skipped),
        **_counts(history),
        **_values(history, goal),
        **_shape(history),
    )
    return analysis.model_copy(update={"recommendation": advice(analysis, history)})


def _counts(history: MetricHistory) -> dict[str, Any]:
    tries = history.tries
    has_statuses = any(row.status for row in tries)
    guarded = [row for row in tries if row.guard != "-"]
    return {
        "iterations_run": len(tries),
        "measured": sum(row.metric is not None for row in tries),
        "keeps": sum(row.fate is RowFate.KEEP for row in tries),
        "discards": sum(row.fate is RowFate.DISCARD for row in tries),
        "crashes": sum(row.fate is RowFate.CRASH for row in tries),
        "keep_rate": _share(tries, RowFate.KEEP) if has_statuses else None,
        "crash_rate": _share(tries, RowFate.CRASH) if has_statuses else None,
        "guard_fail_rate": sum(row.guard == "fail" for row in guarded) / len(guarded) if guarded else None,
    }


def _values(history: MetricHistory, goal: float | None) -> dict[str, Any]:
    first, best, total = history.first, history.best, history.total
    start = first.metric if first else None
    reached = None
    if goal is not None and best is not None and best.metric is not None:
        reached = history.sign * (best.metric - goal) >= 0
    return {
        "baseline": start,
        "final": history.kept[-1].metric if history.kept else None,
        "best": best.metric if best else None,
        "best_iteration": best.number if best else None,
        "improvement": total,
        "improvement_pct": 100 * total / abs(start) if total is not None and start else None,
        "goal_achieved": reached,
    }


def _shape(history: MetricHistory) -> dict[str, Any]:
    flat = history.plateau
    on_plateau = flat is not None and len(flat) >= WINDOW
    return {
        "trend": trend([row.metric for row in history.measured if row.metric is not None], history.sign),
        "plateau_detected": None if flat is None else on_plateau,
        "plateau_start": flat[0].number if flat and on_plateau else None,
        "plateau_length": None if flat is None else len(flat),
        "improved_but_failed": tuple(_step(row, gain) for row, gain in history.improved_but_failed),
    }


def _step(row: ResultsLine, gain: float) -> NotedRow:
    return NotedRow(number=row.number, line=row.line, metric=row.metric, gain=gain, description=row.description[:200])


def _share(rows: Sequence[ResultsLine], fate: RowFate) -> float:
    return sum(row.fate is fate for row in rows) / len(rows) if rows else 0.0


def _doubts(
    format: ResultsFormat, rows: Sequence[ResultsLine], commits: Collection[str], measured: Mapping[str, float]
) -> dict[str, list[ResultsLine]]:
    """Return the rows of a foreign file that something speaks against, by what that is."""
    if format is ResultsFormat.JOURNAL:
        return {}
    numbers = [row for row in rows if row.metric is not None]
    kept = [row for row in numbers if row.fate in {RowFate.KEEP, RowFate.BASELINE}]
    zeros = [row for row in numbers if row.metric == 0]
    return {
        "exactly 0 where other rows are not, perhaps no measurement": zeros if 2 * len(zeros) < len(numbers) else [],
        "kept although a guard failed": [row for row in kept if row.guard == "fail"],
        "git has no such commit": [row for row in kept if commits and row.commit and row.commit not in commits],
        "this server measured another number": [
            row for row in numbers if measured.get(row.commit[:7], row.metric) != row.metric
        ],
    }


def _anomalies(found: Results, history: MetricHistory) -> list[str]:
    """What does not fit: numbers that cannot be, rows out of order, keeps that made it worse."""
    rows = history.rows
    anomalies: list[str] = []
    if earlier := sum(row.segment != found.rows[-1].segment for row in found.rows):
        anomalies.append(f"{earlier} rows of earlier segments are not part of these figures.")
    first = history.first
    if first and first.fate is RowFate.KEEP and first is not history.rows[0]:
        anomalies.append(f"No baseline row: compared with the first row that was kept, {row_names([first])}.")
    numbers = [row.number for row in rows if row.number is not None]
    twice = [number for number, count in Counter(numbers).items() if count > 1]
    if twice and re.match(r"loop|journal|pi", found.format):  # a row a number
        anomalies.append(f"Iteration numbers that come more than once: {', '.join(map(str, twice[:8]))}.")
    worse = [row for row, gain in history.steps if gain < 0]
    if worse:
        anomalies.append(f"{row_names(worse)}: kept although worse than what was kept before.")
    bare = [row for row in rows if row.fate in {RowFate.KEEP, RowFate.BASELINE} and row.metric is None]
    if bare and found.metric:
        anomalies.append(f"{row_names(bare)}: kept without a number.")
    if found.metric and not history.sign and history.measured:
        anomalies.append("Neither the file nor its rows tell whether lower or higher is better; give a direction.")
    other = sorted({row.status for row in rows if row.fate is RowFate.OTHER and row.status})
    if other and found.metric:
        anomalies.append(f"Statuses that are none of the known: {', '.join(other[:8])}.")
    if unread := [name for name in found.unread if name not in MACHINE_COLUMNS]:
        anomalies.append(f"Columns that were not used: {', '.join(unread)}.")
    return anomalies


def advice(analysis: Analysis, history: MetricHistory) -> Continuation:
    """Advise whether to go on: the first of these that holds, the most certain first."""
    recent = history.tries[-WINDOW:]
    flat = analysis.plateau_length or 0
    refused = sum(step.line in {row.line for row in recent} for step in analysis.improved_but_failed)
    cases: tuple[tuple[bool, Literal["continue", "stop", "change"], str], ...] = (
        (not history.rows, "change", "The file has no rows: nothing to go by."),
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
        (flat >= SPENT * WINDOW, "stop", f"No new best in {flat} measured tries: this line is spent."),
        (flat >= WINDOW, "change", f"No new best in {flat} measured tries: try something of another kind."),
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
