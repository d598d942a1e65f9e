"""Proofs: what fails by itself shows nothing of the code, and what never gets to the code shows nothing mended."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from autoresearch_mcp.tools.errors import Code, Refusal
from autoresearch_mcp.tools.workflows.ledger.evidence import shown, words
from comparing import PYTEST
from ledgers import FINDING, GREEN_HOOK, HYPOTHESIS, PROOF, SHOP, WorkflowAgent, shop


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


def test_a_test_that_the_code_turns_green_mends_nothing(agent: WorkflowAgent) -> None:
    tests = "from shop.cart import count\n\n\ndef test_two():\n    assert count([1, 2]) == 2\n\n\ndef test_one():\n    assert not count([1])\n"
    agent.project.write("test_count.py", tests).commit("tests")
    run = f"{PYTEST} test_count.py::test_"
    taken = agent.record(HYPOTHESIS, reproduction=f"{run}two", fails_with="assert 1 == 2", control=f"{run}one")
    assert shown(taken.ran), words(taken.ran)

    agent.project.write("shop/cart.py", SHOP["shop/cart.py"] + GREEN_HOOK).commit("all green")

    refusal = agent.refused(Code.EVIDENCE, {"kind": "withdrawal", "item": "H1", "reason": "it is mended"})
    assert "it passes although test_count::test_two raises" in refusal


def test_of_several_places_with_the_same_words_the_cited_one_is_tried(agent: WorkflowAgent) -> None:
    more = SHOP["shop/cart.py"] + "\n\ndef size(items):\n    return len(items) - 1\n"
    agent.project.write("shop/cart.py", more).commit("size")
    size = python("from shop.cart import size; assert size([1, 2]) == {}, 'one too few'")

    taken = agent.record(
        HYPOTHESIS,
        location="shop/cart.py:10",
        reproduction=size.format(2),
        control=size.format(1),
        fails_with="one too few",
    )

    assert shown(taken.ran), words(taken.ran)


def test_a_line_that_does_nothing_or_that_the_experiment_does_not_need_is_no_place(agent: WorkflowAgent) -> None:
    agent.project.write("shop/cart.py", "import sys\n\nLIMIT = 9\n\n\n" + SHOP["shop/cart.py"]).commit("a limit")

    idle = agent.refused(Code.EVIDENCE, HYPOTHESIS, location="shop/cart.py:1", quote="import sys")
    taken = agent.record(HYPOTHESIS, location="shop/cart.py:3", quote="LIMIT = 9")

    assert "does nothing by itself" in idle
    assert "with shop/cart.py:3 emptied it fails in the same words" in words(taken.ran)


def test_what_looks_at_the_text_of_the_code_shows_nothing(agent: WorkflowAgent) -> None:
    looks = python(
        "import hashlib, shop.cart; count([]); data = open(shop.cart.__file__, 'rb').read(); assert len(data) != {}, 'one too few'"
    )
    size = len(SHOP["shop/cart.py"].encode())

    taken = agent.record(HYPOTHESIS, reproduction=looks.format(size), control=looks.format(1), fails_with="one too few")

    assert "it looks at the text" in words(taken.ran)


def test_one_experiment_shows_one_thing(agent: WorkflowAgent) -> None:
    agent.record(HYPOTHESIS)

    assert "H1 rests on this experiment already" in agent.refused(Code.DUPLICATE, HYPOTHESIS, claim="another cause")


def test_a_script_elsewhere_imports_this_project_and_stays_as_it_was(agent: WorkflowAgent, tmp_path: Path) -> None:
    script = tmp_path / "try.py"
    script.write_text("import sys\nfrom shop.cart import count\n\nassert count(sys.argv[1:]) == 1, 'one too few'\n")
    lost = {"reproduction": f"python3 {script} a", "control": f"python3 {script} a b", "fails_with": "one too few"}
    refusal = agent.refused(Code.EVIDENCE, HYPOTHESIS, **lost)
    assert "Begin both commands with `PYTHONPATH=.`" in refusal
    found = {name: f"PYTHONPATH=. {text}" if "python3" in text else text for name, text in lost.items()}
    assert shown(agent.record(HYPOTHESIS, **found).ran)

    script.write_text("from shop.cart import count\n\ncount([])\n")

    back = {"kind": "withdrawal", "item": "H1", "reason": "it is mended"}
    assert f"{script} is not what showed the fault" in agent.refused(Code.EVIDENCE, back)


def test_what_passes_at_the_old_code_as_well_mends_nothing(agent: WorkflowAgent, tmp_path: Path) -> None:
    mode = tmp_path / "mode"
    mode.write_text("weak")
    fails = python(f"mode = open('{mode}').read(); assert count([1, 2]) == 2 or mode != 'weak', 'one too few'")
    agent.record(HYPOTHESIS, reproduction=fails, fails_with="one too few", control=python("count([])"))
    agent.record(FINDING)
    found = agent.close()
    fix = WorkflowAgent(agent.project, "fix")
    fix.open(category="bug", after=found.ledger)

    mode.write_text("fixed")

    with pytest.raises(Refusal, match="it does not fail any more at"):
        fix.close()
    assert agent.handoff(found)["findings"][0]["outcome"] is None


def test_a_command_that_edits_the_code_and_puts_it_back_shows_nothing(agent: WorkflowAgent) -> None:
    edit = "sed -i 's/len(items) - 1/len(items) - 2/' shop/cart.py"
    back = edit.replace("- 2/", "- X/").replace("- 1/", "- 2/").replace("- X/", "- 1/")
    test = python("assert count([1, 2, 3]) > 1, 'two too few'")

    told = agent.refused(
        Code.EVIDENCE,
        HYPOTHESIS,
        reproduction=f"{edit}; {test}; r=$?; {back}; exit $r",
        fails_with="two too few",
        control=test,
    )

    assert "wrote shop/cart.py, and put it back" in told


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
