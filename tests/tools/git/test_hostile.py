"""A repository that wants to run programs of its own whenever somebody looks at it. None of them runs in our git calls.

`pre-commit` and `commit-msg` are the exception that is meant: they run where a commit is made, as they would for a person.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from autoresearch_mcp.tools.errors import Refusal
from autoresearch_mcp.tools.git.cli import GitCli, foreign_filters, to_drop
from autoresearch_mcp.tools.git.repo import Repo
from conftest import Project

HOOKS = (
    "post-index-change reference-transaction post-checkout post-commit post-merge post-rewrite pre-push pre-rebase"
    " prepare-commit-msg fsmonitor-watchman query-watchman pre-auto-gc update post-update"
).split()


class Trap:
    """Programs that leave a marker when they run."""

    def __init__(self, project: Project, folder: Path) -> None:
        self.project, self.folder = project, folder
        folder.mkdir()

    def program(self, name: str) -> str:
        file = self.folder / f"{name}.sh"
        file.write_text(f"#!/bin/sh\ntouch '{self.folder}/{name}.sprung'\ncat\n")
        file.chmod(0o755)
        return str(file)

    def sprung(self) -> list[str]:
        return sorted(file.stem for file in self.folder.glob("*.sprung"))

    def reset(self) -> None:
        for mark in self.folder.glob("*.sprung"):
            mark.unlink()

    def set(self, name: str, key: str, prefix: str = "") -> None:
        self.project.git("config", key, prefix + self.program(name))


@pytest.fixture
def trap(project: Project, tmp_path: Path) -> Trap:
    trap = Trap(project, tmp_path / "traps")
    project.write(".gitattributes", "*.txt diff=evil\n").commit("attributes")
    for hook in HOOKS:
        project.hook(hook, f"touch '{trap.folder}/hook-{hook}.sprung'")
    return trap


def _arm(trap: Trap) -> None:
    trap.set("fsmonitor", "core.fsmonitor")
    trap.set("external", "diff.external")
    trap.set("driver", "diff.evil.command")
    trap.set("textconv", "diff.evil.textconv")
    trap.set("gpg", "gpg.program")
    trap.set("ssh-sign", "gpg.ssh.program")
    trap.set("ssh", "core.sshCommand")
    trap.set("askpass", "core.askPass")
    trap.set("credential", "credential.helper", "!")
    trap.set("editor", "core.editor")
    trap.set("pager", "core.pager")
    trap.set("refs", "core.alternateRefsCommand")
    trap.set("trailer", "trailer.Autoresearch-Journal.command")
    trap.set("merge", "merge.evil.driver")
    trap.set("alias", "alias.status", "!")
    for switch in ("commit.gpgSign", "tag.gpgSign", "log.showSignature", "status.submoduleSummary", "gc.auto"):
        trap.project.git("config", switch, "true" if switch != "gc.auto" else "1")
    trap.project.git("config", "protocol.allow", "always")
    trap.project.git("config", "protocol.ext.allow", "always")
    trap.project.git("config", "remote.origin.url", f"ext::{trap.program('remote')}")
    trap.project.git("config", "remote.origin.promisor", "true")


def _whole_session(project: Project) -> None:
    project.plan = project.plan.model_copy(update={"scope": ("value.txt", "app.txt")})
    project.start()
    project.try_value(9)
    project.try_value(99)
    project.review.history(iteration=1)
    project.review.detect_stuck()
    project.review.report()
    project.sessions.finish_session("clean")


def test_the_traps_work(trap: Trap) -> None:
    _arm(trap)
    trap.project.write("value.txt", "11\n").git("status")
    trap.project.git("config", "--unset", "diff.external")

    assert {"fsmonitor", "hook-post-index-change"} <= set(trap.sprung())


def test_no_program_of_the_repository_runs_in_a_whole_session(trap: Trap) -> None:
    _arm(trap)
    trap.reset()

    _whole_session(trap.project)

    assert trap.sprung() == []


def test_settings_hidden_in_an_included_file_run_nothing_either(trap: Trap) -> None:
    hidden = trap.project.root / ".git" / "more"
    hidden.write_text(f"[core]\n fsmonitor = {trap.program('included')}\n hooksPath = {trap.folder}\n")
    trap.project.git("config", "include.path", "more")
    trap.reset()

    _whole_session(trap.project)

    assert trap.sprung() == []


def test_a_repository_that_lacks_objects_fetches_none(trap: Trap) -> None:
    _arm(trap)
    blob = trap.project.git("rev-parse", "HEAD:notes.txt")
    (trap.project.root / ".git/objects" / blob[:2] / blob[2:]).unlink()
    trap.project.git("config", "extensions.partialClone", "origin")
    trap.project.git("config", "core.repositoryFormatVersion", "1")

    assert Repo(trap.project.root).content("HEAD", "notes.txt") is None
    assert "remote" not in trap.sprung()


@pytest.mark.parametrize("kind", ["clean", "smudge", "process"])
def test_a_filter_of_the_repository_is_refused_with_its_cure_and_does_not_run(trap: Trap, kind: str) -> None:
    project = trap.project
    project.write(".gitattributes", "*.txt filter=evil=x\n").commit("filtered")
    trap.set("filter", f"filter.evil=x.{kind}")
    project.git("config", "filter.evil=x.required", "true")
    project.write("value.txt", "10\n")
    trap.reset()

    with pytest.raises(Refusal, match="git config --global filter"):
        project.start()
    assert trap.sprung() == []


def test_a_filter_that_comes_later_is_seen_at_once(trap: Trap, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autoresearch_mcp.tools.git.cli._YOUNG_NS", 0)
    root = trap.project.root
    assert GitCli(root).foreign_filters == GitCli(root).foreign_filters == ()

    trap.set("filter", "filter.evil.clean")
    assert GitCli(root).foreign_filters == ("evil",)
    trap.project.git("config", "--unset", "filter.evil.clean")
    assert GitCli(root).foreign_filters == ()

    more = root / ".git" / "more"
    trap.project.git("config", "include.path", "more")
    assert GitCli(root).foreign_filters == ()
    more.write_text('[filter "late"]\n smudge = x\n')
    assert GitCli(root).foreign_filters == ("late",)


def test_a_filter_of_the_user_runs(project: Project, tmp_path: Path) -> None:
    project.git("config", "--global", "filter.upper.clean", "tr a-z A-Z")
    project.write(".gitattributes", "*.up filter=upper\n").commit("filtered")
    project.plan = project.plan.model_copy(update={"scope": ("value.txt", "*.up")})
    project.start()
    project.write("a.up", "abc\n")
    project.try_value(9)

    assert project.git("show", "HEAD:a.up") == "ABC"


def test_which_filters_are_foreign() -> None:
    entries = [
        ("local", "filter.lfs.clean\ngit-lfs clean -- %f"),
        ("local", "filter.lfs.process\nevil"),
        ("local", "filter.a.b\nc.clean\nx"),
        ("worktree", "filter.w.smudge\nx"),
        ("global", "filter.g.clean\nx"),
        ("local", "filter.r.required\ntrue"),
    ]

    assert foreign_filters("".join(f"{scope}\0{entry}\0" for scope, entry in entries)) == ("lfs", "w")


def test_files_cannot_be_hidden_by_naming_another_work_tree(project: Project, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    project.git("config", "core.worktree", str(tmp_path / "elsewhere"))
    (project.root / "value.txt").write_text("1\n")

    repo = Repo(project.root)

    assert repo.root == project.root
    assert [change.path for change in repo.changes()] == ["value.txt"]


def test_a_subfolder_and_a_git_folder_are_told_apart(project: Project) -> None:
    project.write("src/deep/a.txt", "x\n")

    assert Repo(project.root / "src" / "deep").root == project.root
    with pytest.raises(Refusal):
        Repo(project.root / ".git")


INHERITED = {
    "GIT_DIR": "/nowhere",
    "GIT_WORK_TREE": "/nowhere",
    "GIT_INDEX_FILE": "/nowhere/index",
    "GIT_EXTERNAL_DIFF": "false",
    "GIT_CONFIG_COUNT": "1",
    "GIT_CONFIG_KEY_0": "core.bare",
    "GIT_CONFIG_VALUE_0": "true",
    "GIT_CONFIG_PARAMETERS": "'core.bare=true'",
    "GIT_TRACE": "/dev/stderr",
    "GIT_SHALLOW_FILE": "/nowhere",
    "GIT_DEFAULT_HASH": "sha256",
    "GIT_AUTHOR_DATE": "yesterday",
}


def test_what_a_parent_git_process_left_behind_is_not_heard(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    head = project.git("rev-parse", "HEAD")
    for name, value in INHERITED.items():
        monkeypatch.setenv(name, value)

    assert Repo(project.root).head() == head
    assert not set(INHERITED) & set(os.environ)


def test_the_users_own_choices_stay() -> None:
    kept = (
        "GIT_CONFIG_GLOBAL",
        "GIT_CONFIG_NOSYSTEM",
        "GIT_SSL_CAINFO",
        "GIT_AUTHOR_NAME",
        "GIT_COMMITTER_EMAIL",
        "HOME",
    )

    assert to_drop((*kept, *INHERITED)) == tuple(INHERITED)


def test_our_calls_ask_for_nothing_and_talk_to_nobody(project: Project) -> None:
    git = GitCli(project.root)

    assert git.ask("ls-remote", "https://x.example/repo").code != 0
    assert "not allowed" in git.ask("ls-remote", f"file://{project.root}").err
