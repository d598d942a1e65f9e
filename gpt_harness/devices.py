"""What there is to train on: which device, and whose it is for the moment.

NVIDIA's cards are asked through `nvidia-smi`, which comes with the driver. torch is not needed.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

ASK_S = 5.0
_LOOK_S = 0.5
_WAKE_S = 30.0


class DeviceError(Exception):
    """A device that cannot be had; the message has the next step."""


class Kind(StrEnum):
    """What a device is called by torch."""

    CPU = "cpu"
    CUDA = "cuda"
    MPS = "mps"


@dataclass(frozen=True)
class Device:
    """Something that computes. `index` is CUDA's own, `peak_flops` dense bfloat16 operations a second; unknown is 0. An
    `exclusive` one lets one process use it at a time.
    """

    kind: Kind
    uuid: str
    name: str = ""
    index: int = 0
    total_bytes: int = 0
    exclusive: bool = False

    @property
    def peak_flops(self) -> float:
        """What its maker promises, by its name."""
        words = self.name.upper()
        return next((flops for name, flops in _PEAK_FLOPS if all(part in words for part in name.split())), 0.0)

    @property
    def torch_name(self) -> str:
        """As torch is told."""
        return f"cuda:{self.index}" if self.kind is Kind.CUDA else str(self.kind)


_PEAK_FLOPS = (
    ("B200", 2.25e15),
    ("GH200", 989.5e12),
    ("H200", 989.5e12),
    ("H100 PCIE", 756e12),
    ("H100", 989.5e12),
    ("A100", 312e12),
    ("L40S", 362e12),
    ("L4", 121e12),
    ("RTX 4090", 165.2e12),
    ("RTX A6000", 154.8e12),
    ("RTX 3090", 71e12),
    ("A10", 125e12),
    ("V100", 125e12),
    ("T4", 65e12),
)
"""From the makers' data sheets; the first name whose words are all there counts."""

CPU = Device(Kind.CPU, "cpu", platform.processor() or platform.machine())


# --- Which -----------------------------------------------------------------------------------------------------------


def devices() -> tuple[Device, ...]:
    """What is there and may be used: NVIDIA's first, the processor last."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    apple = sys.platform == "darwin" and platform.machine() == "arm64"
    return (*seen_by_cuda(cards(_listed()), visible), *((Device(Kind.MPS, "mps", "Apple GPU"),) if apple else ()), CPU)


def _listed() -> str:
    return smi("--query-gpu=index,uuid,name,memory.total,compute_mode")


def cards(listing: str) -> tuple[Device, ...]:
    """The cards of an answer of `nvidia-smi`: index, UUID, name, MiB, mode, a line each. Anything else is left out."""
    found = []
    for line in listing.splitlines():
        parts = [part.strip() for part in line.split(",")]
        if len(parts) == 5 and parts[0].isdecimal() and parts[1].startswith(("GPU-", "MIG-")):
            size = int(parts[3]) * 2**20 if parts[3].isdecimal() else 0
            exclusive = parts[4].startswith("Exclusive")
            found.append(Device(Kind.CUDA, parts[1], parts[2], int(parts[0]), size, exclusive))
    return tuple(found)


def seen_by_cuda(found: Sequence[Device], visible: str | None) -> tuple[Device, ...]:
    """The cards that CUDA shows under CUDA_VISIBLE_DEVICES, numbered as it does. None means that it is not set.

    As CUDA does, the list ends at the first entry that names nothing.
    """
    if visible is None:
        return tuple(found)
    chosen: list[Device] = []
    for entry in filter(None, (part.strip() for part in visible.split(","))):
        match = [d for d in found if (entry == str(d.index) if entry.isdecimal() else d.uuid.startswith(entry))]
        if not match and entry.startswith("MIG-"):
            match = [Device(Kind.CUDA, entry, "MIG slice")]
        if not match:
            break
        chosen.append(match[0])
    return tuple(replace(device, index=place) for place, device in enumerate(chosen))


def choose(wish: str, there: Sequence[Device] | None = None) -> Device:
    """The device of a wish: `auto` is the first there is, then a kind, `cuda:1`, or a UUID or its beginning.

    Raises:
        DeviceError: naming what there is.
    """
    there = devices() if there is None else there
    if wish in {"", "auto"}:
        return there[0]
    for device in there:
        if wish in {device.kind, device.torch_name} or (len(wish) >= 8 and device.uuid.startswith(wish)):
            return device
    known = ", ".join(f"{device.torch_name} ({device.uuid})" if device.name else device.uuid for device in there)
    raise DeviceError(f"There is no device {wish!r} here. There is {known}; correct `device` in gpt.toml.")


def show_alone(device: Device) -> Device:
    """Have this process, and all that it starts, see one card alone, as the first. It is named by its UUID: by number the
    driver counts along the bus, and CUDA, unless told otherwise, from the fastest card on.
    """
    if device.kind is not Kind.CUDA:
        return device
    os.environ |= {"CUDA_DEVICE_ORDER": "PCI_BUS_ID", "CUDA_VISIBLE_DEVICES": device.uuid}
    return replace(device, index=0)


def wake(device: Device, dev: Path = Path("/dev")) -> str:
    """Have the driver make its device files, before there are walls: the program that makes them needs a right that nobody has
    behind them. Returns what is missing afterwards, with the cure; empty where nothing is.
    """
    memory = dev / "nvidia-uvm"
    if device.kind is not Kind.CUDA or memory.exists() or not (dev / "nvidiactl").exists():
        return ""
    code = "import ctypes; ctypes.CDLL('libcuda.so.1').cuInit(0)"
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, timeout=_WAKE_S, check=False)
    return "" if memory.exists() else f"{memory} is missing, without which CUDA fails: `sudo nvidia-modprobe -u -c 0`"


# --- Whose -----------------------------------------------------------------------------------------------------------


@contextmanager
def lease(device: Device, folder: Path, who: str, wait_s: float = 0.0) -> Iterator[Device]:
    """Have a device for oneself: one experiment a GPU, by UUID, over all processes of this user. A death frees it.

    Raises:
        DeviceError: naming the holder, if it is not free within so many seconds.
    """
    if device.kind is Kind.CPU:
        yield device
        return
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with open(folder / f"{device.uuid}.lock", "a+", encoding="utf-8") as file:
        deadline = time.monotonic() + wait_s
        while not _taken(file.fileno()):
            if time.monotonic() >= deadline:
                raise DeviceError(
                    f"{device.torch_name} is in use by {_holder(file.name)}. Wait, or choose another device."
                )
            time.sleep(_LOOK_S)
        file.truncate(0)
        file.write(json.dumps({"pid": os.getpid(), "who": who, "since": time.strftime("%H:%M:%S")}))
        file.flush()
        yield device


def _taken(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _holder(path: str) -> str:
    try:
        told = json.loads(Path(path).read_text(encoding="utf-8"))
        return f"{told['who']} (process {told['pid']}, since {told['since']})"
    except (OSError, ValueError, KeyError, TypeError):
        return "another experiment"


# --- The driver ------------------------------------------------------------------------------------------------------


def smi(*query: str) -> str:
    """The answer of `nvidia-smi`; empty where there is none."""
    command = ["nvidia-smi", *query, "--format=csv,noheader,nounits"]
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=ASK_S, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout
