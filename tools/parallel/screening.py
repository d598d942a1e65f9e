"""Lanes: checkouts in which candidates are run beside one another, each at its own commit, by the same supervised runs."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable

from ..decision.measured import Measurement, Place
from ..git.paired_checkout import PairedCheckout
from ..git.repo import Repo
from ..iteration.clean_runs import meter_of
from ..lab.context import RepoContext
from ..measurement.runs import RunNumbers, RunService, RunSpec
from ..session.state import Session
from .board import Board, Subject
from .workspaces import kept_commit

_OF_TIME = frozenset({"cpu", "wall"})


def exclusive(session: Session) -> bool:
    """Tell whether runs beside one another would change the number: of times, and of what scatters."""
    return session.noisy or session.plan.read in _OF_TIME


def workers(session: Session) -> int:
    """Return how many candidates are measured at once; 1 means that each is an ordinary iteration, one after the other."""
    return session.plan.workers or (1 if exclusive(session) else os.cpu_count() or 1)


def wanted_runs(board: Board, session: Session) -> list[Subject]:
    """Return the runs that lanes have still to begin or to finish, those that others wait for first.

    Of a metric that repeats, the best itself is run in a lane as well: only where that gives its number, lanes can be believed.
    """
    waiting = board.open_ones(session.last_iteration)
    begun = {number for number, iteration in board.became.items() if iteration > session.last_iteration}
    waiting = [one for one in waiting if one.candidate not in begun]
    bases = [] if session.noisy else list(dict.fromkeys((0, one.incumbent) for one in waiting))
    subjects = [*bases, *((one.candidate, one.incumbent) for one in waiting)]
    return [subject for subject in subjects if subject not in board.runs]


class Lane:
    """One of the checkouts, with its own folder of runs; one run at a time."""

    def __init__(self, context: RepoContext, number: int, is_cancelled: Callable[[], bool] = lambda: False) -> None:
        session = context.active
        self._repo = Repo(context.repo.root)  # of its own: it is asked by another thread
        self._context, self._is_cancelled = context, is_cancelled
        self._folder = self._repo.own_folder / "lanes" / str(number)
        self._checkout = PairedCheckout(self._repo, f"lane-{number}", session.started_at)

    def run(self, board: Board, subject: Subject) -> Measurement:
        """Run verify once on a candidate or a best, or join the run that a dead server began."""
        context, session, (number, incumbent) = self._context, self._context.active, subject
        commit = board.candidates[number].commit if number else kept_commit(context, incumbent)
        seed = secrets.randbelow(2**31) if session.seeds_vary else session.start.seed
        tree, numbers = self._repo.tree(commit), RunNumbers(number, seed=seed)
        spec = RunSpec(
            Place.ARENA,
            self._checkout.folder,
            commit,
            tree,
            numbers,
            session.start.base,
            self._checkout,
            context.untracked,
        )
        runs = self._runs(f"{session.id} candidate {number} {incumbent}")
        return meter_of(context, runs).verify(spec, session.start.verify_timeout_s)

    def end(self) -> None:
        """End what runs there now."""
        self._runs("").runner.cancel_all()

    def clear(self) -> None:
        """End and forget its run: its result stands in the journal."""
        self._runs("").clear()

    def remove(self) -> None:
        """End what runs there, and take the place away."""
        self.clear()
        self._checkout.remove()

    def _runs(self, scope: str) -> RunService:
        return RunService(
            self._repo, self._context.now, lambda: scope, lambda seconds, line: None, self._is_cancelled, self._folder
        )
