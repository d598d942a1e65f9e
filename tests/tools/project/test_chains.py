"""The way to a goal in a person's words."""

from __future__ import annotations

import pytest

from autoresearch_mcp.prompts import load_prompts
from autoresearch_mcp.tools.project.chains import told_way, way_for
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
    steps = way_for(goal)

    assert steps == tuple(WAYS[goal].split())
    assert set(steps) <= load_prompts().keys()


BARE = {
    "fix": ["tests fail after upgrading to python 3.12", "CI is red"],
    "security": [
        "is it safe to feed it strangers' SQL",
        "are there holes in jwt decode that an attacker could use?",
        "can somebody inject shell commands through the config file?",
        "could a customer read another user's invoices",
    ],
    "improve": [
        "users ask for more dialects",
        "what should we build next",
        "which features do our customers miss?",
        "find improvements",
    ],
    "evals": [
        "our results flattened, should we go on",
        "how did last night's run go?",
        "is it worth running more experiments?",
        "evaluate the results file",
    ],
    "regression": [
        "do we have a regression since 0.4.3",
        "did my refactoring break anything?",
        "does 2.0 still behave like 1.9?",
        "publish 1.4.0 to PyPI",
        "get this branch ready to merge",
    ],
    "probe": [
        "I want something better but do not know what",
        "I have a vague idea for a search feature",
        "help me work out what we need",
        "make it nicer",
    ],
    "predict": ["what could go wrong if two threads use it", "what will break when traffic doubles"],
    "scenario": ["what happens when the disk is full in the middle of a write", "cases nobody has tested"],
    "debug": [
        "why does it hang on deeply nested input",
        "the total is sometimes off by one cent",
        "it crashes with KeyError on Windows",
        "it ends in ValueError, though numbers are documented. Find out why, fix it, and prepare the release",
        "find out why it crashes, fix it, check for regressions and prepare the release",
    ],
    "reason": [
        "postgres or sqlite for the job queue?",
        "should the API take a generator or a callback",
        "which of the two designs is better",
    ],
    "learn": [
        "the README no longer matches the code",
        "write documentation for the public API",
        "newcomers do not understand the module layout",
    ],
    "plan": [
        "make the parser faster without changing its output",
        "cut the wheel's size in half",
        "raise test coverage to 90 %",
        "lower the value in value.txt",
        "train the model to a lower validation loss",
        "train a logistic regression to a better accuracy",
    ],
}


@pytest.mark.parametrize(("first", "goal"), [(first, goal) for first, goals in BARE.items() for goal in goals])
def test_a_bare_goal_begins_where_a_person_would(first: str, goal: str) -> None:
    assert way_for(goal)[0] == first


def test_the_first_prompt_is_handed_the_rest_as_its_chain() -> None:
    first, *_ = told_way("crash when empty", has_tests=True)

    assert steps(first.partition("chain = `")[2].partition("`")[0]) == ("fix", "regression", "ship")


@pytest.mark.parametrize("has_tests", [True, False])
def test_red_tests_come_before_the_loop_where_there_are_any(has_tests: bool) -> None:
    first, *_ = told_way("make it faster", has_tests=has_tests)

    assert ("`fix` comes first" in first) is has_tests
