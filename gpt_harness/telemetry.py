"""What a device told of a run: energy, memory, and who else used it."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from types import TracebackType
from typing import Self

from devices import ASK_S, Device, Kind, smi
from host import descendants

_TICK_S = 1.0


@dataclass(frozen=True)
class Telemetry:
    """What a device told of a run. Energy is in joules; None where the driver does not tell."""

    energy_joules: float | None = None
    peak_bytes: int | None = None
    contended: str = ""


@dataclass(frozen=True)
class Sample:
    """One look at a card: watts, bytes in use, and the processes on it."""

    watts: float | None
    used_bytes: int | None
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
            self._thread.join(2 * ASK_S)
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
                others = seen.processes.difference(self._own, *map(descendants, self._own))
                self._samples.append((time.monotonic(), replace(seen, processes=others)))


def summed(samples: Sequence[tuple[float, Sample]]) -> Telemetry:
    """Energy as power over time, the peak, and who was there in more than one look; at seconds each."""
    power = [(at, sample.watts) for at, sample in samples if sample.watts is not None]
    energy = [(b[0] - a[0]) * (a[1] + b[1]) / 2 for a, b in pairwise(power)]
    used = [sample.used_bytes for _, sample in samples if sample.used_bytes is not None]
    others = [pid for _, sample in samples for pid in sample.processes]
    crowd = sorted({pid for pid in others if others.count(pid) > 1})
    return Telemetry(
        sum(energy) if energy else None,
        max(used, default=None),
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
    told = smi("--query-gpu=uuid,power.draw,memory.used")
    return sampled(uuid, told, smi("--query-compute-apps=gpu_uuid,pid,used_memory"))


def sampled(uuid: str, cards_told: str, processes_told: str) -> Sample:
    """A look, from what `nvidia-smi` answers to both questions; what it does not know, as `[N/A]`, is None or 0.

    Raises:
        ValueError: if the card is not in the answer.
    """
    rows = [[part.strip() for part in line.split(",")] for line in cards_told.splitlines()]
    row = next((row for row in rows if len(row) == 3 and row[0] == uuid), None)
    if row is None:
        raise ValueError(f"{uuid} is not in the answer")
    watts, used = map(_number, row[1:])
    there = [[part.strip() for part in line.split(",")] for line in processes_told.splitlines()]
    mine = [entry for entry in there if len(entry) == 3 and entry[0] == uuid and entry[1].isdecimal()]
    processes = frozenset(int(pid) for _, pid, _ in mine)
    return Sample(watts, None if used is None else int(used * 2**20), processes)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _cores() -> int:
    usable = getattr(os, "sched_getaffinity", None)
    return len(usable(0)) if usable else os.cpu_count() or 1
