"""What the other columns of a results file tell: those that only some workflows write."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from .foreign_rows import ResultsLine, number_in

DIMENSIONS = 12
"""Dimensions of a scenario; regression has eight, so its coverage is told by names alone."""
CONVERGED = 3
"""Wins in a row by which a tournament has converged."""
SATURATED = 3
"""Rounds in a row with fewer than two new items by which a search is saturated."""


def told_by_columns(rows: Sequence[ResultsLine]) -> dict[str, Any]:
    """Whatever the columns beside the metric allow: counts, confirmation, coverage, convergence, saturation."""
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
        told = number_in(row.cells.get("atoms_extracted", ""))
        counts[row.number or 0] += int(told) if told is not None else bool(_first(row, "atom"))
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
