"""An agent is driven, leg after leg, until the session is over: on real repositories, with small programs as agents."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import lent_calls
import pytest
from in_process import ask_here

from autoresearch_mcp.server.main import main
from autoresearch_mcp.tools.driver.agents import DrivenAgent
from autoresearch_mcp.tools.driver.driving import Driver, RunEdge, RunOptions
from autoresearch_mcp.tools.driver.looking import look
from autoresearch_mcp.tools.driver.records import DriverPlace
from autoresearch_mcp.tools.driver.rules import Halt, RunLimits
from autoresearch_mcp.tools.errors import Refusal
from autoresearch_mcp.tools.lab.access import Lab
from autoresearch_mcp.tools.lab.jobs import JobRecord, write_job
from autoresearch_mcp.tools.lab.legs import LegEnding
from autoresearch_mcp.tools.process.processes import process_status
from autoresearch_mcp.tools.storage.disk import writer_lock
from autoresearch_mcp.tools.vocabulary import Tool
from conftest import Project
from crashing import before_record, iterate

AGENT = (
    lent_calls.AGENT
    + """
import sys, time
from pathlib import Path

prompt = sys.stdin.read()
value = Path("value.txt")


def better(times=1):
    for _ in range(times):
        value.write_text(f"{int(value.read_text()) - 1}\\n")
        iterate(f"take one off {value.read_text().strip()}")


def hang():
    while True:
        Path("../hour").touch()
        time.sleep(0.05)


leg = int(prompt.partition("leg ")[2].split()[0])
"""
)


@pytest.fixture(scope="module", autouse=True)
def calls() -> Iterator[None]:
    with lent_calls.lent() as place, pytest.MonkeyPatch.context() as patch:
        patch.setenv("LENT_CALLS", place)
        yield


class Clock:
    """A clock that moves by pauses, and by an hour with each look while an agent asks for it with a file."""

    def __init__(self, hour: Path) -> None:
        self.time, self.hour, self.waited = 1_700_000_000.0, hour, list[float]()
        self.then: Callable[[], object] = lambda: None

    def now(self) -> float:
        if self.hour.exists():
            self.hour.unlink(missing_ok=True)
            self.time += 3600
        return self.time

    def pause(self, seconds: float) -> None:
        self.time += seconds
        self.waited.append(seconds)
        self.then()

    @property
    def pauses(self) -> float:
        return sum(self.waited)


class Run:
    """A run over a project, with the lines that it told."""

    def __init__(self, project: Project, agent: str, notify: str = "", **limits: Any) -> None:  # noqa: ANN401
        file = project.root.parent / "agent.py"
        file.write_text(AGENT + agent)
        self.clock = Clock(project.root.parent / "hour")
        self.told: list[str] = []
        command = f"{sys.executable} {file}"
        options = RunOptions([DrivenAgent()], [sys.executable], command, RunLimits(**limits), notify)
        edge = RunEdge(self.clock.now, self.clock.pause, self.told.append)
        self.driver = Driver(project.lab, options, lambda number, seen: f"leg {number} of a run", edge)

    def go(self) -> Halt:
        return self.driver.run()

    @property
    def legs(self) -> list[tuple[int, LegEnding]]:
        return [(leg.iterations, leg.ending) for leg in self.driver.legs]


@pytest.fixture
def session(tmp_path: Path) -> Project:
    """A session of six iterations."""
    return Project(tmp_path / "repo", iterations=6).start()


def test_an_agent_that_stops_early_is_started_again_until_the_session_is_over(session: Project) -> None:
    run = Run(session, "better(2)")

    over = run.go()

    assert over == Halt("The session has ended: the budget of 6 iterations is used up.", True)
    assert run.legs == [(2, LegEnding.ITSELF)] * 3
    assert session.statuses() == ["baseline", *["keep"] * 6]
    assert run.clock.pauses == 0


def test_a_leg_that_goes_no_further_is_ended_with_all_that_it_started(session: Project) -> None:
    child = session.root.parent / "child"
    run = Run(
        session,
        f"""
if leg == 1:
    better()
    if os.fork() == 0:
        os.setsid()
        Path({str(child)!r}).write_text(str(os.getpid()))
    hang()
better(5)
""",
    )

    run.go()

    assert run.legs == [(1, LegEnding.HUNG), (5, LegEnding.ITSELF)]
    assert process_status(int(child.read_text())) is None


def test_an_agent_that_is_killed_loses_nothing(session: Project) -> None:
    run = Run(session, "better(2)\nif leg == 1: os.kill(os.getpid(), 9)\nbetter()")

    run.go()

    assert run.legs == [(2, LegEnding.ITSELF), (3, LegEnding.ITSELF), (1, LegEnding.ITSELF)]
    assert run.driver.legs[0].code == 128 + signal.SIGKILL
    assert "3 legs of an agent, 0.0 s; a leg 0.0 s; a keep 0.0 s" in session.copied_server().review.report().report
    assert session.statuses() == ["baseline", *["keep"] * 6]


def test_what_is_measured_outlives_the_leg_that_began_it_and_counts(tmp_path: Path) -> None:
    go = tmp_path / "go"
    go.touch()
    project = Project(
        tmp_path / "repo",
        verify=f"touch {tmp_path}/measuring; until [ -e {go} ]; do sleep 0.05; done; cat value.txt",
        iterations=1,
    ).start()
    run = Run(
        project,
        """
from autoresearch_mcp.tools.lab.access import Lab
from autoresearch_mcp.tools.verbs.loop import Loop
go, measuring = Path("../go"), Path("../measuring")
if leg == 1:
    import threading
    go.unlink(), measuring.unlink()
    def die():
        while not measuring.exists():
            time.sleep(0.05)
        os._exit(1)
    threading.Thread(target=die).start()
    value.write_text("9\\n")
    Loop(Lab(Path.cwd(), clock=lambda: 1_700_000_000.0)).iterate("nine")
from autoresearch_mcp.tools.driver.settling import settle
go.touch()
settle(Lab(Path.cwd(), clock=lambda: 1_700_000_000.0), time.sleep)
""",
    )

    run.go()

    assert run.legs == [(0, LegEnding.ITSELF), (1, LegEnding.ITSELF)]
    assert project.statuses() == ["baseline", "keep"]


def test_legs_that_bring_nothing_back_off_and_end_with_the_last_words(session: Project) -> None:
    run = Run(session, "print('what should I do?')")

    over = run.go()

    assert over == Halt("6 legs in a row brought no iteration.", False)
    assert run.clock.pauses == pytest.approx(60 + 300 + 3 * 900, abs=30)
    assert run.driver.legs[-1].words == "what should I do?"


def test_a_session_that_is_paused_between_two_legs_keeps_the_next_one_waiting(session: Project) -> None:
    run = Run(session, "better(6 * (leg > 1))")
    moments = {10: ["pause", "a meeting"], 100: ["resume"]}
    run.clock.then = lambda: (
        main(["--root", str(session.root), *words]) if (words := moments.get(len(run.clock.waited))) else None
    )

    run.go()

    assert run.legs == [(0, LegEnding.ITSELF), (6, LegEnding.ITSELF)]
    assert len(run.clock.waited) == 100


def test_a_run_says_what_earlier_runs_of_the_session_took_and_begins_its_budgets_anew(session: Project) -> None:
    Run(session, "better(2); hang()", iterations=2).go()
    again = Run(session, "better(2); hang()", iterations=2)

    assert again.go() == Halt("The run has ended: 2 of 2 iterations are made.", True)
    assert again.told[0].startswith("Earlier runs of this session took 1 leg of an agent")
    assert len(session.statuses()) == 5


def test_a_run_of_some_iterations_leaves_the_session_open(session: Project) -> None:
    run = Run(session, "better(2); hang()", iterations=2)

    assert run.go() == Halt("The run has ended: 2 of 2 iterations are made.", True)
    assert session.copied_server().sessions.status().phase == "ready"


def test_no_leg_begins_while_a_person_has_the_session_paused(session: Project) -> None:
    run = Run(
        session,
        """
better(2)
if leg == 1:
    from autoresearch_mcp.server.main import main
    main(["pause", "a meeting"])
    try:
        better()
    except Exception as refused:
        print(refused)
        sys.exit()
better(2)
""",
    )
    waited = run.clock.waited
    run.clock.then = lambda: len(waited) > 2 and main(["--root", str(session.root), "resume"])

    run.go()

    assert "The person paused the session (a meeting). Nothing was committed" in run.driver.legs[0].words
    assert run.legs == [(2, LegEnding.ITSELF), (4, LegEnding.ITSELF)]
    assert waited == [1.0] * 3
    assert "The session is paused: the next leg begins when it is resumed." in run.told


def test_a_new_context_comes_after_so_many_iterations(session: Project) -> None:
    run = Run(session, "better(3); hang()", fresh_every=3)

    run.go()

    assert [iterations for iterations, _ in run.legs] == [3, 3]
    assert run.legs[0][1] is LegEnding.FRESH


def test_an_iteration_that_the_agent_left_open_is_measured_or_taken_back(session: Project) -> None:
    session.write("value.txt", "3\n")
    session.loop.commit("three")
    stopped = Run(session, "")
    stopped.driver.stop()
    stopped.go()

    assert session.statuses() == ["baseline", "keep"]
    session.write("value.txt", "none\n")
    session.loop.iterate("no number")
    again = Run(session, "")
    again.driver.stop()
    again.go()
    assert session.read("value.txt") == "3\n"
    assert session.copied_server().sessions.status().phase == "ready"


def test_a_commit_that_its_server_died_before_it_recorded_is_finished_and_measured(session: Project) -> None:
    session.write("value.txt", "3\n")
    before_record("committed", lambda: iterate(session, "three"))
    session.restart()
    assert "somebody committed" not in session.review.report().report
    stopped = Run(session, "")
    stopped.driver.stop()

    stopped.go()

    assert session.statuses() == ["baseline", "keep"]


def test_a_leg_begins_behind_a_step_that_a_killed_server_had_begun(session: Project) -> None:
    session.write("value.txt", "9\n")
    before_record("committed", lambda: iterate(session, "nine"))
    run = Run(
        session,
        """
from autoresearch_mcp.tools.lab.access import Lab
print(Lab(Path.cwd()).for_reading().phase.value)
""",
        until=1_700_000_000.0 + 30,
    )

    run.go()

    assert run.driver.legs[0].words == "committed"
    assert session.statuses() == ["baseline", "keep"]


def test_a_person_s_own_command_hears_of_each_keep(session: Project) -> None:
    run = Run(session, "better(2)", notify="echo $AUTORESEARCH_EVENT $(cat) >>../heard", iterations=2)

    run.go()

    heard = (session.root.parent / "heard").read_text().splitlines()
    assert heard == ["keep #1 keep 9: take one off 9", "keep #2 keep 8: take one off 8"]


def test_another_branch_ends_the_run(session: Project) -> None:
    run = Run(session, "better(1); os.system('git switch --quiet -c mine')")

    assert run.go() == Halt("The session has ended: another session or branch is in its place.", True)


def test_one_run_drives_a_checkout(session: Project) -> None:
    place = DriverPlace.of(session.lab.for_reading().repo.git_dir)

    with place.held(), pytest.raises(Refusal, match="run --stop"):
        Run(session, "better()").go()
    with place.held():
        session.git("worktree", "add", "--quiet", "--detach", "../other")
        assert not DriverPlace.of(Lab(session.root.parent / "other").for_reading().repo.git_dir).driver()


def test_a_call_in_another_worktree_says_nothing_of_the_leg_in_this_one(session: Project) -> None:
    folder, before = session.lab.for_reading().repo.own_folder, look(session.lab)

    with writer_lock(folder, "iterate"):
        assert look(session.lab).at_work
        write_job(folder, JobRecord(run="r1", tool=Tool.ITERATE, root=str(session.root.parent / "other")))
        assert look(session.lab) == before


def test_a_call_that_was_refused_brings_a_leg_no_further(session: Project) -> None:
    folder, before = session.lab.for_reading().repo.own_folder, look(session.lab)

    write_job(folder, JobRecord(run="r1", tool=Tool.ITERATE, root=str(session.root), done=True))
    assert look(session.lab).mark == before.mark
    session.try_value(9)
    assert look(session.lab).mark != before.mark


def test_a_killed_driver_takes_its_leg_along_and_the_next_one_goes_on(
    session: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = tmp_path / "started"
    os.mkfifo(started)
    agent = tmp_path / "agent.py"
    agent.write_text(
        AGENT
        + f"""
better(2)
if leg == 1:
    print('{{"type": "assistant", "message": {{"id": "m1", "usage": {{"input_tokens": 10, "output_tokens": 5}}}}}}', flush=True)
    while '"tokens": 15' not in Path(".git/autoresearch/driver/now.json").read_text():
        time.sleep(0.01)
    open({str(started)!r}, 'w').write(str(os.getpid()))
    time.sleep(1000)
better(4)
"""
    )
    program = tmp_path / "claude"
    program.write_text(f"#!/bin/sh\nexec {sys.executable} {agent}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    command = [sys.executable, "-m", "autoresearch_mcp.server", "--root", str(session.root), "run", "--agent", "claude"]
    driver = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    pid = int(started.read_text())

    driver.kill()
    driver.wait()
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert not Path(f"/proc/{pid}").exists()
    assert session.statuses() == ["baseline", *["keep"] * 6]
    told = json.loads(ask_here("--root", str(session.root), "run", "--status", "--json").stdout)
    assert [(leg["ending"], leg["iterations"], leg["tokens"]) for leg in told["legs"]] == [
        (LegEnding.LOST, 2, 15),
        (LegEnding.ITSELF, 4, 0),
    ]
    assert "at least 15 tokens" in done.stdout
