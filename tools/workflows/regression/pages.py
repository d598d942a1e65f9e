"""A comparison of two commits as pages and as the results file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..ledger.pages import section
from ..ledger.rules import table
from ..ledger.scores import REGRESSION_THRESHOLD, REGRESSION_WEIGHTS
from .regressions import COLUMNS, ComparedDimension, ComparedRow, RegressionVerdict, cells, worst_subscores

_MOST = 40


def results_table(rows: Sequence[ComparedRow]) -> str:
    """regression-results.tsv: fifteen columns, a row for everything that was compared."""
    return table(COLUMNS, [cells(place, row) for place, row in enumerate(rows, 1)])


def report_page(
    plan: Mapping[str, Any],
    verdict: RegressionVerdict,
    rows: Sequence[ComparedRow],
    unmeasured: Sequence[tuple[str, str]],
    causes: Sequence[tuple[str, str, str, str]],
) -> str:
    """stability-report.md: the verdict and why, what was compared and how, what was not."""
    named = [(f"R{place}", row) for place, row in enumerate(rows, 1)]
    worse = [pair for pair in named if pair[1].regressed]
    other = [pair for pair in named if not pair[1].regressed and pair[1].status != "same"]
    compared = f"Candidate `{str(plan.get('candidate', ''))[:12]}` against baseline `{str(plan.get('base', ''))[:12]}` ({plan.get('told', '')})."
    parts = [
        f"# {verdict.word}{f', {verdict.shown} of 100' if verdict.score is not None else ''}\n",
        (compared if plan.get("base") else str(plan.get("why", ""))) + "\n",
        section("Why", [f"- {why}" for why in verdict.reasons[:_MOST]]),
        section("Regressed", [_line(id, row) for id, row in worse[:_MOST]]),
        section("Causes", [f"- **{id}** {row}, `{place}`: {why}" for id, row, place, why in causes]),
        section("Does not count against the change", [_line(id, row) for id, row in other[:_MOST]]),
        section("Dimensions", _dimensions(rows)),
        section("Not measured", [f"- {name}: {why}" for name, why in unmeasured]),
        section("Notes", [f"- {note}" for note in plan.get("notes", ())]),
        section("Commands", [f"- {job['dimension']}: `{job['command']}`{_under(job)}" for job in plan.get("jobs", ())]),
    ]
    return "\n".join(part for part in parts if part)


def dimension_page(dimension: ComparedDimension, rows: Sequence[ComparedRow]) -> str:
    """One dimension with every row of it."""
    listed = [
        f"| {_cell(row.unit)} | {row.axis} | {row.classification} | {row.baseline} | {row.candidate} | {row.status} | {_number(row.subscore)} | {_cell(row.description)} |"
        for row in rows
    ]
    head = [
        "| what | axis | class | baseline | candidate | status | subscore | told |",
        "|---|---|---|---|---|---|---|---|",
    ]
    return f"# {dimension}\n\n" + "\n".join([*head, *listed]) + "\n"


def _dimensions(rows: Sequence[ComparedRow]) -> list[str]:
    worst = worst_subscores(rows)
    lines = ["| dimension | decides | rows | regressed | worst subscore | weight |", "|---|---|---|---|---|---|"]
    for dimension in ComparedDimension:
        mine = [row for row in rows if row.dimension is dimension]
        if mine:
            weight = f"{REGRESSION_WEIGHTS[dimension]:.2f}" if dimension in REGRESSION_WEIGHTS else "-"
            lines.append(
                f"| {dimension} | {'alone' if dimension.tier == 'HARD' else f'by score, {REGRESSION_THRESHOLD:g} needed'} | {len(mine)} "
                f"| {sum(row.regressed for row in mine)} | {_number(worst.get(dimension))} | {weight} |"
            )
    return lines


def _line(id: str, row: ComparedRow) -> str:
    where = f", `{row.file_line}`" if row.file_line else ""
    told = f": {row.description}" if row.description else ""
    return f"- **{id}** {row.dimension}, {row.status}: {row.unit} ({row.baseline} -> {row.candidate}){where}{told}"


def _under(job: Mapping[str, Any]) -> str:
    return f" with `{job['cell']}`" if job.get("cell") else ""


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
