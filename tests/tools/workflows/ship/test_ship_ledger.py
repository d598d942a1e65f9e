"""Shipping, from the checklist to the look afterwards: nothing leaves without a person's yes to exactly that."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any, Literal

import pytest
from mcp import Client
from mcp.types import ElicitRequestParams, ElicitResult

from autoresearch_mcp.server.app import build_server
from autoresearch_mcp.tools.errors import Code, Refusal
from autoresearch_mcp.tools.lab.access import Lab
from autoresearch_mcp.tools.verbs.planning import wanted_commands
from autoresearch_mcp.tools.verbs.workflows import known_values
from autoresearch_mcp.tools.workflows.ci_gate import GateDemands, gate_checks
from autoresearch_mcp.tools.workflows.ship.approval import approve_shipment, waiting_shipment
from autoresearch_mcp.tools.workflows.ship.checks.checklists import ShipType
from autoresearch_mcp.tools.workflows.status import WorkflowAnswer
from comparing import LIGHT
from conftest import Project
from ledgers import GREEN_HOOK, WorkflowAgent, shop

ROLLBACK = {"kind": "rollback", "how": "git revert topic"}
REHEARSAL = {"kind": "dry-run", "run": "git push --dry-run . HEAD:refs/heads/pushed"}
SHIPPED = {"kind": "shipped", "how": "pushed by hand"}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A shop whose cart was mended on a branch; its tests pass."""
    project = shop(tmp_path / "repo")
    project.git("checkout", "-q", "-b", "topic")
    project.write("Makefile", "test:\n\tpython3 test_cart.py\n")
    return project.write("shop/cart.py", "def count(items):\n    return len(items)\n").commit("Count every item")


@pytest.fixture
def agent(project: Project) -> WorkflowAgent:
    """A ledger that is open."""
    made = WorkflowAgent(project, "ship")
    made.open(goal="the cart counts right", type="code-pr")
    return made


def ready(agent: WorkflowAgent) -> str:
    """Everything but the approval; returns the digest that a person would approve of."""
    agent.run()
    for item in (ROLLBACK, REHEARSAL):
        agent.record(item)
    waiting = waiting_shipment(Lab(agent.project.root))
    assert waiting is not None
    return waiting.digest


def approve(agent: WorkflowAgent) -> None:
    """A person says yes."""
    lab = Lab(agent.project.root, clock=lambda: agent.project.now)
    waiting = waiting_shipment(lab)
    assert waiting is not None
    approve_shipment(lab, waiting.digest, "in a terminal")


def line_of(answer: WorkflowAnswer, name: str) -> str:
    """What the state says of a check; empty where it holds."""
    return next((line for line in answer.state if f" {name}: " in line), "")


# --- Tests that say nothing ------------------------------------------------------------------------------------------

ROWS = "def rows():\n    return 1\n"
ROWS_TEST = "from shop.rows import rows\n\n\ndef test_rows():\n    assert rows() == 2\n"


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"test_rows.py": "import pytest\nfrom shop.rows import rows\n\n\n@pytest.mark.xfail\ndef test_rows():\n    assert rows() == 2\n"}, "blocker same-tests: not as at main: 1"),
        ({"shop/rows.py": "HOOK"}, "blocker tests: green although the test raises: test_rows::test_rows"),
    ],
    ids=["xfail", "hook"],
)  # fmt: skip
def test_a_red_test_that_is_green_without_being_mended_blocks(
    tmp_path: Path, changes: dict[str, str], told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    project = Project(tmp_path / "repo").write("Makefile", f"test:\n\tpython3 -m pytest -q {LIGHT}\n")
    project.write("shop/rows.py", ROWS).write("test_rows.py", ROWS_TEST).commit("a red test")
    project.git("checkout", "-q", "-b", "topic")
    for path, text in changes.items():
        project.write(path, ROWS + GREEN_HOOK if text == "HOOK" else text)
    project.commit("all green")
    agent = WorkflowAgent(project, "ship")
    agent.open(type="code-pr")

    assert told in line_of(agent.run(), told.split()[1].rstrip(":"))


# --- The door --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "item", "told"),
    [
        (Code.SECRET, {**ROLLBACK, "how": "use AKIAIOSFODNN7EXAMPLE"}, "`how` holds a secret"),
        (Code.MISSING_FIELD, {"kind": "dry-run"}, "Give `run`, a command; or `note`"),
        (Code.EVIDENCE, {"kind": "dry-run", "run": "true && echo done"}, "rehearses nothing"),
        (Code.EVIDENCE, {"kind": "dry-run", "run": "git push --dry-run || true"}, "whatever comes of `git`"),
        (Code.EVIDENCE, {"kind": "dry-run", "run": "git push --dry-run; echo done"}, "whatever comes of `git`"),
        (Code.EVIDENCE, {"kind": "dry-run", "run": "git push --dry-run | cat"}, "whatever comes of `git`"),
        (Code.EVIDENCE, {"kind": "dry-run", "run": "ls"}, "starts nothing that could fail"),
        (Code.EVIDENCE, {"kind": "dry-run", "run": "git --version"}, "starts nothing that could fail"),
        (Code.EVIDENCE, {"kind": "dry-run", "run": "bash -c 'exit 0'"}, "starts nothing that could fail"),
        (Code.EVIDENCE, {**REHEARSAL, "arrival": "git rev-parse HEAD"}, "passes already, so it shows no arrival"),
        (Code.BAD_ARGUMENT, {"kind": "dry-run", "run": "npm publish"}, "it publishes something. Use its dry run"),
        (Code.APPROVAL_NEEDED, SHIPPED, "the checklist: call workflow with `run`"),
        (Code.BAD_ARGUMENT, {**SHIPPED, "verified": "yes"}, "The server fills in verified"),
        (Code.OUT_OF_ORDER, {"kind": "rolled-back", "how": "reverted"}, "Nothing was shipped"),
        (Code.BAD_ARGUMENT, {"kind": "approved", "digest": "0"}, "`kind` has to be one of rollback, dry-run"),
    ],
)  # fmt: skip
def test_what_is_not_so_is_refused_with_a_cure(
    agent: WorkflowAgent, code: Code, item: dict[str, Any], told: str
) -> None:
    assert told in agent.refused(code, item)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"monitor": 5}, "`monitor` needs `health`"),
        ({"health": "npm publish"}, "is not run here: it publishes something"),
        ({"health": "curl -f localhost || true"}, "never fails"),
        ({"base": "nowhere"}, "git knows no commit 'nowhere'"),
        ({"base": "--all"}, "git knows no commit '--all'"),
        ({"type": "rocket"}, "type"),
        ({"monitor": 121, "health": "true"}, "monitor"),
        ({"approved": True}, "is not known here"),
    ],
)
def test_a_ledger_is_not_opened_with_what_cannot_be(project: Project, options: dict[str, Any], told: str) -> None:
    with pytest.raises(Refusal) as refused:
        WorkflowAgent(project, "ship").open(**options)

    assert told in refused.value.message
    assert refused.value.code is Code.BAD_ARGUMENT


@pytest.mark.parametrize(
    "options", [{"force": True}, {"approve": True}, {"monitor": False}, {"monitor": True, "approve": "x"}]
)
def test_run_takes_nothing_else(agent: WorkflowAgent, options: dict[str, Any]) -> None:
    with pytest.raises(Refusal, match="`run` does not take"):
        agent.run(**options)


# --- The checklist ---------------------------------------------------------------------------------------------------


def test_the_server_runs_the_checklist_and_counts(agent: WorkflowAgent) -> None:
    answer = agent.run()

    assert answer.coverage == ["checks made 8/8", "passed 8/8"]
    assert answer.scores == {}
    assert not (agent.project.root / answer.folder / "pull-request.md").exists(), "no ledger tells of the work"


def test_planted_faults_are_each_found_at_their_place(agent: WorkflowAgent) -> None:
    key = "AKIA" + "Q3EGVXYZ2ABCDEF7"
    agent.project.write("shop/new.py", f'KEY = "{key}"\n# TODO: hide it\nbreakpoint()\n<<<<<<< HEAD\n')
    agent.project.write("shop/cart.py", "def count(items):\n    return 0\n").commit("worse")

    told = "\n".join(agent.run().state)

    for place in (
        "shop/new.py:1 [masked: AWS key id]",
        "shop/new.py:2 TODO",
        "shop/new.py:3 breakpoint()",
        "shop/new.py:4",
    ):
        assert place in told
    assert "[ ] blocker tests: `make test`: exit 2" in told
    assert "AssertionError" in told
    assert key not in told


def test_what_is_not_committed_is_not_shipped_and_not_tested(agent: WorkflowAgent) -> None:
    agent.project.write("shop/cart.py", "def count(items):\n    return len(items) + 0\n")

    answer = agent.run()

    assert "shop/cart.py is not committed" in "\n".join(answer.state)
    assert "what would be tested is not what is committed" in line_of(answer, "tests")


def test_what_git_was_told_not_to_look_at_is_taken_for_edited(agent: WorkflowAgent) -> None:
    agent.project.git("update-index", "--assume-unchanged", "shop/cart.py")
    agent.project.write("shop/cart.py", "def count(items):\n    return len(items) + 0\n")
    agent.project.write(".git/info/exclude", "conftest.py\n").write("conftest.py", "import shop\n")

    answer = agent.run()

    assert "shop/cart.py is not committed" in "\n".join(answer.state)
    assert "conftest.py is not committed" in "\n".join(answer.state)
    assert "what would be tested is not what is committed" in line_of(answer, "tests")


def test_a_command_that_changes_files_leaves_nothing_to_ship(agent: WorkflowAgent) -> None:
    agent.project.write("Makefile", "test:\n\techo '# formatted' >> shop/cart.py\n").commit("a test that formats")

    answer = agent.run()

    assert "the project's commands change it" in line_of(answer, "clean")
    assert "shop/cart.py was changed by a check" in "\n".join(answer.state)


def test_a_command_that_nobody_agreed_to_is_not_run_and_blocks(project: Project) -> None:
    agent = WorkflowAgent(project, "ship", allow_commands=False)
    agent.open(type="code-pr")

    answer = agent.run()

    assert line_of(answer, "tests").startswith("[?] blocker tests: not run: nobody agreed to `make test`.")
    assert wanted_commands(Lab(project.root)) == ("make test",)


def test_a_tool_that_is_not_there_is_told_as_such_and_finds_nothing(agent: WorkflowAgent) -> None:
    agent.project.write("Makefile", "test:\n\tpython3 -m no_such_runner\n").commit("a runner that nobody installed")

    tests = line_of(agent.run(), "tests")

    assert tests.startswith("[?] blocker tests: not run: `make test`: not installed (")
    assert "No module named no_such_runner" in tests


def test_a_test_that_fails_and_passes_at_the_same_commit_is_told_as_such(agent: WorkflowAgent) -> None:
    flaky = "test:\n\ttest -e .git/again || { touch .git/again; exit 1; }\n"
    agent.project.write("Makefile", flaky).commit("a test that depends on the moon")
    assert "exit 2" in line_of(agent.run(), "tests")

    agent.run()
    closed = agent.close(why="looked")

    assert "it FAILED 1 times before at this very commit" in agent.file(closed, "checklist.md")


def test_code_is_looked_at_as_code_whatever_it_is_called(project: Project) -> None:
    project.write("shop/cart.py", "def count(items):\n    return 0\n").commit("worse")
    agent = WorkflowAgent(project, "ship")
    agent.open(type="content", base="main")

    assert "`make test`: exit" in line_of(agent.run(), "tests")


def test_code_without_tests_needs_force(project: Project) -> None:
    project.git("rm", "-q", "test_cart.py", "Makefile")
    project.commit("no tests")
    agent = WorkflowAgent(project, "ship")
    agent.open(type="code-pr")

    assert line_of(agent.run(), "tests").startswith("[ ] required tests: no test command was found")


def test_a_change_that_nobody_can_review_is_blocked(agent: WorkflowAgent) -> None:
    agent.project.write("shop/long.py", "a = 1\n" * 792).commit("long")

    assert line_of(agent.run(), "size").startswith("[ ] blocker size: 800 lines")


def test_a_branch_that_conflicts_with_its_base_is_blocked(agent: WorkflowAgent) -> None:
    agent.project.git("checkout", "-q", "main")
    agent.project.write("shop/cart.py", "def count(items):\n    return -1\n").commit("meanwhile")
    agent.project.git("checkout", "-q", "topic")
    agent.close(why="main moved")
    agent.open(type="code-pr")

    assert line_of(agent.run(), "merges") == "[ ] blocker merges: it conflicts with main"


def test_what_an_earlier_ledger_left_over_blocks_until_its_own_proof_passes(project: Project) -> None:
    debug = WorkflowAgent(project, "debug")
    debug.open(chain="ship")
    place = {"location": "shop/cart.py:2", "quote": "return len(items)"}
    hypothesis = {
        "kind": "hypothesis", **place, "claim": "count is wrong for generators", "experiment": "called it", "seen": "a TypeError", "outcome": "confirmed",
        "reproduction": "python3 -c 'from shop.cart import count; count(iter([]))'", "fails_with": "TypeError",
        "control": "python3 -c 'from shop.cart import count; count([])'",
    }  # fmt: skip
    debug.record(hypothesis)
    finding = {
        "kind": "finding", **place, "summary": "Generators cannot be counted", "hypothesis": "H1", "severity": "high",
        "root_cause": "len", "impact": "some",
    }  # fmt: skip
    debug.record(finding)
    first = debug.close()
    agent = WorkflowAgent(project, "ship")
    agent.open(type="code-pr")
    assert line_of(agent.run(), "upstream") == "[ ] blocker upstream: findings of debug: 1"

    debug.open(goal="again")
    said = {**hypothesis, "outcome": "disproven", "upstream": f"{first.ledger}#F1"}
    denied = {**said, "reproduction": said["control"], "control": said["reproduction"]}
    assert "F1 still stands" in debug.refused(Code.EVIDENCE, denied)

    project.write("shop/cart.py", project.read("shop/cart.py").replace("len(items)", "len(list(items))")).commit("mend")
    fix = WorkflowAgent(project, "fix")
    fix.open(after=first.ledger)
    fix.run()
    fix.close()

    assert line_of(agent.run(), "upstream") == ""


# --- Approval --------------------------------------------------------------------------------------------------------


def test_no_argument_of_an_agent_is_a_persons_yes(agent: WorkflowAgent) -> None:
    digest = ready(agent)

    for said in (digest, digest[:12], "yes"):
        with pytest.raises(Refusal) as refused:
            agent.run(approve=said)
        assert refused.value.code is Code.APPROVAL_NEEDED
        assert "`autoresearch-mcp approve` in a terminal" in refused.value.message
    assert "No person approved of this" in agent.refused(Code.APPROVAL_NEEDED, SHIPPED)


def test_what_a_person_approved_of_can_be_shipped(agent: WorkflowAgent) -> None:
    ready(agent)
    approve(agent)

    assert agent.run(approve="whatever").missing == ["shipping it, and recording `shipped`: what was done, and the tag, branch or command that shows it"]  # fmt: skip
    agent.project.git("branch", "pushed", "main")
    assert "pushed stands at" in agent.refused(Code.EVIDENCE, SHIPPED, branch="pushed")
    agent.project.git(
        "branch", "-f", "pushed", agent.project.git("commit-tree", "-p", "topic", "-m", "merged", "topic^{tree}")
    )
    assert agent.record(SHIPPED, branch="pushed").classified.startswith("pushed, here, holds ")
    assert agent.close().status == "complete"


@pytest.mark.parametrize(
    ("name", "item"),
    [
        ("another rollback", {**ROLLBACK, "how": "restore the backup"}),
        ("another dry run", {"kind": "dry-run", "note": "read the diff"}),
    ],
)
def test_an_approval_is_void_when_what_it_rests_on_changes(
    agent: WorkflowAgent, name: str, item: dict[str, Any]
) -> None:
    ready(agent)
    approve(agent)

    agent.record(item)

    assert "What was approved before was something else" in agent.refused(Code.APPROVAL_NEEDED, SHIPPED)


def test_an_approval_is_void_after_a_new_commit_and_stands_after_the_same_checklist_again(agent: WorkflowAgent) -> None:
    ready(agent)
    approve(agent)
    agent.run()
    assert "Approved in a terminal, 2023-11-14T22:13:20+00:00." in agent.status().state

    agent.project.write("shop/more.py", "a = 1\n").commit("one more thing")
    assert "what was approved is" in agent.refused(Code.APPROVAL_NEEDED, SHIPPED)
    agent.run()
    assert "a dry-run of this commit" in agent.refused(Code.APPROVAL_NEEDED, SHIPPED)
    agent.record(REHEARSAL)
    assert "No person approved of this" in agent.refused(Code.APPROVAL_NEEDED, SHIPPED)


def test_a_yes_to_something_that_has_changed_since_is_not_written_down(agent: WorkflowAgent) -> None:
    shown = ready(agent)
    agent.record(ROLLBACK, how="something else")

    with pytest.raises(Refusal, match="it has changed since it was shown"):
        approve_shipment(Lab(agent.project.root), shown, "in a terminal")


def test_a_yes_does_not_count_for_a_commit_that_was_not_checked(agent: WorkflowAgent) -> None:
    shown = ready(agent)
    agent.project.write("shop/more.py", "a = 1\n").commit("one more thing")

    assert waiting_shipment(Lab(agent.project.root)) is None
    with pytest.raises(Refusal, match="HEAD has moved"):
        approve_shipment(Lab(agent.project.root), shown, "in a terminal")


@pytest.mark.parametrize("force", [False, True])
def test_force_lets_a_person_approve_of_what_is_required_and_never_of_a_blocker(project: Project, force: bool) -> None:
    project.write("Makefile", "test:\n\tpython3 test_cart.py\nlint:\n\tfalse\n").commit("a linter that complains")
    agent = WorkflowAgent(project, "ship")
    agent.open(type="code-pr", force=force)
    agent.run()
    for item in (ROLLBACK, REHEARSAL):
        agent.record(item)
    assert (waiting_shipment(Lab(project.root)) is not None) is force

    project.write("shop/cart.py", "def count(items):\n    return 0\n").commit("tests fail")
    agent.run()
    agent.record(REHEARSAL)

    assert waiting_shipment(Lab(project.root)) is None
    assert "blocker tests" in agent.refused(Code.APPROVAL_NEEDED, SHIPPED)


def test_the_way_back_and_a_rehearsal_that_went_well_come_first(agent: WorkflowAgent) -> None:
    agent.run()
    assert waiting_shipment(Lab(agent.project.root)) is None

    agent.record(ROLLBACK)
    agent.record(REHEARSAL, run="git push --dry-run nowhere HEAD")
    assert "D1 did not (exit 128)" in agent.refused(Code.APPROVAL_NEEDED, SHIPPED)

    agent.record(REHEARSAL)
    assert waiting_shipment(Lab(agent.project.root)) is not None


def test_what_differs_from_what_was_approved_is_no_evidence(agent: WorkflowAgent) -> None:
    ready(agent)
    approve(agent)
    agent.project.git("tag", "v1", "main")

    assert "git knows no v2 here" in agent.refused(Code.EVIDENCE, SHIPPED, tag="v2")
    assert "v1 stands at" in agent.refused(Code.EVIDENCE, SHIPPED, tag="v1")
    agent.project.write("shop/cart.py", "x = 1\n")
    assert "shop/cart.py differ from what was approved" in agent.refused(Code.EVIDENCE, SHIPPED)


Mode = Literal["auto", "legacy"]


async def _asked(
    project: Project, answer: ElicitResult | None, digest: str, mode: Mode
) -> tuple[dict[str, Any], list[str]]:
    asked: list[str] = []

    async def person(context: object, question: ElicitRequestParams) -> ElicitResult:
        assert answer is not None
        asked.append(question.message)
        return answer

    callback = None if answer is None else person
    async with Client(build_server(Lab(project.root)), elicitation_callback=callback, mode=mode) as client:  # type: ignore[arg-type]
        arguments = {"name": "ship", "action": "run", "options": {"approve": digest}}
        told = (await client.call_tool("workflow", arguments)).structured_content
    assert told is not None
    return told, asked


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.mark.anyio
@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_person_is_asked_through_the_client_and_a_yes_counts(agent: WorkflowAgent, mode: Mode) -> None:
    digest = ready(agent)
    yes = ElicitResult(action="accept", content={"ship": True})

    told, asked = await _asked(agent.project, yes, digest[:12], mode)

    assert "Approved in the client, " in "\n".join(told["state"])
    assert len(asked) == 1
    for part in (
        "code-pr: the cart counts right",
        digest[:12],
        "git revert topic",
        "make test",
        "Dry run: ok",
    ):
        assert part in asked[0]
    assert agent.record(SHIPPED).id == "S1"


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("answer", "times", "mode"),
    [
        (ElicitResult(action="decline"), 1, "legacy"),
        (ElicitResult(action="cancel"), 1, "auto"),
        (ElicitResult(action="accept", content={"ship": False}), 1, "auto"),
        (None, 0, "auto"),
    ],
    ids=["decline", "cancel", "no", "a client that cannot ask"],
)
async def test_anything_but_a_yes_is_none(
    agent: WorkflowAgent, answer: ElicitResult | None, times: int, mode: Mode
) -> None:
    digest = ready(agent)

    told, asked = await _asked(agent.project, answer, digest[:12], mode)

    assert (told["code"], len(asked)) == ("approval-needed", times)
    agent.refused(Code.APPROVAL_NEEDED, SHIPPED)


@pytest.mark.anyio
async def test_a_person_is_not_asked_about_another_checklist(agent: WorkflowAgent) -> None:
    ready(agent)

    for digest in ("", "0", "f" * 12, "f" * 64):
        told, asked = await _asked(agent.project, ElicitResult(action="accept", content={"ship": True}), digest, "auto")

        assert (told["code"], asked) == ("approval-needed", [])


@pytest.mark.parametrize(("typed", "status"), [("ship", 0), ("yes", 1)])
def test_a_person_approves_in_a_terminal_by_typing_the_word(agent: WorkflowAgent, typed: str, status: int) -> None:
    digest = ready(agent)

    shown, code = in_a_terminal(agent.project.root, f"{typed}\n")

    assert code == status
    assert digest[:12] in shown
    assert "To undo it: git revert topic" in shown
    told = [line for line in agent.status().state if line.startswith("Approved in a terminal (/dev/")]
    assert len(told) == (status == 0)
    assert all(Path("/proc/self/comm").read_text().strip() in line for line in told), "what opened the terminal"


def test_approving_needs_a_terminal(agent: WorkflowAgent) -> None:
    ready(agent)
    command = [sys.executable, "-m", "autoresearch_mcp.server", "--root", str(agent.project.root), "approve"]

    piped = subprocess.run(command, input="ship\n", capture_output=True, text=True, check=False)

    assert piped.returncode == 2
    agent.refused(Code.APPROVAL_NEEDED, SHIPPED)


def in_a_terminal(root: Path, typed: str) -> tuple[str, int]:
    """Run `approve` on a pseudo-terminal, type, and read what it shows."""
    command = [sys.executable, "-m", "autoresearch_mcp.server", "--root", str(root), "approve"]
    ours, theirs = pty.openpty()
    process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, close_fds=True)
    os.close(theirs)
    os.write(ours, typed.encode())
    shown = b""
    while True:
        try:
            part = os.read(ours, 4096)
        except OSError:
            break
        if not part:
            break
        shown += part
    os.close(ours)
    return shown.decode(), process.wait(timeout=120)


# --- Whole runs ------------------------------------------------------------------------------------------------------


def test_a_release_runs_to_its_end_and_leaves_files_that_read_well(tmp_path: Path) -> None:
    project = (
        shop(tmp_path / "repo").write("VERSION", "1.0.0\n").write("CHANGELOG.md", "# Changelog\n\n## 1.0.0\n- first\n")
    )
    project.write("Makefile", "test:\n\tpython3 -c 'import shop.cart'\n").commit("1.0.0")
    project.git("tag", "v1.0.0")
    project.write("VERSION", "1.1.0\n").commit("to be 1.1.0")
    agent = WorkflowAgent(project, "ship")
    opened = agent.open(goal="the next version", target="v1.1.0", chain="learn")
    assert opened.state[0] == "code-release (a manifest says another version than at the base), compared with v1.0.0."
    assert line_of(agent.run(), "changelog") == "[ ] required changelog: CHANGELOG.md has no entry for 1.1.0"

    project.write("CHANGELOG.md", "# Changelog\n\n## 1.1.0\n- more\n\n## 1.0.0\n- first\n").commit("tell what is new")
    agent.restart()
    project.now += 60
    agent.run()
    agent.record({"kind": "rollback", "how": "git tag -d v1.1.0"})
    arrives = "git rev-parse v1.1.0"
    agent.record({"kind": "dry-run", "run": "git push --dry-run . HEAD:refs/tags/v1.1.0", "arrival": arrives})
    agent.restart()
    approve(agent)
    project.git("tag", "-a", "-m", "1.1.0", "v1.1.0")
    project.now += 60
    taken = agent.record({"kind": "shipped", "how": "tagged", "tag": "v1.1.0", "check": arrives})
    closed = agent.close()

    head = project.git("rev-parse", "--short=7", "HEAD")
    assert taken.classified == f"v1.1.0 stands at {head}; its check failed before"
    assert closed.status == "complete"
    assert [step.prompt for step in closed.next_prompts] == ["learn"]
    assert Path(closed.folder).name.startswith("ship-")
    assert {Path(name).name for name in closed.files} == {"summary.md", "checklist.md", "handoff.json"}
    page = agent.file(closed, "checklist.md")
    for part in (
        "# Checklist: code-release of v1.1.0",
        "- [x] **version** All manifests say the same, new version: 1.1.0 in VERSION",
        "- [x] **tag** The tag is free, or stands at this commit: v1.1.0 is free",
        "    - command: `make test`",
        "## Rollback\n\ngit tag -d v1.1.0\n",
        "exit 0.",
        "Approved in a terminal, 20",
    ):
        assert part in page


# --- Endings ---------------------------------------------------------------------------------------------------------


def test_a_dry_run_ships_nothing_and_ends_as_one(project: Project) -> None:
    agent = WorkflowAgent(project, "ship")
    agent.open(type="code-pr", dry_run=True)
    with pytest.raises(Refusal, match="the checklist"):
        agent.close()
    agent.run()
    with pytest.raises(Refusal, match="a dry-run of this commit"):
        agent.close()
    agent.record(REHEARSAL, run="git push --dry-run nowhere HEAD")
    agent.record({"kind": "dry-run", "note": "read the diff"})
    writes = "text = open('shop/cart.py').read(); open('shop/cart.py', 'w').write(text); open('built.txt', 'w').close()"
    told = agent.record(REHEARSAL, run=f'python3 -c "{writes}"').lines()
    assert any(line.endswith("it left built.txt, which git does not have") for line in told)
    agent.record(REHEARSAL, run="git merge-tree --write-tree main topic")
    with pytest.raises(Refusal, match=r"D1 did not \(exit 128\)"):
        agent.close()

    assert agent.taken(REHEARSAL).step == "Nothing is missing: close it."
    assert "opened with `dry_run`" in agent.refused(Code.OUT_OF_ORDER, SHIPPED)
    assert waiting_shipment(Lab(project.root)) is None
    assert agent.close().status == "dry-run"


def test_a_checklist_alone_ends_with_what_is_to_be_mended(project: Project) -> None:
    project.write("shop/cart.py", "def count(items):\n    return 0\n").commit("broken")
    agent = WorkflowAgent(project, "ship")
    agent.open(type="code-pr", checklist_only=True)
    agent.run()

    closed = agent.close()

    assert closed.status == "dry-run"
    assert [step.prompt for step in closed.next_prompts] == ["fix"]
    findings = agent.handoff(closed)["findings"]
    assert [(one["id"], one["severity"], one["confirmed"]) for one in findings] == [("tests", "critical", True)]


def test_what_was_taken_back_ends_as_rolled_back(agent: WorkflowAgent) -> None:
    ready(agent)
    approve(agent)
    agent.record(SHIPPED)

    taken = agent.record({"kind": "rolled-back", "how": "it broke the till", "check": "test ! -e deployed"})

    assert taken.ran is not None
    assert taken.ran.exit_code == 0
    assert agent.close().status == "rolled-back"


def test_an_attempt_that_failed_ends_as_failed_and_may_be_made_again(agent: WorkflowAgent) -> None:
    ready(agent)
    approve(agent)
    agent.record(SHIPPED, failed=True, how="the registry said no")
    assert agent.status().missing == []

    agent.record(SHIPPED, check="test -e nothing")

    assert "S2 says that it was shipped" in agent.refused(Code.OUT_OF_ORDER, SHIPPED)
    assert agent.close().status == "failed"


@pytest.mark.parametrize(
    ("health", "looks", "failed", "ending"),
    [("test -e shop/cart.py", 1, 0, "complete"), ("test -e gone", 1, 1, "failed")],
)
def test_what_was_shipped_is_watched_if_that_was_asked_for(
    project: Project, health: str, looks: int, failed: int, ending: str
) -> None:
    agent = WorkflowAgent(project, "ship")
    agent.open(type="code-pr", monitor=0.5, health=health)
    with pytest.raises(Refusal, match="There is nothing to watch"):
        agent.run(monitor=True)
    ready(agent)
    approve(agent)
    agent.record(SHIPPED)
    with pytest.raises(Refusal, match="watching"):
        agent.close()

    told = "\n".join(agent.run(monitor=True).state)

    alert = f"ALERT: {failed} of {looks} looks failed"
    assert (f"Watched: {looks} looks, all well" in told) is not bool(failed)
    assert (alert in told and "To undo it: git revert topic" in told) is bool(failed)
    assert agent.close().status == ending


def test_watching_goes_on_every_so_often_and_gives_up_after_three_failures_in_a_row(project: Project) -> None:
    agent = WorkflowAgent(project, "ship")
    agent.open(type="code-pr", monitor=1, every=1, health="echo x >> .git/looks; test $(wc -l < .git/looks) -lt 3")
    ready(agent)
    approve(agent)
    agent.record(SHIPPED)

    told = "\n".join(agent.run(monitor=True).state)

    assert "ALERT: 3 of 5 looks failed" in told
    assert project.read(".git/looks").count("x") == 5


def test_a_deployment_is_asked_for_its_health(project: Project) -> None:
    agent = WorkflowAgent(project, "ship")
    agent.open(type="deployment")
    assert line_of(agent.run(), "health").startswith("[ ] required health: the ledger was opened without")
    agent.close(why="once more")

    agent.open(type="deployment", health="test -e gone")
    assert line_of(agent.run(), "health") == "[ ] required health: `test -e gone`: exit 1"


def test_a_gate_holds_a_blocker_against_the_branch(agent: WorkflowAgent) -> None:
    def seen() -> list[tuple[str, bool | None, str]]:
        found = gate_checks(Lab(agent.project.root).for_reading(), GateDemands())
        return [(one.name, one.passed, one.seen) for one in found if one.name == "ship"]

    assert seen() == [("ship", None, "the checklist was not run")]
    agent.run()
    assert seen() == [("ship", True, "code-pr: blockers: none")]
    agent.project.write("shop/cart.py", "def count(items):\n    return 0\n").commit("worse")
    agent.run()
    assert seen() == [("ship", False, "code-pr: blockers: tests")]


def test_the_types_are_offered_for_completion() -> None:
    assert known_values("ship", "type") == tuple(ShipType)
