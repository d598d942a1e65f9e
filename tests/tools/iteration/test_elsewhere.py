"""An agent that edits another checkout of the repository than the one that the session works in is told so."""

from __future__ import annotations

import re
import subprocess

import pytest

from autoresearch_mcp.tools.errors import Refusal
from conftest import Project


def test_a_no_op_names_the_folder_that_was_looked_at(project: Project) -> None:
    project.start()

    why = project.loop.iterate("nothing").why

    assert f"This session works in {project.root}." in why
    assert "another checkout" not in why


@pytest.mark.parametrize("folder", ["linked", "with spaces and 'quotes'"])
def test_changes_in_a_linked_worktree_are_named_with_a_command_that_brings_them(project: Project, folder: str) -> None:
    linked = project.root.parent / folder
    project.start().try_value(9)
    project.git("worktree", "add", "--quiet", "--detach", str(linked))
    (linked / "value.txt").write_text("8\n")
    (linked / "src").mkdir()
    (linked / "src/new.txt").write_text("new\n")
    (linked / "notes.txt").write_text("outside the scope\n")

    why = project.loop.iterate("a smaller value").why

    assert f"{linked}, another checkout of this repository, has changes in scope: value.txt, src/new.txt." in why
    assert "copy src/new.txt here" in why
    command = re.search(r"`(git [^`]+)`", why)
    assert command
    subprocess.run(command[1], shell=True, check=True, cwd="/")
    assert project.loop.iterate("a smaller value").status == "keep"
    assert (linked / "value.txt").read_text() == "8\n"


def test_a_session_in_a_linked_worktree_is_told_of_the_main_checkout(project: Project) -> None:
    main = project.root
    project.git("worktree", "add", "--quiet", "-b", "aside", "../linked")
    project.root = main.parent / "linked"
    project.restart()
    project.start()
    (main / "value.txt").write_text("8\n")

    assert f"But {main}, another checkout" in project.loop.commit("a smaller value").why


def test_a_worktree_that_is_gone_or_unchanged_is_not_named(project: Project) -> None:
    project.git("worktree", "add", "--quiet", "--detach", "../gone")
    project.git("worktree", "add", "--quiet", "--detach", "../unchanged")
    (project.root.parent / "gone").rename(project.root.parent / "renamed")
    project.start()

    assert "another checkout" not in project.loop.iterate("nothing").why


def test_a_fix_in_the_wrong_checkout_is_told_too(project: Project) -> None:
    project.start()
    (project.root / "value.txt").unlink()
    assert project.loop.iterate("a crash").phase == "fix"
    project.git("worktree", "add", "--quiet", "--detach", "../linked")
    (project.root.parent / "linked/value.txt").write_text("8\n")

    with pytest.raises(Refusal, match=r"Nothing in scope changed since the last attempt.*linked, another checkout"):
        project.loop.iterate("a crash")
