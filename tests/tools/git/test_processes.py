"""How many git processes a call takes, and that what is remembered instead is what git would say."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from autoresearch_mcp.tools.decision.decide import Status
from autoresearch_mcp.tools.errors import Refusal
from autoresearch_mcp.tools.git import cli
from autoresearch_mcp.tools.git.cli import GitCli
from autoresearch_mcp.tools.git.settings import Settings
from conftest import Project

KEEP, DISCARD = 11, 12


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Sequence[str]]:
    """Every command that git is asked from here on."""
    commands: list[Sequence[str]] = []
    execute = GitCli._execute

    def counted(self: GitCli, command: Sequence[str], *arguments: Any, **named: Any) -> tuple[int, bytes, str]:  # noqa: ANN401
        commands.append(command)
        return execute(self, command, *arguments, **named)

    monkeypatch.setattr(GitCli, "_execute", counted)
    monkeypatch.setattr(cli, "_YOUNG_NS", 0)
    return commands


def test_a_keep_and_a_discard_take_no_more_processes_than_this(project: Project, asked: list[Sequence[str]]) -> None:
    project.start()
    found = {}
    for value in (9, 20, 8, 21):
        asked.clear()
        status = project.try_value(value).status
        found[status] = len(asked)

    assert found[Status.KEEP] <= KEEP
    assert found[Status.DISCARD] <= DISCARD


def test_a_run_in_the_clean_checkout_has_no_tracked_file_of_the_users_looked_at(
    tmp_path: Path, asked: list[Sequence[str]]
) -> None:
    project = Project(tmp_path / "repo", guards=()).start()
    assert project.try_value(9).status is Status.KEEP
    asked.clear()

    assert project.try_value(8).status is Status.KEEP

    assert len([command for command in asked if "status" in command]) == 2, "before the commit, and after verify"


def test_what_git_does_not_know_is_the_same_with_and_without_a_look_at_tracked_files(project: Project) -> None:
    project.write(".gitignore", "*.log\n").write("kept/a.txt", "a").write("kept/b.txt", "b").commit("more")
    project.git("rm", "--quiet", "--cached", "kept/a.txt")
    for name in ("x.log", "new/deep/x.txt", "new/x.log", "kept/odd \u00fc\n.txt", "staged.txt"):
        project.write(name, "new")
    project.git("add", "staged.txt")
    project.git("init", "--quiet", "inner")

    alone = project.lab.for_reading().repo.untracked().paths

    assert alone == project.lab.for_reading().repo.status().untracked.paths
    assert set(alone) == {"kept/a.txt", "kept/odd \u00fc\n.txt", "new/deep/x.txt", "inner/"}


def test_what_the_index_lists_is_known_after_every_step(project: Project) -> None:
    project.start()
    changes: list[dict[str, str | None]] = [
        {"value.txt": "9\n"},
        {"value.txt": "20\n"},
        {"value.txt": "8\n", "src/new.txt": "new\n"},
        {"value.txt": "20\n", "src/other.txt": "other\n"},
        {"value.txt": "7\n", "src/new.txt": None},
        {"value.txt": "6\n", "app.txt": "one\n"},
    ]
    for number, files in enumerate(changes):
        for name, text in files.items():
            project.write(name, text) if text else Path(project.root, name).unlink()
        project.loop.iterate(f"change {number}")
        listed = project.git("ls-files", "-v").splitlines()
        assert list(project.lab.for_reading().repo.tracked()) == [line[2:] for line in listed]


def test_a_file_that_git_is_told_not_to_look_at_is_noticed_between_two_calls(project: Project) -> None:
    project.start()
    assert project.try_value(9).status is Status.KEEP
    project.git("update-index", "--assume-unchanged", "app.txt")

    with pytest.raises(Refusal, match="index flags"):
        project.try_value(8)


def test_settings_are_asked_again_when_a_file_or_its_place_changed(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def settings() -> Settings:
        return project.lab.for_reading().repo.settings()

    first = settings()
    assert settings() is first
    project.git("config", "core.autocrlf", "true")
    second = settings()
    other = tmp_path / "gitconfig"
    other.write_text("[core]\n eol = crlf\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(other))

    assert (first.last("core.autocrlf"), second.last("core.autocrlf")) == ("", "true")
    assert (second.last("core.eol"), settings().last("core.eol")) == ("", "crlf")
