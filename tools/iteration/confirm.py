"""The end of a session: baseline against best in turn, on fresh runs that selected nothing."""

from __future__ import annotations

from ..decision.headline import weakest_first
from ..decision.judging import Arm
from ..lab.context import RepoContext
from ..session.events import Confirmed
from ..session.state import Session
from .in_turn import MOST_SECONDS, gain_of, pair_seconds, pairs_in, run_in_turn, seconds_left

_NAMES = {Arm.INCUMBENT: "the baseline", Arm.CANDIDATE: "the best"}
MOST_DOUBTED = 3
BEYOND = 0.1
"""What of a budget of time the fresh runs may take, though all of it is spent."""


def confirm(context: RepoContext, wanted: bool, squash_branch: str = "") -> None:
    """Race baseline against best, where something was kept, and write down what came of it; not again where that was done.

    Made in turn in the second checkout: six runs of each, fewer where the time left, or fifteen minutes, allow no more; one
    of each where the metric repeats. Where less is left than a tenth of the budget, they may take that tenth. A call that is made again after its server died joins the runs of the one before.

    Raises:
        Refusal: before any run, if the branch to be made afterwards cannot be.
    """
    session = context.active
    if not session.headline.claims or session.confirmation is not None:
        return
    if squash_branch:
        context.repo.check_new_branch(squash_branch)
    room = seconds_left(session, context.now(), BEYOND)
    pairs, why_not = _affordable(session, room)
    if not wanted:
        context.record(_without(session, "it was not asked for"))
    elif why_not:
        context.record(_without(session, why_not))
    else:
        context.record(_raced(context, session, pairs, room))


def _affordable(session: Session, room: float) -> tuple[int, str]:
    """Return how many pairs so many seconds allow, and why none."""
    if pairs := pairs_in(session, room):
        return pairs, ""
    bound = "at most 15 minutes are taken" if room == MOST_SECONDS else f"the budget leaves {room:.0f} s for it"
    cure = "`autoresearch-mcp claim FILE` and `autoresearch-mcp verify-claim FILE --replay N` race one keep by itself"
    return 0, f"one run of each takes about {pair_seconds(session):.3g} s, and {bound}; {cure}"


def _without(session: Session, problem: str) -> Confirmed:
    return Confirmed(incumbent=session.incumbent_iteration, problem=problem)


def _raced(context: RepoContext, session: Session, pairs: int, room: float) -> Confirmed:
    commits = {Arm.INCUMBENT: session.start.base, Arm.CANDIDATE: session.head}
    found = run_in_turn(context, commits, _NAMES, pairs, session.last_iteration, seconds=room)
    made = Confirmed(
        incumbent=session.incumbent_iteration, baseline=found.incumbent, best=found.candidate, problem=found.problem
    )
    if made.problem:
        return made
    fresh = gain_of(session, found)
    fails = fresh.falls_short_of(session.headline.gain if fresh.relative else session.headline.absolute_gain)
    return made.model_copy(
        update={
            "relative": fresh.relative,
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
