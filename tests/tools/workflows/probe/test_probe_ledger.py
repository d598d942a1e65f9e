"""Probing a wish: questions, answers, what follows from them, and a plan that the server has tried."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from autoresearch_mcp.tools.errors import Code, Refusal
from autoresearch_mcp.tools.lab.access import Lab
from autoresearch_mcp.tools.plan.model import Plan
from autoresearch_mcp.tools.verbs.planning import Planning, wanted_commands
from ledgers import WorkflowAgent, shop

QUESTION = {
    "kind": "question",
    "text": "Is the total wrong for everybody?",
    "changes": "another scope",
}
ANSWER = {"kind": "answer", "question": "Q1", "text": "No, only with a discount. It has to be exact."}
EVIDENCE = {
    "kind": "evidence",
    "question": "Q1",
    "location": "shop/cart.py:2",
    "quote": "return sum(prices) * discount / 100",
    "says": "the discount is a percentage of what stays",
}
ATOM = {"kind": "atom", "type": "requirement", "text": "Totals are exact to the cent", "source": "A1"}
PLAN = {
    "goal": "a smaller number",
    "scope": ["value.txt"],
    "metric": "value",
    "direction": "lower",
    "verify": "cat value.txt",
    "guards": ["sh check.sh"],
}


@pytest.fixture
def agent(tmp_path: Path) -> WorkflowAgent:
    made = WorkflowAgent(shop(tmp_path / "repo"), "probe")
    made.open(goal="right totals")
    return made


def test_a_wish_becomes_a_plan_that_the_server_can_start(agent: WorkflowAgent) -> None:
    assert agent.status().missing[0] == "questions: record what would change the plan"
    agent.record(QUESTION)
    assert agent.status().missing[0] == "answers to Q1: `settled: false` where nobody knows"
    agent.taken(ANSWER, ATOM)
    assert agent.status().missing == ["a plan: record `plan` with the fields of check_plan"]

    agent.record({"kind": "plan", "plan": PLAN, "rests_on": ["T1"]})
    closed = agent.close()

    assert closed.status == "complete"
    config = agent.handoff(closed)["config"]
    assert config == PLAN
    text = agent.file(closed, "autoresearch-config.toml")
    assert tomllib.loads(text) == PLAN
    assert "every gate that could be tried passed" in text
    assert Planning(Lab(agent.project.root, allow_commands=True)).check_plan(Plan.model_validate(config)).ready
    assert [step.prompt for step in closed.next_prompts] == ["plan", "scenario"]


@pytest.mark.parametrize(
    ("code", "item", "told"),
    [
        (Code.MISSING_FIELD, {**QUESTION, "changes": None}, "changes"),
        (
            Code.DUPLICATE,
            {**QUESTION, "changes": "another scope"},
            "Q1 says",
        ),
        (Code.EVIDENCE, {**ANSWER, "question": "Q9"}, "There is no Q9"),
        (Code.DUPLICATE, ANSWER, "Q1 is settled by A1"),
        (Code.EVIDENCE, {**EVIDENCE, "location": "shop/basket.py:1"}, "There is no file shop/basket.py"),
        (Code.EVIDENCE, {**EVIDENCE, "quote": "return 0.0"}, "does not stand"),
        (Code.EVIDENCE, {**ATOM, "source": "A9"}, "There is no A9"),
        (Code.BAD_ARGUMENT, {**ATOM, "source": "Q1"}, "source"),
        (Code.BAD_ARGUMENT, {**ATOM, "type": "hunch"}, "type"),
        (Code.SECRET, {**ATOM, "text": "The key is AKIAIOSFODNN7EXAMPLE"}, "holds a secret"),
        (Code.BAD_ARGUMENT, {"kind": "plan", "plan": {**PLAN, "direction": "down"}}, "Say `lower` or `higher`"),
        (Code.BAD_ARGUMENT, {"kind": "plan", "plan": {**PLAN, "guard": "x"}}, "guard: unknown key"),
        (Code.BAD_ARGUMENT, {"kind": "plan", "plan": {"goal": "x"}}, "metric: missing"),
        (Code.EVIDENCE, {"kind": "plan", "plan": PLAN, "rests_on": ["T9"]}, "`rests_on` names T9"),
    ],
)
def test_what_is_not_so_or_not_its_turn_is_refused(
    agent: WorkflowAgent, code: Code, item: dict[str, Any], told: str
) -> None:
    agent.record(QUESTION)
    agent.record(ANSWER)

    assert told in agent.refused(code, item)


def test_nobody_can_have_answered_a_question_in_the_call_that_puts_it(agent: WorkflowAgent) -> None:
    with pytest.raises(Refusal, match="Q1 was recorded in this very call, so nobody can have been asked it"):
        agent.taken(QUESTION, ANSWER)

    assert agent.taken(ANSWER).coverage == ["questions settled 1/1"]


def test_a_plan_that_fails_a_gate_keeps_the_ledger_open_with_the_cure(agent: WorkflowAgent) -> None:
    agent.record(QUESTION)
    agent.record(ANSWER)
    agent.record({"kind": "plan", "plan": {**PLAN, "scope": ["nowhere/**"], "verify": "cat app.txt"}})

    with pytest.raises(Refusal) as refused:
        agent.close()
    assert refused.value.code is Code.INCOMPLETE
    assert "[scope] nowhere/** covers no tracked file. Name files that exist" in refused.value.message
    assert "[verify]" in refused.value.message

    agent.restart()
    agent.record({"kind": "plan", "plan": {**PLAN, "metric": "seconds", "scope": ["value.txt"]}})
    with pytest.raises(Refusal, match=r"\[clock\] warning: seconds = 10 seconds, and the command took 0\.\d+ s by"):
        agent.close()
    agent.record({"kind": "plan", "plan": PLAN})
    assert agent.close().status == "complete"


def test_without_consent_the_plan_is_checked_as_far_as_that_goes_and_offered_to_a_person(tmp_path: Path) -> None:
    agent = WorkflowAgent(shop(tmp_path / "repo"), "probe", allow_commands=False)
    agent.open(goal="totals")
    agent.record(QUESTION)
    agent.record(ANSWER)
    agent.record({"kind": "plan", "plan": {**PLAN, "verify": "touch ran.txt; cat value.txt"}})

    closed = agent.close()

    assert closed.status == "complete"
    assert "# Note: [consent] nobody agreed yet" in agent.file(closed, "autoresearch-config.toml")
    assert not (agent.project.root / "ran.txt").exists()
    assert wanted_commands(Lab(agent.project.root)) == ("touch ran.txt; cat value.txt", "sh check.sh")


def test_a_plan_is_not_tried_while_a_session_runs(agent: WorkflowAgent) -> None:
    agent.record(QUESTION)
    agent.record(ANSWER)
    agent.record({"kind": "plan", "plan": PLAN})
    agent.project.start()

    closed = agent.close()

    assert "not tried: a session is open" in agent.file(closed, "autoresearch-config.toml")
    assert agent.project.try_value(5).status == "keep"


def test_what_no_file_answers_stays_open_and_ends_nothing(tmp_path: Path) -> None:
    agent = WorkflowAgent(shop(tmp_path / "repo"), "probe")
    agent.open(goal="totals", mode="autonomous")
    agent.record(QUESTION)

    assert "Record `evidence`" in agent.refused(Code.EVIDENCE, ANSWER)
    assert agent.status().missing == ["a plan: record `plan` with the fields of check_plan"]
    agent.record({"kind": "plan", "plan": PLAN})
    closed = agent.close()
    assert (closed.status, closed.coverage) == ("complete", ["questions settled 0/1"])


def test_one_line_answers_one_question(agent: WorkflowAgent) -> None:
    agent.taken(QUESTION, {**QUESTION, "text": "Does anybody buy an empty cart?"}, EVIDENCE)

    assert "E1 already stands at" in agent.refused(Code.DUPLICATE, EVIDENCE, question="Q2")
    assert agent.status().coverage == ["questions settled 1/2"]


def test_a_vague_answer_settles_nothing_and_may_be_asked_again(agent: WorkflowAgent) -> None:
    agent.record(QUESTION)
    agent.record(ANSWER, text="perhaps", settled=False)

    assert agent.status().state[0] == "Open: Q1 Is the total wrong for everybody?"
    agent.record(ANSWER)
    assert agent.status().coverage == ["questions settled 1/1"]


def test_the_page_tells_who_said_what(agent: WorkflowAgent) -> None:
    agent.record(QUESTION)
    agent.taken(ANSWER, ATOM)
    agent.record(QUESTION, text="Which way round is a discount?")
    read = agent.record(EVIDENCE, question="Q2", says="ten of 100 stay, 3 GB at most")
    assert read.title.endswith("which the agent reads as: ten of 100 stay, 3 GB at most [not in the quote: 3]")
    text = "A percentage of what stays is no discount"
    agent.record(ATOM, type="contradiction", text=text, source="E1")
    before = agent.status()
    agent.restart()
    assert agent.status() == before

    closed = agent.close(why="enough")

    spec = agent.file(closed, "probe-spec.md")
    assert "- **T1** Totals are exact to the cent [A1, a person, as the agent reports]" in spec
    assert "- **T2** A percentage of what stays is no discount [E1, shop/cart.py:2]" in spec
    assert "- **Q1** Is the total wrong for everybody?\n  - a person, as the agent reports: No, only with" in spec
    assert not (agent.project.root / closed.folder / "autoresearch-config.toml").exists()
    told = [(one["id"], one["location"], one["severity"]) for one in agent.handoff(closed)["findings"]]
    assert told == [("T1", "", "info"), ("T2", "shop/cart.py:2", "info")], "what was only said is of no severity"
