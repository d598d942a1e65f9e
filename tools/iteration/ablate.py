"""What each keep still earns: the best is raced against itself without the keep, on fresh runs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..decision.headline import weakest_first
from ..decision.judging import Arm
from ..git.experiment import Staged
from ..lab.context import RepoContext
from ..session.events import Ablated
from ..session.state import Session
from .in_turn import gain_of, pairs_in, run_in_turn, seconds_left
from .keeps import KeptChange, raced_before, standing, without

_NAMES = {Arm.INCUMBENT: "the best without it", Arm.CANDIDATE: "the best"}


@dataclass(frozen=True)
class KeepTest:
    """One keep, and what came of the race without it: none where later keeps need it, or where the time was too short."""

    keep: KeptChange
    found: Ablated | None
    needed_by: tuple[KeptChange, ...] = ()


def ablate(context: RepoContext, minutes: float) -> list[KeepTest]:
    """Race the best against itself without each of its keeps, those with the weakest evidence first, in the time that the
    budget leaves or in so many minutes. The repository is not changed; what was raced for this best before is not raced again.
    """
    session = context.active
    deadline = context.now() + (60 * minutes if minutes else seconds_left(session, context.now()))
    return sorted(_tested(context, standing(context), deadline), key=lambda test: test.keep.row.iteration)


def _tested(context: RepoContext, keeps: list[KeptChange], deadline: float) -> Iterator[KeepTest]:
    session, known = context.active, raced_before(context)
    claims = [claim.iteration for claim in weakest_first(session.headline.claims)]
    weakest = sorted(keeps, key=lambda keep: claims.index(keep.row.iteration) if keep.row.iteration in claims else -1)
    for place, keep in enumerate(weakest):
        if keep.row.iteration in known:
            yield KeepTest(keep, known[keep.row.iteration])
            continue
        staged = without(context, keeps, keep)
        if not isinstance(staged, Staged):
            yield KeepTest(keep, None, tuple(staged))
            continue
        left = deadline - context.now()
        pairs = pairs_in(session, left / (len(keeps) - place)) or min(1, pairs_in(session, left))
        if not pairs:
            yield KeepTest(keep, None)
            continue
        found = _raced(context, session, keep, staged, pairs, left)
        context.record(found)
        yield KeepTest(keep, found)


def _raced(
    context: RepoContext, session: Session, keep: KeptChange, staged: Staged, pairs: int, left: float
) -> Ablated:
    commit = context.repo.commit_tree(staged.tree, session.head, f"The best without iteration {keep.row.iteration}\n")
    commits = {Arm.INCUMBENT: commit, Arm.CANDIDATE: session.head}
    found = run_in_turn(context, commits, _NAMES, pairs, keep.row.iteration, seconds=left)
    made = Ablated(
        iteration=keep.row.iteration,
        incumbent=session.incumbent_iteration,
        without=found.incumbent,
        best=found.candidate,
        problem=found.problem,
    )
    if made.problem:
        return made
    gain = gain_of(session, found)
    return made.model_copy(update={"relative": gain.relative, "gain": gain.gain, "variance": gain.variance})
