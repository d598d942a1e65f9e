"""The session as a fold over its events: `session = advance(session, event)`. No state is stored anywhere else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from .decide import Action, Evidence, Guarded, Measured, Status, Verdict, decide
from .events import (
    Committed,
    Event,
    Finished,
    GaveUp,
    GuardResult,
    GuardsRan,
    HookRejected,
    Logged,
    Measurement,
    Repeated,
    Reverted,
    Row,
    Started,
    Unchanged,
    Verified,
)
from .phase import Phase
from .plan import Plan, Ties

METRIC_ERRORS_THAT_END = 2


@dataclass(frozen=True)
class Trial:
    """The open iteration: one idea, so far. `parent` is the commit that an undo goes back to."""

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
    guards: tuple[GuardResult, ...] | None = None
    crashes: int = 0
    guard_failures: int = 0
    gave_up: bool = False
    undone: str | None = None
    kept_edits: tuple[str, ...] = ()
    seconds: float = 0.0


@dataclass(frozen=True)
class Session:
    """Everything that the next call needs to know. Times are seconds since the epoch."""

    id: str
    start: Started
    started_at: float
    head: str
    reference: float
    best: float
    best_iteration: int = 0
    trial: Trial | None = None
    last_iteration: int = 0
    counts: Mapping[Status, int] = field(default_factory=dict)
    streak: int = 0
    since_best: int = 0
    metric_errors: int = 0
    measured_seconds: float = 0.0
    ended: str = ""
    finished: bool = False
    squashed: str = ""
    left_behind: frozenset[str] = frozenset()
    trees: Mapping[str, int] = field(default_factory=dict)

    @property
    def plan(self) -> Plan:
        """The sealed plan."""
        return self.start.plan

    @property
    def baseline(self) -> float:
        """The metric at iteration 0."""
        value = self.start.baseline.value
        assert value is not None, "a session starts with a number"
        return value

    @cached_property
    def verdict(self) -> Verdict | None:
        """What the decision table says of the open iteration; None without one."""
        return decide(self._evidence(self.trial)) if self.trial else None

    def _evidence(self, trial: Trial) -> Evidence:
        plan, measured = self.plan, trial.measurement
        value = measured.value if measured else None
        failed = next((guard for guard in trial.guards or () if not guard.passed), None)
        return Evidence(
            changed=trial.changed,
            committed=bool(trial.commit),
            hook_rejections=trial.hook_rejections,
            measured=Measured(value, measured.problem, measured.failure, measured.tampered) if measured else None,
            gain=plan.gain(value, self.reference) if value is not None else 0.0,
            min_effect=plan.smallest_effect.absolute(self.reference),
            net_lines=trial.added - trial.removed,
            simpler_wins=plan.ties == Ties.SIMPLER,
            has_guards=bool(plan.guards or plan.guard_metrics),
            guarded=None if trial.guards is None else Guarded(f"{failed.guard}: {failed.seen}." if failed else ""),
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
        return ""


def phase_of(session: Session | None, now: float) -> Phase:
    """The phase that a session is in."""
    if session is None or session.finished:
        return Phase.NO_SESSION
    if session.trial is None or session.verdict is None:
        return Phase.ENDED if session.ended or session.spent(now) else Phase.READY
    if session.verdict.action is Action.UNDO:
        return Phase.DISCARDED if session.trial.undone is None else Phase.JUDGED
    return _PHASES[session.verdict.action]


_PHASES = {
    Action.COMMIT: Phase.READY,
    Action.MEASURE: Phase.COMMITTED,
    Action.GUARD: Phase.VERIFIED,
    Action.FIX: Phase.FIX,
    Action.REWORK: Phase.REWORK,
    Action.STAND: Phase.JUDGED,
}


def replay(session_id: str, events: Iterable[tuple[float, Event]]) -> Session | None:
    """Fold the events of one session, each with its time, into its state; None without any."""
    session: Session | None = None
    for at, event in events:
        session = advance(session, event, at, session_id)
    return session


def advance(session: Session | None, event: Event, at: float, session_id: str = "") -> Session:
    """The session after one more event."""
    if isinstance(event, Started):
        return _begin(event, at, session_id)
    assert session is not None, "a session begins with its start"
    match event:
        case Logged():
            return _close(session, event.row)
        case Repeated():
            return session
        case Finished():
            return replace(session, finished=True, squashed=event.squashed)
        case _:
            return _step(session, event)


def _begin(event: Started, at: float, session_id: str) -> Session:
    value = event.baseline.value
    assert value is not None, "a session starts with a number"
    seconds = event.baseline.seconds + sum(guard.seconds for guard in event.guards)
    return Session(
        session_id,
        event,
        at - seconds,
        event.base,
        value,
        value,
        measured_seconds=seconds,
        left_behind=frozenset(event.untracked),
    )


def _step(session: Session, event: Event) -> Session:
    trial = session.trial or Trial(session.last_iteration + 1, session.head, "")
    match event:
        case Unchanged():
            return _open(session, trial, event, changed=False)
        case HookRejected():
            rejections = trial.hook_rejections + 1
            rejected = {"hook_rejections": rejections, "hook_output": event.output, "files": event.files}
            return _open(session, trial, event, **rejected)
        case Committed():
            return _committed(session, trial, event)
        case Verified(measurement=measurement):
            return _verified(session, trial, measurement, event.untracked)
        case GuardsRan(results=results):
            return _guarded(session, trial, results, event.untracked)
        case GaveUp():
            return replace(session, trial=replace(trial, gave_up=True))
        case Reverted(commit=commit, kept_edits=kept):
            return replace(session, trial=replace(trial, undone=commit, kept_edits=kept), head=commit or session.head)
    raise AssertionError(f"unreachable: {event}")


def _open(session: Session, trial: Trial, event: Unchanged | HookRejected, **changes: object) -> Session:
    named = replace(trial, description=event.description, hypothesis=event.hypothesis)
    return replace(session, trial=replace(named, **changes))  # type: ignore[arg-type]


def _committed(session: Session, trial: Trial, event: Committed) -> Session:
    latest = replace(
        trial,
        description=trial.description or event.description,
        hypothesis=trial.hypothesis or event.hypothesis,
        commit=event.commit,
        files=event.files,
        added=event.added,
        removed=event.removed,
        tries=trial.tries + 1,
        measurement=None,
        guards=None,
    )
    trees = {**session.trees, event.tree: trial.number}
    return replace(session, trial=latest, head=event.commit, trees=trees)


def _verified(session: Session, trial: Trial, measurement: Measurement, untracked: tuple[str, ...]) -> Session:
    crashes = trial.crashes + (measurement.failure is not None)
    seconds = trial.seconds + measurement.seconds
    return replace(
        session,
        trial=replace(trial, measurement=measurement, crashes=crashes, seconds=seconds),
        measured_seconds=session.measured_seconds + measurement.seconds,
        left_behind=session.left_behind | set(untracked),
    )


def _guarded(session: Session, trial: Trial, results: tuple[GuardResult, ...], untracked: tuple[str, ...]) -> Session:
    seconds = sum(result.seconds for result in results)
    failures = trial.guard_failures + (not all(result.passed for result in results))
    return replace(
        session,
        trial=replace(trial, guards=results, guard_failures=failures, seconds=trial.seconds + seconds),
        measured_seconds=session.measured_seconds + seconds,
        left_behind=session.left_behind | set(untracked),
    )


_UNCOUNTED = {Status.NO_OP, Status.HOOK_BLOCKED, Status.METRIC_ERROR}
"""Statuses that say nothing of the idea: they neither lengthen nor break a streak."""


def _close(session: Session, row: Row) -> Session:
    counts = Counter(session.counts)
    counts[row.status] += 1
    closed = replace(
        session, trial=None, last_iteration=row.iteration, counts=dict(counts), metric_errors=_errors(session, row)
    )
    closed = _kept(closed, row) if row.status.kept else _lost(closed, row)
    return replace(closed, ended=_ending(closed))


def _errors(session: Session, row: Row) -> int:
    return session.metric_errors + 1 if row.status is Status.METRIC_ERROR else 0


def _kept(session: Session, row: Row) -> Session:
    assert row.metric is not None, "what is kept has a number"
    session = replace(session, reference=row.metric, streak=0)
    if session.plan.gain(row.metric, session.best) > 0:
        return replace(session, best=row.metric, best_iteration=row.iteration, since_best=0)
    return replace(session, since_best=session.since_best + 1)


def _lost(session: Session, row: Row) -> Session:
    return replace(
        session,
        streak=session.streak + (row.status not in _UNCOUNTED),
        since_best=session.since_best + (row.metric is not None),
    )


def _ending(session: Session) -> str:
    if session.metric_errors >= METRIC_ERRORS_THAT_END:
        return "two measurements in a row gave no number: the ruler is broken"
    target = session.plan.target_value
    if target is not None and session.plan.gain(session.reference, target) >= 0:
        return f"the target of {target:g} is reached"
    return ""
