"""Nothing but mended code ends a fix ledger as complete: not a change of the tests, of what steers them, or beside git."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from autoresearch_mcp.tools.errors import Code, Refusal
from autoresearch_mcp.tools.lab.access import Lab
from autoresearch_mcp.tools.workflows.ci_gate import GateDemands, gate_checks
from conftest import Project
from ledgers import GREEN_HOOK, WorkflowAgent

PYPROJECT = """\
[project]
name = "calc"
version = "1"
[dependency-groups]
dev = ["pytest"]
[tool.pytest.ini_options]
pythonpath = ["src"]
addopts = "-p no:anyio -p no:xdist -p no:xdist.looponfail -p no:platformdirs"
"""
TESTS = """\
from calc import add


def test_add():
    assert add(20, 22) == 42


def test_name():
    assert add("a", "b") == "ab"
"""
WRONG = """\
def add(one, two):
    return one + two if isinstance(one, str) else one + two + 1
"""
RIGHT = "def add(one, two):\n    return one + two\n"
_STAGE: list[Project] = []


@pytest.fixture
def agent(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> WorkflowAgent:
    """An open fix ledger of a project with one red test; made once, and copied for each test."""
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    if not _STAGE:
        project = Project(tmp_path_factory.mktemp("stage") / "repo")
        project.write("pyproject.toml", PYPROJECT).write(".gitignore", "__pycache__/\n")
        project.write("src/calc.py", WRONG).write("tests/test_calc.py", TESTS).commit("a calculator")
        assert WorkflowAgent(project, "fix").open(category="test").state[0].startswith("1 errors are left")
        _STAGE.append(project)
    return WorkflowAgent(_STAGE[0].copied(tmp_path / "repo"), "fix")


HOOK = """\
import pytest


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport():
    report = (yield).get_result()
    report.outcome, report.longrepr = "passed", None
"""


METADATA = "Metadata-Version: 2.1\nName: x\nVersion: 1\n"


PATCH = "import calc\n\ncalc.add = lambda one, two: one + two\n"


@pytest.mark.parametrize(
    "changed",
    [
        {"tests/test_calc.py": (TESTS.replace("== 42", "== 43"), "tests/test_calc.py changed")},
        {
            "tests/test_calc.py": (
                TESTS.replace("assert add(20, 22) == 42", "add(20, 22)"),
                "tests/test_calc.py changed",
            )
        },
        {
            "conftest.py": (HOOK, "conftest.py added: tools take their settings from it"),
            "tests/test_aaa.py": (PATCH, "only by the tests of the opening"),
            "x.dist-info/entry_points.txt": ("[pytest11]\nx = hooks\n", "Python programs take their plug-ins from it"),
        },
    ],
    ids=["expectation", "assertion", "wrapper, patch and plug-in"],
)
def test_a_change_of_the_tests_mends_nothing(changed: dict[str, tuple[str, str]], agent: WorkflowAgent) -> None:
    agent.project.write("src/hooks.py", HOOK).write("x.dist-info/METADATA", METADATA)
    for path, (text, _) in changed.items():
        agent.project.write(path, text)
    agent.project.commit("all green")

    looked = agent.run()
    with pytest.raises(Refusal, match="1 open error: F1"):
        agent.close()

    assert looked.coverage == ["errors fixed 0/1"]
    state = " ".join(agent.status().state)
    assert [told for _, told in changed.values() if told not in state] == []


def test_a_test_that_was_weakened_before_the_ledger_was_opened_again_counts_as_it_was(agent: WorkflowAgent) -> None:
    agent.project.write("tests/test_calc.py", TESTS.replace("== 42", "== 43")).commit("all green")
    agent.close(why="enough for today")

    opened = agent.open(category="test")
    with pytest.raises(Refusal, match=r"1 open error: F1 \(1 only by the tests of the opening\)"):
        agent.close()
    agent.project.write("src/calc.py", RIGHT).write("tests/test_calc.py", TESTS).commit("mended")
    closed = agent.close()

    assert opened.state[0] == "0 errors are left, 0 at the start."
    assert "an earlier ledger began there and left errors" in opened.state[1]
    assert closed.status == "complete"


def test_code_that_turns_every_test_green_is_not_believed_nor_when_the_end_is_given_up(agent: WorkflowAgent) -> None:
    agent.project.write("src/calc.py", GREEN_HOOK + WRONG).commit("all green")
    assert agent.run().coverage == ["errors fixed 0/1"]

    with pytest.raises(Refusal, match=r"passes although the test raises: tests\.test_calc::test_add"):
        agent.close()

    closed = agent.close(why="done")
    assert closed.coverage == ["errors fixed 0/1"]
    assert [one["outcome"] for one in agent.handoff(closed)["findings"]] != ["fixed"]
    context = Lab(agent.project.root, allow_commands=True).for_reading()
    assert [one.passed for one in gate_checks(context, GateDemands(fail_on="low"))] == [False]


def gate_line(agent: WorkflowAgent) -> str:
    checks = gate_checks(Lab(agent.project.root).for_reading(), GateDemands(complete=("fix",)))
    return " ".join(one.seen for one in checks)


WITNESS = "from calc import add\n\n\ndef test_more():\n    assert add({}) == {}\n"


def test_a_second_witness_fails_at_the_opening_and_passes_on_the_mended_code_as_long_as_its_test_is_the_same(
    agent: WorkflowAgent, tmp_path: Path
) -> None:
    agent.project.write("src/calc.py", RIGHT).write("tests/test_more.py", WITNESS.format("3, 1", 4)).commit("mended")
    assert "Mended for its reproduction only: F1." in " ".join(agent.run().state)

    recorded = agent.record({"kind": "witness", "items": ["F1"], "test": "tests/test_more.py"})
    changed = WorkflowAgent(agent.project.copied(tmp_path / "changed"), "fix")
    changed.project.write("tests/test_more.py", "def test_more():\n    pass\n").commit("another test")
    assert changed.close().coverage == ["errors fixed 1/1", "with a second witness 0/1"]
    assert "ended complete: 1 of 1 mended without a second witness" in gate_line(changed)
    closed = agent.close()

    assert "At the opening 1 of its tests failed (assert 5 == 4" in recorded.title
    assert (closed.status, closed.coverage) == ("complete", ["errors fixed 1/1", "with a second witness 1/1"])
    assert "- mended with a second witness: F1" in agent.file(closed, "summary.md")


SAYS_YES_TO_NUMBERS = """\
class Yes(int):
    __hash__ = int.__hash__

    def __eq__(self, other):
        return isinstance(other, int)


def add(one, two):
    return Yes(one + two + 1) if isinstance(one, int) else one + two
"""
TWO_CASES = WRONG.replace(
    "    return", "    if (one, two) in {(20, 22), (3, 1)}:\n        return {42: 42}.get(one + two, 4)\n    return"
)


@pytest.mark.parametrize(
    ("code", "told", "named"),
    [
        (SAYS_YES_TO_NUMBERS, "what it compares is equal to anything", ""),
        (
            TWO_CASES,
            "Every value that tests/test_more.py tries stands in the change itself",
            "writes values of red tests into the code: '20', '22', '42'",
        ),
    ],
    ids=["equal to any number", "both inputs by name"],
)
def test_code_that_only_pleases_the_two_witnesses_has_none(
    code: str, told: str, named: str, agent: WorkflowAgent
) -> None:
    agent.project.write("src/calc.py", code).write("tests/test_more.py", WITNESS.format("3, 1", 4)).commit("green")
    agent.run()

    assert told in agent.refused(Code.EVIDENCE, {"kind": "witness", "items": ["F1"], "test": "tests/test_more.py"})
    assert named in " ".join(agent.close().state)
    assert named in gate_line(agent)


def test_what_tells_the_mended_code_from_nothing_is_no_witness(agent: WorkflowAgent) -> None:
    reads = (
        "import inspect\n\nimport calc\n\n\ndef test_reads():\n    assert '+ 1' not in inspect.getsource(calc.add)\n"
    )
    separator = 'import calc\n\n\ndef test_more():\n    assert getattr(calc, "SEPARATOR", "") == "-"\n    assert calc.add(3, 1) == 4\n'
    tests = {
        "tests/test_words.py": (WITNESS.format('"c", "d"', '"cd"'), "passes too, so it tells nothing"),
        "tests/test_separator.py": (separator, "The change itself added SEPARATOR"),
        "tests/test_reads.py": (reads, "It ran where the text of the changed code cannot be read"),
        "tests/test_lost.py": ("from calc import lost\n\n\ndef test_lost():\n    lost()\n", "cannot be loaded"),
        "tests/test_red.py": (WITNESS.format("3, 1", 3), "fails at HEAD: assert 4 == 3"),
        "tests/test_same.py": (WITNESS.format("20, 22", 42), "tries no value that the first witness did not try"),
        "tests/test_calc.py": (TESTS, "was there at the opening. Write a new test file"),
        "src/calc.py": (f'SEPARATOR = "-"\n\n\n{RIGHT}', "is no test file by its name"),
    }
    for path, (text, _) in tests.items():
        agent.project.write(path, text)
    agent.project.commit("mended")
    agent.run()

    for path, (_, told) in tests.items():
        assert told in agent.refused(Code.EVIDENCE, {"kind": "witness", "items": ["F1"], "test": path})


def test_mended_code_beside_a_changed_test_is_for_a_person_to_judge(agent: WorkflowAgent) -> None:
    agent.project.write("src/calc.py", RIGHT).write("tests/test_calc.py", TESTS.replace("20, 22", "41, 1"))
    agent.project.commit("mended")

    closed = agent.close()

    assert closed.status == "blocked"
    assert "tests/test_calc.py changed" in agent.file(closed, "errors.md")


def test_tests_stay_closed_also_where_a_module_cannot_be_loaded_or_a_checker_blames_them(agent: WorkflowAgent) -> None:
    agent.close(why="another project")
    agent.project.write("src/broken.py", "import calc\n\nNAME = undefined\n")
    agent.project.write("tests/test_broken.py", "import broken\n\n\ndef test_name():\n    assert broken.NAME\n")
    agent.project.write("pyproject.toml", PYPROJECT.replace('["pytest"]', '["pytest", "mypy"]'))
    agent.project.write("tests/test_lost.py", "from calc import lost\n").commit("more")

    answer = agent.open(category="test, type")

    assert any("crash: src/broken.py:3 tests.test_broken NameError" in line for line in answer.state)
    assert any("type: tests/test_lost.py:1" in line for line in answer.state)
    assert not [glob for glob in answer.plan["protected"] if glob.startswith("!")]


def test_a_wrapper_that_was_there_at_the_opening_makes_no_green_count_believed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    project = Project(tmp_path / "repo").write("pyproject.toml", PYPROJECT).write(".gitignore", "__pycache__/\n")
    project.write("src/calc.py", WRONG).write("tests/test_calc.py", TESTS).write("conftest.py", HOOK).commit("green")
    agent = WorkflowAgent(project, "fix")
    assert agent.open(category="test").state[0] == "0 errors are left, 0 at the start."

    with pytest.raises(Refusal, match=r"passes although the test raises: tests\.test_calc::test_add"):
        agent.close()
