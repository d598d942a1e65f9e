"""The commands of a comparison, what each run showed, which run is next, and rows for commands that give numbers.

All of it is derived from recorded runs, so a server that dies loses at most one run.
"""

from __future__ import annotations

import re
import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

from pydantic import Field

from ...session.events import Record
from ..ledger.state import LedgerFacts
from ..running.testruns import CaseOutcome, ReportForm, Test
from .ranks import larger
from .verdict import Classification, ComparedDimension, ComparedRow, ComparisonSide

OLD_TESTS = "-old-tests"
"""What the id of a command ends with that runs the tests of the base on the candidate's code."""
WARM_UP = 0
"""The number of the run that fills caches and is not counted."""
CHANCE = 0.05
"""What is likelier than this by chance alone is no proof."""
FEWEST_SAMPLES = 3
_METRIC = re.compile(
    r"^METRIC[ \t]+[^\s=]+[ \t]*=[ \t]*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)[ \t]*$", re.MULTILINE
)
VISUAL_ALLOWED = 0.1
"""Percent of the pixels that may differ more than before."""


class ComparisonJob(Record):
    """One command that is run on both sides, exactly as a person agreed to it. `cell` is a variable of the matrix, `name` the
    command without what makes it report its tests; `old_tests` tells that the candidate's code runs with the tests of the base,
    whose runs on the base are known from the command itself.
    """

    id: str
    dimension: ComparedDimension
    command: str
    name: str
    form: ReportForm = ReportForm.NONE
    cell: str = ""
    chooses: bool = False
    old_tests: bool = False

    def on(self, side: ComparisonSide) -> str:
        """Return the id under which its runs on a side are recorded."""
        return self.id.removesuffix(OLD_TESTS) if side is ComparisonSide.BASELINE else self.id

    @property
    def of_tests(self) -> bool:
        """Whether it runs tests as they stand in files."""
        return self.dimension in {ComparedDimension.FUNCTIONAL, ComparedDimension.INTEGRATION_E2E}

    @property
    def timed(self) -> bool:
        """Whether it gives a number to compare, rather than green and red."""
        return self.dimension in {ComparedDimension.PERFORMANCE, ComparedDimension.VISUAL_UI}


class Failure(Record):
    """A test that failed in a run."""

    id: str
    path: str = ""
    line: int = 0
    message: str = ""
    broken: bool = False


class ComparisonReading(LedgerFacts):
    """One run of one command on one side. `passed` is None where it is what the side's first report had, less the others.

    `seconds` is wall-clock time, `cpu_seconds` and `peak_bytes` are of all that the command started; `at` is in ISO 8601.
    """

    what: ClassVar[str] = "reading"

    job: str
    side: ComparisonSide
    number: int
    exit_code: int
    timed_out: bool = False
    value: float | None = Field(None, allow_inf_nan=False)
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_bytes: int = 0
    reported: bool = False
    failed: tuple[Failure, ...] = ()
    skipped: tuple[str, ...] = ()
    passed: tuple[str, ...] | None = None
    tail: str = ""
    output: str = ""
    seed: int = 0
    at: str = ""

    @property
    def green(self) -> bool:
        """Whether the command ended well."""
        return self.exit_code == 0 and not self.timed_out


@dataclass(frozen=True)
class ParsedReading:
    """A reading with its tests by id; None where it reported none. `loaded`: no file failed to load."""

    reading: ComparisonReading
    tests: Mapping[str, CaseOutcome] | None

    @cached_property
    def loaded(self) -> bool:
        return not any(one.broken for one in self.reading.failed)

    @property
    def unexplained(self) -> bool:
        """Red though no test failed: it could not start, was killed, or ended badly."""
        return not self.reading.green and not self.reading.failed


@dataclass(frozen=True)
class DueRun:
    """A run to make."""

    job: ComparisonJob
    side: ComparisonSide
    number: int


def recorded_tests(tests: Mapping[str, Test] | None, first: ParsedReading | None) -> dict[str, object]:
    """Return how every test fared as a reading records it: what passed is left out where the first report of the side tells it."""
    if tests is None:
        return {}
    failed = [one for one in tests.values() if one.outcome is CaseOutcome.FAILED]
    skipped = [one.id for one in tests.values() if one.outcome is CaseOutcome.SKIPPED]
    passed = [one.id for one in tests.values() if one.outcome is CaseOutcome.PASSED]
    known = first is not None and first.tests is not None and set(tests) == set(first.tests)
    return {
        "reported": True,
        "failed": [Failure(id=t.id, path=t.path, line=t.line, message=t.message, broken=t.broken) for t in failed],
        "skipped": skipped,
        "passed": None if known else passed,
    }


def runs_of(
    readings: Sequence[ComparisonReading], job: ComparisonJob, side: ComparisonSide
) -> tuple[ParsedReading, ...]:
    """Return the runs of a command on a side, in order, with their tests."""
    found: list[ParsedReading] = []
    every: set[str] = set()
    for reading in sorted(
        (one for one in readings if (one.job, one.side) == (job.on(side), side)), key=lambda one: one.number
    ):
        tests: dict[str, CaseOutcome] | None = None
        if reading.reported:
            others = {one.id: CaseOutcome.FAILED for one in reading.failed} | dict.fromkeys(
                reading.skipped, CaseOutcome.SKIPPED
            )
            passed = reading.passed if reading.passed is not None else every - others.keys()
            tests = {**dict.fromkeys(passed, CaseOutcome.PASSED), **others}
            every = every or set(tests)
        found.append(ParsedReading(reading, tests))
    return tuple(found)


def due(
    jobs: Sequence[ComparisonJob], readings: Sequence[ComparisonReading], reruns: int, samples: int
) -> DueRun | None:
    """Return the next run to make; None when everything is measured."""
    return next((found for job in jobs if (found := _due(job, readings, reruns, samples))), None)


def _due(job: ComparisonJob, readings: Sequence[ComparisonReading], reruns: int, samples: int) -> DueRun | None:
    done = {(one.side, one.number) for one in readings if one.job == job.on(one.side)}
    if job.timed:
        if any(not one.green for one in readings if one.job == job.id):
            return None
        turns = _interleaved(samples)
        return next((DueRun(job, side, number) for side, number in turns if (side, number) not in done), None)
    wanted = _wanted(job, readings, reruns)
    turns = ((side, number) for number in range(1, reruns + 1) for side in ComparisonSide if number <= wanted[side])
    return next((DueRun(job, side, number) for side, number in turns if (side, number) not in done), None)


def _interleaved(samples: int) -> Iterator[tuple[ComparisonSide, int]]:
    """Both sides by turns, who is first by turns as well, so that a machine that drifts favours neither."""
    for number in range(WARM_UP, samples + 1):
        for side in ComparisonSide if number % 2 else reversed(ComparisonSide):
            yield side, number


def _wanted(job: ComparisonJob, readings: Sequence[ComparisonReading], reruns: int) -> dict[ComparisonSide, int]:
    """How often each side runs: the candidate always as often as flakes are looked for, the baseline too once anything is red
    or differs. A baseline that cannot run at all gets one more chance.
    """
    base, head = (runs_of(readings, job, side) for side in ComparisonSide)
    if not (base and head):
        return {ComparisonSide.BASELINE: 1, ComparisonSide.CANDIDATE: 1}
    if unusable(job, base):
        return {ComparisonSide.BASELINE: min(2, reruns), ComparisonSide.CANDIDATE: 1}
    again = reruns if anything_differs(base, head) else 1
    return {ComparisonSide.BASELINE: again, ComparisonSide.CANDIDATE: again if job.old_tests else reruns}


def unusable(job: ComparisonJob, base: Sequence[ParsedReading]) -> bool:
    """Whether the baseline gives nothing to compare with: red as a whole, without a report of what was green."""
    return all(not one.reading.green and (job.form is ReportForm.NONE or one.tests is None) for one in base)


def anything_differs(base: Sequence[ParsedReading], head: Sequence[ParsedReading]) -> bool:
    """Whether anything was red, or the same test fared in two ways."""
    runs = (*base, *head)
    if any(not one.reading.green or one.reading.failed for one in runs):
        return True
    outcome: dict[str, CaseOutcome] = {}
    for one in runs:
        for test, how in (one.tests or {}).items():
            if outcome.setdefault(test, how) is not how:
                return True
    return False


def projected(jobs: Sequence[ComparisonJob], reruns: int, samples: int) -> int:
    """Count the most runs that a comparison can take: jobs times sides times repetitions, warm-ups with them."""
    return sum((1 if job.old_tests else 2) * (samples + 1 if job.timed else reruns) for job in jobs)


def value_of(printed: str) -> float | None:
    """Return the one number that a command printed as `METRIC name=value`; None where its time is all that it gives."""
    found = _METRIC.findall(printed)
    return float(found[0]) if len(found) == 1 else None


def last_line(runs: Sequence[ParsedReading]) -> str:
    """Return the last line that the last red one of some runs printed."""
    tails = [one.reading.tail for one in runs if not one.reading.green and one.reading.tail.strip()]
    return tails[-1].strip().splitlines()[-1][:200] if tails else ""


def compared_numbers(
    job: ComparisonJob, readings: Sequence[ComparisonReading], band: float, budget: float
) -> tuple[ComparedRow, ...]:
    """Return the rows of a command that gives numbers: its time or metric, and the memory and CPU time that it took.

    Args:
        band: percent by which a number may grow in any case.
        budget: percent by which memory and CPU time may grow.
    """
    base, head = (runs_of(readings, job, side) for side in ComparisonSide)
    failed = next((one for one in (*base, *head) if not one.reading.green), None)
    if failed is not None:
        return (_failed_number(job, failed),)
    sides = [[one.reading for one in runs if one.reading.number != WARM_UP] for runs in (base, head)]
    if min(map(len, sides)) < FEWEST_SAMPLES:
        return ()
    silent = {one.value is None for side in sides for one in side}
    if len(silent) > 1 or (silent == {True} and job.dimension is ComparedDimension.VISUAL_UI):
        why = "not every run printed one `METRIC name=value`, and a time is no such number"
        return (ComparedRow(dimension=job.dimension, unit=f"`{job.name}`", axis=job.cell or "-", classification=Classification.UNAVAILABLE,
                baseline="-", candidate="-", status="no number", description=why),)  # fmt: skip
    if job.dimension is ComparedDimension.VISUAL_UI:
        return (_visual(job, *([one.value or 0.0 for one in side] for side in sides)),)
    measures: tuple[tuple[ComparedDimension, str, float, Callable[[ComparisonReading], float]], ...] = (
        (ComparedDimension.PERFORMANCE, "", band, lambda one: one.seconds if one.value is None else one.value),
        (ComparedDimension.RESOURCE, " CPU seconds", budget, lambda one: one.cpu_seconds),
        (ComparedDimension.RESOURCE, " peak memory in bytes", budget, lambda one: float(one.peak_bytes)),
    )
    found = []
    for dimension, what, allowed, value in measures:
        base_values, head_values = ([value(one) for one in side] for side in sides)
        if dimension is ComparedDimension.PERFORMANCE or min(*base_values, *head_values) > 0:
            found.append(_number_row(job, dimension, f"`{job.name}`{what}", allowed, base_values, head_values))
    return tuple(found)


def _number_row(
    job: ComparisonJob,
    dimension: ComparedDimension,
    unit: str,
    band: float,
    base: Sequence[float],
    head: Sequence[float],
) -> ComparedRow:
    """Worse only if the ranks say so (Mann-Whitney, 5 %) and the medians differ by more than the band and twice the scatter."""
    before, now = statistics.median(base), statistics.median(head)
    if not before:
        return ComparedRow(dimension=dimension, unit=unit, axis=job.cell or "-", classification=Classification.UNAVAILABLE,
                   baseline="0", candidate=f"{now:.6g}", status="no baseline", description="the baseline is 0: nothing is a percentage of it")  # fmt: skip
    scatter = statistics.fmean([statistics.variance(base), statistics.variance(head)]) ** 0.5
    allowed = max(band, 200 * scatter / abs(before))
    delta, chance = 100 * (now - before) / abs(before), larger(head, base)
    worse = chance <= CHANCE and delta > allowed
    better = larger(base, head) <= CHANCE and -delta > allowed
    return ComparedRow(
        dimension=dimension,
        unit=unit,
        axis=job.cell or "-",
        classification=Classification.ELIGIBLE,
        baseline=f"{before:.6g}",
        candidate=f"{now:.6g}",
        regressed=worse,
        severity="medium" if worse else "info",
        status="worse" if worse else "better" if better else "same",
        description=f"medians of {len(base)} and {len(head)} runs by turns; {delta:+.1f} % with {allowed:.1f} % allowed (band {band:g} %, twice the scatter {200 * scatter / abs(before):.1f} %); p = {chance:.2g}",
    )


def _failed_number(job: ComparisonJob, failed: ParsedReading) -> ComparedRow:
    """A command that is to give numbers and failed: on the candidate that is the worst, on the baseline there is no comparison."""
    on_base = failed.reading.side is ComparisonSide.BASELINE
    how = "timed out" if failed.reading.timed_out else f"ended with {failed.reading.exit_code}"
    return ComparedRow(
        dimension=job.dimension,
        unit=f"`{job.name}`",
        axis=job.cell or "-",
        classification=Classification.UNAVAILABLE if on_base else Classification.ELIGIBLE,
        baseline=how if on_base else "green",
        candidate="-" if on_base else how,
        regressed=not on_base,
        severity="low" if on_base else "high",
        status="no baseline" if on_base else "green to red",
        description=last_line([failed]),
    )


def _visual(job: ComparisonJob, base: Sequence[float], head: Sequence[float]) -> ComparedRow:
    """A share of pixels that differ from the reference pictures, by median; more than before by a tenth of a percent is worse."""
    before, now = 100 * statistics.median(base), 100 * statistics.median(head)
    worse = now - before > VISUAL_ALLOWED
    return ComparedRow(
        dimension=job.dimension,
        unit=f"`{job.name}`",
        axis=job.cell or "-",
        classification=Classification.ELIGIBLE,
        baseline=f"{before:.4g} %",
        candidate=f"{now:.4g} %",
        regressed=worse,
        severity="medium" if worse else "info",
        status="worse" if worse else "same",
        description=f"pixels that differ from the reference, {VISUAL_ALLOWED:g} % more than before allowed",
    )
