"""Protected files stand in the second checkout as sealed, or as git writes them; where that holds, the place is not made anew."""

from __future__ import annotations

from pathlib import Path

import pytest

from autoresearch_mcp.tools.decision.decide import Status
from autoresearch_mcp.tools.git.paired_checkout import PairedCheckout
from autoresearch_mcp.tools.git.repo import Repo
from conftest import PYTHON, Project

RULER = """\
import os, pathlib, random
print(float(pathlib.Path('value.txt').read_text()) + random.Random(os.environ["AUTORESEARCH_RUN"]).gauss(0, 1))
"""
IMPORTS = """\
import pathlib, random, sys
sys.path.insert(0, "src")
import part
BUILD
noise = random.Random(int(sys.argv[1])).gauss(0, 1)
print(part.VALUE + noise)
"""
PROTECTED = ("ruler.py", "table.txt", "data/answers.txt", "node_modules/lib.js")


@pytest.fixture
def noisy(tmp_path: Path) -> Project:
    """A ruler that scatters, a protected file with other line ends than git gives it, and two that git does not have."""
    project = Project(tmp_path / "repo", verify=f"{PYTHON} ruler.py", guards=(), protected=PROTECTED)
    project.write("ruler.py", RULER).write("value.txt", "100\n").write(".gitattributes", "table.txt text eol=lf\n")
    project.write("table.txt", "1\n2\n").write(".gitignore", "data/\nnode_modules/\n").commit("a noisy ruler")
    (project.root / "table.txt").write_bytes(b"1\r\n2\r\n")
    project.git("add", "table.txt")
    return project.write("data/answers.txt", "3\n").write("node_modules/lib.js", "4\n").start()


def tried(project: Project, value: int) -> Path:
    """Try a much worse value; return the second checkout."""
    answer = project.write("value.txt", f"{value}\n").loop.iterate(f"value {value}")
    assert answer.status is Status.DISCARD, answer
    return PairedCheckout(Repo(project.root), "arena").folder


def test_a_second_checkout_that_is_as_git_makes_it_stays(noisy: Project) -> None:
    mark = tried(noisy, 150) / "data/mark"
    mark.touch()

    place = tried(noisy, 160)

    assert mark.exists()
    assert (place / "table.txt").read_bytes() == b"1\n2\n"
    assert (place / "data/answers.txt").read_text() == "3\n"
    assert (place / "node_modules").is_symlink()


def test_a_protected_file_that_git_does_not_have_is_brought_again(noisy: Project) -> None:
    answers = tried(noisy, 150) / "data/answers.txt"
    answers.write_text("mine\n")

    tried(noisy, 160)

    assert answers.read_text() == "3\n"


BUILDS = """\
built = pathlib.Path("build") / str(part.VALUE)
built.parent.mkdir(exist_ok=True)
built.touch()
"""


def imported(tmp_path: Path, build: str = "", log: str = "") -> Project:
    """A noisy ruler that imports a module of the scope, whose changes have the size of the original."""
    runs = tmp_path / "runs"
    verify = f"echo >> {runs} && {PYTHON} ruler.py $(wc -l < {runs}){log}"
    project = Project(tmp_path / "repo", verify=verify, guards=(), protected=("ruler.py",), scope=("src/**",))
    project.write("ruler.py", IMPORTS.replace("BUILD", build)).write(".gitignore", "build/\n__pycache__/\n*.log\n")
    return project.write("src/part.py", "VALUE = 100\n").commit("a ruler that imports").start()


@pytest.mark.parametrize("log", ["", " > run.log && cat run.log"])
def test_a_keep_costs_one_pair_more_in_clean_checkouts(tmp_path: Path, log: str) -> None:
    project = imported(tmp_path, log=log)
    project.write("src/part.py", "VALUE = 200\n").loop.iterate("worse")

    answer = project.write("src/part.py", "VALUE = 60\n").loop.iterate("better")

    assert answer.status is Status.KEEP
    row = project.lab.for_reading().rows()[-1]
    assert row.runs == len(row.samples) + len(row.incumbent) + 2


def test_a_build_stays_in_its_folder(tmp_path: Path) -> None:
    project = imported(tmp_path, BUILDS)
    project.write("src/part.py", "VALUE = 200\n").loop.iterate("worse")

    answer = project.write("src/part.py", "VALUE = 60\n").loop.iterate("better")

    assert answer.status is Status.KEEP
    row = project.lab.for_reading().rows()[-1]
    assert row.runs == len(row.samples) + len(row.incumbent) + 2
    assert len(list((PairedCheckout(Repo(project.root), "arena").folder / "build").iterdir())) == 3, "the build stays"


def test_a_protected_file_that_the_second_run_of_a_clean_pair_touched_is_noticed(tmp_path: Path) -> None:
    touched = (
        'case "$AUTORESEARCH_ITERATION$PWD$(cat value.txt)" in 1*-clean/*10) touch table.txt;; esac; cat value.txt'
    )
    project = Project(tmp_path / "repo", verify=touched, guards=(), protected=("table.txt",))
    project.write("table.txt", "1\n").write("value.txt", "10\n").commit("a table").start()

    answer = project.write("value.txt", "9\n").loop.iterate("better")

    assert answer.status is not Status.KEEP
    assert "table.txt" in answer.why
