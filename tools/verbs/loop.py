"""The loop's verbs: one iteration in one call, or step by step. The same steps, in the order that the phase gives."""

from __future__ import annotations

import shlex

from ..decision.decide import Status, TakeBack, Trial
from ..decision.gain import WIDE, rounded, rounded_level
from ..errors import Code, Refusal
from ..iteration import commit, measure, run
from ..iteration.again import bring_again, bring_without
from ..iteration.keeps import keep_of, standing
from ..lab.approvals import moment
from ..lab.context import RepoContext
from ..lab.notes import PAUSED, Said, from_person, said
from ..session.events import Row
from ..session.state import Session
from ..session.summary import EVERY, advice_is_due, blocked_words, stuck_words, summarise
from ..text.output_ends import ends
from ..vocabulary import Phase, Tool, following
from ..workflows.fix.hooks import after_iteration, refuse_hiding
from .base import Description, Hypothesis, Learned, RepoPath, Verbs
from .loop_answers import CommitMade, GuardsChecked, Iterated, RevertMade, VerifyRan, effect_of
from .review import advice, guard_words, training_told

OUTPUT_CHARACTERS = 2000


class Loop(Verbs):
    """One idea after the other."""

    def iterate(
        self,
        description: Description = "",
        hypothesis: Hypothesis = "",
        learned: Learned = "",
        again: int = 0,
        undo: int = 0,
        repo: RepoPath = "",
    ) -> Iterated:
        """Use after each edit, the everyday call: commits your change, verifies it, runs the guards, keeps it or takes it back,
        and writes the row.

        First edit files in scope (one idea), then call with `description`, one sentence on what you changed; `hypothesis`,
        why it should help; `learned`, what the last try taught. The server measures and decides. If verify crashes or a
        guard fails you may fix the files and call again (same iteration), or call revert to give the idea up. `again` = the
        number of an earlier iteration tries its change once more instead of an edit of yours: where an answer
        or detect_stuck says so. `undo` = the number of a keep tries the best without it, kept where that is not worse. Refused,
        with nothing committed, if anything outside the scope or any protected file changed.
        """
        if again or undo:
            description = description or (f"Take iteration {undo} back" if undo else f"Try iteration {again} again")
        with self._lab.for_writing(
            repo, Tool.ITERATE, again=lambda context: commit.is_open(context, description)
        ) as context:
            if commit.answer_was_lost(context, description):
                return _iterated_before(context)
            _refuse_while_paused(context, description)
            if undo:
                return _undone(context, undo, TakeBack.IF_NOT_WORSE, description, hypothesis, learned)
            if again and not commit.is_open(context, description):
                bring_again(context, again, description)
            decided, row = run.run_iteration(context, description, hypothesis, learned, refuse_hiding)
            return _iterated(context, decided, row)

    def undo(self, number: int, force: bool = False, repo: RepoPath = "") -> Iterated:
        """Try the best without a keep, as a person may who ended the session as well; `force` keeps that whatever it costs."""

        def description(context: RepoContext) -> str:
            open_one = context.active.trial
            if open_one is not None and open_one.take_back:
                return open_one.description
            return f"Take back iteration {number}: {keep_of(standing(context), number).row.description}"

        def allowed(context: RepoContext) -> bool:
            if context.session is not None and context.active.finished:
                raise _too_late(context, number)
            return context.phase is Phase.ENDED or (context.session is not None and _undoes(context, number))

        with self._lab.for_writing(repo, Tool.ITERATE, again=allowed) as context:
            context.write_results()  # the row of a call that died before it
            how = TakeBack.ANYWAY if force else TakeBack.IF_NOT_WORSE
            return _undone(context, number, how, description(context))

    def commit(self, description: Description, hypothesis: Hypothesis = "", repo: RepoPath = "") -> CommitMade:
        """Use instead of iterate to go step by step: commits the change in scope as an experiment, before it is measured.

        Refused, with nothing committed, if anything outside the scope or any protected file changed, or if this exact
        change was tried before. Next is verify.
        """
        with self._lab.for_writing(repo, Tool.COMMIT) as context:
            _refuse_while_paused(context, description)
            commit.commit(context, description, hypothesis, refuse_hiding)
            trial, verdict = context.active.open_trial, context.active.verdict
            return CommitMade(
                **_where(context),
                iteration=trial.number,
                commit=trial.commit,
                files=list(trial.files),
                added=trial.added,
                removed=trial.removed,
                why=commit.why_and_where(context, verdict),
                output=trial.hook_output[-OUTPUT_CHARACTERS:] if not trial.commit else "",
            )

    def verify(self, repo: RepoPath = "") -> VerifyRan:
        """Use after commit: runs the sealed verify command on the committed change and says what the number means. A close
        call on a noisy metric is run again, in turn with the incumbent, until the evidence decides.

        Takes no number and no command. Refused before a commit, or while files differ from what was committed.
        """
        with self._lab.for_writing(repo, Tool.VERIFY) as context:
            measure.verify(context)
            return _verified(context)

    def guard(self, repo: RepoPath = "") -> GuardsChecked:
        """Use after a verify that found an improvement: runs every guard of the plan. Refused in any other phase."""
        with self._lab.for_writing(repo, Tool.GUARD) as context:
            measure.guard(context)
            session = context.active
            results = list(session.open_trial.guards or ())
            return GuardsChecked(
                **_where(context),
                iteration=session.last_iteration + 1,
                passed=all(result.passed for result in results),
                guards=guard_words(results),
                verdict=_standing(session),
                why=session.verdict.why if session.verdict else "",
            )

    def revert(self, reason: str = "", repo: RepoPath = "") -> RevertMade:
        """Use when the answer says so, or to give up an idea that crashed or failed a guard: takes the experiment back with a
        Revert commit and restores its files, and only those. Then `log` writes its row.

        A file edited since the commit keeps the edit and is named. Refused while the change is still to be measured.
        """
        with self._lab.for_writing(repo, Tool.REVERT) as context:
            run.give_up(context, reason)
            run.undo(context)
            trial = context.active.open_trial
            return RevertMade(
                **_where(context),
                iteration=trial.number,
                commit=trial.undone or "",
                restored=[path for path in trial.files if path not in trial.kept_edits],
                kept_edits=list(trial.kept_edits),
                why=context.active.verdict.why if context.active.verdict else "",
            )

    def log(self, learned: Learned = "", repo: RepoPath = "") -> Iterated:
        """Use to close an iteration that you went through step by step, after `revert` where it is due: writes its row, exactly once.

        `learned` is what this try taught. Takes no metric and no verdict; refused until the iteration is decided.
        """
        with self._lab.for_writing(repo, Tool.LOG) as context:
            decided = context.active
            row = run.log(context, learned)
            return _iterated(context, decided, row)


def _refuse_while_paused(context: RepoContext, description: str) -> None:
    """Refuse to begin a try; one that is open and waits for the server goes on to its end."""
    why = said(context.repo.own_folder, context.active.id, Said.PAUSE)
    if why and not commit.is_open(context, description):
        cure = "Nothing was committed, and your edits stand. Stop here and say so: they resume with `autoresearch-mcp resume`"
        message = f"{PAUSED} ({why[0]}). {cure} or on the live page; then make this call again."
        raise Refusal(Code.PAUSED, message, following=(Tool.STATUS, Tool.NOTE))


def _undoes(context: RepoContext, number: int) -> bool:
    """Return whether the open iteration is the server's, and takes a keep back: its call was interrupted."""
    trial = context.active.trial
    return trial is not None and bool(trial.take_back) and trial.undoes in {number, 0}


def _too_late(context: RepoContext, number: int) -> Refusal:
    """Return why a keep of a finished session stays, and what does without it."""
    session, keeps = context.active, standing(context)
    keep = keep_of(keeps, number)
    others = ",".join(str(one.row.iteration) for one in keeps if one is not keep)
    branch = shlex.quote(f"{session.start.branch}-without-{number}")
    apply = f"put the others on a new branch, measured there: `autoresearch-mcp apply {branch} --keeps {others}`; or "
    first = keep.old.removesuffix("^")
    commits = keep.new[:10] if first == keep.new else f"{first[:10]}^..{keep.new[:10]}"
    message = (
        f"The session was finished on {moment(session.finished_at)}, so iteration {number} is not taken back in it any more. "
        f"To do without it, {apply * bool(others)}undo its change here, unmeasured: `git revert {commits}`."
    )
    return Refusal(Code.NO_SESSION, message)


def _undone(
    context: RepoContext, number: int, how: TakeBack, description: str, hypothesis: str = "", learned: str = ""
) -> Iterated:
    """Take a keep out and decide about that; a refusal leaves the files as they were."""
    brought = () if commit.is_open(context, description) else bring_without(context, number)
    try:
        decided, row = run.run_iteration(
            context, description, hypothesis, learned, refuse_hiding, commit.Origin(number, how)
        )
    except Refusal as refusal:
        if refusal.code is not Code.DISK and context.phase in {Phase.READY, Phase.ENDED}:
            context.index.discard_edits(brought)
        raise
    return _iterated(context, decided, row)


def _where(context: RepoContext) -> dict[str, object]:
    return {"phase": context.phase, "next": list(following(context.phase)), "recovered": context.call.recovered}


def _standing(session: Session) -> str:
    verdict = session.verdict
    return str(verdict.status or f"open: {verdict.next} next") if verdict else ""


def _verified(context: RepoContext) -> VerifyRan:
    session = context.active
    measurement = session.open_trial.measurement
    assert measurement is not None, "verify just ran"
    shown, trial = session.told, session.open_trial
    return VerifyRan(
        **_where(context),
        iteration=session.last_iteration + 1,
        metric=shown.metric if shown else None,
        samples=[run.value for run in trial.candidate if run.value is not None],
        baseline=rounded(session.baseline, session.headline.start.half),
        best=session.best,
        delta=shown.delta if shown else None,
        effect=effect_of(session),
        verdict=_standing(session),
        why=session.verdict.why if session.verdict else "",
        seconds=trial.seconds,
        output=ends(measurement.tail, OUTPUT_CHARACTERS) if measurement.value is None else "",
    )


def _iterated(context: RepoContext, decided: Session, row: Row | None) -> Iterated:
    """The answer to an iteration that was logged, or that waits for the agent."""
    trial, verdict, shown = decided.open_trial, decided.verdict, decided.told
    session = context.active
    over = row is not None and bool(session.ended or session.spent(context.now()))
    return Iterated(
        **_where(context),
        iteration=trial.number,
        status=verdict.status if verdict and row else None,
        metric=shown.metric if shown else None,
        delta=shown.delta if shown else None,
        effect=effect_of(decided),
        guard=row.guard if row else _guard_word(trial),
        commit=trial.commit,
        why=commit.why_and_where(context, verdict),
        best=session.best,
        incumbent=rounded_level(session.reference, WIDE * session.judge.spread),
        training=training_told(context, trial.number, trial.measurement),
        output=_output(trial, row),
        guards=[one for one in guard_words(trial.guards or ()) if one.flaky or one.value is not None or not one.passed],
        kept_edits=list(trial.kept_edits),
        stuck=advice(context) if row and advice_is_due(session) else None,
        person=from_person(context.repo.own_folder, session.id),
        note=" ".join(filter(None, _notes(context, trial, row))),
        summary=summarise(session, context.now()) if over or (row and row.iteration % EVERY == 0) else None,
    )


def _notes(context: RepoContext, trial: Trial, row: Row | None) -> tuple[str, ...]:
    if row is None:
        return trial.note, blocked_words(context.active)
    return (
        row.note,
        context.call.announced,
        stuck_words(context.active),
        blocked_words(context.active),
        after_iteration(context),
    )


def _iterated_before(context: RepoContext) -> Iterated:
    """The answer to an iteration whose answer was lost with its server, and whose call came again."""
    if context.phase in {Phase.FIX, Phase.REWORK}:
        return _iterated(context, context.active, None)
    context.write_results()
    row = context.journal.rows(context.active.id, 1)[0]
    return Iterated(
        **_where(context),
        iteration=row.iteration,
        status=row.status,
        metric=row.metric,
        delta=row.delta,
        guard=row.guard,
        commit=row.commit,
        why=f"{row.why} {commit.looked_at(context)}" if row.status is Status.NO_OP else row.why,
        best=context.active.best,
        note="The same call was answered before, and nothing in scope was edited since: this is that answer.",
    )


def _guard_word(trial: Trial) -> str:
    passed = all(result.passed for result in trial.guards or ())
    return "-" if trial.guards is None else "pass" if passed else "fail"


def _output(trial: Trial, row: Row | None) -> str:
    if trial.measurement is None:
        return trial.hook_output[-OUTPUT_CHARACTERS:]
    failed = trial.measurement.value is None or (row is not None and row.status is Status.METRIC_ERROR)
    return ends(trial.measurement.tail, OUTPUT_CHARACTERS) if failed else ""
