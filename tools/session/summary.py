"""Where a session got to, in numbers."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from ..decision.decide import Status
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
        """The summary in words."""
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
    """The summary of a session at a time, in seconds since the epoch; of a finished one at its end."""
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
    """What is left of each budget that the plan bounds."""
    plan = session.plan
    budgets = {
        "iterations": (plan.iterations, session.last_iteration),
        "minutes": (plan.minutes, (now - session.started_at) / 60),
        "device_minutes": (plan.device_minutes, session.measured_seconds / 60),
        "holdout": (plan.holdout_budget if plan.holdout else 0, session.asked),
    }
    return {name: round(max(0.0, whole - spent), 2) for name, (whole, spent) in budgets.items() if whole}
