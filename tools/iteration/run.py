"""One iteration from the commit to its row: the steps in the order in which they happen."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..decision.decide import NextStep, Status, TakeBack, Trial, unguarded
from ..decision.failures import FailureClass
from ..decision.judging import Step
from ..git.repo import shown
from ..lab.context import RepoContext
from ..plan.model import Ties
from ..session.commits import MADE_BEFORE, revert_message
from ..session.events import GaveUp, Logged, Reverted, Row, RowClaim
from ..session.intent import Intent, clear_intent, write_intent
from ..session.results import flat
from ..session.state import Session
from ..storage.disk import keep_evidence
from ..vocabulary import Phase
from .announce import announce_keep
from .aside import land
from .commit import AGENTS, Check, Origin, commit, is_open
from .commit_checks import changes_in_scope
from .measure import guard, verify


def run_iteration(
    context: RepoContext,
    description: str,
    hypothesis: str,
    learned: str,
    check: Check,
    origin: Origin = AGENTS,
) -> tuple[Session, Row | None]:
    """Commit, verify, guard, decide, keep or undo, log; `origin` is as in `commit`.

    Every step is in the journal before the next begins, and what is there is not done again: a call that is made once more
    after its server died goes on where that one stopped.

    Returns the session as decided and the iteration's row; no row yet where the agent may fix or rework the idea.

    Raises:
        Refusal: with nothing committed, if the change is not the experiment's to make, or was tried before.
    """
    if not is_open(context, description):
        commit(context, description, hypothesis, check, origin)
    verify(context)  # a close call is run again, in turn with the incumbent, until the evidence decides
    guard(context)  # only what looks better, and the holdout after the guards
    if context.active.open_trial.servers:
        give_up(context, "what the server wrote is not mended")
    verdict = context.active.verdict  # of the table in decision/decide.py
    assert verdict is not None, "an iteration is open"
    if verdict.status is None:
        return context.active, None
    if verdict.next is NextStep.UNDO:
        undo(context)
    decided = context.active
    return decided, log(context, learned)


def give_up(context: RepoContext, reason: str) -> None:
    """End an idea whose fix or rework the agent does not want to try."""
    if context.phase in {Phase.FIX, Phase.REWORK}:
        context.record(GaveUp(iteration=context.active.last_iteration + 1, reason=flat(reason)))


def undo(context: RepoContext) -> None:
    """Take the open iteration back, unless that was done: by a Revert commit; if no hook ever let it in, by restoring its files;
    what stands beside the branch needs neither.
    """
    session, trial = context.active, context.active.open_trial
    if trial.undone is not None:
        return
    if trial.aside:
        context.record(Reverted(iteration=trial.number, commit=""))
        return
    if not trial.commit:
        _discard(context, session, trial)
        return
    folder = context.repo.own_folder
    with context.index.undo(trial.commit, trial.parent, revert_message(session, trial)) as undone:
        event = Reverted(iteration=trial.number, commit=undone.commit, kept_edits=tuple(map(shown, undone.edited)))
        intent = Intent(
            session=session.id,
            old=trial.commit,
            new=undone.commit,
            base=trial.parent,
            event=event,
            edited=undone.edited,
            staged=undone.staged,
        )
        write_intent(folder, intent)
    context.record(event)
    clear_intent(folder)


def _discard(context: RepoContext, session: Session, trial: Trial) -> None:
    paths = changes_in_scope(context)
    keep_evidence(context.repo.own_folder / "evidence" / session.id / str(trial.number), context.repo.root, paths)
    context.index.discard_edits(paths)
    context.record(Reverted(iteration=trial.number, commit=""))


def log(context: RepoContext, learned: str) -> Row:
    """Write the iteration's row to the journal and the results file. A keep that stands beside the branch becomes its end before.

    Raises:
        Refusal: if somebody has edits where that one changes files.
    """
    row = row_of(context.active, context.active.open_trial, flat(learned))
    if row.status.kept:
        land(context)
    context.record(Logged(iteration=row.iteration, row=row))
    context.write_results()
    if row.status.kept:
        context.call.announced = announce_keep(context, row)
    return row


def row_of(session: Session, trial: Trial, learned: str) -> Row:
    """Return the row of a decided iteration."""
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
        undoes=trial.undoes,
        incumbent_worse=verdict.status is Status.DISCARD and session.slowdown is not None,
        undecided=verdict.status is Status.DISCARD and session.finding.step is Step.INCONCLUSIVE,
        note=" ".join(filter(None, (trial.note, *_of_discarded(session, trial, verdict.status)))),
        **_measured_part(session, trial),
    )


FAR, TOO_FAR = 3.0, 6.0
"""Standard deviations of a run between which one run may as well be an outlier. Beyond, such a run comes once in a thousand, even
where six runs have to tell the scatter (Student's t with 5 degrees of freedom).
"""


def _of_discarded(session: Session, trial: Trial, status: Status) -> Iterator[str]:
    """Say what is possible after a discard that a person may see otherwise."""
    if status is not Status.DISCARD or any(not guard.passed for guard in trial.guards or ()):
        return
    if trial.take_back is TakeBack.IF_NOT_WORSE:
        yield (
            f"Keep {trial.undoes} stands; the report tells your words as a doubt about it. If it is wrong all the same, tell the "
            "person what shows it, and the guard for the next plan that would fail on it: only a person takes it out, whatever "
            f"that costs, by `autoresearch-mcp undo {trial.undoes} --force`."
        )
    elif trial.removed and not trial.added and session.finding.step is Step.NOT_BETTER:
        finding = session.finding
        if (finding.gain if finding.high is None else finding.high) >= 0 and session.plan.ties == Ties.DISCARD:
            yield (
                'It only removes lines and was not shown to be worse: `ties = "simpler"`, in the plan of another session, '
                "runs such a change on and keeps it where it is shown to lose nothing."
            )
    if not trial.take_back:
        yield _one_far_run(session, trial)


def _one_far_run(session: Session, trial: Trial) -> str:
    """Say where a change was dropped on one run that a slow moment of the machine would explain as well."""
    once = session.noisy and len(trial.candidate) == 1 and MADE_BEFORE not in trial.note
    value = trial.candidate[0].value if once and session.judge.spread else None
    off = -session.plan.gain(value, session.reference) / session.judge.spread if value is not None else 0.0
    if not FAR < off <= TOO_FAR:
        return ""
    return (
        f"It was dropped on one run, {off:.1f} standard deviations worse: an outlier would look the same. "
        f"{unguarded(trial, session.plan)}again = {trial.number} tries it once more."
    )


def _measured_part(session: Session, trial: Trial) -> dict[str, Any]:
    """Return the fields of a row about its runs. A crash or a bent ruler has no metric, whatever earlier runs gave."""
    runs = (*trial.candidate, *trial.incumbent, *trial.clean_candidate, *trial.clean_incumbent)
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
    part |= {"metric": shown.metric, "delta": shown.delta}
    if trial.recheck.stands is False:  # what was found is not the commit's
        return part
    return {
        **part,
        "gain": finding.gain,
        "low": finding.low,
        "high": finding.high,
        "evidence": finding.evidence,
        "claim": _claim(session),
    }


def _claim(session: Session) -> RowClaim | None:
    claim = session.finding.claim
    if claim is None:
        return None
    return RowClaim(relative=claim.relative, gain=claim.gain, variance=claim.variance if session.controlled else None)


def _failure(trial: Trial, status: Status) -> FailureClass | None:
    if status is Status.HOOK_BLOCKED:
        return FailureClass.HOOK
    return trial.measurement.failure if trial.measurement and status is Status.CRASH else None
