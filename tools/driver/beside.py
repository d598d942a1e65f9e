"""Several agents at once over one session, each in a workspace of its own; what they hand in is worked off meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from itertools import cycle, islice

from ..errors import Refusal
from ..git.repo import shown
from ..git.workspace import Workspace
from ..lab.access import Lab
from ..lab.context import RepoContext
from ..lab.legs import Leg
from ..parallel.board import board_of
from ..parallel.crew import candidate_lines
from ..parallel.workspaces import give, workspace_lines
from ..verbs.parallel import follow
from .brief import leg_brief
from .driving import LOOK_S, Driver, RunEdge, RunOptions
from .looking import look
from .rules import Halt, Look, budget_spent

NOBODY = "run"
"""Whose a workspace is until its agent takes it: no server is called so, so that it is free, as after the agent's death."""


class DriversBeside(Driver):
    """Drives so many agents at once, each by a driver of its own. `opening` makes the text that each leg begins with."""

    def __init__(self, lab: Lab, options: RunOptions, opening: Callable[[], str], edge: RunEdge, count: int) -> None:
        super().__init__(lab, options, lambda number, seen: "", edge)
        lab.drives = True
        shares = replace(options.limits, iterations=0, cost=options.limits.cost / count)
        shares = replace(shares, tokens=-(-options.limits.tokens // count))
        self._drivers: list[Driver] = []
        for number, agent in enumerate(islice(cycle(options.agents), count), 1):
            place = Workspace(lab.for_reading().repo, f"agent-{number}")
            own = replace(options, agents=[replace(agent, workspace=place.name)], limits=shares)
            brief, see = partial(_brief, lab, place, opening), partial(_look, lab, place.name)
            self._drivers.append(Driver(lab, own, brief, replace(edge, show=lambda: None), see, place))

    @property
    def legs(self) -> Sequence[Leg]:
        return sorted((leg for driver in self._drivers for leg in driver.legs), key=lambda leg: leg.ended)

    def stop(self) -> None:
        super().stop()
        for driver in self._drivers:
            driver.stop()

    def run(self) -> Halt:
        """Drive until none has a next leg, then work off what they handed in; returns why.

        Raises:
            Refusal: if another run is at work here, or the client is not there.
        """
        self.ready()
        found: list[Halt] = []
        with self.place.held():
            threads = [
                threading.Thread(target=lambda one=one: found.append(self._driven(one)), daemon=True)
                for one in self._drivers
            ]
            for thread in threads:
                thread.start()
            while self._open() or any(thread.is_alive() for thread in threads):
                self._note({"agents": len(threads)})
                over = budget_spent(self._limits, self._spent(self._look()), self._edge.now())
                if over and not self._stopping:
                    found.insert(0, Halt(f"The run has ended: {over}.", True))
                    self.stop()
                self._tell_rows()
                self._edge.show()
                self._edge.pause(LOOK_S)
            self._note({})
        self._tell_rows()
        return next((halt for halt in found if halt.done), found[0])

    def _driven(self, driver: Driver) -> Halt:
        try:
            halt = driver.run()
        except Refusal as refusal:
            halt = Halt(refusal.message, False)
        if not halt.done:
            self._edge.tell(f"One agent of {len(self._drivers)} is done: {halt.why}")
        return halt

    def _open(self) -> bool:
        """Have the candidates worked off; returns whether one is still to be decided and can be."""
        waits = follow(self._lab, "")
        context = self._lab.for_reading()
        return not (self._stopping or waits or self._look().over) and bool(candidate_lines(context))


def _brief(lab: Lab, place: Workspace, opening: Callable[[], str], number: int, seen: Look) -> str:
    """Return the text of a leg; makes the workspace where there is none yet."""
    context = lab.for_reading()
    if context.session is not None and not (place.name in board_of(context).workspaces and place.exists()):
        give(context, NOBODY, place.name, "")
    there = replace(context, repo=place.repo())
    return f"{opening()}\n\n{leg_brief(there, number)}\n\n{_beside(context, place)}\n"


def _beside(context: RepoContext, place: Workspace) -> str:
    others = "\n".join(f"- {line}" for line in workspace_lines(context, but=place.name)) or "- nobody yet"
    return f"""\
## You are one of several agents, each in a place of its own

Edit nothing outside {shown(str(place.folder))}. Call `workspace` with name="{place.name}" and a `direction` that no other tries,
first and whenever you want the newest best there. In place of `iterate` call `submit` with workspace="{place.name}" for each idea,
and go on with the next one at once; `wait` tells what became of them. What the others try:

{others}"""


def _look(lab: Lab, workspace: str, session_id: str) -> Look:
    """Look at the session as one agent moves it: its iterations are what it handed in from its workspace, decided or not."""
    seen, context = look(lab, session_id), lab.for_reading()
    if not seen.session or context.session is None:
        return seen
    board, last = board_of(context), context.active.last_iteration
    own = [number for number, one in board.candidates.items() if one.workspace == workspace]
    decided = [board.became[number] for number in own if board.became.get(number, last + 1) <= last]
    waiting = any(one.workspace == workspace for one in board.open_ones(last))
    running = any(subject not in board.runs for subject in board.lanes)
    return replace(
        seen,
        iterations=len(own),
        keeps=sum(row.status.kept for row in context.rows_of(decided)) if decided else 0,
        open=False,
        at_work=waiting and (seen.at_work or running),
        mark=f"{seen.mark if waiting else ''} {len(own)} {len(decided)} {board.workspaces.get(workspace)}",
    )
