"""Repositories that are not the plainest: each works, or is refused at the start with its cure."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from autoresearch_mcp.tools.errors import Code, Refusal
from conftest import Project


def run(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True)


def linked_worktree(project: Project) -> Project:
    project.git("worktree", "add", "--quiet", "../aside", "-b", "aside")
    return moved(project, project.root.parent / "aside")


def submodule(project: Project) -> Project:
    other = Project(project.root.parent / "other")
    project.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(other.root), "vendor/other")
    return project.commit("with a submodule")


def sparse(project: Project) -> Project:
    project.write("far/away.txt", "not checked out\n").commit("more")
    project.git("sparse-checkout", "set", "--cone", "src")
    assert not (project.root / "far").exists()
    return project


def shallow(project: Project) -> Project:
    project.write("notes.txt", "second\n").commit("second")
    run(project.root.parent, "clone", "--quiet", "--depth=1", f"file://{project.root}", "short")
    return moved(project, project.root.parent / "short")


def crlf(project: Project) -> Project:
    project.git("config", "core.autocrlf", "true")
    project.write(".gitattributes", "* text=auto\n").write("app.txt", "one\r\ntwo\r\nthree\r\n")
    return project.commit("line ends of another system")


def large_files(project: Project) -> Project:
    """Files stored elsewhere, as git-lfs does, with the filter in the user's own configuration."""
    with open(os.environ["GIT_CONFIG_GLOBAL"], "a", encoding="utf-8") as file:
        file.write('[filter "store"]\n clean = tr a-z A-Z\n smudge = tr A-Z a-z\n required = true\n')
    project.write(".gitattributes", "*.bin filter=store\n").write("model.bin", "weights\n")
    return project.commit("a large file")


def odd_names(project: Project) -> Project:
    for name in (b"caf\xe9.txt", b"new\nline.txt", b"-rf", "日本語.txt".encode()):
        with open(os.fsencode(project.root) + b"/" + name, "wb") as file:
            file.write(b"x\n")
    return project.commit("odd names")


def signed(project: Project) -> Project:
    project.git("config", "commit.gpgsign", "true")
    project.git("config", "gpg.program", "false")
    return project


def nobody(project: Project) -> Project:
    Path(os.environ["GIT_CONFIG_GLOBAL"]).write_text("[user]\n useConfigOnly = true\n")
    return project


def without_case(project: Project) -> Project:
    project.git("config", "core.ignorecase", "true")
    return project


WORK: dict[str, tuple[Callable[[Project], Project], ...]] = {
    "odd contents": (submodule, crlf, large_files),
    "a linked worktree with odd names and settings": (odd_names, linked_worktree, signed, without_case, nobody),
    "a sparse checkout": (sparse,),
    "a shallow clone": (shallow,),
}


def moved(project: Project, root: Path) -> Project:
    """The same project, as it stands in another checkout."""
    project.root = root
    project.restart()
    return project


@pytest.mark.parametrize("kind", WORK)
def test_a_session_works_in(project: Project, kind: str) -> None:
    odd = project
    for make in WORK[kind]:
        odd = make(odd)
    before = odd.git("status", "--porcelain")

    odd.start()
    odd.try_value(8)
    odd.try_value(12)
    odd.write("src/new.txt", "new\n")
    odd.try_value(7)

    assert odd.statuses() == ["baseline", "keep", "discard", "keep"]
    assert odd.git("status", "--porcelain") == before
    assert odd.git("show", "HEAD:value.txt") == "7"
    assert odd.git("diff", "--stat", "HEAD") == ""


def test_a_repository_of_somebody_else_is_refused_with_gits_own_cure(project: Project) -> None:
    if os.getuid() != 0:
        pytest.skip("only root can give files away")
    subprocess.run(["chown", "-R", "12345", project.root], check=True)
    project.restart()

    with pytest.raises(Refusal, match=r"(?s)git does not trust .*safe\.directory") as refused:
        project.start()

    assert refused.value.code is Code.NOT_A_REPOSITORY


def test_a_bare_repository_is_refused(project: Project, tmp_path: Path) -> None:
    run(tmp_path, "clone", "--quiet", "--bare", str(project.root), "bare")
    moved(project, tmp_path / "bare")

    with pytest.raises(Refusal, match="has no work tree") as refused:
        project.start()

    assert refused.value.code is Code.NOT_A_REPOSITORY
