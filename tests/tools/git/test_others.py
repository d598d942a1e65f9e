"""What git does not track is held between two looks, and whatever would change git's answer is seen all the same."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from autoresearch_mcp.tools.git import stamps
from autoresearch_mcp.tools.git.checkout import CheckoutCache
from autoresearch_mcp.tools.git.cli import GitCli
from autoresearch_mcp.tools.git.repo import Repo
from conftest import Project


@pytest.fixture
def project(project: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Project:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "settings"))
    project.write(".gitignore", "*.log\nbuild/\n").write("deep/down/kept.txt", "kept\n").commit("more")
    project.write("deep/new.txt", "new\n").write("deep/down/old.log", "log\n").write("build/app.o", "object\n")
    return project


def held(project: Project) -> Callable[[], Repo]:
    """Let git be asked until its answer is held."""
    cache = CheckoutCache()
    for _ in range(2):
        Repo(project.root, cache).status()
    return lambda: Repo(project.root, cache)


def unseen(change: Callable[[Path], object]) -> Callable[[Project], object]:
    """Set the times of the folder and of its file back to what they were."""

    def changed(project: Project) -> None:
        folder = project.root / "deep/down"
        times = {file: (file.stat().st_atime_ns, file.stat().st_mtime_ns) for file in (folder, folder / "kept.txt")}
        change(folder)
        for file, ns in times.items():
            if file.exists():
                os.utime(file, ns=ns)

    return changed


CHANGES: dict[str, Callable[[Project], object]] = {
    "a new file": unseen(lambda folder: (folder / "x.txt").write_text("x")),
    "a new file that is ignored": unseen(lambda folder: (folder / "x.log").write_text("x")),
    "a new folder": lambda project: project.write("other/x.txt", "x"),
    "a file gone": lambda project: (project.root / "deep/new.txt").unlink(),
    "another name": unseen(lambda folder: (folder / "old.log").rename(folder / "old.txt")),
    "a file in place of an ignored folder": lambda project: (project.root / "build").rename(project.root / "built"),
    "other rules": lambda project: project.write(".gitignore", "*.txt\n"),
    "rules in a folder": lambda project: project.write("deep/.gitignore", "new.txt\n"),
    "rules of this repository": lambda project: project.write(".git/info/exclude", "new.txt\n"),
    "rules of the user": lambda project: project.write("../settings/git/ignore", "new.txt\n"),
    "another file of the user's rules": lambda project: (
        project.write("../rules", "new.txt\n"),
        project.git("config", "core.excludesFile", "../rules"),
    ),
    "a file that git knows now": lambda project: project.git("add", "deep/new.txt"),
    "a file that git knows no more": lambda project: project.git("rm", "--quiet", "--cached", "deep/down/kept.txt"),
    "a repository within": lambda project: project.git("init", "--quiet", "deep/inner"),
    "a file in a repository within": lambda project: (
        project.git("init", "--quiet", "deep/inner"),
        project.write("deep/inner/.git/HEAD", "no more\n").write("deep/inner/x.txt", "x"),
    ),
}


@pytest.mark.parametrize("settled_s", [0.0, 1000.0], ids=["old folders", "young folders"])
@pytest.mark.parametrize("change", CHANGES)
def test_a_change_is_seen_although_the_answer_is_held(
    project: Project, monkeypatch: pytest.MonkeyPatch, change: str, settled_s: float
) -> None:
    monkeypatch.setattr(stamps, "SETTLED_S", settled_s)
    repo = held(project)
    before = repo().status()

    CHANGES[change](project)

    fresh = Repo(project.root).status()
    assert (fresh.changes, fresh.ignored.paths) != (before.changes, before.ignored.paths)
    assert repo().untracked().paths == fresh.untracked.paths
    for _ in range(2):
        now = repo().status()
        assert (now.changes, now.ignored.paths) == (fresh.changes, fresh.ignored.paths)


def test_git_reads_no_folder_where_nothing_came_or_went(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    repo = held(project)
    before, asked = repo().status(), list[Sequence[str]]()
    execute = GitCli._execute

    def counted(self: GitCli, command: Sequence[str], *arguments: Any, **named: Any) -> tuple[int, bytes, str]:  # noqa: ANN401
        asked.append(command)
        return execute(self, command, *arguments, **named)

    monkeypatch.setattr(GitCli, "_execute", counted)
    project.write("value.txt", "9\n").write("deep/new.txt", "other\n").write("deep/down/old.log", "more\n")
    project.write("build/deeper/app.o", "object\n")
    assert repo().untracked() is before.untracked

    now = repo().status()

    assert (now.untracked, now.ignored) == (before.untracked, before.ignored)
    assert [edit.path for edit in now.edits] == ["value.txt"]
    assert [("--untracked-files=no" in command) for command in asked if "status" in command] == [True]
    assert not any("ls-files" in command for command in asked)


def test_what_a_repository_within_says_of_itself_is_asked_each_time(project: Project) -> None:
    project.git("init", "--quiet", "deep/inner")
    project.write("deep/inner/x.txt", "x")
    repo = held(project)
    assert "deep/inner/" in repo().status().untracked.paths

    project.write("deep/inner/.git/HEAD", "no more\n")

    assert repo().status().untracked.paths == Repo(project.root).status().untracked.paths
    assert "deep/inner/x.txt" in repo().status().untracked.paths
