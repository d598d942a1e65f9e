"""Lanes: candidates are run beside one another, each at its own commit, in a checkout here or on another machine, by the same
supervised runs.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from ..decision.measured import Place
from ..errors import Refusal
from ..git.checkout import CheckoutCache
from ..git.paired_checkout import PairedCheckout
from ..git.repo import Repo
from ..iteration.clean_runs import meter_of
from ..lab.context import RepoContext
from ..measurement.runs import RunNumbers, RunService, RunSpec
from ..process.gpus import usable
from ..session.state import Session
from .board import Board, board_held, board_of, post
from .events import LaneRan, LaneTaken, Subject
from .executor import Executor, setting
from .node_run import NodeRuns, Order, opened, packed
from .workspaces import kept_commit

MOST_LOST = 2
"""How often a run may be lost: what takes two machines down may well be the candidate."""
_SEEN: dict[Path, CheckoutCache] = {}
"""What was seen of the repository from each lane."""
_OF_TIME = frozenset({"cpu", "wall"})


def exclusive(session: Session) -> bool:
    """Tell whether runs beside one another would change the number: of times, and of what scatters, unless each has its own GPU."""
    return (session.noisy and not session.plan.gpus) or session.plan.read in _OF_TIME


def workers(session: Session) -> int:
    """Return how many candidates are measured at once; 1 means that each is an ordinary iteration, one after the other."""
    if session.plan.workers:
        return session.plan.workers
    if asked := setting(os.environ):
        return asked.workers
    if exclusive(session):
        return 1
    return max(1, len(usable()) // session.plan.gpus) if session.plan.gpus else os.cpu_count() or 1


def lanes(session: Session) -> int:
    """Return in how many lanes a run may begin now: one leaves its GPU to the iteration that is open, which would wait for one with
    the writer's turn in its hand.
    """
    return workers(session) - bool(session.plan.gpus and session.trial and not setting(os.environ))


def screens(session: Session) -> bool:
    """Tell whether candidates are run in lanes first: beside one another, or on another machine."""
    return workers(session) > 1 or (not session.plan.workers and setting(os.environ) is not None)


def is_spent(board: Board, session: Session) -> bool:
    """Tell whether the runs of the design that goes on have used up what the plan allows of measuring."""
    most = 60 * session.plan.device_minutes
    if not most or board.design is None:
        return False
    return session.measured_seconds + sum(board.seconds_of(board.design)) >= most


def wanted_runs(board: Board, session: Session) -> list[Subject]:
    """Return the runs that lanes have still to begin or to finish, those that others wait for first.

    Of a metric that repeats, the best itself is run in a lane as well: only where that gives its number, lanes can be believed. And
    it is run on each kind of node on which a candidate was. Before any kind is known to be fit, one alone goes there. Runs of a design
    come last, in a lane whether candidates are screened or not.
    """
    of_design = board.design.subjects if board.design and not is_spent(board, session) else []
    if not screens(session):
        return [subject for subject in of_design if subject not in board.runs]
    waiting = board.open_ones(session.last_iteration)
    begun = {number for number, iteration in board.became.items() if iteration > session.last_iteration}
    waiting = [one for one in waiting if one.candidate not in begun]
    bases = [] if session.noisy else [(0, one.incumbent, "") for one in waiting]
    there = [(0, one.incumbent, ran.node_kind) for one in waiting if (ran := board.run_of(one)) and ran.node_kind]
    candidates = [one for one in waiting if board.run_of(one) is None]
    if setting(os.environ) and not board.fit:
        candidates = candidates[:1]
    subjects = [
        *dict.fromkeys((*bases, *there)),
        *((one.candidate, one.incumbent, "") for one in candidates),
        *of_design,
    ]
    return [subject for subject in subjects if subject not in board.runs]


class Lane:
    """One of the checkouts, with its own folder of runs; one run at a time."""

    def __init__(self, context: RepoContext, number: int, is_cancelled: Callable[[], bool] = lambda: False) -> None:
        session = context.active
        self._folder = context.repo.own_folder / "lanes" / str(number)
        # Of its own: it is asked by another thread.
        self._repo = Repo(context.repo.root, _SEEN.setdefault(self._folder, CheckoutCache()))
        self._context, self._is_cancelled = context, is_cancelled
        self._checkout = PairedCheckout(self._repo, f"lane-{number}", session.started_at)

    def run(self, board: Board, subject: Subject) -> LaneRan:
        """Run verify once on a candidate or a best, or join the run that a dead server began."""
        context, session, (number, incumbent, _) = self._context, self._context.active, subject
        of_design = board.point(number)
        commit = of_design[1].commit if of_design else _commit_of(context, board, subject)
        seed = of_design[1].seed if of_design else _seed(session)
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
        ran = LaneRan(candidate=number, incumbent=incumbent)
        meter = meter_of(context, runs)
        if of_design and of_design[0].verify:
            meter = replace(meter, plan=meter.plan.model_copy(update={"verify": of_design[0].verify}))
        try:
            run = meter.verify(spec, session.start.verify_timeout_s)
            return ran.model_copy(update={"measurement": run})
        except (Refusal, OSError) as error:
            return ran.model_copy(update={"problem": str(error)[:500]})

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


def run_elsewhere(context: RepoContext, executor: Executor, taken: LaneTaken, is_over: Callable[[], bool]) -> LaneRan:
    """Run verify on another machine, on one of the kind that is asked for. A run that is lost is made again, as another attempt
    that is noted before it begins; of those before none counts.

    Raises:
        Refusal: if the engine is not there, or was not to the end.
    """
    session, repo, lost, why = context.active, Repo(context.repo.root), 0, "nobody wants it any more"
    ran = LaneRan(candidate=taken.candidate, incumbent=taken.incumbent, node_kind=taken.node_kind)
    while lost < MOST_LOST and not is_over():
        board = board_of(context)
        order = Order(
            session=session.id,
            name=repo.root.name or "root",
            start=session.start,
            started_at=session.started_at,
            candidate=taken.candidate,
            incumbent=taken.incumbent,
            commit=_commit_of(context, board, taken.subject),
            best=kept_commit(context, taken.incumbent),
            fit=board.fit,
            seed=_seed(session),
            secret=secrets.token_hex(16),
        )
        nodes = [node for node, kind in board.nodes.items() if kind == taken.node_kind]
        node = nodes[min(lost, len(nodes) - 1)] if nodes else ""
        found, node, why = _answered(executor, repo, order, node, is_over, is_new=not board.nodes)
        if found is None:
            lost += 1
            if not board.fit:
                executor.refuse_unfit()
            if lost < MOST_LOST:
                taken = taken.model_copy(update={"attempt": taken.attempt + 1})
                post(context, taken)
        elif taken.node_kind and found.kind != taken.node_kind:
            return ran.model_copy(
                update={"problem": found.problem or f"{node} is not of the kind any more that it was"}
            )
        elif found.problem:
            executor.leave_out(node, f"{found.problem}{found.hardware and f' ({found.hardware})'}")
        elif found.of_best and taken.candidate:
            _post_of_best(context, _ran_there(ran.model_copy(update={"candidate": 0}), found, node))
        else:
            return _ran_there(ran, found, node)
    return ran.model_copy(update={"problem": f"lost {lost} times, the last time: {why}" if lost else why})


def _ran_there(ran: LaneRan, found: NodeRuns, node: str) -> LaneRan:
    """Return a run with what a node made of it."""
    seen = {"node": node, "node_kind": found.kind, "hardware": found.hardware}
    return ran.model_copy(update={**seen, "measurement": found.runs[0], "further": found.runs[1:]})


def _post_of_best(context: RepoContext, ran: LaneRan) -> None:
    """Note how the best ran on a node, unless nodes of its kind are known by now."""
    with board_held(context) as board:
        if ran.subject not in board.runs:
            post(context, ran)


def _answered(
    executor: Executor, repo: Repo, order: Order, node: str, is_over: Callable[[], bool], is_new: bool
) -> tuple[NodeRuns | None, str, str]:
    """Return what a node answered, which node, and why there is no answer. One that lacks the history is sent it, each in a session
    that is new.
    """
    for whole in (True,) if is_new else (False, True):
        came = executor.run(packed(repo, order, whole), node, is_over)
        found = opened(came.answer, order.secret)
        if found is None or not found.lacks:
            return found, came.node, came.why or "its answer was not sealed"
        node = came.node
    return NodeRuns(problem="git could not read what was sent there"), node, ""


def _commit_of(context: RepoContext, board: Board, subject: Subject) -> str:
    candidate, incumbent, _ = subject
    return board.candidates[candidate].commit if candidate else kept_commit(context, incumbent)


def _seed(session: Session) -> int:
    return secrets.randbelow(2**31) if session.seeds_vary else session.start.seed
