"""Noticing that a session is stuck, and computing the material for its next idea."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict

from ..decision.decide import Status
from ..plan.model import Plan
from .events import Repeated, Row
from .state import Session

STREAK = 5
PLATEAU = 15
BLOCKED = 3
SHOWN = 5


class Advice(BaseModel):
    """Material for the next idea. Everything in it is computed from rows; nothing is invented."""

    model_config = ConfigDict(frozen=True)

    goal: str
    near_misses: list[str]
    kept: list[str]
    untouched: list[str]
    tried_most: list[str]
    pairs: list[str]
    repeats: list[str]

    def lines(self) -> list[str]:
        """Return the advice in words, empty parts left out."""
        parts = [
            ("Near misses, closest first", self.near_misses),
            ("Kept so far, and where", self.kept),
            ("Files in scope never touched", self.untouched),
            ("Tried most", self.tried_most),
            ("Pairs not combined yet", self.pairs),
            ("Repeats refused", self.repeats),
        ]
        shown = [f"{name}: {'; '.join(values)}." for name, values in parts if values]
        return [
            f"Reread the goal: {self.goal}",
            *shown,
            "Combine near misses, try the opposite, or make a radical change.",
        ]


def is_stuck(session: Session) -> bool:
    """Return whether five counted iterations in a row gave no keep, or a hook blocked three commits in a row."""
    return session.streak >= STREAK or session.blocked >= BLOCKED


def blocked_words(session: Session) -> str:
    """Return what a person can do about a hook that blocks every commit; empty without one."""
    if session.blocked < BLOCKED:
        return ""
    return (
        f"A hook of the repository blocked {session.blocked} commits in a row; another idea will not pass it either. A person "
        "can change the hook, or choose the form of commits that it wants by `commit_style` in the plan of a new session."
    )


def on_plateau(session: Session) -> bool:
    """Return whether fifteen measured iterations gave no new best."""
    return session.since_best >= PLATEAU


def material(plan: Plan, rows: Sequence[Row], in_scope: Sequence[str], repeats: Sequence[Repeated]) -> Advice:
    """Gather the material from the rows of a session and the files in its scope."""
    tries = [row for row in rows if row.iteration > 0]
    near = near_misses(plan, tries)
    touched = {file for row in tries for file in row.files}
    return Advice(
        goal=plan.goal,
        near_misses=[_near(row) for row in near[:SHOWN]],
        kept=[
            f"#{row.iteration} {row.description[:100]} ({', '.join(row.files[:3])})" for row in tries if row.status.kept
        ][-SHOWN:],
        untouched=[file for file in in_scope if file not in touched][: 2 * SHOWN],
        tried_most=_directions(tries),
        pairs=_pairs(tries, near),
        repeats=[f"{repeat.description} (as #{repeat.earlier})" for repeat in repeats][-SHOWN:],
    )


def _near(row: Row) -> str:
    guard = ", but a guard failed" if row.guard == "fail" else ""
    return f"#{row.iteration} {row.description[:100]} ({row.delta:+.4g}{guard})"


def near_misses(plan: Plan, rows: Sequence[Row]) -> list[Row]:
    """Return the measured discards, the least bad first; deltas are against the incumbent of their time."""
    missed = [row for row in rows if row.status is Status.DISCARD and row.delta is not None]
    return sorted(missed, key=lambda row: -plan.gain(row.delta or 0.0, 0.0))


def _directions(rows: Sequence[Row]) -> list[str]:
    """Count how often each file was tried, and how often that was kept."""
    tried = Counter(file for row in rows for file in row.files)
    kept = Counter(file for row in rows if row.status.kept for file in row.files)
    return [f"{file} {count} times, {kept[file]} kept" for file, count in tried.most_common(SHOWN)]


def _pairs(rows: Sequence[Row], near: Sequence[Row]) -> list[str]:
    """Pair near misses with a later keep, then near misses with each other."""
    kept = [row for row in rows if row.status.kept]
    with_keeps = [
        (miss, keep) for miss, keep in itertools.product(near[:3], kept[-2:]) if keep.iteration > miss.iteration
    ]
    pairs = [*with_keeps, *itertools.combinations(near[:3], 2)]
    return [f"#{first.iteration} with #{second.iteration}" for first, second in pairs][:SHOWN]
