"""Improvements: what backs them, what is new, in which order they stand, and what is specified."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from autoresearch_mcp.tools.errors import Code, Refusal
from autoresearch_mcp.tools.workflows.improve.items import Belief
from autoresearch_mcp.tools.workflows.improve.research import belief, circle, order, undecided
from ledgers import WorkflowAgent, shop

CATEGORIES = "customer-challenges competitor-gaps market-trends user-experience revenue-growth".split()
SOURCE = {
    "kind": "source",
    "location": "shop/cart.py:2",
    "quote": "return sum(prices) * discount / 100",
    "says": "A discount of ten per cent costs ninety",
}
REFERENCE = {"kind": "reference", "where": "https://example.org/carts", "says": "Wrong totals end carts"}
INSIGHT = {
    "kind": "insight",
    "category": CATEGORIES[0],
    "problem": "Discounts are taken the wrong way round",
    "persona": "shop owner",
    "mechanism": "Subtract the discount from the whole.",
    "outcome": "Totals that owners expect.",
    "sources": ["S1"],
}
PRD = {
    "kind": "prd",
    "insight": "I1",
    "slug": "right-discounts",
    "feature": "Discounts the right way round",
    "stories": ["As a shop owner I want ten per cent off to cost ninety, so that I can trust totals."],
    "requirements": ["total([100], 10) is 90."],
    "acceptance": ["A test of total with a discount is green."],
    "approach": "Begin in shop/cart.py.",
    "success": "Wrong totals, lower: python3 test_cart.py",
    "risks": ["Somebody relies on the old totals."],
    "out_of_scope": ["Other currencies"],
    "decisions": ["What becomes of old orders?"],
}
PROBLEMS = (
    "Discounts are taken the wrong way round",
    "Item counts leave out one",
    "Names are pasted into queries",
    "Nobody sees a receipt",
    "Paying needs a phone call",
)
MECHANISMS = ("Subtract it.", "Count all.", "Bind parameters.", "Print one.", "Take cards.")


@pytest.fixture
def agent(tmp_path: Path) -> WorkflowAgent:
    made = WorkflowAgent(shop(tmp_path / "repo"), "improve")
    made.open(goal="the cart", icp="owners of small shops")
    made.record(SOURCE)
    return made


def end(agent: WorkflowAgent, category: str) -> None:
    agent.record({"kind": "round", "category": category, "question": "what hurts?", "found": "this"})


def research(agent: WorkflowAgent, dry: int = 3) -> None:
    """One insight a category, then rounds that find nothing."""
    for category, problem, mechanism in zip(CATEGORIES, PROBLEMS, MECHANISMS, strict=True):
        agent.record(INSIGHT, category=category, problem=problem, mechanism=mechanism)
        end(agent, category)
    for _ in range(dry):
        end(agent, CATEGORIES[0])


def rank(agent: WorkflowAgent, id: str, tier: str = "must-have", serves: bool = True) -> None:
    agent.record({"kind": "rank", "insight": id, "serves": serves, "tier": tier, "why": "the cart says so"})


def prefer(agent: WorkflowAgent, better: str, worse: str) -> None:
    agent.record({"kind": "comparison", "better": better, "worse": worse, "why": "it hurts more"})


def test_the_best_are_found_ranked_and_specified(agent: WorkflowAgent) -> None:
    agent.record(SOURCE, location="test_cart.py:3", quote="assert count([1, 2]) == 2", says="It is known")
    agent.record(REFERENCE)
    agent.record(INSIGHT, sources="S1, S2, O1")
    end(agent, CATEGORIES[0])
    for category, problem, mechanism in list(zip(CATEGORIES, PROBLEMS, MECHANISMS, strict=True))[1:]:
        agent.record(INSIGHT, category=category, problem=problem, mechanism=mechanism)
        end(agent, category)
    for _ in range(3):
        end(agent, CATEGORIES[0])
    assert agent.status().missing == ["a `rank` for I1, I2, I3, I4, I5"]
    rank(agent, "I1")
    rank(agent, "I2")
    rank(agent, "I3")
    rank(agent, "I4", "nice-to-have")
    rank(agent, "I5", serves=False)
    prefer(agent, "I3", "I1")
    assert "a `comparison` of I1 and I2 and 1 more pairs" in agent.status().missing[0]
    prefer(agent, "I1", "I2")  # I3 before I2 follows
    assert agent.status().missing == ["a `prd` for I3", "a `prd` for I1", "a `prd` for I2"]
    for place, id in enumerate(("I3", "I1", "I2")):
        agent.record(PRD, insight=id, slug=f"{PRD['slug']}-{place}")

    closed = agent.close()

    assert closed.status == "saturated"
    assert [Path(file).name for file in closed.files][1:] == [
        "research-findings.md",
        "improvement-plan.md",
        "prd-right-discounts-0.md",
        "prd-right-discounts-1.md",
        "prd-right-discounts-2.md",
        "improve-results.tsv",
        "handoff.json",
    ]
    plan = agent.file(closed, "improvement-plan.md")
    assert [line[:10] for line in plan.splitlines() if line[:1].isdigit()] == ["1. **I3** ", "2. **I1** ", "3. **I2** "]
    assert "## Does not serve the customer\n\n- **I5** Paying needs a phone call" in plan
    assert "[HIGH: 2 checked, 1 outside (S1, S2, O1)]" in agent.file(closed, "research-findings.md")
    document = agent.file(closed, "prd-right-discounts-1.md")
    assert "- `shop/cart.py:2` (checked): A discount of ten per cent costs ninety" in document
    assert "- https://example.org/carts (not checked): Wrong totals end carts" in document
    for title in (
        "Problem",
        "User stories",
        "Requirements",
        "Acceptance criteria",
        "Where to begin",
        "Success",
        "Risks",
    ):
        assert f"\n## {title}\n" in document
    assert [one["id"] for one in agent.handoff(closed)["findings"]] == ["I3", "I1", "I2", "I4"]


@pytest.mark.parametrize(
    ("code", "item", "told"),
    [
        (Code.MISSING_FIELD, {**INSIGHT, "problem": " "}, "problem"),
        (Code.BAD_ARGUMENT, {**INSIGHT, "problem": "word " * 15}, "`problem` has 15 words"),
        (Code.MISSING_FIELD, {**INSIGHT, "sources": []}, "Record a `source`"),
        (Code.EVIDENCE, {**INSIGHT, "sources": ["S1", "S7"]}, "`sources` names S7; recorded are: S1"),
        (Code.EVIDENCE, {**INSIGHT, "sources": ["I1"]}, "`sources` names I1"),
        (Code.BAD_ARGUMENT, {**INSIGHT, "belief": "HIGH"}, "The server fills in belief"),
        (Code.BAD_ARGUMENT, {**INSIGHT, "newness": "new"}, "The server fills in newness"),
        (Code.BAD_ARGUMENT, {**INSIGHT, "category": "gut-feeling"}, "category"),
        (Code.DUPLICATE, INSIGHT, "I1 has the same problem, persona and mechanism"),
        (Code.DUPLICATE, SOURCE, "S1 already stands at shop/cart.py:2"),
        (Code.EVIDENCE, {**SOURCE, "location": "shop/cart.py:6"}, "It stands at shop/cart.py:2"),
        (Code.SECRET, {**REFERENCE, "where": "https://ada:hunter2hunter2@example.org"}, "`where` holds a secret"),
        (Code.OUT_OF_ORDER, {**INSIGHT, "category": CATEGORIES[1], "problem": "x y"}, "This round is about customer"),
        (
            Code.OUT_OF_ORDER,
            {"kind": "round", "category": CATEGORIES[1], "question": "a", "found": "b"},
            "This round is about customer",
        ),
        (
            Code.EVIDENCE,
            {"kind": "rank", "insight": "I9", "serves": True, "tier": "moonshot", "why": "x"},
            "There is no I9",
        ),
        (
            Code.BAD_ARGUMENT,
            {"kind": "comparison", "better": "I1", "worse": "I1", "why": "x"},
            "not compared with itself",
        ),
        (
            Code.BAD_ARGUMENT,
            {"kind": "comparison", "better": "I1", "worse": "I2", "why": "x"},
            "I1, I2 is no must-have",
        ),
        (Code.OUT_OF_ORDER, PRD, "Rank it first"),
        (Code.MISSING_FIELD, {**PRD, "risks": None}, "risks"),
        (Code.BAD_ARGUMENT, {**PRD, "acceptance": []}, "acceptance"),
        (Code.BAD_ARGUMENT, {**PRD, "slug": "../../evil"}, "slug"),
    ],
)
def test_what_is_not_backed_or_not_its_turn_is_refused(
    agent: WorkflowAgent, code: Code, item: dict[str, Any], told: str
) -> None:
    agent.record(INSIGHT)

    assert told in agent.refused(code, item)


def test_another_way_to_solve_a_known_problem_extends_it(agent: WorkflowAgent) -> None:
    agent.record(INSIGHT)

    same = agent.record(INSIGHT, mechanism="Show both prices.", problem="Discounts are the wrong way round taken")
    other = agent.record(INSIGHT, mechanism="Show both prices.", persona="customer of the shop")

    assert (same.classified, other.classified) == ("extension of I1, LOW", "new, LOW")


@pytest.mark.parametrize(
    ("checked", "outside", "how"),
    [
        (1, 0, Belief.LOW),
        (0, 1, Belief.LOW),
        (1, 1, Belief.MEDIUM),
        (0, 2, Belief.MEDIUM),
        (1, 2, Belief.HIGH),
        (3, 0, Belief.HIGH),
        (0, 3, Belief.MEDIUM),
        (0, 9, Belief.MEDIUM),
    ],
)
def test_belief_grows_with_independent_sources_and_is_never_high_on_hearsay(
    checked: int, outside: int, how: Belief
) -> None:
    assert belief(checked, outside) is how


def test_two_places_of_one_file_and_two_pages_of_one_host_are_one_source_each(agent: WorkflowAgent) -> None:
    agent.record(SOURCE, location="shop/cart.py:6", quote="return len(items) - 1")
    agent.record(REFERENCE)
    agent.record(REFERENCE, where="https://example.org/other")

    assert agent.record(INSIGHT, sources=["S1", "S2", "O1", "O2"]).classified == "new, MEDIUM"


def test_the_first_five_rounds_take_one_category_each_and_do_not_saturate(agent: WorkflowAgent) -> None:
    end(agent, CATEGORIES[0])
    again = {"kind": "round", "category": CATEGORIES[0], "question": "a", "found": "b"}
    assert "The first 5 rounds take one category each" in agent.refused(Code.OUT_OF_ORDER, again)
    for category in CATEGORIES[1:]:
        end(agent, category)
    assert agent.status().missing == ["saturation: 3 rounds after the first 5 with fewer than 2 new; there are 0"]

    end(agent, CATEGORIES[0])
    end(agent, CATEGORIES[0])
    for place, problem in enumerate(PROBLEMS[:2]):
        agent.record(INSIGHT, problem=problem, mechanism=MECHANISMS[place])
    end(agent, CATEGORIES[0])

    assert agent.status().missing[0] == "saturation: 3 rounds after the first 5 with fewer than 2 new; there are 0"


def test_preferences_that_run_in_a_circle_are_told_and_the_last_word_counts(agent: WorkflowAgent) -> None:
    research(agent)
    for id in ("I1", "I2", "I3"):
        rank(agent, id)
    for id in ("I4", "I5"):
        rank(agent, id, "moonshot")
    prefer(agent, "I1", "I2")
    prefer(agent, "I2", "I3")
    prefer(agent, "I3", "I1")

    assert "a way out of a circle: I1 before I2 before I3 before I1" in agent.status().missing[0]
    assert "The order is not settled yet" in agent.refused(Code.OUT_OF_ORDER, PRD)
    prefer(agent, "I1", "I3")
    assert agent.status().missing == ["a `prd` for I1", "a `prd` for I2", "a `prd` for I3"]


def test_ten_are_must_haves_at_most(tmp_path: Path) -> None:
    agent = WorkflowAgent(shop(tmp_path / "repo"), "improve")
    agent.open()
    agent.record(SOURCE)
    names = "apples bread cheese dates eggs figs grapes honey icing jam kale".split()
    for place, name in enumerate(names):
        agent.record(INSIGHT, problem=f"no {name}", mechanism=f"sell {name} {place}")
    for place in range(1, 11):
        rank(agent, f"I{place}")

    eleventh = {"kind": "rank", "insight": "I11", "serves": True, "tier": "must-have", "why": "x"}
    assert "10 are must-haves already" in agent.refused(Code.BAD_ARGUMENT, eleventh)
    rank(agent, "I1", "moonshot")
    rank(agent, "I11")


@pytest.mark.parametrize(
    ("pairs", "ordered", "open_pairs", "round_trip"),
    [
        ([], ["I1", "I2", "I10"], [("I1", "I2"), ("I1", "I10"), ("I2", "I10")], ()),
        ([("I10", "I1")], ["I10", "I1", "I2"], [("I1", "I2"), ("I2", "I10")], ()),
        ([("I10", "I1"), ("I1", "I2")], ["I10", "I1", "I2"], [], ()),
        ([("I2", "I10"), ("I10", "I1")], ["I2", "I10", "I1"], [], ()),
        ([("I1", "I2"), ("I2", "I10"), ("I10", "I1")], ["I1", "I2", "I10"], [], ("I1", "I2", "I10")),
        ([("I1", "I2"), ("I2", "I1")], ["I1", "I2", "I10"], [("I1", "I10"), ("I2", "I10")], ("I1", "I2")),
    ],
)
def test_an_order_follows_from_comparisons_of_two(
    pairs: list[tuple[str, str]], ordered: list[str], open_pairs: list[tuple[str, str]], round_trip: tuple[str, ...]
) -> None:
    names = ["I10", "I2", "I1"]

    assert order(names, pairs) == ordered
    assert undecided(names, pairs) == open_pairs
    assert circle(pairs) == round_trip


def test_when_the_rounds_are_used_up_what_was_found_is_still_ranked(tmp_path: Path) -> None:
    agent = WorkflowAgent(shop(tmp_path / "repo"), "improve")
    agent.open(iterations=1, features=1)
    agent.record(SOURCE)
    agent.record(INSIGHT)
    end(agent, CATEGORIES[0])

    assert "All 1 rounds are used" in agent.refused(Code.INCOMPLETE, REFERENCE)
    with pytest.raises(Refusal, match="a `rank` for I1"):
        agent.close()
    rank(agent, "I1")
    agent.record(PRD)
    assert agent.close().status == "bounded"


def test_an_interruption_loses_nothing_and_drops_the_round_that_was_not_ended(agent: WorkflowAgent) -> None:
    agent.record(INSIGHT)
    end(agent, CATEGORIES[0])
    agent.record(INSIGHT, category=CATEGORIES[1], problem="Half a thought", mechanism="Later.")
    before = agent.status()

    agent.restart()
    assert agent.status() == before
    closed = agent.close(why="no time")

    assert closed.status == "interrupted"
    assert [one["id"] for one in agent.handoff(closed)["findings"]] == ["I1"]
    assert "Half a thought" not in agent.file(closed, "research-findings.md")
    assert agent.file(closed, "improve-results.tsv").count("\n") == 2
