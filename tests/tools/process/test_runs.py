"""Supervised runs: they end with all that they began, say what happened, and are found again by their id."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from autoresearch_mcp.tools.process.leftovers import end_leftovers
from autoresearch_mcp.tools.process.processes import process_names, process_status
from autoresearch_mcp.tools.process.reference import MOST_PIECES, PIECE_S, pieces_for
from autoresearch_mcp.tools.process.runner import CommandRun, CommandSpec, Runner
from conftest import PYTHON

linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    return Runner(tmp_path / "runs")


def until(what: Callable[[], bool], seconds: float = 120.0) -> None:
    """Look again and again until something is so."""
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "it never came to that"
        os.sched_yield()


def test_a_command_gives_its_output_its_end_and_what_it_used(runner: Runner, tmp_path: Path) -> None:
    run = runner.run(CommandSpec("echo out; echo err >&2; exit 3", tmp_path, 30))

    assert (run.exit_code, run.stdout, run.stderr) == (3, "out\n", "err\n")
    assert (run.timed_out, run.cancelled, run.lost) == (False, False, False)
    assert len(run.digest) == 64
    assert 0 < run.seconds < 30
    assert run.peak_bytes > 1_000_000
    assert run.cpu_seconds > 0


def test_a_workload_of_ours_is_timed_before_and_after_where_it_is_asked_for(runner: Runner, tmp_path: Path) -> None:
    timed = runner.run(CommandSpec("true", tmp_path, 30, pieces=2))
    failed = runner.run(CommandSpec("exit 1", tmp_path, 30, pieces=2))

    assert len(timed.reference) == len(failed.reference) == 2
    assert all(0 < seconds < 30 for seconds in timed.reference)
    assert runner.run(CommandSpec("true", tmp_path, 30)).reference == []


def test_the_workload_is_a_small_share_of_a_run_and_none_of_a_short_one() -> None:
    assert [pieces_for(seconds) for seconds in (0.039, 0.04)] == [0, 2]
    assert [pieces_for(seconds) * PIECE_S / seconds for seconds in (2.0, 8.0)] == pytest.approx([0.005, 0.005])
    assert pieces_for(3600.0) == MOST_PIECES


def test_memory_is_that_of_the_whole_tree(runner: Runner, tmp_path: Path) -> None:
    run = runner.run(CommandSpec(f"{PYTHON} -c 'x = bytearray(200_000_000)'", tmp_path, 60))

    assert 200_000_000 < run.peak_bytes < 400_000_000


def test_memory_and_processor_time_are_those_of_one_run(runner: Runner, tmp_path: Path) -> None:
    burn = f"{PYTHON} -c 'x = bytearray(200_000_000); sum(range(10_000_000))'"
    large = runner.run(CommandSpec(burn, tmp_path, 60))

    small = runner.run(CommandSpec("true", tmp_path, 60))

    assert small.peak_bytes < 50_000_000 < large.peak_bytes
    assert small.cpu_seconds < large.cpu_seconds / 2


def test_a_command_gets_the_signals_that_a_shell_gets(runner: Runner, tmp_path: Path) -> None:
    assert runner.run(CommandSpec("yes | head -n 1; echo ${PIPESTATUS[0]}", tmp_path, 30)).stdout == "y\n141\n"


@linux
def test_what_a_command_does_to_the_process_above_it_no_later_one_inherits(runner: Runner, tmp_path: Path) -> None:
    told = f"{PYTHON} -c 'import os; print(os.nice(0))'"
    before = runner.run(CommandSpec(told, tmp_path, 30)).stdout

    for _ in range(20):  # the supervisor that it was done to has ended, or is about to
        runner.run(CommandSpec("renice -n 7 -p $PPID >/dev/null", tmp_path, 30))

        assert runner.run(CommandSpec(told, tmp_path, 30)).stdout == before


def test_a_missing_program_and_a_signal_are_told_apart(runner: Runner, tmp_path: Path) -> None:
    assert runner.run(CommandSpec("exec no-such-program", tmp_path, 30)).exit_code == 127
    assert runner.run(CommandSpec("kill -SEGV $$", tmp_path, 30)).exit_code == -signal.SIGSEGV


def test_a_missing_folder_is_told(runner: Runner, tmp_path: Path) -> None:
    run = runner.run(CommandSpec("echo x", tmp_path / "gone", 30))

    assert run.exit_code == 127
    assert "No such file" in run.stderr


def test_standard_input_is_empty(runner: Runner, tmp_path: Path) -> None:
    assert runner.run(CommandSpec("cat; echo done", tmp_path, 30)).stdout == "done\n"


@linux
def test_no_descriptor_is_inherited(runner: Runner, tmp_path: Path) -> None:
    run = runner.run(
        CommandSpec(f"{PYTHON} -c \"import os; print(sorted(os.listdir('/proc/self/fd')))\"", tmp_path, 30)
    )

    assert run.stdout == "['0', '1', '2', '3']\n", "3 is the listing itself"


def test_a_fork_of_a_server_closes_what_it_got_of_it(runner: Runner, tmp_path: Path) -> None:
    runner.run(CommandSpec("true", tmp_path, 30))
    said = tmp_path / "said"
    if (child := os.fork()) == 0:
        with said.open("w") as file:
            sys.unraisablehook = lambda told: print(told.exc_value, file=file)
            code = runner.run(CommandSpec("exit 3", tmp_path, 30)).exit_code
        os._exit(code)

    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 3
    assert said.read_text() == ""
    assert runner.run(CommandSpec("exit 4", tmp_path, 30)).exit_code == 4


def test_binary_output_and_progress_bars_are_text_in_the_end(runner: Runner, tmp_path: Path) -> None:
    heard: list[str] = []
    go = tmp_path / "go"
    command = f"printf 'a\\0b\\377c\\n'; printf '10%%\\r20%%\\r30%%'; while ! test -e {go}; do sleep 0.05; done"

    def listen(seconds: float, line: str) -> None:
        heard.append(line)
        if line == "30%":
            go.touch()

    run = runner.run(CommandSpec(command, tmp_path, 30), listener=listen)

    assert run.stdout == "a\0b\ufffdc\n10%\r20%\r30%"
    assert "30%" in heard


def test_a_flood_of_output_keeps_head_and_tail(runner: Runner, tmp_path: Path) -> None:
    run = runner.run(CommandSpec("echo first; head -c 300M /dev/zero; echo; echo last", tmp_path, 120))

    assert run.exit_code == 0
    assert run.stdout.startswith("first\n\0")
    assert run.stdout.endswith("\nlast\n")
    assert "bytes left out" in run.stdout
    assert len(run.stdout) < 4_000_000


def test_two_thousand_short_children_leave_nothing(runner: Runner, tmp_path: Path) -> None:
    run = runner.run(CommandSpec("sh -c 'for i in $(seq 2000); do : & done; wait'; echo done", tmp_path, 120))

    assert (run.stdout, run.leaked) == ("done\n", 0)


NAP = 100_000 + os.getpid()
"""Seconds that nobody else sleeps."""
ESCAPES = {
    "it hangs": f"sleep {NAP}",
    "a background child hangs": f"sleep {NAP} & wait",
    "it ignores TERM": f"trap '' TERM INT HUP; while :; do sleep {NAP}; done",
    "a child in its own session": f"setsid sleep {NAP} & sleep {NAP}",
    "a child that ignores TERM in its own session": f"setsid sh -c \"trap '' TERM; while :; do sleep {NAP}; done\" & sleep {NAP}",
    "it stops itself": "kill -STOP $$",
    "a tree": f"for i in 1 2 3; do (for j in 1 2 3; do sleep {NAP} & done; wait) & done; wait",
}
DAEMONS = {
    "a daemon that holds the output": f"setsid sleep {NAP} & echo out",
    "a daemon that closed everything": f"(setsid sleep {NAP} >&- 2>&- <&- &) ; echo out",
    "a daemon with an empty environment": f"env -i setsid sleep {NAP} >&- 2>&- & echo out",
    "a daemon that forks again and again": f"(setsid sh -c 'n=0; while test $n -lt 200; do n=$((n+1)); (sleep {NAP} &) ; done; sleep {NAP}' &) ; echo out",
}


def sleepers() -> set[int]:
    found = set()
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if words[:2] == [b"sleep", str(NAP).encode()]:
            found.add(int(entry.name))
    return found


@linux
@pytest.mark.parametrize("how", ESCAPES)
def test_at_the_time_limit_the_whole_tree_ends(runner: Runner, tmp_path: Path, how: str) -> None:
    before = sleepers()
    run = runner.run(CommandSpec(ESCAPES[how], tmp_path, 0.5))

    assert (run.timed_out, run.cancelled) == (True, False)
    assert sleepers() - before == set()


@linux
@pytest.mark.parametrize("how", DAEMONS)
def test_at_its_end_a_run_takes_its_daemons_along(runner: Runner, tmp_path: Path, how: str) -> None:
    before = sleepers()
    run = runner.run(CommandSpec(DAEMONS[how], tmp_path, 60))

    assert (run.exit_code, run.stdout, run.timed_out) == (0, "out\n", False)
    assert run.leaked > 0
    assert sleepers() - before == set()


def begin(folder: Path, command: str, id: str) -> subprocess.Popen[bytes]:
    """Another process, a server say, that begins a run and waits for it."""
    code = (
        "import sys; from pathlib import Path; from autoresearch_mcp.tools.process.runner import CommandSpec, Runner;"
        "command = CommandSpec(sys.argv[2], Path(sys.argv[1]), 60);"
        "print(Runner(Path(sys.argv[1]) / 'runs').run(command, id=sys.argv[3]).stdout)"
    )
    return subprocess.Popen([PYTHON, "-c", code, folder, command, id], stdout=subprocess.PIPE)


def test_a_run_survives_its_server_and_is_joined_by_the_next(runner: Runner, tmp_path: Path) -> None:
    go, count = tmp_path / "go", tmp_path / "count"
    command = f"echo run >> {count}; while ! test -e {go}; do sleep 0.05; done; echo done"
    server = begin(tmp_path, command, "one")
    until(count.exists)
    server.kill()
    server.communicate()
    assert runner.alive() == ["one"]

    go.touch()
    run = runner.run(CommandSpec(command, tmp_path, 60), id="one")

    assert run.stdout == "done\n"
    assert count.read_text() == "run\n"


def test_servers_that_race_begin_one_run(tmp_path: Path) -> None:
    count = tmp_path / "count"
    servers = [begin(tmp_path, f"echo run >> {count}; sleep 0.3; echo done", "one") for _ in range(4)]
    said = [server.communicate()[0] for server in servers]

    assert said == [b"done\n\n"] * 4
    assert count.read_text() == "run\n"


@linux
def test_when_the_supervisor_is_killed_the_run_ended_badly_and_nothing_lives_on(runner: Runner, tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    command = f"setsid sleep {NAP} & sleep {NAP} & touch {ready}; wait"
    before = sleepers()
    found: list[CommandRun] = []
    thread = threading.Thread(target=lambda: found.append(runner.run(CommandSpec(command, tmp_path, 60), id="one")))
    thread.start()
    until(ready.exists)
    for pid in supervisors(tmp_path):
        os.kill(pid, signal.SIGKILL)
    thread.join(120)

    assert "was killed" in found[0].problem
    assert not found[0].lost
    assert sleepers() - before == set()
    assert runner.alive() == []


@linux
def test_a_supervisor_that_is_killed_between_two_runs_takes_none_along(runner: Runner, tmp_path: Path) -> None:
    supervisor = int(runner.run(CommandSpec("echo $PPID", tmp_path, 30)).stdout)
    above = process_status(supervisor)
    assert above
    for pid in (supervisor, above[0]):
        os.kill(pid, signal.SIGKILL)
        until(lambda pid=pid: process_status(pid) is None)  # type: ignore[misc]

        assert runner.run(CommandSpec("echo done", tmp_path, 30)).stdout == "done\n"


ABANDONED = {
    "a child in its own session": "setsid sleep {nap} &",
    "a child with an empty environment": "env -i sleep {nap} &",
    "a daemon with an empty environment": "env -i setsid sleep {nap} >&- 2>&- &",
    "a daemon of a daemon": "env -i setsid sh -c 'env -i setsid sleep {nap} >&- 2>&- & sleep {nap}' &",
}


@linux
@pytest.mark.parametrize(("how", "above"), [*((how, False) for how in ABANDONED), ("a daemon of a daemon", True)])
def test_nothing_lives_on_when_the_supervisor_is_killed_with_or_without_what_stands_above_it(
    tmp_path: Path, how: str, above: bool
) -> None:
    before = sleepers()
    server = begin(tmp_path, f"{ABANDONED[how].format(nap=NAP)} sleep {NAP}; wait", "one")
    noted = tmp_path / "runs" / "one" / "descendants"
    awaited = 3 if how == "a daemon of a daemon" else 2
    until(lambda: len(sleepers() - before) == awaited)
    until(lambda: noted.exists() and all(str(pid) in noted.read_text().split() for pid in sleepers() - before))
    server.kill()
    server.communicate()
    for pid in supervisors(tmp_path):
        parent = process_status(pid)
        assert parent
        if above:
            os.kill(parent[0], signal.SIGKILL)
        os.kill(pid, signal.SIGKILL)
    until(lambda: Runner(tmp_path / "runs").alive() == [])
    if not above:
        assert sleepers() - before == set(), "not even a next server is needed"

    run = Runner(tmp_path / "runs").run(CommandSpec("true", tmp_path, 60), id="one")

    assert run.lost
    until(lambda: sleepers() - before == set())


@linux
def test_a_process_that_has_the_number_of_one_of_ours_is_left_alone(tmp_path: Path) -> None:
    with subprocess.Popen(["sleep", "1000"], start_new_session=True) as stranger:
        status = process_status(stranger.pid)
        assert status
        for header, started in ((process_names(), status[-1] - 1), (b"another boot", status[-1])):
            (tmp_path / "descendants").write_bytes(header + f"\n{stranger.pid} {started}\n".encode())
            end_leftovers(tmp_path, b"MARK=none")
            assert stranger.poll() is None
        (tmp_path / "descendants").write_bytes(process_names() + f"\n{stranger.pid} {status[-1]}\n".encode())
        end_leftovers(tmp_path, b"MARK=none")
        assert stranger.wait(10) == -signal.SIGKILL


def supervisors(folder: Path) -> list[int]:
    """The processes that watch over the runs at work in a folder: each writes its number into the file that it locks."""
    return [int(file.read_text()) for file in folder.rglob("alive") if file.read_text()]


@linux
def test_cancel_ends_a_run_and_says_so(runner: Runner, tmp_path: Path) -> None:
    ready, before, found = tmp_path / "ready", sleepers(), list[CommandRun]()
    command = f"touch {ready}; sleep {NAP}"
    thread = threading.Thread(target=lambda: found.append(runner.run(CommandSpec(command, tmp_path, 60), id="one")))
    thread.start()
    until(ready.exists)
    runner.cancel_all()
    thread.join(120)

    assert (found[0].cancelled, found[0].timed_out) == (True, False)
    assert sleepers() - before == set()
    runner.cancel_all()


@linux
def test_clear_ends_and_forgets_everything(runner: Runner, tmp_path: Path) -> None:
    ready, before = tmp_path / "ready", sleepers()
    server = begin(tmp_path, f"touch {ready}; sleep {NAP}", "one")
    until(ready.exists)
    server.kill()
    server.communicate()
    runner.clear()

    assert sleepers() - before == set()
    assert not (tmp_path / "runs").exists()


@linux
def test_secrets_stand_neither_on_a_command_line_nor_in_a_file(
    runner: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go, ready, found = tmp_path / "go", tmp_path / "ready", list[CommandRun]()
    command = f"touch {ready}; while ! test -e {go}; do sleep 0.05; done; echo $AUTORESEARCH_NAME"
    names = {"AUTORESEARCH_NAME": "correct-horse"}
    thread = threading.Thread(
        target=lambda: found.append(runner.run(CommandSpec(command, tmp_path, 60, names), id="one"))
    )
    thread.start()
    until(ready.exists)
    lines = b"".join(entry.read_bytes() for entry in Path("/proc").glob("[0-9]*/cmdline") if entry.exists())
    files = b"".join(file.read_bytes() for file in (tmp_path / "runs").rglob("*") if file.is_file())
    modes = {oct(path.stat().st_mode & 0o777) for path in (tmp_path / "runs", tmp_path / "runs" / "one")}
    go.touch()
    thread.join(120)

    assert found[0].stdout == "correct-horse\n"
    assert b"correct-horse" not in lines + files
    assert modes == {"0o700"}


@pytest.mark.skipif(os.geteuid() != 0 or sys.platform != "linux", reason="mounts a small file system")
def test_a_full_disk_fails_the_run_and_hangs_nobody(tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=200k", "none", small], check=False).returncode:
        pytest.skip("mounting is not allowed here")
    try:
        run = Runner(small / "runs").run(CommandSpec("head -c 300000 /dev/urandom", tmp_path, 30))
    finally:
        subprocess.run(["umount", "-l", small], check=True)

    assert "could not be written" in run.problem or "failed" in run.problem
