"""Fixing: the server counts what is broken and hands out the queue; the ordinary loop brings the count down, one error at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from ...diagnostics.diagnostic import MASKING, Trouble
from ...errors import Code
from ..ledger.handoff import Ending, HandoffFinding
from ..ledger.items import Depth, Item, Proof, Workflow
from ..ledger.pages import lines, section, table
from ..ledger.rules import Check, Coverage, Objection, Pages, WorkflowRules
from ..ledger.scores import Score, fix_score
from ..ledger.state import Ledger
from .queue import (
    Broken,
    ErrorState,
    FixIteration,
    FixOptions,
    NotReproduced,
    QueuedError,
    SetAside,
    at_end,
    first_detected,
    iterations,
    last_detected,
    queued_errors,
    remaining,
    workable,
)

SHOWN = 12
_WEIGHTS = (
    f"In the metric an error that may hide others counts {MASKING:,} or more, so that those it gives way to are no step "
    "back. The plan ends once nothing hides others; then `run` looks again, and hands out the plan for the rest."
)
_CATEGORIES = (Trouble.BUILD, Trouble.TEST, Trouble.TYPES, Trouble.LINT, Trouble.WARNING, Trouble.BUG)


_IMPACTS = (
    ("HIGH", 10, "run the whole suite and have it reviewed"),
    ("MEDIUM", 3, "run the tests of what depends on it"),
    ("LOW", -1, "its own tests do"),
)
"""How far a change of a file reaches if more files than so many import it, and what to do about it."""


def _results_table(ledger: Ledger) -> str:
    columns = ("iteration", "commit", "item", "category", "errors", "delta", "guard", "status", "description")
    return table(columns, [_row(ledger, place, one) for place, one in enumerate(iterations(ledger), 1)])


def _row(ledger: Ledger, number: int, one: FixIteration) -> tuple[object, ...]:
    entry = ledger.find(one.item)
    category = entry.item.found.trouble if entry and isinstance(entry.item, Broken) else "-"
    errors = "-" if one.errors is None else one.errors
    delta = "-" if one.delta is None else f"{one.delta:+d}"
    status = "fixed" if one.kept else one.status
    return (number, one.commit[:7], one.item, category, errors, delta, one.guard, status, one.description)


def _stuck(ledger: Ledger) -> list[QueuedError]:
    return [one for one in queued_errors(ledger) if one.state in {ErrorState.BLOCKED, ErrorState.SET_ASIDE}]


def _blocked_error(one: QueuedError) -> str:
    tries = [f"- iteration {row.iteration} ({row.status}): {row.description}. {row.why}" for row in one.failures]
    return section(f"{one.id}: {one.entry.item.title}", [f"{one.state}: {one.reason}\n", *tries])


def _blocked_page(ledger: Ledger) -> str:
    blocked = "\n".join(map(_blocked_error, _stuck(ledger))) or "Nothing: no error was given up.\n"
    ended = at_end(ledger)
    judged = [f"- {one}" for one in (*ended.touched, *ended.hidden, *(f"{path} changed" for path in ended.linked))]
    return f"# Not mended\n\n{blocked}" + section("For a person to judge", judged)


def _errors_page(ledger: Ledger) -> str:
    known, ended = queued_errors(ledger), at_end(ledger)
    parts = [
        section(state.capitalize(), [f"- **{one.id}** {one.entry.item.title}" for one in known if one.state is state])
        for state in ErrorState
    ]
    parts.append(section("Hidden rather than mended", [f"- {line}" for line in ended.hidden]))
    after = "not counted" if ended.count is None else ended.count
    why = f" ({ended.problem})" if ended.problem else ""
    numbers = f"{first_detected(ledger).count} errors at the start, {after} at the end{why}"
    told = "".join(f"{line}\n\n" for line in _end_lines(ledger))
    head = f"# Errors\n\n{numbers}, both counted by the server.\n\n{told}"
    return head + "\n".join(part for part in parts if part)


def _end_lines(ledger: Ledger) -> list[str]:
    """Say where the count at the end is another than the one where the agent works, and what a person has to look at."""
    ended = at_end(ledger)
    differs = ended.count is not None and ended.before is not None and ended.count != ended.before
    beside = f" Git does not have these files, which changed since the opening: {', '.join(ended.unseen)}."
    return lines(
        (differs or ended.old_tests)
        and f"Counted in a clean checkout of HEAD: {ended.count} errors"
        + (f", not the {ended.before} of the last count before." if differs else ".")
        + (f" {ended.old_tests} of them only by the tests of the opening." if ended.old_tests else "")
        + (beside if ended.unseen else ""),
        ended.touched
        and "Tests and settings are not as they were at the opening, which a person has to judge: "
        f"{'; '.join(ended.touched[:20])}.",
        ended.lost
        and f"Gone from test files or changed: {', '.join(f'{n} {kind}' for kind, n in ended.lost.items())}.",
        ended.linked
        and "The count rests on dependencies that git does not have and that changed since the opening: "
        f"{', '.join(ended.linked)}. A person has to look at them.",
    )


def _impact_page(ledger: Ledger) -> str:
    changed = at_end(ledger).changed
    rows = ["| changed file | dependents | impact | so |", "|---|---|---|---|"]
    for one in sorted(changed, key=lambda one: (-one.dependents, one.path)):
        impact = next(impact for impact in _IMPACTS if one.dependents > impact[1])
        rows.append(f"| `{one.path}` | {one.dependents} | {impact[0]} | {impact[2]} |")
    how = (
        "Dependents are tracked files with an import, require or include that ends in the file's module name; "
        "what is loaded in another way is not seen."
    )
    body = "\n".join(rows) if changed else "No file changed."
    return f"# How far the changes reach\n\n{body}\n\n{how}\n"


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
    kinds = (SetAside,)
    found: ClassVar[Mapping[str, type[Item]]] = {"error": Broken}
    rounds: ClassVar[Mapping[Depth, int]] = {Depth.SHALLOW: 5, Depth.STANDARD: 20, Depth.DEEP: 60}
    onwards = ("ship", "regression")
    checks: ClassVar[Mapping[type[Item], tuple[Check, ...]]] = {SetAside: (_not_open,)}
    pages: ClassVar[Pages] = {
        "fix-results.tsv": _results_table,
        "blocked.md": _blocked_page,
        "impact-assessment.md": _impact_page,
        "errors.md": _errors_page,
    }

    def comparable(self, ledger: Ledger, item: Item) -> bool:
        return False  # several errors may wait for the same reason

    def costs(self, kind: str) -> bool:
        return False  # rounds are iterations of the loop

    def spent(self, ledger: Ledger) -> int:
        return len(iterations(ledger))

    def coverage(self, ledger: Ledger) -> tuple[Coverage, ...]:
        counted = Counter(one.state for one in queued_errors(ledger))
        return (Coverage("errors fixed", counted[ErrorState.FIXED], counted.total()),)

    def scores(self, ledger: Ledger) -> tuple[Score, ...]:
        known, left = len(queued_errors(ledger)), len(remaining(ledger))
        hidden = sum(at_end(ledger).suppressions.values())
        return (fix_score(max(known, left), left, hidden),)

    def missing(self, ledger: Ledger) -> tuple[str, ...]:
        if problem := at_end(ledger).problem:
            return (f"a count in a clean checkout of HEAD: {problem}",)
        if len(remaining(ledger)) <= ledger.opts(FixOptions).target:
            return ()
        turn = workable(ledger)
        if turn:
            return (f"{len(turn)} open errors; next {_line(turn[0])}",)
        unlisted = len(remaining(ledger)) - sum(one.state is not ErrorState.FIXED for one in queued_errors(ledger))
        return (f"{unlisted} errors beyond those listed: call workflow with `run`",) if unlisted > 0 else ()

    def ending(self, ledger: Ledger) -> Ending:
        ended, left = at_end(ledger), len(remaining(ledger))
        done = left <= ledger.opts(FixOptions).target and not ended.suspicious
        return Ending.COMPLETE if done else Ending.BLOCKED

    def state(self, ledger: Ledger) -> list[str]:
        turn, seen, gone = workable(ledger), last_detected(ledger), ledger.seen(NotReproduced)
        return lines(
            _count_line(ledger),
            *_end_lines(ledger),
            turn and f"Next: {_line(turn[0])}",
            *(_line(one) for one in turn[1:SHOWN]),
            len(turn) > SHOWN and f"… and {len(turn) - SHOWN} more",
            *(f"{one.id} {one.state}: {one.reason}" for one in _stuck(ledger)),
            *(f"Not looked at: {why}" for why in seen.left_out),
            *(f"Not counted: {why}" for why in seen.by_hand),
            *(f"Its own command finds nothing: {title}" for title in (gone.titles if gone else ())),
            _hiding(ledger) and _WEIGHTS,
        )

    def findings(self, ledger: Ledger) -> tuple[HandoffFinding, ...]:
        left = [one for one in queued_errors(ledger) if one.state is not ErrorState.FIXED]
        ordered = sorted(left, key=lambda one: (one.entry.item.found.rank, int(one.id[1:])))
        return tuple(
            HandoffFinding(
                id=one.id,
                title=one.entry.item.found.message,
                kind=one.entry.item.found.trouble,
                severity=one.entry.item.severity,
                location=one.entry.item.found.place,
                detail=f"{one.state}{f': {one.reason}' if one.reason else ''}. Found by {one.entry.item.found.tool}.",
                proof=Proof(command=one.entry.item.check),
                confirmed=True,
            )
            for one in ordered
        )

    def config(self, ledger: Ledger) -> dict[str, Any]:
        plan = dict(last_detected(ledger).plan)
        if not plan or not workable(ledger):
            return {}
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
    settled = f"{there.id} is {there.state}. " if there and there.state is not ErrorState.OPEN else ""
    turn = workable(ledger)
    return f"{settled}{len(turn)} open. {_onward(ledger, turn)}"


def _onward(ledger: Ledger, turn: Sequence[QueuedError]) -> str:
    if not turn:
        return "No error is open any more: finish_session, then close the fix ledger."
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
