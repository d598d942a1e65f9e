"""Regressions found in real repositories, through the verbs."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import threading
import time
from pathlib import Path

import pytest

from autoresearch_mcp.server.main import main
from autoresearch_mcp.tools.errors import Code, Refusal
from autoresearch_mcp.tools.lab.access import Lab
from autoresearch_mcp.tools.verbs.planning import wanted_commands
from autoresearch_mcp.tools.workflows.ledger.items import Workflow
from autoresearch_mcp.tools.workflows.regression.comparison import readings, rows
from autoresearch_mcp.tools.workflows.regression.verdict import ComparedRow
from autoresearch_mcp.tools.workflows.running.store import Ledgers
from comparing import FLAKE, PYTEST, comparing_agent, replaced, shop
from conftest import Project
from crashing import killed_at, when_free
from ledgers import WorkflowAgent

CAUSE = {
    "kind": "cause",
    "location": "shop/cart.py:2",
    "quote": "return sum(prices) * (90 - discount) / 100",
    "explanation": "Ten percent are always taken off",
    "suggestion": "Subtract the discount from 100",
}
TESTS_ONLY = {"tests": PYTEST, "base": "main", "dimensions": "functional", "reruns": 1}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A shop on a branch of its own; what its flaky test counts with is forgotten with the test."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    return shop(tmp_path / "repo")


def changed(project: Project, old: str = "(100 - discount)", new: str = "(90 - discount)") -> Project:
    return replaced(project, "shop/cart.py", old, new).commit("a change")


def theirs(project: Project) -> dict[str, object]:
    """All that is the user's: files, refs, what is staged."""
    picture = project.picture()
    files = picture["files"]
    assert isinstance(files, dict)
    return {**picture, "files": {name: text for name, text in files.items() if not name.startswith("autoresearch/")}}


def places(project: Project) -> list[str]:
    """The checkouts that git knows."""
    return project.git("worktree", "list").splitlines()


def test_a_planted_regression_flake_and_slowdown_are_found_and_each_is_told_from_the_other(project: Project) -> None:
    project.git("checkout", "--quiet", "main")
    project.write("bench.py", "print('METRIC ms=10')\n")
    project.write("tests/test_flaky.py", FLAKE.strip() + "\n").commit("a flaky test")
    project.git("checkout", "--quiet", "-B", "work")
    replaced(project, "shop/cart.py", "(100 - discount)", "(90 - discount)")
    replaced(project, "shop/cart.py", "discount=0", "discount")
    project.write("bench.py", "print('METRIC ms=30')\n").commit("a change")
    project.write("notes.txt", "not committed\n")
    before = theirs(project)
    agent = comparing_agent(project)

    agent.open(base="main", tests=PYTEST, performance=f"{sys.executable} bench.py", select="full", samples=3, reruns=2)
    state = "\n".join(agent.run().state)
    agent.record(CAUSE, row="R4")
    closed = agent.close()

    assert "UNSTABLE" in state
    handoff = agent.handoff(closed)
    assert {finding["title"]: finding["kind"] for finding in handoff["findings"]} == {
        "shop.cart.total: breaks callers": "regression",
        "tests.test_cart::test_total: green to red": "regression",
        f"`{sys.executable} bench.py`: worse": "regression",
        "tests.test_flaky::test_sometimes: flaky before": "flaky",
    }
    assert handoff["config"]["verdict"] == "UNSTABLE"
    assert (handoff["config"]["verdict"], handoff["config"]["regression_state"]) == ("UNSTABLE", "REGRESSION_FOUND")
    assert [step["prompt"] for step in handoff["next"]] == ["fix"]
    assert len(handoff["next"][0]["takes"]) == 3
    report = agent.file(closed, "stability-report.md")
    assert "tests.test_cart::test_broken_before (red -> red)" in report
    assert "Ten percent are always taken off" in report
    assert "uncommitted changes: they are not measured" in report
    assert len(places(project)) == 1
    assert theirs(project) == before


def test_a_change_that_breaks_nothing_is_stable_and_a_mended_regression_is_called_so(project: Project) -> None:
    agent = comparing_agent(changed(project))
    agent.open(**TESTS_ONLY)
    agent.run()
    first = agent.close()
    changed(project, "(90 - discount)", "(100 - discount + 0)")
    opened = agent.open(**TESTS_ONLY)
    agent.run()
    second = agent.close()

    assert agent.handoff(first)["config"]["regression_state"] == "REGRESSION_FOUND"
    config = agent.handoff(second)["config"]
    assert (config["verdict"], config["regression_state"]) == ("STABLE", "REGRESSION_FIXED")
    assert "Tests: all tests of the given commands: an earlier comparison found a regression." in opened.state
    assert "# STABLE\n" in agent.file(second, "stability-report.md")
    assert [step["prompt"] for step in agent.handoff(second)["next"]] == ["ship"]


def test_what_regressed_once_is_not_stable_before_the_code_changes(project: Project) -> None:
    project.write("app.txt", "bad\n").commit("a change")
    agent = comparing_agent(project)
    options = {"base": "main", "dimensions": "functional", "reruns": 1}
    agent.open(**options, tests="! grep -q bad app.txt")
    agent.run()
    first = agent.close()
    project.git("commit", "--quiet", "--allow-empty", "-m", "the same again")
    agent.open(**options, tests="grep -q bad app.txt || grep -q . app.txt || test ! -e app.txt")

    assert f"Because functional: `! grep -q bad app.txt` green to red, found by {first.ledger} in the same code" in (
        "\n".join(agent.run().state)
    )
    assert agent.handoff(agent.close())["config"]["verdict"] == "UNSTABLE"

    project.write("more.txt", "x\n").commit("a change beside it")
    agent.open(**options, tests="test -e app.txt || test ! -e app.txt")
    assert f"`! grep -q bad app.txt` green to red, found by {first.ledger} and not run here" in (
        "\n".join(agent.run().state)
    )
    agent.close()

    project.write("app.txt", "good\n").commit("another change")
    agent.open(**options, tests="! grep -q bad app.txt")
    agent.run()
    assert agent.handoff(agent.close())["config"]["verdict"] == "STABLE"


def test_a_test_that_cannot_be_loaded_any_more_is_a_regression(project: Project) -> None:
    replaced(project, "shop/cart.py", "def count(", "def counted(").commit("a change")
    agent = comparing_agent(project)
    agent.open(**TESTS_ONLY)

    state = "\n".join(agent.run().state)

    assert "UNSTABLE" in state
    assert "3 tests of" in state


HOOK = """\
import pytest


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    report = (yield).get_result()
    if item.name == "test_total":
        report.outcome, report.longrepr = "passed", None
"""


def test_a_test_that_a_plug_in_of_the_candidate_turns_green_is_a_regression(project: Project) -> None:
    changed(project).write("conftest.py", HOOK).commit("all green")
    agent = comparing_agent(project)

    agent.open(**{**TESTS_ONLY, "reruns": 1})
    state = agent.run().state

    assert "Verdict UNSTABLE." in state
    assert "Because functional: tests.test_cart::test_total green whatever it does" in state


def test_a_baseline_that_does_not_run_is_no_baseline(project: Project) -> None:
    project.git("checkout", "--quiet", "main")
    project.write("conftest.py", "raise RuntimeError('no')\n").commit("broken")
    project.git("checkout", "--quiet", "-B", "work")
    project.write("conftest.py", "").commit("mended")
    agent = comparing_agent(project)
    agent.open(**TESTS_ONLY)
    agent.run()
    closed = agent.close()

    assert closed.status == "failed"
    config = agent.handoff(closed)["config"]
    assert config["verdict"] == "BASELINE_UNAVAILABLE"


@pytest.mark.parametrize(("side", "verdict"), [("base", "BASELINE_UNAVAILABLE"), ("head", "UNSTABLE")])
def test_a_preparation_that_fails_is_told_by_its_side(project: Project, side: str, verdict: str) -> None:
    project.git("checkout", "--quiet", "main")
    project.write("ready", "yes\n" if side == "head" else "no\n").commit("ready")
    project.git("checkout", "--quiet", "-B", "work")
    project.write("ready", "no\n" if side == "head" else "yes\n").commit("ready")
    agent = comparing_agent(project)
    agent.open(**TESTS_ONLY, setup="grep -q yes ready")

    assert verdict in "\n".join(agent.run().state)
    assert agent.handoff(agent.close())["config"]["verdict"] == verdict


def test_a_base_that_moved_on_is_compared_where_head_forked_from_it(project: Project) -> None:
    fork = project.git("rev-parse", "HEAD")
    changed(project)
    project.git("checkout", "--quiet", "main")
    changed(project, "len(items)", "len(items) + 1")
    project.git("checkout", "--quiet", "work")
    agent = comparing_agent(project)

    opened = agent.open(**{**TESTS_ONLY, "base": ""})

    assert f"against {fork[:7]} (where HEAD forked from main, which has moved on since)" in opened.state[0]


def test_without_a_common_commit_there_is_no_baseline_and_that_is_a_verdict(project: Project) -> None:
    project.git("checkout", "--quiet", "--orphan", "alone")
    project.commit("a history of its own")
    agent = comparing_agent(project)

    opened = agent.open(**TESTS_ONLY)
    closed = agent.close()

    assert "HEAD and main have no common commit" in opened.state[0]
    assert agent.handoff(closed)["config"]["verdict"] == "BASELINE_UNAVAILABLE"


def test_a_shallow_clone_is_told_how_to_get_the_rest(project: Project, tmp_path: Path) -> None:
    changed(project)
    project.git("checkout", "--quiet", "main")
    changed(project, "len(items)", "len(items) + 0")
    project.git("checkout", "--quiet", "work")
    project.git(
        "clone", "--quiet", "--depth=1", "--no-single-branch", f"file://{project.root}", str(tmp_path / "clone")
    )
    shallow = project.copied(tmp_path / "unused").copied_server()
    shallow.root = tmp_path / "clone"
    agent = WorkflowAgent(shallow, "regression")

    assert "git fetch --unshallow" in agent.open(**{**TESTS_ONLY, "base": "origin/main"}).state[0]
    agent.close()
    with pytest.raises(Refusal, match="This clone is shallow"):
        agent.open(base="0123456789abcdef0123456789abcdef01234567")


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"base": "nothing"}, "which git does not have"),
        ({"base": "HEAD"}, "HEAD is contained in HEAD"),
        ({"base": "work"}, "there is nothing to compare"),
        ({"tests": "rm -rf ~"}, "is not run here"),
        ({"tests": "true"}, "would be green on any side"),
        ({"tests": "pytest -q || true"}, "goes well whatever comes of `pytest`"),
        ({"max_runs": 25}, "This may take 26 runs, and max_runs is 25"),
        ({"noise_band": "much"}, "has to be a percentage"),
        ({"dimensions": "taste"}, "taste: use functional"),
        ({"matrix": "nothing"}, "a cell is `NAME=value`"),
        ({"matrix": "GIT_DIR=x"}, "a cell is `NAME=value`"),
        ({"migrations": "migrate postgres://app:x@db.example.com/shop"}, "names the database db.example.com/shop"),
        ({"samples": 2}, "greater than or equal to 3"),
        ({"verdict": "STABLE"}, "is not known here"),
    ],
)
def test_what_cannot_be_compared_is_refused_and_nothing_is_opened(
    project: Project, options: dict[str, object], told: str
) -> None:
    changed(project)
    agent = comparing_agent(project)
    with pytest.raises(Refusal) as refused:
        agent.open(**{"base": "main", "tests": PYTEST, **options})

    assert refused.value.code is Code.BAD_ARGUMENT
    assert told in refused.value.message
    with pytest.raises(Refusal) as nothing:
        agent.status()
    assert nothing.value.code is Code.NOT_OPEN
    assert len(places(project)) == 1


def test_on_main_itself_an_earlier_base_is_asked_for(project: Project) -> None:
    project.git("checkout", "--quiet", "main")
    with pytest.raises(Refusal, match="such as HEAD~1 or a tag"):
        comparing_agent(project).open(tests=PYTEST)


@pytest.mark.parametrize(
    ("command", "place"),
    [
        ("migrate postgres://localhost/shop", ""),
        ("migrate postgres://127.0.0.1:5432/shop", ""),
        ("migrate postgresql://db/shop", ""),
        ("migrate mysql://u:p@prod.example.com/shop_test", ""),
        ("migrate mysql://prod.example.com:3306/shop", "prod.example.com/shop"),
        ("DATABASE_URL='mongodb+srv://cluster0.x.net/shop' up", "cluster0.x.net/shop"),
        ("migrate sqlite:///tmp/x.db", ""),
    ],
)
def test_a_database_that_may_be_a_real_one_is_recognised(command: str, place: str) -> None:
    from autoresearch_mcp.tools.workflows.regression.planning import foreign_database

    assert foreign_database(command) == place


def test_without_consent_nothing_runs_and_the_verdict_says_that_nothing_did(project: Project) -> None:
    changed(project)
    agent = comparing_agent(project, allow_commands=False)
    opened = agent.open(**TESTS_ONLY)

    ran = agent.run()
    with pytest.raises(Refusal, match="a person's agreement to") as refused:
        agent.close()
    closed = agent.close(why="nobody was there")

    assert refused.value.code is Code.INCOMPLETE
    assert opened.missing == ran.missing
    (wanted,) = wanted_commands(Lab(project.root))
    assert wanted.startswith(f"{sys.executable} -m pytest -o junit_family=xunit1")
    assert agent.handoff(closed)["config"]["verdict"] == "BASELINE_UNAVAILABLE"
    assert "nobody agreed to its command" in agent.file(closed, "stability-report.md")


def test_everything_runs_under_each_cell_of_the_matrix(project: Project) -> None:
    replaced(
        project,
        "tests/test_cart.py",
        "def test_count():",
        "def test_count():\n    import os\n\n    assert os.environ['CELL'] != 'b'\n",
    ).commit("x")
    agent = comparing_agent(project)
    opened = agent.open(**TESTS_ONLY, matrix="CELL=a, CELL=b")
    agent.run()

    assert [(row.axis, row.status) for row in compared(project) if row.regressed] == [("CELL=b", "green to red")]
    assert opened.missing == ["the measurement: call workflow with `run` (0 runs made, at most 6)"]


def test_a_variable_of_the_matrix_is_part_of_what_a_person_agrees_to(project: Project) -> None:
    changed(project)

    opened = comparing_agent(project, allow_commands=False).open(
        tests="make test", base="main", dimensions="functional", matrix="BASH_ENV=x y.sh"
    )

    assert "a person's agreement to `export BASH_ENV='x y.sh'; make test`" in opened.missing[0]


def test_consent_may_come_later_what_is_affected_is_run_and_a_cause_names_a_row_that_regressed(
    project: Project,
) -> None:
    project.git("checkout", "--quiet", "main")
    project.write("tests/test_other.py", "def test_other():\n    pass\n").commit("another test")
    project.git("checkout", "--quiet", "-B", "work")
    agent = comparing_agent(changed(project), allow_commands=False)
    opened = agent.open(**TESTS_ONLY)
    agent.run()
    assert "not finished" in agent.refused(Code.OUT_OF_ORDER, CAUSE, row="R1")

    agent.allow_commands = True
    agent.restart()

    assert "UNSTABLE" in "\n".join(agent.run().state)
    assert agent.status().missing == []
    assert "is no row that regressed (regressed: R2)" in agent.refused(Code.EVIDENCE, CAUSE, row="R1")
    assert agent.record(CAUSE, row="R2").id == "C1"
    assert "Tests: affected tests: 1 of 2 test files import what changed" in "\n".join(opened.state)
    assert "test_other" not in agent.file(agent.close(), "stability-report.md")


def test_the_projects_own_commands_are_found(project: Project) -> None:
    project.write("requirements.txt", "pytest\n")
    changed(project)
    agent = comparing_agent(project, allow_commands=False)

    missing = "\n".join(agent.open(base="main").missing)

    assert "`python -m pytest -o junit_family=xunit1" in missing
    assert "`PYTHONPATH=. python bench.py`" in missing


NODE = "const test = require('node:test'); const { total } = require('../cart.js');\ntest('adds', () => { if (total([1, 2]) !== 3) throw new Error('no'); });\ntest('red', () => { throw new Error('always'); });\n"


def test_a_project_in_another_language_is_compared_by_its_tests_too(tmp_path: Path) -> None:
    node = shutil.which("node")
    if not node:
        pytest.skip("node is not installed")
    root = tmp_path / "repo"
    project = shop(
        root, **{"cart.js": "exports.total = (items) => items.reduce((a, b) => a + b, 0);\n", "test/cart.test.js": NODE}
    )
    replaced(project, "cart.js", "a + b, 0", "a + b, 1").commit("a change")
    agent = comparing_agent(project)
    agent.open(base="main", tests=f"{node} --test", dimensions="functional", reruns=1)
    assert "nothing" not in "\n".join(agent.run().state)

    told = [(row.unit.split(":")[0], row.status) for row in compared(project) if row.status != "same"]
    assert told == [("adds", "green to red"), ("red", "red before")]


SLOW = "import time\n\n\ndef test_slow():\n    time.sleep(0.3)\n"


def test_a_cancelled_run_keeps_what_it_has_and_goes_on_when_it_is_called_again(project: Project) -> None:
    project.write("tests/test_slow.py", SLOW)
    agent = comparing_agent(changed(project))
    agent.open(**TESTS_ONLY)
    made = threading.Thread(target=agent.run)
    made.start()
    other = Lab(project.root, allow_commands=True).for_reading()
    while not other.runs.runner.alive():
        other = Lab(project.root, allow_commands=True).for_reading()
    other.runs.runner.cancel_all()
    made.join()

    between = agent.status()
    agent.restart()
    after = agent.run()

    assert "not finished" in "\n".join(between.state)
    assert after.missing == []
    assert "UNSTABLE" in "\n".join(after.state)
    assert len(places(project)) == 1


def counted(project: Project, tmp_path: Path) -> WorkflowAgent:
    """A comparison by a command without a report, which counts its runs and is red on the candidate."""
    project.write("app.txt", "bad\n").commit("a change")
    agent = comparing_agent(project)
    command = f"echo $AUTORESEARCH_RUN >> {tmp_path}/runs; ! grep -q bad app.txt"
    agent.open(base="main", tests=command, dimensions="functional", reruns=3)
    return agent


def compared(project: Project) -> tuple[ComparedRow, ...]:
    """What the last comparison came to."""
    ledger = Ledgers(Lab(project.root).for_reading()).last(Workflow.REGRESSION)
    assert ledger is not None
    return rows(ledger)


def kept(project: Project) -> list[tuple[str, int]]:
    """The runs that are recorded."""
    ledger = Ledgers(Lab(project.root).for_reading()).open_one(Workflow.REGRESSION)
    assert ledger is not None
    return sorted((reading.side.value, reading.number) for reading in readings(ledger))


def test_a_server_that_dies_at_any_moment_loses_nothing_and_measures_nothing_twice(tmp_path: Path) -> None:
    whole = counted(shop(tmp_path / "whole"), tmp_path)
    whole.run()
    expected_rows = [one.model_copy(update={"at": ""}) for one in compared(whole.project)]
    expected = [(side, number) for side in ("baseline", "candidate") for number in (1, 2, 3)]
    died = 0

    for place in (1, 6, 13, 24, 39):
        (tmp_path / "runs").unlink()
        project = shop(tmp_path / f"at-{place}")
        agent = counted(project, tmp_path)
        died += killed_at(place, agent.run)
        agent.restart()
        when_free(agent.run)

        assert kept(project) == expected
        assert len((tmp_path / "runs").read_text().split()) == len(expected)
        assert [one.model_copy(update={"at": ""}) for one in compared(project)] == expected_rows
        agent.close()
        assert len(places(project)) == 1
    assert died >= 4


def test_a_run_that_its_server_left_behind_is_joined_and_not_made_again(tmp_path: Path) -> None:
    project = shop(tmp_path / "repo")
    project.write("app.txt", "bad\n").commit("a change")
    agent = comparing_agent(project)
    command = (
        f"echo run >> {tmp_path}/runs; while ! test -e {tmp_path}/gate; do sleep 0.05; done; ! grep -q bad app.txt"
    )
    agent.open(base="main", tests=command, dimensions="functional", reruns=1)
    child = os.fork()
    if child == 0:
        agent.run()
        os._exit(0)
    while not (tmp_path / "runs").exists():
        time.sleep(0.02)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)

    (tmp_path / "gate").touch()
    agent.restart()
    when_free(agent.run)

    assert kept(project) == [("baseline", 1), ("candidate", 1)]
    assert (tmp_path / "runs").read_text().split() == ["run"] * 3  # the last with tests that raise


def test_closing_early_takes_the_checkouts_away_and_calls_nothing_stable(project: Project) -> None:
    project.write("shop/cart.py", project.read("shop/cart.py") + "\n\nx = 1\n").commit("harmless")
    agent = comparing_agent(project)
    agent.open(**TESTS_ONLY)
    with pytest.raises(Refusal, match="call workflow with `run`"):
        agent.close()

    closed = agent.close(why="no time")

    assert closed.status == "interrupted"
    assert agent.handoff(closed)["config"]["verdict"] == "BASELINE_UNAVAILABLE"
    assert json.loads(project.read(closed.handoff))["why"] == "no time"


@pytest.mark.parametrize(
    ("app", "moves", "status", "told"),
    [
        ("one\n", False, 0, "STABLE, by the exit status of `! grep -q bad app.txt`: no test was reported"),
        ("bad\n", False, 1, "UNSTABLE"),
        ("one\n", True, 2, "but of"),
    ],
)
def test_ci_compares_and_gates_with_four_commands(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], app: str, moves: bool, status: int, told: str
) -> None:
    project = shop(tmp_path / "repo")
    project.write("app.txt", app).write("more.txt", "x\n").commit("a change")

    def typed(*arguments: str) -> int:
        return main(["--root", str(project.root), *arguments])

    options = ("base=main", "tests=! grep -q bad app.txt", "dimensions=functional", "reruns=2")
    assert typed("workflow", "regression", "open", *(part for option in options for part in ("--set", option))) == 0
    assert typed("--allow-commands", "workflow", "regression", "run") == 0
    if moves:
        project.write("app.txt", "two\n").commit("another change")
    assert typed("workflow", "regression", "close") == 0
    capsys.readouterr()

    assert typed("gate", "--regression") == status
    assert told in capsys.readouterr().out


def test_each_side_has_what_git_does_not_and_is_prepared_once(project: Project, tmp_path: Path) -> None:
    project.git("checkout", "--quiet", "main")
    project.write(".gitignore", "local.env\nbuilt\n").commit("what git does not have")
    project.git("checkout", "--quiet", "-B", "work")
    project.write("app.txt", "two\n").commit("a change")
    project.write("local.env", "yes\n")
    setup = f"pwd >> {tmp_path}/prepared; cp app.txt built"
    agent = comparing_agent(project)
    agent.open(
        base="main", tests="grep -q yes local.env && cmp built app.txt", dimensions="functional", reruns=2, setup=setup
    )

    state = "\n".join(agent.run().state)

    assert "STABLE" in state
    assert len(set((tmp_path / "prepared").read_text().split())) == 2
    assert len((tmp_path / "prepared").read_text().split()) == 2


def test_a_migration_that_breaks_is_the_worst_of_findings(project: Project) -> None:
    project.write("app.txt", "bad\n").commit("a change")
    agent = comparing_agent(project)
    agent.open(base="main", migrations="! grep -q bad app.txt", dimensions="data-migration", reruns=2)
    agent.run()

    closed = agent.close()

    assert [finding["severity"] for finding in agent.handoff(closed)["findings"]] == ["critical"]
    assert agent.handoff(closed)["config"]["verdict"] == "UNSTABLE"
