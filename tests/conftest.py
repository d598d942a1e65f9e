"""A real repository for each test, and a git that knows nothing of the machine it runs on."""

from __future__ import annotations

import shutil
import subprocess
import sys
from copy import copy
from pathlib import Path

import pytest

from autoresearch_mcp.tools.lab.access import Lab
from autoresearch_mcp.tools.plan.model import Plan
from autoresearch_mcp.tools.verbs.loop import Loop
from autoresearch_mcp.tools.verbs.loop_answers import Iterated
from autoresearch_mcp.tools.verbs.planning import Planning
from autoresearch_mcp.tools.verbs.review import Review
from autoresearch_mcp.tools.verbs.sessions import Sessions

PYTHON = sys.executable


@pytest.fixture(autouse=True)
def own_git(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fixed identity, no configuration of the machine, no writing to the real home."""
    home = tmp_path_factory.mktemp("home")
    config = home / "gitconfig"
    config.write_text("[user]\n name = Ada\n email = ada@example.org\n[init]\n defaultBranch = main\n")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_STATE_HOME", str(home / "state"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(home / "cache"))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    for name in ("AUTORESEARCH_ROOT", "CLAUDE_PROJECT_DIR"):
        monkeypatch.delenv(name, raising=False)


class Project:
    """A repository whose metric is the number in `value.txt`, behind a guard that wants no `bad` in `app.txt`."""

    def __init__(self, root: Path, **plan: object) -> None:
        self.root = root
        root.mkdir(parents=True)
        self.git("init", "--quiet")
        self.write("value.txt", "10\n")
        self.write("app.txt", "one\ntwo\nthree\n")
        self.write("check.sh", "! grep -q bad app.txt\n")
        self.write("notes.txt", "the user's notes\n")
        self.commit("start")
        usual = {
            "goal": "a smaller number",
            "scope": ("value.txt", "app.txt", "src/**"),
            "protected": ("check.sh",),
            "metric": "value",
            "direction": "lower",
            "verify": "cat value.txt",
            "guards": ("sh check.sh",),
        }
        self.plan = Plan.model_validate({**usual, **plan})
        self.now = 1_700_000_000.0
        self.restart()

    def restart(self) -> None:
        """A new server process, as far as the tools can tell."""
        self.lab = Lab(self.root, allow_commands=True, clock=lambda: self.now)
        self.planning, self.sessions = Planning(self.lab), Sessions(self.lab)
        self.loop, self.review = Loop(self.lab), Review(self.lab)

    def copied(self, root: Path) -> Project:
        """The same repository, with all that stands in it, at another place."""
        shutil.copytree(self.root, root, symlinks=True)
        twin = copy(self)
        twin.root = root
        twin.restart()
        return twin

    def copied_server(self) -> Project:
        """Another server on the same repository."""
        twin = copy(self)
        twin.restart()
        return twin

    def start(self) -> Project:
        self.sessions.start_session(self.plan)
        return self

    def git(self, *arguments: str) -> str:
        done = subprocess.run(["git", *arguments], cwd=self.root, check=True, capture_output=True, text=True)
        return done.stdout.rstrip("\n")

    def write(self, name: str, text: str) -> Project:
        file = self.root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return self

    def read(self, name: str) -> str:
        return (self.root / name).read_text()

    def commit(self, message: str) -> Project:
        self.git("add", "--all")
        self.git("commit", "--quiet", "-m", message)
        return self

    def hook(self, name: str, script: str) -> None:
        file = self.root / ".git" / "hooks" / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(f"#!/bin/sh\n{script}\n")
        file.chmod(0o755)

    def try_value(self, value: object, description: str = "another value") -> Iterated:
        """One iteration that writes `value.txt`."""
        self.write("value.txt", f"{value}\n")
        return self.loop.iterate(description)

    def statuses(self) -> list[str]:
        return [row.split("\t")[5] for row in self.table()]

    def table(self) -> list[str]:
        return self.read("autoresearch-results.tsv").splitlines()[2:]

    def picture(self) -> dict[str, object]:
        """Everything of the repository that a refusal must leave alone."""
        files = {
            str(path.relative_to(self.root)): path.read_bytes()
            for path in sorted(self.root.rglob("*"))
            if path.is_file() and not path.is_relative_to(self.root / ".git")
        }
        refs = self.git("for-each-ref", "--format=%(refname) %(objectname)")
        return {
            "files": files,
            "refs": refs,
            "head": self.git("symbolic-ref", "HEAD"),
            "staged": self.git("diff", "--cached"),
        }


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A repository without a session."""
    return Project(tmp_path / "repo")
