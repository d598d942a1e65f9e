"""A workspace is a place of one's own at the newest best, and nothing that is edited there is ever lost."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from autoresearch_mcp.tools.decision.decide import Status
from autoresearch_mcp.tools.errors import Code, Refusal
from autoresearch_mcp.tools.verbs.parallel import Parallel, WorkspaceAnswer
from conftest import Project


def given(project: Project, name: str = "", direction: str = "") -> tuple[WorkspaceAnswer, Path]:
    answer = Parallel(project.lab).workspace(name, direction)
    return answer, Path(answer.path)


def test_a_workspace_stands_outside_the_checkout_at_the_newest_keep_and_the_users_checkout_stays(
    project: Project,
) -> None:
    project.start()
    assert project.try_value(5).status is Status.KEEP
    assert project.try_value(50).status is Status.DISCARD
    before = project.picture()

    answer, folder = given(project, direction="smaller still")

    assert not folder.is_relative_to(project.root)
    assert (folder / "value.txt").read_text() == "5\n"
    assert (answer.iteration, answer.base) == (1, project.git("rev-parse", "HEAD~2"))
    assert project.sessions.status().workspaces == ["Workspace w1: smaller still"]
    assert project.picture() == before


def test_what_git_does_not_have_comes_as_copies_of_its_own_and_what_names_its_own_path_does_not(
    project: Project,
) -> None:
    project.write(".gitignore", "node_modules/\n.venv/\nbuild/\n.env\n").commit("ignore")
    project.write("node_modules/pad/bin/run", "#!/bin/sh\necho pad\n").write(".venv/pyvenv.cfg", "home = /usr\n")
    project.write("build/CMakeCache.txt", "CMAKE_HOME_DIRECTORY=here\n").write(".env", "KEY=1\n")
    (project.root / "node_modules/pad/bin/run").chmod(0o755)
    project.write("node_modules/pad/__pycache__/a.pyc", "stale\n")
    project.start()

    answer, folder = given(project)
    (folder / "node_modules/pad/bin/run").write_text("changed\n")
    with (folder / ".env").open("a") as opened:
        opened.write("MORE=1\n")

    assert not any((folder / name).is_symlink() for name in (".venv", "node_modules"))
    assert os.access(folder / "node_modules/pad/bin/run", os.X_OK)
    assert not (folder / "node_modules/pad/__pycache__").exists()
    assert answer.left == ["build"]
    assert answer.brought.startswith("Copied: .env, .venv, node_modules; 3 files, 0.0 MiB, ")
    assert project.read("node_modules/pad/bin/run") == "#!/bin/sh\necho pad\n"
    assert project.read(".env") == "KEY=1\n"


def test_a_workspace_comes_onto_the_newest_best_but_not_over_edits(project: Project) -> None:
    project.start()
    answer, folder = given(project)
    (folder / "src").mkdir()
    (folder / "src/new.txt").write_text("an idea\n")
    assert given(project, answer.name)[0].base == answer.base, "nothing newer was kept"
    project.try_value(5)

    with pytest.raises(Refusal, match=r"has edits that were not handed in: src/new\.txt\. Nothing was changed"):
        given(project, answer.name)
    with pytest.raises(Refusal, match=r"not handed in: src/new\.txt"):
        Parallel(project.lab).workspace(answer.name, release=True)

    assert (folder / "src/new.txt").read_text() == "an idea\n"
    shutil.rmtree(folder / "src")
    assert given(project, answer.name)[0].iteration == 1
    assert (folder / "value.txt").read_text() == "5\n"


def test_a_direction_is_its_servers_until_that_is_gone(project: Project) -> None:
    project.start()
    given(project, direction="the optimiser")
    other = project.copied_server()

    with pytest.raises(Refusal, match="belongs to an agent of another server") as refused:
        given(other, "w1")
    assert refused.value.code is Code.BUSY
    assert given(other, direction="the parser")[0].others == ["Workspace w1: the optimiser"]

    os.close(project.lab.signs.popitem()[1])  # as its death does
    assert other.sessions.status().workspaces[0] == "Workspace w1 (free: its agent's server is gone): the optimiser"
    assert given(other, "w1")[0].name == "w1"
    assert other.sessions.status().workspaces[0] == "Workspace w1: the optimiser"


def test_a_released_workspace_leaves_nothing(project: Project) -> None:
    project.start()
    answer, folder = given(project)

    Parallel(project.lab).workspace(answer.name, release=True)

    assert not folder.parent.exists()
    assert project.git("worktree", "list", "--porcelain").count("worktree ") == 1
    assert project.sessions.status().workspaces == []
    with pytest.raises(Refusal, match="There is no workspace 'w1'; there are: none"):
        Parallel(project.lab).workspace("w1", release=True)


def test_the_end_of_the_session_takes_workspaces_away_but_those_with_edits(project: Project) -> None:
    project.start()
    (_, clean), (_, edited) = given(project), given(project)
    (edited / "value.txt").write_text("7\n")

    answer = project.sessions.finish_session()

    assert answer.left == [str(edited)]
    assert not clean.exists()
    assert (edited / "value.txt").read_text() == "7\n"
    assert "has edits that were not handed in, and was left as it is" in answer.text()
    project.start()
    with pytest.raises(
        Refusal, match=r"workspace w2 of an earlier session, has edits that were not handed in: value\.txt"
    ):
        given(project, "w2")
    assert (edited / "value.txt").read_text() == "7\n"


def test_a_workspace_whose_folder_is_lost_keeps_its_commits_and_is_made_again(project: Project) -> None:
    project.start()
    answer, folder = given(project)
    commit = ("-c", "user.name=a", "-c", "user.email=a@b.c", "commit", "-q", "--allow-empty", "-m", "own")
    subprocess.run(["git", *commit], cwd=folder, check=True)
    own = subprocess.run(["git", "rev-parse", "HEAD"], cwd=folder, check=True, capture_output=True, text=True).stdout
    shutil.rmtree(folder)
    project.git("worktree", "prune")
    project.git("gc", "--quiet", "--prune=now")

    assert project.git("cat-file", "-t", own.strip()) == "commit"
    assert (given(project, answer.name)[1] / "value.txt").read_text() == "10\n"


def test_what_an_agent_committed_in_its_workspace_counts_as_an_edit(project: Project) -> None:
    project.start()
    answer, folder = given(project)
    (folder / "value.txt").write_text("7\n")
    subprocess.run(["git", "commit", "-q", "--all", "-m", "own"], cwd=folder, check=True)
    project.try_value(5)

    with pytest.raises(Refusal, match=r"not handed in: value\.txt"):
        given(project, answer.name)
