"""The steps of one iteration, each on an open desk: commit, measure, guard, undo, log. Verbs put them in order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .edges.disk import keep_evidence
from .edges.experiment import HookFailure, Staged
from .edges.repo import shown
from .errors import Code, Refusal
from .gates import changes_in_scope, refuse_entries, refuse_tampering, refuse_uncommitted, tracked_edits
from .lab import Desk
from .measure import guard_baselines, run_guards, tampered, verify_once
from .rules.decide import Status
from .rules.events import (
    Committed,
    GaveUp,
    GuardsRan,
    HookRejected,
    Logged,
    Measurement,
    Repeated,
    Reverted,
    Row,
    Unchanged,
    Verified,
)
from .rules.failures import FailureClass
from .rules.messages import experiment_message, revert_message
from .rules.phase import Phase
from .rules.results import flat
from .rules.session import Session, Trial

HOOK_OUTPUT_CHARACTERS = 3000


def commit(desk: Desk, description: str, hypothesis: str) -> None:
    """Commit what changed in scope, as the next attempt of the open iteration or the first of a new one."""
    idea = Idea(desk.active.last_iteration + 1, _described(description), flat(hypothesis))
    paths = changes_in_scope(desk)
    made: Committed | HookRejected
    try:
        staged = _staged(desk, paths)
        if staged is None:
            _record_unchanged(desk, idea)
            return
        _refuse_repeat(desk, staged, idea)
        made = _committed(desk, staged, idea)
    except HookFailure as failure:
        made = _rejected(idea, paths, failure)
    desk.record(made)


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


def _committed(desk: Desk, staged: Staged, idea: Idea) -> Committed:
    session = desk.active
    names = [shown(path) for path in staged.paths]
    message = experiment_message(session, idea.number, idea.description, idea.hypothesis, names)
    made = desk.bench.commit(staged, session.head, message)
    stat = desk.repo.diffstat(session.trial.parent if session.trial else session.head, made)
    return Committed(
        iteration=idea.number,
        commit=made,
        tree=staged.tree,
        description=idea.description,
        hypothesis=idea.hypothesis,
        files=tuple(map(shown, stat.files)),
        added=stat.added,
        removed=stat.removed,
    )


def _rejected(idea: Idea, paths: Sequence[str], failure: HookFailure) -> HookRejected:
    return HookRejected(
        iteration=idea.number,
        description=idea.description,
        hypothesis=idea.hypothesis,
        files=tuple(map(shown, paths)),
        output=str(failure)[-HOOK_OUTPUT_CHARACTERS:],
    )


def _described(description: str) -> str:
    text = flat(description)
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


def _refuse_repeat(desk: Desk, staged: Staged, idea: Idea) -> None:
    earlier = desk.active.trees.get(staged.tree)
    if earlier is None:
        return
    row = next((row for row in desk.rows() if row.iteration == earlier), None)
    if row is not None and row.failure in {FailureClass.EXTERNAL, FailureClass.HANG}:
        return
    desk.record(Repeated(iteration=idea.number, description=idea.description, earlier=earlier))
    outcome = f"{row.status}: {row.description}" if row else "still open"
    message = (
        f"This is byte for byte what iteration {earlier} tried ({outcome}). Nothing was committed. Try something else."
    )
    raise Refusal(Code.REPEAT, message)


def measure(desk: Desk) -> None:
    """Run verify on the latest attempt."""
    refuse_tampering(desk)
    refuse_uncommitted(desk)
    session = desk.active
    before = {change.path for change in desk.repo.changes()}
    measurement = verify_once(desk, session.plan, session.start.verify_timeout_s, session.last_iteration + 1)
    measurement = _checked(desk, measurement)
    left = _new_files(desk, before)
    desk.record(Verified(iteration=session.last_iteration + 1, measurement=measurement, untracked=left))


def _new_files(desk: Desk, before: set[str]) -> tuple[str, ...]:
    """Untracked files that a run left behind."""
    found = (change.path for change in desk.repo.changes() if not change.tracked and change.path not in before)
    return tuple(shown(path) for path in found)


def _checked(desk: Desk, measurement: Measurement) -> Measurement:
    """The measurement, unless the ruler or the measured files changed meanwhile."""
    session = desk.active
    if files := tampered(desk, session.plan, session.start.protected):
        _set_aside(desk, files)
        return measurement.model_copy(update={"value": None, "tampered": files})
    if edits := tracked_edits(desk.repo):
        problem = f"Files changed while measuring: {', '.join(map(shown, edits[:8]))}"
        return measurement.model_copy(update={"value": None, "problem": problem, "failure": FailureClass.RUNTIME})
    return measurement


def _set_aside(desk: Desk, files: tuple[str, ...]) -> None:
    """Keep the evidence, then give the tracked files back what the session was started with."""
    session = desk.active
    folder = desk.repo.own_folder / "evidence" / session.id / str(session.last_iteration + 1)
    keep_evidence(folder, desk.repo.root, files)
    tracked = set(desk.repo.tracked())
    desk.bench.restore([path for path in files if path in tracked])


def guard(desk: Desk) -> None:
    """Run every guard on the latest attempt."""
    refuse_tampering(desk)
    refuse_uncommitted(desk)
    session = desk.active
    number = session.last_iteration + 1
    before = {change.path for change in desk.repo.changes()}
    baselines = guard_baselines(session.start.guards)
    results = run_guards(desk, session.plan, session.start.guard_timeout_s, number, baselines)
    left = _new_files(desk, before)
    desk.record(GuardsRan(iteration=number, results=results, untracked=left))
    measurement = session.trial.measurement if session.trial else None
    if measurement and (files := tampered(desk, session.plan, session.start.protected)):
        _set_aside(desk, files)
        void = measurement.model_copy(update={"value": None, "tampered": files, "seconds": 0.0})
        desk.record(Verified(iteration=number, measurement=void))


def give_up(desk: Desk, reason: str) -> None:
    """End an idea whose fix or rework the agent does not want to try."""
    if desk.phase in {Phase.FIX, Phase.REWORK}:
        desk.record(GaveUp(iteration=desk.active.last_iteration + 1, reason=flat(reason)))


def undo(desk: Desk) -> None:
    """Take the open iteration back: by a Revert commit, or, if no hook ever let it in, by restoring its files."""
    trial = _trial(desk.active)
    if trial.commit:
        undone = desk.bench.undo(trial.commit, trial.parent, revert_message(desk.active, trial))
        desk.record(
            Reverted(iteration=trial.number, commit=undone.commit, kept_edits=tuple(map(shown, undone.kept_edits)))
        )
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
    measurement = trial.measurement
    value = measurement.value if measurement else None
    passed = all(result.passed for result in trial.guards or ())
    return Row(
        iteration=trial.number,
        commit=trial.commit,
        metric=value,
        delta=None if value is None else value - session.reference,
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
    )


def _failure(trial: Trial, status: Status) -> FailureClass | None:
    if status is Status.HOOK_BLOCKED:
        return FailureClass.HOOK
    return trial.measurement.failure if trial.measurement and status is Status.CRASH else None


def _trial(session: Session) -> Trial:
    assert session.trial is not None, "the phase says that an iteration is open"
    return session.trial
