"""What a server does, recorded to be cut off at any step, and what must hold when a fresh one meets the disk afterwards.

Run by itself it is the server that is recorded: `python outage.py ACT ROOT TOLD [FAULT]`.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from powercut import DiskState
from recorded import Recording, record

from autoresearch_mcp.tools.errors import Refusal
from autoresearch_mcp.tools.git import cli
from autoresearch_mcp.tools.plan.model import Plan
from autoresearch_mcp.tools.storage import disk
from autoresearch_mcp.tools.vocabulary import Phase
from conftest import Project
from crashing import check, iterate, kinds, when_free

PLAN = "plan.json"
"""Where another process finds the plan, beside the repository."""
VALUES = {"keep": "5\n", "discard": "50\n", "steps": "50\n"}
"""What an idea writes; `steps` goes through it one call a step."""
STATUS = {"keep": "keep", "discard": "discard", "steps": "discard"}
BEGUN = {"start": "", "branch": "tries/first"}
"""Acts that begin a session, on which new branch."""
ACTS = (*VALUES, *BEGUN)
IDEA = "an idea"


def prepared(place: Path, act: str) -> Project:
    """A repository in which an act is due, with things of the user's that no act may touch."""
    project = Project(place, guards=())
    (place.parent / PLAN).write_text(project.plan.model_dump_json())
    (place / ".git/info/exclude").write_text("*.local\n")
    project.write("mine.txt", "stashed\n")
    project.git("stash", "--quiet", "--include-untracked", "--", "mine.txt")
    project.git("branch", "users", "HEAD")
    project.write("mine.local", "the user's own\n")
    return project if act in BEGUN else project.start()


def recorded(project: Project, act: str, fault: str = "") -> Recording:
    """What a server of its own does to the repository in an act."""
    told = project.root.with_name("told")
    return record(project.root, [sys.executable, __file__, act, str(project.root), str(told), fault], told)


def broken(state: DiskState, act: str, place: Path) -> str:
    """Let a fresh server meet a state in the place of the repository, and go on; what does not hold then, in words."""
    shutil.rmtree(place)
    state.write(place)
    _reboot(place)
    project = _opened(place)
    try:
        _hold(project, state.told)
        _bring_to_its_end(project, act)
        check(project)
        wanted = ["baseline", *([STATUS[act]] if act in STATUS else []), "keep"]
        assert project.statuses() == wanted, project.statuses()
        assert project.read("mine.local") == "the user's own\n"
        assert project.git("stash", "list").count("stash@") == 1
        assert project.git("rev-parse", "users")
    except (AssertionError, OSError, Refusal, sqlite3.Error, subprocess.CalledProcessError) as error:
        return f"{state.name}, told {'+'.join(state.told) or 'nothing'}: {type(error).__name__} {error}"
    return ""


def _opened(root: Path) -> Project:
    """A repository that stands there already, as another server finds it."""
    project = Project.__new__(Project)
    project.root, project.now = root, 1_700_000_000.0
    project.plan = Plan.model_validate_json((root.parent / PLAN).read_bytes())
    project.restart()
    return project


def _reboot(place: Path) -> None:
    """What the machine says of its start is another thing after a power cut."""
    disk.BOOT = place.with_name("boot")
    disk.BOOT.write_text(f"{time.time_ns()}\n")


def _hold(project: Project, told: tuple[str, ...]) -> None:
    """What was told is still so, before anybody writes."""
    if told:
        assert project.sessions.status().phase is not Phase.NO_SESSION, "the session is gone"
    for words in told:
        assert words in {"started", *kinds(project, 1)}, f"{words} was told and is not there"


def _bring_to_its_end(project: Project, act: str) -> None:
    """Do again what was not finished, as an agent does, and then one idea more."""
    if act not in BEGUN:
        if project.git("rev-parse", "HEAD") == project.git("rev-parse", "users"):
            _edit(project, act)  # nobody promised that an edit is there before it is committed
        if "logged" not in kinds(project, 1):
            when_free(lambda: iterate(project, IDEA))
    elif project.sessions.status().phase is Phase.NO_SESSION:
        _begin_anew(project, act)
    project.write("value.txt", "4\n")
    when_free(lambda: iterate(project, "the next idea"))


def _begin_anew(project: Project, act: str) -> None:
    """Start as before, or as the refusal says: on the branch that is there, and without a lock of a git that died."""
    for lock in (project.root / ".git/refs").rglob("*.lock"):
        lock.unlink()
    try:
        when_free(lambda: _start(project, act))
    except Refusal as refusal:
        if f"Branch '{BEGUN[act]}' exists" not in refusal.message:
            raise
        project.git("checkout", "--quiet", BEGUN[act])
        when_free(lambda: _start(project, "start"))


# --- The server that is recorded -----------------------------------------------------------------------------------------


def _edit(project: Project, act: str) -> None:
    project.write("value.txt", VALUES[act]).write("src/deep/new.txt", "new\n" * 100)
    (project.root / "app.txt").unlink(missing_ok=True)


def _start(project: Project, act: str) -> None:
    project.sessions.start_session(project.plan.model_copy(update={"branch": BEGUN[act]}))


def _act(project: Project, act: str, tell: Callable[[str], object]) -> None:
    """Do it, and tell each time that an answer arrived."""
    if act in BEGUN:
        _start(project, act)
        tell("started")
        return
    _edit(project, act)
    if act != "steps":
        iterate(project, IDEA)
        tell("logged")
        return
    loop = project.loop
    steps: dict[str, Callable[[], object]] = {
        "committed": lambda: loop.commit(IDEA),
        "verified": loop.verify,
        "reverted": loop.revert,
        "logged": loop.log,
    }
    for words, step in steps.items():
        step()
        tell(words)


class _Hasty(sqlite3.Connection):
    """A database that waits for nothing."""

    def execute(self, query: str, *values: Any) -> sqlite3.Cursor:  # noqa: ANN401
        return super().execute(query.replace("synchronous = FULL", "synchronous = OFF"), *values)


def _without_journal() -> None:
    setattr(sqlite3, "connect", partial(sqlite3.connect, factory=_Hasty))  # noqa: B010 - its type has many forms


def _without_git() -> None:
    setattr(cli, "SETTINGS", (*cli.SETTINGS, "core.fsync=none"))  # noqa: B010 - a constant


def _without_files() -> None:
    os.fsync = lambda fd: None


def _without_folders() -> None:
    sync = os.fsync

    def some(fd: int) -> None:
        if not stat.S_ISDIR(os.fstat(fd).st_mode):
            sync(fd)

    setattr(os, "fsync", some)  # noqa: B010 - its own takes more


FAULTS: dict[str, tuple[Callable[[], None], ...]] = {
    "": (),
    "nobody waits": (_without_journal, _without_git, _without_files),
    "synchronous = OFF": (_without_journal,),
    "git waits for nothing": (_without_git,),
    "folders are not waited for": (_without_folders,),
}
"""What a server may leave out, to see whether it is found."""

if __name__ == "__main__":
    name, root, told, planted = sys.argv[1:]
    for plant in FAULTS[planted]:
        plant()
    with Path(told).open("a", buffering=1) as out:
        _act(_opened(Path(root)), name, lambda words: out.write(f"{words}\n"))
    os._exit(0)
