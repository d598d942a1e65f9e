"""The end of a session: baseline against best in turn, on fresh runs that selected nothing."""

from __future__ import annotations

import secrets
import statistics
from dataclasses import replace

from ..decision.exact import Exact
from ..decision.headline import fresh_gain, weakest_first
from ..decision.judging import Arm
from ..decision.measured import Measurement
from ..lab.context import RepoContext
from ..measurement.runs import RunNumbers
from ..session.events import Confirmed
from ..session.state import Session, baseline_values
from .clean_runs import meter_of
from .measure import HeadWatch, in_paired_checkout

PAIRS = 6
MOST_SECONDS = 900.0
"""What fresh runs may take where the plan bounds no time."""
MOST_DOUBTED = 3


def confirm(context: RepoContext, wanted: bool, squash_branch: str = "") -> None:
    """Race baseline against best, where something was kept, and write down what came of it; not again where that was done.

    Made in turn in the second checkout: six runs of each, fewer where the time left, or fifteen minutes, allow no more; one
    of each where the metric repeats. A call that is made again after its server died joins the runs of the one before.

    Raises:
        Refusal: before any run, if the branch to be made afterwards cannot be.
    """
    session = context.active
    if not session.headline.claims or session.confirmation is not None:
        return
    if squash_branch:
        context.repo.check_new_branch(squash_branch)
    pairs, why_not = _affordable(session, context.now())
    if not wanted:
        context.record(_without(session, "it was not asked for"))
    elif why_not:
        context.record(_without(session, why_not))
    else:
        context.record(_raced(context, session, pairs))


def _affordable(session: Session, now: float) -> tuple[int, str]:
    """Return how many pairs the time allows, and why none."""
    plan, each = session.plan, 2 * statistics.fmean(run.seconds for run in session.start.baseline)
    rooms = [MOST_SECONDS]
    if plan.minutes:
        rooms.append(60 * plan.minutes - (now - session.started_at))
    if plan.device_minutes:
        rooms.append(60 * plan.device_minutes - session.measured_seconds)
    room = min(rooms)
    pairs = min(1 if isinstance(session.judge, Exact) else PAIRS, int(room / each) if each > 0 else PAIRS)
    if pairs > 0 and room > 0:
        return pairs, ""
    bound = "at most 15 minutes are taken" if room == MOST_SECONDS else f"the budget leaves {max(0.0, room):.0f} s"
    return 0, f"one run of each takes about {each:.3g} s, and {bound}"


def _without(session: Session, problem: str) -> Confirmed:
    return Confirmed(incumbent=session.incumbent_iteration, problem=problem)


def _raced(context: RepoContext, session: Session, pairs: int) -> Confirmed:
    arms: dict[Arm, list[Measurement]] = {Arm.INCUMBENT: [], Arm.CANDIDATE: []}
    problem, watch = "", HeadWatch(context)
    for pair in range(pairs):
        # Who is first takes turns, so that a steady drift cancels out.
        order = (Arm.INCUMBENT, Arm.CANDIDATE) if pair % 2 == 0 else (Arm.CANDIDATE, Arm.INCUMBENT)
        seed = secrets.randbelow(2**31) if session.seeds_vary else session.start.seed
        for arm in order:
            run = _run(context, session, arm, RunNumbers(session.last_iteration, pair + 1, seed))
            seed = run.receipt.seed if run.receipt else seed
            arms[arm].append(run)
            if run.value is None or run.tampered:
                what = "best" if arm is Arm.CANDIDATE else "baseline"
                problem = f"a run of the {what} gave no number: {run.problem or 'the ruler changed meanwhile'}"
                break
        if problem:
            break
    if moved := watch.brought_back():
        problem = "; ".join(moved)
    made = Confirmed(
        incumbent=session.incumbent_iteration,
        baseline=tuple(arms[Arm.INCUMBENT]),
        best=tuple(arms[Arm.CANDIDATE]),
        problem=problem,
    )
    return made if problem else _judged(context, session, made)


def _run(context: RepoContext, session: Session, arm: Arm, numbers: RunNumbers) -> Measurement:
    commit = session.head if arm is Arm.CANDIDATE else session.start.base
    spec = in_paired_checkout(context, commit, session.start.base, numbers)
    return meter_of(context).verify(replace(spec, curve=session.curve), session.start.verify_timeout_s)


def _judged(context: RepoContext, session: Session, made: Confirmed) -> Confirmed:
    """Compare the fresh gain with what the keeps claim."""
    plan, judge = session.plan, session.judge
    arms = [[plan.signed(run.value) for run in runs if run.value is not None] for runs in (made.baseline, made.best)]
    values = (*arms[0], *arms[1], *map(plan.signed, baseline_values(session.start)))
    relative = session.headline.gain.relative and (min(values) > 0 or max(values) < 0)
    claimed = session.headline.gain if relative else session.headline.absolute_gain
    noise = judge.spread / abs(judge.level) if relative and judge.level else judge.spread
    fresh = fresh_gain(arms[0], arms[1], relative, noise, exact=isinstance(judge, Exact) and session.controlled)
    fails = fresh.falls_short_of(claimed)
    return made.model_copy(
        update={
            "relative": relative,
            "gain": fresh.gain,
            "variance": fresh.variance,
            "fails": fails,
            "doubted": _doubted(context, session) if fails else (),
        }
    )


def _doubted(context: RepoContext, session: Session) -> tuple[str, ...]:
    """Name the keeps with the weakest evidence, weakest first."""
    weakest = weakest_first(session.headline.claims)[:MOST_DOUBTED]
    found = []
    for claim in weakest:
        rows = context.journal.rows(session.id, 1, before=claim.iteration + 1)
        words = rows[-1].description[:80] if rows else ""
        known = claim.variance is not None and claim.variance > 0
        evidence = f" ({claim.evidence:.1f} standard errors)" if known else ""
        found.append(f"#{claim.iteration} {words}{evidence}")
    return tuple(found)
