"""Comparing two commits by their tests: each by how often it failed on either side."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from ..running.testruns import CaseOutcome, ReportForm
from .ranks import more_often, seen_once
from .readings import CHANCE, ComparisonJob, ComparisonReading, Failure, ParsedReading, last_line, runs_of, unusable
from .verdict import Classification, ComparedDimension, ComparedRow, ComparisonSide, Severity

RARE = 0.05
"""A flake that is told about: one run in twenty."""


@dataclass(frozen=True)
class Rate:
    """How often something failed, of the runs in which it could."""

    failed: int
    runs: int

    def __str__(self) -> str:
        return (
            "absent"
            if not self.runs
            else "green"
            if not self.failed
            else "red"
            if self.failed == self.runs
            else f"red {self.failed}/{self.runs}"
        )

    @property
    def mixed(self) -> bool:
        """Whether it did both."""
        return 0 < self.failed < self.runs


_NEVER = Rate(0, 0)


@dataclass(frozen=True)
class RateFinding:
    """What two rates say: whose fault it can be, whether it got worse, and as which dimension."""

    classification: Classification
    regressed: bool = False
    flaky: bool = False
    status: str = "same"


def compare_rates(base: Rate, head: Rate) -> RateFinding:
    """Judge two rates: green to red is a regression, red to red none. Where either did both, the rates have to differ beyond chance (Fisher)."""
    if not base.runs:
        return RateFinding(
            Classification.NEW_COVERAGE, status="new" if head.runs and not head.failed else "new and red"
        )
    if not head.runs:
        return RateFinding(Classification.ELIGIBLE, status="gone")
    if base.mixed or head.mixed:
        return _flaky(base, head)
    if base.failed:
        fixed = not head.failed
        return RateFinding(
            Classification.ELIGIBLE if fixed else Classification.PRE_EXISTING, status="fixed" if fixed else "red before"
        )
    return RateFinding(Classification.ELIGIBLE, bool(head.failed), status="green to red" if head.failed else "same")


def _flaky(base: Rate, head: Rate) -> RateFinding:
    worse = more_often(head.failed, head.runs, base.failed, base.runs)
    if worse > CHANCE:
        status = "flaky before" if base.mixed else "flaky, perhaps new" if not base.failed else "red to flaky"
        return RateFinding(Classification.FLAKY, status=status)
    if head.failed == head.runs:
        return RateFinding(Classification.ELIGIBLE, True, status="flaky to red")
    return RateFinding(Classification.ELIGIBLE, True, flaky=True, status="flakier")


def compared_tests(job: ComparisonJob, readings: Sequence[ComparisonReading]) -> tuple[ComparedRow, ...]:
    """Return the rows of a command that is green or red: its tests where it reports them, and itself where they do not explain it."""
    base, head = (runs_of(readings, job, side) for side in ComparisonSide)
    if not (base and head):
        return ()
    if unusable(job, base):
        return (_unavailable(job, base),)
    rows = list(_by_tests(job, base, head))
    before, now = (Rate(sum(one.unexplained for one in runs), len(runs)) for runs in (base, head))
    if job.form is ReportForm.NONE:
        rows.append(_row(job, f"`{job.name}`", before, now, Failure(id="", message=last_line(head))))
    elif before.failed or now.failed:
        message = f"ends badly though no test failed; {last_line(head)}"
        rows.append(_row(job, f"`{job.name}`", before, now, Failure(id="", message=message)))
    return (*rows, *_summary(job, base, head, rows))


def compared_old_tests(
    job: ComparisonJob, readings: Sequence[ComparisonReading], told: Collection[str]
) -> Iterator[ComparedRow]:
    """Yield a row for each test of the base that the candidate's code turned red, those aside that regressed as they are `told` of
    already. A test that cannot be loaded with that code tells nothing.
    """
    base, head = (runs_of(readings, job, side) for side in ComparisonSide)
    then, now = rates(base), rates(head)
    failures = {one.id: one for run in head for one in run.reading.failed}
    if job.form is ReportForm.NONE:
        command = f"`{job.name}`"
        then, now = ({command: Rate(sum(one.unexplained for one in runs), len(runs))} for runs in (base, head))
        failures = {command: Failure(id=command, message=last_line(head))}
    for test in sorted((then.keys() & now.keys()) - _files(head) - set(told)):
        row = _row(job, test, then[test], now[test], failures.get(test))
        if row.regressed:
            yield row.model_copy(update={"status": f"{row.status} by the base's test"})


def _by_tests(
    job: ComparisonJob, base: Sequence[ParsedReading], head: Sequence[ParsedReading]
) -> Iterator[ComparedRow]:
    """A row for each test that did not fare the same on both sides, or was not green."""
    then, now = rates(base), rates(head)
    before, after = then.keys() - _files(base), now.keys() - _files(head)
    renamed = renames(before - after, after - before)
    lost = before - after - renamed.keys()
    failures = {one.id: one for run in (*base, *head) for one in run.reading.failed}
    yield from _unloaded(job, base, head, lost)
    skipped = {test for run in head for test, outcome in (run.tests or {}).items() if outcome is CaseOutcome.SKIPPED}
    for test in sorted((before | after) - set(renamed.values()) - (lost if _files(head) else set())):
        twin = renamed.get(test, test)
        name = test if twin == test else f"{twin} (was {test})"
        failure = failures.get(twin) or failures.get(test)
        row = _row(job, name, then.get(test, _NEVER), now.get(twin, _NEVER), failure)
        if row.status != "same":
            yield row.model_copy(update={"status": "skipped now"}) if row.status == "gone" and test in skipped else row


def _unloaded(
    job: ComparisonJob, base: Sequence[ParsedReading], head: Sequence[ParsedReading], lost: Collection[str]
) -> Iterator[ComparedRow]:
    """Files that could not be loaded, and the tests that were there before and did not run because of them: these are red."""
    failed = [one for run in head for one in run.reading.failed if one.broken]
    if failed and lost:
        unloaded = sum(not run.loaded for run in head)
        unit = f"{len(lost)} tests of `{job.name}`"
        why = failed[0].model_copy(update={"message": f"{failed[0].id} could not be loaded: {failed[0].message}"})
        yield _row(job, unit, Rate(0, len(base)), Rate(unloaded, unloaded), why)
    explained = _files(head) - _files(base) if lost else set()
    for file in sorted((_files(base) | _files(head)) - explained):
        counts = [sum(file in (run.tests or {}) for run in runs) for runs in (base, head)]
        then = Rate(counts[0], len(base)) if counts[0] else _NEVER
        yield _row(job, file, then, Rate(counts[1], len(head)), next((one for one in failed if one.id == file), None))


def rates(runs: Sequence[ParsedReading]) -> dict[str, Rate]:
    """Count how often each test failed, of the runs in which it passed or failed."""
    failed: Counter[str] = Counter()
    ran: Counter[str] = Counter()
    for run in runs:
        for test, outcome in (run.tests or {}).items():
            ran[test] += outcome is not CaseOutcome.SKIPPED
            failed[test] += outcome is CaseOutcome.FAILED
    return {test: Rate(failed[test], count) for test, count in ran.items() if count}


def renames(gone: Iterable[str], new: Iterable[str]) -> dict[str, str]:
    """Return which new test a vanished one became: the only one of the same name, else the only new one where it stood alone."""
    found: dict[str, str] = {}
    name, place = (lambda test: test.rpartition("::")[2]), (lambda test: test.rpartition("::")[0] or test)
    for key in (name, place):
        left, right = _grouped(set(gone) - found.keys(), key), _grouped(set(new) - set(found.values()), key)
        found |= {left[one][0]: right[one][0] for one in left if len(left[one]) == len(right.get(one, ())) == 1}
    return found


def _grouped(tests: Iterable[str], key: Callable[[str], str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for test in sorted(tests):
        found.setdefault(key(test), []).append(test)
    return found


def _files(runs: Sequence[ParsedReading]) -> set[str]:
    """Ids that stand for files that could not be loaded, not for tests."""
    return {one.id for run in runs for one in run.reading.failed if one.broken}


def _row(job: ComparisonJob, name: str, base: Rate, head: Rate, failure: Failure | None) -> ComparedRow:
    found = compare_rates(base, head)
    doubtful = found.flaky or found.classification is Classification.FLAKY
    dimension = ComparedDimension.FLAKINESS if doubtful else job.dimension
    return ComparedRow(
        dimension=dimension,
        unit=name,
        axis=job.cell or "-",
        classification=found.classification,
        baseline=str(base),
        candidate=str(head),
        regressed=found.regressed,
        severity=_severity(dimension, found, base),
        status=found.status,
        file_line=f"{failure.path}:{failure.line}"
        if failure and failure.path and failure.line
        else failure.path
        if failure
        else "",
        description=_described(found, base, head, failure),
    )


def _severity(dimension: ComparedDimension, found: RateFinding, base: Rate) -> Severity:
    if found.regressed:
        return "critical" if dimension is ComparedDimension.DATA_MIGRATION else "medium" if found.flaky else "high"
    if found.classification is Classification.FLAKY or found.status in {"gone", "new and red"}:
        return "low"
    return "info"


def _described(found: RateFinding, base: Rate, head: Rate, failure: Failure | None) -> str:
    parts = [failure.message if failure and found.status not in {"gone", "fixed"} else ""]
    if base.mixed or head.mixed:
        chance = more_often(head.failed, head.runs, base.failed, base.runs)
        parts.append(f"by chance alone with probability {chance:.2g}")
    return " ".join("; ".join(part for part in parts if part).split())[:400]


def _unavailable(job: ComparisonJob, base: Sequence[ParsedReading]) -> ComparedRow:
    last = base[-1].reading
    how = "timed out" if last.timed_out else f"ended with {last.exit_code}"
    return ComparedRow(
        dimension=job.dimension,
        unit=f"`{job.name}`",
        axis=job.cell or "-",
        classification=Classification.UNAVAILABLE,
        baseline=how,
        status="no baseline",
        severity="low",
        description=f"the baseline itself {how} and names no test that was green: {last_line(base)}"[:400],
    )


def _summary(
    job: ComparisonJob, base: Sequence[ParsedReading], head: Sequence[ParsedReading], rows: Sequence[ComparedRow]
) -> list[ComparedRow]:
    """What was the same, in one row; and that flakes were looked for."""
    alike = (rates(base).keys() & rates(head).keys()) - {row.unit for row in rows}
    what = f"{len(alike)} tests of `{job.name}`" if job.form is not ReportForm.NONE else f"`{job.name}`"
    same = ComparedRow(dimension=job.dimension, unit=what, axis=job.cell or "-", classification=Classification.ELIGIBLE)
    found = []
    if len(head) > 1:
        chance = 100 * seen_once(RARE, len(head))
        looked = f"{len(base)} runs of the baseline and {len(head)} of the candidate; a test that fails one run in twenty shows in the latter with probability {chance:.1f} %"
        found.append(same.model_copy(update={"dimension": ComparedDimension.FLAKINESS, "description": looked}))
    if alike:
        green = {"baseline": str(Rate(0, len(base))), "candidate": str(Rate(0, len(head)))}
        found.append(same.model_copy(update={**green, "description": "green on both sides"}))
    return found
