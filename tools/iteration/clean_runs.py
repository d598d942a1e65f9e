"""Runs before a keep: change and incumbent in a checkout that holds what git has, and what it did not have at the start."""

from __future__ import annotations

import secrets
from dataclasses import replace

from ..decision.executions import executions_of
from ..decision.failures import FailureClass
from ..decision.judging import Arm
from ..decision.measured import Measurement, Place
from ..decision.seeded import Seeded
from ..git.paired_checkout import PairedCheckout
from ..git.untracked import changed_since
from ..lab.context import RepoContext
from ..measurement.meter import Meter
from ..measurement.ruler import ruler_of
from ..measurement.runs import RunNumbers, RunService, RunSpec, at_checkout
from ..process.reference import pieces_for
from ..session.state import Session

_NOT_IN_GIT = "Git does not have these files, which changed since the start:"


def meter_of(context: RepoContext, runs: RunService | None = None) -> Meter:
    """Return the meter of the session's plan and ruler, for the call's runs or other ones."""
    return meter_for(context.active, runs or context.runs)


def meter_for(session: Session, runs: RunService) -> Meter:
    """Return the meter of a session's plan and ruler."""
    first = session.start.baseline[0]
    pieces = pieces_for(first.seconds) if session.noisy else 0
    executions = executions_of(session.start.baseline)
    return Meter(runs, session.plan, ruler_of(session.start), first.unit, pieces, executions)


def in_paired_checkout(context: RepoContext, commit: str, sealed: str, numbers: RunNumbers) -> RunSpec:
    """Specify a run in the second checkout, at `commit` and with protected files as of the commit `sealed`."""
    paired, tree = context.paired_checkout, context.repo.tree(commit)
    return RunSpec(Place.ARENA, paired.folder, commit, tree, numbers, sealed, paired, context.untracked)


def in_clean_checkout(context: RepoContext, arm: Arm) -> RunSpec:
    """Specify the next run of an arm before a keep. The runs of a pair have one seed."""
    session, trial = context.active, context.active.open_trial
    runs = {Arm.CANDIDATE: trial.clean_candidate, Arm.INCUMBENT: trial.clean_incumbent}
    mine, others = runs.pop(arm), next(iter(runs.values()))
    seed = session.start.seed
    if len(others) > len(mine):
        seed = others[len(mine)].seed
    elif isinstance(session.judge, Seeded) and not mine:
        seed = trial.candidate[0].seed  # does it give the same number there?
    elif session.seeds_vary:
        seed = secrets.randbelow(2**31)
    numbers = RunNumbers(trial.number, len(trial.candidate) + len(mine) + 1, seed)
    return _clean(context, arm, numbers, context.clean_checkout)


def _clean(context: RepoContext, arm: Arm, numbers: RunNumbers, clean: PairedCheckout) -> RunSpec:
    trial = context.active.open_trial
    commit = trial.commit if arm is Arm.CANDIDATE else trial.parent
    tree, sealed = context.repo.tree(commit), context.active.start.base
    return RunSpec(Place.CLEAN, clean.folder, commit, tree, numbers, sealed, clean, context.untracked)


def of_the_change(context: RepoContext, spec: RunSpec, arm: Arm, run: Measurement) -> tuple[Measurement, Arm]:
    """Return what a run in a clean checkout says, and of which arm: a run that gives no number there is the change's fault
    only if the incumbent gives one.

    Where that gives none either and nothing else changed, only the user's checkout counts, and the change is run there again.
    """
    if run.value is not None or run.tampered or run.failure is FailureClass.CANCELLED:
        return run, arm
    meter, timeout_s, repo = meter_of(context), context.active.start.verify_timeout_s, context.repo
    seconds, numbers = run.seconds, spec.numbers
    unseen = context.active.open_trial.unseen or changed_since(repo, context.active.started_at)
    if arm is Arm.CANDIDATE:
        # Elsewhere: a server that joins the change's run looks in its checkout for what that left.
        there = _clean(context, Arm.INCUMBENT, numbers, context.control_checkout)
        control = meter.verify(replace(there, curve=spec.curve), timeout_s)
        seconds += control.seconds
        if control.value is not None:
            beside = f" {_NOT_IN_GIT} {', '.join(unseen)}." if unseen else ""
            why = f"In a clean checkout of the commit: {run.problem} The incumbent runs there.{beside}"
            return run.model_copy(update={"problem": why, "seconds": seconds}), arm
    why = f"In a clean checkout not even the incumbent gives a number: {run.problem}"
    if unseen:
        why += (
            f" {_NOT_IN_GIT} {', '.join(unseen)}. Let verify make them, or let git have them: else nothing can be kept."
        )
        return run.model_copy(update={"failure": None, "problem": why, "seconds": seconds}), Arm.CANDIDATE
    trial, sealed = context.active.open_trial, context.active.start.base
    where, there = "where you work", at_checkout(repo, trial.commit, numbers)
    if trial.aside:
        where, there = "in the second checkout", in_paired_checkout(context, trial.commit, sealed, numbers)
    again = meter.verify(replace(there, curve=spec.curve), timeout_s)
    told = again.problem or f"{why} So it was run once more {where}."
    return again.model_copy(update={"problem": told, "seconds": seconds + again.seconds}), Arm.CANDIDATE
