"""What keeps a stable verdict from being a plain pass, in the answer, the report and the gate."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from autoresearch_mcp.server.main import main
from comparing import PYTEST, comparing_agent, replaced, shop
from conftest import Project

GIVEN = f"the tests are those of `{PYTEST}`, which was given; the project's own `python -m pytest -q` did not run"
BROKEN = ("shop/cart.py", "(100 - discount)", "(90 - discount)")
TOTAL = "def test_total():\n    assert total([1, 2], 50) == 1.5\n"


def skipped(project: Project) -> None:
    replaced(project, "tests/test_cart.py", TOTAL, f"@pytest.mark.skip\n{TOTAL}")
    project.write("tests/test_cart.py", f"import pytest\n{project.read('tests/test_cart.py')}")


def taken_out(project: Project) -> None:
    replaced(project, "tests/test_cart.py", TOTAL, "")


def deselected(project: Project) -> None:
    project.write("pytest.ini", "[pytest]\naddopts = --deselect tests/test_cart.py::test_total\n")


def weakened(project: Project) -> None:
    replaced(project, "tests/test_cart.py", "== 1.5", "== 1.5 or True")


def expecting_otherwise(project: Project) -> None:
    replaced(project, "tests/test_cart.py", "== 1.5", "== 1.2")


def knowing_its_runner(project: Project) -> None:
    replaced(project, "shop/cart.py", "def total(", "import sys\n\n\ndef total(")
    replaced(project, "shop/cart.py", "(90 - discount)", "((100 if 'pytest' in sys.modules else 90) - discount)")


@pytest.mark.parametrize(
    ("hide", "told"),
    [
        (skipped, "1 test that was green does not run any more (1 skipped now); changed tests: tests/test_cart.py"),
        (taken_out, "1 test that was green does not run any more (1 gone)"),
        (deselected, "1 test that was green does not run any more (1 gone)"),
        (weakened, "changed tests: tests/test_cart.py"),
        (expecting_otherwise, "changed tests: tests/test_cart.py"),
        (knowing_its_runner, "code that looks for its test runner: shop/cart.py:5"),
    ],
)
def test_a_regression_that_its_tests_no_longer_show_is_no_plain_pass(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], hide: Callable[[Project], None], told: str
) -> None:
    project = shop(tmp_path / "repo")
    replaced(project, *BROKEN)
    hide(project)
    project.commit("a change")

    assert closed(project) == f"STABLE, but {told}; {GIVEN}"

    capsys.readouterr()
    assert main(["--root", str(project.root), "gate", "--regression"]) == 2
    assert f"unknown regression: STABLE, but {told};" in capsys.readouterr().out


def test_tests_that_went_with_their_file_and_a_command_that_was_given_are_named_and_pass(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    project = shop(tmp_path / "repo", **{"tests/test_old.py": "def test_old():\n    pass\n"})
    (project.root / "tests/test_old.py").unlink()
    project.commit("a change")
    told = f"STABLE, but 1 test that was green does not run any more (1 gone with their file); {GIVEN}"

    assert closed(project) == told

    capsys.readouterr()
    assert main(["--root", str(project.root), "gate", "--regression"]) == 0
    assert f"pass    regression: {told}\n" in capsys.readouterr().out


def closed(project: Project) -> str:
    """The verdict as the answer gives it; the report has every doubt of it, and no given command is called all tests."""
    agent = comparing_agent(project)
    agent.open(base="main", dimensions="functional", reruns=1, tests=PYTEST)
    state = agent.run().state
    line = next(line for line in state if line.startswith("Verdict "))
    assert not any(line.startswith("Tests: all tests:") for line in state)
    listed = agent.file(agent.close(), "stability-report.md").partition("## Doubts")[2]
    assert all(doubt in listed for doubt in line.removesuffix(".").partition(", but ")[2].split("; "))
    return line.removeprefix("Verdict ").removesuffix(".")
