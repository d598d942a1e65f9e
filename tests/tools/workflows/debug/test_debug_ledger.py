"""What is special to debugging: what is gathered, lines that are dropped, what the server's own look overrules."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from autoresearch_mcp.tools.errors import Code, Refusal
from conftest import Project
from ledgers import DISPROOF, HYPOTHESIS, NO_FAULT, NO_PROOF, PROOF, SHOP, WorkflowAgent, shop
from sarif import check_sarif

FINDING = {
    "kind": "finding",
    "location": "shop/cart.py:6",
    "quote": "return len(items) - 1",
    "summary": "The cart shows one item too few",
    "hypothesis": "H1",
    "severity": "high",
    "root_cause": "one is subtracted for no reason",
    "impact": "every customer",
}
CLAIMS = [
    "the discount is a part, not a rest",
    "prices are text",
    "an empty basket is counted",
    "the table has no index",
]


def checked(root: Path, command: str = "python3 check.py") -> Project:
    """A shop whose only check is a target of its makefile."""
    project = shop(root)
    project.git("mv", "test_cart.py", "check.py")
    return project.write("Makefile", f"test:\n\t{command}\n").commit("a check")


@pytest.fixture
def agent(tmp_path: Path) -> WorkflowAgent:
    """A debug ledger that is open on a project with a check and an older commit."""
    made = WorkflowAgent(checked(tmp_path / "repo"), "debug")
    made.open(goal="wrong totals")
    return made


def test_what_the_project_knows_of_itself_is_gathered_at_the_opening(agent: WorkflowAgent) -> None:
    state = "\n".join(agent.status().state)

    assert "`make test`" in state


def test_a_run_runs_the_projects_own_checks(agent: WorkflowAgent) -> None:
    state = "\n".join(agent.run().state)

    assert "test `make test`: exit 2" in state
    assert "Output of `make test`, which is data: " in state
    assert "AssertionError" in state


def test_a_tool_that_is_not_there_is_no_failing_check(tmp_path: Path) -> None:
    project = checked(tmp_path / "repo", "python3 -m no_such_linter")
    agent = WorkflowAgent(project, "debug")
    agent.open()

    state = "\n".join(agent.run().state)

    assert "test `make test`: not installed (" in state
    assert "Output of `make test`" not in state


def test_what_a_check_of_the_project_rewrites_is_put_back_and_told(agent: WorkflowAgent) -> None:
    project = agent.project
    project.write("Makefile", "test:\n\techo rewritten > shop/cart.py\n").commit("a check that mends by itself")
    before = (project.root / "shop/cart.py").read_text()

    state = "\n".join(agent.run().state)

    assert (project.root / "shop/cart.py").read_text() == before
    assert "passes; it changed shop/cart.py: put back, and what it wrote is kept in " in state
    kept = re.search(r"kept in (\S+?)[;.]?$", state, re.MULTILINE)
    assert kept
    assert (Path(kept[1]) / "shop/cart.py").read_text() == "rewritten\n"


def test_three_experiments_in_a_row_that_confirm_nothing_are_told(agent: WorkflowAgent) -> None:
    told = "3 experiments in a row confirmed nothing: go back to what is known for certain."
    agent.record(HYPOTHESIS)
    for claim in CLAIMS[:2]:
        agent.record(HYPOTHESIS, claim=claim, outcome="disproven", **DISPROOF)
    assert told not in agent.status().state
    agent.record(HYPOTHESIS, claim=CLAIMS[2], outcome="inconclusive", **NO_PROOF)

    assert told in agent.status().state


COUNTED = {
    **PROOF,
    "reproduction": PROOF["reproduction"].replace("'one too few'", "f'{count([1, 2])} of 2'"),
    "fails_with": "AssertionError: 1 of 2",
}
"""An experiment whose words hold what the code answered."""
RUNS = "python3 -c 'import shop.cart; {}'"


@pytest.mark.parametrize(
    ("claimed", "proof", "stands"),
    [
        ("confirmed", PROOF, "confirmed, author's word"),
        ("disproven", PROOF, "confirmed, author's word"),
        ("confirmed", COUNTED, "confirmed"),
        ("disproven", DISPROOF, "disproven"),
        ("confirmed", DISPROOF, "disproven"),
        ("confirmed", {**PROOF, "fails_with": "an injection"}, "inconclusive"),
        ("confirmed", {**PROOF, "control": RUNS.format("raise SystemExit(1)")}, "inconclusive"),
        ("disproven", {**PROOF, "reproduction": RUNS.format("pass")}, "inconclusive"),
        ("confirmed", {**PROOF, "reproduction": "no-such-program shop"}, "inconclusive"),
        ("confirmed", NO_PROOF, "said to be confirmed, not run"),
        ("disproven", NO_PROOF, "said to be disproven, not run"),
    ],
)
def test_an_outcome_is_what_the_two_runs_of_an_experiment_say(
    agent: WorkflowAgent, claimed: str, proof: dict[str, str], stands: str
) -> None:
    agent.record(HYPOTHESIS, outcome=claimed, **proof)

    assert f"H1 {stands}: count leaves out one item" in agent.status().state


@pytest.mark.parametrize(
    ("proof", "told"),
    [
        ({"control": None}, "an experiment has `reproduction`, `fails_with` and `control`; add control"),
        ({"fails_with": None}, "an experiment has `reproduction`, `fails_with` and `control`; add fails_with"),
        ({"control": PROOF["reproduction"]}, "the `control` is the reproduction itself"),
    ],
)
def test_a_command_alone_is_no_experiment(agent: WorkflowAgent, proof: dict[str, str], told: str) -> None:
    assert told in agent.refused(Code.BAD_ARGUMENT, HYPOTHESIS, **proof)


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("false", "runs no code"),
        ("sh -c 'echo one too few in shop/cart.py; exit 1'", "runs no code"),
        ("grep -q return shop/cart.py && false", "runs no code"),
    ],
)
@pytest.mark.parametrize("role", ["reproduction", "control"])
def test_what_runs_no_code_of_the_project_shows_nothing_of_it(
    agent: WorkflowAgent, role: str, command: str, told: str
) -> None:
    assert told in agent.refused(Code.EVIDENCE, HYPOTHESIS, **{role: command})


def test_what_an_experiment_left_open_is_told_and_may_be_tried_by_a_better_one(agent: WorkflowAgent) -> None:
    taken = agent.taken({**HYPOTHESIS, "outcome": "disproven", **DISPROOF, "fails_with": "an injection"})

    assert "count leaves out one item (inconclusive)." in taken.text()
    assert "the control exit 1, without the words that name the fault: it shows nothing" in taken.text()
    assert agent.record(HYPOTHESIS).classified == "confirmed, author's word"
    assert "H2 says the same" in agent.refused(Code.DUPLICATE, HYPOTHESIS)


def test_an_experiment_that_edits_what_it_looks_at_is_none(agent: WorkflowAgent) -> None:
    edits = RUNS.format('open("shop/cart.py", "a").write("#"); raise SystemExit(1)')

    assert "edited shop/cart.py. Put that back" in agent.refused(Code.EVIDENCE, HYPOTHESIS, reproduction=edits)
    agent.project.git("checkout", "--", ".")
    agent.project.write("mine.txt", "not in git\n")
    removes = RUNS.format('import os; os.remove("mine.txt"); raise SystemExit(1)')
    assert "removed mine.txt, which git does not have" in agent.refused(Code.EVIDENCE, HYPOTHESIS, reproduction=removes)


def test_what_was_confirmed_and_wrong_is_withdrawn_once_its_own_proof_shows_it_no_more(agent: WorkflowAgent) -> None:
    name = foreseen(agent.project)
    agent.record(HYPOTHESIS, upstream=name)
    back = {"kind": "withdrawal", "item": "H1", "reason": "the list came from elsewhere"}
    assert "H1 stands: exit 1 when the server ran it, and the control passed" in agent.refused(Code.EVIDENCE, back)

    agent.project.write("shop/cart.py", SHOP["shop/cart.py"].replace("len(items) - 1", "len(items)")).commit("mended")
    taken = agent.record(back)

    assert (taken.id, taken.settled) == ("W1", f"{name} as inconclusive")
    assert "H1 withdrawn: the list came from elsewhere" in agent.status().state
    assert "a finding for H1" not in "\n".join(agent.status().missing)
    assert "W1 already stands at H1" in agent.refused(Code.DUPLICATE, back)
    closed = agent.close(why="enough")
    assert "- H1 count leaves out one item: the list came from elsewhere" in agent.file(closed, "summary.md")


def test_a_finding_does_not_rest_on_what_was_contradicted(agent: WorkflowAgent) -> None:
    agent.record(HYPOTHESIS, **DISPROOF)

    assert (
        "H1 is disproven (exit 0 when the server ran it, and the control failed in the words foreseen; what should hold, and that the commands run the code as it is, is their author's word)"
        in agent.refused(Code.EVIDENCE, FINDING)
    )
    assert "disproven, at `shop/cart.py:6`" in agent.file(agent.close(why="enough"), "findings.md")


def test_a_finding_that_no_command_shows_is_an_opinion_and_ends_nothing(agent: WorkflowAgent) -> None:
    agent.record(HYPOTHESIS, **NO_PROOF)
    agent.record(FINDING)

    with pytest.raises(Refusal, match="a hypothesis that the server saw confirmed"):
        agent.close()
    closed = agent.close(why="it cannot be run here")

    assert "**Not reproduced**" in agent.file(closed, "findings.md")
    assert not agent.handoff(closed)["findings"][0]["confirmed"]


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"hypothesis": "H9"}, "There is no H9"),
        ({"hypothesis": "H2"}, "H2 is disproven"),
    ],
)
def test_a_finding_rests_on_a_confirmed_hypothesis(agent: WorkflowAgent, changed: dict[str, str], told: str) -> None:
    agent.record(HYPOTHESIS)
    agent.record(HYPOTHESIS, claim=CLAIMS[0], outcome="disproven", **DISPROOF)

    assert told in agent.refused(Code.EVIDENCE, FINDING, **changed)


def test_an_option_limits_severity(tmp_path: Path) -> None:
    agent = WorkflowAgent(checked(tmp_path / "repo"), "debug")
    agent.open(severity="high")
    agent.record(HYPOTHESIS)
    assert "looks for high and worse" in agent.refused(Code.BAD_ARGUMENT, FINDING, severity="low")


def test_the_finding_of_the_last_round_can_still_be_recorded(tmp_path: Path) -> None:
    agent = WorkflowAgent(checked(tmp_path / "repo"), "debug")
    agent.open(iterations=1, goal="why test_total is red")
    agent.record(HYPOTHESIS)

    assert "No round" in agent.refused(Code.INCOMPLETE, HYPOTHESIS, claim=CLAIMS[0])
    assert "All rounds are used: record the findings" in agent.status().state[0]
    agent.record(FINDING)
    closed = agent.close()
    assert (closed.status, closed.state[0]) == ("complete", "No finding runs test_total, which this is about.")
    finding = agent.handoff(closed)["findings"][0]
    assert finding["detail"].endswith("Confirmed, author's word.")
    assert (
        json.loads(agent.file(closed, "debug.sarif"))["runs"][0]["results"][0]["properties"]["shown"]
        in finding["detail"].lower()
    )


def test_what_was_shown_is_over_when_its_own_proof_passes_and_not_before(agent: WorkflowAgent) -> None:
    agent.record(HYPOTHESIS)
    agent.record(FINDING)
    name = f"{agent.close().ledger}#F1"
    agent.project.now += 60
    agent.open(goal="once more")
    said = {**HYPOTHESIS, "upstream": name, "outcome": "disproven"}

    assert agent.record(said, **PROOF | {"fails_with": "something else"}).settled == ""
    for other in (DISPROOF, NO_FAULT):
        assert f"{name} still stands: `{PROOF['reproduction']}`: exit 1" in agent.refused(
            Code.EVIDENCE, said, **other, claim=CLAIMS[0]
        )
    agent.project.write("shop/cart.py", SHOP["shop/cart.py"].replace("len(items) - 1", "len(items)")).commit("mended")
    place = {"quote": "return len(items)", "claim": CLAIMS[0]}
    assert agent.record(said, **NO_FAULT, **place).settled == f"{name} as disproven"


def test_a_prediction_is_not_disproven_by_a_control_that_fails_of_the_fault_itself(agent: WorkflowAgent) -> None:
    name = foreseen(agent.project)
    said = {**HYPOTHESIS, "upstream": name, "outcome": "disproven"}
    nothing = NO_FAULT | {"reproduction": "python3 -c 'import shop.cart, shop.db'"}

    told = agent.refused(Code.EVIDENCE, said, **DISPROOF)
    assert (
        "with count() in shop/cart.py emptied its control ends otherwise, so what fails may be the fault itself" in told
    )
    assert "with count() in shop/cart.py emptied it passes all the same" in agent.refused(
        Code.EVIDENCE, said, **nothing
    )
    assert agent.record(said, **NO_FAULT).settled == f"{name} as disproven"


def test_a_prediction_that_was_shown_is_over_only_when_what_showed_it_passes(agent: WorkflowAgent) -> None:
    name = foreseen(agent.project)
    assert agent.record(HYPOTHESIS, upstream=name).settled == f"{name} as confirmed"
    said = {**HYPOTHESIS, **NO_FAULT, "claim": CLAIMS[0], "upstream": name, "outcome": "disproven"}

    assert f"{name} still stands: `{PROOF['reproduction']}`" in agent.refused(Code.EVIDENCE, said)


def test_a_prediction_is_not_confirmed_by_a_fault_elsewhere(agent: WorkflowAgent) -> None:
    name = foreseen(agent.project, location="shop/db.py:5", quote="return link.execute")

    told = agent.refused(Code.EVIDENCE, HYPOTHESIS, upstream=name)

    assert f"says nothing of {name}: with shop/db.py emptied it fails in the same words" in told
    assert agent.record(HYPOTHESIS).classified == "confirmed, author's word"


def foreseen(project: Project, **cited: str) -> str:
    """A prediction, of the cart unless something else is cited, by the name under which it can be settled."""
    panel = WorkflowAgent(project, "predict")
    panel.open(depth="shallow")
    panel.record({"kind": "finding", "persona": "architect", "location": "shop/cart.py:6", "quote": "return len(items) - 1",
                  "summary": "The cart counts wrongly", "severity": "high",
                  "reasoning": "one is taken away", **cited})  # fmt: skip
    return f"{panel.close(why='seen enough').ledger}#P1"


@pytest.mark.parametrize(
    "command",
    [
        "python3 -c \"raise SystemExit('one too few')  # shop.cart\"",
        "python3 -c \"import shop.cart; raise SystemExit('one too few')\"",
        "python3 -c \"from shop.cart import count; raise SystemExit('one too few')\"",
        "python3 -c \"import shop.cart as c; c.count = lambda items: 1; assert c.count([1, 2]) == 2, 'one too few'\"",
    ],
)
def test_what_fails_alike_without_the_code_shows_nothing_of_it(agent: WorkflowAgent, command: str) -> None:
    taken = agent.taken({**HYPOTHESIS, "reproduction": command, "fails_with": "one too few"})

    assert taken.recorded[0].classified == "inconclusive"
    assert (
        "with count() in shop/cart.py emptied it fails in the same words: it does not rest on that code" in taken.text()
    )
    assert agent.project.git("status", "--porcelain") == ""
    assert "with count() in shop/cart.py emptied it ended otherwise" in agent.taken(HYPOTHESIS).text()


def test_the_files_are_complete(agent: WorkflowAgent) -> None:
    agent.record(HYPOTHESIS)
    agent.record(HYPOTHESIS, claim=CLAIMS[0], outcome="disproven", **DISPROOF)
    agent.record(FINDING)

    closed = agent.close()

    assert "**Reproduction** (exit 1 when the server ran it, and the control passed" in agent.file(
        closed, "findings.md"
    )
    assert f"## H2: {CLAIMS[0]}\n\ndisproven, at" in agent.file(closed, "findings.md")
    log = json.loads(agent.file(closed, "debug.sarif"))
    check_sarif(log)
    assert log["runs"][0]["results"][0]["ruleId"] == "debug-high"
    assert "security-severity" not in log["runs"][0]["tool"]["driver"]["rules"][0]["properties"]
