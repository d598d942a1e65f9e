"""Runs before a keep, in clean checkouts: what a session learns from them, in pairs."""

from __future__ import annotations

from dataclasses import replace

from ..decision.decide import Trial
from ..decision.exact import Exact
from ..decision.judging import Arm, Judge
from ..decision.measured import Measurement
from ..decision.recheck import Recheck, recheck
from ..decision.seeded import Seeded
from .state import Session


def verified_clean(session: Session, trial: Trial, arm: Arm, run: Measurement) -> Session:
    """Take in a run before a keep, in a clean checkout: it counts when its partner has run there as well."""
    ours, theirs = trial.clean_candidate, trial.clean_incumbent
    ours, theirs = ((*ours, run), theirs) if arm is Arm.CANDIDATE else (ours, (*theirs, run))
    trial = replace(trial, seconds=trial.seconds + run.seconds, clean_candidate=ours, clean_incumbent=theirs)
    session = replace(session, trial=trial)
    if isinstance(session.judge, Seeded) and not theirs:
        # Of a metric that is exact for a seed the same number again says it all.
        repeats = any(run.seed == seen.seed and run.value == seen.value for seen in trial.candidate)
        return replace(session, trial=replace(trial, recheck=Recheck(True))) if repeats else session
    if len(ours) != len(theirs):
        return session
    if isinstance(session.judge, Exact):
        return _settled(session, session.judge, trial)
    gains = [
        session.plan.gain(a.value, b.value)
        for a, b in zip(ours, theirs, strict=True)
        if a.value is not None and b.value is not None
    ]
    seen = recheck(gains, _found(session), session.finding.gain, session.judge.spread, trial.unseen)
    return replace(session, trial=replace(trial, recheck=seen))


def _found(session: Session) -> list[float]:
    """Return the gain of each run of the change where runs leave things behind: over its partner on the same seed, or else
    over the incumbent's level.
    """
    ours, theirs = session.racing
    partners = {run.seed: run.value for run in theirs if run.value is not None}
    return [
        session.plan.gain(run.value, partners.get(run.seed, session.reference)) for run in ours if run.value is not None
    ]


def _settled(session: Session, judge: Exact, trial: Trial) -> Session:
    """Let an exact metric's pair count. Where it is another one than before, a second pair tells whether that is noise."""
    ours, theirs = (
        [run.value for run in runs if run.value is not None] for runs in (trial.clean_candidate, trial.clean_incumbent)
    )
    before, level = trial.candidate[0].value, session.reference
    agrees = ours == [before] and theirs == [level]
    if len(ours) == 1 and not agrees:
        return session
    whole = replace(
        trial,
        candidate=(*trial.candidate, *trial.clean_candidate),
        incumbent=(*trial.incumbent, *trial.clean_incumbent),
        clean_candidate=(),
        clean_incumbent=(),
    )
    if len(set(ours)) == len(set(theirs)) == 1:
        if session.incumbent_iteration and session.plan.gain(theirs[0], level) < 0:
            theirs = [level]  # when it was the newest, it gave that there: it cannot have become worse
        if not agrees:
            whole = replace(
                whole,
                candidate=trial.clean_candidate,
                note=f"{trial.note} {_apart_words(before, level, ours[0], theirs[0])}".strip(),
            )
        signed = session.plan.signed
        return replace(session, trial=whole, judge=judge.settled(signed(ours[0]), signed(theirs[0])))
    seen: Judge = judge
    for arm, values in ((Arm.CANDIDATE, ours), (Arm.INCUMBENT, theirs)):
        for value in values:
            seen = seen.see(arm, session.plan.signed(value))
    return replace(session, trial=whole, judge=seen)


def _apart_words(before: float | None, level: float, ours: float, theirs: float) -> str:
    return (
        f"Where you work this gave {before:.10g}, and the incumbent {level:.10g}; in clean checkouts, without what git does not "
        f"have and changed since the session began, they give {ours:.10g} and {theirs:.10g}. Those count."
    )
