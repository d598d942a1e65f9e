"""What a session has come to: its summary, whether it is stuck, and the material for its next idea."""

from __future__ import annotations

import heapq
import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from pydantic import BaseModel, ConfigDict

from ..decision.decide import Status
from ..decision.exact import Exact, Median
from ..decision.failures import FailureClass
from ..decision.gain import WIDE, rounded
from ..decision.race import Race
from ..decision.seeded import Seeded
from ..plan.model import Plan
from .events import Repeated, Row
from .results import delta_of
from .short_rows import RowLike
from .state import Session
from .telling import confirmation_words, headline_words, percent_claimed, plus_minus

STREAK = 5
PLATEAU = 15
BLOCKED = 3
NEAR_MISSES = "Near misses, strongest evidence first"
NEAR = 1.0
"""Standard errors of evidence below which a near miss is told to look like a change that does nothing."""
SHOWN = 5

Tried = TypeVar("Tried", bound=RowLike)


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
            (NEAR_MISSES, self.near_misses),
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


def advice_is_due(session: Session) -> bool:
    """Return whether an answer should carry the material for the next idea: when the session gets stuck or on a plateau, and
    each time that it has been so for as long again. In between it would say what was said before.
    """
    since = (session.streak, STREAK), (session.blocked, BLOCKED), (session.since_best, PLATEAU)
    return any(count and count % every == 0 for count, every in since)


def stuck_words(session: Session) -> str:
    """Say that the session is stuck or on a plateau, where the answer does not carry the material; empty if it is not."""
    if advice_is_due(session) or not (is_stuck(session) or on_plateau(session)):
        return ""
    return f"No keep for {session.streak} tries: detect_stuck has material."


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


def material(
    session: Session,
    rows: Sequence[Row],
    in_scope: Sequence[str],
    repeats: Sequence[Repeated],
    tried_again: Callable[[int], bool],
) -> Advice:
    """Gather the material from the newest rows of a session and the files in its scope; no near miss is one that was tried again."""
    tries, stand = [row for row in rows if row.iteration > 0], frozenset(session.headline.standing)
    kept = [row for row in tries if row.iteration in stand]
    missed = near_misses(session.plan, tries, len(tries))
    near = [*itertools.islice((row for row in missed if not tried_again(row.iteration)), SHOWN)]
    touched = {file for row in tries for file in row.files}
    return Advice(
        goal=session.plan.goal,
        near_misses=[_near(session, row) for row in near],
        kept=[f"#{row.iteration} {row.description[:100]} ({', '.join(row.files[:3])})" for row in kept][-SHOWN:],
        untouched=[file for file in in_scope if file not in touched][: 2 * SHOWN],
        tried_most=_directions(tries, kept),
        pairs=_pairs(kept, near),
        repeats=[f"{repeat.description} (as #{repeat.earlier})" for repeat in repeats][-SHOWN:],
    )


def _near(session: Session, row: Row) -> str:
    evidence = f", {row.evidence:.1f} standard errors" if row.evidence is not None else ""
    if row.evidence is not None and row.evidence < NEAR:
        evidence += ", as a change that does nothing often gives"
    guard = guard_words(session.plan, row)
    words = f"#{row.iteration} {row.description[:100]} ({', '.join(filter(None, (delta_of(row) + evidence, guard)))})"
    fresh = row.iteration < session.incumbent_iteration or not settled_by_evidence(row, session)
    return f"{words}, again = {row.iteration}" if fresh and row.guard != "fail" else words


def guard_words(plan: Plan, row: RowLike) -> str:
    """Say of a near miss that a guard failed, or that none ran on it; nothing where all passed, or the plan has none."""
    if row.guard == "fail":
        return "a guard failed"
    return "no guard ran on it" if row.guard == "-" and plan.has_guards else ""


def near_misses(plan: Plan, rows: Iterable[Tried], most: int) -> list[Tried]:
    """Return at most so many discards that may be worth another try, strongest evidence first: estimated to gain, with a gain worth having within
    their interval. Where a guard or the holdout said no, the gain alone counts.
    """
    missed = (row for row in rows if row.status is Status.DISCARD and (row.gain or 0.0) > 0 and may_be_worth(plan, row))
    return heapq.nsmallest(most, missed, key=lambda row: (-(row.evidence or 0.0), -(row.gain or 0.0)))


def may_be_worth(plan: Plan, row: RowLike) -> bool:
    """Return whether a gain worth having lies within the interval of a try."""
    level = (row.metric or 0.0) - (row.delta or 0.0)
    most = row.gain if row.high is None else row.high
    return (most or 0.0) >= plan.smallest_effect.absolute(level)


_NO_FAULT = {FailureClass.EXTERNAL, FailureClass.LOST, FailureClass.HANG}
"""Failures that say nothing of the change."""


def settled_by_evidence(row: Row, session: Session) -> bool:
    """Return whether a row's verdict rests on more than one run of a noisy metric: two of the change and one of the incumbent
    at least, a guard, or a fault of the change; not on an incumbent that has become worse, for the machine can do that, nor on
    runs that were used up before they showed anything. On seeds one run stands beside a remembered one. A candidate without a
    difference did not fit the best, and was not held against it.
    """
    unfit = row.status is Status.DISCARD and row.delta is None
    if unfit or row.status is Status.METRIC_ERROR or row.failure in _NO_FAULT or row.undecided:
        return False
    if not isinstance(session.judge, Race) or row.status is not Status.DISCARD or row.guard == "fail":
        return True
    return len(row.samples) >= 2 and bool(row.incumbent) and not row.incumbent_worse


def _directions(rows: Sequence[Row], keeps: Sequence[Row]) -> list[str]:
    """Count how often each file was tried, and how often that was kept."""
    tried = Counter(file for row in rows for file in row.files)
    kept = Counter(file for row in keeps for file in row.files)
    return [f"{file} {count} times, {kept[file]} kept" for file, count in tried.most_common(SHOWN)]


def _pairs(kept: Sequence[Row], near: Sequence[Row]) -> list[str]:
    """Pair near misses with a later keep, then near misses with each other."""
    with_keeps = [
        (miss, keep) for miss, keep in itertools.product(near[:3], kept[-2:]) if keep.iteration > miss.iteration
    ]
    pairs = [*with_keeps, *itertools.combinations(near[:3], 2)]
    return [f"#{first.iteration} with #{second.iteration}" for first, second in pairs][:SHOWN]


EVERY = 10
"""A progress summary comes with every tenth iteration."""


class Summary(BaseModel):
    """What the keeps claim together, what became of the tries, and the time they took.

    `change_percent` and its 95 % interval are the keeps' claims, one after the other, in percent of the baseline; null
    without a keep. `keeps` counts those that stand; `counts` has the statuses of the rows.
    """

    model_config = ConfigDict(frozen=True)

    headline: str
    iterations: int
    baseline: float
    best: float
    best_iteration: int
    change_percent: float | None
    change_low: float | None = None
    change_high: float | None = None
    keeps: int
    counts: dict[str, int] = {}
    minutes: float
    measuring_minutes: float
    confirmation: str = ""
    ended: str = ""

    def lines(self) -> list[str]:
        """Return the summary in words."""
        at = f", best at iteration {self.best_iteration}" if self.best_iteration else ""
        tries = ", ".join(f"{count} {status}" for status, count in self.counts.items())
        return [
            f"{count_of(self.iterations, 'iteration')}: {self.headline}{at}.",
            f"{tries or 'No tries'}; {self.minutes:.1f} minutes, {self.measuring_minutes:.1f} of them measuring.",
            *([self.confirmation] if self.confirmation else []),
            *([f"Ended: {self.ended}."] if self.ended else []),
        ]


def count_of(count: int, what: str) -> str:
    """Write a number of things."""
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"


def summarise(session: Session, now: float) -> Summary:
    """Summarise a session at a time, in seconds since the epoch; a finished one at its end."""
    now, found = session.finished_at or now, session.headline
    percent = percent_claimed(session.plan, found)
    half = percent.half if percent else None
    return Summary(
        headline=headline_words(session),
        iterations=session.last_iteration,
        baseline=rounded(session.baseline, found.start.half),
        best=session.best,
        best_iteration=session.best_iteration,
        change_percent=rounded(percent.value, half) if percent else None,
        change_low=rounded(percent.low, half) if percent and percent.low is not None else None,
        change_high=rounded(percent.high, half) if percent and percent.high is not None else None,
        keeps=len(found.standing),
        counts={str(status): session.counts[status] for status in Status if session.counts.get(status)},
        minutes=(now - session.started_at) / 60,
        measuring_minutes=session.measured_seconds / 60,
        confirmation=confirmation_words(session),
        ended=session.ended or session.spent(now),
    )


def budget_left(session: Session, now: float) -> dict[str, float]:
    """Return what is left of each budget that the plan bounds; nothing where the session is finished."""
    if session.finished:
        return {}
    plan = session.plan
    budgets = {
        "iterations": (plan.iterations, session.last_iteration),
        "minutes": (plan.minutes, (now - session.started_at) / 60),
        "device_minutes": (plan.device_minutes, session.measured_seconds / 60),
        "holdout": (plan.holdout_budget if plan.holdout else 0, session.asked),
    }
    return {name: round(max(0.0, whole - spent), 2) for name, (whole, spent) in budgets.items() if whole}


LUCK_PER_TRY = ((3.1, 0.0011), (3.6, 0.0003), (3.95, 0.0001))
"""Chance that one change without any effect is kept, by the bar in standard errors."""


def noise_band(session: Session) -> str:
    """Say how much one run scatters now, and where the incumbent stands."""
    judge = session.judge
    if session.plan.noise == "none":
        return "not looked for, as the plan asks"
    if not isinstance(judge, Race | Seeded):
        return "none known: the metric repeats" if isinstance(judge, Exact) else "not controlled by a median"
    place = f"the incumbent stands at {plus_minus(session.reference, WIDE * judge.doubt)}"
    return f"one run scatters by {judge.spread:.3g}; {place}"


def luck_words(session: Session) -> str:
    """Say how likely it is that any kept change of the session is luck; empty before the first keep."""
    if not any(status.kept for status in session.counts):
        return ""
    if isinstance(session.judge, Race | Seeded):
        chance = min(1.0, session.incumbent_iteration * chance_a_try(session.judge.confidence))
        return f"Chance that any kept change is luck: about {100 * chance:.2g} %."
    if isinstance(session.judge, Median):
        return f"The median of {session.judge.runs} runs does not bound the chance that a kept change is luck."
    if session.plan.noise == "none":
        return "One run of each change was believed, as the plan asks, so nothing is known of luck."
    return "The metric repeats exactly, so no kept change is luck of the measurement."


def chance_a_try(confidence: float) -> float:
    """Return the chance that one change without effect is kept at a bar, from the nearest measured bar that is not higher."""
    return min((chance for bar, chance in LUCK_PER_TRY if bar <= confidence), default=LUCK_PER_TRY[0][1])
