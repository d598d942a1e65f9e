"""A baseline that check_plan measured is measured once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import Project


@pytest.fixture
def counted(tmp_path: Path) -> Project:
    """A plan whose verify leaves a line for each of its runs."""
    return Project(tmp_path / "repo", verify=f"echo >> {tmp_path}/runs; cat value.txt").write(".gitignore", "made\n")


def runs(project: Project) -> int:
    return (project.root.parent / "runs").read_text().count("\n")


def test_the_runs_of_check_plan_are_the_baseline_of_the_session(counted: Project) -> None:
    counted.commit("ignores")
    checked = counted.planning.check_plan(counted.plan)
    counted.now += 40
    before = runs(counted)

    started = counted.sessions.start_session(counted.plan)

    assert runs(counted) == before
    assert started.samples == checked.values
    assert started.reused == "the 5 runs of check_plan, 40 s ago, are the baseline"
    assert counted.try_value(9).status == "keep"


CHANGES: dict[str, Callable[[Project], object]] = {
    "another commit": lambda project: project.write("notes.txt", "more\n").commit("notes"),
    "another plan": lambda project: setattr(project, "plan", project.plan.model_copy(update={"min_effect": "1"})),
    "a file that git ignores": lambda project: project.write("made", "by another build\n"),
    "another git setting": lambda project: project.git("config", "core.autocrlf", "input"),
    "an hour": lambda project: setattr(project, "now", project.now + 3601),
    "another server": lambda project: project.restart(),
    "a session in between": lambda project: (project.start(), project.sessions.finish_session()),
}


@pytest.mark.parametrize("change", CHANGES)
def test_after_a_change_the_baseline_is_measured_anew(counted: Project, change: str) -> None:
    counted.commit("ignores")
    counted.planning.check_plan(counted.plan)
    CHANGES[change](counted)
    before = runs(counted)

    started = counted.sessions.start_session(counted.plan)

    assert (runs(counted), started.reused) == (before + 5, "")
