"""A branch as one file, and a repository made of such a file, of which nothing runs."""

from __future__ import annotations

from pathlib import Path

from .cli import GitCli
from .repo import Repo


def write_bundle(repo: Repo, branch: str, file: Path) -> None:
    """Write a branch with all of its history."""
    repo.git.run("bundle", "create", "--quiet", str(file), f"refs/heads/{branch}")


def repository_from(file: Path, folder: Path, branch: str) -> None:
    """Make a repository in a new folder that stands on the branch of a bundle.

    Raises:
        Refusal: if the bundle has no such branch, or is not whole.
    """
    folder.mkdir()
    git, ref = GitCli(folder, folder / ".git"), f"refs/heads/{branch}"
    git.run("init", "--quiet")
    found = git.run("bundle", "unbundle", str(file)).decode(errors="replace").splitlines()
    tip = next((line.removesuffix(f" {ref}") for line in found if line.endswith(f" {ref}")), "")
    git.run("checkout", "--quiet", "--detach", tip or "no-such-branch", "--")
    git.run("update-ref", ref, "HEAD")
    git.run("symbolic-ref", "HEAD", ref)
