"""The rows of a results file of any origin, and their cells."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from ..plan.units import converted


class ResultsFormat(StrEnum):
    """Whose file it is."""

    LOOP = "loop"
    KARPATHY = "karpathy"
    PI = "pi-autoresearch log"
    JOURNAL = "journal"
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
    """One row. `line` is where it stands in the file, from 1; `cells` every column by name."""

    line: int
    number: int | None = None
    commit: str = ""
    metric: float | None = None
    guard: str = "-"
    fate: RowFate = RowFate.OTHER
    status: str = ""
    description: str = ""
    segment: int = 0
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


@dataclass(frozen=True)
class Results:
    """A results file, read. `direction` is `lower`, `higher` or empty where the file does not say; `notes` is what was odd."""

    format: ResultsFormat
    rows: tuple[ResultsLine, ...] = ()
    direction: str = ""
    metric: str = ""
    unit: str = ""
    unread: tuple[str, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    notes: tuple[str, ...] = ()


_CELL = re.compile(
    r"(?P<number>[+-]?(?:\d+(?:,\d{3})*(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)\s?(?P<unit>%|[a-zA-Zµμ/]{1,12})?"
)


def number_in(cell: str, wanted: str = "") -> float | None:
    """Return the number in a cell, with at most a unit or `%` after it and commas between thousands; None without one, or where its
    unit cannot be converted to the `wanted` one.
    """
    found = _CELL.fullmatch(cell.strip())
    value = float(found["number"].replace(",", "")) if found else None
    if found and value is not None and wanted and found["unit"]:
        value = converted(value, found["unit"], wanted)
    return value if value is not None and math.isfinite(value) else None


def unit_in(cells: Iterable[str]) -> str:
    """Return the first unit that stands behind a number in a column; empty where none does."""
    return next((found["unit"] for cell in cells if (found := _CELL.fullmatch(cell.strip())) and found["unit"]), "")


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
