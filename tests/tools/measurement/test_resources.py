"""Numbers that the server measures itself: what a command and all that it starts use."""

from __future__ import annotations

from pathlib import Path

import pytest

from conftest import PYTHON, Project

BURN = """
import time
def burn(seconds):
    while time.process_time() < seconds:
        pass
"""
DETACHED = (
    BURN
    + """
import os, pathlib, sys
done = pathlib.Path(sys.argv[1])
done.unlink(missing_ok=True)
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        burn(0.4)
        done.touch()
    os._exit(0)
os.wait()
while not done.exists():
    time.sleep(0.01)
print("METRIC cpu_seconds=0.001")
"""
)
UNWAITED = (
    BURN
    + """
import os, signal
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
if os.fork() == 0:
    burn(1)
    os._exit(0)
try:
    os.wait()
except ChildProcessError:
    pass
"""
)


def measuring(tmp_path: Path, read: str, program: str, *arguments: str, **plan: object) -> Project:
    """A plan that reads a resource of a Python program, which stands outside the scope."""
    verify = " ".join([f"{PYTHON} work.py", *arguments])
    known = {"metric": "", "direction": "", "guards": (), "protected": ("work.py",), "noise": "none"}
    project = Project(tmp_path / "repo", **(known | {"read": read, "verify": verify} | plan))
    return project.write("work.py", program).commit("a program")


def test_processor_time_is_the_kernels_and_no_printed_number(tmp_path: Path) -> None:
    project = measuring(tmp_path, "cpu", BURN + "burn(0.2)\nprint('METRIC cpu_seconds=0.001')\n")

    checked = project.planning.check_plan(project.plan)

    assert checked.ready
    assert (project.plan.metric, project.plan.direction, project.plan.unit) == ("cpu_seconds", "lower", "s")
    assert 0.2 <= checked.values[0] < 2


def test_one_run_of_a_short_command_is_five_executions(tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    project = Project(tmp_path / "repo", metric="", direction="", guards=(), read="cpu", verify=f"echo >> {ran}")

    checked = project.planning.check_plan(project.plan)

    assert len(checked.values) == 6
    assert ran.read_text().count("\n") == 1 + 5 * 5, "the first run tells how long one takes"
    assert "5 executions" in {gate.gate: gate.seen for gate in checked.gates}["executions"]


def test_the_work_of_a_detached_process_counts(tmp_path: Path) -> None:
    project = measuring(tmp_path, "cpu", DETACHED, str(tmp_path / "done"))

    assert project.planning.check_plan(project.plan).values[0] >= 0.4


def test_work_of_processes_that_nobody_waits_for_is_counted_or_makes_no_number(tmp_path: Path) -> None:
    project = measuring(tmp_path, "cpu", UNWAITED)

    checked = project.planning.check_plan(project.plan)

    if checked.ready:  # the kernel's counters see them
        assert min(checked.values) >= 0.9
    else:
        row = next(gate for gate in checked.gates if not gate.passed)
        assert (row.gate, "used by processes that nobody waited for" in row.seen) == ("verify", True)


def test_wall_time_is_from_the_start_of_the_command_to_its_end(tmp_path: Path) -> None:
    project = measuring(tmp_path, "wall", "import time\ntime.sleep(0.3)\n")

    assert project.planning.check_plan(project.plan).values[0] >= 0.3
    assert project.plan.metric == "wall_seconds"


def test_memory_is_the_peak_in_mebibytes(tmp_path: Path) -> None:
    project = measuring(tmp_path, "memory", "held = b'x' * (200 << 20)\ndel held\n")

    assert 200 <= project.planning.check_plan(project.plan).values[0] < 300


def test_a_holdout_is_measured_in_the_same_way(tmp_path: Path) -> None:
    program = BURN + "import pathlib\nburn(float(pathlib.Path('value.txt').read_text()) / 40)\n"
    project = measuring(tmp_path, "cpu", program, holdout=f"{PYTHON} work.py")
    project.start()

    kept = project.try_value(1, "a tenth of the work")

    assert kept.status == "keep", kept.why
    assert kept.metric is not None
    assert kept.metric < 0.2


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"direction": "higher"}, "direction: more cpu is never better"),
        ({"unit": "ms"}, "unit: 'ms' cannot be chosen"),
    ],
)
def test_what_a_resource_says_by_itself_cannot_be_changed(
    tmp_path: Path, fields: dict[str, object], problem: str
) -> None:
    project = measuring(tmp_path, "cpu", "pass\n", **fields)

    seen = [gate.seen for gate in project.planning.check_plan(project.plan).gates if not gate.passed]

    assert problem in seen
