"""What there is to train on: which device, whose it is for the moment, who else uses it, and what it told of the run.

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
import threading
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import Self

_ASK_S = 5.0
_TICK_S = 1.0
_LOOK_S = 0.5


class DeviceError(Exception):
    """A device that cannot be had; the message has the next step."""


class DeviceBusy(DeviceError):
    """Another experiment has the device."""


class Kind(StrEnum):
    """What a device is called by torch."""

    CPU = "cpu"
    CUDA = "cuda"
    MPS = "mps"


@dataclass(frozen=True)
class Device:
    """Something that computes. `index` is CUDA's own, `peak_flops` dense bfloat16 operations a second; unknown is 0."""

    kind: Kind
    uuid: str
    name: str = ""
    index: int = 0
    total_bytes: int = 0

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
    return _smi("--query-gpu=index,uuid,name,memory.total")


def cards(listing: str) -> tuple[Device, ...]:
    """The cards of an answer of `nvidia-smi`: index, UUID, name, MiB, a line each. Anything else is left out."""
    found = []
    for line in listing.splitlines():
        parts = [part.strip() for part in line.split(",")]
        if len(parts) == 4 and parts[0].isdecimal() and parts[1].startswith(("GPU-", "MIG-")):
            size = int(parts[3]) * 2**20 if parts[3].isdecimal() else 0
            found.append(Device(Kind.CUDA, parts[1], parts[2], int(parts[0]), size))
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
    return tuple(Device(d.kind, d.uuid, d.name, place, d.total_bytes) for place, d in enumerate(chosen))


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


# --- Whose -----------------------------------------------------------------------------------------------------------


@contextmanager
def lease(device: Device, folder: Path, who: str, wait_s: float = 0.0) -> Iterator[Device]:
    """Have a device for oneself: one experiment a GPU, by UUID, over all processes of this user. A death frees it.

    Raises:
        DeviceBusy: naming the holder, if it is not free within so many seconds.
    """
    if device.kind is Kind.CPU:
        yield device
        return
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with open(folder / f"{device.uuid}.lock", "a+", encoding="utf-8") as file:
        deadline = time.monotonic() + wait_s
        while not _taken(file.fileno()):
            if time.monotonic() >= deadline:
                raise DeviceBusy(
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


# --- How -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Telemetry:
    """What a device told of a run. Energy is in joules; None where the driver does not tell."""

    energy_joules: float | None = None
    peak_bytes: int | None = None
    utilisation_percent: float | None = None
    contended: str = ""


@dataclass(frozen=True)
class Sample:
    """One look at a card: watts, bytes in use, percent busy, and the processes on it."""

    watts: float | None
    used_bytes: int | None
    busy: float | None
    processes: frozenset[int]


class DeviceMeter:
    """Looks at a device every second while a run goes on. `own` are the processes below which everything is ours."""

    def __init__(self, device: Device, own: Collection[int]) -> None:
        self._device, self._own = device, own
        self._samples: list[tuple[float, Sample]] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._crowd = 0.0

    def __enter__(self) -> Self:
        if self._device.kind is Kind.CUDA:
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        if self._thread.ident:
            self._thread.join(2 * _ASK_S)
        self._crowd = os.getloadavg()[0]

    def telemetry(self) -> Telemetry:
        """What was seen, once the run is over."""
        if self._device.kind is Kind.CUDA:
            return summed(self._samples)
        return Telemetry(contended=crowded(self._crowd, _cores()))

    def _watch(self) -> None:
        while not self._over.wait(_TICK_S):
            with contextlib.suppress(OSError, ValueError):
                seen = look(self._device.uuid)
                others = seen.processes - _family(self._own)
                self._samples.append((time.monotonic(), replace(seen, processes=others)))


def summed(samples: Sequence[tuple[float, Sample]]) -> Telemetry:
    """Energy as power over time, the peak, the mean, and who was there in more than one look; at seconds each."""
    power = [(at, sample.watts) for at, sample in samples if sample.watts is not None]
    energy = [(b[0] - a[0]) * (a[1] + b[1]) / 2 for a, b in pairwise(power)]
    used = [sample.used_bytes for _, sample in samples if sample.used_bytes is not None]
    busy = [sample.busy for _, sample in samples if sample.busy is not None]
    others = [pid for _, sample in samples for pid in sample.processes]
    crowd = sorted({pid for pid in others if others.count(pid) > 1})
    return Telemetry(
        sum(energy) if energy else None,
        max(used, default=None),
        sum(busy) / len(busy) if busy else None,
        f"other processes on the device: {', '.join(map(str, crowd))}" if crowd else "",
    )


def crowded(load: float, cores: int) -> str:
    """Whether more wants to run than can, in words; empty if not. Our own run is one of the load."""
    return f"load {load:.1f} on {cores} cores" if load > cores + 0.5 else ""


def look(uuid: str) -> Sample:
    """One look at a card.

    Raises:
        OSError: if nothing answers.
    """
    told = _smi("--query-gpu=uuid,power.draw,memory.used,utilization.gpu")
    return sampled(uuid, told, _smi("--query-compute-apps=gpu_uuid,pid,used_memory"))


def sampled(uuid: str, cards_told: str, processes_told: str) -> Sample:
    """A look, from what `nvidia-smi` answers to both questions; what it does not know, as `[N/A]`, is None or 0.

    Raises:
        ValueError: if the card is not in the answer.
    """
    rows = [[part.strip() for part in line.split(",")] for line in cards_told.splitlines()]
    row = next((row for row in rows if len(row) == 4 and row[0] == uuid), None)
    if row is None:
        raise ValueError(f"{uuid} is not in the answer")
    watts, used, busy = map(_number, row[1:])
    there = [[part.strip() for part in line.split(",")] for line in processes_told.splitlines()]
    mine = [entry for entry in there if len(entry) == 3 and entry[0] == uuid and entry[1].isdecimal()]
    processes = frozenset(int(pid) for _, pid, _ in mine)
    return Sample(watts, None if used is None else int(used * 2**20), busy, processes)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _smi(*query: str) -> str:
    """The answer of `nvidia-smi`; empty where there is none."""
    command = ["nvidia-smi", *query, "--format=csv,noheader,nounits"]
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_ASK_S, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout


def _family(own: Collection[int]) -> set[int]:
    """Our processes, and those that came from them and are still there, as far as the kernel tells."""
    found, ask = set(own), list(own)
    while ask:
        pid = ask.pop()
        with contextlib.suppress(OSError):
            for task in os.listdir(f"/proc/{pid}/task"):
                children = set(map(int, Path(f"/proc/{pid}/task/{task}/children").read_text().split())) - found
                found |= children
                ask += children
    return found


def _cores() -> int:
    usable = getattr(os, "sched_getaffinity", None)
    return len(usable(0)) if usable else os.cpu_count() or 1
