"""Results files of any origin as typed rows: ours, Karpathy's, Claude Autoresearch's of every command, pi-autoresearch's log.

What could not be read is said, with its line; a number that is missing is None and never 0.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import replace

from .foreign_rows import Results, ResultsFormat, ResultsLine, RowFate, Skipped, fate_of
from .foreign_tables import read_table

__all__ = ["MOST_BYTES", "Results", "ResultsFormat", "ResultsLine", "RowFate", "Skipped", "read_results"]

MOST_BYTES = 16 * 2**20
"""A results file larger than this is something else."""


def read_results(text: str) -> Results:
    """A results file as rows, told which format it has and what was skipped. Never raises."""
    text = text.removeprefix("\ufeff")
    first = next((line for line in text.splitlines() if line.strip()), "")
    found = _log(text) if first.lstrip().startswith("{") else read_table(text)
    return _without_false_zeros(found)


def _log(text: str) -> Results:
    """The log of pi-autoresearch: a `config` line begins a segment, a line with `run` is a try, others are its hooks'."""
    found = Results(ResultsFormat.PI)
    rows: list[ResultsLine] = []
    skipped: list[Skipped] = []
    segment = 0
    for number, line in enumerate(text.replace("\r", "").split("\n"), 1):
        entry = _object(line)
        if entry is None:
            skipped += [Skipped(number, "no JSON object", line[:200])] if line.strip() else []
        elif entry.get("type") == "config":
            segment = rows[-1].segment + 1 if rows else segment
            found = replace(
                found,
                direction="higher" if entry.get("bestDirection") == "higher" else "lower",
                metric=str(entry.get("metricName") or "metric"),
                unit=str(entry.get("metricUnit") or ""),
            )
        elif _is_number(entry.get("run")):
            rows.append(_logged(number, entry, segment))
        else:
            skipped.append(Skipped(number, f"a {entry.get('type') or 'nameless'} line, not a run", line[:200]))
    return replace(found, rows=tuple(rows), skipped=tuple(skipped), columns=("run", "commit", "metric", "status"))


def _logged(number: int, entry: Mapping[str, object], segment: int) -> ResultsLine:
    run, metric, at, more = (entry.get(name) for name in ("run", "metric", "timestamp", "metrics"))
    status = str(entry.get("status") or "")
    cells = {name: str(value) for name, value in more.items()} if isinstance(more, dict) else {}
    return ResultsLine(
        line=number,
        number=int(run) if isinstance(run, int | float) else None,
        commit=str(entry.get("commit") or ""),
        metric=float(metric) if _is_number(metric) and isinstance(metric, int | float) else None,
        guard="fail" if status == "checks_failed" else "-",
        fate=fate_of(status),
        status=status,
        description=str(entry.get("description") or ""),
        at=float(at) / 1000 if isinstance(at, int | float) and at > 0 else None,
        segment=segment,
        cells=cells,
    )


def _without_false_zeros(found: Results) -> Results:
    """Ancestors write 0 where a try has no number: that is no measurement, and with `lower` it would be a record."""
    false = [row for row in found.rows if not row.fate.measured and row.metric is not None]
    if not false:
        return found
    zeros = sum(row.metric == 0 for row in false)
    told = f"Crashes and the like that carry a number: {len(false)}, of which 0: {zeros}. No measurement; taken as missing."
    rows = tuple(row if row.fate.measured else replace(row, metric=None) for row in found.rows)
    return replace(found, rows=rows, notes=(*found.notes, told))


def _object(line: str) -> dict[str, object] | None:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
