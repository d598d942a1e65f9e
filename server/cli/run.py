"""`autoresearch-mcp run`: drive an agent over a session, look at a run, end it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from argparse import Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import zip_longest
from pathlib import Path

from rich.console import Console
from rich.layout import Layout
from rich.live import Live
from rich.text import Text

from ...prompts import load_prompts
from ...tools.driver.agents import AGENTS, DrivenAgent
from ...tools.driver.beside import DriversBeside
from ...tools.driver.brief import leg_brief
from ...tools.driver.chain import ChainRun
from ...tools.driver.driving import Driver, RunEdge, RunOptions
from ...tools.driver.leg import notify
from ...tools.driver.leg_at_work import leg_words
from ...tools.driver.readiness import cure
from ...tools.driver.records import LOG, DriverPlace
from ...tools.driver.rules import Halt, Look, RunLimits
from ...tools.errors import Code, Refusal
from ...tools.lab.access import Lab
from ...tools.lab.context import RepoContext
from ...tools.lab.legs import cost_words, legs_of, pace_words
from ...tools.plan.model import PLAN_FILE, Plan
from ...tools.report.words import duration
from ...tools.text.redaction import visible
from ...tools.verbs.planning import commands_without_consent
from ...tools.verbs.review import Review
from ...tools.verbs.sessions import Sessions
from ...tools.vocabulary import Phase
from ..watching import Watch
from .watch import TerminalView


def run(root: Path, options: Namespace) -> int:
    """Drive an agent, or look at a run, or end it; returns the exit status."""
    lab = Lab(root, allow_commands=options.allow_commands)
    try:
        place = DriverPlace.of(lab.for_reading().repo.git_dir)
        if options.status:
            return _status(lab, place, options.json)
        if options.stop:
            return _say("The run ends its leg and stops." if place.stop() else "No run is at work here.")
        return _drive(root, lab, options, place)
    except Refusal as refusal:
        sys.stderr.write(f"{refusal.message}\n")
        return 2


def _drive(root: Path, lab: Lab, options: Namespace, place: DriverPlace) -> int:
    if not (options.agent or options.agent_command):
        raise Refusal(Code.BAD_ARGUMENT, f"Say whom to drive: --agent {', '.join(AGENTS)}, or --agent-command COMMAND.")
    if len(options.model) > len(options.agent):
        raise Refusal(Code.BAD_ARGUMENT, "There are more --model than --agent: name one for each, in their order.")
    if options.agents > 1 and options.chain:
        raise Refusal(Code.BAD_ARGUMENT, "A chain is driven by one agent at a time: leave --agents or --chain out.")
    if place.driver():
        raise Refusal(
            Code.BUSY,
            f"A run is at work here, process {place.driver()}: see `run --status`, or end it with `run --stop`.",
        )
    wanted = _options(root, options)
    chain = ChainRun(lab, options.chain, options.goal, partial(_playbook, lab, options.goal)) if options.chain else None
    Driver(lab, wanted, _brief(lab, options.goal), RunEdge()).ready()
    if chain:
        chain.begin()
    else:
        _begin(lab, options)
    return _detached(place) if options.detach else _watched(lab, options, wanted, chain)


def _options(root: Path, options: Namespace) -> RunOptions:
    server = [sys.executable, "-P", "-m", "autoresearch_mcp.server", "--root", str(root)]
    limits = RunLimits(
        until=time.time() + options.hours * 3600 if options.hours else 0.0,
        iterations=options.iterations,
        cost=options.max_cost,
        tokens=options.max_tokens,
        fresh_every=options.fresh_every,
        patience_s=options.patience * 60,
    )
    server += ["--allow-commands"] * options.allow_commands
    pairs = zip_longest(options.agent, options.model[: len(options.agent)], fillvalue="")
    agents = [DrivenAgent(client, model) for client, model in pairs]
    agents += [DrivenAgent()] * bool(options.agent_command)
    return RunOptions(agents, server, options.agent_command, limits, options.notify_command)


def _playbook(lab: Lab, goal: str, name: str = "autoresearch") -> str:
    from ..prompting import live_playbook

    return live_playbook(lab, load_prompts()[name], goal=goal)("")


def _brief(lab: Lab, goal: str) -> Callable[[int, Look], str]:
    return lambda number, seen: f"{_playbook(lab, goal)}\n\n{leg_brief(lab.for_reading(), number)}\n"


def _begin(lab: Lab, options: Namespace) -> None:
    """Open the session of the plan that is here, so that what stands in its way is said while the person is still there.

    Raises:
        Refusal: if there is no plan that a person agreed to.
    """
    context = lab.for_reading()
    if context.phase is not Phase.NO_SESSION:
        return
    if not (context.repo.root / PLAN_FILE).is_file():
        if options.goal and options.allow_commands:
            return  # the agent plans, and a person agreed to every command beforehand
        message = f"No session is open and there is no {PLAN_FILE}. Write one with `autoresearch-mcp init` and commit it, then run again."
        raise Refusal(Code.BAD_PLAN, message)
    if missing := commands_without_consent(lab, Plan(), ""):
        listed = "\n".join(f"  {visible(command)}" for command in missing)
        raise Refusal(
            Code.CONSENT_NEEDED,
            f"Nobody agreed to these commands:\n{listed}\nAgree with `autoresearch-mcp approve`, then run again.",
        )
    _tell("Measuring the baseline ...")
    _tell(Sessions(lab).start_session(Plan()).lines()[0])


def _watched(lab: Lab, options: Namespace, run_options: RunOptions, chain: ChainRun | None) -> int:
    """Drive in this process, ended by a signal: the first ends the leg cleanly, the second at once."""
    told: list[str] = []
    with _view(lab, told) as edge:
        brief = chain.brief if chain else _brief(lab, options.goal)
        if options.agents > 1:
            opening = partial(_playbook, lab, options.goal)
            driver: Driver = DriversBeside(lab, run_options, opening, edge, options.agents)
        else:
            driver = Driver(lab, run_options, brief, edge, chain.look if chain else None)
        asked = 0

        def ask(number: int, frame: object) -> None:
            nonlocal asked
            asked += 1
            if number == signal.SIGHUP:  # the terminal is gone, and what is written to it would fail
                for stream in (sys.stdout, sys.stderr):
                    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
            if asked > 1:
                raise KeyboardInterrupt
            driver.stop()
            edge.tell("Ending the leg; the open iteration is brought to its end. Once more ends at once.")

        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, ask)
        try:
            over = driver.run()
        except KeyboardInterrupt:
            lab.for_reading().runs.runner.cancel_all()
            return _say("Ended at once. The journal has everything: run again to go on.", 130)
    if chain and chain.failed():
        over = Halt(over.why, False)
    return _told(lab, driver, over, options, chain)


@contextmanager
def _view(lab: Lab, told: list[str]) -> Iterator[RunEdge]:
    """Show the session and what the driver does: live in a terminal, else line by line."""
    console = Console()
    if not console.is_terminal:
        yield RunEdge(tell=_tell)
        return
    watched, seen = Watch(Lab(lab.root, follows=True)), None
    with Live(console=console, screen=True, auto_refresh=False) as live:

        def show() -> None:
            nonlocal seen
            if (mark := (watched.mark(), len(told))) != seen:
                seen = mark
                whole = Layout()
                head = Text("\n".join([*told[-3:], _taken(lab)]), no_wrap=True, overflow="ellipsis")
                whole.split_column(Layout(head, size=5), Layout(TerminalView(watched.snapshot())))
                live.update(whole, refresh=True)

        def tell(line: str) -> None:
            told.append(f"{time.strftime('%H:%M')} {line}")
            show()

        yield RunEdge(tell=tell, show=show)
    sys.stdout.write("".join(f"{line}\n" for line in told))


def _taken(lab: Lab) -> str:
    """Say what the legs of the session took so far, and how fast it went."""
    context = lab.for_reading()
    legs = legs_of(context.repo.own_folder, context.session.id) if context.session else []
    return "; ".join(filter(None, [pace_words(legs), cost_words(legs)]))


def _told(lab: Lab, driver: Driver, over: Halt, options: Namespace, chain: ChainRun | None) -> int:
    context = lab.for_reading()
    text = [over.why]
    if not over.done and driver.legs:
        last = driver.legs[-1]
        text += [*filter(None, [cure(last)]), f"Its last output:\n{last.words or 'nothing'}"]
    text += _legs_told(context, chain.look().session if chain else "")
    if chain:
        text += ["", *chain.lines()]
    elif context.session:
        text += ["", *Review(lab).report("text").lines()]
    message = "\n".join(text)
    if options.notify_command:
        notify(options.notify_command, "end", message, context.repo)
    return _say(message, 0 if over.done else 1)


def _legs_told(context: RepoContext, session: str = "") -> list[str]:
    legs = legs_of(context.repo.own_folder, session or (context.session.id if context.session else ""))
    listed = [f"  leg {leg.number} ({leg.agent}): {leg_words(leg)}" for leg in legs[-20:]]
    return [*listed, f"{cost_words(legs)}."] if legs else []


def _status(lab: Lab, place: DriverPlace, as_json: bool) -> int:
    driver, now, context = place.driver(), place.now(), lab.for_reading()
    session = str(now.get("session") or (context.session.id if context.session else ""))
    if as_json:
        legs = [leg.model_dump(mode="json") for leg in legs_of(context.repo.own_folder, session)]
        return _say(json.dumps({"driver": driver, "now": now, "session": session, "legs": legs}))
    leg = now.get("leg") or {}
    at = f"leg {leg['number']} since {duration(time.time() - leg['began'])}" if leg else "between two legs"
    if now.get("agents"):
        at = f"{now['agents']} agents beside one another"
    if now.get("until"):
        at = f"the next leg begins in {duration(max(0.0, now['until'] - time.time()))}"
    state = f"A run is at work, process {driver}: {at}." if driver else "No run is at work here."
    if not driver and now.get("name"):
        state += " The last one was killed: run again to go on."
    return _say("\n".join([state, *_legs_told(context, session), *Sessions(lab).status().lines()]))


def _detached(place: DriverPlace) -> int:
    """Go on in a process of its own, without this terminal."""
    place.folder.mkdir(parents=True, exist_ok=True)
    words = [word for word in sys.argv[1:] if word != "--detach"]
    with (place.folder / LOG).open("wb") as log:
        child = subprocess.Popen(
            [sys.executable, "-P", "-m", "autoresearch_mcp.server", *words],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    while not place.driver() and child.poll() is None:
        time.sleep(0.1)
    if child.poll() is not None:
        return _say((place.folder / LOG).read_text(errors="replace"), child.returncode or 0)
    return _say(
        f"The run goes on as process {child.pid}. Look: run --status, or watch. End it: run --stop. It writes to {place.folder / LOG}."
    )


def _tell(line: str) -> None:
    sys.stdout.write(f"{time.strftime('%H:%M')} {line}\n")
    sys.stdout.flush()


def _say(text: str, status: int = 0) -> int:
    (sys.stderr if status == 2 else sys.stdout).write(f"{text}\n")
    return status
