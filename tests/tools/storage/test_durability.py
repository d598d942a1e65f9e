"""What is written survives a loss of power, and one writer at a time means also a writer whose git outlives it."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Hashable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from autoresearch_mcp.tools.errors import Code, Refusal
from autoresearch_mcp.tools.git.cli import GitCli
from autoresearch_mcp.tools.storage.database import Database
from autoresearch_mcp.tools.storage.disk import write_atomically, writer_lock
from conftest import Project
from crashing import check, iterate, kinds, when_free

pytestmark = pytest.mark.durable
DURABLE = {"intent.json", "autoresearch-results.tsv"}
SEALS = "journals"
"""The folder of what may be as it was before a loss of power: it only tells who wrote."""


@dataclass(frozen=True)
class Call:
    """A call that reached the kernel, or git. A file is told by whatever names it for good: an inode, or a path."""

    what: str
    file: Hashable = None
    folder: Hashable = None
    name: str = ""


def renamed(calls: Sequence[Call]) -> set[str]:
    """The names of files that were put in the place of others, each of them durably."""
    for place, call in enumerate(calls):
        if call.what == "rename":
            assert Call("sync", call.file) in calls[:place], f"{call.name}: its content was not synchronised before"
            assert calls[place + 1] == Call("sync", call.folder), f"{call.name}: its new name was not synchronised"
    return {call.name for call in calls if call.what == "rename"}


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[Call]:
    """What this process synchronises and renames, and what it asks git."""
    seen: list[Call] = []
    sync, replace, ask = os.fsync, os.replace, GitCli.ask

    def synced(descriptor: int) -> None:
        sync(descriptor)
        seen.append(Call("sync", os.fstat(descriptor).st_ino))

    def replaced(old: Path, new: Path) -> None:
        if old.name.endswith(".draft") and SEALS not in old.parts:  # git's index is git's, which makes it anew
            seen.append(Call("rename", os.stat(old).st_ino, os.stat(new.parent).st_ino, new.name))
        replace(old, new)

    def asked(self: GitCli, *arguments: str, **named: object) -> object:
        seen.append(Call(f"git {arguments[0]}"))
        return ask(self, *arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "replace", replaced)
    monkeypatch.setattr(GitCli, "ask", asked)
    return seen


def test_a_file_and_then_its_name_are_synchronised(tmp_path: Path, calls: list[Call]) -> None:
    file = tmp_path / "file"
    for text in ("first", "second"):
        write_atomically(file, text)

    assert renamed(calls) == {"file"}
    assert [call.what for call in calls] == ["sync", "rename", "sync"] * 2
    assert file.read_text() == "second"


def test_a_folder_that_cannot_be_read_keeps_nobody_from_writing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = os.open

    def refused(path: Path, flags: int, *rest: int) -> int:
        if flags & os.O_DIRECTORY:
            raise PermissionError(13, "Permission denied", str(path))
        return opened(path, flags, *rest)

    monkeypatch.setattr(os, "open", refused)

    write_atomically(tmp_path / "file", "text")

    assert (tmp_path / "file").read_text() == "text"


def test_a_folder_that_cannot_be_synchronised_is_not_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sync = os.fsync

    def broken(descriptor: int) -> None:
        if os.fstat(descriptor).st_ino == tmp_path.stat().st_ino:
            raise OSError(5, "Input/output error")
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", broken)

    with pytest.raises(OSError, match="Input/output error"):
        write_atomically(tmp_path / "file", "text")


def test_all_that_an_iteration_leaves_is_durable_and_an_intent_is_before_head_moves(
    project: Project, calls: list[Call]
) -> None:
    project.start().write("value.txt", "12\n")
    iterate(project, "twelve")

    assert {*DURABLE, "job.json"} <= renamed(calls)
    steps = [call.name or call.what for call in calls if call.name == "intent.json" or call.what == "git update-ref"]
    assert steps == ["intent.json", "git update-ref"] * 2, "one for the commit, one for the undo"


# --- As the kernel sees it -----------------------------------------------------------------------------------------------

CHILD = """
import sys
from pathlib import Path
from conftest import Project

project = Project.__new__(Project)
project.root, project.now = Path(sys.argv[1]), 1_700_000_000.0
project.restart()
assert project.try_value(12).status == "discard"
"""
_SYNC = re.compile(r"f(?:data)?sync\(\d+<(.+)>\)\s+= 0")
_RENAME = re.compile(r'rename(?:at2?)?\((?:AT_FDCWD[^,]*, )?"(.+)", (?:AT_FDCWD[^,]*, )?"(.+)"(?:, \w+)?\)\s+= 0')


def traced(text: str) -> Iterator[Call]:
    for line in text.splitlines():
        if found := _SYNC.search(line):
            yield Call("sync", found[1])
        elif (found := _RENAME.search(line)) and found[1].endswith(".draft") and SEALS not in Path(found[1]).parts:
            yield Call("rename", found[1], os.path.dirname(found[2]), os.path.basename(found[2]))


def test_the_kernel_is_asked_to_synchronise_each_record_and_each_file(project: Project, tmp_path: Path) -> None:
    strace, output = shutil.which("strace"), tmp_path / "calls"
    if not strace or subprocess.run([strace, "-o", os.devnull, "true"], check=False, capture_output=True).returncode:
        pytest.skip("needs strace, and leave to use it")
    tests, wanted = Path(__file__).parents[2], "trace=fsync,fdatasync,rename,renameat,renameat2"
    project.start()
    subprocess.run(
        [strace, "-y", "-s", "4096", "-e", wanted, "-o", output, sys.executable, "-c", CHILD, project.root],
        env={**os.environ, "PYTHONPATH": f"{tests}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"},
        check=True,
        capture_output=True,
    )
    calls, records = list(traced(output.read_text())), kinds(project, 1)

    assert renamed(calls) >= DURABLE
    assert records == ["committed", "verified", "reverted", "logged"]
    assert calls.count(Call("sync", str(project.root / ".git/autoresearch/journal.db-wal"))) >= len(records)


# --- The database --------------------------------------------------------------------------------------------------------

SCHEMA = "CREATE TABLE IF NOT EXISTS word (word TEXT);"
FULL = [(2,)]


def test_every_connection_waits_for_the_disk_at_each_commit(tmp_path: Path) -> None:
    file = tmp_path / "words.db"
    first = Database(file, SCHEMA, 1)
    with first.transaction() as execute:
        execute("INSERT INTO word VALUES ('one')")
    later = Database(file, SCHEMA, 1)

    for database in (first, later):
        assert database.query("PRAGMA synchronous") == FULL
        assert database.query("PRAGMA journal_mode") == [("wal",)]
        assert database.query("SELECT word FROM word") == [("one",)]


def test_a_connection_that_was_made_anew_waits_as_well(tmp_path: Path) -> None:
    file = tmp_path / "words.db"
    database = Database(file, SCHEMA, 1)
    for word in ("one", "two"):
        with database.transaction() as execute:
            execute("INSERT INTO word VALUES (?)", (word,))
        assert database.query("SELECT word FROM word") == [(word,)]
        assert database.query("PRAGMA synchronous") == FULL
        for part in tmp_path.glob("words.db*"):
            part.rename(part.with_name(f"{word}-{part.name}"))


# --- The writer's lock ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class SlowGit:
    """A git that waits, the first time that it is to move HEAD, until it may go on."""

    begun: Path
    gate: Path


@pytest.fixture
def slow_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SlowGit]:
    slow, real = SlowGit(tmp_path / "begun", tmp_path / "gate"), shutil.which("git")
    program = tmp_path / "bin/git"
    program.parent.mkdir()
    wait = f"mkdir {slow.begun} 2>/dev/null && while ! test -e {slow.gate}; do sleep 0.05; done"
    program.write_text(f'#!/bin/sh\ncase " $* " in *" update-ref "*) {wait};; esac\nexec {real} "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    yield slow
    slow.gate.touch()


def test_nobody_begins_while_a_git_of_a_dead_server_is_at_work(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    project = Project(tmp_path / "repo", guards=()).start()
    project.write("value.txt", "8\n")
    slow: SlowGit = request.getfixturevalue("slow_git")
    server = os.fork()
    if server == 0:
        with suppress(BaseException):
            project.loop.iterate("eight")
        os._exit(1)
    try:
        _await(slow.begun)
    finally:
        os.kill(server, signal.SIGKILL)
        os.waitpid(server, 0)
    project.restart()

    with pytest.raises(Refusal, match="Another call is at work in this repository") as refused:
        project.loop.iterate("eight")
    slow.gate.touch()
    when_free(lambda: project.loop.iterate("eight"))

    assert refused.value.code is Code.BUSY
    assert project.statuses() == ["baseline", "keep"]
    check(project)


def test_what_a_hook_leaves_running_keeps_nobody_out(project: Project) -> None:
    pids = project.root / ".git/pids"
    project.hook("pre-commit", f"sleep 600 >/dev/null 2>&1 </dev/null & echo $! >> {pids}")
    project.start()
    try:
        for value in (8, 7):
            assert project.try_value(value).status == "keep"
    finally:
        for pid in pids.read_text().split():
            os.kill(int(pid), signal.SIGKILL)


def test_a_process_that_is_just_being_started_keeps_nobody_out(tmp_path: Path) -> None:
    go_on, let_go = os.pipe()
    with writer_lock(tmp_path, "iterate"):
        child = os.fork()  # as another thread does: until it is a program of its own it has every descriptor
        if child == 0:
            os.close(let_go)
            os.read(go_on, 1)
            os._exit(0)
    try:
        with writer_lock(tmp_path, "iterate"):
            pass
    finally:
        os.close(let_go)
        os.close(go_on)
        os.waitpid(child, 0)


def _await(file: Path) -> None:
    deadline = time.monotonic() + 120
    while not file.exists():
        assert time.monotonic() < deadline, f"{file} never came"
        time.sleep(0.02)
