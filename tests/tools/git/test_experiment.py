"""The commit and the undo of an experiment: prepared on entry, done on exit, and not done at all if the body raised."""

from __future__ import annotations

import pytest

from autoresearch_mcp.tools.git.experiment import ExperimentIndex
from autoresearch_mcp.tools.git.repo import Repo
from conftest import Project


class NotWrittenDown(Exception):
    pass


def test_head_moves_to_a_commit_after_the_body_and_not_before(project: Project) -> None:
    project.write("value.txt", "9\n")
    repo = Repo(project.root)
    index, head = ExperimentIndex(repo), project.git("rev-parse", "HEAD")

    with index.commit(index.stage(["value.txt"], head), head, "an experiment\n") as commit:
        assert project.git("cat-file", "-t", commit) == "commit"
        assert project.git("rev-parse", "HEAD") == head

    assert project.git("rev-parse", "HEAD") == commit
    assert project.git("status", "--porcelain") == ""


def test_a_commit_whose_body_raises_moves_nothing(project: Project) -> None:
    project.write("value.txt", "9\n")
    before = project.picture()
    repo = Repo(project.root)
    index, head = ExperimentIndex(repo), project.git("rev-parse", "HEAD")

    with (
        pytest.raises(NotWrittenDown),
        index.commit(index.stage(["value.txt"], head), head, "an experiment\n"),
    ):
        raise NotWrittenDown

    assert (project.git("rev-parse", "HEAD"), project.picture()) == (head, before)


def test_an_undo_whose_body_raises_moves_and_restores_nothing(project: Project) -> None:
    base = project.git("rev-parse", "HEAD")
    experiment = project.write("value.txt", "9\n").commit("an experiment").git("rev-parse", "HEAD")
    before = project.picture()
    index = ExperimentIndex(Repo(project.root))

    with pytest.raises(NotWrittenDown), index.undo(experiment, base, "the undo\n"):
        raise NotWrittenDown
    assert (project.git("rev-parse", "HEAD"), project.picture()) == (experiment, before)

    with index.undo(experiment, base, "the undo\n") as undo:
        assert project.git("rev-parse", "HEAD") == experiment
    assert project.git("rev-parse", "HEAD") == undo.commit
    assert project.read("value.txt") == "10\n"
