"""Helpers for tests of candidates: a session whose changes add up, a place to edit in, and who works them off."""

from __future__ import annotations

from pathlib import Path

from autoresearch_mcp.tools.parallel.crew import crew_of
from autoresearch_mcp.tools.verbs.parallel import Parallel, Submission
from autoresearch_mcp.tools.workflows.fix.hooks import refuse_hiding
from conftest import Project

SUM = "cat value.txt src/* | paste -sd+ | bc"


def summed(root: Path, **plan: object) -> Project:
    """A session whose metric is the sum of the numbers in three files: changes to different files add up."""
    project = Project(root, **{"verify": SUM, "workers": 2, "guards": (), **plan})
    project.write("src/a.txt", "10\n").write("src/b.txt", "10\n").commit("parts")
    return project.start()


def with_own_environment(root: Path) -> Project:
    """A session whose verify is a program of the project's own environment, which git ignores."""
    project = Project(root, verify=".venv/bin/sh -c 'cat value.txt'", guards=())
    project.write(".gitignore", ".venv/\n").commit("ignored")
    (project.root / ".venv/bin").mkdir(parents=True)
    (project.root / ".venv/bin/sh").symlink_to("/bin/sh")
    project.start()
    return project


def workspace(project: Project, name: str = "") -> tuple[str, Path]:
    answer = Parallel(project.lab).workspace(name)
    return answer.name, Path(answer.path)


def handed_in(project: Project, name: str, folder: Path, **files: object) -> Submission:
    for file, value in files.items():
        (folder / file.replace("__", "/").replace("_txt", ".txt")).write_text(f"{value}\n")
    return Parallel(project.lab).submit(f"{files}", name)


def worked_off(project: Project) -> list[str]:
    crew_of(project.lab, "", refuse_hiding).work()
    return project.statuses()[1:]
