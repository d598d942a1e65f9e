"""A tree that was planted is the tree that git itself would write."""

from __future__ import annotations

import os
import random
import shutil
from pathlib import Path

import pytest

from autoresearch_mcp.tools.git.cli import GitCli
from autoresearch_mcp.tools.git.trees import planted, stored
from conftest import Project

NAMES = ["a", "a.b", "a/b", "a/b/c", "a-b", "ab/x", "ü/é", "with space", "deep/er/than/that", 'quo"te', "tab\tbed"]


def put(root: Path, name: str, draw: random.Random) -> None:
    """Something at a path, whatever stood in its way: a file, a program, a link, or nothing any more."""
    file = root / name
    for place in (*reversed(file.relative_to(root).parents), Path(name)):
        if (place.name and (root / place).is_symlink()) or ((root / place).is_file() and place != Path(name)):
            (root / place).unlink()
    if file.is_dir():
        shutil.rmtree(file)
    kind = draw.choice(["file", "file", "program", "link", "gone"])
    file.parent.mkdir(parents=True, exist_ok=True)
    file.unlink(missing_ok=True)
    if kind == "link":
        file.symlink_to(draw.choice(["x", "../y"]))
    elif kind != "gone":
        file.write_text(f"{draw.random()}\r\n")
        file.chmod(0o755 if kind == "program" else 0o644)


@pytest.mark.parametrize("kind", ["sha1", "sha256"])
def test_a_planted_tree_is_the_one_that_git_writes(tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_DEFAULT_HASH", kind)
    project = Project(tmp_path / "repo")
    project.write(".gitattributes", "* text=auto\n").commit("attributes")
    draw = random.Random(kind)
    git = GitCli(project.root)
    for _ in range(12):
        for name in draw.sample(NAMES, 3):
            put(project.root, name, draw)
        parent = project.git("rev-parse", "HEAD")
        project.git("add", "--all")
        paths = [
            os.fsdecode(line) for line in git.run("diff", "--cached", "--name-only", "--no-renames", "-z").split(b"\0")
        ]
        paths = [path for path in paths if path]
        if not paths:
            continue

        found = stored(git, project.root, paths, trusts_mode=True)

        assert found is not None
        expected = project.git("write-tree")
        assert planted(git, parent, found) == expected
        project.git("commit", "--quiet", "-m", "next")
    assert project.git("fsck", "--strict", "--no-dangling") == ""


def test_what_takes_more_than_files_is_left_to_git(project: Project) -> None:
    git, root = GitCli(project.root), project.root
    project.git("init", "--quiet", "inner")
    project.write("line\nfeed", "x")

    for path in ("inner", "line\nfeed"):
        assert stored(git, root, [path], trusts_mode=True) is None
    assert stored(git, root, ["value.txt"], trusts_mode=False) is None
