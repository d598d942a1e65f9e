"""What becomes of a candidate: a row that says why not, or an iteration like any other, on the newest best.

The rule that a run in a lane is held against is the session's own, as it stood when the candidate was cut; all that it can say is
that the candidate is not better. Who may still be better is merged onto the best of today and raced anew by fresh runs alone, so
the chance that anything kept is false is that of as many iterations made one after the other.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..decision.decide import Status
from ..decision.measured import Measurement
from ..errors import Code, Refusal
from ..git.experiment import HookFailure, Staged
from ..git.hooks import has_hooks
from ..git.merging import conflicting, merged
from ..iteration.again import bring_in
from ..iteration.aside import commit_aside
from ..iteration.commit import Check, Origin, repeat_of
from ..iteration.run import row_of, run_iteration
from ..lab.context import RepoContext
from ..session.commits import fingerprints
from ..session.events import Committed, GaveUp, Logged, Row, Screened, Verified
from ..session.fold import advance
from ..session.state import Session
from ..vocabulary import Phase
from .board import Board
from .events import LaneRan, Submitted
from .workspaces import kept_commit

MOST_NAMED = 8


def settle(context: RepoContext, board: Board, one: Submitted, check: Check) -> Row | None:
    """Give a candidate its row: from its run in a lane where that shows enough, else from an iteration on the newest best.

    Returns None while its run, or that of the best it was cut from, is still to come.

    Raises:
        Refusal: if it cannot be brought into the session's checkout, because somebody has edits there: where it has to be measured
            there, of any file, else only of those that a keep changes.
    """
    if _is_open(context, one):
        return _iterated(context, one, board.run_of(one), check)
    run = board.run_of(one)
    measurement = run.measurement if run else None
    if run is not None and measurement is not None and (row := _by_its_run(context, board, one, run, measurement)):
        return _closed(context, one, row, measurement)
    return _promoted(context, board, one, measurement, check)


def is_ready(board: Board, one: Submitted, session: Session, screened: bool) -> bool:
    """Tell whether everything is there that a candidate's end needs: its run and, where metrics repeat, that of its best."""
    if not screened:
        return True
    ran = board.run_of(one)
    kinds = [] if ran is None else [*([] if session.noisy else [""]), *([ran.node_kind] if ran.node_kind else [])]
    return ran is not None and all((0, one.incumbent, kind) in board.runs for kind in kinds)


def _is_open(context: RepoContext, one: Submitted) -> bool:
    trial = context.active.trial
    return trial is not None and trial.submitted == one.candidate


def _by_its_run(context: RepoContext, board: Board, one: Submitted, ran: LaneRan, run: Measurement) -> Row | None:
    """Return the row of a candidate that its run alone decides, by the rule and the table of every iteration."""
    then = _on_such_nodes(context, board, one, ran) if ran.node_kind else _when_best(context, one.incumbent)
    if then is None or run.tampered or not (ran.node_kind or _believed(board, one, then)):
        return None
    number, at = context.active.last_iteration + 1, context.now()
    then = advance(then, _as_committed(one, number, run), at)
    then = advance(then, Verified(iteration=number, measurement=run), at)
    if run.failure is not None:
        then = advance(then, GaveUp(iteration=number, reason="handed in"), at)
    verdict = then.verdict
    if verdict is None or verdict.status not in {Status.DISCARD, Status.CRASH}:
        return None
    row = row_of(then, then.open_trial, "")
    return row.model_copy(update={"iteration": number, "note": f"{_cut_from(one, ran)} {row.note}".strip()})


def _believed(board: Board, one: Submitted, then: Session) -> bool:
    """Tell whether lanes give the best that a candidate was cut from its own number."""
    if then.noisy:
        return True
    own = board.runs.get((0, one.incumbent, ""))
    return own is not None and own.measurement is not None and own.measurement.value == then.reference


def _on_such_nodes(context: RepoContext, board: Board, one: Submitted, ran: LaneRan) -> Session | None:
    """Return the session as if it had begun at the best that a candidate was cut from, on nodes of the kind that ran it; None where
    that best gives no number there, or another each time of a metric that repeats. So machines unlike one another are never compared.
    """
    base = board.runs.get((0, one.incumbent, ran.node_kind))
    runs = (base.measurement, *base.further) if base and base.measurement else ()
    if not runs or any(run.value is None or run.tampered for run in runs):
        return None
    session, commit = context.active, kept_commit(context, one.incumbent)
    if not session.noisy and len({run.value for run in runs}) > 1:
        return None
    start = session.start.model_copy(update={"base": commit, "baseline": runs})
    return advance(None, start, context.now(), session.id)


def _when_best(context: RepoContext, iteration: int) -> Session | None:
    """Return the session as it stood, between two iterations, when that one was the best and most was known of it."""
    if context.active.incumbent_iteration == iteration:
        return context.active
    session, found = None, None
    for place, event in context.journal.events(context.active.id):
        session = advance(session, event, place.at, context.active.id)
        if session.incumbent_iteration > iteration:
            break
        if session.trial is None:
            found = session
    return found


def _as_committed(one: Submitted, number: int, run: Measurement | None) -> Committed:
    given = one.model_dump(exclude={"kind", "knob", "candidate", "workspace", "base", "incumbent"})
    return Committed(iteration=number, submitted=one.candidate, screened_s=run.seconds if run else 0.0, **given)


def _promoted(context: RepoContext, board: Board, one: Submitted, run: Measurement | None, check: Check) -> Row:
    repo, session = context.repo, context.active
    staged = merged(repo, one.base, one.commit, session.head)
    if staged is None:
        files = ", ".join(conflicting(repo)[:MOST_NAMED]) or ", ".join(one.files[:MOST_NAMED])
        why = f"It does not fit the best of today: {files} changed since in the same lines, by {_kept_since(context, one)}."
    elif not staged.entries:
        why = f"Its change is in the best of today already, by {_kept_since(context, one)}."
    elif found := repeat_of(context, staged, fingerprints(repo.diff(session.head, staged.tree))):
        why = found[1].partition(" Nothing was committed")[0]
    elif refused := _refused(context, one, staged.tree, check):
        why = refused
    elif _stands_aside(context, board, one, staged):
        return _iterated(context, one, board.run_of(one), check)
    else:
        brought = bring_in(context, staged)
        try:
            return _iterated(context, one, board.run_of(one), check)
        except Refusal as refusal:
            if refusal.code is not Code.DISK and context.phase is Phase.READY:
                context.index.discard_edits(brought)
            raise
    return _closed(context, one, _row_of_its_own(context, one, run, why), run)


def _refused(context: RepoContext, one: Submitted, tree: str, check: Check) -> str:
    """Return why a merged change is not to be committed, which no waiting cures; empty where it may be."""
    try:
        check(context, tree, one.description)
    except Refusal as refusal:
        return refusal.message.partition(" Nothing was committed")[0]
    return ""


def _stands_aside(context: RepoContext, board: Board, one: Submitted, staged: Staged) -> bool:
    """Commit a merged change beside the branch, where it can be measured in checkouts of ours alone: there the metric is known to be
    as where the session works, and no hook has to look at files that a merge made.
    """
    then = _when_best(context, one.incumbent)
    if then is None or not _believed(board, one, then) or (staged.tree != one.tree and has_hooks(context.repo)):
        return False
    try:
        commit_aside(context, staged, one.description, one.hypothesis, _origin(one, board.run_of(one)))
    except HookFailure:  # as an iteration in the session's checkout it has a row that tells what the hook said
        return False
    return True


def _origin(one: Submitted, ran: LaneRan | None) -> Origin:
    run = ran.measurement if ran else None
    return Origin(submitted=one.candidate, screened_s=run.seconds if run else 0.0)


def _iterated(context: RepoContext, one: Submitted, ran: LaneRan | None, check: Check) -> Row:
    _, row = run_iteration(context, one.description, one.hypothesis, "", check, _origin(one, ran))
    assert row is not None, "what was handed in is not mended"
    return row


def _closed(context: RepoContext, one: Submitted, row: Row, run: Measurement | None) -> Row:
    screened = Screened(
        iteration=row.iteration,
        submitted=one.candidate,
        commit=one.commit,
        tree=one.tree,
        files=one.files,
        change=one.change,
        inverse=one.inverse,
        shape=one.shape,
        seconds=run.seconds if run else 0.0,
    )
    context.record(screened, Logged(iteration=row.iteration, row=row))
    context.write_results()
    return row


def _row_of_its_own(context: RepoContext, one: Submitted, run: Measurement | None, why: str) -> Row:
    value = run.value if run else None
    return Row(
        iteration=context.active.last_iteration + 1,
        commit=one.commit,
        metric=value,
        status=Status.DISCARD,
        description=one.description,
        hypothesis=one.hypothesis,
        why=why,
        files=one.files,
        added=one.added,
        removed=one.removed,
        seconds=run.seconds if run else 0.0,
        runs=int(run is not None),
        samples=() if value is None else (value,),
        receipts=(run.receipt.id,) if run and run.receipt else (),
        note=_cut_from(one),
    )


def _cut_from(one: Submitted, ran: LaneRan | None = None) -> str:
    base = f"iteration {one.incumbent}" if one.incumbent else "the baseline"
    where = f" on nodes of one kind ({ran.hardware})" if ran and ran.node_kind else ""
    return f"Candidate {one.name}, cut from {base}, which it was held against{where}."


def _kept_since(context: RepoContext, one: Submitted) -> str:
    kept: Sequence[Row] = context.rows(statuses=tuple(status for status in Status if status.kept))
    since = [f"#{row.iteration} {row.description[:60]}" for row in kept if row.iteration > one.incumbent]
    return "; ".join(since[-MOST_NAMED:]) or "nothing that was kept since"
