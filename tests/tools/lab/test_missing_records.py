"""A journal that lost records which git still bears witness to: noticed by every call, with the way on."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from autoresearch_mcp.tools.errors import Code, Refusal
from autoresearch_mcp.tools.git.cli import GitCli
from autoresearch_mcp.tools.lab.access import Lab
from autoresearch_mcp.tools.vocabulary import Phase
from conftest import Project

OWN = ".git/autoresearch"


def journal_files(project: Project) -> list[Path]:
    return sorted((project.root / OWN).glob("journal.db*"))


def copied_journal(project: Project, place: Path) -> Path:
    """A copy as of now, as a backup would have it; the server that wrote it may be alive."""
    place.mkdir()
    for file in journal_files(project):
        shutil.copy(file, place)
    return place


def put_back(project: Project, place: Path) -> None:
    for file in journal_files(project):
        file.unlink()
    for file in place.iterdir():
        shutil.copy(file, project.root / OWN)


def tried(project: Project) -> Project:
    """A session with a keep and a discard, whose server is still alive."""
    project.start()
    project.try_value(8, "eight")
    project.try_value(9, "nine")
    return project


def refusal(project: Project) -> str:
    """The words of the refusal that every call gets."""
    said = set()
    calls: list[Callable[[], object]] = [
        project.sessions.status,
        lambda: project.sessions.start_session(project.plan),
        lambda: project.try_value(7, "seven"),
        project.review.report,
    ]
    before = project.git("rev-parse", "HEAD")
    for call in calls:
        with pytest.raises(Refusal) as refused:
            call()
        assert refused.value.code is Code.JOURNAL_BROKEN, refused.value.message
        said.add(refused.value.message)
    assert project.git("rev-parse", "HEAD") == before
    assert len(said) == 1
    return said.pop()


def lose_the_log(project: Project) -> None:
    """Delete the write-ahead log, as if the server had died before: what stands in the file itself is older."""
    twin = project.root.parent / "twin"
    twin.mkdir()
    for file in journal_files(project):
        shutil.copy(file, twin)
    (twin / "journal.db-wal").unlink()
    put_back(project, twin)


def lose_all(project: Project) -> None:
    for file in journal_files(project):
        file.unlink()


def lose_the_folder(project: Project) -> None:
    shutil.rmtree(project.root / OWN)


LOSSES = {"the log": lose_the_log, "the journal": lose_all, "the folder": lose_the_folder}


@pytest.mark.parametrize("lose", LOSSES.values(), ids=LOSSES)
def test_a_journal_without_the_branchs_experiments_is_refused_by_every_call(
    project: Project, lose: Callable[[Project], None]
) -> None:
    tried(project)
    lose(project)
    project.restart()

    said = refusal(project)

    assert "iteration 2" in said
    assert "journal.db" in said
    assert "put back" in said


@pytest.mark.parametrize("older", [0, 1, 2])
def test_an_older_copy_put_back_is_noticed(project: Project, tmp_path: Path, older: int) -> None:
    project.start()
    for number in range(older):
        project.try_value(8 - number, f"try {number}")
    backup = copied_journal(project, tmp_path / "backup")
    project.try_value(20, "a discard")
    project.try_value(5, "a keep")
    put_back(project, backup)
    project.restart()

    assert f"iteration {older + 2}" in refusal(project)


def test_a_copy_without_the_last_revert_is_noticed(project: Project, tmp_path: Path) -> None:
    project.start().write("value.txt", "20\n")
    project.loop.commit("a discard")
    project.loop.verify()
    backup = copied_journal(project, tmp_path / "backup")
    project.loop.revert()
    project.loop.log()
    put_back(project, backup)
    project.restart()

    assert "iteration 1" in refusal(project)


@pytest.mark.parametrize("stopped", [True, False])
def test_the_right_copy_put_back_cures_it(project: Project, tmp_path: Path, stopped: bool) -> None:
    tried(project)
    backup = copied_journal(project, tmp_path / "backup")
    lose_all(project)
    project.restart()
    refusal(project)

    put_back(project, backup)
    if stopped:
        project.restart()

    assert project.sessions.status().iterations == 2
    assert project.try_value(7, "seven").iteration == 3


@pytest.mark.parametrize("lose", LOSSES.values(), ids=LOSSES)
def test_the_named_commit_lets_a_new_session_begin_on_top_of_the_commits(
    project: Project, lose: Callable[[Project], None]
) -> None:
    tried(project)
    lose(project)
    project.restart()
    before = project.git("rev-parse", "HEAD")
    cure = re.search(r"`(git commit [^`]+)`", refusal(project))
    assert cure

    project.write("value.txt", "8\n")
    subprocess.run(cure[1], shell=True, cwd=project.root, check=True, capture_output=True)
    if project.sessions.status().phase is not Phase.NO_SESSION:
        project.sessions.finish_session()

    project.sessions.start_session(project.plan)
    assert project.try_value(7, "seven").iteration == 1
    project.restart()
    assert project.sessions.status().iterations == 1
    assert project.git("merge-base", "--is-ancestor", before, "HEAD") == ""


def test_it_is_noticed_below_commits_of_the_user_and_on_a_branch_that_was_brought_forward(project: Project) -> None:
    tried(project)
    project.git("switch", "--quiet", "--create", "other")
    project.write("notes.txt", "more\n").commit("the user's")
    lose_all(project)
    project.restart()

    assert "iteration 2" in refusal(project)


def test_experiments_of_another_clone_are_no_loss(project: Project, tmp_path: Path) -> None:
    tried(project)
    place = tmp_path / "clone"
    project.git("clone", "--quiet", str(project.root), str(place))
    clone = Lab(place, allow_commands=True)

    assert clone.for_reading("").phase is Phase.NO_SESSION

    project.try_value(7, "seven")
    subprocess.run(["git", "pull", "--quiet"], cwd=place, check=True)
    assert clone.for_reading("").phase is Phase.NO_SESSION


def test_experiments_that_were_rewritten_are_a_moved_head(project: Project) -> None:
    tried(project)
    project.try_value(7, "seven")
    project.git("commit", "--quiet", "--amend", "--no-edit", "--date=2001-01-01T00:00:00Z")
    project.restart()
    project.write("value.txt", "6\n")

    with pytest.raises(Refusal) as refused:
        project.loop.iterate("six")

    assert refused.value.code is Code.HEAD_MOVED


def test_a_log_deleted_under_a_running_server_loses_nothing(project: Project) -> None:
    tried(project)
    for name in ("journal.db-wal", "journal.db-shm"):
        (project.root / OWN / name).unlink()

    running, project = project, project.copied_server()  # the server goes on, with the log that has no name any more

    assert running.try_value(7, "seven").iteration == 3
    assert project.sessions.status().iterations == 3
    assert "JOURNAL BROKEN" not in project.review.report().report


def test_the_look_costs_no_git_while_head_is_where_the_session_left_it(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried(project)
    asked: list[str] = []
    ask = GitCli.ask

    def counted(self: GitCli, *arguments: str, **named: object) -> object:
        asked.append(arguments[0])
        return ask(self, *arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(GitCli, "ask", counted)
    project.lab.for_reading("")
    assert "log" not in asked

    project.sessions.finish_session()
    project.write("notes.txt", "more\n").commit("the user's")
    for _ in range(3):
        project.lab.for_reading("")
    assert asked.count("log") <= 1
