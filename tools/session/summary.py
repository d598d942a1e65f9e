"""Where a session got to, in numbers, and how sure they are, in words a person understands."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from ..decision.decide import Status
from ..decision.exact import Exact, Median
from ..decision.race import Race
from .results import number
from .state import Session

EVERY = 10
"""A progress summary comes with every tenth iteration."""


class Summary(BaseModel):
    """Baseline to best, what became of the tries, and the time they took."""

    model_config = ConfigDict(frozen=True)

    iterations: int
    baseline: float
    best: float
    best_iteration: int
    change_percent: float | None
    keeps: int
    discards: int
    crashes: int
    skipped: int
    minutes: float
    measuring_minutes: float
    ended: str = ""

    def lines(self) -> list[str]:
        """Return the summary in words."""
        change = f" ({self.change_percent:+.2f} %)" if self.change_percent is not None else ""
        way = f"{number(self.baseline)} -> {number(self.best)}{change}, best at iteration {self.best_iteration}"
        tries = f"{self.keeps} kept, {self.discards} discarded, {self.crashes} crashed, {self.skipped} skipped"
        return [
            f"{self.iterations} iterations: {way}.",
            f"{tries}; {self.minutes:.1f} minutes, {self.measuring_minutes:.1f} of them measuring.",
            *([f"Ended: {self.ended}."] if self.ended else []),
        ]


_SKIPPED = (Status.NO_OP, Status.HOOK_BLOCKED, Status.METRIC_ERROR)


def summarise(session: Session, now: float) -> Summary:
    """Summarise a session at a time, in seconds since the epoch; a finished one at its end."""
    counts = session.counts
    baseline, now = session.baseline, session.finished_at or now
    return Summary(
        iterations=session.last_iteration,
        baseline=baseline,
        best=session.best,
        best_iteration=session.best_iteration,
        change_percent=100 * (session.best - baseline) / abs(baseline) if baseline else None,
        keeps=sum(count for status, count in counts.items() if status.kept),
        discards=counts.get(Status.DISCARD, 0) + counts.get(Status.TAMPERED, 0),
        crashes=counts.get(Status.CRASH, 0),
        skipped=sum(counts.get(status, 0) for status in _SKIPPED),
        minutes=(now - session.started_at) / 60,
        measuring_minutes=session.measured_seconds / 60,
        ended=session.ended or session.spent(now),
    )


def budget_left(session: Session, now: float) -> dict[str, float]:
    """Return what is left of each budget that the plan bounds."""
    plan = session.plan
    budgets = {
        "iterations": (plan.iterations, session.last_iteration),
        "minutes": (plan.minutes, (now - session.started_at) / 60),
        "device_minutes": (plan.device_minutes, session.measured_seconds / 60),
        "holdout": (plan.holdout_budget if plan.holdout else 0, session.asked),
    }
    return {name: round(max(0.0, whole - spent), 2) for name, (whole, spent) in budgets.items() if whole}


LUCK_PER_TRY = ((3.2, 0.0015), (3.85, 0.0002), (4.2, 0.00005))
"""Chance that one change without any effect is kept, by the bar in standard errors."""


def noise_band(session: Session) -> str:
    """Say how much one run scatters now, and where the incumbent stands."""
    judge = session.judge
    if not isinstance(judge, Race):
        return "none known: the metric repeats" if isinstance(judge, Exact) else "not controlled by a median"
    place = f"the incumbent stands at {number(round_to(session.reference, judge.doubt))} ± {2 * judge.doubt:.2g}"
    return f"one run scatters by {judge.spread:.3g}; {place}"


def luck_words(session: Session) -> str:
    """Say how likely it is that any kept change of the session is luck; empty before the first keep."""
    if not any(status.kept for status in session.counts):
        return ""
    if isinstance(session.judge, Race):
        chance = min(1.0, session.last_iteration * chance_a_try(session.judge.confidence))
        return f"Chance that any kept change is luck: about {100 * chance:.2g} %."
    if isinstance(session.judge, Median):
        return f"The median of {session.judge.runs} runs does not bound the chance that a kept change is luck."
    return "The metric repeats exactly, so no kept change is luck of the measurement."


def honest_best(session: Session) -> str:
    """Say what the best is worth: the estimate, not its luckiest run; empty where one run is the truth."""
    if not isinstance(session.judge, Race) or not session.best_iteration:
        return ""
    best = number(round_to(session.best, session.judge.doubt))
    return f"The best, iteration {session.best_iteration}, is worth about {best}: an estimate from all its runs, shrunk against luck."


def chance_a_try(confidence: float) -> float:
    """Return the chance that one change without effect is kept at a bar, from the nearest measured bar that is not higher."""
    return min((chance for bar, chance in LUCK_PER_TRY if bar <= confidence), default=LUCK_PER_TRY[0][1])


def round_to(value: float, doubt: float) -> float:
    """Round a value to no more digits than its standard error allows."""
    return float(f"{value:.{_digits(value, doubt)}g}") if doubt > 0 else value


def _digits(value: float, doubt: float) -> int:
    ratio, digits = abs(value) / doubt, 2
    while ratio >= 1 and digits < 15:
        ratio, digits = ratio / 10, digits + 1
    return digits
