"""What a leg begins with beside the playbook: how to work unattended, and what the journal knows, so that a new context is no loss."""

from __future__ import annotations

from collections.abc import Sequence

from ..decision.decide import Status
from ..git.repo import shown
from ..lab.answers import cut
from ..lab.context import RepoContext
from ..lab.notes import from_person, said
from ..plan.scope import Scope
from ..session.events import Row
from ..session.results import metric_of
from ..session.summary import NEAR_MISSES, is_stuck, on_plateau
from ..verbs.review import advice

DEAD_ENDS, NEWEST = 12, 200
STANDPOINTS = (
    ("exploit", "Go further along what was kept: the same change in other places, its values, what it made possible."),
    (
        "explore",
        "Try what is unlike every try so far: another algorithm or data structure, a file that nobody touched.",
    ),
    (
        "simplify",
        "Take out code, options and special cases that do not earn their place; the number may stay as it is.",
    ),
    ("combine", "Put near misses together, or one of them with what was kept; failed apart, they may hold together."),
)
"""From where a leg looks for ideas, in turn, once they run dry."""
_PART = 1500
"""Characters that one part may take."""


def leg_brief(context: RepoContext, number: int) -> str:
    """Return what leg `number` of a run has to know."""
    parts = [_UNATTENDED.format(number=number)]
    session = context.session
    if session is not None and not session.finished:
        if is_stuck(session) or on_plateau(session):
            name, words = STANDPOINTS[number % len(STANDPOINTS)]
            parts.append(f"\n## The session is stuck: in this leg, {name}\n\n{words}")
        parts += _memory(context)
    return "\n".join(parts)


_UNATTENDED = """\
## This is unattended, leg {number}

Nobody reads what you say or answers a question: choose, and go on. The budget is counted for you; do not call finish_session
before the phase is `ended`. Your context may end at any moment, and another leg goes on with a new one: what it should know that
no row says (an idea for later, how this code works) goes into `note`. Call `status` first."""


def _memory(context: RepoContext) -> list[str]:
    session = context.active
    rows = context.rows(NEWEST)
    found = advice(context)
    left = [
        shown(change.path)
        for change in context.repo.changes()
        if change.tracked and Scope(session.plan.scope).matches(change.path)
    ]
    parts = {
        "What the person says: follow it": from_person(context.repo.own_folder, session.id),
        "Kept so far": found.kept,
        NEAR_MISSES: found.near_misses,
        "Dead ends, with what they taught": _dead_ends(rows),
        "Files in scope never touched": found.untouched,
        "Your notes": said(context.repo.own_folder, session.id),
        "Edited and not committed, by the leg before: finish it as one idea, or undo the edit": left,
    }
    return ["", "## What earlier legs found", *(_part(name, lines) for name, lines in parts.items() if lines)]


def _dead_ends(rows: Sequence[Row]) -> list[str]:
    failed = [row for row in rows if row.iteration and not row.status.kept and row.status is not Status.NO_OP]
    taught = [row for row in failed if row.learned] or failed
    return [
        f"#{row.iteration} {row.status} {metric_of(row)}: {cut(row.description, 100)}"
        + (f" ({cut(row.learned, 120)})" if row.learned else "")
        for row in taught[-DEAD_ENDS:]
    ]


def _part(name: str, lines: Sequence[str]) -> str:
    kept: list[str] = []
    for line in reversed(lines):  # the newest are worth most
        if sum(map(len, kept)) + len(line) > _PART and kept:
            break
        kept.insert(0, cut(line, _PART))
    return "\n".join([f"\n{name}:", *(f"- {' '.join(line.split())}" for line in kept)])
