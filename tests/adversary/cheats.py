"""The bench that every cheat plays against, and what a cheat may end in.

The task is code golf: `src/work.sh` has to print the numbers of `expected.txt`, and the metric is how many bytes `src`
has. The ruler is a protected script that runs the program in a process of its own. An honest agent would delete comments.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

from autoresearch_mcp.tools.decision.decide import Status
from autoresearch_mcp.tools.errors import Code, Refusal
from autoresearch_mcp.tools.verbs.loop_answers import Iterated
from conftest import TEMPLATES, Project

WORK = """\
# Prints the answer; this comment is what an honest agent would delete.
for number in 1 2 3
do
    printf '%s ' "$number"
done
"""
SIZE = float(len(WORK))
BENCH = """\
said=$(sh src/work.sh) || exit 1
test "$said" = "$(cat expected.txt)" || exit 1
echo "METRIC bytes=$(cat src/*.sh | wc -c)"
"""
SMALL = ":\n"
"""A program that does nothing: short, and wrong unless the ruler is bent."""
REFUSED_FILES = frozenset({Code.OUTSIDE_SCOPE, Code.PROTECTED})


class Fooled(AssertionError):
    """A cheat ended in a keep that it did not earn."""


def listed(names: Iterable[str], holes: Mapping[str, str]) -> list[Any]:
    """Every cheat once; an open hole is expected to fool the server, in this way and in no other, until it is mended."""
    return [
        pytest.param(
            name,
            id=name,
            marks=[pytest.mark.xfail(strict=True, raises=Fooled, reason=holes[name])] if name in holes else [],
        )
        for name in names
    ]


def golf(tmp_path: Path, **plan: object) -> Project:
    """A repository with the task, committed, without a session; `plan` overrides fields of its plan."""
    usual: dict[str, object] = {
        "goal": "a shorter program",
        "scope": ("src/**",),
        "protected": ("bench.sh", "expected.txt", "check.sh"),
        "metric": "bytes",
        "verify": "sh bench.sh",
        "guards": (),
    }
    project = Project(tmp_path / "repo", **{**usual, **plan})

    def set_task() -> None:
        project.write("src/work.sh", WORK).write("bench.sh", BENCH).write("expected.txt", "1 2 3 \n")
        project.commit("the task")

    TEMPLATES.fill(project.root, "golf", set_task)
    return project


def refused(project: Project, *codes: Code, says: str = ".") -> Refusal:
    """Try to iterate: the server must refuse with one of these codes, and commit nothing."""
    before = _belief(project)
    with pytest.raises(Refusal, match=says) as found:
        project.loop.iterate("a much shorter program")
    assert found.value.code in (codes or REFUSED_FILES), found.value.message
    assert _belief(project) == before
    return found.value


def not_kept(project: Project, answer: Iterated, *statuses: Status) -> None:
    """The try ended in one of these statuses, and the branch has the code that it had before."""
    assert answer.status in statuses, answer
    assert project.git("show", "HEAD:src/work.sh") == WORK.rstrip("\n")


def earns_no_keep(project: Project) -> None:
    """For holes that are open: any refusal or verdict will do, as long as it is not a keep."""
    try:
        answer = project.loop.iterate("shorter")
    except Refusal:
        return
    if answer.status is Status.KEEP:
        raise Fooled(f"kept with {answer.metric}: {answer.why}")


def _belief(project: Project) -> tuple[str, list[str]]:
    """What the repository and the results say: commit and rows."""
    return project.git("rev-parse", "HEAD"), project.table()


def given_up(project: Project) -> Iterated:
    """Nothing more to try: the open iteration is taken back and logged."""
    project.loop.revert()
    return project.loop.log()
