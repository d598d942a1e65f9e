"""What keeps a stable verdict from being a plain pass, in the answer, the report and the gate."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from autoresearch_mcp.server.main import main
from comparing import FLAKE, PYTEST, comparing_agent, replaced, shop
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


@pytest.mark.parametrize("hide", [skipped, taken_out, weakened, expecting_otherwise])
def test_a_regression_that_its_own_tests_no_longer_show_is_shown_by_those_of_the_base(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], hide: Callable[[Project], None]
) -> None:
    project = shop(tmp_path / "repo")
    replaced(project, *BROKEN)
    hide(project)
    project.commit("a change")

    assert closed(project) == "UNSTABLE"

    capsys.readouterr()
    assert main(["--root", str(project.root), "gate", "--regression"]) == 1
    told = "UNSTABLE: functional: tests.test_cart::test_total green to red by the base's test"
    assert told in capsys.readouterr().out


def flaking(project: Project) -> None:
    body = FLAKE.partition("import")[2].rpartition("    assert")[0]
    replaced(project, "shop/cart.py", "    return len(items)", f"    import{body}    return len(items) + runs % 2")


def cannot_load(project: Project) -> None:
    replaced(project, "shop/cart.py", "def count(", "def counted(")
    replaced(project, "tests/test_cart.py", "import count, total", "import counted as count, total")


@pytest.mark.parametrize(
    ("hide", "told"),
    [
        (deselected, "1 test that was green does not run any more (1 gone)"),
        (knowing_its_runner, "code that looks for its test runner: shop/cart.py:5"),
        (flaking, "red in some runs here and in none of the base: tests.test_cart::test_count"),
        (cannot_load, "tests of the base that this code cannot load: tests.test_cart"),
    ],
)
def test_a_regression_that_its_tests_may_not_show_is_no_plain_pass(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    hide: Callable[[Project], None],
    told: str,
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    project = shop(tmp_path / "repo")
    if hide in {deselected, knowing_its_runner}:
        replaced(project, *BROKEN)
    hide(project)
    project.commit("a change")

    assert closed(project, reruns=3 if hide is flaking else 1) == f"STABLE, but {told}; {GIVEN}"

    capsys.readouterr()
    assert main(["--root", str(project.root), "gate", "--regression"]) == 2
    assert f"unknown regression: STABLE, but {told};" in capsys.readouterr().out


def test_what_stopped_and_is_green_with_the_tests_of_the_base_is_named_and_passes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    project = shop(tmp_path / "repo", **{"tests/test_old.py": "def test_old():\n    pass\n"})
    (project.root / "tests/test_old.py").unlink()
    skipped(project)
    project.commit("a change")
    told = f"STABLE, but 2 tests that were green do not run any more (1 skipped now, 1 gone with their file); {GIVEN}"

    assert closed(project) == told

    capsys.readouterr()
    assert main(["--root", str(project.root), "gate", "--regression"]) == 0
    assert f"pass    regression: {told}\n" in capsys.readouterr().out


def closed(project: Project, reruns: int = 1) -> str:
    """The verdict as the answer gives it; the report has every doubt of it, and no given command is called all tests."""
    agent = comparing_agent(project)
    agent.open(base="main", dimensions="functional", reruns=reruns, tests=PYTEST)
    state = agent.run().state
    line = next(line for line in state if line.startswith("Verdict "))
    assert not any(line.startswith("Tests: all tests:") for line in state)
    listed = agent.file(agent.close(), "stability-report.md").partition("## Doubts")[2]
    assert all(doubt in listed for doubt in line.removesuffix(".").partition(", but ")[2].split("; "))
    return line.removeprefix("Verdict ").removesuffix(".")
