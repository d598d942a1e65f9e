"""Rows whose numbers compare: without stand-ins for a missing number, and of one machine. What is left out is said."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from dataclasses import replace

from .history import direction_of
from .rows import Results, ResultsFormat, ResultsLine, RowFate, row_names

FAR = 10.0
"""A number that people write for a missing one counts as that if it is so many times all others, or the only negative one."""
_LARGEST = frozenset({2.0**31 - 1, 2.0**31, 2.0**63, sys.float_info.max})
_FAILED = re.compile(
    r"\b(?:crash\w*|oom|out of memory|timed?[ -]?out|killed|segfault\w*|nan|no (?:number|metric))\b", re.IGNORECASE
)
MACHINE_COLUMNS = ("machine", "host", "hostname", "node", "gpu")


def comparable(
    found: Results, rows: Sequence[ResultsLine], direction: str
) -> tuple[tuple[ResultsLine, ...], tuple[str, ...]]:
    """Return the rows with only the numbers that compare, and in words what was left out.

    Numbers of the journal are measurements of one machine; of any other file nobody knows.
    """
    if found.format is ResultsFormat.JOURNAL:
        return tuple(rows), ()
    of_one, notes = _of_one_machine(rows)
    odd = _far_off(of_one)
    left = [row for row in of_one if row not in odd]
    odd += _false_zeros(left, direction or direction_of(found, left)[0])
    if odd:
        values = ", ".join(dict.fromkeys(f"{row.metric:g}" for row in odd))
        notes += (f"{row_names(odd)}: {values} stands for no measurement; taken as missing.",)
    return tuple(replace(row, metric=None) if row in odd else row for row in of_one), notes


def _of_one_machine(rows: Sequence[ResultsLine]) -> tuple[tuple[ResultsLine, ...], tuple[str, ...]]:
    """The rows of the machine that measured last: a number of another one is no step from there to here."""
    column = next((name for name in MACHINE_COLUMNS if any(name in row.cells for row in rows)), "")
    named = [row.cells[column] for row in rows if row.cells.get(column, "").strip(" -")]
    last = named[-1] if named else ""
    kept = tuple(row for row in rows if not row.cells.get(column, "").strip(" -") or row.cells[column] == last)
    if len(kept) == len(rows):
        return tuple(rows), ()
    others = ", ".join(sorted(set(named) - {last})[:8])
    left = f"{len(rows) - len(kept)} rows of other machines ({others}) are not part of these figures"
    return kept, (f"{left}: they do not compare with those of {last}.",)


def _far_off(rows: Sequence[ResultsLine]) -> list[ResultsLine]:
    """Rows with -999, 1e9 and the like, where no other number is near."""
    others = [row.metric for row in rows if row.metric is not None and not _stands_in(row.metric)]
    if not others:
        return []
    largest, lowest = max(map(abs, others)), min(others)
    return [
        row
        for row in rows
        if row.metric is not None
        and _stands_in(row.metric)
        and (abs(row.metric) > FAR * largest or (row.metric < 0 <= lowest))
    ]


def _stands_in(value: float) -> bool:
    size = abs(value)
    return size in _LARGEST or re.fullmatch(r"9{3,}(?:\.9*0*)?|1(?:0{6,}(?:\.0)?|e\+?\d+)", f"{size!r}") is not None


def _false_zeros(rows: Sequence[ResultsLine], direction: str) -> list[ResultsLine]:
    """Rows with a 0 that says of itself that it failed, and a first 0 under which nothing lower could have been kept."""
    measured = [row for row in rows if row.metric is not None]
    zeros = [row for row in measured if row.metric == 0 and row.fate is not RowFate.KEEP]
    told = [row for row in zeros if _FAILED.search(f"{row.status} {row.description}")]
    positive = [row for row in measured if row.metric]
    impossible = (
        direction == "lower"
        and any(row.fate is RowFate.KEEP for row in positive)
        and all(row.metric is not None and row.metric > 0 for row in positive)
    )
    first = [row for row in zeros if row is measured[0] and row not in told and impossible]
    return [*told, *first]
