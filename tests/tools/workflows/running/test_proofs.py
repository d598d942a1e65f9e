"""Proofs: what fails by itself shows nothing of the code, and what never gets to the code shows nothing mended."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from autoresearch_mcp.tools.errors import Code
from autoresearch_mcp.tools.workflows.ledger.evidence import shown, words
from ledgers import FINDING, HYPOTHESIS, PROOF, SHOP, WorkflowAgent, shop


@pytest.fixture
def agent(tmp_path: Path) -> WorkflowAgent:
    """A debug ledger that is open."""
    made = WorkflowAgent(shop(tmp_path / "repo"), "debug")
    made.open(goal="wrong totals")
    return made


def python(code: str) -> str:
    return f'python3 -c "import sys; from shop.cart import count; {code}"'


BY_ITSELF = {
    "an exit of its own": ("count([1, 2]); sys.exit('one too few')", "count([1, 2])"),
    "an exit behind a value that is looked at": ("count([1]) == 1; sys.exit('one too few')", "count([1]) == 1"),
    "an exit behind a value that is printed": ("print(count([])); sys.exit('one too few')", "print(count([]))"),
    "an assertion over something else": ("count([1, 2]); assert len([1]) == 2, 'one too few'", "count([2])"),
}


@pytest.mark.parametrize("cheat", BY_ITSELF)
def test_a_command_that_fails_by_itself_shows_nothing(agent: WorkflowAgent, cheat: str) -> None:
    fails, passes = BY_ITSELF[cheat]

    taken = agent.record(HYPOTHESIS, reproduction=python(fails), fails_with="one too few", control=python(passes))

    assert not shown(taken.ran)
    assert "fails by itself" in words(taken.ran)


def test_what_fails_in_the_users_checkout_alone_shows_nothing(agent: WorkflowAgent) -> None:
    here = python("import os; assert count([]) > 9 or not os.path.isdir('.git'), 'one too few'")

    taken = agent.record(HYPOTHESIS, reproduction=here, fails_with="one too few", control=python("count([1])"))

    assert not shown(taken.ran)
    assert "in another checkout of the same commit it ends otherwise" in words(taken.ran)


def test_edits_that_nobody_committed_show_nothing_and_mend_nothing(agent: WorkflowAgent) -> None:
    agent.project.write("shop/cart.py", SHOP["shop/cart.py"].replace("discount / 100", "discount"))
    broken = {
        "location": "shop/cart.py:2",
        "quote": "sum(prices) * discount",
        "claim": "the discount is taken hundredfold",
    }
    proof = {"reproduction": python("import shop.cart; assert shop.cart.total([100], 50) == 50, 'hundredfold'"),
             "fails_with": "hundredfold", "control": python("pass")}  # fmt: skip
    taken = agent.record(HYPOTHESIS, **broken, **proof)
    assert not shown(taken.ran)
    assert "with shop/cart.py as git has it it ends otherwise" in words(taken.ran)
    agent.project.git("checkout", "--", ".")
    agent.record(HYPOTHESIS)

    agent.project.write("shop/cart.py", SHOP["shop/cart.py"].replace("len(items) - 1", "len(items)"))

    back = {"kind": "withdrawal", "item": "H2", "reason": "it is mended"}
    assert "H2 stands" in agent.refused(Code.EVIDENCE, back)


HONEST = {
    "a value": ("assert count([1, 2]) == 2, 'one too few'", "assert count([]) < 0, 'one too few'"),
    "another control": ("assert count([1, 2]) == 2, 'one too few'", "assert sys"),
    "an identity": (
        "assert (count([1]) is 1) is True, 'one too few'",
        "assert (count([1]) is 0) is True, 'one too few'",
    ),
    "its words": ("assert str(count([1])) == '1', 'one too few'", "assert str(count([1])) == '0', 'one too few'"),
    "an exit": ("count([1]) == 1 or sys.exit('one too few')", "count([1]) == 0 or sys.exit('one too few')"),
}


@pytest.mark.parametrize("proof", HONEST)
def test_a_command_that_fails_by_what_the_code_answers_shows_it(agent: WorkflowAgent, proof: str) -> None:
    fails, passes = HONEST[proof]

    taken = agent.record(HYPOTHESIS, reproduction=python(fails), fails_with="one too few", control=python(passes))

    assert shown(taken.ran), words(taken.ran)


def test_a_proof_by_the_environments_own_interpreter_is_over_when_it_passes(agent: WorkflowAgent) -> None:
    project = agent.project.write(".gitignore", ".venv/\n").commit("an environment")
    (project.root / ".venv" / "bin").mkdir(parents=True)
    (project.root / ".venv" / "bin" / "python").symlink_to(sys.executable)
    agent.record({**HYPOTHESIS, **{name: text.replace("python3", ".venv/bin/python") for name, text in PROOF.items()}})
    agent.record(FINDING)
    found = agent.close()
    fix = WorkflowAgent(project, "fix")
    fix.open(category="bug", after=found.ledger)
    project.write("shop/cart.py", SHOP["shop/cart.py"].replace("len(items) - 1", "len(items)")).commit("count all")

    fix.run()
    fix.close()

    assert agent.handoff(found)["findings"][0]["outcome"] == "fixed"
