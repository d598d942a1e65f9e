"""A real repository for each test, and a git that knows nothing of the machine it runs on."""

from __future__ import annotations

import gc
import hashlib
import os
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from copy import copy
from functools import partial
from pathlib import Path

import pytest

from autoresearch_mcp.tools.git import cli
from autoresearch_mcp.tools.lab.access import Lab
from autoresearch_mcp.tools.plan.model import Plan
from autoresearch_mcp.tools.verbs.loop import Loop
from autoresearch_mcp.tools.verbs.loop_answers import Iterated
from autoresearch_mcp.tools.verbs.planning import Planning
from autoresearch_mcp.tools.verbs.review import Review
from autoresearch_mcp.tools.verbs.sessions import Sessions

PYTHON = sys.executable
MOST_OPEN = 400
"""Files open in this process; `select` takes none with a number from 1,024 on."""
# Thousands of assertions are rewritten once, and not by every worker in every run, whatever the shell says.
sys.dont_write_bytecode = False


def pytest_collection() -> None:
    """Modules and thousands of tests stay: to look through them for garbage takes a quarter of the time to collect them."""
    gc.disable()


if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # As in the background of a shell; what tests start and then interrupt would ignore it too.
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_finish() -> None:
    """What is known now need not be looked through later either."""
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session")
def git_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `git init` copies, with one sample of a hook instead of more than a dozen."""
    template = tmp_path_factory.mktemp("template")
    for name, text in {
        "description": "A test\n",
        "info/exclude": "# left out\n",
        "hooks/update.sample": "#!/bin/sh\n",
    }.items():
        (template / name).parent.mkdir(exist_ok=True)
        (template / name).write_text(text)
    (template / "hooks/update.sample").chmod(0o755)
    return template


class Homes:
    """Home folders with a git configuration alone. One in which nothing was written serves the next test as well."""

    def __init__(self, folder: Path, template: Path) -> None:
        lines = ["[user]", "name = Ada", "email = ada@example.org", "[init]", "defaultBranch = main"]
        lines += ["[maintenance]", "auto = false", "[core]", "fsync = none"]  # else a process more for each commit
        self._folder, self._config = folder, "\n".join([*lines, f"templateDir = {template}", ""])
        self._unused: list[Path] = []

    def take(self) -> Path:
        if self._unused:
            return self._unused.pop()
        home = Path(tempfile.mkdtemp(dir=self._folder))
        (home / "gitconfig").write_text(self._config)
        return home

    def give_back(self, home: Path) -> None:
        if [path.name for path in home.glob("*")] == ["gitconfig"] and (home / "gitconfig").read_text() == self._config:
            self._unused.append(home)
        else:
            shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session")
def homes(tmp_path_factory: pytest.TempPathFactory, git_template: Path) -> Homes:
    return Homes(tmp_path_factory.mktemp("homes"), git_template)


@pytest.fixture(scope="session")
def bare_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a `python3` that has no packages: whatever this machine's own imports at its start is not waited for."""
    folder = tmp_path_factory.mktemp("bare")
    (folder / "pyvenv.cfg").write_text(f"home = {sys.base_prefix}/bin\ninclude-system-site-packages = false\n")
    (folder / "bin").mkdir()
    for name in ("python", "python3"):
        (folder / "bin" / name).symlink_to(f"{sys.base_prefix}/bin/python3")
    return folder / "bin"


@pytest.fixture(autouse=True)
def own_git(homes: Homes, bare_python: Path) -> Iterator[None]:
    """A fixed identity, no configuration of the machine, no writing to the real home."""
    home = homes.take()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(home))
        patch.setenv("XDG_STATE_HOME", str(home / "state"))
        patch.setenv("XDG_CACHE_HOME", str(home / "cache"))
        patch.setenv("GIT_CONFIG_GLOBAL", str(home / "gitconfig"))
        patch.setenv("GIT_CONFIG_NOSYSTEM", "1")
        patch.setattr(cli, "_YOUNG_NS", 30_000_000)  # this disk notes the time of a change that exactly
        # A version manager's `python3` is a shell script that looks for the real one, at three times the cost.
        patch.setenv("PATH", f"{bare_python}{os.pathsep}{sys.base_prefix}/bin", prepend=os.pathsep)
        patch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # of a pytest within a test: a third of its start
        for name in ("AUTORESEARCH_ROOT", "CLAUDE_PROJECT_DIR"):
            patch.delenv(name, raising=False)
        yield
    homes.give_back(home)


class UnsyncedConnection(sqlite3.Connection):
    """A connection that does not wait for the disk, whatever it is told."""

    def execute(self, sql: str, *values: object) -> sqlite3.Cursor:
        if sql.startswith(("PRAGMA journal_mode =", "PRAGMA synchronous =")):
            super().execute("PRAGMA synchronous = OFF")
        return super().execute(sql.replace("synchronous = FULL", "synchronous = OFF"), *values)  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def no_loss_of_power(request: pytest.FixtureRequest) -> Iterator[None]:
    """Nothing waits for the disk in this process, nor in its git: the power stays on, and to wait is most of a test's
    time when several run at once. Tests marked `durable` do wait.
    """
    with pytest.MonkeyPatch.context() as patch:
        if request.node.get_closest_marker("durable") is None:
            patch.setattr(os, "fsync", lambda descriptor: None)
            patch.setattr(sqlite3, "connect", partial(sqlite3.connect, factory=UnsyncedConnection))
            patch.setattr(cli, "SETTINGS", (*cli.SETTINGS, "core.fsync=none"))
        # The library looks for a password in each of 65 words, for its own log: a third of what a call of git costs here.
        patch.setattr("git.cmd.remove_password_if_present", list)
        yield


class Templates:
    """Repositories that were made once, to be copied: that takes a twentieth of the time."""

    def __init__(self) -> None:
        self.folder: Path | None = None
        """Where they stand; None while everything is made anew, because a test looks into the making."""
        self._made: dict[object, Path] = {}

    def fill(self, root: Path, key: object, make: Callable[[], object]) -> None:
        """Put into a folder what `make` would make there; what stands there is a part of the key."""
        if self.folder is None:
            make()
        elif key in self._made:
            for old in root.iterdir():
                shutil.rmtree(old) if old.is_dir() else old.unlink()
            shutil.copytree(self._made[key], root, symlinks=True, dirs_exist_ok=True)
            for other in root.glob(".git/worktrees/*"):  # second checkouts in a cache that is gone
                if not Path((other / "gitdir").read_text().strip()).exists():
                    shutil.rmtree(other)
        else:
            make()
            self._made[key] = self.folder / str(len(self._made))
            # In a process of its own: whoever closes a file of SQLite's drops every lock that its process has there, and the next
            # process would cut the index of the log short under a connection that goes on.
            subprocess.run(["cp", "-a", str(root), str(self._made[key])], check=True)


TEMPLATES = Templates()


@pytest.fixture(scope="session")
def template_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("templates")


@pytest.fixture(autouse=True)
def few_open_files() -> Iterator[None]:
    """What servers that were "killed" in this process held open closes with the garbage, which is seldom looked for."""
    yield
    if len(os.listdir("/dev/fd")) > MOST_OPEN:
        gc.collect()


@pytest.fixture(autouse=True)
def templates(template_folder: Path, request: pytest.FixtureRequest) -> None:
    """A test that replaces a part of the server may mean to see it at work in the making."""
    TEMPLATES.folder = None if "monkeypatch" in request.fixturenames else template_folder


def contents(root: Path) -> str:
    """A digest of all that stands in a repository, but for what git remembers of its files' times and of its steps."""
    whole = hashlib.sha256()
    for folder, below, names in os.walk(root):
        below[:] = sorted(name for name in below if name not in {"objects", "logs"})
        for path in sorted(Path(folder, name) for name in names if name != "index"):
            status = path.lstat()
            whole.update(os.fsencode(f"{path.relative_to(root)} {status.st_mode} {status.st_size} {status.st_uid} "))
            if stat.S_ISLNK(status.st_mode):
                whole.update(os.fsencode(os.readlink(path)))
            elif stat.S_ISREG(status.st_mode):
                whole.update(path.read_bytes())
    return whole.hexdigest()


class Project:
    """A repository whose metric is the number in `value.txt`, behind a guard that wants no `bad` in `app.txt`."""

    def __init__(self, root: Path, **plan: object) -> None:
        self.root = root
        self.now = 1_700_000_000.0
        root.mkdir(parents=True)
        TEMPLATES.fill(root, "project", self._make)
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
        self.restart()

    def _make(self) -> None:
        self.git("init", "--quiet")
        self.write("value.txt", "10\n")
        self.write("app.txt", "one\ntwo\nthree\n")
        self.write("check.sh", "! grep -q bad app.txt\n")
        self.write("notes.txt", "the user's notes\n")
        self.commit("start")

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
        """Start a session: the first of its kind for good, the later ones of the same plan and repository as a copy."""
        return self._once("start", lambda: self.sessions.start_session(self.plan))

    def once(self, words: str, make: Callable[[], object]) -> Project:
        """Bring the repository to where `make` brings it, and a new server: the first time for good, then as a copy.

        `words` say what it makes. Nothing that it needs or leaves may stand outside of the repository.
        """
        self._once(words, make).restart()
        return self

    def _once(self, words: str, make: Callable[[], object]) -> Project:
        settings = Path(os.environ["GIT_CONFIG_GLOBAL"]).read_text()  # a session seals these too
        state = words, contents(self.root), settings, self.now, self.plan.model_dump_json()
        TEMPLATES.fill(self.root, state, make)
        return self

    def git(self, *arguments: str, **environment: str) -> str:
        known = {**os.environ, **environment}
        done = subprocess.run(["git", *arguments], cwd=self.root, check=True, capture_output=True, text=True, env=known)
        return done.stdout.rstrip("\n")

    def write(self, name: str, text: str) -> Project:
        file = self.root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return self

    def read(self, name: str) -> str:
        return (self.root / name).read_text()

    def commit(self, message: str) -> Project:
        """Commit everything, always at the same time: what the same files make is the same, and need not be started anew."""
        self.git("add", "--all")
        when = f"{self.now:.0f} +0000"
        self.git("commit", "--quiet", "-m", message, GIT_AUTHOR_DATE=when, GIT_COMMITTER_DATE=when)
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
        lines = self.read("autoresearch-results.tsv").splitlines()[2:]
        return [line for line in lines if not line.startswith("# ")]

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
