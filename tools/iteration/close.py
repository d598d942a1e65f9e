"""The last steps of an iteration: give up, undo, write the row."""

from __future__ import annotations

from typing import Any

from ..decision.decide import Status
from ..decision.failures import FailureClass
from ..git.experiment import Edited, Undone
from ..git.repo import shown
from ..lab.context import RepoContext
from ..session.events import GaveUp, Logged, Reverted, Row
from ..session.intent import Intent, clear_intent, write_intent
from ..session.messages import revert_message
from ..session.results import flat
from ..session.state import Session, Trial
from ..storage.disk import keep_evidence
from ..vocabulary import Phase
from .commit_checks import changes_in_scope


def give_up(context: RepoContext, reason: str) -> None:
    """End an idea whose fix or rework the agent does not want to try."""
    if context.phase in {Phase.FIX, Phase.REWORK}:
        context.record(GaveUp(iteration=context.active.last_iteration + 1, reason=flat(reason)))


def undo(context: RepoContext) -> None:
    """Take the open iteration back: by a Revert commit, or, if no hook ever let it in, by restoring its files."""
    trial = context.active.open_trial
    if trial.commit:
        events: list[Reverted] = []

        def intend(undone: Undone, edited: Edited) -> None:
            kept = tuple(map(shown, undone.kept_edits))
            events.append(Reverted(iteration=trial.number, commit=undone.commit, kept_edits=kept))
            intent = Intent(
                session=context.active.id,
                old=trial.commit,
                new=undone.commit,
                base=trial.parent,
                event=events[0],
                edited=edited.paths,
                staged=edited.staged,
            )
            write_intent(context.repo.own_folder, intent)

        context.index.undo(trial.commit, trial.parent, revert_message(context.active, trial), intend)
        context.record(events[0])
        clear_intent(context.repo.own_folder)
        return
    paths = changes_in_scope(context)
    folder = context.repo.own_folder / "evidence" / context.active.id / str(trial.number)
    keep_evidence(folder, context.repo.root, paths)
    context.index.discard_edits(paths)
    context.record(Reverted(iteration=trial.number, commit=""))


def log(context: RepoContext, learned: str) -> Row:
    """Write the iteration's row, once."""
    session = context.active
    row = _row(session, session.open_trial, flat(learned))
    context.record(Logged(iteration=row.iteration, row=row))
    context.write_results()
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
