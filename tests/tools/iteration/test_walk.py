"""Random calls in random order: whatever happens, the invariants hold."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from autoresearch_mcp.tools.errors import Refusal
from autoresearch_mcp.tools.lab.answers import Answer
from autoresearch_mcp.tools.verbs.loop import Loop
from autoresearch_mcp.tools.verbs.loop_answers import Iterated
from autoresearch_mcp.tools.vocabulary import Phase
from conftest import Project

CALLS = 70


def _edit(project: Project, draw: random.Random) -> None:
    """Something that an agent might do to the files, allowed or not."""
    edits: list[Callable[[], object]] = [
        lambda: project.write("value.txt", f"{draw.randint(1, 20)}\n"),
        lambda: project.write("value.txt", f"{draw.uniform(1, 20)}\n"),
        lambda: project.write("value.txt", "nan\n"),
        lambda: (project.root / "value.txt").unlink(missing_ok=True),
        lambda: project.write("app.txt", draw.choice(["bad\n", "good\n", "longer\nthan\nbefore\n"])),
        lambda: project.write(f"src/{draw.randint(1, 3)}.txt", f"{draw.random()}\n"),
        lambda: project.write("notes.txt", "out of scope\n"),
    ]
    draw.choice(edits)()


def _tidy(project: Project, phase: Phase) -> None:
    """What an agent does about a refusal: put the user's file back, and between ideas everything else."""
    paths = ["."] if phase is Phase.READY else ["notes.txt"]
    project.git("restore", "--staged", "--worktree", "--", *paths)
    if phase is Phase.READY:
        project.git("clean", "-fdq", "--", "src")


def _calls(loop: Loop) -> list[Callable[[], Answer]]:
    iterate = partial(loop.iterate, "words")
    return [iterate, iterate, partial(loop.commit, "words"), loop.verify, loop.guard, loop.revert, loop.log]


@pytest.mark.parametrize("seed", [1, 2])
def test_whatever_is_called_in_whatever_order_the_invariants_hold(tmp_path: Path, seed: int) -> None:
    draw = random.Random(seed)
    project = Project(tmp_path / "repo", ties=draw.choice(["discard", "simpler"])).start()
    kept = project.git("rev-parse", "HEAD^{tree}")
    logged = 0
    for _ in range(CALLS):
        if draw.random() < 0.6:
            _edit(project, draw)
        if draw.random() < 0.2:
            project.restart()
        before, phase = project.picture(), project.sessions.status().phase
        if phase is Phase.ENDED:
            break
        try:
            answer = draw.choice(_calls(project.loop))()
        except Refusal:
            assert project.picture() == before
            _tidy(project, phase)
            continue
        if isinstance(answer, Iterated) and answer.status:
            logged += 1
            if answer.status.kept:
                kept = project.git("rev-parse", "HEAD^{tree}")
            assert project.git("rev-parse", "HEAD^{tree}") == kept
            assert [row.split("\t")[0] for row in project.table()] == [str(place) for place in range(logged + 1)]
            assert project.sessions.status().iterations == logged

    assert logged >= 5
    assert project.git("fsck", "--strict", "--no-dangling") == ""
    assert project.git("log", "--format=%s", "--invert-grep", "--grep=^experiment(", "--grep=^Revert") == "start"
