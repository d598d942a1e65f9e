"""What keeps a stable verdict from being a plain one: tests that stopped or ask something else, other commands, code that knows its judge."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...diagnostics.tracebacks import TEST_FILE
from ..running.signs import Suppression
from ..running.suppressions import hidden
from ..running.testruns import CaseOutcome
from .readings import ComparisonReading, runs_of
from .verdict import ComparedRow, ComparisonSide

if TYPE_CHECKING:
    from .items import ComparisonPlan

_OTHERWISE = frozenset({Suppression.SKIPPED, Suppression.ASSERTION, Suppression.HOOK})


@dataclass(frozen=True)
class Doubt:
    """One remark on a verdict. `open` says that a gate cannot tell with it whether the change is stable."""

    told: str
    open: bool = True


def told_by_patch(patch: str, removed: Iterable[str], old_files: Collection[str]) -> dict[str, Any]:
    """Return the fields of a plan that the change itself tells; `removed` are the files that it deletes, `old_files` tests that run
    as the base has them too.
    """
    hiding = hidden(patch)
    changed = {one.path for one in hiding if one.kind in _OTHERWISE and one.path not in old_files}
    return {
        "changed_tests": sorted(changed),
        "removed_tests": [path for path in removed if TEST_FILE.search(path)],
        "knows_runner": [f"{one.path}:{one.line}" for one in hiding if one.kind is Suppression.RUNNER],
    }


def doubts(plan: ComparisonPlan, rows: Sequence[ComparedRow], made: Sequence[ComparisonReading]) -> Iterator[Doubt]:
    """Yield what a reader of a stable verdict has to know before calling the change well."""
    old = [run for job in plan.jobs if job.old_tests for run in runs_of(made, job, ComparisonSide.CANDIDATE)]
    green = {test for run in old for test, outcome in (run.tests or {}).items() if outcome is CaseOutcome.PASSED}
    unread = {one.id for run in old for one in run.reading.failed if one.broken}
    skipped = {row.unit for row in rows if (row.status, row.baseline) == ("skipped now", "green")}
    gone = {row.unit for row in rows if (row.status, row.baseline) == ("gone", "green")}
    along = {unit for unit in gone if _stood_in(unit, plan.removed_tests)}
    counts = {"skipped now": skipped, "gone": gone - along, "gone with their file": along}
    if skipped or gone:
        listed = ", ".join(f"{len(units)} {how}" for how, units in counts.items() if units)
        many = len(skipped | gone)
        stopped = "1 test that was green does" if many == 1 else f"{many} tests that were green do"
        yield Doubt(f"{stopped} not run any more ({listed})", bool((skipped | (gone - along)) - green))
    if unread:
        removed = all(_stood_in(f"{one}:", plan.removed_tests) for one in unread)
        yield Doubt(f"tests of the base that this code cannot load: {', '.join(sorted(unread))}", not removed)
    if plan.changed_tests:
        yield Doubt(f"changed tests: {', '.join(plan.changed_tests)}")
    if perhaps := [row.unit for row in rows if row.status == "flaky, perhaps new"]:
        yield Doubt(f"red in some runs here and in none of the base: {', '.join(perhaps)}")
    if plan.knows_runner:
        yield Doubt(f"{Suppression.RUNNER}: {', '.join(plan.knows_runner)}")
    if plan.given:
        own = f"; the project's own {_quoted(plan.left_out)} did not run" if plan.left_out else ""
        yield Doubt(f"the tests are those of {_quoted(plan.given)}, which was given{own}", open=False)


def _stood_in(unit: str, files: Iterable[str]) -> bool:
    """Tell whether a test is named after one of the files, by its path or, as JUnit has it, by its module."""
    stems = [stem for path in files for stem in (path.rpartition(".")[0], path.rpartition(".")[0].replace("/", "."))]
    return unit.startswith(tuple(f"{stem}{mark}" for stem in stems for mark in ".:"))


def _quoted(commands: Iterable[str]) -> str:
    return ", ".join(f"`{command}`" for command in commands)
