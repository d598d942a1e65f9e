"""Commands behind walls, with every mechanism that this machine has."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from autoresearch_mcp.tools.decision.decide import Status
from autoresearch_mcp.tools.errors import Refusal
from autoresearch_mcp.tools.process import isolation, landlock
from autoresearch_mcp.tools.process.isolation import BUBBLEWRAP, LANDLOCK, SEATBELT, Policy, bases, wrapped
from conftest import PYTHON, Project

HELPER = isolation._helper()


def _works(mechanism: str) -> bool:
    return sys.platform == "linux" and isolation._works(wrapped(["true"], Policy(()), mechanism, HELPER))


MECHANISMS = [
    pytest.param(name, marks=pytest.mark.skipif(not _works(name), reason=f"{name} does not work on this machine"))
    for name in (BUBBLEWRAP, LANDLOCK)
]


@pytest.mark.parametrize(
    ("globs", "found"),
    [
        (("src/**/*.py", "a.txt", "!src/x/**"), ("src", "a.txt")),
        (("*.py",), (".",)),
        (("**",), (".",)),
        (("./docs/", "docs"), ("docs",)),
        (("{a,b}/c",), (".",)),
        (("a/b[12]/c",), ("a",)),
    ],
)
def test_a_scope_lies_below_the_folders_before_its_first_wildcard(
    globs: tuple[str, ...], found: tuple[str, ...]
) -> None:
    assert bases(globs) == found


@pytest.fixture(params=MECHANISMS)
def mechanism(request: pytest.FixtureRequest) -> str:
    return str(request.param)


class Box:
    """A folder that may be written, with one inside that may not, and one outside."""

    def __init__(self, folder: Path, mechanism: str) -> None:
        self.mine, self.kept, self.other = folder / "mine", folder / "mine" / ".git", folder / "other"
        self.kept.mkdir(parents=True)
        self.other.mkdir()
        (self.mine / "file").write_text("old")
        self.mechanism = mechanism

    def run(self, script: str, **limits: int) -> subprocess.CompletedProcess[str]:
        policy = Policy((str(self.mine),), (str(self.kept),), **limits)  # type: ignore[arg-type]
        argv = wrapped(["sh", "-c", script], policy, self.mechanism, HELPER)
        return subprocess.run(argv, cwd=self.mine, capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture
def box(tmp_path: Path, mechanism: str) -> Box:
    return Box(tmp_path, mechanism)


def test_ordinary_work_goes_on(box: Box) -> None:
    done = box.run(f"echo new > file && cat file /etc/hosts > /dev/null && {PYTHON} -c 'print(6 * 7)' && exit 3")

    assert (done.returncode, done.stdout) == (3, "42\n")
    assert (box.mine / "file").read_text() == "new\n"


@pytest.mark.parametrize("target", ["{other}/new", "/tmp/autoresearch-escape", "{mine}/.git/config", "{home}/.profile"])
def test_nothing_is_written_elsewhere(box: Box, target: str) -> None:
    path = target.format(other=box.other, mine=box.mine, home=os.environ["HOME"])

    assert box.run(f"echo x > {path}").returncode != 0
    assert not Path(path).exists()


def test_nothing_elsewhere_is_removed_or_renamed(box: Box) -> None:
    (box.other / "a").write_text("x")

    assert box.run(f"rm -rf {box.other}/a").returncode != 0
    assert box.run(f"mv {box.other}/a {box.mine}/a").returncode != 0
    assert (box.other / "a").exists()


@pytest.fixture
def in_memory(tmp_path: Path, mechanism: str) -> Iterator[Box]:
    """The same where the temporary folder is below /dev."""
    try:
        place = tempfile.TemporaryDirectory(dir="/dev/shm")
    except OSError:
        pytest.skip("nothing can be written in /dev/shm")
    with place as folder:
        yield Box(Path(folder), mechanism)


def test_files_below_dev_are_no_devices(in_memory: Box) -> None:
    (in_memory.other / "a").write_text("x")
    (in_memory.kept / "config").write_text("x")

    assert in_memory.run("echo new > file; echo > /dev/null").returncode == 0
    assert in_memory.run(f"echo y > {in_memory.other}/a").returncode != 0
    assert in_memory.run("echo y > .git/config").returncode != 0
    assert (in_memory.mine / "file").read_text() == "new\n"
    assert [file.read_text() for file in (in_memory.other / "a", in_memory.kept / "config")] == ["x", "x"]


def test_a_link_opens_nothing_that_it_leads_to(box: Box) -> None:
    (box.mine / "link").symlink_to(box.other)

    assert box.run("echo x > link/new").returncode != 0
    assert not (box.other / "new").exists()


def confined(read: list[str], hidden: list[str], script: str) -> subprocess.CompletedProcess[str]:
    code = (
        "import importlib.util, json, os, sys; spec = importlib.util.spec_from_file_location('walls', sys.argv[1]);"
        "walls = importlib.util.module_from_spec(spec); spec.loader.exec_module(walls);"
        "walls.confine(*json.loads(sys.argv[2])); os.execvp('sh', ['sh', '-c', sys.argv[3]])"
    )
    argv = [sys.executable, "-I", "-c", code, landlock.__file__, json.dumps([read, hidden, ["/dev/null"]]), script]
    return subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("mechanism", [LANDLOCK])
def test_what_is_hidden_below_dev_cannot_be_read(in_memory: Box) -> None:
    if not _works(LANDLOCK):
        pytest.skip("Landlock does not work on this machine")
    system = [os.path.realpath(path) for path in ("/usr", "/bin", "/lib", "/lib64", "/etc")]

    done = confined([*system, "/dev"], ["/dev/shm"], f"cat /dev/null && echo well && cat {in_memory.mine}/file")

    assert (done.returncode != 0, done.stdout) == (True, "well\n")
    assert "Permission denied" in done.stderr


@pytest.fixture
def listener() -> Iterator[int]:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]  # the kernel answers, accepted or not


CONNECT = "import socket; socket.create_connection(('127.0.0.1', {port}), 2)"


def test_the_network_is_closed_unless_the_plan_opens_it(box: Box, listener: int) -> None:
    command = f'{PYTHON} -c "{CONNECT.format(port=listener)}"'

    assert box.run(command).returncode != 0
    assert box.run(command, network=True).returncode == 0


def test_datagrams_do_not_leave_either(box: Box) -> None:
    send = "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('192.0.2.1', 9))"

    done = box.run(f'{PYTHON} -c "{send}"')
    if box.mechanism == LANDLOCK and done.returncode == 0:
        pytest.skip("Landlock without a network namespace does not close UDP; SECURITY.md says so")
    assert "unreachable" in done.stderr


def test_memory_and_processes_are_bounded(box: Box) -> None:
    assert box.run(f"{PYTHON} -c 'x = bytearray(400 << 20)'", memory_mb=100).returncode != 0
    assert box.run(f"{PYTHON} -c 'x = bytearray(40 << 20)'", memory_mb=400).returncode == 0
    asked = f"{PYTHON} -c 'import resource; print(resource.getrlimit(resource.RLIMIT_NPROC)[0])'"
    assert box.run(asked, processes=777).stdout == "777\n"


def test_a_profile_for_macos_denies_before_it_allows() -> None:
    argv = wrapped(["true"], Policy(('/a"b',), ("/a/.git",)), SEATBELT, ())

    assert argv[:2] == ["sandbox-exec", "-p"]
    assert "(deny file-write*)" in argv[2]
    assert argv[2].index("deny file-write*)") < argv[2].index(r'(subpath "/a\"b")') < argv[2].index("/a/.git")
    assert "(deny network*)" in argv[2]


def test_a_session_goes_on_behind_walls_and_is_told_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mechanism: str
) -> None:
    monkeypatch.setattr("autoresearch_mcp.tools.measurement.runs.available", lambda: isolation.SandboxOffer(mechanism))
    monkeypatch.setattr(isolation, "available", lambda: isolation.SandboxOffer(mechanism))
    spoil = "(echo x > notes.txt; echo x > .git/autoresearch/x; echo y >> app.txt; echo y > $TMPDIR/y) 2>/dev/null"
    project = Project(tmp_path / "repo", sandbox="on", verify=f"{spoil}; git checkout app.txt 2>&1; cat value.txt")
    project.plan = project.plan.model_copy(update={"verify": f"({spoil}); cat value.txt", "scope": ("value.txt",)})

    checked = project.planning.check_plan(project.plan)
    project.start()
    answer = project.try_value(9)

    assert any(mechanism in gate.seen for gate in checked.gates if gate.gate == "sandbox")
    assert answer.status is Status.KEEP
    assert project.read("notes.txt") == "the user's notes\n"
    assert project.read("app.txt") == "one\ntwo\nthree\n"
    assert mechanism in project.sessions.status().sandbox


def test_the_channel_can_be_written_behind_walls(tmp_path: Path) -> None:
    if not isolation.available().mechanism:
        pytest.skip(isolation.available().why_not)
    verify = 'echo "value: $(cat value.txt)" > "$AUTORESEARCH_CHANNEL"'
    project = Project(tmp_path / "repo", sandbox="on", verify=verify, read="channel").start()

    assert project.try_value(9).metric == 9


def test_without_walls_a_plan_that_demands_them_does_not_run(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "autoresearch_mcp.tools.measurement.runs.available", lambda: isolation.SandboxOffer("", "nothing here")
    )
    project.plan = project.plan.model_copy(update={"sandbox": "on", "verify": "touch ran; cat value.txt"})

    with pytest.raises(Refusal, match="nothing here"):
        project.start()
    assert not (project.root / "ran").exists()

    project.plan = project.plan.model_copy(update={"sandbox": "auto", "verify": "cat value.txt"})
    project.start()
    assert project.sessions.status().sandbox.startswith("off: nothing here")
