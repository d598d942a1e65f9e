"""The rows of a results file of any origin, and the cells that they are made of."""

from __future__ import annotations

import calendar
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


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
    """The number in a cell, with at most a unit or `%` after it and commas between thousands; None without one."""
    found = _NUMBER.match(cell.strip())
    if found is None or not _GLUED.fullmatch(cell.strip()[found.end() :]):
        return None
    value = float(found[0].replace(",", ""))
    return value if math.isfinite(value) else None


def fate_of(word: str) -> RowFate:
    """A status in one vocabulary, however a file writes it: `KEPT`, `keep (reworked)`, `reverted_worse`, `checks_failed`."""
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
    """Seconds since the epoch of a date in ISO 8601, taken as UTC without a zone, or of a number of (milli)seconds."""
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
