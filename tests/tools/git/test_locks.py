"""Locks of the user's own git: waited for, or refused with a cure; never removed, and nothing moves while one is held."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from autoresearch_mcp.tools.errors import Code, Refusal
from autoresearch_mcp.tools.git import locks
from conftest import Project
from crashing import killed_around


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "PATIENCE_S", 0.4)
    monkeypatch.setattr(locks, "DEAD_S", 0.1)


@contextmanager
def editor_open(project: Project) -> Iterator[None]:
    """The user's `git commit`, which waits in its editor as long as the block lasts."""
    opened, closed = project.root.parent / "opened", project.root.parent / "closed"
    editor = project.root.parent / "editor.sh"
    editor.write_text(f'#!/bin/sh\ntouch "{opened}"\nwhile ! [ -e "{closed}" ]; do sleep 0.05; done\necho mine >"$1"\n')
    editor.chmod(0o755)
    command = ["git", "-c", f"core.editor='{editor}'", "commit", "--quiet", "--only", "notes.txt"]
    with subprocess.Popen(command, cwd=project.root) as git:
        while not opened.exists():
            assert git.poll() is None
            time.sleep(0.01)
        try:
            yield
        finally:
            closed.touch()
    assert git.returncode == 0


def lock_of(project: Project) -> Path:
    return project.root / ".git/index.lock"


def test_an_open_editor_of_a_commit_is_left_alone_and_nothing_moves(project: Project) -> None:
    project.start()
    project.write("notes.txt", "more notes\n")
    head = project.git("rev-parse", "HEAD")
    with editor_open(project):
        lock = lock_of(project).stat().st_ino
        project.write("notes.txt", "the user's notes\n").write("value.txt", "8\n")
        for _ in range(2):
            with pytest.raises(
                Refusal, match=r"(?s)holds .*index\.lock.*Let it\s+end, then make the same call"
            ) as said:
                project.loop.iterate("a smaller value")
            assert said.value.code is Code.BUSY
            assert project.git("rev-parse", "HEAD") == head
            assert lock_of(project).stat().st_ino == lock
        project.write("notes.txt", "more notes\n")

    assert project.git("log", "-1", "--format=%s") == "mine"
    assert project.git("show", "HEAD:notes.txt") == "more notes"
    assert project.read("value.txt") == "8\n"


def test_a_lock_that_is_held_for_a_moment_is_waited_for(project: Project) -> None:
    project.start()
    lock_of(project).write_bytes(b"")
    threading.Timer(0.15, lock_of(project).unlink).start()

    assert project.try_value(8).status == "keep"


def test_a_lock_that_comes_while_measuring_stops_the_undo_before_anything_moves(tmp_path: Path) -> None:
    verify = "cat value.txt; grep -q 20 value.txt && : > .git/index.lock || true"
    project = Project(tmp_path / "repo", verify=verify).start()

    with pytest.raises(Refusal, match=r"holds .*index\.lock"):
        project.try_value(20)
    experiment = project.git("rev-parse", "HEAD")

    assert lock_of(project).read_bytes() == b""
    assert project.read("value.txt") == "20\n"
    lock_of(project).unlink()
    assert project.loop.iterate("another value").status == "discard"
    assert project.git("rev-parse", "HEAD^") == experiment
    assert project.statuses() == ["baseline", "discard"]


@pytest.fixture(
    params=[f"{when} HEAD moved for {step}" for step in ("the commit", "the undo") for when in ("before", "after")]
)
def killed(request: pytest.FixtureRequest, project: Project) -> Project:
    """A session whose server died around the step that moves HEAD, its locks included."""
    project.start().write("value.txt", "20\n")
    when, step = request.param.split(" HEAD moved for ")
    assert killed_around("update-ref", 1 + (step == "the undo"), when, lambda: project.loop.iterate("an idea"))
    assert (project.root / ".git/autoresearch/intent.json").exists()
    project.restart()
    return project


THEIRS = {"HEAD.lock": "ref: refs/heads/other\n", "refs/heads/main.lock": "0" * 40 + "\n", "index.lock": "DIRC"}


def test_after_a_crash_the_lock_of_another_git_is_not_taken_for_ours(killed: Project) -> None:
    for lock, text in THEIRS.items():
        file = killed.root / ".git" / lock
        file.unlink(missing_ok=True)
        file.write_text(text)

        if len(killed.table()) == 1:
            with suppress(Refusal):  # the rest may need no lock
                killed.loop.iterate("an idea")

        assert file.read_text() == text
        file.unlink()
    if len(killed.table()) == 1:
        killed.loop.iterate("an idea")
    assert killed.statuses() == ["baseline", "discard"]
    assert killed.git("status", "--porcelain") == ""


@pytest.mark.parametrize("stage", ["", "{new}\n"], ids=["empty", "written"])
def test_the_locks_of_a_git_of_ours_that_died_are_removed(killed: Project, stage: str) -> None:
    intent = json.loads((killed.root / ".git/autoresearch/intent.json").read_bytes())
    (killed.root / ".git/HEAD.lock").write_bytes(b"")
    (killed.root / ".git/refs/heads/main.lock").write_text(stage.format(new=intent["new"]))

    killed.loop.iterate("an idea")

    assert killed.statuses() == ["baseline", "discard"]
    assert not list((killed.root / ".git").rglob("*.lock"))


@pytest.mark.parametrize("left", [b"", b"\0" * 41, b"0123456789", b"0123456789" + b"\0" * 31])
def test_what_a_loss_of_power_leaves_of_a_lock_of_ours_is_removed(tmp_path: Path, left: bytes) -> None:
    head, branch = tmp_path / "HEAD.lock", tmp_path / "main.lock"
    head.touch()
    branch.write_bytes(left)

    locks.remove_dead(head, branch, "0123456789" * 4, 0.0)

    assert not head.exists()
    assert not branch.exists()


def test_a_lock_that_names_another_commit_is_left_alone(tmp_path: Path) -> None:
    branch = tmp_path / "main.lock"
    branch.write_bytes(b"f" * 40 + b"\n")

    locks.remove_dead(tmp_path / "HEAD.lock", branch, "0123456789" * 4, 0.0)

    assert branch.exists()
