"""The fold that makes a session from its events: `session = advance(session, event)`. No state is stored anywhere else."""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import reduce

from ..decision.calibration import judge_from
from ..decision.decide import Status, TakeBack, Trial
from ..decision.headline import Headline, KeptClaim, headline_from
from ..decision.judging import Arm, Threshold
from ..decision.measured import Curve, GuardResult, Measurement, Place
from ..decision.recheck import UNCHECKED
from ..decision.same_tree import Standing
from ..plan.model import Ties
from .clean_pairs import verified_clean
from .events import (
    Ablated,
    Committed,
    Confirmed,
    Designed,
    Event,
    Finished,
    GaveUp,
    GuardsRan,
    HeldOut,
    HookRejected,
    Landed,
    Logged,
    Remeasured,
    Repeated,
    Reverted,
    Row,
    Screened,
    Started,
    Unchanged,
    Verified,
)
from .short_rows import RowLike, claim_it_ends
from .state import Session, baseline_seeds, baseline_values, role_runs

METRIC_ERRORS_THAT_END = 2
REFERENCES = 8
"""Latest times of the reference workload that a new one is held against."""
RUNS_OF_A_COST = 3
"""Runs of each arm that say what a change costs which stays whatever that is."""
TELLING = 0.15
"""Logarithm by which that has to change, and by four times its own scatter, for the machine to count as another."""


def advance(session: Session | None, event: Event, at: float, session_id: str = "") -> Session:
    """Return the session after one more event."""
    if isinstance(event, Started):
        return _begin(event, at, session_id)
    assert session is not None, "a session begins with its start"
    match event:
        case Logged():
            return _close(session, event.row)
        case Repeated():
            return session
        case Screened():
            return _measured(session, event.seconds, event.seconds > 0)
        case Remeasured():
            return _remeasured(session, event)
        case Ablated():
            return _measured(session, event.seconds, len(event.without) + len(event.best))
        case Designed():
            return _measured(session, event.seconds, event.runs)
        case Confirmed():
            return _measured(replace(session, raced=event), event.seconds, len(event.baseline) + len(event.best))
        case Finished():
            return replace(session, finished=True, finished_at=at, squashed=event.squashed)
        case _:
            return _step(session, event)


def _measured(session: Session, seconds: float, runs: int) -> Session:
    """Return the session after so many more runs of verify, and seconds of measuring. A screening without seconds was none."""
    return replace(session, measured_seconds=session.measured_seconds + seconds, runs=session.runs + runs)


def _begin(event: Started, at: float, session_id: str) -> Session:
    values = baseline_values(event)
    assert values, "a session starts with a number"
    plan = event.plan
    judge = judge_from(plan, list(map(plan.signed, values)), baseline_seeds(event))
    return Session(
        session_id,
        event,
        at - event.seconds,
        event.base,
        judge,
        headline_from(list(map(plan.signed, values))),
        measured_seconds=event.seconds,
        runs=len(event.baseline),
        left_behind=frozenset(event.untracked),
        references=tuple(run.reference for run in event.baseline if run.reference),
        curve=_curve(event.baseline),
        standing=Standing(role_runs(plan, _in_one_place(event.baseline))),
    )


def _in_one_place(baseline: Sequence[Measurement]) -> Sequence[Measurement]:
    """Return the runs that were made where both arms take turns later, if there are any."""
    return [run for run in baseline if run.receipt and run.receipt.place is Place.ARENA] or baseline


def _curve(runs: Iterable[Measurement]) -> Curve:
    """Return the latest learning curve of some runs."""
    return next((run.trained.curve for run in reversed(tuple(runs)) if run.trained and run.trained.curve), ())


def _step(session: Session, event: Event) -> Session:
    trial = session.trial or Trial(session.last_iteration + 1, session.head, "")
    match event:
        case Unchanged():
            return _open(session, trial, event, changed=False)
        case HookRejected():
            rejections = trial.hook_rejections + 1
            rejected = {"hook_rejections": rejections, "hook_output": event.output, "files": event.files}
            rejected |= {"take_back": event.take_back, "submitted": event.submitted}
            return _open(session, trial, event, **rejected)
        case Committed():
            return _committed(session, trial, event)
        case Landed():
            return replace(session, trial=replace(trial, aside=False), head=trial.commit)
        case Verified():
            return _verified(session, trial, event)
        case GuardsRan(results=results):
            return _guarded(session, trial, results, event.untracked)
        case HeldOut():
            return _held_out(session, trial, event)
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
        description=event.description,
        hypothesis=event.hypothesis or trial.hypothesis,
        commit=event.commit,
        files=event.files,
        added=event.added,
        removed=event.removed,
        tries=trial.tries + 1,
        measurement=None,
        candidate=(),
        incumbent=(),
        unseen=(),
        clean_candidate=(),
        clean_incumbent=(),
        recheck=UNCHECKED,
        guards=None,
        agreed=None,
        undoes=event.undoes,
        take_back=event.take_back,
        submitted=event.submitted,
        aside=event.aside,
        note=event.note,
    )
    threshold = Threshold(
        session.plan.smallest_effect.absolute(session.reference),
        bool(event.take_back) or (session.plan.ties == Ties.SIMPLER and event.added < event.removed),
        RUNS_OF_A_COST if event.take_back is TakeBack.ANYWAY else 0,
    )
    opened = replace(
        session,
        trial=latest,
        head=session.head if event.aside else event.commit,
        judge=session.judge.open(threshold),
    )
    return _measured(opened, event.screened_s, event.screened_s > 0)


def _verified(session: Session, trial: Trial, event: Verified) -> Session:
    run = event.measurement
    counted = run.value is not None and not run.tampered
    if counted and run.receipt and run.receipt.place is Place.CLEAN:
        return verified_clean(_spent(session, event), trial, event.arm, run)
    judge = session.judge
    if counted and run.value is not None:
        judge = judge.see(
            event.arm, session.plan.signed(run.value), run.seed, machine_moved(session.references, run.reference)
        )
        if event.arm is Arm.INCUMBENT:
            session = replace(session, standing=session.standing.run_again(*role_runs(session.plan, [run])))
    note = run.problem if counted else ""  # of a run in place of one in a clean checkout
    after = replace(_after_run(trial, event.arm, run, counted), unseen=trial.unseen or event.unseen)
    return replace(
        _spent(session, event),
        judge=judge,
        trial=replace(after, note=" ".join(filter(None, (after.note, note)))),
        references=(*session.references, *([run.reference] if run.reference else []))[-REFERENCES:],
    )


def _spent(session: Session, event: Verified) -> Session:
    seconds = event.measurement.seconds  # 0 where a record only says that something was tampered with
    spent = replace(session, left_behind=session.left_behind | set(event.untracked))
    return _measured(spent, seconds, seconds > 0)


def machine_moved(earlier: Sequence[float], seconds: float) -> bool:
    """Return whether the workload that no change can touch took another time beside a run than beside the latest others."""
    if not seconds or len(earlier) < REFERENCES // 2:
        return False
    logs = [math.log(each) for each in earlier[-REFERENCES:]]
    middle = statistics.median(logs)
    scatter = 1.4826 * statistics.median(abs(log - middle) for log in logs)
    return abs(math.log(seconds) - middle) > max(TELLING, 4 * scatter)


def _after_run(trial: Trial, arm: Arm, run: Measurement, counted: bool) -> Trial:
    spent = replace(trial, seconds=trial.seconds + run.seconds)
    if arm is Arm.INCUMBENT:
        if run.tampered:
            return replace(spent, measurement=run)
        if counted and not trial.candidate:  # a look at the level before the race; it has no partner
            return spent
        if counted:
            return replace(spent, incumbent=(*trial.incumbent, run))
        return replace(spent, incumbent_failures=trial.incumbent_failures + 1)
    seen = (*trial.candidate, run) if counted else trial.candidate
    return replace(spent, measurement=run, candidate=seen, crashes=trial.crashes + (run.failure is not None))


def _held_out(session: Session, trial: Trial, event: HeldOut) -> Session:
    return replace(
        session,
        trial=replace(trial, agreed=event.agreed, seconds=trial.seconds + event.seconds),
        measured_seconds=session.measured_seconds + event.seconds,
        asked=session.asked + 1,
    )


def _remeasured(session: Session, event: Remeasured) -> Session:
    """Return a fresh run of the incumbent counts as one; of another row it only stands in the journal."""
    value, session = event.measurement.value, _measured(session, event.measurement.seconds, 1)
    if value is None or event.iteration != session.incumbent_iteration:
        return session
    return replace(session, judge=session.judge.see(Arm.INCUMBENT, session.plan.signed(value), event.measurement.seed))


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
        session,
        trial=None,
        judge=session.judge.close(row.status.kept),
        last_iteration=row.iteration,
        counts=dict(counts),
        metric_errors=session.metric_errors + 1 if row.status is Status.METRIC_ERROR else 0,
        blocked=_blocked(session, row.status),
    )
    if session.trial:  # not before: both arms of a trial are told of the same curve
        stays = session.trial.candidate if row.status.kept else session.trial.incumbent
        closed = replace(closed, curve=_curve(stays) or session.curve)
    if session.trial and session.trial.candidate:
        closed = replace(closed, standing=_standing(session, session.trial.candidate, row.status.kept))
    closed = _kept(closed, row) if row.status.kept else _lost(closed, row)
    return replace(closed, ended=_ending(closed))


def _standing(session: Session, candidate: Sequence[Measurement], kept: bool) -> Standing:
    """Return what is known of the incumbent's tree after a try: of a new one, its runs as the newest."""
    if not kept:
        return session.standing.tried(role_runs(session.plan, candidate)[0].value)
    runs = role_runs(session.plan, session.racing[0])
    return Standing(runs[1:] if len(runs) > 2 else runs)  # the first one selected the change, and flatters it


def _blocked(session: Session, status: Status) -> int:
    """How many commits in a row a hook has blocked; where nothing was committed, nothing could be."""
    if status is Status.NO_OP:
        return session.blocked
    return session.blocked + 1 if status is Status.HOOK_BLOCKED else 0


def _kept(session: Session, row: Row) -> Session:
    assert row.metric is not None, "what is kept has a number"
    claim = kept_claim(row)
    gained = _claimed(session.headline, row)
    since = 0 if claim.gained else session.since_best + 1
    return replace(session, incumbent_iteration=row.iteration, streak=0, headline=gained, since_best=since)


def _claimed(found: Headline, row: RowLike) -> Headline:
    return found.keep(kept_claim(row), claim_it_ends(row, found.claims[-1].iteration if found.claims else 0))


def standing_of(rows: Iterable[RowLike]) -> tuple[int, ...]:
    """Return the keeps that stand after all rows of a session; one that is read as its events are has them in its headline."""
    return reduce(_claimed, (row for row in rows if row.status.kept), Headline(0.0)).standing


def kept_claim(row: RowLike) -> KeptClaim:
    """Return what a kept row claims; an earlier version wrote no claim down, only the gain."""
    gain = row.gain or 0.0
    shown = (row.low or 0.0) if row.status is Status.KEEP_UNDO else gain  # that one stays where it is not worse
    gained = row.status is not Status.KEEP_SIMPLER and shown > 0
    undone = row.undoes if row.status is Status.KEEP_UNDO else 0
    if row.claim is None:
        return KeptClaim(row.iteration, False, gain, None, gained, undone)
    return KeptClaim(row.iteration, row.claim.relative, row.claim.gain, row.claim.variance, gained, undone)


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
