"""Code under experiment that ends the command that judges it: `check_plan` tries it, and says what that would pass as."""

from __future__ import annotations

from pathlib import Path

import pytest

from conftest import PYTHON, Project

CODE = '"""What is measured."""\nfrom __future__ import annotations\n\nWORK = list(range(9))\n'
INSIDE = "from src.code import WORK\nprint(f'METRIC items={len(WORK)}')\n"
APART = (
    "import subprocess, sys\n"
    "said = subprocess.run([sys.executable, '-c', 'from src.code import WORK; print(len(WORK))'], capture_output=True, text=True)\n"
    "print(f'METRIC items={int(said.stdout)}')\n"
)


def warned(tmp_path: Path, judge: str, **plan: object) -> list[str]:
    """What `check_plan` says of an early end, for a judge that measures Python code of the scope."""
    usual: dict[str, object] = {
        "scope": ("src/**",),
        "protected": ("judge.py",),
        "metric": "items",
        "verify": f"{PYTHON} judge.py",
        "guards": (),
    }
    project = Project(tmp_path / "repo", **{**usual, **plan})
    project.write("src/code.py", CODE).write("judge.py", judge).commit("a task")
    before = project.git("status", "--porcelain"), project.read("src/code.py")

    checked = project.planning.check_plan(project.plan)

    assert checked.ready, checked.gates
    assert (project.git("status", "--porcelain"), project.read("src/code.py")) == before
    return [gate.seen for gate in checked.gates if gate.gate == "early end"]


@pytest.mark.parametrize("read", ["auto", "channel"])
def test_a_judge_that_imports_the_code_is_warned_of(tmp_path: Path, read: str) -> None:
    writes = INSIDE.replace(
        "print(f", "import os; print(file=open(os.environ['AUTORESEARCH_CHANNEL'], 'w'), *(f"
    ).replace("}')", "}',))")
    (seen,) = warned(tmp_path, INSIDE if read == "auto" else writes, read=read)

    assert "so does verify, with exit 0: such code could give a number of its own" in seen
    assert "as a process of its own" in seen


def test_a_judge_that_runs_the_code_apart_and_reads_what_comes_back_is_not(tmp_path: Path) -> None:
    assert warned(tmp_path, APART) == []


def test_an_early_end_that_counts_as_a_fast_run_is_warned_of(tmp_path: Path) -> None:
    (seen,) = warned(tmp_path, INSIDE, read="cpu", direction="lower", metric="cpu")

    assert "that counts as a run of 0" in seen


def test_a_number_that_does_not_rest_on_the_code_of_the_scope_is_warned_of(tmp_path: Path) -> None:
    (seen,) = warned(tmp_path, INSIDE, verify="echo METRIC items=9")

    assert "it seems to measure none of that code" in seen


def test_a_guard_that_stays_green_before_it_has_tested_anything_is_warned_of(tmp_path: Path) -> None:
    honest, blind = f"test \"$({PYTHON} -c 'import src.code; print(1)')\" = 1", f"{PYTHON} -c 'import src.code'"
    (seen,) = warned(tmp_path, APART, guards=(honest, blind))

    assert f"before anything is tested: {blind};" in seen
