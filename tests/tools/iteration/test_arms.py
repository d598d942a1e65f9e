"""What a command is told of its run is the same for both arms of a comparison."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path

import pytest

from autoresearch_mcp.tools.decision.measured import Measurement
from autoresearch_mcp.tools.lab.context import RepoContext
from autoresearch_mcp.tools.session.events import Verified
from conftest import PYTHON, Project

TRAINS = """
import json, os, pathlib, random
place = pathlib.Path(os.environ["SEEN"])
value = float(pathlib.Path("value.txt").read_text())
runs = place.read_text().count(chr(10)) if place.exists() else 0
with place.open("a") as seen:
    seen.write(json.dumps([value, dict(os.environ)]) + chr(10))
loss = value + random.Random(runs).gauss(0, 1)
curve = " ".join(f"{share / 10:.1f}:{loss:.3f}" for share in range(1, 11))
print(f"---\\nval_bpb: {loss}\\nharness: 1\\ncheck data: passed (the same)\\ncurve: {curve}")
"""
OF_EVERY_RUN = {"AUTORESEARCH_RUN_ID"}
"""By which the processes of a run are found; no two runs have the same one."""


@pytest.mark.parametrize("vary", [False, True])
def test_both_arms_of_a_race_see_the_same_environment(tmp_path: Path, vary: bool) -> None:
    seen = tmp_path / "seen"
    alone = {"guards": (), "protected": ("train.py",), "vary": vary}
    project = Project(tmp_path / "repo", verify=f"SEEN={seen} {PYTHON} train.py", metric="val_bpb", **alone)
    project.write("train.py", TRAINS).write("value.txt", "100\n").commit("trains")
    project.start()
    before = len(seen.read_text().splitlines())

    project.try_value(97, "a better one")

    arms: dict[float, list[dict[str, str]]] = defaultdict(list)
    for line in seen.read_text().splitlines()[before:]:
        value, environment = json.loads(line)
        arms[value].append(environment)
    kth = [{(one["PWD"], one["AUTORESEARCH_RUN"]): one for one in arms[value]} for value in (97.0, 100.0)]
    pairs = [(kth[0][which], kth[1][which]) for which in kth[0].keys() & kth[1].keys()]
    assert len(pairs) > 1, "the race took both arms more than once"
    for candidate, incumbent in pairs:
        different = {name for name in candidate | incumbent if candidate.get(name) != incumbent.get(name)}
        assert different == OF_EVERY_RUN
        assert len(candidate["AUTORESEARCH_RUN_ID"]) == len(incumbent["AUTORESEARCH_RUN_ID"])
        assert candidate["AUTORESEARCH_INCUMBENT_CURVE"]
    lengths = {len(environment.get("AUTORESEARCH_PADDING", "")) for environment in arms[97.0]}
    assert (len(lengths) > 1) == vary


def verified(context: RepoContext) -> list[Measurement]:
    """The runs of all tries, in order."""
    events = context.journal.of_kind(context.active.id, "verified")
    return [event.measurement for event in events if isinstance(event, Verified)]


NOISY = """
import pathlib, random, sys, time
place = pathlib.Path(sys.argv[1])
runs = place.read_text().count(chr(10)) if place.exists() else 0
with place.open("a") as seen:
    seen.write(chr(10))
began = time.monotonic()
while time.monotonic() < began + 0.1:
    pass
print(100 + random.Random(runs).gauss(0, 1))
"""


def test_beside_runs_of_a_noisy_metric_the_speed_of_the_machine_is_written_down(tmp_path: Path) -> None:
    alone = {"guards": (), "protected": ("bench.py",)}
    project = Project(tmp_path / "repo", verify=f"{PYTHON} bench.py {tmp_path / 'runs'}", **alone)
    project.write("bench.py", NOISY).commit("a noisy benchmark")
    project.start()
    project.try_value(9)

    context = project.lab.for_reading("")
    baseline = [run.receipt for run in context.active.start.baseline if run.receipt]
    tried = [run.receipt for run in verified(context) if run.receipt]

    assert [receipt.reference_seconds is not None for receipt in baseline] == [False, False, True, True, True, True]
    assert tried
    for receipt in (*baseline[2:], *tried):
        assert receipt.reference_seconds
        assert all(0 < seconds < 1 for seconds in receipt.reference_seconds)


def test_a_metric_that_repeats_needs_no_word_of_the_machine(project: Project) -> None:
    project.start()
    project.try_value(9)

    context = project.lab.for_reading("")
    assert all(run.receipt and run.receipt.reference_seconds is None for run in context.active.start.baseline)
    assert all(run.receipt and run.receipt.reference_seconds is None for run in verified(context))
