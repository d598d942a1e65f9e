"""The rows of a results file of any origin, their cells, and what the columns beside the metric tell."""

from __future__ import annotations

import calendar
import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import pairwise
from typing import Any

DIMENSIONS = 12
"""Dimensions of a scenario; regression has eight, so its coverage is told by names alone."""
CONVERGED = 3
"""Wins in a row by which a tournament has converged."""
SATURATED = 3
"""Rounds in a row with fewer than two new items by which a search is saturated."""


class ResultsFormat(StrEnum):
    """Whose file it is."""

    LOOP_7 = "loop, 7 columns"
    LOOP_8 = "loop, 8 columns"
    LOOP_9 = "loop, 9 columns"
    KARPATHY = "karpathy"
    PI = "pi-autoresearch log"
    JOURNAL = "journal"
    DEBUG = "debug"
    FIX = "fix"
    SECURITY = "security"
    SHIP = "ship"
    SCENARIO = "scenario"
    PREDICT = "predict"
    LEARN = "learn"
    REASON = "reason"
    PROBE = "probe"
    IMPROVE = "improve"
    REGRESSION = "regression"
    TABLE = "table"
    UNKNOWN = "unknown"


class RowFate(StrEnum):
    """What became of a row, in one vocabulary."""

    BASELINE = "baseline"
    KEEP = "keep"
    DISCARD = "discard"
    CRASH = "crash"
    METRIC_ERROR = "metric-error"
    HOOK_BLOCKED = "hook-blocked"
    NO_OP = "no-op"
    OTHER = "other"

    @property
    def measured(self) -> bool:
        """Whether such a row can have a number at all."""
        return self not in {RowFate.CRASH, RowFate.METRIC_ERROR, RowFate.HOOK_BLOCKED, RowFate.NO_OP}


@dataclass(frozen=True)
class ResultsLine:
    """One row. `line` is where it stands in the file, from 1; `at` seconds since the epoch; `cells` every column by name."""

    line: int
    number: int | None = None
    commit: str = ""
    metric: float | None = None
    delta: float | None = None
    guard: str = "-"
    fate: RowFate = RowFate.OTHER
    status: str = ""
    description: str = ""
    at: float | None = None
    segment: int = 0
    files: tuple[str, ...] = ()
    cells: Mapping[str, str] = field(default_factory=dict)


def row_names(rows: Sequence[ResultsLine]) -> str:
    """Name the first rows, by their numbers or else their lines."""
    names = [f"#{row.number}" if row.number is not None else f"line {row.line}" for row in rows[:8]]
    return ", ".join(names) + (f" and {len(rows) - 8} more" if len(rows) > 8 else "")


@dataclass(frozen=True)
class Skipped:
    """A line that is no row, and why."""

    line: int
    why: str
    text: str


@dataclass(frozen=True)
class Results:
    """A results file, read. `direction` is `lower`, `higher` or empty where the file does not say; `notes` is what was odd."""

    format: ResultsFormat
    rows: tuple[ResultsLine, ...] = ()
    direction: str = ""
    metric: str = ""
    unit: str = ""
    columns: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    notes: tuple[str, ...] = ()


_NUMBER = re.compile(r"[+-]?(?:\d+(?:,\d{3})*(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?")
_GLUED = re.compile(r"\s?(?:%|[a-zA-Zµμ/]{1,8})?")
_DATE = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,]\d+)?)?\s*(?:(Z)|([+-])(\d\d):?(\d\d))?)?"
)


def number_in(cell: str) -> float | None:
    """Return the number in a cell, with at most a unit or `%` after it and commas between thousands; None without one."""
    found = _NUMBER.match(cell.strip())
    if found is None or not _GLUED.fullmatch(cell.strip()[found.end() :]):
        return None
    value = float(found[0].replace(",", ""))
    return value if math.isfinite(value) else None


def fate_of(word: str) -> RowFate:
    """Return a status in one vocabulary, however a file writes it: `KEPT`, `keep (reworked)`, `reverted_worse`, `checks_failed`."""
    plain = word.strip().lower().replace("_", "-")
    exact = {"no-op", "hook-blocked", "metric-error", "baseline"}
    if plain in exact:
        return RowFate(plain)
    for fate, starts in (
        (RowFate.KEEP, ("keep", "kept", "accept")),
        (RowFate.DISCARD, ("discard", "revert", "reject", "drop", "checks-failed", "tampered")),
        (RowFate.CRASH, ("crash", "fail", "error", "oom", "timeout")),
    ):
        if plain.startswith(starts):
            return fate
    return RowFate.OTHER


def time_in(cell: str) -> float | None:
    """Return the seconds since the epoch of a date in ISO 8601, taken as UTC without a zone, or of a number of (milli)seconds."""
    if re.fullmatch(r"\d{9,13}(\.\d+)?", cell.strip()):
        value = float(cell)
        return value / 1000 if value > 1e11 else value
    found = _DATE.match(cell.strip())
    if found is None:
        return None
    parts = [int(part or 0) for part in found.groups()[:6]]
    if not (1 <= parts[1] <= 12 and 1 <= parts[2] <= 31):
        return None
    away = (60 * int(found[9]) + int(found[10])) * 60 * (-1 if found[8] == "-" else 1) if found[8] else 0
    return float(calendar.timegm((*parts, 0, 0, 0)) - away)


def column_facts(rows: Sequence[ResultsLine]) -> dict[str, Any]:
    """Return what the columns beside the metric allow: counts, confirmation, coverage, convergence, saturation."""
    columns = {name for row in rows for name in row.cells}
    found: dict[str, Any] = {}
    for name in ("severity", "technique", "error_type", "category", "owasp", "stride", "flag"):
        if name in columns and (counts := _counted(rows, name)):
            found[name] = counts
    if "hypothesis" in columns and (settled := _settled(rows)):
        found["confirmation_rate"] = sum(word.startswith("confirm") for word in settled) / len(settled)
    if "dimension" in columns:
        named = sorted(_counted(rows, "dimension"))
        share = f"{len(named)}/{DIMENSIONS}" if "classification" in columns and "subscore" not in columns else ""
        found["dimensions"] = {"seen": named, **({"coverage": share} if share else {})}
    if "classification" in columns:
        found["classification"] = _counted(rows, "classification")
        found["saturation"] = _saturation([_is_new(row.cells.get("classification", "")) for row in rows])
    if winners := [word for row in rows if (word := _first(row, "winner", "candidate_label", "judge_verdict"))]:
        found["tournament"] = _tournament(winners)
    if "atom" in columns or "atoms_extracted" in columns:
        found["saturation"] = _by_round(rows)
    return found


def _counted(rows: Sequence[ResultsLine], column: str) -> dict[str, int]:
    words = (row.cells.get(column, "").strip().lower() for row in rows)
    return dict(Counter(word for word in words if word and word != "-").most_common())


def _settled(rows: Sequence[ResultsLine]) -> list[str]:
    """The outcomes of hypotheses; rows of findings are not asked."""
    words = [
        _first(row, "result", "status").lower() for row in rows if row.cells.get("type", "hypothesis") != "finding"
    ]
    return [word for word in words if word and word != "-"]


def _first(row: ResultsLine, *columns: str) -> str:
    return next((word for name in columns if (word := row.cells.get(name, "").strip()) and word != "-"), "")


def _is_new(word: str) -> bool:
    return word.strip().lower() in {"new", "net-new", "extension", "variant"}


def _saturation(news: Sequence[bool], width: int = 5) -> dict[str, Any]:
    """How many new items each five rows brought, and whether the last ones brought hardly any."""
    curve = [sum(news[place : place + width]) for place in range(0, len(news), width)]
    full = [count for place, count in enumerate(curve) if len(news) >= (place + 1) * width]
    return {"new_per_5": curve, "saturated": len(full) >= 2 and full[-1] < 2}


def _by_round(rows: Sequence[ResultsLine]) -> dict[str, Any]:
    """New atoms a round: rows with an atom, or the column that counts them."""
    counts: Counter[int] = Counter()
    for row in rows:
        count = number_in(row.cells.get("atoms_extracted", ""))
        counts[row.number or 0] += int(count) if count is not None else bool(_first(row, "atom"))
    curve = [counts[number] for number in sorted(counts)]
    return {"new_per_round": curve, "saturated": len(curve) >= SATURATED and all(n < 2 for n in curve[-SATURATED:])}


def _tournament(winners: Sequence[str]) -> dict[str, Any]:
    """Wins in a row at the end, how often the winner changed, and whether two take turns."""
    streak = next((n for n, word in enumerate(reversed(winners)) if word != winners[-1]), len(winners))
    changes = sum(a != b for a, b in pairwise(winners))
    last = winners[-4:]
    turns = len(last) == 4 and last[0] == last[2] != last[1] == last[3]
    return {
        "rounds": len(winners),
        "winner": winners[-1],
        "wins_in_a_row": streak,
        "changes": changes,
        "converged": streak >= CONVERGED,
        "oscillating": turns,
    }
