"""Devices: which one a run gets, that nobody else has it meanwhile, and what it tells."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import devices
import telemetry
from autoresearch_mcp.tools.project.harness import HARNESS
from devices import CPU, Device, DeviceError, Kind, choose, lease
from telemetry import Sample

LISTING = """\
0, GPU-aaaaaaaa-1111, NVIDIA H200, 143771, Default
1, GPU-bbbbbbbb-2222, NVIDIA H100 PCIe, 81559, Exclusive_Process
2, GPU-cccccccc-3333, NVIDIA A100-SXM4-80GB, [N/A], [N/A]
"""
H200, H100, A100 = devices.cards(LISTING)


def test_cards_are_read_as_the_driver_lists_them() -> None:
    assert Device(Kind.CUDA, "GPU-aaaaaaaa-1111", "NVIDIA H200", 0, 143771 * 2**20) == H200
    assert (A100.index, A100.total_bytes) == (2, 0)
    assert [card.exclusive for card in (H200, H100, A100)] == [False, True, False]


@pytest.mark.parametrize(
    "listing", ["", "No devices were found\n", "index, uuid, name, memory.total [MiB]\n", "0, x\n"]
)
def test_an_answer_without_cards_has_none(listing: str) -> None:
    assert devices.cards(listing) == ()


@pytest.mark.parametrize(
    ("visible", "uuids"),
    [
        (None, ["GPU-aaaaaaaa-1111", "GPU-bbbbbbbb-2222", "GPU-cccccccc-3333"]),
        ("", []),
        ("-1", []),
        ("2,0", ["GPU-cccccccc-3333", "GPU-aaaaaaaa-1111"]),
        ("1,9,0", ["GPU-bbbbbbbb-2222"]),
        ("GPU-bbbb", ["GPU-bbbbbbbb-2222"]),
        ("MIG-dddddddd-4444", ["MIG-dddddddd-4444"]),
    ],
)
def test_cuda_shows_what_the_variable_lets_it_in_that_order(visible: str | None, uuids: list[str]) -> None:
    shown = devices.seen_by_cuda((H200, H100, A100), visible)

    assert [device.uuid for device in shown] == uuids
    assert [device.index for device in shown] == list(range(len(uuids)))


@pytest.mark.parametrize(
    ("wish", "device"),
    [
        ("auto", H200),
        ("", H200),
        ("cuda", H200),
        ("cuda:1", H100),
        ("GPU-cccccccc-3333", A100),
        ("GPU-bbbb", H100),
        ("cpu", CPU),
    ],
)
def test_a_wish_finds_its_device(wish: str, device: Device) -> None:
    assert choose(wish, (H200, H100, A100, CPU)) == device


@pytest.mark.parametrize("wish", ["cuda:3", "mps", "GPU-", "tpu"])
def test_a_device_that_is_not_there_is_refused_with_what_is(wish: str) -> None:
    with pytest.raises(DeviceError, match=r"There is cuda:0 \(GPU-aaaaaaaa-1111\)"):
        choose(wish, (H200, CPU))


@pytest.mark.parametrize(
    ("name", "teraflops"),
    [
        ("NVIDIA H200", 989.5),
        ("NVIDIA H100 80GB HBM3", 989.5),
        ("NVIDIA H100 PCIe", 756),
        ("NVIDIA GH200 480GB", 989.5),
        ("NVIDIA A100-SXM4-40GB", 312),
        ("NVIDIA L40S", 362),
        ("NVIDIA L4", 121),
        ("NVIDIA A10G", 125),
        ("NVIDIA GeForce RTX 4090", 165.2),
        ("Tesla T4", 65),
        ("NVIDIA GeForce GTX 1080", 0),
    ],
)
def test_what_a_card_can_is_known_by_its_name(name: str, teraflops: float) -> None:
    assert Device(Kind.CUDA, "GPU-x", name).peak_flops == pytest.approx(teraflops * 1e12)


HOLD = """
import sys
from pathlib import Path
from devices import Device, Kind, lease
with lease(Device(Kind.CUDA, "GPU-x", "card"), Path(sys.argv[1]), "the other lab"):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.mark.parametrize("ended_by", [signal.SIGKILL, None], ids=["killed", "over"])
def test_one_experiment_has_a_card_until_it_ends_or_dies(tmp_path: Path, ended_by: signal.Signals | None) -> None:
    environment = {**os.environ, "PYTHONPATH": str(HARNESS)}
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    card = Device(Kind.CUDA, "GPU-x", "card")
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, env=environment, text=True, **pipes) as other:  # type: ignore[call-overload]
        assert other.stdout.readline() == "held\n"
        with pytest.raises(DeviceError, match=rf"the other lab \(process {other.pid}"), lease(card, tmp_path, "me"):
            pytest.fail("two have the same card")
        with lease(Device(Kind.CUDA, "GPU-y"), tmp_path, "me"), lease(CPU, tmp_path, "me"), lease(CPU, tmp_path, "me"):
            pass
        if ended_by:
            other.send_signal(ended_by)
        else:
            other.stdin.close()
        other.wait()

    with lease(card, tmp_path, "me"):
        assert json.loads((tmp_path / "GPU-x.lock").read_text())["who"] == "me"


CARDS_NOW = "GPU-a, 312.50, 45060\nGPU-b, [N/A], [N/A]\n"
PROCESSES = "GPU-a, 4242, 45000\nGPU-b, 17, 100\nGPU-a, [N/A], 3\n"


def test_a_look_at_a_card_tells_its_own_numbers_only() -> None:
    assert telemetry.sampled("GPU-a", CARDS_NOW, PROCESSES) == Sample(312.5, 45060 * 2**20, frozenset({4242}))
    assert telemetry.sampled("GPU-b", CARDS_NOW, "") == Sample(None, None, frozenset())
    with pytest.raises(ValueError, match="GPU-c"):
        telemetry.sampled("GPU-c", CARDS_NOW, PROCESSES)


def test_energy_is_power_over_time_and_a_passing_process_is_no_neighbour() -> None:
    alone, crowd = frozenset[int](), frozenset({7})
    samples = [
        (0.0, Sample(100.0, 10, alone)),
        (2.0, Sample(300.0, 30, crowd)),
        (3.0, Sample(None, 20, frozenset({7, 8}))),
        (5.0, Sample(300.0, None, alone)),
    ]

    told = telemetry.summed(samples)

    assert told.energy_joules == pytest.approx(2 * 200 + 3 * 300)
    assert told.peak_bytes == 30
    assert told.contended == "other processes on the device: 7"
    assert telemetry.summed([]) == telemetry.Telemetry()


@pytest.mark.parametrize(("load", "crowded"), [(1.0, False), (2.4, False), (5.2, True)])
def test_a_processor_is_contended_when_more_wants_to_run_than_can(load: float, crowded: bool) -> None:
    assert bool(telemetry.crowded(load, 2)) is crowded


SMI = """#!/bin/sh
case "$1" in
    *index*) echo "0, GPU-12345678, NVIDIA H100 80GB HBM3, 81559, Default" ;;
    *power*) echo "GPU-12345678, 700.0, 1000" ;;
    *compute*) echo "GPU-12345678, 1, 500" ;;
esac
"""


def test_the_driver_s_program_is_asked_where_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "nvidia-smi"
    program.write_text(SMI)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)

    found = choose("auto")

    assert (found.torch_name, found.uuid, found.total_bytes) == ("cuda:0", "GPU-12345678", 81559 * 2**20)
    assert telemetry.look(found.uuid) == Sample(700.0, 1000 * 2**20, frozenset({1}))


def test_without_a_driver_there_is_the_processor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    assert devices.devices()[-1] == CPU
    assert not any(device.kind is Kind.CUDA for device in devices.devices())


def test_a_card_is_shown_to_cuda_by_its_uuid_and_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1,2")
    monkeypatch.setenv("CUDA_DEVICE_ORDER", "FASTEST_FIRST")

    shown = devices.show_alone(H100)

    assert (shown.torch_name, shown.uuid) == ("cuda:0", H100.uuid)
    assert os.environ["CUDA_VISIBLE_DEVICES"] == H100.uuid
    assert os.environ["CUDA_DEVICE_ORDER"] == "PCI_BUS_ID"
    assert devices.show_alone(CPU) == CPU


@pytest.mark.parametrize(("files", "said"), [((), False), (("nvidiactl",), True), (("nvidiactl", "nvidia-uvm"), False)])
def test_a_missing_device_file_of_the_driver_is_said_with_its_cure(
    tmp_path: Path, files: tuple[str, ...], said: bool
) -> None:
    for name in files:
        (tmp_path / name).touch()

    assert ("nvidia-modprobe" in devices.wake(H200, tmp_path)) is said
