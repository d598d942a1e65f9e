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
from autoresearch_mcp.tools.workflows.ledger.saturation import dry_for, saturated
from ledgers import Desk, shop

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
def desk(tmp_path: Path) -> Desk:
    made = Desk(shop(tmp_path / "repo"), "probe")
    made.open(goal="right totals")
    return made


def ask(desk: Desk, persona: str) -> str:
    """A question that no other is like; returns its id."""
    number = desk.status().items
    text = f"What about {WORDS[number % 20]} {number} {WORDS[number // 20]} for {persona} {number * 7}?"
    return desk.record(QUESTION, persona=persona, text=text).id


def one_round(desk: Desk, place: int, new: int = 0, kind: str = "requirement") -> None:
    """Three questions by two personas, their answers, so many atoms, and the end of the round."""
    for persona in (PERSONAS[place % 3 * 2], PERSONAS[place % 3 * 2 + 1], PERSONAS[place % 3 * 2]):
        id = ask(desk, persona)
        answer = desk.record(ANSWER, question=id).id
    for number in range(new):
        text = f"{WORDS[desk.status().items % 20]} {desk.status().items} in {place} {number}"
        desk.record(ATOM, text=text, source=answer, type=kind)
    desk.record({"kind": "round", "learned": f"round {place}"})


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


def test_a_wish_becomes_a_plan_that_the_server_can_start(desk: Desk) -> None:
    one_round(desk, 0, new=3)
    one_round(desk, 1, new=1)
    one_round(desk, 2, new=1)
    one_round(desk, 3, new=1)
    left = desk.status().missing
    assert left == ["a plan: record `plan` with the fields of check_plan"]

    taken = desk.record({"kind": "plan", "plan": PLAN, "rests_on": ["T1"]})
    closed = desk.close()

    assert closed.status == "saturated"
    config = desk.handoff(closed)["config"]
    assert config == PLAN
    text = desk.file(closed, "autoresearch-config.toml")
    assert tomllib.loads(text) == PLAN
    assert "every gate that could be tried passed" in text
    assert Planning(Lab(desk.project.root, allow_commands=True)).check_plan(Plan.model_validate(config)).ready
    assert [step.prompt for step in closed.next_prompts] == ["plan", "scenario"]
    # 40 * 12/12 questions, no atom has words: 0, and 15 + 15, the latter only once the server has tried the plan.
    assert taken.scores["probe"] == 55
    assert closed.scores == {"probe": 70, "probe coverage": pytest.approx(154.29, abs=0.01)}


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
def test_what_is_not_so_or_not_its_turn_is_refused(desk: Desk, code: Code, item: dict[str, Any], told: str) -> None:
    desk.record(QUESTION)
    desk.record(ANSWER)

    assert told in desk.refused(code, item)


def test_a_round_has_five_questions_at_most_and_ends_when_all_are_answered(desk: Desk) -> None:
    for place in range(5):
        ask(desk, PERSONAS[place % 2])
    assert "has its 5 questions" in desk.refused(Code.OUT_OF_ORDER, QUESTION)
    for id in ("Q1", "Q2", "Q3", "Q4"):
        desk.record(ANSWER, question=id)
    assert "Not answered yet: Q5" in desk.refused(Code.OUT_OF_ORDER, {"kind": "round", "learned": "x"})

    desk.record(ANSWER, question="Q5", text="I do not know", settled=False)
    desk.record({"kind": "round", "learned": "x"})

    assert "Answered vaguely, to be asked again in other words: Q5." in desk.status().state
    assert desk.record(ANSWER, question="Q5", text="Yes, always").coverage[2] == "questions settled 5/5"


def test_how_certain_an_atom_is_follows_from_its_source(desk: Desk) -> None:
    desk.record(QUESTION)
    desk.record(ANSWER, text="perhaps", settled=False)
    assert "is vague" in desk.refused(Code.EVIDENCE, ATOM)

    kinds = [
        desk.record(ATOM, type="ambiguity", text="Who is everybody").classified,
        desk.record(ANSWER).classified,
        desk.record(ATOM, source="A2").classified,
        desk.record(ATOM, source="A2", words="It has to be EXACT", text="Not a cent is lost").classified,
        desk.record(EVIDENCE).classified,
        desk.record(ATOM, source="E1", type="constraint", text="Discounts are per cent").classified,
        desk.record(ATOM, source="E1", type="assumption", text="Nobody gives negative ones").classified,
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
    desk = Desk(shop(tmp_path / "repo"), "probe")
    desk.open(goal="totals", mode="autonomous")
    desk.record(QUESTION)

    assert "Record `evidence`" in desk.refused(Code.EVIDENCE, ANSWER)
    desk.record(EVIDENCE)
    ask(desk, "edge-case-hunter")
    ask(desk, "skeptic")
    desk.record({"kind": "round", "learned": "x"})

    assert desk.status().coverage[2] == "questions settled 1/3"


def test_a_plan_that_fails_a_gate_keeps_the_ledger_open_with_the_cure(desk: Desk) -> None:
    for place in range(3):
        one_round(desk, place)
    desk.record({"kind": "plan", "plan": {**PLAN, "scope": ["nowhere/**"], "verify": "cat app.txt"}})

    with pytest.raises(Refusal) as refused:
        desk.close()
    assert refused.value.code is Code.INCOMPLETE
    assert "[scope] nowhere/** covers no tracked file. Name files that exist" in refused.value.message
    assert "[verify]" in refused.value.message

    desk.restart()
    desk.record({"kind": "plan", "plan": PLAN})
    assert desk.close().status == "saturated"


def test_without_consent_the_plan_is_checked_as_far_as_that_goes_and_offered_to_a_person(tmp_path: Path) -> None:
    desk = Desk(shop(tmp_path / "repo"), "probe", allow_commands=False)
    desk.open(goal="totals")
    for place in range(3):
        one_round(desk, place)
    desk.record({"kind": "plan", "plan": {**PLAN, "verify": "touch ran.txt; cat value.txt"}})

    closed = desk.close()

    assert closed.status == "saturated"
    assert "# Note: [consent] nobody agreed yet" in desk.file(closed, "autoresearch-config.toml")
    assert not (desk.project.root / "ran.txt").exists()
    assert wanted_commands(Lab(desk.project.root)) == ("touch ran.txt; cat value.txt", "sh check.sh")


def test_a_plan_is_not_tried_while_a_session_runs(desk: Desk) -> None:
    for place in range(3):
        one_round(desk, place)
    desk.record({"kind": "plan", "plan": PLAN})
    desk.project.start()

    closed = desk.close()

    assert "not tried: a session is open" in desk.file(closed, "autoresearch-config.toml")
    assert desk.project.try_value(5).status == "keep"


def test_all_that_is_out_of_scope_twice_ends_it_and_every_persona_has_to_ask(desk: Desk) -> None:
    one_round(desk, 0, new=4)
    one_round(desk, 1, new=2, kind="out-of-scope")
    one_round(desk, 1, new=2, kind="out-of-scope")
    assert desk.status().missing[0] == "questions by contradiction-finder, prior-art-investigator"

    one_round(desk, 2, new=1, kind="out-of-scope")

    assert desk.status().missing == ["a plan: record `plan` with the fields of check_plan"]


def test_when_the_rounds_are_used_up_a_plan_may_still_be_recorded(tmp_path: Path) -> None:
    desk = Desk(shop(tmp_path / "repo"), "probe")
    desk.open(goal="totals", iterations=2)
    one_round(desk, 0, new=3)
    one_round(desk, 1, new=3)

    assert "All 2 rounds are used" in desk.refused(Code.INCOMPLETE, QUESTION)
    with pytest.raises(Refusal, match="a plan: record"):
        desk.close()
    desk.record({"kind": "plan", "plan": PLAN})
    assert desk.close().status == "bounded"


def test_an_interruption_loses_nothing_and_drops_the_round_that_was_not_ended(desk: Desk) -> None:
    one_round(desk, 0, new=2)
    desk.record(QUESTION)
    desk.record(ANSWER, question="Q4")
    desk.record(ATOM, source="A4", text="Half a thought")
    before = desk.status()

    desk.restart()
    assert desk.status() == before
    closed = desk.close(why="the person left")

    assert closed.status == "interrupted"
    assert "Half a thought" not in desk.file(closed, "probe-spec.md")
    assert len(desk.handoff(closed)["findings"]) == 2
    assert desk.file(closed, "questions-asked.tsv").count("\n") == 4


def test_the_files_tell_who_said_what(desk: Desk) -> None:
    desk.record(QUESTION)
    desk.record(ANSWER)
    desk.record(ATOM, words="It has to be exact")
    for persona in ("edge-case-hunter", "scope-sentinel"):
        desk.record(EVIDENCE, question=ask(desk, persona))
    against = {
        "type": "contradiction",
        "text": "A percentage of what stays is no discount",
        "source": "E1",
        "against": "T1",
    }
    desk.record(ATOM, **against)
    desk.record(ATOM, type="assumption", text="Nobody pays in yen", source="E2")
    desk.record({"kind": "round", "learned": "the discount is upside down"})

    closed = desk.close(why="enough")

    spec = desk.file(closed, "probe-spec.md")
    assert "- **T1** (high) Totals are exact to the cent [A1, a person, as the agent reports]" in spec
    assert "- **T2** (high, against T1) A percentage of what stays is no discount [E1, shop/cart.py:2]" in spec
    assert "1. the discount is upside down" in spec
    row = "Q1\t1\tskeptic\tIs the total wrong for everybody?\tsettled\ta person, as the agent reports\tNo, only with"
    assert row in desk.file(closed, "questions-asked.tsv")
    assert "- T1: Totals are exact to the cent" in desk.file(closed, "contradictions.md")
    assert "**T3** (med) Nobody pays in yen" in desk.file(closed, "hidden-assumptions.md")
    assert desk.file(closed, "constraints.tsv").splitlines()[1].startswith("T1\trequirement\tTotals are exact")
    assert not (desk.project.root / closed.folder / "autoresearch-config.toml").exists()
    assert desk.handoff(closed)["findings"][0]["location"] == "shop/cart.py:2"
