"""An agent is driven over a chain of workflows, one ledger after the other, each with what the one before hands on."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from autoresearch_mcp.tools.driver.agents import DrivenAgent
from autoresearch_mcp.tools.driver.chain import ChainRun
from autoresearch_mcp.tools.driver.driving import Driver, RunEdge, RunOptions
from autoresearch_mcp.tools.driver.rules import Halt
from autoresearch_mcp.tools.errors import Refusal
from autoresearch_mcp.tools.workflows.ledger.items import steps
from conftest import Project
from ledgers import FINDING, HYPOTHESIS, WorkflowAgent, shop

AGENT = f"""
import json, sys
from pathlib import Path
from autoresearch_mcp.tools.lab.access import Lab
from autoresearch_mcp.tools.verbs.workflows import Workflows

told = sys.stdin.read()
verbs = Workflows(Lab(Path.cwd(), allow_commands=True), {{}})
if "leg 1" in told:
    verbs.record("debug", [json.loads({json.dumps(HYPOTHESIS)!r})])
elif "step 1 of 2" in told:
    verbs.record("debug", [json.loads({json.dumps(FINDING)!r})])
    verbs.workflow("debug", "close")
else:
    assert told.startswith("playbook of scenario"), told
    verbs.workflow("scenario", "close", {{"why": "a person has to choose"}})
"""


def chain(project: Project, words: str = "debug -> scenario") -> ChainRun:
    return ChainRun(project.lab, words, "wrong totals", lambda name: f"playbook of {name}")


def test_each_step_is_driven_to_the_end_of_its_ledger_and_hands_on_to_the_next(tmp_path: Path) -> None:
    project = shop(tmp_path / "repo")
    file = tmp_path / "agent.py"
    file.write_text(AGENT)
    options = RunOptions([DrivenAgent()], [sys.executable], f"{sys.executable} {file}")
    made = chain(project)
    driver = Driver(project.lab, options, made.brief, RunEdge(pause=lambda seconds: None), made.look)
    made.begin()

    over = driver.run()

    stopped = "The chain stops behind scenario, which ended interrupted: a person has to look."
    assert (over, made.failed()) == (Halt(stopped, True), "scenario, which ended interrupted")
    assert len(driver.legs) == 3
    debug = made.lines()[0]
    assert debug.startswith("debug: complete, autoresearch/debug-")
    handed = json.loads(next(project.root.glob("autoresearch/scenario-*/handoff.json")).read_text())
    assert handed["incoming"] == debug.split("/")[1]


def test_a_chain_that_was_left_is_gone_on_with_and_one_that_failed_begins_anew(tmp_path: Path) -> None:
    project = shop(tmp_path / "repo")
    agent = WorkflowAgent(project, "debug")
    chain(project).begin()
    left = chain(project).lines()
    agent.record(HYPOTHESIS)
    agent.record(FINDING)
    agent.close()
    after = chain(project)
    after.begin()
    WorkflowAgent(project, "scenario").close(why="no time")

    assert left[0].startswith("debug: open, debug-")
    assert after.look().session == left[0].split()[-1]
    assert after.lines()[1].startswith("scenario: interrupted")
    assert chain(project).lines() == ["debug: not begun", "scenario: not begun"]


def test_a_ready_chain_stands_for_its_steps_and_what_is_no_workflow_is_named(tmp_path: Path) -> None:
    assert steps("Incident") == ("debug", "fix", "regression", "ship")
    with pytest.raises(Refusal, match="or a ready one: quality, feature, incident, hardening, release"):
        chain(shop(tmp_path / "repo"), "debug, sing")
