"""The kept changes that stand, one by one: what the code is without one of them, and what they make of another commit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import Code, Refusal
from ..git.experiment import Staged
from ..git.merging import merged
from ..lab.context import RepoContext
from ..session.events import Ablated, Committed, Row, Screened


@dataclass(frozen=True)
class KeptChange:
    """A keep with its whole change, all attempts together: from the commit `old` to the commit `new`."""

    row: Row
    old: str
    new: str

    def words(self) -> str:
        """Say which it is."""
        return f"#{self.row.iteration} {self.row.description[:80]}"


def standing(context: RepoContext) -> list[KeptChange]:
    """Return the keeps that stand, oldest first: neither those that were taken back, nor what took them back."""
    return [_change(context, row) for row in context.rows_of(context.active.headline.standing)]


def _change(context: RepoContext, row: Row) -> KeptChange:
    attempts = attempts_of(context, row.iteration)
    return KeptChange(row, f"{attempts[0].commit}^", attempts[-1].commit)


def raced_before(context: RepoContext) -> dict[int, Ablated]:
    """Return the races without one of its keeps that this best was put to, by the keep's iteration."""
    session = context.active
    events = context.journal.of_kind(session.id, Ablated.model_fields["kind"].default)
    return {
        event.iteration: event
        for event in events
        if isinstance(event, Ablated) and event.incumbent == session.incumbent_iteration and not event.problem
    }


def attempts_of(context: RepoContext, number: int) -> list[Committed | Screened]:
    """Return the commits of an iteration, the last attempt last; none where it has no change, or there is no such iteration."""
    events = context.journal.of_iteration(context.active.id, number) if number > 0 else []
    return [event for event in events if isinstance(event, Committed | Screened)]


def replayed(context: RepoContext, onto: str, changes: Sequence[KeptChange]) -> tuple[list[str], list[KeptChange]]:
    """Put changes on top of a commit, one after the other.

    Returns the tree after each one, and those that do not fit because they need what is not there; these are left out.
    """
    trees, unfit = [context.repo.tree(onto)], []
    for change in changes:
        staged = merged(context.repo, change.old, change.new, trees[-1])
        trees.append(staged.tree if staged else trees[-1])
        if staged is None:
            unfit.append(change)
    return trees[1:], unfit


def without(context: RepoContext, keeps: Sequence[KeptChange], one: KeptChange) -> Staged | list[KeptChange]:
    """Return the best without one of its keeps, or the later keeps that need that one."""
    session, repo = context.active, context.repo
    if staged := merged(repo, one.new, one.old, session.head):
        return staged
    trees, unfit = replayed(context, session.start.base, [change for change in keeps if change is not one])
    return unfit or Staged(trees[-1], repo.entries(session.head, trees[-1]))


def keep_of(keeps: Sequence[KeptChange], number: int) -> KeptChange:
    """Return the keep of an iteration.

    Raises:
        Refusal: if that stands not, or never did.
    """
    if one := next((keep for keep in keeps if keep.row.iteration == number), None):
        return one
    there = ", ".join(f"#{keep.row.iteration}" for keep in keeps) or "none"
    raise Refusal(Code.BAD_ARGUMENT, f"Iteration {number} is no kept change that stands. Those that do: {there}.")
