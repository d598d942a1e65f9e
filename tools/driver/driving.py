"""The story of a run: leg after leg, until the session or a budget is over."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from ..errors import Refusal
from ..git.workspace import Workspace
from ..lab.access import Lab
from ..lab.legs import Leg, LegEnding, add_leg, cost_words, legs_of
from ..lab.notes import Said, said
from ..report.words import duration
from .agents import AgentSettings, DrivenAgent
from .leg import RunningLeg, end_lost_leg, notify
from .leg_at_work import LegAtWork, leg_words, lost_leg, row_words
from .looking import look
from .readiness import refuse_unready
from .records import DriverPlace
from .rules import Halt, LegWatch, Look, RunLimits, Spent, whose_turn
from .settling import settle

LOOK_S, LOOK_AGAIN_S = 0.5, 30.0
"""How often the driver looks while a leg is at work, and while it waits for the next one."""
_PAUSED = "The session is paused: the next leg begins when it is resumed."


@dataclass
class RunOptions:
    """What a person asked of a run: whom to drive, in turn. `server` is the command line of the server for the client."""

    agents: Sequence[DrivenAgent]
    server: Sequence[str]
    command: str = ""
    limits: RunLimits = field(default_factory=RunLimits)
    notify: str = ""


@dataclass(frozen=True)
class RunEdge:
    """What of the world a run touches beside processes and files: the time, a pause, who is told a line, and who shows how it
    stands each time that the driver looks."""

    now: Callable[[], float] = time.time
    pause: Callable[[float], None] = time.sleep
    tell: Callable[[str], None] = lambda line: None
    show: Callable[[], None] = lambda: None


class Driver:
    """Drives agents, in turn, over the session of a repository. `brief` makes the text that a leg begins with, for its number;
    `see` looks at what they are driven over, where that is no session. In a `workspace` it is one driver of several at once, and
    another tells the rows.
    """

    def __init__(
        self,
        lab: Lab,
        options: RunOptions,
        brief: Callable[[int, Look], str],
        edge: RunEdge,
        see: Callable[[str], Look] | None = None,
        workspace: Workspace | None = None,
    ) -> None:
        self._see = see or partial(look, lab)
        self._lab, self._options, self._brief, self._edge = lab, options, brief, edge
        self._limits = options.limits
        repo = lab.for_reading().repo
        self._workspace, self._root = workspace, workspace.folder if workspace else repo.root
        self._own_folder = repo.own_folder
        self.place = DriverPlace.of(repo.git_dir, workspace.name if workspace else "")
        self._stopping = False
        self._at_work: LegAtWork | None = None
        self._legs: list[Leg] = []
        self._first = self._see("")
        self._told = self._first.iterations
        self._before = 0
        """Legs of this session that earlier runs made."""

    @property
    def legs(self) -> Sequence[Leg]:
        """Return the legs of this run that are over."""
        return self._legs

    def stop(self) -> None:
        """End the leg and then the run, as soon as the loop looks."""
        self._stopping = True

    def run(self) -> Halt:
        """Drive until there is no next leg; returns why.

        Raises:
            Refusal: if another run is at work here, or the client is not there.
        """
        self.ready()
        with self.place.held():
            self._after_earlier_runs()
            while isinstance(turn := self._between(), DrivenAgent):
                self._one_leg(turn)
            self._settle()
            self.place.note_now({})
        self._tell_rows()
        return turn

    def ready(self) -> None:
        """Refuse a client that could not be driven.

        Raises:
            Refusal: with the cure.
        """
        for one in self._options.agents:
            refuse_unready(one, self._options.command, self.place.folder.parent)

    def _between(self) -> Halt | DrivenAgent:
        """Wait for the moment of the next leg, and return whose it is; the reason where there is none. None begins while a person has
        the session paused.
        """
        agents, told = self._options.agents, ""
        while not self._stopping:
            seen, now = self._look(), self._edge.now()
            labels = [agent.label for agent in agents]
            decided = whose_turn(labels, self._legs, seen.over, self._limits, self._spent(seen), now)
            if isinstance(decided, Halt):
                return decided
            place, pause = decided
            paused = bool(said(self._own_folder, self._first.session, Said.PAUSE))
            if not (pause.seconds or paused):
                return agents[place]
            why = _PAUSED if paused else f"The next leg begins in {duration(pause.seconds)}: {pause.why}."
            if (reason := why if paused else pause.why) != told:
                told = reason
                self._edge.tell(why)
                self._note({} if paused else {"until": now + pause.seconds})
            self._sleep(1.0 if paused else min(pause.seconds, LOOK_AGAIN_S))
        return Halt("The run was stopped.", True)

    def _one_leg(self, agent: DrivenAgent) -> None:
        self._finish(self._lab.finish_interrupted)  # else an agent would read of a phase that is over
        first, began = self._look(), self._edge.now()
        leg = LegAtWork(self._before + len(self._legs) + 1, agent, began, first)
        text = self._brief(leg.number, first)
        call = agent.call(self._settings(agent, text))
        self.place.put({**call.files, "prompt.md": text})
        self._note(leg.noted())
        self._edge.tell(f"{self._leg_name(leg)} begins: {agent.label}.")
        prompt = self.place.folder / "prompt.md"
        client = RunningLeg(leg.name, call.words, call.variables, prompt, self._root, leg.reading)
        self._at_work = leg
        try:
            ending = self._watch(client, leg)
        finally:
            code = client.end()
            self._at_work = None
        ended = self._edge.now()
        if ending in {LegEnding.STOPPED, LegEnding.BUDGET}:  # no other leg brings what is open to its end
            self._settle()
        self._keep(leg.ended(self._look(), ended, ending, code))
        self._edge.tell(f"{self._leg_name(leg)} is over: {leg_words(self._legs[-1])}.")

    def _watch(self, client: RunningLeg, leg: LegAtWork) -> LegEnding:
        """Wait for the leg's end, or for a reason to end it. What it took so far is noted, should this process be killed."""
        watch, noted = LegWatch(leg.first, self._limits, self._edge.now()), 0
        while not client.wait(LOOK_S):
            if self._stopping:
                return LegEnding.STOPPED
            seen, now = self._look(), self._edge.now()
            self._tell_rows()
            self._edge.show()
            if leg.reading.tokens > noted:
                noted = leg.reading.tokens
                self._note(leg.noted())
            if ending := watch.why_end(seen, self._spent(seen), now):
                return ending
        return LegEnding.ITSELF

    def _settle(self) -> None:
        self._finish(lambda: settle(self._lab, self._edge.pause))

    def _finish(self, work: Callable[[], object]) -> None:
        try:
            if self._workspace is None:
                work()
        except Refusal as refusal:
            self._edge.tell(f"The open iteration was left as it is: {refusal.message}")

    def _keep(self, leg: Leg) -> None:
        self._legs.append(leg)
        add_leg(self._own_folder, self._first.session, leg)
        self._note({})
        self._tell_rows()

    def _after_earlier_runs(self) -> None:
        """End what a driver that was killed left at work and note its leg; tell what earlier runs of the session took."""
        if (left := self.place.now()).get("name"):
            end_lost_leg(str(left["name"]))
            seen = self._look()
            add_leg(self._own_folder, seen.session, lost_leg(left, seen, self._edge.now()))
        self._note({})
        earlier, labels = legs_of(self._own_folder, self._first.session), {one.label for one in self._options.agents}
        self._before = len([leg for leg in earlier if self._workspace is None or leg.agent in labels])
        if earlier and not self._workspace:
            took = cost_words(earlier)
            self._edge.tell(f"Earlier runs of this session took {took}. The budgets of this one begin now.")

    def _look(self) -> Look:
        seen = self._see(self._first.session)
        if not self._first.session and seen.session:
            self._first = Look(seen.session, "", 0, False, False, "")
        return seen

    def _spent(self, seen: Look) -> Spent:
        reading = self._at_work.reading if self._at_work else None
        cost = sum(leg.cost or 0.0 for leg in self.legs) + (reading.cost or 0.0 if reading else 0.0)
        tokens = sum(leg.tokens for leg in self.legs) + (reading.tokens if reading else 0)
        return Spent(seen.iterations - self._first.iterations, cost, tokens)

    def _settings(self, agent: DrivenAgent, text: str) -> AgentSettings:
        options, cost = self._options, sum(leg.cost or 0.0 for leg in self._legs)
        left = max(0.01, self._limits.cost - cost) if self._limits.cost else 0.0
        return AgentSettings(
            options.server, str(self.place.folder.absolute()), agent.model, left, options.command, text
        )

    def _tell_rows(self) -> None:
        """Tell what came since the last look, and the person's own command of each keep."""
        context = self._lab.for_reading()
        session = None if self._workspace else context.session
        if session is None or session.id != self._first.session or session.last_iteration <= self._told:
            return
        fresh = context.rows(session.last_iteration - self._told)
        self._told = session.last_iteration
        for row in fresh:
            self._edge.tell(row_words(row))
            if row.status.kept and self._options.notify:
                notify(self._options.notify, "keep", row_words(row), context.repo)

    def _sleep(self, seconds: float) -> None:
        until = self._edge.now() + seconds
        while not self._stopping and (left := until - self._edge.now()) > 0:
            self._edge.show()
            self._edge.pause(min(1.0, left))

    def _leg_name(self, leg: LegAtWork) -> str:
        return f"Leg {leg.number} of {self._workspace.name}" if self._workspace else f"Leg {leg.number}"

    def _note(self, more: Mapping[str, Any]) -> None:
        self.place.note_now({"session": self._first.session, **more})
