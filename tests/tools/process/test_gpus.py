"""GPUs are leased: a run has its own for itself, whoever began it, until it has ended or died."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

import pytest
from test_runs import until

from autoresearch_mcp.tools.errors import Refusal
from autoresearch_mcp.tools.parallel.board import board_of
from autoresearch_mcp.tools.parallel.screening import lanes, workers
from autoresearch_mcp.tools.process.gpus import alike, listed
from autoresearch_mcp.tools.process.runner import NO_GPU, CommandSpec, Runner
from candidates import handed_in, summed, worked_off, workspace
from conftest import Project

LISTING = """\
GPU 0: NVIDIA H200 (UUID: GPU-aaaaaaaa-1111)
GPU 1: NVIDIA H200 (UUID: GPU-bbbbbbbb-2222)
GPU 2: NVIDIA L4 (UUID: GPU-cccccccc-3333)
"""
SLICES = """\
GPU 0: NVIDIA A100-SXM4-40GB (UUID: GPU-aaaaaaaa-1111)
  MIG 3g.20gb     Device  0: (UUID: MIG-aaaaaaaa-0001)
  MIG 3g.20gb     Device  1: (UUID: MIG-aaaaaaaa-0002)
  MIG 1g.5gb      Device  2: (UUID: MIG-aaaaaaaa-0003)
GPU 1: NVIDIA A100-SXM4-40GB (UUID: GPU-bbbbbbbb-2222)
"""


@pytest.fixture
def driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with two GPUs, as its driver's program tells."""
    folder = tmp_path / "driver"
    folder.mkdir()
    (folder / "nvidia-smi").write_text(f"#!/bin/sh\ncat <<'END'\n{LISTING}END\n")
    (folder / "nvidia-smi").chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)


@pytest.mark.parametrize(
    ("text", "visible", "uuids"),
    [
        (LISTING, None, ["GPU-aaaaaaaa-1111", "GPU-bbbbbbbb-2222"]),
        (LISTING, "", []),
        (LISTING, "-1", []),
        (LISTING, "2", ["GPU-cccccccc-3333"]),
        (LISTING, "1,9,0", ["GPU-bbbbbbbb-2222"]),
        (LISTING, "GPU-bbbb,0", ["GPU-bbbbbbbb-2222", "GPU-aaaaaaaa-1111"]),
        (SLICES, None, ["MIG-aaaaaaaa-0001", "MIG-aaaaaaaa-0002"]),
        (SLICES, "MIG-aaaaaaaa-0003", ["MIG-aaaaaaaa-0003"]),
        (SLICES, "1", ["GPU-bbbbbbbb-2222"]),
        ("No devices were found\n", None, []),
    ],
)
def test_what_may_be_leased_is_of_one_model_and_visible(text: str, visible: str | None, uuids: list[str]) -> None:
    assert list(alike(listed(text), visible)) == uuids


SHOW = "echo $CUDA_DEVICE_ORDER $CUDA_VISIBLE_DEVICES"


@pytest.mark.usefixtures("driver")
def test_a_run_sees_its_own_gpus_alone_and_more_than_there_are_is_refused(tmp_path: Path) -> None:
    runner = Runner(tmp_path / "runs")

    one, two = (runner.run(CommandSpec(SHOW, tmp_path, 60, gpus=count)) for count in (1, 2))

    assert one.stdout == "PCI_BUS_ID GPU-aaaaaaaa-1111\n", "which is free again for the next"
    assert two.stdout == "PCI_BUS_ID GPU-aaaaaaaa-1111,GPU-bbbbbbbb-2222\n"
    assert list(two.gpus) == ["GPU-aaaaaaaa-1111", "GPU-bbbbbbbb-2222"]
    with pytest.raises(Refusal, match=r"asks for 3 GPUs a run, .* leave 2 of one model"):
        runner.run(CommandSpec(SHOW, tmp_path, 60, gpus=3))


@pytest.mark.usefixtures("driver")
def test_a_gpu_is_another_session_s_until_the_run_that_has_it_dies(tmp_path: Path) -> None:
    first, other = Runner(tmp_path / "first"), Runner(tmp_path / "other")
    holds = CommandSpec(f"touch {tmp_path}/held; exec sleep 600", tmp_path, 600, gpus=2)
    thread = threading.Thread(target=first.run, args=(holds, "held"))
    thread.start()
    until((tmp_path / "held").exists)

    assert other.run(CommandSpec(SHOW, tmp_path, 60, gpus=1)) is NO_GPU
    os.kill(int((tmp_path / "first/held/alive").read_text()), signal.SIGKILL)
    thread.join()

    assert other.run(CommandSpec(SHOW, tmp_path, 60, gpus=1)).stdout == "PCI_BUS_ID GPU-aaaaaaaa-1111\n"


@pytest.mark.usefixtures("driver")
def test_four_lanes_on_two_gpus_run_two_at_a_time_each_on_its_own(tmp_path: Path) -> None:
    log = tmp_path / "log"
    both = f"until [ $(grep -c begin {log}) -ge 2 ]; do sleep 0.01; done"  # the first two wait for one another
    verify = (
        f"if [ $AUTORESEARCH_ITERATION != 0 ]; then echo begin $CUDA_VISIBLE_DEVICES >> {log}; {both}; fi;"
        f"cat value.txt; [ $AUTORESEARCH_ITERATION = 0 ] || echo end $CUDA_VISIBLE_DEVICES >> {log}"
    )
    project = summed(tmp_path / "repo", workers=4, gpus=1, verify=verify)
    assert workers(summed(tmp_path / "unasked", workers=0, gpus=1).lab.for_reading().active) == 2
    name, folder = workspace(project)
    for value in (11, 12, 13, 14):
        handed_in(project, name, folder, value_txt=value)

    assert worked_off(project) == ["discard"] * 4

    ran = [run.measurement for run in board_of(project.lab.for_reading()).runs.values() if run.candidate]
    had = [run.receipt.gpus for run in ran if run and run.receipt]
    begun = [line.split()[1] for line in log.read_text().splitlines() if line.startswith("begin")]
    assert sorted(had) == sorted((gpu,) for gpu in begun), "the receipt names it"
    at_work: list[str] = []
    most = 0
    for what, gpu in map(str.split, log.read_text().splitlines()):
        assert (gpu in at_work) is (what == "end"), "two have the same GPU"
        (at_work.append if what == "begin" else at_work.remove)(gpu)
        most = max(most, len(at_work))
    assert (most, at_work) == (2, [])


@pytest.mark.usefixtures("driver")
def test_a_lane_leaves_its_gpu_to_the_iteration_that_is_open(tmp_path: Path) -> None:
    project = Project(tmp_path / "repo", workers=2, gpus=1).start()

    assert lanes(project.lab.for_reading().active) == 2
    project.write("value.txt", "9\n").loop.commit("nine")
    assert lanes(project.lab.for_reading().active) == 1
