"""The end of fixing: the same count once more, of what git has and nothing else, and what the changes hide."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from ...decision.measured import Measurement, Place
from ...diagnostics.diagnostic import Trouble
from ...diagnostics.inspection import Tally, inspection_of
from ...git.paired_checkout import PairedCheckout
from ...git.untracked import changed_below, changed_since
from ...lab.context import RepoContext
from ...measurement.meter import Meter
from ...measurement.ruler import ruler_now
from ...measurement.runs import RunNumbers, RunSpec
from ...plan.model import Plan
from ...text.redaction import redactor
from ..ledger.pages import lines
from ..ledger.state import Ledger
from ..running.controls import Control
from ..running.suppressions import hidden
from .items import FixOptions, Witness
from .protected import protected_changes, with_opening_tests
from .queue import ErrorsAtEnd, first_detected, last_detected, origin, remaining
from .values import written_from_tests

ENDING = "ending"
"""The name of the clean checkout, which is not a session's: another moment says what comes along."""
LONGEST_S = 3600.0
"""Seconds that one count may take."""


def counted_at_end(context: RepoContext, ledger: Ledger) -> tuple[ErrorsAtEnd, Tally | None]:
    """Count once more in a clean checkout of HEAD, so that no file which git does not have decides; and where tests or
    settings are not as they were at the opening, once with those. Return what was seen and the count, None without one.

    What changed since the opening in the dependencies that the commands read is named.
    """
    head = context.repo.head()
    unseen = changed_since(context.repo, ledger.at)
    plan = Plan.model_validate(last_detected(ledger).plan)
    changes = protected_changes(context, ledger, head)
    tally, problem = counted(context, ledger, plan, head)
    extra, last, commit = 0, tally, head
    if tally and changes.entries:
        commit = with_opening_tests(context, head, changes.entries)
        last, problem = counted(context, ledger, _as_many_tests(plan, first_detected(ledger).ran or 0), commit)
        problem = problem and f"with the tests of the opening: {problem}"
        tally, extra = _joined(tally, last) if last else (None, 0)
    if tally and last and tally.count <= ledger.opts(FixOptions).target:
        problem = _hides_failures(context, ledger, plan, commit)
        tally = None if problem else tally
    patch = context.repo.diff(origin(ledger), head)
    hiding = hidden(patch)
    blobs = {one.path: one.new_id for one in changes.entries}
    shared = [path for path in _clean(context, ledger).untracked_paths().shared if not path.endswith(".gradle")]
    seen = ErrorsAtEnd(
        count=tally.count if tally else None,
        ids=tally.ids if tally else None,
        before=len(remaining(ledger)),
        problem=problem,
        unseen=unseen,
        linked=changed_below(context.repo, shared, ledger.at),
        touched=changes.named,
        old_tests=extra,
        gone=tuple(one.id for one in ledger.of(Witness) if blobs.get(one.item.test) != one.item.blob),
        named=tuple(map(redactor(), written_from_tests(context, ledger, origin(ledger), patch))),
        suppressions=dict(Counter(one.kind.value for one in hiding)),
        hidden=tuple(redactor()(one.description) for one in hiding[:50]),
    )
    return seen, tally


def _hides_failures(context: RepoContext, ledger: Ledger, plan: Plan, commit: str) -> str:
    """Return why no green test of a commit says anything; empty where each that is green says itself that it ended well."""
    inspection = inspection_of(plan.verify)
    commands = [one.command for one in inspection.detections if one.trouble is Trouble.TEST] if inspection else []
    control = Control(context, _clean(context, ledger), LONGEST_S)
    passed = control.passing_anyway(commands, commit)
    return redactor()(f"passes although the test raises: {', '.join(passed[:5])}") if passed else ""


def _as_many_tests(plan: Plan, tests: int) -> Plan:
    """Return the plan of a count that asks for so many tests: a later look may have found new ones."""
    inspection = inspection_of(plan.verify)
    return plan.model_copy(update={"verify": replace(inspection, tests=tests).command_line()}) if inspection else plan


def counted(context: RepoContext, ledger: Ledger, plan: Plan, commit: str) -> tuple[Tally | None, str]:
    """Return the count of a commit in a clean checkout, or why there is none.

    What git does not have comes along as it was when the ledger was opened, and dependencies are linked.
    """
    if context.consent.missing(plan):
        return None, "not counted again: nobody agrees to the commands any more"
    clean = _clean(context, ledger)
    tree = context.repo.tree(commit)
    spec = RunSpec(Place.CLEAN, clean.folder, commit, tree, RunNumbers(), commit, clean, context.untracked)
    found = Meter(context.runs, plan, ruler_now(context.repo, plan)).verify(spec, LONGEST_S)
    tally = None if found.tampered else found.tally
    return tally, "" if tally else f"not counted again: {_why(found)}"


def _clean(context: RepoContext, ledger: Ledger) -> PairedCheckout:
    return PairedCheckout(context.repo, ENDING, ledger.at, pristine=True)


_BY_TESTS = frozenset({Trouble.TEST, Trouble.CRASH, Trouble.BUILD, Trouble.BUG})


def _joined(tally: Tally, other: Tally) -> tuple[Tally, int]:
    """Return a count with what another one found beyond it by building and testing, and how much that is."""
    more = [one for one in other.first if one.id not in tally.ids and one.trouble in _BY_TESTS]
    ids, first = (*tally.ids, *(one.id for one in more)), (*tally.first, *more)
    return replace(tally, count=tally.count + len(more), ids=ids, first=first), len(more)


def _why(found: Measurement) -> str:
    tampered = found.tampered and f"the commands changed {', '.join(found.tampered[:5])}"
    return " ".join(lines(tampered or found.problem or found.failure, redactor()(found.tail[-300:])))
