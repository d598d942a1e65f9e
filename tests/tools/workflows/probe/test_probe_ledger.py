"""Probing a wish: questions, answers, atoms, until nothing new comes; and a plan that the server can run."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from autoresearch_mcp.tools.errors import Code, Refusal
from autoresearch_mcp.tools.lab.access import Lab
from autoresearch_mcp.tools.plan.model import Plan
from autoresearch_mcp.tools.verbs.planning import Planning, wanted_commands
from autoresearch_mcp.tools.workflows.ledger.evidence import dry_for, saturated
from ledgers import WorkflowAgent, shop

PERSONAS = (
    "skeptic edge-case-hunter scope-sentinel ambiguity-detective contradiction-finder prior-art-investigator".split()
)
QUESTION = {
    "kind": "question",
    "persona": "skeptic",
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
WORDS = "apples bread cheese dates eggs figs grapes honey icing jam kale lemons mint nuts olives pears quinces rice salt tea".split()


@pytest.fixture
def agent(tmp_path: Path) -> WorkflowAgent:
    made = WorkflowAgent(shop(tmp_path / "repo"), "probe")
    made.open(goal="right totals")
    return made


def ask(agent: WorkflowAgent, persona: str) -> str:
    """A question that no other is like; returns its id."""
    number = agent.status().items
    text = f"What about {WORDS[number % 20]} {number} {WORDS[number // 20]} for {persona} {number * 7}?"
    return agent.record(QUESTION, persona=persona, text=text).id


def one_round(agent: WorkflowAgent, place: int, new: int = 0, kind: str = "requirement") -> None:
    """Three questions by two personas, their answers, so many atoms, and the end of the round."""
    for persona in (PERSONAS[place % 3 * 2], PERSONAS[place % 3 * 2 + 1], PERSONAS[place % 3 * 2]):
        id = ask(agent, persona)
        answer = agent.record(ANSWER, question=id).id
    for number in range(new):
        text = f"{WORDS[agent.status().items % 20]} {agent.status().items} in {place} {number}"
        agent.record(ATOM, text=text, source=answer, type=kind)
    agent.record({"kind": "round", "learned": f"round {place}"})


@pytest.mark.parametrize(
    ("new", "threshold", "dry", "end"),
    [
        ([2, 1, 1], 2, 2, False),
        ([1, 1], 2, 2, False),
        ([5, 1, 0, 1], 2, 3, True),
        ([0, 0, 0], 2, 3, True),
        ([0, 0, 0, 2], 2, 0, False),
        ([2, 2, 2], 3, 3, True),
        ([], 2, 0, False),
    ],
)
def test_three_rounds_in_a_row_below_the_threshold_are_the_end(
    new: list[int], threshold: int, dry: int, end: bool
) -> None:
    assert dry_for(new, threshold) == dry
    assert saturated(new, threshold) is end


def test_a_wish_becomes_a_plan_that_the_server_can_start(agent: WorkflowAgent) -> None:
    one_round(agent, 0, new=3)
    one_round(agent, 1, new=1)
    one_round(agent, 2, new=1)
    one_round(agent, 3, new=1)
    left = agent.status().missing
    assert left == ["a plan: record `plan` with the fields of check_plan"]

    agent.record({"kind": "plan", "plan": PLAN, "rests_on": ["T1"]})
    closed = agent.close()

    assert closed.status == "saturated"
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
        (
            Code.BAD_ARGUMENT,
            {**QUESTION, "persona": "success-auditor", "text": "When is it done?"},
            "Here ask: skeptic",
        ),
        (Code.MISSING_FIELD, {**QUESTION, "changes": None}, "changes"),
        (
            Code.DUPLICATE,
            {**QUESTION, "persona": "edge-case-hunter", "text": "For everybody is the total wrong?"},
            "Q1 says",
        ),
        (Code.EVIDENCE, {**ANSWER, "question": "Q9"}, "There is no Q9"),
        (Code.DUPLICATE, ANSWER, "Q1 is settled by A1"),
        (Code.EVIDENCE, {**EVIDENCE, "location": "shop/basket.py:1"}, "There is no file shop/basket.py"),
        (Code.EVIDENCE, {**EVIDENCE, "quote": "return 0.0"}, "does not stand"),
        (Code.EVIDENCE, {**ATOM, "source": "A9"}, "There is no A9"),
        (Code.BAD_ARGUMENT, {**ATOM, "source": "Q1"}, "source"),
        (Code.EVIDENCE, {**ATOM, "words": "It may be off by a cent"}, "A1 does not say that: No, only"),
        (Code.MISSING_FIELD, {**ATOM, "type": "contradiction"}, "two sides"),
        (Code.MISSING_FIELD, {**ATOM, "type": "contradiction", "against": "T9"}, "two sides"),
        (Code.BAD_ARGUMENT, {**ATOM, "certainty": "high"}, "The server fills in certainty"),
        (Code.BAD_ARGUMENT, {**ATOM, "type": "hunch"}, "type"),
        (Code.SECRET, {**ATOM, "text": "The key is AKIAIOSFODNN7EXAMPLE"}, "holds a secret"),
        (Code.OUT_OF_ORDER, {"kind": "round", "learned": "enough"}, "at least 3 questions by at least 2 personas"),
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


def test_a_round_has_five_questions_at_most_and_ends_when_all_are_answered(agent: WorkflowAgent) -> None:
    for place in range(5):
        ask(agent, PERSONAS[place % 2])
    assert "has its 5 questions" in agent.refused(Code.OUT_OF_ORDER, QUESTION)
    for id in ("Q1", "Q2", "Q3", "Q4"):
        agent.record(ANSWER, question=id)
    assert "Not answered yet: Q5" in agent.refused(Code.OUT_OF_ORDER, {"kind": "round", "learned": "x"})

    agent.record(ANSWER, question="Q5", text="I do not know", settled=False)
    agent.record({"kind": "round", "learned": "x"})

    assert "Answered vaguely, to be asked again in other words: Q5." in agent.status().state
    assert agent.taken({**ANSWER, "question": "Q5", "text": "Yes, always"}).coverage[2] == "questions settled 5/5"


def test_how_certain_an_atom_is_follows_from_its_source(agent: WorkflowAgent) -> None:
    agent.record(QUESTION)
    agent.record(ANSWER, text="perhaps", settled=False)
    assert "is vague" in agent.refused(Code.EVIDENCE, ATOM)

    kinds = [
        agent.record(ATOM, type="ambiguity", text="Who is everybody").classified,
        agent.record(ANSWER).classified,
        agent.record(ATOM, source="A2").classified,
        agent.record(ATOM, source="A2", words="It has to be EXACT", text="Not a cent is lost").classified,
        agent.record(EVIDENCE).classified,
        agent.record(ATOM, source="E1", type="constraint", text="Discounts are per cent").classified,
        agent.record(ATOM, source="E1", type="assumption", text="Nobody gives negative ones").classified,
    ]

    assert kinds == [
        "ambiguity, low",
        "",
        "requirement, med",
        "requirement, high",
        "",
        "constraint, high",
        "assumption, med",
    ]


def test_in_autonomous_mode_nobody_answers_but_the_repository(tmp_path: Path) -> None:
    agent = WorkflowAgent(shop(tmp_path / "repo"), "probe")
    agent.open(goal="totals", mode="autonomous")
    agent.record(QUESTION)

    assert "Record `evidence`" in agent.refused(Code.EVIDENCE, ANSWER)
    ask(agent, "edge-case-hunter")
    ask(agent, "skeptic")
    agent.record({"kind": "round", "learned": "no file answers any of it"})

    assert agent.status().coverage[2] == "questions settled 0/3", "what no file answers stays open, and the round ends"
    agent.record(EVIDENCE)
    assert agent.status().coverage[2] == "questions settled 1/3"


def test_a_plan_that_fails_a_gate_keeps_the_ledger_open_with_the_cure(agent: WorkflowAgent) -> None:
    for place in range(3):
        one_round(agent, place)
    agent.record({"kind": "plan", "plan": {**PLAN, "scope": ["nowhere/**"], "verify": "cat app.txt"}})

    with pytest.raises(Refusal) as refused:
        agent.close()
    assert refused.value.code is Code.INCOMPLETE
    assert "[scope] nowhere/** covers no tracked file. Name files that exist" in refused.value.message
    assert "[verify]" in refused.value.message

    agent.restart()
    agent.record({"kind": "plan", "plan": PLAN})
    assert agent.close().status == "saturated"


def test_without_consent_the_plan_is_checked_as_far_as_that_goes_and_offered_to_a_person(tmp_path: Path) -> None:
    agent = WorkflowAgent(shop(tmp_path / "repo"), "probe", allow_commands=False)
    agent.open(goal="totals")
    for place in range(3):
        one_round(agent, place)
    agent.record({"kind": "plan", "plan": {**PLAN, "verify": "touch ran.txt; cat value.txt"}})

    closed = agent.close()

    assert closed.status == "saturated"
    assert "# Note: [consent] nobody agreed yet" in agent.file(closed, "autoresearch-config.toml")
    assert not (agent.project.root / "ran.txt").exists()
    assert wanted_commands(Lab(agent.project.root)) == ("touch ran.txt; cat value.txt", "sh check.sh")


def test_a_plan_is_not_tried_while_a_session_runs(agent: WorkflowAgent) -> None:
    for place in range(3):
        one_round(agent, place)
    agent.record({"kind": "plan", "plan": PLAN})
    agent.project.start()

    closed = agent.close()

    assert "not tried: a session is open" in agent.file(closed, "autoresearch-config.toml")
    assert agent.project.try_value(5).status == "keep"


def test_all_that_is_out_of_scope_twice_ends_it_and_every_persona_has_to_ask(agent: WorkflowAgent) -> None:
    one_round(agent, 0, new=4)
    one_round(agent, 1, new=2, kind="out-of-scope")
    one_round(agent, 1, new=2, kind="out-of-scope")
    assert agent.status().missing[0] == "questions by contradiction-finder, prior-art-investigator"

    one_round(agent, 2, new=1, kind="out-of-scope")

    assert agent.status().missing == ["a plan: record `plan` with the fields of check_plan"]


def test_when_the_rounds_are_used_up_a_plan_may_still_be_recorded(tmp_path: Path) -> None:
    agent = WorkflowAgent(shop(tmp_path / "repo"), "probe")
    agent.open(goal="totals", iterations=2)
    one_round(agent, 0, new=3)
    one_round(agent, 1, new=3)

    assert "All 2 rounds are used" in agent.refused(Code.INCOMPLETE, QUESTION)
    with pytest.raises(Refusal, match="a plan: record"):
        agent.close()
    agent.record({"kind": "plan", "plan": PLAN})
    assert agent.close().status == "bounded"


def test_an_interruption_loses_nothing_and_drops_the_round_that_was_not_ended(agent: WorkflowAgent) -> None:
    one_round(agent, 0, new=2)
    agent.record(QUESTION)
    agent.record(ANSWER, question="Q4")
    agent.record(ATOM, source="A4", text="Half a thought")
    before = agent.status()

    agent.restart()
    assert agent.status() == before
    closed = agent.close(why="the person left")

    assert closed.status == "interrupted"
    assert "Half a thought" not in agent.file(closed, "probe-spec.md")
    assert len(agent.handoff(closed)["findings"]) == 2
    assert agent.file(closed, "questions-asked.tsv").count("\n") == 4


def test_the_files_tell_who_said_what(agent: WorkflowAgent) -> None:
    agent.record(QUESTION)
    agent.record(ANSWER)
    agent.record(ATOM, words="It has to be exact")
    for persona in ("edge-case-hunter", "scope-sentinel"):
        agent.record(EVIDENCE, question=ask(agent, persona))
    against = {
        "type": "contradiction",
        "text": "A percentage of what stays is no discount",
        "source": "E1",
        "against": "T1",
    }
    agent.record(ATOM, **against)
    agent.record(ATOM, type="assumption", text="Nobody pays in yen", source="E2")
    agent.record({"kind": "round", "learned": "the discount is upside down"})

    closed = agent.close(why="enough")

    spec = agent.file(closed, "probe-spec.md")
    assert "- **T1** (high) Totals are exact to the cent [A1, a person, as the agent reports]" in spec
    assert "- **T2** (high, against T1) A percentage of what stays is no discount [E1, shop/cart.py:2]" in spec
    assert "1. the discount is upside down" in spec
    row = "Q1\t1\tskeptic\tIs the total wrong for everybody?\tsettled\ta person, as the agent reports\tNo, only with"
    assert row in agent.file(closed, "questions-asked.tsv")
    assert "- T1: Totals are exact to the cent" in agent.file(closed, "contradictions.md")
    assert "**T3** (med) Nobody pays in yen" in agent.file(closed, "hidden-assumptions.md")
    assert agent.file(closed, "constraints.tsv").splitlines()[1].startswith("T1\trequirement\tTotals are exact")
    assert not (agent.project.root / closed.folder / "autoresearch-config.toml").exists()
    assert agent.handoff(closed)["findings"][0]["location"] == "shop/cart.py:2"
