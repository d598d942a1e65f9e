"""The way to a goal in a person's words."""

from __future__ import annotations

import pytest

from autoresearch_mcp.prompts import load_prompts
from autoresearch_mcp.tools.project.chains import chain_for
from autoresearch_mcp.tools.workflows.ledger.items import steps

WAYS = {
    "": "plan autoresearch ship",
    "make parsing faster": "plan autoresearch ship",
    "make the tests faster": "plan autoresearch ship",
    "smaller bundle": "plan autoresearch ship",
    "fix the failing tests": "fix regression ship",
    "crash when the file is empty": "debug fix regression ship",
    "the date parser returns the wrong month": "debug fix regression ship",
    "users get an exception on login": "debug fix regression ship",
    "our tests are flaky": "regression debug fix ship",
    "find security holes": "security fix regression ship",
    "better docs": "learn ship",
    "release version 2": "regression ship",
    "what are the edge cases of checkout": "scenario debug fix",
    "review the design for risks": "predict debug fix",
    "decide between sqlite and postgres": "reason",
}


@pytest.mark.parametrize("goal", WAYS)
def test_a_goal_leads_to_prompts_in_order(goal: str) -> None:
    names = [name for name, _ in chain_for(goal, has_tests=True).steps]

    assert names == WAYS[goal].split()
    assert set(names) <= load_prompts().keys()


def test_the_first_prompt_is_handed_the_rest_as_its_chain() -> None:
    first, *_ = chain_for("crash when empty", has_tests=True).lines()

    assert steps(first.partition("chain = `")[2].partition("`")[0]) == ("fix", "regression", "ship")


@pytest.mark.parametrize("has_tests", [True, False])
def test_red_tests_come_before_the_loop_where_there_are_any(has_tests: bool) -> None:
    first, *_ = chain_for("make it faster", has_tests=has_tests).lines()

    assert ("`fix` comes first" in first) is has_tests
