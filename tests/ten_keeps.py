"""A session of ten keeps, some of which write the same line."""

from __future__ import annotations

from pathlib import Path

from autoresearch_mcp.tools.decision.decide import Status
from conftest import Project

CHAIN = (1, 4, 7)
"""The keeps that write the one line of `src/a.txt`; each other one has a line of `src/b.txt` to itself."""


def with_ten_keeps(root: Path) -> Project:
    """A session on a branch of its own, whose metric is the sum of all numbers: each keep takes some off."""
    project = Project(root, verify="cat src/* | awk '{ sum += $1 } END { print sum }'", branch="lab")
    lines = ["10"] * 60
    project.write("src/a.txt", "40\n").write("src/b.txt", "\n".join(lines) + "\n").commit("parts").start()

    def keep() -> None:
        for number in range(1, 11):
            if number in CHAIN:
                project.write("src/a.txt", f"{40 - number}\n")
            else:
                lines[6 * number - 6] = str(10 - number)
                project.write("src/b.txt", "\n".join(lines) + "\n")
            assert project.loop.iterate(f"the change number {number}").status is Status.KEEP

    return project.once("ten keeps", keep)


def beside(project: Project, name: str, text: str) -> Project:
    """Commit a file on main without leaving the branch of the session."""
    place = project.root.parent / "beside"
    project.git("worktree", "add", "--quiet", str(place), "main")
    (place / name).write_text(text)
    project.git("-C", str(place), "commit", "--quiet", "--all", "-m", "main went on")
    project.git("worktree", "remove", str(place))
    return project
