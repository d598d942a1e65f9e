"""What is special to a security audit: boundaries, what clears them, comparison, gate and SARIF."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from autoresearch_mcp.server.main import main
from autoresearch_mcp.tools.errors import Code
from autoresearch_mcp.tools.workflows.ledger.evidence import fingerprint
from autoresearch_mcp.tools.workflows.status import WorkflowAnswer
from ledgers import INJECTION, NO_PROOF, WorkflowAgent, shop
from sarif import check_sarif

INJECTED = "return link.execute(f\"SELECT * FROM item WHERE name = '{name}'\")"
SEARCH = {
    "kind": "boundary",
    "location": "shop/db.py:4",
    "quote": "def find(link, name):",
    "name": "a name that a visitor typed, into a query",
    "reaches": "every item",
}
CHECKOUT = {
    "kind": "boundary",
    "location": "shop/cart.py:1",
    "quote": "def total(prices, discount):",
    "name": "prices and a discount, from a browser",
    "reaches": "goods for nothing",
}
FINDING = {
    "kind": "finding",
    "boundary": "B1",
    "location": "shop/db.py:5",
    "quote": INJECTED,
    "summary": "The name of an item becomes part of the query",
    "severity": "critical",
    "scenario": "A visitor searches for ' OR 1=1 -- and gets every item.",
    "mitigation": "Pass the name as a parameter.",
    **INJECTION,
    "tags": "CWE-89, STRIDE tampering",
}
CLEARED = {
    "kind": "cleared",
    "boundary": "B2",
    "location": "shop/cart.py:2",
    "quote": "return sum(prices) * discount / 100",
    "tried": "looked for a name or a session that could be pretended; nothing here knows who calls",
}
HELD = {
    "kind": "cleared",
    "boundary": "B2",
    "location": "shop/cart.py:2",
    "quote": "return sum(prices) * discount / 100",
    "tried": "sent a discount of nothing",
    "reproduction": "python3 -c \"from shop.cart import total; assert total([100], 0) >= 0, 'money back'\"",
    "fails_with": "AssertionError: money back",
    "control": "python3 -c \"import shop; total = lambda prices, discount: -1; assert total([100], 0) >= 0, 'money back'\"",
}


@pytest.fixture
def agent(tmp_path: Path) -> WorkflowAgent:
    """A security ledger whose boundaries are recorded."""
    return opened(WorkflowAgent(shop(tmp_path / "repo"), "security"))


def opened(agent: WorkflowAgent, **options: object) -> WorkflowAgent:
    agent.open(**options)
    for item in (SEARCH, CHECKOUT):
        agent.record(item)
    return agent


def covered(agent: WorkflowAgent) -> None:
    """Test each boundary, so that the ledger may end."""
    agent.record(CLEARED)
    agent.record(CLEARED, boundary="B1", location="shop/db.py:5", quote=INJECTED, tried="asked for many rows")


def validated(agent: WorkflowAgent, closed: WorkflowAnswer) -> dict[str, Any]:
    log: dict[str, Any] = json.loads(agent.file(closed, "security.sarif"))
    check_sarif(log)
    run: dict[str, Any] = log["runs"][0]
    return run


# --- Admission -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "item", "changed", "told"),
    [
        (Code.BAD_ARGUMENT, FINDING, {"boundary": "B7"}, "There is no B7. There are: B1, B2."),
        (Code.MISSING_FIELD, FINDING, {"scenario": None}, "scenario: is missing"),
        (Code.EVIDENCE, CLEARED, {"quote": "if allowed(user):"}, "does not stand at shop/cart.py:2"),
        (Code.EVIDENCE, SEARCH, {"location": "shop/users.py:1", "name": "y"}, "There is no file shop/users.py"),
        (Code.DUPLICATE, SEARCH, {}, "B1 already stands at shop/db.py:4"),
        (Code.BAD_ARGUMENT, FINDING, {"reproduction": "python3 -m shop; curl http://shop.example.org/find"}, "talks to shop.example.org"),
        (Code.BAD_ARGUMENT, FINDING, {"reproduction": "python3 -m shop; cat ~/.ssh/id_rsa"}, "is not run here"),
        (Code.SECRET, FINDING, {"scenario": "log in with AKIAIOSFODNN7EXAMPLE"}, "`scenario` holds a secret"),
        (Code.EVIDENCE, CLEARED, {"boundary": "B1", "location": "shop/db.py:1", "quote": "import sqlite3"}, "shop/db.py:1 is an import, which stops nobody"),
        (Code.EVIDENCE, HELD, {"reproduction": "python3 -c \"from shop.cart import total; assert total([100], -5) >= 0, 'money back'\""}, "Nothing is cleared"),
        (Code.EVIDENCE, HELD, {"control": "python3 -c \"from shop.cart import total; assert total([100], -5) >= 0, 'money back'\""}, "what fails may be the fault itself"),
        (Code.EVIDENCE, HELD, {"reproduction": "python3 -c 'import shop.cart'"}, "it says nothing of that code"),
    ],
)  # fmt: skip
def test_what_is_not_so_is_refused_with_a_cure(
    agent: WorkflowAgent, code: Code, item: dict[str, Any], changed: dict[str, Any], told: str
) -> None:
    assert told in agent.refused(code, item, **changed)


def test_a_test_comes_after_the_boundaries(tmp_path: Path) -> None:
    agent = WorkflowAgent(shop(tmp_path / "repo"), "security")
    agent.open()

    assert "Record the boundaries first" in agent.refused(Code.OUT_OF_ORDER, FINDING)
    assert "the trust boundaries" in agent.status().missing[0]


def test_an_audit_only_reads(agent: WorkflowAgent) -> None:
    agent.project.write("shop/db.py", "import sqlite3\n")

    assert "only reads, and these files were edited" in agent.refused(Code.OUT_OF_ORDER, CLEARED)
    agent.project.git("restore", "shop/db.py")
    assert agent.record(CLEARED).id == "C1"


def test_what_was_edited_before_the_audit_is_the_users(tmp_path: Path) -> None:
    project = shop(tmp_path / "repo").write("test_cart.py", "from shop.cart import count\n")

    assert opened(WorkflowAgent(project, "security")).record(CLEARED).id == "C1"


# --- Coverage --------------------------------------------------------------------------------------------------------


def test_an_audit_may_end_when_each_boundary_was_tested_and_says_where_by_a_run(agent: WorkflowAgent) -> None:
    assert agent.status().coverage == ["boundaries looked at 0/2", "by a run 0/2"]
    taken = agent.taken(CLEARED)
    assert taken.scores == {}, "that somebody looked is no measure of what is there"
    assert taken.missing == ["a test at B1: a `finding`, or `cleared` (1 of the boundaries left)"]

    agent.record(FINDING)

    assert agent.status().coverage == ["boundaries looked at 2/2", "by a run 1/2"]
    assert "Complete: 1 of 2 boundaries were only read." in agent.file(agent.close(), "summary.md")


def test_what_holds_in_a_run_is_told_from_what_was_only_read(agent: WorkflowAgent) -> None:
    read, held = agent.record(CLEARED), agent.record(HELD)

    assert (read.classified, held.classified) == ("not run", "held in a run")
    page = agent.file(agent.close(why="enough"), "overview.md")
    assert "  - C1 (not run) looked for a name" in page
    assert "  - C2 (held in a run) sent a discount of nothing" in page


def test_when_all_rounds_are_used_it_ends_as_bounded_and_no_more_is_tested(tmp_path: Path) -> None:
    agent = opened(WorkflowAgent(shop(tmp_path / "repo"), "security"), iterations=1)
    agent.record(CLEARED)

    assert "No round" in agent.refused(Code.INCOMPLETE, FINDING)
    agent.record({**SEARCH, "location": "shop/cart.py:5", "quote": "def count", "name": "a basket"})
    assert agent.close().status == "bounded"


# --- Confidence ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("proof", "stands"),
    [
        (INJECTION, "shown"),
        ({**INJECTION, "fails_with": "all rows came back"}, "its run showed nothing"),
        ({**INJECTION, "reproduction": "no-such-program shop"}, "its run showed nothing"),
        (NO_PROOF, "not run"),
    ],
)
def test_how_sure_a_finding_is_is_what_the_server_saw(agent: WorkflowAgent, proof: dict[str, str], stands: str) -> None:
    agent.record(FINDING, **proof)

    assert f"V1 critical, {stands}: The name of an item" in "\n".join(agent.status().state)


def test_a_reproduction_that_waited_for_consent_is_run_once_a_person_agreed(tmp_path: Path) -> None:
    agent = opened(WorkflowAgent(shop(tmp_path / "repo"), "security", allow_commands=False))
    agent.record(FINDING)
    waiting = "\n".join(agent.status().state)
    agent.allow_commands = True
    agent.restart()

    ran = "\n".join(agent.run().state)

    assert "1 reproductions wait for a person's consent" in waiting
    assert "V1 critical, not run" in waiting
    assert "V1 critical, shown" in ran
    assert agent.handoff(agent.close(why="enough"))["findings"][0]["confirmed"]


def test_without_consent_a_run_runs_nothing_and_says_so(tmp_path: Path) -> None:
    project = shop(tmp_path / "repo").write("Makefile", "audit:\n\ttouch ran.txt\n").commit("an audit")
    agent = opened(WorkflowAgent(project, "security", allow_commands=False))

    agent.run()
    closed = agent.close(why="enough")

    assert not (project.root / "ran.txt").exists()
    assert "`make audit`: not run: nobody agreed to it" in agent.file(closed, "overview.md")


def test_lines_in_the_form_of_a_secret_are_pointed_at_and_never_shown(tmp_path: Path) -> None:
    project = shop(tmp_path / "repo").write("key.py", '# ours\nkey = "AKIAIOSFODNN7EXAMPLE"\n').commit("oh")
    agent = WorkflowAgent(project, "security")

    state = "\n".join(agent.open().state)
    closed = agent.close(why="enough")

    assert "Lines in the form of a known secret: key.py:2." in state
    assert "`key.py:2`" in agent.file(closed, "overview.md")
    assert not any("AKIA" in project.read(file) for file in closed.files)


def test_what_debugging_found_is_settled_by_the_audit_that_follows_and_goes_on_to_fix(tmp_path: Path) -> None:
    project = shop(tmp_path / "repo")
    first = WorkflowAgent(project, "debug")
    first.open(chain="security, fix")
    place = {"location": "shop/db.py:5", "quote": INJECTED}
    first.record({"kind": "hypothesis", **place, "claim": "quotes end the text", "seen": "all rows",
                  "experiment": "searched for a quote", "outcome": "confirmed", **INJECTION})  # fmt: skip
    first.record({"kind": "finding", **place, "summary": "An injection through the name", "hypothesis": "H1", "severity": "high",
                  "root_cause": "text in a query", "impact": "everybody"})  # fmt: skip
    handed = first.close()
    project.now += 60
    agent = WorkflowAgent(project, "security")

    state = "\n".join(opened(agent).status().state)
    taken = agent.record(FINDING, upstream=f"{handed.ledger}#F1", severity="low")
    closed = agent.close(why="enough")

    assert handed.next_prompts[0].takes == ("F1",)
    assert f"{handed.ledger}#F1 (high) An injection through the name" in state
    assert taken.settled == f"{handed.ledger}#F1 as confirmed"
    assert [(step.prompt, step.takes) for step in closed.next_prompts] == [("fix", ("V1",))]


# --- The gate --------------------------------------------------------------------------------------------------------


def test_a_ledger_with_a_finding_at_the_gate_ends_as_failed_however_early(tmp_path: Path) -> None:
    agent = opened(WorkflowAgent(shop(tmp_path / "repo"), "security"), fail_on="high")
    agent.record(FINDING)
    assert agent.status().state[0] == "The gate fails: 1 at or above high: V1 critical."

    closed = agent.close(why="out of time")

    assert closed.status == "failed"
    assert agent.handoff(closed)["status"] == "failed"
    assert "**Gate at high: failed because of V1.**" in agent.file(closed, "overview.md")


def test_a_ledger_without_one_passes(tmp_path: Path) -> None:
    agent = opened(WorkflowAgent(shop(tmp_path / "repo"), "security"), fail_on="critical")
    covered(agent)
    agent.record(FINDING, severity="high")

    closed = agent.close()

    assert closed.status == "complete"
    assert "**Gate at critical: passed.**" in agent.file(closed, "overview.md")


def test_what_was_shown_is_not_gone_when_its_line_is_written_otherwise_and_its_proof_broken(tmp_path: Path) -> None:
    agent = opened(WorkflowAgent(shop(tmp_path / "repo"), "security"))
    agent.record(FINDING)
    name = f"{agent.close(why='enough').ledger}#V1"
    other = "def search(link, text):\n    return link.execute('SELECT * FROM item WHERE name = ' + repr(text))\n"
    agent.project.write("shop/db.py", other).commit("renamed")
    agent.project.now += 60
    agent.open()

    closed = agent.close(why="enough")

    assert [one["id"] for one in agent.handoff(closed)["findings"]] == [name]


def test_an_audit_of_another_scope_lets_the_gate_forget_nothing(tmp_path: Path) -> None:
    agent = opened(WorkflowAgent(shop(tmp_path / "repo"), "security"))
    gate = ["--root", str(agent.project.root), "--allow-commands", "gate"]
    assert agent.taken(FINDING, HELD).text().count("their author's word") == 1
    agent.close()
    agent.project.now += 60
    agent.project.write("shop/db.py", MENDED).commit("mended")
    agent.open()
    for item in (SEARCH | {"location": "shop/db.py:1"}, CLEARED | {"boundary": "B1"}):
        agent.record(item)
    agent.close()
    assert main(gate) == 0
    other = "def search(link, text):\n    return link.execute('SELECT * FROM item WHERE name = ' + repr(text))\n"
    agent.project.write("shop/db.py", other).commit("another name")
    agent.project.now += 60
    agent.open(scope=["shop/cart.py"])
    agent.record(CHECKOUT)
    agent.record(CLEARED, boundary="B1")

    assert agent.close().status == "complete"

    assert main(gate) == 2


def test_an_audit_on_a_new_branch_takes_over_what_the_last_one_left_open(tmp_path: Path) -> None:
    agent = opened(WorkflowAgent(shop(tmp_path / "repo"), "security"))
    agent.record(FINDING)
    closed = agent.close(why="enough")
    gate = ["--root", str(agent.project.root), "--allow-commands", "gate", "--fail-on", "high"]
    agent.project.git("switch", "--quiet", "--create", "other")
    agent.project.now += 60

    state = "\n".join(agent.open(goal="a new leaf").state)

    assert f"Last audit: {closed.ledger}, 1 findings left open." in state
    assert main(gate) == 1
    agent.close(why="nothing there")
    assert main(gate) == 1


def test_what_was_recorded_wrongly_is_withdrawn_and_recorded_anew(agent: WorkflowAgent) -> None:
    agent.record(FINDING, **NO_PROOF)
    assert "V1 already stands" in agent.refused(Code.DUPLICATE, FINDING, **NO_PROOF)

    taken = agent.record({"kind": "withdrawal", "item": "V1", "reason": "without its experiment"})

    assert (taken.id, taken.title) == ("W1", "V1 withdrawn: without its experiment")
    assert agent.record(FINDING).id == "V2"
    shown = {"kind": "withdrawal", "item": "V2", "reason": "it is in the way of the gate"}
    assert "The server saw V2 shown" in agent.refused(Code.EVIDENCE, shown)
    assert "V1 withdrawn: without its experiment" in agent.status().state
    closed = agent.close(why="enough")
    assert [one["id"] for one in agent.handoff(closed)["findings"]] == ["V2"]
    assert ": without its experiment" in agent.file(closed, "summary.md")


def test_what_showed_nothing_is_recorded_again_with_a_better_experiment_and_takes_no_round_more(
    tmp_path: Path,
) -> None:
    agent = opened(WorkflowAgent(shop(tmp_path / "repo"), "security"), iterations=2)
    agent.record(FINDING, fails_with="all rows came back")
    assert "V1: exit 1 when the server ran it, without the words" in "\n".join(agent.status().state)

    assert agent.record(FINDING).classified == "shown"

    agent.record(CLEARED)
    closed = agent.close()
    assert "V2 has a better experiment" in agent.file(closed, "summary.md")
    assert [one["id"] for one in agent.handoff(closed)["findings"]] == ["V2"]


def test_a_proof_that_passes_while_its_line_still_stands_is_no_plain_mend(agent: WorkflowAgent) -> None:
    again(agent)
    special = "def find(link, name):\n    if name == 'x':\n        return link.execute('SELECT 1', ())\n"
    text = agent.project.read("shop/db.py").replace("def find(link, name):\n", special)
    agent.project.write("shop/db.py", text).commit("nobody is called x")

    state = "\n".join(agent.open().state)

    assert "its proof passes, and the line quoted still stands: look" in state


# --- The whole run ---------------------------------------------------------------------------------------------------


def test_an_audit_goes_to_its_end_over_a_new_server_and_leaves_complete_files(agent: WorkflowAgent) -> None:
    agent.record(FINDING)
    before = agent.status()
    agent.restart()
    assert agent.status() == before
    covered(agent)

    closed = agent.close()

    assert closed.status == "complete"
    assert closed.next_prompts[0].prompt == "fix"
    assert closed.next_prompts[0].takes == ("V1",)
    page = agent.file(closed, "overview.md")
    for part in (
        "# Security audit: everything",
        "There is no earlier audit on this branch",
        "## V1: The name of an item becomes part of the query",
        "critical, shown, new; CWE-89, STRIDE tampering.",
        "exit 1 when the server ran it",
        "**Mitigation.** Pass the name as a parameter.",
        "- **B1** a name that a visitor typed, into a query, at `shop/db.py:4`. Behind it: every item.",
        "put together at run time is not seen",
    ):
        assert part in page
    assert {Path(name).name for name in closed.files} == {"summary.md", "overview.md", "security.sarif", "handoff.json"}


def test_the_sarif_log_is_valid_and_says_what_code_hosts_read(agent: WorkflowAgent) -> None:
    agent.record(FINDING)
    agent.record(FINDING, severity="low", tags="", **NO_PROOF,
                location="shop/cart.py:5-6", quote="def count(items):\n    return len(items) - 1", boundary="B2",
                summary="A basket counts one item too few")  # fmt: skip

    run = validated(agent, agent.close(why="enough"))

    rules = run["tool"]["driver"]["rules"]
    assert [(rule["id"], rule["properties"]["security-severity"]) for rule in rules] == [
        ("security-critical", "9.5"),
        ("security-low", "2.0"),
    ]
    assert all("security" in rule["properties"]["tags"] and rule["help"]["markdown"] for rule in rules)
    worst, least = run["results"]
    assert (worst["level"], least["level"]) == ("error", "note")
    place = least["locations"][0]["physicalLocation"]
    assert place["artifactLocation"] == {"uri": "shop/cart.py", "uriBaseId": "%SRCROOT%"}
    assert (place["region"]["startLine"], place["region"]["endLine"]) == (5, 6)
    assert worst["properties"]["tags"] == ["external/cwe/cwe-89", "STRIDE tampering"]
    assert rules[worst["ruleIndex"]]["id"] == worst["ruleId"]


# --- The last audit --------------------------------------------------------------------------------------------------


MENDED = 'def find(link, name):\n    return link.execute("SELECT * FROM item WHERE name = ?", (name,))\n'
MOVED = {**INJECTION, "reproduction": INJECTION["reproduction"].replace("shop.db", "shop.store")}


def again(agent: WorkflowAgent, **changed: object) -> WorkflowAgent:
    """A second audit after one that found the injection."""
    agent.record(FINDING, **changed)
    agent.close(why="enough")
    agent.project.now += 60
    return agent


def test_a_finding_is_the_same_when_its_lines_moved_and_its_alert_stays(agent: WorkflowAgent) -> None:
    again(agent)
    first = validated(agent, agent.close())["results"][0]["partialFingerprints"]
    text = agent.project.read("shop/db.py")
    agent.project.write("shop/db.py", f"# a comment\n\n{text}").commit("moved")
    agent.open()
    agent.record(SEARCH, location="shop/db.py:6")

    agent.record(FINDING, location="shop/db.py:7", summary="Anything can be put into the query", quote="link.execute(f\"SELECT * FROM item")  # fmt: skip
    closed = agent.close(why="enough")

    assert "critical, shown, recurring, known as security-" in agent.file(closed, "overview.md")
    assert "| recurring | security-" in agent.file(closed, "overview.md")
    assert validated(agent, closed)["results"][0]["partialFingerprints"] == first
    assert validated(agent, closed)["results"][0]["properties"]["comparison"] == "recurring"


def test_a_fingerprint_is_of_the_file_the_kind_and_the_code_and_not_of_its_spacing() -> None:
    one = fingerprint("a.py", "bug", "if x:\n    run(x)")

    assert fingerprint("a.py", "bug", "  if x:\n\trun(x)") == one
    others = {
        fingerprint("b.py", "bug", "if x: run(x)"),
        fingerprint("a.py", "security", "if x: run(x)"),
        fingerprint("a.py", "bug", "if y: run(x)"),
    }
    assert len({one, *others}) == 4


def test_what_the_last_audit_said_and_is_gone_counts_as_fixed(agent: WorkflowAgent) -> None:
    again(agent, **NO_PROOF)
    agent.project.write("shop/db.py", "import sqlite3\n").commit("no search any more")
    agent.open()

    overview = agent.file(agent.close(why="enough"), "overview.md")

    assert "| gone from the code | security-" in overview


def test_a_finding_is_followed_to_the_file_that_its_code_moved_to(agent: WorkflowAgent) -> None:
    again(agent)
    agent.project.git("mv", "shop/db.py", "shop/store.py")
    agent.project.commit("another name")

    opened_again = agent.open()
    agent.record(SEARCH, location="shop/store.py:4")
    assert any("still stands at shop/store.py:5" in line for line in agent.status().missing)
    agent.record(FINDING, location="shop/store.py:5", **MOVED)

    assert "#V1 of the last audit: unsettled" in "\n".join(opened_again.state)
    assert "#V1 of the last audit: recurring" in "\n".join(agent.status().state)


CLEARED_AGAIN = {
    **CLEARED,
    "boundary": "B1",
    "location": "shop/db.py:5",
    "quote": INJECTED,
    "tried": "sent quotes in a name",
}


def test_what_still_stands_is_not_forgotten_and_no_word_clears_what_still_fails(agent: WorkflowAgent) -> None:
    again(agent)
    name = f"{agent.status().ledger}#V1"
    opened(agent)
    covered(agent)

    assert f"{name} still stands: `python3 -c " in agent.refused(Code.EVIDENCE, CLEARED_AGAIN, upstream=name)
    agent.record(CLEARED_AGAIN)
    closed = agent.close()

    assert "| still shown | security-" in agent.file(closed, "overview.md")
    assert [one["id"] for one in agent.handoff(closed)["findings"]] == [name]


def test_what_was_shown_is_not_played_down_by_recording_it_again(agent: WorkflowAgent) -> None:
    again(agent)
    name = f"{agent.status().ledger}#V1"
    opened(agent)

    agent.record(FINDING, severity="info", **NO_PROOF)
    played_down = agent.handoff(agent.close(why="enough"))["findings"]

    assert [(one["id"], one["severity"]) for one in played_down] == [("V1", "info"), (name, "critical")]


def test_what_its_own_proof_shows_mended_is_fixed_without_a_word(agent: WorkflowAgent) -> None:
    again(agent)
    agent.project.write("shop/db.py", f"import sqlite3\n\n\n{MENDED}").commit("a parameter")

    opened_again = opened(agent)
    agent.record(CLEARED)
    agent.record(CLEARED_AGAIN, quote='return link.execute("SELECT * FROM item WHERE name = ?", (name,))')
    closed = agent.close()

    assert "#V1 of the last audit: fixed" in "\n".join(opened_again.status().state)
    assert "| fixed | security-" in agent.file(closed, "overview.md")
    assert agent.handoff(closed)["findings"] == []


def test_what_nobody_had_shown_may_be_cleared_by_reading(agent: WorkflowAgent) -> None:
    agent.record(FINDING, **NO_PROOF)
    name = f"{agent.close(why='enough').ledger}#V1"
    agent.project.now += 60
    opened(agent)

    taken = agent.record(CLEARED_AGAIN, upstream=name)
    closed = agent.close(why="enough")

    assert taken.settled == ""
    assert "| cleared by reading | security-" in agent.file(closed, "overview.md")


def test_what_was_shown_and_cannot_be_run_any_more_is_not_cleared_by_a_word(agent: WorkflowAgent) -> None:
    again(agent)
    name = f"{agent.status().ledger}#V1"
    agent.project.write("shop/db.py", agent.project.read("shop/db.py").replace("def find", "def search")).commit(
        "renamed"
    )
    agent.open()
    agent.record(SEARCH, quote="def search(link, name):")

    agent.record(CLEARED_AGAIN, upstream=name)
    closed = agent.close(why="enough")

    assert "| carried over | security-" in agent.file(closed, "overview.md")
    assert [one["id"] for one in agent.handoff(closed)["findings"]] == [name]


def test_an_audit_of_what_changed_looks_at_those_files_and_carries_the_rest_over(agent: WorkflowAgent) -> None:
    again(agent)
    agent.project.write("shop/cart.py", "def total(prices, discount):\n    return 1\n").commit("cheap")

    state = "\n".join(agent.open(diff=True).state)
    agent.record(CHECKOUT)
    agent.record(CLEARED, boundary="B1", quote="return 1")
    assert agent.status().missing == []
    closed = agent.close()

    assert "Changed since: shop/cart.py." in state
    assert "| still shown | security-" in agent.file(closed, "overview.md")
    assert closed.status == "complete"
    agent.project.now += 60
    assert "1 findings left open" in "\n".join(agent.open().state)


def test_without_an_earlier_audit_everything_is_looked_at(tmp_path: Path) -> None:
    agent = WorkflowAgent(shop(tmp_path / "repo"), "security")

    answer = agent.open(diff=True)

    assert "There is no earlier audit on this branch to compare with" in "\n".join(answer.state)


def test_an_audit_of_what_changed_may_end_at_once_when_nothing_did(agent: WorkflowAgent) -> None:
    again(agent)
    agent.open(diff=True)

    assert agent.close().status == "complete"
