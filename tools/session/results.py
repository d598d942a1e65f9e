"""The results file: seven tab-separated columns, one row an iteration; a view of the journal."""

from __future__ import annotations

import statistics
from collections.abc import Iterable

from ..decision.decide import Status
from ..decision.gain import rounded, rounded_level
from ..plan.model import Direction, Plan
from .events import Row, Started
from .short_rows import RowLike

RESULTS_FILE = "autoresearch-results.tsv"
PICTURE_FILE = "autoresearch-progress.png"
PAGE_FILE = "autoresearch-report.html"
"""Views of the journal, at the repository's root, that git does not see."""
COLUMNS = ("iteration", "commit", "metric", "delta", "guard", "status", "description")


def render(plan: Plan, rows: Iterable[Row], outcome: str = "") -> str:
    """Return the whole file as text; with the `outcome` of a finished session as its last line."""
    direction = "lower_is_better" if plan.better is Direction.LOWER else "higher_is_better"
    lines = [f"# metric_direction: {direction}", "\t".join(COLUMNS), *(line(row) for row in rows)]
    return "\n".join([*lines, *([f"# {flat(outcome)}"] if outcome else [])]) + "\n"


def line(row: Row) -> str:
    """Return one row of the file; a missing number is `-`, never 0."""
    cells = (
        str(row.iteration),
        row.commit[:7] or "-",
        number(row.metric),
        delta_of(row),
        row.guard,
        str(row.status),
        safe_cell(flat(row.description)),
    )
    return "\t".join(cells)


def safe_cell(text: str) -> str:
    """Return a text as a cell that no spreadsheet takes for a formula: behind an apostrophe, unless it is a number or a dash.

    Source of the letters: OWASP, CSV injection.
    """
    if not text.startswith(("=", "+", "-", "@", "\t", "\r")) or text == "-":
        return text
    try:
        float(text)
    except ValueError:
        return f"'{text}"
    return text


def number(value: float | None) -> str:
    """Return a metric as text: up to ten significant digits, `-` when missing."""
    return "-" if value is None else f"{value:.10g}"


def metric_of(row: RowLike) -> str:
    """Return a row's metric as text, with the digits that its runs allow."""
    return number(row.metric if row.metric is None else rounded_level(row.metric, _half(row)))


def delta_of(row: RowLike) -> str:
    """Return a row's distance from the incumbent as text, with its sign and the digits that its runs allow."""
    if row.delta is None:
        return "-"
    half = _half(row)
    return f"{row.delta:+.6g}" if half is None else f"{rounded(row.delta, half):+.10g}"


def _half(row: RowLike) -> float | None:
    return None if row.low is None or row.high is None else (row.high - row.low) / 2


def flat(text: str) -> str:
    """Put a text on one line without tabs or control characters, so that it fits a cell and a commit message."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())


def baseline_row(start: Started) -> Row:
    """Return the row of the baseline, iteration 0."""
    guarded = bool(start.guards)
    values = [run.value for run in start.baseline if run.value is not None]
    return Row(
        iteration=0,
        commit=start.base,
        metric=statistics.median(values) if values else None,
        delta=0.0,
        runs=len(start.baseline),
        samples=tuple(values),
        receipts=tuple(run.receipt.id for run in start.baseline if run.receipt),
        guard="pass" if guarded else "-",
        status=Status.BASELINE,
        description="baseline",
        why="The incumbent before any experiment.",
        seconds=start.seconds,
    )
