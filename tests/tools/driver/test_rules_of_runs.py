"""What comes after a leg, and what a client's output says of it."""

from __future__ import annotations

import json
import time
from datetime import datetime
from pathlib import Path

import pytest

from autoresearch_mcp.tools.driver.agents import AGENTS, AgentSettings, own_command
from autoresearch_mcp.tools.driver.reading import LegOutput, reset_time
from autoresearch_mcp.tools.driver.rules import (
    Halt,
    LegWatch,
    Look,
    Pause,
    RunLimits,
    Spent,
    after_leg,
    whose_turn,
)
from autoresearch_mcp.tools.lab.legs import Leg, LegEnding, Problem, cost_words, pace_words

NOW = 1_795_900_000.0
NOTHING = Spent(0, 0.0, 0)


def leg(
    iterations: int = 0,
    problem: Problem | None = None,
    reset: float = 0.0,
    ending: LegEnding = LegEnding.ITSELF,
    agent: str = "claude",
    ended: float = NOW,
) -> Leg:
    return Leg(
        number=1,
        agent=agent,
        began=ended - 60,
        ended=ended,
        iterations=iterations,
        problem=problem,
        reset=reset,
        ending=ending,
    )


def after(*legs: Leg, limits: RunLimits | None = None, spent: Spent = NOTHING) -> Pause | Halt:
    return after_leg(legs, "", limits or RunLimits(), spent, NOW)


def test_a_usage_limit_is_waited_for_and_counts_as_no_failure() -> None:
    limited = leg(problem=Problem.LIMIT, reset=NOW + 7200)

    assert after(*[limited] * 20) == Pause(7230, "usage limit")
    assert after(leg(problem=Problem.LIMIT)) == Pause(1800, "usage limit")
    assert after(leg(problem=Problem.LIMIT, reset=NOW - 30)) == Pause(30, "usage limit")
    assert after(leg(iterations=3, problem=Problem.LIMIT, reset=NOW + 60)) == Pause(90, "usage limit")
    assert after(limited, limits=RunLimits(until=NOW + 3600)) == Halt(
        "The usage limit lasts longer than the hours of this run.", False
    )


def test_what_only_a_person_mends_ends_the_run_at_once() -> None:
    assert after(leg(problem=Problem.LOGIN)) == Halt("The agent cannot go on: not logged in.", False)


def test_a_leg_that_brought_iterations_is_followed_at_once_and_forgives_those_before() -> None:
    assert after(leg(), leg(), leg(2)) == Pause(0.0)
    assert after(leg(2), leg()).seconds == 60  # type: ignore[union-attr]


def turn(*legs: Leg) -> tuple[int, Pause] | Halt:
    return whose_turn(["claude", "codex"], legs, "", RunLimits(), NOTHING, NOW)


def test_several_agents_take_turns() -> None:
    assert turn() == (0, Pause(0.0))
    assert turn(leg(2)) == (1, Pause(0.0))
    assert turn(leg(2), leg(2, agent="codex")) == (0, Pause(0.0))


def test_an_agent_that_has_to_wait_or_cannot_go_on_leaves_the_turn_to_the_others() -> None:
    limited, working = leg(problem=Problem.LIMIT, reset=NOW + 7200), leg(2, agent="codex")
    out, barren = leg(problem=Problem.LOGIN), leg(agent="codex")

    assert turn(limited, working) == (1, Pause(0.0))
    assert turn(out, barren) == (1, Pause(60, "the last leg brought no iteration"))
    assert turn(out, leg(agent="codex", ended=NOW - 60))[1].seconds == 0  # type: ignore[index]
    assert isinstance(turn(out, leg(problem=Problem.LOGIN, agent="codex")), Halt)


def test_what_was_spent_is_told_by_agent_by_leg_and_by_keep() -> None:
    codex = leg(3, agent="codex").model_copy(update={"keeps": 2, "tokens": 3000})
    claude = leg(1).model_copy(update={"tokens": 1000, "cost": 0.5, "at_least": True})

    assert cost_words([claude, codex]).split("; ") == [
        "2 legs of an agent, 2.0 min, at least 4,000 tokens, at least $0.50",
        "claude 1 leg, 0 keeps, 1.0 min, at least 1,000 tokens, at least $0.50",
        "codex 1 leg, 2 keeps, 1.0 min, 3,000 tokens",
        "a leg 1.0 min, at least 2,000 tokens, at least $0.25",
        "a keep 1.0 min, at least 2,000 tokens, at least $0.25",
    ]
    assert pace_words([claude, codex]) == "120.0 iterations an hour"
    assert cost_words([claude.model_copy(update={"cost": 0.0312})]).endswith("at least $0.0312")


def test_a_leg_that_we_ended_is_no_failure() -> None:
    assert after(leg(ending=LegEnding.FRESH)) == Pause(0.0)


@pytest.mark.parametrize(
    ("limits", "spent", "why"),
    [
        (RunLimits(until=NOW), NOTHING, "the hours of this run are over"),
        (RunLimits(cost=2.0), Spent(1, 2.5, 0), "$2.50 of $2.00 are spent"),
        (RunLimits(tokens=1000), Spent(1, 0, 1200), "1,200 of 1,000 tokens are spent"),
    ],
)
def test_a_budget_of_the_run_ends_it(limits: RunLimits, spent: Spent, why: str) -> None:
    assert after(leg(1), limits=limits, spent=spent) == Halt(f"The run has ended: {why}.", True)


def test_a_call_at_work_is_never_a_hung_leg_and_an_open_iteration_is_left_its_time() -> None:
    first = Look("s", "", 0, False, False, "1")
    at_work, opened = Look("s", "", 0, True, True, "1"), Look("s", "", 0, True, False, "1")

    patient = LegWatch(first, RunLimits(), NOW)
    assert patient.why_end(at_work, NOTHING, NOW + 9999) is None
    assert patient.why_end(opened, NOTHING, NOW + 9999 + 1199) is None
    assert patient.why_end(opened, NOTHING, NOW + 9999 + 1200) is LegEnding.HUNG

    over = LegWatch(first, RunLimits(until=NOW), NOW)
    assert over.why_end(opened, NOTHING, NOW) is None
    assert over.why_end(opened, NOTHING, NOW + 60) is None
    assert over.why_end(opened, NOTHING, NOW + 900) is LegEnding.BUDGET


def test_an_agent_that_always_has_a_call_at_work_is_ended_with_the_iteration_that_was_open_when_the_budget_was_spent() -> (
    None
):
    watch = LegWatch(Look("s", "", 0, False, False, "1"), RunLimits(iterations=5), NOW)

    assert watch.why_end(Look("s", "", 5, True, True, "1"), Spent(5, 0.0, 0), NOW) is None
    assert watch.why_end(Look("s", "", 6, True, True, "1"), Spent(6, 0.0, 0), NOW + 1) is LegEnding.BUDGET


def test_a_new_context_comes_for_an_agent_that_always_has_a_call_at_work_too() -> None:
    watch = LegWatch(Look("s", "", 4, False, False, "1"), RunLimits(fresh_every=2), NOW)

    assert watch.why_end(Look("s", "", 6, True, True, "2"), NOTHING, NOW) is None
    assert watch.why_end(Look("s", "", 7, True, True, "3"), NOTHING, NOW) is LegEnding.FRESH


def output(agent: str, *events: object, code: int | None = 0) -> LegOutput:
    told = LegOutput(agent, NOW)
    for event in events:
        told.add(event if isinstance(event, str) else json.dumps(event))
    told.ended(code)
    return told


def test_claude_tells_tokens_once_a_message_and_the_moment_at_which_its_limit_ends() -> None:
    said = {"id": "m1", "usage": {"input_tokens": 10, "output_tokens": 5}, "content": [{"type": "text", "text": "hm"}]}
    limit = {"type": "rate_limit_event", "rate_limit_info": {"status": "rejected", "resetsAt": 1795949654}}
    ended = {"type": "result", "is_error": True, "total_cost_usd": 0.25, "result": "You've hit your 5-hour limit"}

    told = output(
        "claude", {"type": "assistant", "message": said}, {"type": "assistant", "message": said}, limit, ended, code=1
    )

    assert (told.tokens, told.cost, told.complete) == (15, 0.25, True)
    assert (told.problem, told.reset) == (Problem.LIMIT, 1795949654)


def test_words_in_an_answer_or_a_file_are_no_limit_and_no_login() -> None:
    words = "Not logged in. You've hit your usage limit. Please run /login"
    claude = {"type": "assistant", "message": {"id": "m", "content": [{"type": "text", "text": words}]}}
    codex = {"type": "item.completed", "item": {"type": "agent_message", "text": words}}

    assert output("claude", claude, {"type": "result", "is_error": False}).problem is None
    assert output("codex", codex, {"type": "turn.completed", "usage": {"input_tokens": 3}}).problem is None
    assert output("command", words, code=1).problem is Problem.OTHER


@pytest.mark.parametrize(
    ("agent", "event", "code", "problem"),
    [
        (
            "claude",
            {"type": "result", "is_error": True, "result": "Not logged in · Please run /login"},
            1,
            Problem.LOGIN,
        ),
        ("claude", {"type": "result", "is_error": True, "terminal_reason": "prompt_too_long"}, 1, Problem.OVERFLOW),
        (
            "codex",
            {"type": "turn.failed", "error": {"message": "unexpected status 401 Unauthorized"}},
            1,
            Problem.LOGIN,
        ),
        ("claude", "error: unknown option '--restricted'", 1, Problem.OLD),
        ("codex", "Error: required MCP servers failed to initialize: autoresearch", 1, Problem.OTHER),
        ("gemini", "Please set an Auth method in your settings.json", 41, Problem.LOGIN),
        ("gemini", {"type": "result", "status": "error", "error": {"message": "quota"}}, 173, Problem.LIMIT),
        ("opencode", {"type": "error", "error": {"name": "APIError", "data": {"statusCode": 401}}}, 1, Problem.LOGIN),
    ],
)
def test_each_client_says_in_its_own_way_what_stopped_it(
    agent: str, event: object, code: int, problem: Problem
) -> None:
    assert output(agent, event, code=code).problem is problem


def test_a_limit_that_names_a_clock_means_the_next_such_moment_here() -> None:
    morning = datetime(2026, 11, 29, 9, 0).timestamp()

    def at(words: str) -> datetime:
        return datetime.fromtimestamp(reset_time(words, morning))

    assert at("You’ve hit your usage limit. Upgrade or try again at 10:54 AM.") == datetime(2026, 11, 29, 10, 54)
    assert at("or try again at 8:05 AM.") == datetime(2026, 11, 30, 8, 5)
    assert at("or try again at 8:59 AM.") == datetime(2026, 11, 29, 8, 59)  # within this minute
    assert at("or try again at Dec 2nd, 2026 8:05 PM.") == datetime(2026, 12, 2, 20, 5)
    assert at("try again in 1 day 2 hours 3 minutes") == datetime(2026, 11, 30, 11, 3)
    assert reset_time("some other words", morning) == 0
    assert time.gmtime(reset_time("hit your 5-hour limit · resets 10:54am (UTC)", morning))[3:5] == (10, 54)


def test_no_client_is_called_with_a_tool_that_runs_commands() -> None:
    settings = AgentSettings(["/python", "-m", "server"], "/private", "m1", 2.5, "", "")
    claude = AGENTS["claude"].call(settings).words

    assert claude[claude.index("--tools") + 1] == "Read,Edit,Write,Glob,Grep"
    assert {"--strict-mcp-config", "--restricted"} <= set(claude)
    assert "sandbox_workspace_write.exclude_slash_tmp=true" in AGENTS["codex"].call(settings).words
    config = json.loads(AGENTS["opencode"].call(settings).variables["OPENCODE_CONFIG_CONTENT"])
    assert config["permission"]["*"] == "deny"
    assert 'toolName = "web_fetch"\ndecision = "deny"' in AGENTS["gemini"].call(settings).files["gemini.toml"]


def test_a_command_of_ones_own_gets_the_prompt_where_it_names_it() -> None:
    settings = AgentSettings(["s"], "/f", command="mine --mcp {mcp_config} -p {prompt}", prompt="two words; $(x)")

    assert own_command(settings).words == ["mine", "--mcp", str(Path("/f/servers.json")), "-p", "two words; $(x)"]
