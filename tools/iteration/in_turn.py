"""Two commits run in turn in the second checkout: fresh runs that selected nothing, and what they show."""

from __future__ import annotations

import secrets
import statistics
from collections.abc import Mapping
from dataclasses import dataclass, replace

from ..decision.exact import Exact
from ..decision.gain import Gain, fresh_gain
from ..decision.judging import Arm
from ..decision.measured import Measurement
from ..lab.context import RepoContext
from ..measurement.runs import RunNumbers
from ..session.state import Session, baseline_values
from .clean_runs import in_paired_checkout, meter_of
from .measure import HeadWatch

PAIRS = 6
MOST_SECONDS = 900.0
"""What fresh runs may take where the plan bounds no time."""


@dataclass(frozen=True)
class TurnRuns:
    """The runs of both commits; `problem` says why there are no more."""

    incumbent: tuple[Measurement, ...]
    candidate: tuple[Measurement, ...]
    problem: str = ""


def run_in_turn(
    context: RepoContext,
    commits: Mapping[Arm, str],
    names: Mapping[Arm, str],
    pairs: int,
    number: int,
    sealed: str = "",
    seconds: float = MOST_SECONDS,
) -> TurnRuns:
    """Run verify on both commits in turn, `pairs` times, or fewer where these runs are so long that one more pair would not end
    within `seconds`; `number` is the iteration that the command is told of.

    Protected files stand as in the commit `sealed`, by default the one that the session started from. A call that is made
    again after its server died joins the runs of the one before.
    """
    session = context.active
    arms: dict[Arm, list[Measurement]] = {Arm.INCUMBENT: [], Arm.CANDIDATE: []}
    problem, watch = "", HeadWatch(context)
    for pair in range(pairs):
        spent = sum(run.seconds for runs in arms.values() for run in runs)
        if pair and spent * (pair + 1) / pair > seconds:
            break
        # Who is first takes turns, so that a steady drift cancels out.
        order = (Arm.INCUMBENT, Arm.CANDIDATE) if pair % 2 == 0 else (Arm.CANDIDATE, Arm.INCUMBENT)
        seed = secrets.randbelow(2**31) if session.seeds_vary else session.start.seed
        for arm in order:
            numbers = RunNumbers(number, pair + 1, seed)
            spec = in_paired_checkout(context, commits[arm], sealed or session.start.base, numbers)
            run = meter_of(context).verify(replace(spec, curve=session.curve), session.start.verify_timeout_s)
            seed = run.receipt.seed if run.receipt else seed
            arms[arm].append(run)
            if run.value is None or run.tampered:
                why = run.problem or "the ruler changed meanwhile"
                problem = f"a run of {names[arm]} gave no number: {why}"
                break
        if problem:
            break
    if moved := watch.brought_back():
        problem = "; ".join(moved)
    return TurnRuns(tuple(arms[Arm.INCUMBENT]), tuple(arms[Arm.CANDIDATE]), problem)


def gain_of(session: Session, found: TurnRuns) -> Gain:
    """Return by how much the candidate's runs are better than the incumbent's."""
    plan, judge = session.plan, session.judge
    arms = [
        [plan.signed(run.value) for run in runs if run.value is not None] for runs in (found.incumbent, found.candidate)
    ]
    values = (*arms[0], *arms[1], *map(plan.signed, baseline_values(session.start)))
    relative = session.headline.gain.relative and (min(values) > 0 or max(values) < 0)
    noise = judge.spread / abs(judge.level) if relative and judge.level else judge.spread
    return fresh_gain(arms[0], arms[1], relative, noise, exact=isinstance(judge, Exact) and session.controlled)


def seconds_left(session: Session, now: float, share: float = 0.0) -> float:
    """Return how long fresh runs may take: what the plan's budgets leave, or a share of each; and fifteen minutes at most."""
    budgets = (
        (session.plan.minutes, now - session.started_at),
        (session.plan.device_minutes, session.measured_seconds),
    )
    rooms = [max(60 * whole - spent, 60 * whole * share) for whole, spent in budgets if whole]
    return min([MOST_SECONDS, *rooms])


def pair_seconds(session: Session) -> float:
    """Return how long one run of each takes, by the baseline's."""
    return 2 * statistics.fmean(run.seconds for run in session.start.baseline)


def pairs_in(session: Session, seconds: float) -> int:
    """Return how many pairs to run in a time: six at most, one of a metric that repeats; 0 where the time is too short."""
    most, each = 1 if isinstance(session.judge, Exact) else PAIRS, pair_seconds(session)
    return min(most, int(seconds / each) if each > 0 else PAIRS) if seconds > 0 else 0
