"""Read a results file of any tool into rows: tables with a header, and pi-autoresearch's log.

What could not be read is reported with its line; a number that is missing is None and never 0.
"""

from __future__ import annotations

import csv
import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from .rows import Results, ResultsFormat, ResultsLine, Skipped, fate_of, number_in, unit_in

MOST_BYTES = 16 * 2**20
"""A results file larger than this is something else."""
LONGEST_LINE = 100_000
"""Of a table with commas; the reader of such lines has a limit of its own above this."""


def read_results(text: str) -> Results:
    """Read a results file into rows, with its format and what was skipped. Never raises."""
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
            skipped += [Skipped(number, "no JSON object")] if line.strip() else []
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
            skipped.append(Skipped(number, f"a {entry.get('type') or 'nameless'} line, not a run"))
    return replace(found, rows=tuple(rows), skipped=tuple(skipped))


def _logged(number: int, entry: Mapping[str, object], segment: int) -> ResultsLine:
    run, metric, more = (entry.get(name) for name in ("run", "metric", "metrics"))
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
        segment=segment,
        cells=cells,
    )


def _without_false_zeros(found: Results) -> Results:
    """Ancestors write 0 where a try has no number: that is no measurement, and with `lower` it would be a record."""
    false = [row for row in found.rows if not row.fate.measured and row.metric is not None]
    if not false:
        return found
    zeros = sum(row.metric == 0 for row in false)
    note = f"Crashes and the like that carry a number: {len(false)}, of which 0: {zeros}. No measurement; taken as missing."
    rows = tuple(row if row.fate.measured else replace(row, metric=None) for row in found.rows)
    return replace(found, rows=rows, notes=(*found.notes, note))


def _object(line: str) -> dict[str, object] | None:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


Splitter = Callable[[str], list[str]]
"""Cuts a line into cells."""

_LOOP = {
    7: ("iteration", "commit", "metric", "delta", "guard", "status", "description"),
    8: ("iteration", "commit", "metric", "delta", "guard", "guard-metric", "status", "description"),
    9: ("iteration", "timestamp", "commit", "metric", "delta", "guard", "guard-metric", "status", "description"),
}
_NAMES = {
    "number": ("iteration", "run", "round", "iter", "experiment"),
    "commit": ("commit", "hash", "sha"),
    "metric": ("metric", "metric_value", "metric_after", "error_count", "value", "score"),
    "guard": ("guard",),
    "status": ("status", "decision", "result", "verdict"),
    "description": ("description", "note", "notes", "desc", "change"),
}
_KNOWN = frozenset(word for names in _NAMES.values() for word in names) | {
    "delta",
    "guard-metric",
    "memory_gb",
    "timestamp",
}


def read_table(text: str) -> Results:
    """Read a table with a header, or without one where the rows have the shape of the loop's."""
    lines = [(number, line) for number, line in enumerate(text.replace("\r", "").split("\n"), 1) if line.strip()]
    marks = [(number, line) for number, line in lines if line.startswith("#")]
    body = [(number, line) for number, line in lines if not line.startswith("#")]
    split = _splitter(body[0][1] if body else "")
    header = _header(split(body[0][1])) if body else ()
    notes: tuple[str, ...] = ()
    if body and not header:
        header = _LOOP.get(len(split(body[0][1])), ())
        if not header or not _looks_like_row(split(body[0][1]), header):
            unread = tuple(Skipped(number, "no header before it that is known") for number, line in body)
            return Results(ResultsFormat.UNKNOWN, skipped=unread, direction=_direction(marks))
        notes = (f"The file has no header; read as the loop's {len(header)} columns.",)
    rows, skipped, more = _rows(body, header, split)
    metric = _metric_column(header, rows)
    unit = unit_in(row.cells.get(metric, "") for row in rows)
    karpathy = header[:1] == ("commit",) and metric
    return Results(
        format=ResultsFormat.LOOP
        if set(_LOOP[7]) - {"description"} <= set(header)
        else ResultsFormat.KARPATHY
        if karpathy
        else ResultsFormat.TABLE,
        rows=tuple(_typed(row, metric, unit) for row in rows),
        direction=_direction(marks),
        metric=metric,
        unread=tuple(name for name in header if name not in _KNOWN and name != metric),
        skipped=skipped,
        notes=(*notes, *more),
    )


def _rows(
    body: Sequence[tuple[int, str]], header: tuple[str, ...], split: Splitter
) -> tuple[list[ResultsLine], tuple[Skipped, ...], tuple[str, ...]]:
    rows: list[ResultsLine] = []
    skipped: list[Skipped] = []
    segment, short = 0, 0
    for number, line in body:
        cells = split(line)
        if names := _header(cells):
            segment += bool(rows)
            header = names
        elif not min(3, len(header)) <= len(cells) <= (len(header) if header[-1] != "description" else len(cells)):
            skipped.append(Skipped(number, f"{len(cells)} cells under {len(header)} columns"))
        else:
            short += len(cells) < len(header)
            rest = [" ".join(cells[len(header) - 1 :])] if len(cells) >= len(header) else []
            named = dict(zip(header, [*cells[: len(header) - 1], *rest], strict=False))
            rows.append(ResultsLine(number, segment=segment, cells=named))
    notes = (f"{short} rows have fewer cells than the header; the last ones are taken as missing.",) if short else ()
    return rows, tuple(skipped), notes


def _typed(row: ResultsLine, metric: str, unit: str) -> ResultsLine:
    """A row with what its columns say, its metric in this unit."""
    cells = {name: next((row.cells[one] for one in ones if one in row.cells), "") for name, ones in _NAMES.items()}
    status = cells["status"].strip()
    iteration = number_in(cells["number"])
    commit = cells["commit"].strip()
    guard = cells["guard"].strip().lower()
    return replace(
        row,
        number=int(iteration) if iteration is not None else None,
        commit=commit if re.fullmatch(r"[0-9a-fA-F]{4,64}", commit) else "",
        metric=number_in(row.cells.get(metric, ""), unit),
        guard="fail" if "fail" in guard else "pass" if "pass" in guard else "-",
        fate=fate_of(status),
        status=status,
        description=cells["description"].strip(),
    )


def _metric_column(header: Sequence[str], rows: Sequence[ResultsLine]) -> str:
    """The column with the number that is improved: by its name, else the first of numbers after `commit`."""
    if named := next((name for name in _NAMES["metric"] if name in header), ""):
        return named
    if "commit" not in header and "status" not in header:
        return ""
    for name in header:
        cells = [row.cells.get(name, "") for row in rows]
        numbers = sum(number_in(cell) is not None for cell in cells)
        if name not in _KNOWN and cells and 2 * numbers > len(cells):
            return name
    return ""


def _direction(marks: Sequence[tuple[int, str]]) -> str:
    said = [found[1] for _, line in marks if (found := re.search(r"metric_direction:\s*(lower|higher)", line))]
    return said[-1] if said else ""


def _header(cells: Sequence[str]) -> tuple[str, ...]:
    """The names of the columns, if these cells are names: words, two of which are known."""
    names = tuple(re.sub(r"\s+", "_", cell.strip().lower()) for cell in cells)
    wordy = all(re.fullmatch(r"[a-z_%µ][\w%µ./()-]*", name) for name in names)
    return names if wordy and len(names) > 1 and len(_KNOWN.intersection(names)) >= 2 else ()


def _looks_like_row(cells: Sequence[str], header: Sequence[str]) -> bool:
    row = dict(zip(header, cells, strict=True))
    commit = row["commit"].strip()
    return number_in(row["iteration"]) is not None and bool(re.fullmatch(r"-|[0-9a-f]{4,64}", commit))


def _splitter(line: str) -> Splitter:
    separator = next((one for one in ("\t", ",", "|") if one in line), "\t")

    def split(text: str) -> list[str]:
        cells = next(csv.reader([text[:LONGEST_LINE]]), []) if separator == "," else text.split(separator)
        return [cell.strip() for cell in cells]

    return split
