"""Several agents are driven at once over one session, each in a workspace: real repositories, small programs as agents."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

import pytest

from autoresearch_mcp.server.main import main
from autoresearch_mcp.tools.driver.agents import DrivenAgent
from autoresearch_mcp.tools.driver.beside import DriversBeside
from autoresearch_mcp.tools.driver.driving import RunEdge, RunOptions
from autoresearch_mcp.tools.driver.rules import RunLimits
from autoresearch_mcp.tools.errors import Refusal
from autoresearch_mcp.tools.lab.legs import LegEnding
from autoresearch_mcp.tools.verbs.parallel import Parallel
from conftest import Project

AGENT = """
import os, signal, sys
from contextlib import suppress
from pathlib import Path
from autoresearch_mcp.tools.errors import Refusal
from autoresearch_mcp.tools.lab.access import Lab
from autoresearch_mcp.tools.verbs.parallel import Parallel
from autoresearch_mcp.tools.verbs.running import Running
from autoresearch_mcp.tools.verbs.sessions import Sessions

prompt = sys.stdin.read()
name = prompt.partition('with name="')[2].partition('"')[0]
lab = Lab(Path(sys.argv[1]), clock=lambda: 1_700_000_000.0)
verbs = Parallel(lab)
with suppress(Refusal):  # edits of an earlier leg are handed in first
    assert Path(verbs.workspace(name, f"the part of {name}").path) == Path.cwd()
part = Path("src", {"agent-1": "a.txt", "agent-2": "b.txt"}[name])
value = int(part.read_text())
if name == "agent-1" and value == 10:
    part.write_text("9\\n")
    os.kill(os.getpid(), signal.SIGKILL)
part.write_text(f"{value - 1}\\n")
verbs.submit(f"{part} to {value - 1}", name)
while any(name in line for line in Sessions(lab).status().candidates):
    Running(lab).wait(seconds=5)
verbs.workspace(name)
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    project = Project(tmp_path / "repo", verify="cat src/* | paste -sd+ | bc", guards=(), workers=2, iterations=6)
    project.write("src/a.txt", "10\n").write("src/b.txt", "10\n").commit("parts")
    return project.start()


def test_agents_beside_one_another_keep_apart_and_one_that_died_leaves_its_place_to_its_next_leg(
    project: Project,
) -> None:
    file = project.root.parent / "agent.py"
    file.write_text(AGENT)
    told: list[str] = []
    options = RunOptions(
        [DrivenAgent()], [sys.executable], f"{sys.executable} {file} {project.root}", RunLimits(iterations=4)
    )
    waited = [1_700_000_000.0]
    looked = threading.Event()

    def pause(seconds: float) -> None:
        """Let a pause between two legs pass at once; a look at the legs at work takes no time of the run."""
        waited.append(seconds) if seconds >= 1 else looked.wait(seconds / 5)

    edge = RunEdge(lambda: sum(waited), pause, told.append)
    project.write("check.sh", "mine\n")

    driver = DriversBeside(project.lab, options, lambda: "opening", edge, 2)
    over = driver.run()

    assert over.why == "The run has ended: 4 of 4 iterations are made."
    assert project.read("check.sh") == "mine\n"
    first = next(leg for leg in driver.legs if leg.agent.endswith("agent-1"))
    assert (first.ending, first.iterations) == (LegEnding.ITSELF, 0)
    assert {leg.agent for leg in driver.legs} == {"command agent-1", "command agent-2"}
    session = project.review.history()
    assert any("src/a.txt to 8" in row.description for row in session.rows), "the edit of the dead leg was still there"


def test_a_direction_that_a_living_agent_tries_is_refused_and_named(project: Project) -> None:
    Parallel(project.lab).workspace("one", "the optimiser")

    with pytest.raises(Refusal, match=r"is tried in workspace one already(.|\n)*Workspace one: the optimiser"):
        Parallel(project.lab).workspace("two", "The optimiser")


def test_a_chain_is_driven_by_one_agent(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["run", "--agents", "2", "--chain", "quality", "--agent-command", "true"]

    assert main(["--root", str(project.root), *words]) == 2
    assert "A chain is driven by one agent at a time" in capsys.readouterr().err
