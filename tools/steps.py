"""The steps of one iteration, each on an open desk: commit, measure, guard, undo, log. Verbs put them in order."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from .edges.disk import keep_evidence
from .edges.experiment import Edited, HookFailure, Staged, Undone
from .edges.hygiene import clean_end, hygiene
from .edges.intent import Intent, clear_intent, write_intent
from .edges.repo import shown
from .edges.unseen import changed_since
from .errors import Code, Refusal
from .gates import (
    changes_in_scope,
    refuse_entries,
    refuse_tampering,
    refuse_uncommitted,
    tracked_edits,
    unlike_the_start,
)
from .lab import Desk
from .measure import Meter, Turn, all_clean, at_checkout, guard_baselines, in_arena
from .ruler import ruler_of
from .rules.change import Change, fingerprints, resemblance
from .rules.decide import Action, Status
from .rules.events import (
    Committed,
    GaveUp,
    GuardResult,
    GuardsRan,
    HeldOut,
    HookRejected,
    Logged,
    Measurement,
    Place,
    Repeated,
    Reverted,
    Row,
    Unchanged,
    Verified,
)
from .rules.failures import FailureClass
from .rules.judging import Arm
from .rules.messages import experiment_message, revert_message
from .rules.phase import Phase
from .rules.results import flat
from .rules.session import Session, Trial

HOOK_OUTPUT_CHARACTERS = 3000
_NOT_IN_GIT = "The incumbent runs there. Git does not have these files, which changed since the start:"
_SERVERS_TURN = frozenset({Phase.COMMITTED, Phase.VERIFIED, Phase.DISCARDED, Phase.JUDGED})


def commit(desk: Desk, description: str, hypothesis: str) -> None:
    """Commit what changed in scope, as the next attempt of the open iteration or the first of a new one."""
    idea = Idea(desk.active.last_iteration + 1, _described(description), hygiene()(flat(hypothesis)))
    paths = changes_in_scope(desk)
    made: Committed | HookRejected
    try:
        staged = _staged(desk, paths)
        if staged is None:
            _record_unchanged(desk, idea)
            return
        change = _changed(desk, staged)
        _refuse_repeat(desk, staged, change, idea)
        made = _committed(desk, staged, idea, change)
    except HookFailure as failure:
        made = _rejected(idea, paths, failure)
    desk.record(made)
    clear_intent(desk.repo.own_folder)


def is_open(desk: Desk, description: str) -> bool:
    """Whether an iteration of this description waits for the server: its call was interrupted, and is made again."""
    trial = desk.session.trial if desk.session else None
    return desk.phase in _SERVERS_TURN and trial is not None and trial.description == flat(description)[:500]


def answer_was_lost(desk: Desk, description: str) -> bool:
    """Whether the same call ended with its server before it was answered, and nothing in scope was edited since."""
    if not desk.again or changes_in_scope(desk):
        return False
    if (trial := desk.active.trial) is not None:
        return desk.phase in {Phase.FIX, Phase.REWORK} and trial.description == _described(description)
    rows = desk.journal.rows(desk.active.id, 1)
    return bool(rows) and rows[-1].iteration > 0 and rows[-1].description == _described(description)


@dataclass(frozen=True)
class Idea:
    """What the agent says of a try, and which iteration it belongs to."""

    number: int
    description: str
    hypothesis: str


def _staged(desk: Desk, paths: Sequence[str]) -> Staged | None:
    """The tree that a commit of these paths would have, looked at once more; None if it is the same as before."""
    if not paths:
        return None
    session = desk.active
    staged = desk.bench.stage(paths, session.head)
    refuse_entries(desk.repo, session.plan, staged.entries, paths)
    return staged if staged.entries else None


def _changed(desk: Desk, staged: Staged) -> Change:
    session = desk.active
    parent = session.trial.parent if session.trial else session.head
    return fingerprints(desk.repo.diff(parent, staged.tree))


def _committed(desk: Desk, staged: Staged, idea: Idea, change: Change) -> Committed:
    session = desk.active
    names = [shown(path) for path in staged.paths]
    message = experiment_message(
        session, idea.number, idea.description, idea.hypothesis, names, journal=desk.journal.tip()
    )
    events: list[Committed] = []

    def intend(commit: str) -> None:
        events.append(_commit_event(desk, staged, idea, change, commit))
        intent = Intent(session=session.id, old=session.head, new=commit, event=events[0])
        write_intent(desk.repo.own_folder, intent)

    desk.bench.commit(staged, session.head, message, intend)
    return events[0]


def _commit_event(desk: Desk, staged: Staged, idea: Idea, change: Change, commit: str) -> Committed:
    session = desk.active
    stat = desk.repo.diffstat(session.trial.parent if session.trial else session.head, commit)
    return Committed(
        iteration=idea.number,
        commit=commit,
        tree=staged.tree,
        description=idea.description,
        hypothesis=idea.hypothesis,
        files=tuple(map(shown, stat.files)),
        added=stat.added,
        removed=stat.removed,
        change=change.change,
        inverse=change.inverse,
        shape=change.shape,
        note=resemblance(change, partial(desk.journal.latest_commit, session.id)),
    )


def _rejected(idea: Idea, paths: Sequence[str], failure: HookFailure) -> HookRejected:
    return HookRejected(
        iteration=idea.number,
        description=idea.description,
        hypothesis=idea.hypothesis,
        files=tuple(map(shown, paths)),
        output=clean_end(str(failure), HOOK_OUTPUT_CHARACTERS),
    )


def _described(description: str) -> str:
    text = hygiene()(flat(description))  # it goes into a commit message, which may be pushed
    if not text:
        raise Refusal(Code.BAD_ARGUMENT, "`description` is empty. Say in one sentence what you changed and why.")
    return text[:500]


def _record_unchanged(desk: Desk, idea: Idea) -> None:
    trial = desk.active.trial
    if trial and trial.commit:
        message = (
            "Nothing in scope changed since the last attempt. Edit the files, or call revert to give this idea up."
        )
        raise Refusal(Code.OUT_OF_ORDER, message)
    desk.record(Unchanged(iteration=idea.number, description=idea.description, hypothesis=idea.hypothesis))


def _refuse_repeat(desk: Desk, staged: Staged, change: Change, idea: Idea) -> None:
    session = desk.active
    exact = desk.journal.latest_commit(session.id, "tree", staged.tree)
    earlier = exact if exact is not None else desk.journal.latest_commit(session.id, "change", change.change)
    # The same change to another incumbent is another try.
    if earlier is None or (exact is None and earlier <= session.incumbent_iteration):
        return
    row = next((row for row in desk.journal.rows(session.id, 1, before=earlier + 1) if row.iteration == earlier), None)
    if row is not None and row.failure in {FailureClass.EXTERNAL, FailureClass.HANG}:
        return
    desk.record(Repeated(iteration=idea.number, description=idea.description, earlier=earlier))
    outcome = f"{row.status}: {row.description}" if row else "still open"
    how = "This is byte for byte" if exact is not None else "But for white space this is"
    message = f"{how} what iteration {earlier} tried ({outcome}). Nothing was committed. Try something else."
    raise Refusal(Code.REPEAT, message)


def measure(desk: Desk) -> None:
    """One run of verify, on the candidate or, where the race asks for it, on the incumbent."""
    refuse_tampering(desk)
    session, verdict = desk.active, desk.active.verdict
    arm = Arm.INCUMBENT if verdict and verdict.action is Action.COMPARE else Arm.CANDIDATE
    if _other_ground(desk):
        return
    turn = _turn(desk, arm)
    if turn.place is Place.CHECKOUT:
        refuse_uncommitted(desk)
    before = {change.path for change in desk.repo.changes()}
    measurement = _checked(desk, turn, _measured(desk, turn))
    left, unseen = _new_files(desk, before), _unseen(desk, turn, measurement)
    if measurement.failure is FailureClass.CANCELLED:
        arm = Arm.CANDIDATE  # whoever cancels gives the change up, whichever arm was running
    desk.record(
        Verified(iteration=session.last_iteration + 1, arm=arm, measurement=measurement, untracked=left, unseen=unseen)
    )


def _measured(desk: Desk, turn: Turn) -> Measurement:
    """One run of verify. Where nothing but the commit counts, a failure is the change's only if the incumbent runs there."""
    meter, timeout_s = _meter(desk), desk.active.start.verify_timeout_s
    run = meter.verify(turn, timeout_s)
    if turn.place is not Place.CLEAN:
        return run
    try:
        if run.value is not None or run.failure is FailureClass.CANCELLED:
            return run
        trial = _trial(desk.active)
        control = meter.verify(replace(turn, commit=trial.parent, tree=desk.repo.tree(trial.parent)), timeout_s)
        if control.value is not None:
            why = f"In a clean checkout of the commit: {run.problem} {_NOT_IN_GIT} {', '.join(trial.unseen)}."
            return run.model_copy(update={"problem": why, "seconds": run.seconds + control.seconds})
        again = meter.verify(at_checkout(desk, turn.commit, turn.iteration, turn.run, turn.seed), timeout_s)
        return again.model_copy(update={"seconds": run.seconds + control.seconds + again.seconds})
    finally:
        desk.clean.remove()


def _unseen(desk: Desk, turn: Turn, measurement: Measurement) -> tuple[str, ...]:
    """What changed since the start and cannot be in a commit, if this number would be believed at once."""
    session = desk.active
    if measurement.value is None or turn.place is not Place.CHECKOUT:
        return ()
    ahead = session.plan.gain(measurement.value, session.reference) >= 0
    return changed_since(desk.repo, session.started_at) if ahead else ()


def _other_ground(desk: Desk) -> bool:
    """End the iteration where git's settings or the machine changed since its commit: nothing can be compared any more."""
    if not (found := unlike_the_start(desk).all):
        return False
    desk.record(Verified(iteration=_trial(desk.active).number, measurement=Measurement(tampered=found)))
    return True


def _meter(desk: Desk) -> Meter:
    session = desk.active
    return Meter(desk, session.plan, ruler_of(session.start))


def _turn(desk: Desk, arm: Arm) -> Turn:
    """The next run of an arm: a noisy metric is measured in the arena, an exact one where the user works."""
    session, trial = desk.active, _trial(desk.active)
    mine, other = (trial.candidate, trial.incumbent) if arm is Arm.CANDIDATE else (trial.incumbent, trial.candidate)
    run = len(mine) + 1
    seed = session.start.seed
    if session.seeds_vary:
        paired = other[len(mine)].receipt if len(other) > len(mine) else None
        seed = paired.seed if paired else secrets.randbelow(2**31)
    commit = trial.commit if arm is Arm.CANDIDATE else trial.parent
    if arm is Arm.CANDIDATE and trial.candidate and trial.unseen and not session.noisy:
        return all_clean(desk, commit, session.start.base, (trial.number, run, seed))
    return place(desk, commit, arm, (trial.number, run, seed))


def run_again(desk: Desk, session: Session, commit: str, iteration: int) -> Measurement:
    """One more run of a commit of the session, in the arena."""
    meter = _meter(desk)
    numbers = (iteration, 1, session.start.seed if not session.seeds_vary else secrets.randbelow(2**31))
    turn = in_arena(desk, commit, session.start.base, numbers)
    return meter.verify(turn, session.start.verify_timeout_s)


def place(desk: Desk, commit: str, arm: Arm, turn: tuple[int, int, int]) -> Turn:
    """Where a run of an arm takes place."""
    session = desk.active
    if arm is Arm.CANDIDATE and not session.noisy:
        return at_checkout(desk, commit, *turn)
    return in_arena(desk, commit, session.start.base, turn)


def _new_files(desk: Desk, before: set[str]) -> tuple[str, ...]:
    """Untracked files that a run left behind."""
    found = (change.path for change in desk.repo.changes() if not change.tracked and change.path not in before)
    return tuple(shown(path) for path in found)


def _checked(desk: Desk, turn: Turn, measurement: Measurement) -> Measurement:
    """The measurement, unless the ruler or the measured files changed meanwhile."""
    found = unlike_the_start(desk)
    if bent := tuple(dict.fromkeys((*found.all, *measurement.tampered))):
        _set_aside(desk, found.files)
        return measurement.model_copy(update={"value": None, "tampered": bent})
    if turn.place is Place.CHECKOUT and (edits := tracked_edits(desk.repo)):
        problem = f"Files changed while measuring: {', '.join(map(shown, edits[:8]))}"
        return measurement.model_copy(update={"value": None, "problem": problem, "failure": FailureClass.RUNTIME})
    return measurement


def _set_aside(desk: Desk, files: Sequence[str]) -> None:
    """Keep the evidence, then give the tracked files back what the session was started with."""
    session = desk.active
    folder = desk.repo.own_folder / "evidence" / session.id / str(session.last_iteration + 1)
    keep_evidence(folder, desk.repo.root, files)
    tracked = set(desk.repo.tracked())
    desk.bench.restore([path for path in files if path in tracked])


def guard(desk: Desk) -> None:
    """Run every guard on the latest attempt, unless they have run; then ask the holdout, if the plan has one."""
    refuse_tampering(desk)
    if _other_ground(desk):
        return
    trial = _trial(desk.active)
    if trial.guards is None and desk.active.plan.has_guards:
        _run_guards(desk, trial)
    verdict = desk.active.verdict
    if verdict and verdict.action is Action.HOLD_OUT:
        _hold_out(desk, _trial(desk.active))


def _run_guards(desk: Desk, trial: Trial) -> None:
    session = desk.active
    turn = place(desk, trial.commit, Arm.CANDIDATE, (trial.number, 1, session.start.seed))
    if turn.place is Place.CHECKOUT:
        refuse_uncommitted(desk)
    before = {change.path for change in desk.repo.changes()}
    results = _meter(desk).guards(turn, session.start.guard_timeout_s, guard_baselines(session.start.guards))
    results = tuple(_probed(desk, trial, result) for result in results)
    left = _new_files(desk, before)
    desk.record(GuardsRan(iteration=trial.number, results=results, untracked=left))
    if trial.measurement is None:
        return
    after = _checked(desk, turn, trial.measurement)
    if after.tampered:
        desk.record(Verified(iteration=trial.number, measurement=after.model_copy(update={"seconds": 0.0})))


def _probed(desk: Desk, trial: Trial, result: GuardResult) -> GuardResult:
    """A red guard is tried on the incumbent, where a second checkout is known to work: is the guard itself broken?"""
    session = desk.active
    if result.passed or desk.cancelled or not session.noisy or result.guard not in session.plan.guards:
        return result
    turn = place(desk, trial.parent, Arm.INCUMBENT, (trial.number, 1, session.start.seed))
    return result.model_copy(
        update={"broken": _meter(desk).red(turn, result.guard, session.start.guard_timeout_s), "runs": result.runs + 1}
    )


def _hold_out(desk: Desk, trial: Trial) -> None:
    """Measure candidate and incumbent on what was kept back; only whether they agree with verify is written down."""
    session, meter = desk.active, _meter(desk)
    numbers = (trial.number, 1, session.start.seed)
    values, seconds = [], 0.0
    for commit in (trial.commit, trial.parent):
        turn = in_arena(desk, commit, session.start.base, numbers)
        value, took = meter.holdout(turn, session.start.verify_timeout_s)
        values.append(value)
        seconds += took
    agreed, problem = session.holdout_agrees(*values)
    desk.record(HeldOut(iteration=trial.number, agreed=agreed, seconds=seconds, problem=problem))


def give_up(desk: Desk, reason: str) -> None:
    """End an idea whose fix or rework the agent does not want to try."""
    if desk.phase in {Phase.FIX, Phase.REWORK}:
        desk.record(GaveUp(iteration=desk.active.last_iteration + 1, reason=flat(reason)))


def undo(desk: Desk) -> None:
    """Take the open iteration back: by a Revert commit, or, if no hook ever let it in, by restoring its files."""
    trial = _trial(desk.active)
    if trial.commit:
        events: list[Reverted] = []

        def intend(undone: Undone, edited: Edited) -> None:
            kept = tuple(map(shown, undone.kept_edits))
            events.append(Reverted(iteration=trial.number, commit=undone.commit, kept_edits=kept))
            intent = Intent(
                session=desk.active.id,
                old=trial.commit,
                new=undone.commit,
                base=trial.parent,
                event=events[0],
                edited=edited.paths,
                staged=edited.staged,
            )
            write_intent(desk.repo.own_folder, intent)

        desk.bench.undo(trial.commit, trial.parent, revert_message(desk.active, trial), intend)
        desk.record(events[0])
        clear_intent(desk.repo.own_folder)
        return
    paths = changes_in_scope(desk)
    folder = desk.repo.own_folder / "evidence" / desk.active.id / str(trial.number)
    keep_evidence(folder, desk.repo.root, paths)
    desk.bench.discard_edits(paths)
    desk.record(Reverted(iteration=trial.number, commit=""))


def log(desk: Desk, learned: str) -> Row:
    """Write the iteration's row, once."""
    session = desk.active
    row = _row(session, _trial(session), flat(learned))
    desk.record(Logged(iteration=row.iteration, row=row))
    desk.write_results()
    return row


def _row(session: Session, trial: Trial, learned: str) -> Row:
    verdict = session.verdict
    assert verdict is not None, "an iteration is open"
    assert verdict.status is not None, "only a decided iteration is logged"
    passed = all(result.passed for result in trial.guards or ())
    return Row(
        iteration=trial.number,
        commit=trial.commit,
        guard="-" if trial.guards is None else "pass" if passed else "fail",
        status=verdict.status,
        description=trial.description,
        hypothesis=trial.hypothesis,
        learned=learned,
        why=verdict.why,
        files=trial.files,
        added=trial.added,
        removed=trial.removed,
        tries=max(trial.tries, trial.hook_rejections, 1),
        seconds=trial.seconds,
        failure=_failure(trial, verdict.status),
        note=trial.note,
        **_measured_part(session, trial),
    )


def _measured_part(session: Session, trial: Trial) -> dict[str, Any]:
    """What a row says of its runs. A crash or a bent ruler has no metric, whatever earlier runs gave."""
    runs = (*trial.candidate, *trial.incumbent)
    part: dict[str, Any] = {
        "runs": len(runs),
        "samples": tuple(run.value for run in trial.candidate),
        "incumbent": tuple(run.value for run in trial.incumbent),
        "receipts": tuple(run.receipt.id for run in runs if run.receipt),
    }
    shown = session.shown
    if shown is None:
        return part
    finding = session.finding
    return {
        **part,
        "metric": shown.metric,
        "delta": shown.delta,
        "gain": finding.gain,
        "low": finding.low,
        "high": finding.high,
        "evidence": finding.evidence,
    }


def _failure(trial: Trial, status: Status) -> FailureClass | None:
    if status is Status.HOOK_BLOCKED:
        return FailureClass.HOOK
    return trial.measurement.failure if trial.measurement and status is Status.CRASH else None


def _trial(session: Session) -> Trial:
    assert session.trial is not None, "the phase says that an iteration is open"
    return session.trial
