"""Faults with real causes: a full or read-only disk, a broken journal, a hook that hangs, a clock that jumps, a rival."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from autoresearch_mcp.tools.decision.decide import Status
from autoresearch_mcp.tools.decision.failures import FailureClass
from autoresearch_mcp.tools.errors import Code, Refusal
from autoresearch_mcp.tools.git import cli as gitcli
from autoresearch_mcp.tools.lab.access import Lab
from autoresearch_mcp.tools.lab.context import RepoContext
from autoresearch_mcp.tools.lab.jobs import JobRecord, write_job
from autoresearch_mcp.tools.session.events import Committed, Event, Logged, Verified
from autoresearch_mcp.tools.storage.disk import writer_lock
from autoresearch_mcp.tools.verbs.loop import Loop
from autoresearch_mcp.tools.verbs.sessions import Sessions
from autoresearch_mcp.tools.vocabulary import Phase, Tool
from conftest import Project
from crashing import check, iterate, killed_at, when_free

mounts = pytest.mark.skipif(os.geteuid() != 0 or sys.platform != "linux", reason="mounts a small file system")


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A disk of a few megabytes."""
    place = tmp_path / "small"
    place.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6m", "none", place], check=False).returncode:
        pytest.skip("mounting is not allowed here")
    yield place
    subprocess.run(["umount", "-l", place], check=True)


def refusal_of(call: Callable[[], object]) -> Refusal | None:
    try:
        call()
    except Refusal as refusal:
        return refusal
    return None


@mounts
@pytest.mark.parametrize("room", [0, 4096, 16384, 65536, 262144])
def test_a_full_disk_is_a_refusal_and_the_same_call_goes_on_when_there_is_room(small: Path, room: int) -> None:
    project = Project(small / "repo", guards=()).start()
    project.write("value.txt", "5\n")
    filler = small / "filler"
    free = os.statvfs(small).f_bavail * os.statvfs(small).f_frsize
    filler.write_bytes(b"x" * max(0, free - room))

    told = refusal_of(lambda: iterate(project, "five"))
    filler.unlink()
    project.restart()
    assert told is None or "space" in told.message.lower() or "disk" in told.message, told
    answer = iterate(project, "five")
    if answer.status is None:  # the run itself met the full disk, which is a crash of the try
        project.write("app.txt", "other\n")
        answer = iterate(project, "five once more")

    assert answer.status is Status.KEEP
    check(project)


@mounts
def test_a_read_only_repository_is_a_refusal_and_status_still_answers(small: Path) -> None:
    project = Project(small / "repo", guards=()).start()
    project.write("value.txt", "5\n")
    project.restart()  # the server that began has let go of its journal
    subprocess.run(["mount", "-o", "remount,ro", small], check=True)
    project.restart()

    with pytest.raises(Refusal) as refused:
        project.loop.iterate("five")
    status = project.sessions.status()
    subprocess.run(["mount", "-o", "remount,rw", small], check=True)

    assert refused.value.code is Code.DISK
    assert status.phase is Phase.READY
    assert project.loop.iterate("five").status is Status.KEEP


def test_a_journal_of_garbage_is_named_with_its_cure(project: Project) -> None:
    project.start()
    for file in (project.root / ".git/autoresearch").glob("journal*"):
        file.write_bytes(b"garbage" * 1000)
    project.restart()

    with pytest.raises(Refusal, match=r"restore it from a backup, or move it away") as refused:
        project.sessions.status()

    assert refused.value.code is Code.JOURNAL_BROKEN


def test_a_hook_that_hangs_counts_as_one_that_says_no(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.hook("pre-commit", "grep -qx 10 value.txt || sleep 1000")
    project.start()
    monkeypatch.setattr(gitcli, "HOOK_S", 0.5)

    answer = project.try_value(5)

    assert (answer.status, answer.commit) == (None, "")
    assert project.git("log", "--format=%s") == "start"


@pytest.mark.parametrize("step", [-86400, 86400])
def test_a_clock_that_jumps_hurts_nothing(project: Project, step: int) -> None:
    project.start()
    assert project.try_value(9).status is Status.KEEP
    project.now += step

    assert project.try_value(8).status is Status.KEEP
    check(project)


def test_a_second_server_is_told_who_is_at_work(project: Project) -> None:
    project.start()
    project.write("value.txt", "5\n")
    with writer_lock(project.root / ".git/autoresearch", "iterate"):
        with pytest.raises(Refusal, match=rf"iterate since \d\d:\d\d:\d\d on .*, process {os.getpid()}") as refused:
            project.loop.iterate("five")
        assert project.sessions.status().note

    assert refused.value.code is Code.BUSY
    assert project.loop.iterate("five").status is Status.KEEP


def test_status_names_the_run_that_wait_takes_up(project: Project) -> None:
    project.start()
    left = JobRecord(run="run-1", tool=Tool.ITERATE, arguments={"description": "five"})
    write_job(project.root / ".git/autoresearch", left)

    status = project.sessions.status()

    assert (status.next[0], status.run) == (Tool.WAIT, "run-1")


def test_servers_that_race_for_one_repository_never_interleave(tmp_path: Path) -> None:
    project = Project(tmp_path / "repo", guards=(), verify="sleep 0.05; cat value.txt").start()
    told: list[str] = []

    def server(number: int) -> None:
        lab = Project.__new__(Project)
        lab.root, lab.plan, lab.now = project.root, project.plan, project.now
        lab.restart()
        for turn in range(4):
            lab.write("value.txt", f"{number}{turn}\n")
            try:
                told.append(str(lab.loop.iterate(f"server {number}, turn {turn}").status))
            except Refusal as refusal:
                told.append(str(refusal.code))

    threads = [threading.Thread(target=server, args=(number,)) for number in (1, 2, 3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    project.git("checkout", "--", ".")
    loop = project.loop
    ways: dict[Phase, Callable[[], object]] = {
        Phase.COMMITTED: loop.verify,
        Phase.DISCARDED: loop.revert,
        Phase.FIX: loop.revert,
        Phase.JUDGED: loop.log,
    }
    while (phase := project.sessions.status().phase) is not Phase.READY:
        ways[phase]()

    assert len(told) == 12
    assert "busy" in told
    check(project)


def test_a_start_that_was_killed_is_made_again_with_the_same_call(tmp_path: Path) -> None:
    for place in (1, 3, 5, 7, 9, 11, 13, 15, 17, 19):
        project = Project(tmp_path / str(place), guards=(), branch="autoresearch/new")
        died = killed_at(place, lambda project=project: project.start())  # type: ignore[misc]
        project.restart()
        if project.sessions.status().phase is Phase.NO_SESSION:
            branch = project.git("symbolic-ref", "--short", "HEAD")
            project.plan = project.plan.model_copy(update={"branch": "" if branch != "main" else "autoresearch/again"})
            when_free(project.start)
        assert project.try_value(50).status is Status.DISCARD
        check(project)
        if not died:
            break


def test_calls_in_one_repository_keep_nobody_out_of_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, gate = tmp_path / "begun", tmp_path / "gate"
    wait = f"touch started; while ! test -e {begun}; do sleep 0.02; done; cat value.txt"
    places = [tmp_path / "root" / name for name in ("a", "b", "c", "slow")]
    projects = [Project(place, guards=(), verify="cat value.txt" if place.name == "slow" else wait) for place in places]
    begun.touch()
    for project in projects:
        project.lab = Lab(tmp_path / "root", allow_commands=True, clock=lambda: 1_700_000_000.0)
        Path(project.root, ".git/info/exclude").write_text("started\n")
        Sessions(project.lab).start_session(project.plan, repo=project.root.name)
        Path(project.root, "started").unlink(missing_ok=True)
    begun.unlink()
    loop = Loop(projects[0].lab)
    told: list[str] = []

    def by_turns(project: Project) -> None:
        for value in (9, 8, 7):
            project.write("value.txt", f"{value}\n")
            try:
                told.append(str(loop.iterate(f"now {value}", repo=project.root.name).status))
            except Exception as error:  # noqa: BLE001 - whatever it is, it is told
                told.append(repr(error))

    slow_git(tmp_path / "bin", begun, gate, monkeypatch)
    *others, slow = [threading.Thread(target=by_turns, args=(project,)) for project in projects]
    for thread in others:
        thread.start()
    for project in projects[:-1]:  # each is in the middle of its first call
        wait_for(project.root / "started")
    slow.start()  # its git begins now, and is at work until all the others are done
    for thread in others:
        thread.join()
    gate.touch()
    slow.join()

    assert told == ["keep"] * 12


def slow_git(folder: Path, begun: Path, gate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A git that moves no HEAD in a folder called `slow` until it may."""
    folder.mkdir()
    wait = f"touch {begun}; while ! test -e {gate}; do sleep 0.02; done"
    script = f'#!/bin/sh\ncase " $* " in */slow/*" update-ref "*) {wait};; esac\nexec {shutil.which("git")} "$@"\n'
    (folder / "git").write_text(script)
    (folder / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


def wait_for(file: Path) -> None:
    deadline = time.monotonic() + 120
    while not file.exists():
        assert time.monotonic() < deadline, f"{file} never came"
        time.sleep(0.02)


@pytest.mark.parametrize("event", [Committed, Verified, Logged])
def test_after_an_error_in_the_middle_the_same_call_goes_on(
    project: Project, monkeypatch: pytest.MonkeyPatch, event: type
) -> None:
    project.start()
    project.write("value.txt", "9\n")
    record = RepoContext.record

    def failing(self: RepoContext, *events: Event, session: str = "") -> None:
        record(self, *events, session=session)
        if isinstance(events[0], event):
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))

    with monkeypatch.context() as patch:
        patch.setattr(RepoContext, "record", failing)
        with pytest.raises(OSError, match="Bad file descriptor"):
            project.loop.iterate("nine")

    if event is not Logged:  # else all is done but the results file, which the next call brings up to date
        assert project.loop.iterate("nine").status is Status.KEEP
    assert project.try_value(8).status is Status.KEEP
    check(project)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_run_whose_supervisor_is_killed_is_a_crash_at_once_and_no_fault_of_a_network(project: Project) -> None:
    runs = project.root.parent / "runs"
    verify = f"echo >> {runs}; test $(cat value.txt) != 7 || kill -9 $PPID; cat value.txt"
    project.plan = project.plan.model_copy(update={"verify": verify, "guards": ()})
    project.start()
    before = len(runs.read_text())

    answer = project.try_value(7)

    said = "\n".join(answer.lines())
    assert "Verify failed (runtime)" in said
    assert "the process that watched over it was killed" in said
    assert "network" not in said
    assert len(runs.read_text()) == before + 1
    trial = project.lab.for_reading("").active.trial
    assert trial
    assert trial.measurement
    assert trial.measurement.failure is FailureClass.RUNTIME
