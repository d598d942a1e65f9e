"""No git call runs in another repository than the one that it was meant for, whatever folders are called."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from autoresearch_mcp.tools.errors import Refusal
from autoresearch_mcp.tools.git.cli import GitCli
from autoresearch_mcp.tools.git.paired_checkout import PairedCheckout
from autoresearch_mcp.tools.git.repo import Repo, create_repository
from conftest import Project

NOISY = "echo $(cat value.txt).$AUTORESEARCH_RUN"

NAMES = {
    "variables": "costs $NAME ${NAME} %NAME% 100%s",
    "a home": "~",
    "somebody's home": "~root",
    "white space": " two  words\nand lines\n",
    "signs": '[ab]*?{c}! it\'s "so"\\n a:b',
    "a dash": "-C",
}


@pytest.fixture(autouse=True)
def bystander(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A repository of the user's, in which the server happens to stand."""
    other = Project(tmp_path / "bystander")
    monkeypatch.chdir(other.root)
    monkeypatch.setenv("NAME", "somewhere else")
    return other


def untouched(project: Project) -> object:
    """All of a repository but the work of others that lies below it."""
    refs = project.git("for-each-ref"), project.git("reflog"), project.git("worktree", "list")
    return *refs, project.git("symbolic-ref", "HEAD"), project.git("status", "--porcelain", "--untracked-files=no")


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_a_session_works_in_a_folder_of_any_name_and_nowhere_else(
    tmp_path: Path, bystander: Project, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "caches" / name))
    project = Project(tmp_path / "repositories" / name, verify=NOISY, noise="2")
    before = untouched(bystander)

    project.start()
    project.try_value(3)
    project.try_value(30)

    assert project.statuses() == ["baseline", "keep", "discard"]
    assert project.git("symbolic-ref", "HEAD") == "refs/heads/main"
    assert project.git("status", "--porcelain") == ""
    assert untouched(bystander) == before


@pytest.mark.parametrize("change", ["gone", "a file", "another repository", "a link to it"])
def test_a_folder_that_is_not_the_one_it_was_runs_no_git(
    project: Project, bystander: Project, tmp_path: Path, change: str
) -> None:
    git, before = GitCli(project.root), untouched(bystander)
    project.root.rename(tmp_path / "moved")
    if change == "a file":
        project.root.write_text("no folder\n")
    if change == "another repository":
        shutil.copytree(bystander.root, project.root)
    if change == "a link to it":
        project.root.symlink_to(bystander.root)

    with pytest.raises(Refusal, match=r"is not the folder that it was|cannot be entered"):
        git.ask("checkout", "--quiet", "--force", "--detach", "HEAD")

    assert untouched(bystander) == before


def test_a_repository_that_loses_its_git_folder_does_not_hand_its_calls_to_the_one_around(tmp_path: Path) -> None:
    around = Project(tmp_path / "around")
    inner = Project(around.root / "inner")
    repo, before = Repo(inner.root), untouched(around)
    (inner.root / ".git").rename(tmp_path / "taken away")

    with pytest.raises(Refusal):
        repo.git.run("update-ref", "refs/heads/other", "HEAD")

    assert untouched(around) == before


def test_a_second_checkout_in_a_cache_that_is_under_git_moves_nothing_there(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Project(tmp_path / "dotfiles")
    monkeypatch.setenv("XDG_CACHE_HOME", str(home.root / ".cache"))
    home.write(".gitignore", ".cache\n").commit("the cache is none of git's")
    checkout, before = PairedCheckout(Repo(project.root), "arena"), untouched(home)
    folder = checkout.check_out("HEAD")
    (folder / ".git").unlink()

    checkout.check_out("HEAD")

    assert (folder / ".git").is_file()
    assert untouched(home) == before


def test_a_new_repository_inside_of_another_holds_its_own_files_only(tmp_path: Path) -> None:
    around = Project(tmp_path / "around")
    inner = around.root / "costs $NAME"
    inner.mkdir()
    (inner / "file.txt").write_text("of the new one\n")
    head = around.git("rev-parse", "HEAD")

    create_repository(inner, "first")

    assert GitCli(inner).line("ls-files") == "file.txt"
    assert GitCli(inner).line("config", "--get", "core.bare") == "false"
    assert GitCli(inner).ask("config", "--get", "core.worktree").code == 1
    assert around.git("rev-parse", "HEAD") == head
