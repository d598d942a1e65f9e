"""What a session is at one moment: everything that the next call needs to know, and what follows from it."""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cache, cached_property
from typing import Any, get_type_hints

from pydantic import TypeAdapter, ValidationError

from ..decision.decide import NextStep, Status, Trial, Verdict, decide
from ..decision.exact import Exact, Median
from ..decision.executions import only_at_best
from ..decision.gain import WIDE, rounded, rounded_level
from ..decision.headline import Headline
from ..decision.judging import Arm, Finding, Judge, Step
from ..decision.measured import Curve, Measurement
from ..decision.race import Race
from ..decision.same_tree import RoleRun, Slowdown, Standing, slowdown
from ..decision.seeded import Seeded
from ..plan.model import Plan
from ..vocabulary import Phase
from .events import Confirmed, Started

HOLDOUT_ROOM = 2.0


@dataclass(frozen=True)
class MetricDelta:
    """A metric and its distance from the incumbent, in the metric's unit."""

    metric: float
    delta: float


@dataclass(frozen=True)
class Session:
    """Everything that the next call needs to know. Times are seconds since the epoch.

    `curve` is the incumbent's latest learning curve, where verify trains a model. `runs` counts every run of verify, with a number
    or without one: of the baseline, of all attempts, in clean checkouts, on fresh runs.
    """

    id: str
    start: Started
    started_at: float
    head: str
    judge: Judge
    headline: Headline
    incumbent_iteration: int = 0
    trial: Trial | None = None
    last_iteration: int = 0
    counts: Mapping[Status, int] = field(default_factory=dict)
    streak: int = 0
    since_best: int = 0
    metric_errors: int = 0
    blocked: int = 0
    measured_seconds: float = 0.0
    runs: int = 0
    ended: str = ""
    finished: bool = False
    finished_at: float = 0.0
    squashed: str = ""
    raced: Confirmed | None = None
    left_behind: frozenset[str] = frozenset()
    asked: int = 0
    references: tuple[float, ...] = ()
    curve: Curve = ()
    standing: Standing = field(default_factory=Standing)

    @property
    def plan(self) -> Plan:
        """The sealed plan."""
        return self.start.plan

    @property
    def began_at(self) -> float:
        """When the session was opened. `started_at` lies before it by the time of the baseline, which the budgets count, whenever
        that was measured: `check_plan` may have done it.
        """
        return self.started_at + self.start.seconds

    @property
    def baseline(self) -> float:
        """The metric at iteration 0: the median of its runs."""
        return statistics.median(baseline_values(self.start))

    @property
    def best(self) -> float:
        """Where the keeps' claims lead from the baseline, in the metric's unit on the machine as it was at the baseline."""
        return rounded(self.plan.signed(self.headline.level), self.headline.end.half)

    @property
    def best_iteration(self) -> int:
        """The last keep that gained; 0 without one."""
        return self.headline.best_iteration

    @property
    def confirmation(self) -> Confirmed | None:
        """What fresh runs of the baseline and of this best showed; None before, and once more was kept."""
        return self.raced if self.raced and self.raced.incumbent == self.incumbent_iteration else None

    @property
    def controlled(self) -> bool:
        """Whether the rule knows the error of what it finds: not for a median, nor where one run is believed unasked."""
        return not isinstance(self.judge, Median) and self.plan.noise != "none"

    @property
    def reference(self) -> float:
        """The best estimate of what the incumbent gives now."""
        return self.plan.signed(self.judge.level)

    @property
    def noisy(self) -> bool:
        """Whether candidate and incumbent take turns in the second checkout."""
        return isinstance(self.judge, Race | Seeded)

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
        if self.noisy and (self.finding.claim is not None or isinstance(self.judge, Seeded) or len(values) > 1):
            return MetricDelta(metric, -self.plan.signed(gain))
        return MetricDelta(metric, metric - self.reference)

    @property
    def told(self) -> MetricDelta | None:
        """The same, with the digits that the noise of a run allows."""
        shown, half = self.shown, WIDE * self.judge.spread
        return MetricDelta(rounded_level(shown.metric, half), rounded(shown.delta, half)) if shown else None

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
        if self.trial is None:
            return None
        at_best = only_at_best(*self.racing) if self.finding.step is Step.BETTER else ""
        return decide(self.trial, self.finding, self.plan, self.slowdown, at_best)

    @cached_property
    def slowdown(self) -> Slowdown | None:
        """What the race shows of the incumbent's tree, against its runs when it was the newest; None where nothing. On seeds
        the incumbent has to repeat anyway.
        """
        if (
            self.trial is None
            or not isinstance(self.judge, Race)
            or self.finding.step not in {Step.BETTER, Step.SIMPLER}
        ):
            return None
        ours, theirs = (role_runs(self.plan, runs) for runs in self.racing)
        return slowdown(self.standing, ours, theirs, self.judge.spread)

    @property
    def clean_arm(self) -> Arm | None:
        """Whose run in a clean checkout is next, before a keep; None where none is."""
        trial, step = self.trial, self.finding.step
        if trial is None or not trial.candidate:
            return None
        if isinstance(self.judge, Exact):
            wanted = step is Step.CANDIDATE
        else:
            wanted = self.noisy and step in {Step.BETTER, Step.SIMPLER} and trial.recheck.stands is None
        if not wanted:
            return None
        made = len(trial.clean_candidate) + len(trial.clean_incumbent)
        return Arm.CANDIDATE if made % 4 in {0, 3} else Arm.INCUMBENT  # who is first takes turns

    @property
    def racing(self) -> tuple[tuple[Measurement, ...], tuple[Measurement, ...]]:
        """The runs of the open iteration that count, of the change and of the incumbent: those since the machine moved."""
        trial, judge = self.open_trial, self.judge
        if not isinstance(judge, Race):
            return trial.candidate, trial.incumbent
        ours, theirs = judge.counted
        return trial.candidate[-ours:] if ours else (), trial.incumbent[-theirs:] if theirs else ()

    def spent(self, now: float) -> str:
        """Return which budget is used up, in words; empty while all last."""
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
    """Return the numbers of the baseline's runs, in order."""
    return [run.value for run in start.baseline if run.value is not None]


def role_runs(plan: Plan, runs: Sequence[Measurement]) -> tuple[RoleRun, ...]:
    """Return what the runs of a tree showed of it and of the machine."""
    return tuple(RoleRun(plan.signed(run.value), run.reference) for run in runs if run.value is not None)


def baseline_seeds(start: Started) -> list[int]:
    """Return the seeds of the baseline's runs, in the order of their numbers."""
    return [run.seed for run in start.baseline if run.value is not None]


def phase_of(session: Session | None, now: float) -> Phase:
    """Return the phase that a session is in."""
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


_JUDGES: dict[str, type[Judge]] = {kind.__name__: kind for kind in (Exact, Race, Seeded, Median)}
_ELSEWHERE = frozenset({"id", "start", "trial", "judge"})


def dump_snapshot(session: Session) -> str:
    """Write a session without its id and start as text. No iteration may be open."""
    assert session.trial is None, "only what is decided is kept"
    state = {name: adapter.dump_python(getattr(session, name), mode="json") for name, adapter in _state().items()}
    kind = type(session.judge).__name__
    judge = _judge(kind).dump_python(session.judge, mode="json")
    return json.dumps({"kind": kind, "judge": judge, "state": state})


def load_snapshot(text: str, start: Started, session_id: str) -> Session | None:
    """Read a session back from its snapshot; None if the text is of another kind."""
    try:
        found = json.loads(text)
        state = {name: adapter.validate_python(found["state"][name]) for name, adapter in _state().items()}
        judge = _judge(found["kind"]).validate_python(found["judge"])
        return Session(id=session_id, start=start, judge=judge, **state)
    except (ValueError, KeyError, TypeError, ValidationError):
        return None


@cache
def _state() -> dict[str, TypeAdapter[Any]]:
    hints = get_type_hints(Session)
    return {field.name: TypeAdapter(hints[field.name]) for field in fields(Session) if field.name not in _ELSEWHERE}


@cache
def _judge(kind: str) -> TypeAdapter[Any]:
    return TypeAdapter(_JUDGES[kind])
