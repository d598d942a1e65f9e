"""Who works the candidates off: threads of one server at a time, which take up what a dead one left."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from functools import partial
from pathlib import Path

from ..errors import Code, Refusal
from ..iteration.commit import Check
from ..lab.access import Lab
from ..lab.context import RepoContext
from ..lab.notes import Said, said
from ..session.state import Session
from ..storage.disk import take_lock
from ..vocabulary import Phase, Tool
from .board import Board, board_held, board_of, post
from .design_words import design_lines
from .designs import conclude, go_on, withdraw_design
from .events import LaneRan, LaneTaken, Submitted, Withdrawn
from .executor import Executor, setting
from .promoting import is_ready, settle
from .screening import Lane, exclusive, lanes, run_elsewhere, screens, wanted_runs, workers

logger = logging.getLogger(__name__)

TICK_S = 0.2
"""How often it is looked whether something can be done, where nothing tells of it, in seconds."""
BLOCKED_TICK_S = 2.0
"""How often a candidate is tried again that somebody's edits or git hold up, in seconds."""
OTHERS_TICK_S = 1.0
"""How often it is looked whether another server that works the candidates off still lives, in seconds."""


class Crew:
    """The lanes of one repository, and who decides. `check` sees a change before it is committed, and may refuse."""

    def __init__(self, lab: Lab, repo: str, check: Check) -> None:
        self._lab, self._repo, self._check = lab, repo, check
        self._state = threading.Lock()
        self._news = threading.Event()
        self._thread: threading.Thread | None = None
        self._lanes: dict[int, threading.Thread] = {}
        self._asked = False
        self._executor: Executor | None = None
        self._held_up, self._unreached = "", ""

    @property
    def waits(self) -> str:
        """Why no candidate can be decided now, in words; empty where nothing holds them up."""
        return self._held_up or self._unreached

    def wake(self) -> None:
        """Begin to work, unless somebody of this server is at it."""
        with self._state:
            self._asked = True
            self._news.set()
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._work_off, name="candidates", daemon=True)
                self._thread.start()

    def work(self) -> None:
        """Work until no candidate is open, or nothing can be done about those that are: in this thread, and in one a lane."""
        lock = None
        try:
            while (context := self._at_work()) is not None:
                lock = lock or take_lock(context.repo.own_folder / "candidates.turn")
                if lock is None:  # another server does it
                    self._pause(OTHERS_TICK_S)
                    continue
                self._fill_lanes(context)
                if not self._decide(context):
                    self._pause(BLOCKED_TICK_S if self.waits else TICK_S)
        finally:
            for thread in self._lanes.values():
                thread.join()
            if lock is not None:
                os.close(lock)

    def _work_off(self) -> None:
        while True:
            with self._state:
                if not self._asked:
                    self._thread = None
                    return
                self._asked = False
            try:
                self.work()
            except Exception:  # the next call tries again
                logger.exception("the candidates could not be worked off")

    def _pause(self, seconds: float) -> None:
        self._news.wait(seconds)
        self._news.clear()

    def _at_work(self) -> RepoContext | None:
        """Return what to work with; None where nothing is to be done."""
        context = self._lab.for_reading(self._repo)
        session = context.session
        if session is None or context.phase in {Phase.NO_SESSION, Phase.ENDED}:
            return None
        if said(context.repo.own_folder, session.id, Said.PAUSE):
            return None
        board = board_of(context)
        return context if board.design or board.open_ones(session.last_iteration) else None

    def _fill_lanes(self, context: RepoContext) -> None:
        session, board = context.active, board_of(context)
        if not (wanted := wanted_runs(board, session)):
            return
        try:
            self._reach(context)
        except Refusal as refusal:
            self._unreached = refusal.message
            return
        self._unreached = ""
        free = [lane for lane in range(1, lanes(session) + 1) if not self._works(lane)]
        begun = {board.lanes[one].lane for one in wanted if one in board.lanes}
        left = sum(one not in board.lanes for one in wanted) + sum(lane > workers(session) for lane in begun)
        for number in sorted(free, key=lambda lane: lane not in begun):
            if number in begun or left > 0:
                left -= number not in begun
                lane = threading.Thread(target=self._run_lane, args=(number,), name=f"lane {number}", daemon=True)
                self._lanes[number] = lane
                lane.start()

    def _works(self, lane: int) -> bool:
        return lane in self._lanes and self._lanes[lane].is_alive()

    def _reach(self, context: RepoContext) -> None:
        """Have the engine there that runs are to be made by, if they are not to be made here."""
        if self._executor is None and (asked := setting(os.environ)):
            self._executor = Executor(asked, context.repo.own_folder / "engine.log")
        if self._executor:
            self._executor.reach()

    def _run_lane(self, number: int) -> None:
        while (context := self._at_work()) is not None and (taken := self._claimed(context, number)):
            is_over = partial(self._is_over, taken.candidate)
            try:
                ran = self._ran(context, taken, is_over)
            except Refusal as refusal:  # it is claimed once more when the engine is back
                self._unreached = refusal.message
                return
            except Exception as error:  # run again and again it would never end
                logger.exception("a run in a lane could not be made")
                known = taken.model_dump(exclude={"kind", "lane", "attempt"})
                ran = LaneRan(**known, problem=f"{type(error).__name__}: {error}"[:500])
            post(context, ran)
            Lane(context, number).clear()
            self._news.set()

    def _ran(self, context: RepoContext, taken: LaneTaken, is_over: Callable[[], bool]) -> LaneRan:
        if board_of(context).point(taken.candidate):
            with self._turn(context.active):
                return Lane(context, taken.lane, is_over).run(board_of(context), taken.subject)
        if not taken.candidate and not taken.node_kind:
            return Lane(context, taken.lane, is_over).run(board_of(context), taken.subject)
        if self._executor:
            return run_elsewhere(context, self._executor, taken, is_over)
        if taken.node_kind:
            ran = LaneRan(candidate=0, incumbent=taken.incumbent, node_kind=taken.node_kind)
            return ran.model_copy(update={"problem": "this server makes its runs at home"})
        return Lane(context, taken.lane, is_over).run(board_of(context), taken.subject)

    def _turn(self, session: Session) -> AbstractContextManager[object]:
        """Have no iteration measured beside a run of a design that it would disturb."""
        alone = exclusive(session) and session.plan.workers < 2
        return self._lab.for_writing(self._repo, Tool.DESIGN) if alone else nullcontext()

    def _is_over(self, candidate: int) -> bool:
        context = self._lab.for_reading(self._repo)
        if context.phase is Phase.NO_SESSION:
            return True
        board = board_of(context)
        over = board.point(candidate) and not (board.design and board.design.has(candidate))
        return bool(over) or candidate in board.withdrawn

    def _claimed(self, context: RepoContext, number: int) -> LaneTaken | None:
        """Take the next run for a lane, the one first that a dead server began in it, or in one of more lanes than there are now;
        noted before it begins. One that was begun elsewhere is begun anew.
        """
        with board_held(context) as board:
            wanted = wanted_runs(board, context.active) if number <= lanes(context.active) else []
            begun = [board.lanes[one] for one in wanted if one in board.lanes]
            most = workers(context.active)
            taken = next((one for one in begun if one.lane == number or one.lane > most), None)
            if taken and taken.lane == number and not self._executor:
                return taken
            if taken and taken.lane > most:
                Lane(context, taken.lane).remove()
            subject = taken.subject if taken else next((one for one in wanted if one not in board.lanes), None)
            if subject is None:
                return None
            attempt = taken.attempt + 1 if taken else 1
            candidate, incumbent, kind = subject
            taken = LaneTaken(candidate=candidate, incumbent=incumbent, lane=number, node_kind=kind, attempt=attempt)
            post(context, taken)
            return taken

    def _decide(self, context: RepoContext) -> bool:
        """Decide every candidate that can be; returns whether there was one."""
        session = context.active
        if go_on(context):
            with suppress(Refusal), self._lab.for_writing(self._repo, Tool.DESIGN) as writing:
                conclude(writing)
                return True
        board = board_of(context)
        if not _decidable(board, session):
            return False
        before, self._held_up = session.last_iteration, ""
        try:
            with self._lab.for_writing(self._repo, Tool.SUBMIT) as writing:
                for one in board.open_ones(before):
                    if writing.phase is not Phase.ENDED and one in _decidable(board_of(writing), writing.active):
                        self._settle(writing, one)
                return writing.active.last_iteration > before
        except Refusal as refusal:
            self._held_up = "" if refusal.code is Code.BUSY else refusal.message
            return False

    def _settle(self, context: RepoContext, one: Submitted) -> None:
        """Decide a candidate; one that is held up leaves those behind it their turn."""
        try:
            settle(context, board_of(context), one, self._check)
        except Refusal as refusal:
            if refusal.code is Code.DISK:
                raise
            self._held_up = refusal.message


def _decidable(board: Board, session: Session) -> list[Submitted]:
    """Return the candidates that can be decided now: while one is an open iteration, that one alone."""
    waiting, screened = board.open_ones(session.last_iteration), screens(session)
    if session.trial is not None:
        return [one for one in waiting if one.candidate == session.trial.submitted]
    return [one for one in waiting if is_ready(board, one, session, screened)]


def crew_of(lab: Lab, repo: str, check: Check) -> Crew:
    """Return the crew of a repository in this server."""
    folder: Path = lab.for_reading(repo).repo.own_folder
    found = lab.crews.setdefault(folder, Crew(lab, repo, check))
    assert isinstance(found, Crew), "nobody else puts anything there"
    return found


def withdraw(context: RepoContext, name: str) -> bool:
    """Take an open candidate, a knob or a design back, and end its runs in lanes; returns false where it is an iteration by now, which goes on.

    Raises:
        Refusal: if no open candidate is called so.
    """
    if name.startswith("d"):
        withdraw_design(context, name)
        return True
    with board_held(context) as board:
        waiting = (*board.open_ones(context.active.last_iteration), *board.knobs) if context.session else ()
        found = {one.name: one for one in waiting}
        if (one := found.get(name)) is None:
            raise Refusal(Code.BAD_ARGUMENT, f"No open candidate is called {name}. Open: {', '.join(found) or 'none'}.")
        if one.candidate in board.became:
            return False
        post(context, Withdrawn(candidate=one.candidate))
    if taken := board.lanes.get((one.candidate, one.incumbent, "")):
        Lane(context, taken.lane).end()
    return True


def dismiss(context: RepoContext) -> None:
    """End what runs in the lanes of a session that is over, and take them away."""
    with suppress(OSError):
        for place in (context.repo.own_folder / "lanes").iterdir():
            if place.name.isdigit():
                Lane(context, int(place.name)).remove()


def candidate_lines(context: RepoContext, waits: str = "") -> list[str]:
    """Say of each open candidate how it stands."""
    session = context.session
    if session is None:
        return []
    board, screened = board_of(context), screens(session)
    told = [
        f"Candidate {one.name} ({one.workspace}), {_state(board, one, session, screened)}: {one.description[:80]}"
        for one in board.open_ones(session.last_iteration)
    ]
    told += design_lines(context, board.design)[:1] if board.design else []
    return [*told, *([f"They wait: {waits}"] if told and waits else [])]


def _state(board: Board, one: Submitted, session: Session, screened: bool) -> str:
    if session.trial and session.trial.submitted == one.candidate:
        return f"verified on the newest best as iteration {session.trial.number}"
    if is_ready(board, one, session, screened):
        return "waiting to be decided" if screened else "queued"
    return "running" if (one.candidate, one.incumbent, "") in board.lanes else "queued"
