"""The rows of a comparison of two commits, the verdict that they add up to, and its page.

Only what was green and is red counts. A row that does not count (red before, new, flaky beyond proof, no baseline) stands in
the report and changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Literal

from pydantic import model_validator

from ...session.events import Record
from ..ledger.pages import section

if TYPE_CHECKING:
    from .items import ComparisonPlan

Severity = Literal["critical", "high", "medium", "low", "info"]
"""How bad a row is, the worst first."""


class ComparisonSide(StrEnum):
    """One of the two commits that are compared."""

    BASELINE = "baseline"
    CANDIDATE = "candidate"


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


_COUNTED_ON = frozenset(tuple(ComparedDimension)[:4])
"""Those without which nothing can be called stable, once they were asked for."""


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
    """One thing that was compared.

    Raises:
        ValueError: for a row that contradicts itself: one that regressed and is not eligible.
    """

    dimension: ComparedDimension
    unit: str
    axis: str = "-"
    classification: Classification
    baseline: str = "-"
    candidate: str = "-"
    regressed: bool = False
    severity: Severity = "info"
    status: str = "same"
    file_line: str = ""
    description: str = ""
    at: str = ""

    @model_validator(mode="after")
    def _consistent(self) -> ComparedRow:
        if self.regressed and self.classification is not Classification.ELIGIBLE:
            raise ValueError(f"a {self.classification} row is no regression")
        return self


@dataclass(frozen=True)
class RegressionVerdict:
    """The verdict, and why, the weightiest reason first."""

    word: VerdictWord
    reasons: tuple[str, ...] = ()


def verdict_of(rows: Sequence[ComparedRow]) -> RegressionVerdict:
    """Return the verdict that the rows add up to.

    A row that regressed decides, whatever else is well. It takes something that ran on both sides to be stable: a comparison of
    files alone is none, and neither is one whose baseline did not run.
    """
    if broken := [row for row in rows if row.regressed]:
        reasons = tuple(f"{row.dimension}: {row.unit} {row.status}" for row in broken)
        return RegressionVerdict(VerdictWord.UNSTABLE, reasons)
    unavailable = [row for row in rows if row.classification is Classification.UNAVAILABLE]
    if blind := [row for row in unavailable if row.dimension in _COUNTED_ON]:
        reasons = tuple(f"{row.unit}: {row.description}" for row in blind)
        return RegressionVerdict(VerdictWord.BASELINE_UNAVAILABLE, reasons)
    if all(row in unavailable or row.dimension is ComparedDimension.API_CONTRACT for row in rows):
        return RegressionVerdict(VerdictWord.BASELINE_UNAVAILABLE, ("nothing ran on both sides",))
    return RegressionVerdict(VerdictWord.STABLE)


_MOST = 40


def report_page(
    plan: ComparisonPlan,
    verdict: RegressionVerdict,
    rows: Sequence[ComparedRow],
    unmeasured: Sequence[tuple[str, str]],
    causes: Sequence[tuple[str, str, str, str]],
    doubts: Sequence[str] = (),
) -> str:
    """Write stability-report.md: the verdict and why, what was compared and how, what was not."""
    named = [(f"R{place}", row) for place, row in enumerate(rows, 1)]
    worse = [pair for pair in named if pair[1].regressed]
    other = [pair for pair in named if not pair[1].regressed and pair[1].status != "same"]
    compared = f"Candidate `{plan.candidate[:12]}` against baseline `{plan.base[:12]}` ({plan.told})."
    parts = [
        f"# {verdict.word}\n",
        (compared if plan.base else plan.why) + "\n",
        section("Why", [f"- {why}" for why in verdict.reasons[:_MOST]]),
        section("Doubts", [f"- {doubt}" for doubt in doubts]),
        section("Regressed", [_line(id, row) for id, row in worse[:_MOST]]),
        section("Causes", [f"- **{id}** {row}, `{place}`: {why}" for id, row, place, why in causes]),
        section("Does not count against the change", [_line(id, row) for id, row in other[:_MOST]]),
        section("The same on both sides", [_line(id, row) for id, row in named if row.status == "same"][:_MOST]),
        section("Not measured", [f"- {name}: {why}" for name, why in unmeasured]),
        section("Notes", [f"- {note}" for note in plan.notes]),
        section(
            "Commands",
            [
                f"- {job.dimension}: `{job.command}`"
                + (f" with `{job.cell}`" if job.cell else "")
                + (f", on the candidate with the base's {', '.join(plan.old_files)}" if job.old_tests else "")
                for job in plan.jobs
            ],
        ),
    ]
    return "\n".join(part for part in parts if part)


def _line(id: str, row: ComparedRow) -> str:
    where = f", `{row.file_line}`" if row.file_line else ""
    why = f": {row.description}" if row.description else ""
    cell = f", {row.axis}" if row.axis != "-" else ""
    return f"- **{id}** {row.dimension}{cell}, {row.status}: {row.unit} ({row.baseline} -> {row.candidate}){where}{why}"
