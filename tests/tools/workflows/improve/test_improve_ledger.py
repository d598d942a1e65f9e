"""Improvements: what shows a problem, what matters, and what is specified."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from autoresearch_mcp.tools.errors import Code
from ledgers import WorkflowAgent, shop

SOURCE = {
    "kind": "source",
    "location": "shop/cart.py:2",
    "quote": "return sum(prices) * discount / 100",
    "says": "A discount of ten per cent costs ninety",
}
REFERENCE = {"kind": "reference", "where": "https://example.org/carts", "says": "Wrong totals end carts"}
INSIGHT = {
    "kind": "insight",
    "problem": "Discounts are taken the wrong way round",
    "persona": "shop owner",
    "mechanism": "Subtract the discount from the whole.",
    "outcome": "Totals that owners expect.",
    "sources": "S1, O1",
    "tier": "must-have",
    "why": "a line says so",
}
RECEIPT = {
    **INSIGHT,
    "problem": "Nobody sees a receipt",
    "mechanism": "Print one.",
    "sources": "O1",
    "tier": "not-ours",
}
PRD = {
    "kind": "prd",
    "insight": "I1",
    "feature": "Discounts the right way round",
    "requirements": ["total([100], 10) is 90."],
    "approach": "Begin in shop/cart.py.",
    "success": "Wrong totals, lower: python3 test_cart.py",
    "open": ["What becomes of old orders?"],
}


@pytest.fixture
def agent(tmp_path: Path) -> WorkflowAgent:
    """Two insights with their sources."""
    made = WorkflowAgent(shop(tmp_path / "repo"), "improve")
    made.open(goal="the cart", icp="owners of small shops")
    made.taken(SOURCE, REFERENCE, INSIGHT, RECEIPT)
    return made


@pytest.mark.parametrize(
    ("code", "item", "told"),
    [
        (Code.EVIDENCE, {**SOURCE, "location": "shop/cart.py:6"}, "It stands at shop/cart.py:2"),
        (Code.DUPLICATE, SOURCE, "S1 already stands"),
        (Code.DUPLICATE, REFERENCE, "O1 already stands"),
        (Code.DUPLICATE, {**INSIGHT, "outcome": "Fewer calls."}, "I1 says the same"),
        (Code.MISSING_FIELD, {**INSIGHT, "problem": "Names are pasted", "mechanism": "Bind.", "sources": []}, "`sources` is empty"),
        (Code.EVIDENCE, {**INSIGHT, "problem": "Names are pasted", "mechanism": "Bind.", "sources": "S9"}, "names S9; recorded are: O1, S1"),
        (Code.BAD_ARGUMENT, {**RECEIPT, "problem": "x", "tier": "urgent"}, "must-have"),
        (Code.OUT_OF_ORDER, {**PRD, "insight": "I2"}, "To be specified are: I1"),
    ],
)  # fmt: skip
def test_what_is_not_so_is_refused(agent: WorkflowAgent, code: Code, item: dict[str, Any], told: str) -> None:
    assert told in agent.refused(code, item)


def test_the_first_of_what_matters_is_specified(agent: WorkflowAgent) -> None:
    before = agent.status()
    agent.restart()
    assert (agent.status(), before.missing) == (before, ["a `prd` for I1"])
    agent.record(PRD)

    closed = agent.close()

    assert (closed.status, closed.scores) == ("complete", {})
    plan = agent.file(closed, "improvement-plan.md")
    name = "prd-i1-discounts-the-right-way-round.md"
    assert plan.index("## Must have") < plan.index(f"See [{name}]({name}).") < plan.index("## Not ours\n\n- **I2**")
    assert "  - `shop/cart.py:2` (looked up): A discount of ten per cent costs ninety" in plan
    assert "  - https://example.org/carts (not checked): Wrong totals end carts" in plan
    assert "- [ ] total([100], 10) is 90." in agent.file(closed, name)
    findings = agent.handoff(closed)["findings"]
    assert [(one["id"], one["location"], one["confirmed"]) for one in findings] == [("I1", "shop/cart.py:2", False)]
