"""Fixing: the server counts what is broken and hands out the queue; the ordinary loop brings the count down, one error at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from ...diagnostics.diagnostic import MASKING, Trouble
from ...errors import Code
from ..ledger.handoff import Ending, HandoffFinding
from ..ledger.items import Depth, Item, Workflow
from ..ledger.pages import lines, many
from ..ledger.rules import Check, Coverage, Objection, Pages, Score, WorkflowRules
from ..ledger.state import Ledger
from .items import Broken, FixOptions, SetAside, Witness
from .pages import (
    end_lines,
    errors_page,
    finding,
    result,
    stuck,
    witness_line,
)
from .queue import (
    ErrorState,
    NotReproduced,
    QueuedError,
    at_end,
    first_detected,
    iterations,
    last_detected,
    queued_errors,
    remaining,
    witnesses,
    workable,
)

SHOWN = 12
_WEIGHTS = (
    f"In the metric an error that may hide others counts {MASKING:,} or more, so that those it gives way to are no step "
    "back. The plan ends once nothing hides others; then `run` looks again, and hands out the plan for the rest."
)
_CATEGORIES = (Trouble.BUILD, Trouble.TEST, Trouble.TYPES, Trouble.LINT, Trouble.WARNING, Trouble.BUG)


def _not_open(ledger: Ledger, item: SetAside) -> Objection | None:
    there = next((one for one in queued_errors(ledger) if one.id == item.item), None)
    if there is not None and there.state is ErrorState.OPEN:
        return None
    how = there.state if there else "not there"
    return Objection(Code.OUT_OF_ORDER, f"{item.item} is {how}; only an open error can be set aside.")


class Fix(WorkflowRules):
    """Numbers are the server's: what was found, what each iteration did to the count, what is left."""

    name = Workflow.FIX
    options = FixOptions
    kinds = (SetAside, Witness)
    found: ClassVar[Mapping[str, type[Item]]] = {"error": Broken}
    rounds: ClassVar[Mapping[Depth, int]] = {Depth.SHALLOW: 5, Depth.STANDARD: 20, Depth.DEEP: 60}
    onwards = ("ship", "regression")
    checks: ClassVar[Mapping[type[Item], tuple[Check, ...]]] = {SetAside: (_not_open,)}
    pages: ClassVar[Pages] = {"errors.md": errors_page}

    def comparable(self, ledger: Ledger, item: Item) -> bool:
        return False  # several errors may wait for the same reason

    def costs(self, kind: str) -> bool:
        return False  # rounds are iterations of the loop

    def spent(self, ledger: Ledger) -> int:
        return len(iterations(ledger))

    def coverage(self, ledger: Ledger) -> tuple[Coverage, ...]:
        known, seen, ended = queued_errors(ledger), witnesses(ledger), at_end(ledger)
        gone = sum(one.state is ErrorState.FIXED for one in known)
        counted = ended.count is not None or ended.problem or not gone
        mended = Coverage("errors fixed" if counted else "errors found no more by the loop", gone, len(known))
        wanting = [one.id for one in known if one.wants_witness]
        second = Coverage("with a second witness", sum(id in seen for id in wanting), len(wanting))
        return (mended, second) if wanting else (mended,)

    def scores(self, ledger: Ledger) -> tuple[Score, ...]:
        """Return the share of all errors ever seen that are gone and not merely hidden; 100 where there never were any."""
        known, left = len(queued_errors(ledger)), len(remaining(ledger))
        known, gone = max(known, left), max(known, left) - left - sum(at_end(ledger).suppressions.values())
        return (Score("fix", 100 * max(0, gone) / known if known else 100.0),)

    def missing(self, ledger: Ledger) -> tuple[str, ...]:
        if problem := at_end(ledger).problem:
            return (f"a count in a clean checkout of HEAD: {problem}",)
        if len(remaining(ledger)) <= ledger.opts(FixOptions).target:
            return ()
        turn = workable(ledger)
        if turn:
            old = at_end(ledger).old_tests
            by = f" ({old} only by the tests of the opening)" if old else ""
            return (f"{many(len(turn), 'open error')}: {', '.join(one.id for one in turn[:SHOWN])}{by}",)
        unlisted = len(remaining(ledger)) - sum(one.state is not ErrorState.FIXED for one in queued_errors(ledger))
        return (f"{unlisted} errors beyond those listed: call workflow with `run`",) if unlisted > 0 else ()

    def ending(self, ledger: Ledger) -> Ending:
        ended, left = at_end(ledger), len(remaining(ledger))
        done = left <= ledger.opts(FixOptions).target and not ended.suspicious
        return Ending.COMPLETE if done else Ending.BLOCKED

    def allowed(self, ledger: Ledger) -> str:
        left, known = len(remaining(ledger)), [one.id for one in queued_errors(ledger) if one.wants_witness]
        alone, named = [id for id in known if id not in witnesses(ledger)], at_end(ledger).named
        told = lines(
            0 < left <= ledger.opts(FixOptions).target and f"{left} left, allowed by the target",
            alone and f"{len(alone)} of {len(known)} mended without a second witness",
            named and f"the change writes values of red tests into the code: {', '.join(named[:5])}",
        )
        return "; ".join(told)

    def state(self, ledger: Ledger) -> list[str]:
        turn, seen, gone = workable(ledger), last_detected(ledger), ledger.seen(NotReproduced)
        return lines(
            _count_line(ledger),
            *end_lines(ledger),
            turn and f"Next: {_line(turn[0])}",
            *(_line(one) for one in turn[1:SHOWN]),
            len(turn) > SHOWN and f"… and {len(turn) - SHOWN} more",
            *(f"{one.id} {one.state}: {one.reason}" for one in stuck(ledger)),
            not turn and witness_line(ledger),
            not (turn or ledger.closed or self.missing(ledger)) and "No error is open: close it.",
            *(f"Not looked at: {why}" for why in seen.left_out),
            *(f"Not counted: {why}" for why in seen.by_hand),
            *(f"Its own command finds nothing: {title}" for title in (gone.titles if gone else ())),
            _hiding(ledger) and _WEIGHTS,
        )

    def findings(self, ledger: Ledger) -> tuple[HandoffFinding, ...]:
        order = {ErrorState.FIXED: 1}
        known = queued_errors(ledger)
        ordered = sorted(known, key=lambda one: (order.get(one.state, 0), one.entry.item.found.rank, int(one.id[1:])))
        return tuple(finding(ledger, one) for one in ordered)

    def config(self, ledger: Ledger) -> dict[str, Any]:
        plan = dict(last_detected(ledger).plan)
        if not plan or not workable(ledger):
            return result(ledger)
        most = self.most(ledger.options)
        return plan | ({"iterations": max(1, most - self.spent(ledger))} if most else {})


def categories(options: FixOptions) -> tuple[Trouble, ...]:
    """Return the kinds of trouble that are asked for; none for all.

    Raises:
        ValueError: naming what is no category.
    """
    known = {kind.value: kind for kind in _CATEGORIES} | {"types": Trouble.TYPES, "tests": Trouble.TEST}
    if unknown := [word for word in options.category if word not in known]:
        raise ValueError(f"{', '.join(unknown)}: no category. Use {', '.join(_CATEGORIES)}.")
    return tuple(dict.fromkeys(known[word] for word in options.category))


def next_line(ledger: Ledger) -> str:
    """Return what stands after an iteration, and whose turn it is, in a sentence or two."""
    rows = iterations(ledger)
    last = rows[-1] if rows else None
    there = next((one for one in queued_errors(ledger) if last and one.id == last.item), None)
    how = "is not found any more" if there and there.state is ErrorState.FIXED else f"is {there.state}" if there else ""
    settled = f"{there.id} {how}. " if there and there.state is not ErrorState.OPEN else ""
    broke = f"It broke: {'; '.join(last.broke)}. " if last and last.broke else ""
    turn = workable(ledger)
    return f"{broke}{settled}{len(turn)} open. {_onward(ledger, turn)}"


def _onward(ledger: Ledger, turn: Sequence[QueuedError]) -> str:
    if not turn:
        return "No error is open any more: finish_session, a `witness` for each cause of a bug or red test, then close the ledger."
    if _can_see(ledger):
        return (
            "Nothing hides others any more: finish_session, then workflow with `run` hands out the plan for the rest."
        )
    return f"Next: {_line(turn[0])}"


def _can_see(ledger: Ledger) -> bool:
    """Return whether what hid others at the last look is mended, so that another look shows the rest."""
    return last_detected(ledger).blind and not _hiding(ledger)


def _hiding(ledger: Ledger) -> bool:
    return any(one.entry.item.found.hides for one in queued_errors(ledger) if one.state is not ErrorState.FIXED)


def _line(one: QueuedError) -> str:
    tried = f" ({len(one.failures)} of 3 tries failed)" if one.failures else ""
    return f"{one.id} {one.entry.item.title[:300]}{tried}"


def _count_line(ledger: Ledger) -> str:
    counted = Counter(
        one.entry.item.found.trouble for one in queued_errors(ledger) if one.state is not ErrorState.FIXED
    )
    kinds = ", ".join(f"{number} {kind}" for kind, number in sorted(counted.items()))
    first = first_detected(ledger).count
    return f"{len(remaining(ledger))} errors are left, {first} at the start" + (f": {kinds}." if kinds else ".")
