"""The rows of a comparison of two commits, the verdict that they add up to, and its pages.

Only what was green and is red counts. A row that does not count (red before, new, flaky beyond proof, no baseline) stands in
the report and lowers nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Literal

from pydantic import Field, model_validator

from ...session.events import Record
from ..ledger.pages import section, table
from ..ledger.scores import REGRESSION_THRESHOLD, REGRESSION_WEIGHTS, regression_stability

if TYPE_CHECKING:
    from .items import ComparisonPlan

Severity = Literal["critical", "high", "medium", "low", "info"]
"""How bad a row is, the worst first."""
COLUMNS = (
    "iteration", "timestamp", "dimension", "axis", "tier", "classification", "baseline", "candidate", "delta", "regressed",
    "subscore", "severity", "status", "file_line", "description",
)  # fmt: skip


class ComparisonSide(StrEnum):
    """One of the two commits that are compared."""

    BASELINE = "baseline"
    CANDIDATE = "candidate"


class VerdictRule(StrEnum):
    """Whether one regressed row decides, or a score does."""

    HARD = "HARD"
    SCORE = "SCORE"


class ComparedDimension(StrEnum):
    """What is compared."""

    FUNCTIONAL = "functional"
    API_CONTRACT = "api-contract"
    DATA_MIGRATION = "data-migration"
    INTEGRATION_E2E = "integration-e2e"
    FLAKINESS = "flakiness"
    PERFORMANCE = "performance"
    RESOURCE = "resource"
    VISUAL_UI = "visual-ui"

    @property
    def tier(self) -> VerdictRule:
        """The first four are hard."""
        return VerdictRule.HARD if list(ComparedDimension).index(self) < 4 else VerdictRule.SCORE


class Classification(StrEnum):
    """Whose fault a row can be; only an eligible one counts against the change."""

    ELIGIBLE = "regression-eligible"
    PRE_EXISTING = "pre-existing"
    NEW_COVERAGE = "new-coverage"
    FLAKY = "flaky"
    UNAVAILABLE = "baseline-unavailable"


class VerdictWord(StrEnum):
    """A verdict."""

    STABLE = "STABLE"
    UNSTABLE = "UNSTABLE"
    BASELINE_UNAVAILABLE = "BASELINE_UNAVAILABLE"


class ComparedRow(Record):
    """One thing that was compared. `delta` is in percent, or the rise of a rate in points; `subscore` 0 to 100.

    Raises:
        ValueError: for a row that contradicts itself: one that regressed and is not eligible, or lost nothing of its score.
    """

    dimension: ComparedDimension
    unit: str
    axis: str = "-"
    classification: Classification
    baseline: str = "-"
    candidate: str = "-"
    delta: float | None = Field(None, allow_inf_nan=False)
    regressed: bool = False
    subscore: float | None = Field(None, ge=0, le=100)
    severity: Severity = "info"
    status: str = "same"
    file_line: str = ""
    description: str = ""
    at: str = ""

    @property
    def tier(self) -> VerdictRule:
        """Hard or scored."""
        return self.dimension.tier

    @property
    def counts(self) -> bool:
        """Whether it may count against the change."""
        return self.classification is Classification.ELIGIBLE

    @model_validator(mode="after")
    def _consistent(self) -> ComparedRow:
        if self.regressed and not self.counts:
            raise ValueError(f"a {self.classification} row is no regression")
        scored = self.tier is VerdictRule.SCORE and self.classification is not Classification.UNAVAILABLE
        if scored and self.counts and self.subscore is None:
            raise ValueError("a scored row needs a subscore")
        if self.regressed and self.tier is VerdictRule.SCORE and self.subscore == 100:
            raise ValueError("a scored row that regressed has lost some of its score")
        return self


@dataclass(frozen=True)
class RegressionVerdict:
    """The verdict, its score before rounding, and why, the weightiest reason first."""

    word: VerdictWord
    score: float | None
    reasons: tuple[str, ...]

    @property
    def shown(self) -> str:
        """The score as a person sees it: cut to two decimals, so that what is below the threshold never looks like it."""
        return "-" if self.score is None else f"{math.floor(self.score * 100 + 1e-9) / 100:.2f}"


def verdict_of(rows: Sequence[ComparedRow], threshold: float = REGRESSION_THRESHOLD) -> RegressionVerdict:
    """Return the verdict that the rows add up to.

    A hard row that regressed decides. Of the scored dimensions, each counts with its worst eligible row. It takes something
    that ran on both sides to be stable: a comparison of files alone is none, and neither is one whose baseline did not run.
    """
    worst = worst_subscores(rows)
    score = regression_stability(worst).value
    broken = [row for row in rows if row.regressed and row.tier is VerdictRule.HARD]
    blind = [row for row in rows if row.classification is Classification.UNAVAILABLE and row.tier is VerdictRule.HARD]
    ran = any(
        row.classification is not Classification.UNAVAILABLE and row.dimension is not ComparedDimension.API_CONTRACT
        for row in rows
    )
    if broken:
        return RegressionVerdict(
            VerdictWord.UNSTABLE, score, tuple(f"{row.dimension}: {row.unit} {row.status}" for row in broken)
        )
    if score < threshold and worst:
        low = sorted((value, name) for name, value in worst.items() if value < 100)
        return RegressionVerdict(
            VerdictWord.UNSTABLE, score, tuple(f"{name} has {value:.2f} of 100" for value, name in low)
        )
    if blind:
        return RegressionVerdict(
            VerdictWord.BASELINE_UNAVAILABLE, None, tuple(f"{row.unit}: {row.description}" for row in blind)
        )
    if not ran:
        return RegressionVerdict(VerdictWord.BASELINE_UNAVAILABLE, None, ("nothing ran on both sides",))
    return RegressionVerdict(VerdictWord.STABLE, score, ())


def worst_subscores(rows: Sequence[ComparedRow]) -> dict[str, float]:
    """Return the worst eligible subscore of each scored dimension that was measured; 100 where nothing counts against the change."""
    scored = [
        row for row in rows if row.tier is VerdictRule.SCORE and row.classification is not Classification.UNAVAILABLE
    ]
    return {
        dimension: min(
            (row.subscore for row in scored if row.dimension is dimension and row.counts and row.subscore is not None),
            default=100.0,
        )
        for dimension in ComparedDimension
        if any(row.dimension is dimension for row in scored)
    }


def cells(place: int, row: ComparedRow) -> tuple[object, ...]:
    """Return a row as the results file has it; a missing number is `-`."""
    return (
        place,
        row.at or "-",
        row.dimension,
        row.axis,
        row.tier,
        row.classification,
        row.baseline,
        row.candidate,
        "-" if row.delta is None else f"{row.delta:+.4g}",
        str(row.regressed).lower(),
        "-" if row.subscore is None else f"{row.subscore:.10g}",
        row.severity,
        row.status,
        row.file_line or "-",
        f"{row.unit}: {row.description}" if row.description else row.unit,
    )


_MOST = 40


def results_table(rows: Sequence[ComparedRow]) -> str:
    """Write regression-results.tsv: fifteen columns, a row for everything that was compared."""
    return table(COLUMNS, [cells(place, row) for place, row in enumerate(rows, 1)])


def report_page(
    plan: ComparisonPlan,
    verdict: RegressionVerdict,
    rows: Sequence[ComparedRow],
    unmeasured: Sequence[tuple[str, str]],
    causes: Sequence[tuple[str, str, str, str]],
) -> str:
    """Write stability-report.md: the verdict and why, what was compared and how, what was not."""
    named = [(f"R{place}", row) for place, row in enumerate(rows, 1)]
    worse = [pair for pair in named if pair[1].regressed]
    other = [pair for pair in named if not pair[1].regressed and pair[1].status != "same"]
    compared = f"Candidate `{plan.candidate[:12]}` against baseline `{plan.base[:12]}` ({plan.told})."
    parts = [
        f"# {verdict.word}{f', {verdict.shown} of 100' if verdict.score is not None else ''}\n",
        (compared if plan.base else plan.why) + "\n",
        section("Why", [f"- {why}" for why in verdict.reasons[:_MOST]]),
        section("Regressed", [_line(id, row) for id, row in worse[:_MOST]]),
        section("Causes", [f"- **{id}** {row}, `{place}`: {why}" for id, row, place, why in causes]),
        section("Does not count against the change", [_line(id, row) for id, row in other[:_MOST]]),
        section("Dimensions", _dimensions(rows)),
        section("Not measured", [f"- {name}: {why}" for name, why in unmeasured]),
        section("Notes", [f"- {note}" for note in plan.notes]),
        section(
            "Commands",
            [f"- {job.dimension}: `{job.command}`" + (f" with `{job.cell}`" if job.cell else "") for job in plan.jobs],
        ),
    ]
    return "\n".join(part for part in parts if part)


def dimension_page(dimension: ComparedDimension, rows: Sequence[ComparedRow]) -> str:
    """Write the page of one dimension with every row of it."""
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
    why = f": {row.description}" if row.description else ""
    return f"- **{id}** {row.dimension}, {row.status}: {row.unit} ({row.baseline} -> {row.candidate}){where}{why}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
