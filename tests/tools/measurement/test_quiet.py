"""How small a gain can be seen, and with which measure: arithmetic that check_plan tells."""

from __future__ import annotations

import math
import random
import statistics
from dataclasses import replace
from pathlib import Path

import pytest

from autoresearch_mcp.tools.measurement.load import Load, busy_words
from autoresearch_mcp.tools.measurement.quiet import runs_to_see, scatter, smallest_gain
from conftest import PYTHON, Project


def test_the_smallest_gain_is_found_four_times_in_five() -> None:
    draw, runs, bar = random.Random(1).gauss, 10, 3.6
    gain = smallest_gain(1.0, runs, bar)

    found = 0
    for _ in range(4000):
        before, after = ([draw(level, 1) for _ in range(runs)] for level in (gain, 0.0))
        found += statistics.fmean(before) - statistics.fmean(after) > bar * math.sqrt(2 / runs)

    assert found / 4000 == pytest.approx(0.8, abs=0.02)


def test_runs_and_gains_are_one_formula() -> None:
    gain = smallest_gain(2.0, 7)

    assert (runs_to_see(1.001 * gain, 2.0), runs_to_see(0.999 * gain, 2.0)) == (7, 8)
    assert runs_to_see(1.0, 1e-9) == 1


def test_a_slow_drift_is_no_scatter() -> None:
    assert scatter([100 + step for step in range(20)]) < 0.01
    assert scatter([100, 102] * 10) == pytest.approx(math.sqrt(2) / 101)


QUIET = Load(at=0.0, waited=0.0, ticks=0, stolen=0, average=0.5, cores=2)
BUSY = {
    "something waits": (replace(QUIET, at=10, waited=5.0, average=3.0), 5.0, "in 50 % of the time something waited"),
    "a load without pressure": (replace(QUIET, at=10, waited=None, average=3.0), 5.0, "the load was 3.0 on 2 cores"),
    "a host with others": (replace(QUIET, at=10, ticks=1000, stolen=100), 10.0, "gave 10 % of the processors' time"),
    "nobody else": (replace(QUIET, at=10, waited=0.1), 10.0, ""),
    "itself, on every processor": (replace(QUIET, at=10, waited=9.0, average=3.0), 19.0, ""),
}


@pytest.mark.parametrize("case", BUSY)
def test_a_busy_machine_is_named_by_what_the_kernel_counted(case: str) -> None:
    after, cpu_s, words = BUSY[case]

    said = busy_words(QUIET, after, cpu_s, 10.0)

    assert words in said
    assert bool(said) == bool(words)


WAITS = """
import pathlib, random, time
place = pathlib.Path("made")
turn = int(place.read_text()) if place.exists() else 0
place.write_text(str(turn + 1))
print(f"METRIC seconds={[1, 1.2][turn % 2]}")
end = time.process_time() + 0.2
while time.process_time() < end:
    pass
"""


def test_check_plan_recommends_the_measure_that_scattered_least(tmp_path: Path) -> None:
    plan = {"metric": "seconds", "guards": (), "protected": ("wait.py",)}
    project = Project(tmp_path / "repo", verify=f"{PYTHON} {tmp_path}/repo/wait.py", **plan)
    project.write("wait.py", WAITS.replace('"made"', f'"{tmp_path}/made"')).commit("a time that scatters")

    checked = project.planning.check_plan(project.plan)
    seen = {gate.gate: gate.seen for gate in checked.gates}

    assert not [line for line in checked.lines() if line.startswith("[ok]") and "warning: " in line]
    assert [line.split(":")[0] for line in checked.lines() if line.startswith("[warning]")]
    assert "the printed number scatters by 13 %, processor time" in seen["measure"]
    assert 'Recommended: `read = "' in seen["measure"]
    assert "with one run each of change and incumbent" in seen["sensitivity"]
    assert "`normal` (this plan): about 1.6 runs for a try that does nothing, a gain of" in seen["effort"]


def test_of_a_number_that_is_no_time_nothing_else_is_recommended(tmp_path: Path) -> None:
    plan = {"metric": "bytes", "guards": (), "protected": ("wait.py",)}
    project = Project(tmp_path / "repo", verify=f"{PYTHON} {tmp_path}/repo/wait.py", **plan)
    text = WAITS.replace('"made"', f'"{tmp_path}/made"').replace("seconds=", "bytes=").replace("+ 0.5", "+ 0")
    project.write("wait.py", text).commit("a size that scatters")

    gates = {gate.gate for gate in project.planning.check_plan(project.plan).gates}

    assert "sensitivity" in gates
    assert not gates & {"measure", "machine"}
