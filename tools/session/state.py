"""What a session is at one moment: everything that the next call needs to know, and what follows from it."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from ..decision.decide import DecisionEvidence, Guarded, Measured, NextStep, Status, Verdict, decide
from ..decision.exact import Exact
from ..decision.judging import Finding, Judge
from ..decision.race import Race
from ..plan.model import Plan
from ..vocabulary import Phase
from .events import GuardResult, Measurement, Started
from .trained import Curve

INCUMBENT_RETRIES = 1
HOLDOUT_ROOM = 2.0


@dataclass(frozen=True)
class Trial:
    """The open iteration: one idea, so far. `parent` is the commit that an undo goes back to.

    `measurement` is the latest run of the candidate; `candidate` and `incumbent` are all runs that gave a number.
    """

    number: int
    parent: str
    description: str
    hypothesis: str = ""
    changed: bool = True
    commit: str = ""
    files: tuple[str, ...] = ()
    added: int = 0
    removed: int = 0
    tries: int = 0
    hook_rejections: int = 0
    hook_output: str = ""
    measurement: Measurement | None = None
    candidate: tuple[Measurement, ...] = ()
    incumbent: tuple[Measurement, ...] = ()
    incumbent_failures: int = 0
    unseen: tuple[str, ...] = ()
    guards: tuple[GuardResult, ...] | None = None
    agreed: bool | None = None
    note: str = ""
    crashes: int = 0
    guard_failures: int = 0
    gave_up: bool = False
    undone: str | None = None
    kept_edits: tuple[str, ...] = ()
    seconds: float = 0.0


@dataclass(frozen=True)
class MetricDelta:
    """A metric and its distance from the incumbent, in the metric's unit."""

    metric: float
    delta: float


@dataclass(frozen=True)
class Session:
    """Everything that the next call needs to know. Times are seconds since the epoch.

    `curve` is the incumbent's latest learning curve, where verify trains a model.
    """

    id: str
    start: Started
    started_at: float
    head: str
    judge: Judge
    best: float
    best_iteration: int = 0
    incumbent_iteration: int = 0
    trial: Trial | None = None
    last_iteration: int = 0
    counts: Mapping[Status, int] = field(default_factory=dict)
    streak: int = 0
    since_best: int = 0
    metric_errors: int = 0
    measured_seconds: float = 0.0
    ended: str = ""
    finished: bool = False
    finished_at: float = 0.0
    squashed: str = ""
    left_behind: frozenset[str] = frozenset()
    asked: int = 0
    curve: Curve = ()

    @property
    def plan(self) -> Plan:
        """The sealed plan."""
        return self.start.plan

    @property
    def baseline(self) -> float:
        """The metric at iteration 0: the median of its runs."""
        return statistics.median(baseline_values(self.start))

    @property
    def reference(self) -> float:
        """The best estimate of what the incumbent gives now."""
        return self.plan.signed(self.judge.level)

    @property
    def noisy(self) -> bool:
        """Whether candidate and incumbent take turns in the arena."""
        return isinstance(self.judge, Race)

    @property
    def seeds_vary(self) -> bool:
        """Whether every pair of runs gets a seed of its own; a metric that repeats is always given the baseline's."""
        return not isinstance(self.judge, Exact)

    @property
    def open_trial(self) -> Trial:
        """The open iteration, where the phase says that there is one."""
        assert self.trial is not None, "the phase says that an iteration is open"
        return self.trial

    @property
    def shown(self) -> MetricDelta | None:
        """The metric of the open iteration and its distance from the incumbent; None without a number."""
        trial = self.trial
        if trial is None or trial.measurement is None or trial.measurement.value is None or not trial.candidate:
            return None
        values = [run.value for run in trial.candidate if run.value is not None]
        metric, gain = statistics.median(values), self.finding.gain
        if self.noisy and len(values) > 1:
            return MetricDelta(metric, -self.plan.signed(gain))
        return MetricDelta(metric, metric - self.reference)

    def holdout_agrees(self, candidate: float | None, incumbent: float | None) -> tuple[bool, str]:
        """Whether the holdout lets a change stay: not worse than the incumbent by more than the noise of two runs."""
        if candidate is None or incumbent is None:
            return False, "The holdout gave no number."
        room = HOLDOUT_ROOM * math.sqrt(2) * self.judge.spread
        return self.plan.gain(candidate, incumbent) >= -room, ""

    @cached_property
    def finding(self) -> Finding:
        """What the runs of the open iteration have shown."""
        return self.judge.finding()

    @cached_property
    def verdict(self) -> Verdict | None:
        """What the decision table says of the open iteration; None without one."""
        return decide(self._evidence(self.trial)) if self.trial else None

    def _evidence(self, trial: Trial) -> DecisionEvidence:
        plan, measured = self.plan, trial.measurement
        return DecisionEvidence(
            changed=trial.changed,
            committed=bool(trial.commit),
            hook_rejections=trial.hook_rejections,
            measured=_measured(measured) if measured else None,
            finding=self.finding,
            incumbent_problem=_incumbent_problem(trial),
            has_guards=plan.has_guards,
            guarded=None if trial.guards is None else _guarded_as(trial.guards),
            has_holdout=bool(plan.holdout),
            agreed=trial.agreed,
            crashes=trial.crashes,
            guard_failures=trial.guard_failures,
            gave_up=trial.gave_up,
        )

    def spent(self, now: float) -> str:
        """Which budget is used up, in words; empty while all last."""
        plan = self.plan
        if plan.iterations and self.last_iteration >= plan.iterations:
            return f"the budget of {plan.iterations} iterations is used up"
        if plan.minutes and now - self.started_at >= plan.minutes * 60:
            return f"the budget of {plan.minutes:g} minutes is used up"
        if plan.device_minutes and self.measured_seconds >= plan.device_minutes * 60:
            return f"the budget of {plan.device_minutes:g} minutes of measuring is used up"
        if plan.holdout and self.asked >= plan.holdout_budget:
            return f"the holdout was asked {self.asked} times, as often as the plan allows"
        return ""


def baseline_values(start: Started) -> list[float]:
    """The numbers of the baseline's runs, in order."""
    return [run.value for run in start.baseline if run.value is not None]


def _measured(run: Measurement) -> Measured:
    return Measured(run.value, run.problem, run.failure, run.tampered)


def _incumbent_problem(trial: Trial) -> str:
    return "verify failed on it twice." if trial.incumbent_failures > INCUMBENT_RETRIES else ""


def _guarded_as(results: tuple[GuardResult, ...]) -> Guarded:
    failed = next((guard for guard in results if not guard.passed), None)
    return Guarded(f"{failed.guard}: {failed.seen}.", failed.broken) if failed else Guarded()


def phase_of(session: Session | None, now: float) -> Phase:
    """The phase that a session is in."""
    if session is None or session.finished:
        return Phase.NO_SESSION
    if session.trial is None or session.verdict is None:
        return Phase.ENDED if session.ended or session.spent(now) else Phase.READY
    if session.verdict.next is NextStep.UNDO:
        return Phase.DISCARDED if session.trial.undone is None else Phase.JUDGED
    return _PHASES[session.verdict.next]


_PHASES = {
    NextStep.COMMIT: Phase.READY,
    NextStep.MEASURE: Phase.COMMITTED,
    NextStep.COMPARE: Phase.COMMITTED,
    NextStep.GUARD: Phase.VERIFIED,
    NextStep.HOLD_OUT: Phase.VERIFIED,
    NextStep.FIX: Phase.FIX,
    NextStep.REWORK: Phase.REWORK,
    NextStep.STAND: Phase.JUDGED,
}
