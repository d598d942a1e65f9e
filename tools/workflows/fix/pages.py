"""What came of fixing, in words: the files of its end, and what it hands over of each error."""

from __future__ import annotations

from typing import Any

from ...diagnostics.diagnostic import Trouble
from ..ledger.handoff import HandoffFinding
from ..ledger.items import Proof, Settlement
from ..ledger.pages import code, lines, section
from ..ledger.state import Ledger
from .queue import (
    ErrorState,
    QueuedError,
    at_end,
    first_detected,
    mended_by,
    origin,
    queued_errors,
    witnesses,
)


def stuck(ledger: Ledger) -> list[QueuedError]:
    """Return the errors that nobody here mends."""
    return [one for one in queued_errors(ledger) if one.state in {ErrorState.BLOCKED, ErrorState.SET_ASIDE}]


def _told(one: QueuedError) -> list[str]:
    """Return an error on a line, with why it stands as it does and the tries that failed below."""
    why = f": {one.reason}" if one.reason else ""
    tries = [f"  - iteration {row.iteration} ({row.status}): {row.description}. {row.why}" for row in one.failures]
    return [f"- **{one.id}** {one.entry.item.title}{why}", *(tries if why else [])]


def errors_page(ledger: Ledger) -> str:
    """Return how each error stands."""
    known, ended = queued_errors(ledger), at_end(ledger)
    judged = (*ended.touched, *(f"{path} changed" for path in ended.linked))
    parts = [
        *(
            section(state.capitalize(), [line for one in known if one.state is state for line in _told(one)])
            for state in ErrorState
        ),
        section("Hidden rather than mended", [f"- {line}" for line in ended.hidden]),
        section("For a person to judge", [f"- {line}" for line in judged]),
    ]
    after = "not counted" if ended.count is None else ended.count
    why = f" ({ended.problem})" if ended.problem else ""
    numbers = f"{first_detected(ledger).count} errors at the start, {after} at the end{why}"
    told = "".join(f"{line}\n\n" for line in end_lines(ledger))
    head = f"# Errors\n\n{numbers}, both counted by the server.\n\n{told}"
    return head + "\n".join(part for part in parts if part)


def end_lines(ledger: Ledger) -> list[str]:
    """Say where the count at the end is another than the one where the agent works, and what a person has to look at."""
    ended = at_end(ledger)
    differs = ended.count is not None and ended.before is not None and ended.count != ended.before
    beside = f" Git does not have these files, which changed since the opening: {', '.join(ended.unseen)}."
    return lines(
        origin(ledger) != ledger.commit
        and f"Tests count as they were at {origin(ledger)[:7]}: an earlier ledger began there and left errors.",
        (differs or ended.old_tests)
        and f"Counted in a clean checkout of HEAD: {ended.count} errors"
        + (f", not the {ended.before} of the last count before." if differs else ".")
        + (f" {ended.old_tests} of them only by the tests of the opening." if ended.old_tests else "")
        + (beside if ended.unseen else ""),
        ended.touched
        and "Tests and settings are not as they were at the opening, which a person has to judge: "
        f"{'; '.join(ended.touched[:20])}.",
        ended.named
        and f"The change writes values of red tests into the code: {', '.join(ended.named)}. It may mend these alone.",
        ended.linked
        and "The count rests on dependencies that git does not have and that changed since the opening: "
        f"{', '.join(ended.linked)}. A person has to look at them.",
    )


def finding(ledger: Ledger, one: QueuedError) -> HandoffFinding:
    """Return what is handed over of an error, mended or not."""
    item, is_mended = one.entry.item, one.state is ErrorState.FIXED
    how = _how_mended(ledger, one) if is_mended else f"{one.state}{f': {one.reason}' if one.reason else ''}"
    second = witnesses(ledger).get(one.id)
    told = f"{'Mended by ' * is_mended}{how}."
    named = item.found.name if item.found.trouble is Trouble.TEST else ""
    return HandoffFinding(
        id=one.id,
        title=f"{named}: {item.found.message}" if named else item.found.message,
        kind=item.found.trouble,
        severity=item.severity,
        location=item.found.place,
        detail=f"{told} {f'{second.item.seen}. ' if second else ''}Found by {item.found.tool}.",
        proof=Proof(command=item.check),
        confirmed=True,
        outcome=Settlement.FIXED if is_mended else None,
        settled_by=how if is_mended else "",
    )


def _how_mended(ledger: Ledger, one: QueuedError) -> str:
    """Say by which commit an error was mended, and who saw it."""
    row = mended_by(ledger, one)
    by = f"commit {row.commit[:7]}" if row else "a commit outside of the loop"
    second = witnesses(ledger).get(one.id)
    if not one.wants_witness:
        return by
    return f"{by}, with a second witness: {second.item.test}" if second else f"{by}, for its reproduction only"


def witness_line(ledger: Ledger) -> str:
    """Say which mended errors have no second witness, and how to give one; empty where all have."""
    alone = [one.id for one in queued_errors(ledger) if one.wants_witness and one.id not in witnesses(ledger)]
    if not alone:
        return ""
    told = f"Mended for its reproduction only: {', '.join(alone)}."
    how = f'{{"kind": "witness", "items": "{alone[0]}", "test": "its path"}}'
    more = (
        f" A second witness is a new test file with another input, committed, for errors of one cause, that failed at the opening and passes now: "
        f"record {how}. The server runs both."
    )
    return told if ledger.closed else told + more


def result(ledger: Ledger) -> dict[str, Any]:
    """Return what came of it, for the summary and whoever takes the handoff."""
    seen, known = witnesses(ledger), [one for one in queued_errors(ledger) if one.wants_witness]
    ended, first = at_end(ledger), first_detected(ledger)
    found = {
        "counted by": ", ".join(map(code, first.commands)),
        "errors": f"{first.count} at the start, {ended.count} at the end, in a clean checkout of HEAD"
        if ended.count is not None
        else "",
        "mended with a second witness": ", ".join(one.id for one in known if one.id in seen),
        "mended for its reproduction only": ", ".join(one.id for one in known if one.id not in seen),
        "for a person to judge": "; ".join(end_lines(ledger)) if ended.suspicious else "",
    }
    return {name: value for name, value in found.items() if value}
