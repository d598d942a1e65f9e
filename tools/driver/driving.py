"""The story of a run: leg after leg, until the session or a budget is over."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from ..errors import Refusal
from ..git.workspace import Workspace
from ..lab.access import Lab
from ..lab.legs import Leg, LegEnding, Problem, add_leg, cost_words, dollars, legs_of
from ..lab.notes import Said, said
from ..report.words import duration
from ..session.events import Row
from ..session.results import metric_of
from ..text.redaction import redactor
from .agents import AGENTS, AgentSettings, DrivenAgent, Invocation, own_command
from .leg import RunningLeg, end_lost_leg, notify
from .looking import look
from .readiness import refuse_unready
from .reading import LegOutput
from .records import DriverPlace
from .rules import Halt, Look, RunLimits, Spent, budget_spent, whose_turn, why_end
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
        self._leg: RunningLeg | None = None
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
            self._after_a_killed_driver()
            earlier, labels = (
                legs_of(self._own_folder, self._first.session),
                {one.label for one in self._options.agents},
            )
            self._before = len([leg for leg in earlier if self._workspace is None or leg.agent in labels])
            if earlier and not self._workspace:
                self._edge.tell(
                    f"Earlier runs of this session took {cost_words(earlier)}. The budgets of this one begin now."
                )
            while isinstance(turn := self._between(), DrivenAgent):
                self._one_leg(turn)
            try:
                if self._workspace is None:
                    settle(self._lab, self._edge.pause)
            except Refusal as refusal:
                self._edge.tell(f"The open iteration was left as it is: {refusal.message}")
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

    def _spent(self, seen: Look) -> Spent:
        reading = self._leg.reading if self._leg else None
        cost = sum(leg.cost or 0.0 for leg in self.legs) + (reading.cost or 0.0 if reading else 0.0)
        tokens = sum(leg.tokens for leg in self.legs) + (reading.tokens if reading else 0)
        return Spent(seen.iterations - self._first.iterations, cost, tokens)

    def _look(self) -> Look:
        seen = self._see(self._first.session)
        if not self._first.session and seen.session:
            self._first = Look(seen.session, "", 0, False, False, "")
        return seen

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

    def _sleep(self, seconds: float) -> None:
        until = self._edge.now() + seconds
        while not self._stopping and (left := until - self._edge.now()) > 0:
            self._edge.show()
            self._edge.pause(min(1.0, left))

    def _one_leg(self, agent: DrivenAgent) -> None:
        first, began, number = self._look(), self._edge.now(), self._before + len(self._legs) + 1
        name = f"{number}-{secrets.token_hex(4)}"
        reading = LegOutput(agent.client, began)
        call = self._call(agent, self._brief(number, first))
        prompt = self.place.folder / "prompt.md"
        begun = {"name": name, "agent": agent.label, "leg": number, "began": began}
        begun |= {"first": first.iterations, "keeps": first.keeps}
        self._note(begun)
        self._edge.tell(f"{self._leg_name(number)} begins: {agent.label}.")
        self._leg = RunningLeg(name, call.words, call.variables, prompt, self._root, reading)
        try:
            ending = self._watch(self._leg, first, begun)
        finally:
            code = self._leg.end()
            self._leg = None
        if ending is LegEnding.ITSELF:
            reading.ended(code)
        self._record(agent, number, began, first, ending, code, reading)
        self._note({})

    def _leg_name(self, number: int) -> str:
        return f"Leg {number} of {self._workspace.name}" if self._workspace else f"Leg {number}"

    def _call(self, agent: DrivenAgent, text: str) -> Invocation:
        settings = self._settings(agent, text)
        call = AGENTS[agent.client].call(settings) if agent.client in AGENTS else own_command(settings)
        self.place.put({**call.files, "prompt.md": text})
        return call

    def _settings(self, agent: DrivenAgent, text: str) -> AgentSettings:
        options, cost = self._options, sum(leg.cost or 0.0 for leg in self._legs)
        left = max(0.01, self._limits.cost - cost) if self._limits.cost else 0.0
        folder = str(self.place.folder.absolute())
        return AgentSettings(options.server, folder, agent.model, left, options.command, text)

    def _watch(self, leg: RunningLeg, first: Look, begun: Mapping[str, Any]) -> LegEnding:
        """Wait for the leg's end, or for a reason to end it. What it took so far is noted, should this process be killed."""
        mark, moved, over_since, over_at, noted = first.mark, self._edge.now(), 0.0, 0, 0
        while not leg.wait(LOOK_S):
            if self._stopping:
                return LegEnding.STOPPED
            seen, now = self._look(), self._edge.now()
            self._tell_rows()
            self._edge.show()
            if leg.reading.tokens > noted:
                noted = leg.reading.tokens
                self._note({**begun, "tokens": noted, "cost": leg.reading.cost})
            if seen.mark != mark or seen.at_work:
                mark, moved = seen.mark, now
            spent = self._spent(seen)
            over = seen.over or budget_spent(self._limits, spent, now)
            if over and not over_since:
                over_since, over_at = now, seen.iterations
            if ending := why_end(first, seen, self._limits, spent, moved, over_since, now, over_at):
                return ending
        return LegEnding.ITSELF

    def _record(
        self,
        agent: DrivenAgent,
        number: int,
        began: float,
        first: Look,
        ending: LegEnding,
        code: int | None,
        reading: LegOutput,
    ) -> None:
        seen = self._look()
        before = first.iterations if first.session else 0
        interrupted = ending is not LegEnding.ITSELF and reading.problem is Problem.OTHER
        leg = Leg(
            number=number,
            agent=agent.label,
            began=began,
            ended=self._edge.now(),
            iterations=max(0, seen.iterations - before),
            keeps=max(0, seen.keeps - first.keeps),
            ending=ending,
            code=code,
            tokens=reading.tokens,
            cost=reading.cost,
            at_least=not reading.complete,
            problem=None if interrupted else reading.problem,
            reset=reading.reset,
            words=redactor()("\n".join(reading.tail)),
        )
        self._legs.append(leg)
        add_leg(self._own_folder, seen.session, leg)
        self._tell_rows()
        self._edge.tell(f"{self._leg_name(number)} is over: {leg_words(leg)}.")

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

    def _note(self, more: Mapping[str, Any]) -> None:
        self.place.note_now({"session": self._first.session, **more})

    def _after_a_killed_driver(self) -> None:
        """End what a driver that was killed left at work, and note its leg."""
        left = self.place.now()
        if not left.get("name"):
            return
        end_lost_leg(str(left["name"]))
        seen = self._look()
        add_leg(
            self._own_folder,
            seen.session,
            Leg(
                number=int(left["leg"]),
                agent=str(left["agent"]),
                began=float(left["began"]),
                ended=self._edge.now(),
                iterations=max(0, seen.iterations - int(left["first"])),
                keeps=max(0, seen.keeps - int(left["keeps"])),
                ending=LegEnding.LOST,
                tokens=int(left.get("tokens", 0)),
                cost=left.get("cost"),
                at_least=True,
            ),
        )


def leg_words(leg: Leg) -> str:
    """Tell a leg that is over in one line."""
    kept = f", {leg.keeps} kept," if leg.iterations else ""
    made = f"{leg.iterations} iteration{'s' * (leg.iterations != 1)}{kept} in {duration(leg.ended - leg.began)}, {leg.ending}"
    exits = f" (exit {leg.code})" if leg.ending is LegEnding.ITSELF and leg.code else ""
    said = f", {leg.problem}" if leg.problem else ""
    least = "at least " if leg.at_least and leg.tokens else ""
    tokens = f", {least}{leg.tokens:,} tokens" if leg.tokens else ""
    return f"{made}{exits}{said}{tokens}{f', {dollars(leg.cost)}' if leg.cost else ''}"


def row_words(row: Row) -> str:
    """Tell an iteration in one line."""
    return f"#{row.iteration} {row.status} {metric_of(row)}: {row.description}"
