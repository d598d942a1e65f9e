"""Results that another tool wrote, as a part of a picture. Nothing of them was measured here."""

from __future__ import annotations

import re

from ..decision.decide import Status
from ..plan.model import Plan
from ..report.picture import Chapter
from ..session.events import Row
from .foreign_rows import Results, ResultsLine, RowFate

_STATUS = {
    RowFate.BASELINE: Status.BASELINE,
    RowFate.KEEP: Status.KEEP,
    RowFate.DISCARD: Status.DISCARD,
    RowFate.CRASH: Status.CRASH,
    RowFate.METRIC_ERROR: Status.METRIC_ERROR,
    RowFate.HOOK_BLOCKED: Status.HOOK_BLOCKED,
    RowFate.NO_OP: Status.NO_OP,
    RowFate.OTHER: Status.DISCARD,
}


def chapter_of_results(found: Results, name: str, direction: str) -> Chapter:
    """A results file as a chapter of a picture: its rows in their order, a missing number missing."""
    plan = Plan.model_validate(
        {
            "metric": found.metric or "metric",
            "direction": direction,
            "unit": found.unit,
            "goal": f"imported from {name}",
        }
    )
    return Chapter(name, plan, tuple(_row(place, line) for place, line in enumerate(found.rows)))


def _row(place: int, line: ResultsLine) -> Row:
    return Row(
        iteration=place,
        commit=line.commit,
        metric=line.metric if line.fate.measured else None,
        status=_STATUS[line.fate],
        description=line.description or line.status or "-",
    )


def name_of(file: str) -> str:
    """A short name for a file, fit for a file name of ours."""
    return re.sub(r"[^\w.-]+", "-", file).strip("-.")[:80] or "results"
