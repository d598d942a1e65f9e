"""Every prompt: short, drives by the tools that there are, and of use to an agent that knows nothing else."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from mcp import Client

from autoresearch_mcp.prompts import load_prompts
from autoresearch_mcp.server.app import build_server
from autoresearch_mcp.tools.lab.access import Lab
from autoresearch_mcp.tools.vocabulary import Tool
from autoresearch_mcp.tools.workflows.ledger.items import Workflow
from autoresearch_mcp.tools.workflows.ledger.rules import rules_of
from conftest import Project
from ledgers import FINDING, HYPOTHESIS, WorkflowAgent, shop

pytestmark = pytest.mark.anyio

PROMPTS = load_prompts()
LONGEST_BYTES = 6500
"""Of the text itself, without the live state."""
DRIVERS = {"autoresearch", "plan"}
"""Prompts that drive the loop's own tools and have no ledger."""


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def test_there_is_a_prompt_for_every_workflow_and_for_the_loop_and_the_plan() -> None:
    assert set(PROMPTS) == {*Workflow, *DRIVERS}


@pytest.mark.parametrize("name", PROMPTS)
def test_a_prompt_is_short_and_says_where_things_stand(name: str) -> None:
    prompt = PROMPTS[name]

    assert len(prompt.body.template.encode()) <= LONGEST_BYTES
    assert "state" in prompt.shows
    assert ("ledger" in prompt.shows) is (name not in DRIVERS)
    assert prompt.shows <= {"state", "ledger", "facts", "way", *prompt.arguments}
    assert ("facts" in prompt.shows) is (name not in {"evals", "reason"})  # these two are about no project
    assert len(prompt.description) < 200


@pytest.mark.parametrize("name", PROMPTS)
def test_a_prompt_names_only_tools_that_exist(name: str) -> None:
    called = set(re.findall(r"`([a-z]+_[a-z_]+)`", PROMPTS[name].body.template)) & {
        word for word in re.findall(r"`([a-z]+_[a-z_]+)`", PROMPTS[name].body.template) if word.split("_")[0] in _VERBS
    }

    assert called <= set(Tool)


_VERBS = {"inspect", "check", "start", "detect", "finish"}


@pytest.mark.parametrize("workflow", Workflow)
def test_what_a_prompt_says_of_items_and_options_is_what_the_ledger_takes(workflow: Workflow) -> None:
    text = PROMPTS[workflow].body.template
    kinds = rules_of(workflow).items

    assert not kinds or any(kind in text for kind in kinds), "it names no kind of item"
    for argument in set(PROMPTS[workflow].arguments) & {"goal", "scope", "depth", "iterations", "chain"}:
        assert argument in rules_of(workflow).options.model_fields


@pytest.mark.parametrize("name", PROMPTS)
async def test_every_argument_may_be_left_out_and_nothing_is_left_to_fill_in(project: Project, name: str) -> None:
    async with Client(build_server(Lab(project.root))) as client:
        listed = {prompt.name: prompt for prompt in (await client.list_prompts()).prompts}
        shown = await client.get_prompt(name, {})

    assert not any(argument.required for argument in listed[name].arguments or [])
    assert len(shown.messages) == 1
    text = shown.messages[0].content.text  # type: ignore[union-attr]
    assert not re.search(r"\$[a-z]", text)
    assert "No session on this branch" in text


async def test_an_agent_that_knows_nothing_can_go_on_from_the_prompt_alone(tmp_path: Path) -> None:
    agent = WorkflowAgent(shop(tmp_path / "repo"), "debug")
    opened = agent.open(goal="totals", chain="debug, fix")
    agent.record(HYPOTHESIS)

    async with Client(build_server(Lab(agent.project.root, allow_commands=True))) as client:
        during = (await client.get_prompt("debug", {})).messages[0].content.text  # type: ignore[union-attr]
        agent.record(FINDING)
        agent.close()
        after = (await client.get_prompt("fix", {})).messages[0].content.text  # type: ignore[union-attr]
        playbook = await client.call_tool("playbook", {"name": "fix"})

    assert opened.ledger in during
    assert "test: `python -m pytest -q`" in during
    assert "H1 confirmed, author's word: count leaves out one item" in during
    assert "a finding for H1" in during
    assert f"{opened.ledger}#F1 (high) The cart shows one item too few" in after
    assert playbook.structured_content is not None
    assert playbook.structured_content["playbook"] == after


@pytest.mark.parametrize(
    ("name", "given", "shown"),
    [
        ("plan", {"goal": "make", "scope": "it", "metric": "smaller"}, "Goal: make it smaller. Scope: (not given)."),
        ("plan", {"goal": "faster", "scope": "tests"}, "Goal: faster tests. Scope: (not given)."),
        ("plan", {"goal": "faster", "scope": "src/**", "iterations": "20"}, "Goal: faster. Scope: src/**."),
        ("plan", {"goal": "faster", "scope": "a" * 300}, f"Goal: faster {'a' * 300}. Scope: (not given)."),
        ("plan", {"goal": "fewer bytes", "scope": "app.txt"}, "Goal: fewer bytes. Scope: app.txt."),
        ("plan", {"goal": "faster", "scope": "app.txt"}, "Goal: faster. Scope: app.txt."),
        ("autoresearch", {"goal": "smaller", "iterations": "20"}, "Goal given: smaller\nIterations asked for: 20"),
        (
            "autoresearch",
            {"goal": "go", "iterations": "faster"},
            "Goal given: go faster (as far as the client passed it on: where",
        ),
        ("autoresearch", {"goal": "a crash", "iterations": "on login"}, "The way to the goal: debug -> fix"),
    ],
)
async def test_a_sentence_that_a_client_cut_at_its_spaces_is_one_again(
    project: Project, name: str, given: dict[str, str], shown: str
) -> None:
    async with Client(build_server(Lab(project.root))) as client:
        text = (await client.get_prompt(name, given)).messages[0].content.text  # type: ignore[union-attr]

    assert shown in text
