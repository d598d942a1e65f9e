"""How busy the machine is while something is measured, as the kernel tells it."""

from __future__ import annotations

import os
import re
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ..project.scan import usable_cores

MOST_WAITING, MOST_STOLEN, ALL = 0.2, 0.05, 0.8
_PRESSURE, _STAT = Path("/proc/pressure/cpu"), Path("/proc/stat")


@dataclass(frozen=True)
class Load:
    """The machine's counters at one moment.

    `at` and `waited`, the time in which something waited for a processor, are in seconds; None where that is not counted. `ticks` went by on all
    processors, `stolen` of them to other guests of the host. `average` is the load of the last minute.
    """

    at: float
    waited: float | None
    ticks: int
    stolen: int
    average: float
    cores: int


def load_now() -> Load:
    """Read the counters."""
    some = re.search(r"^some .*total=(\d+)", _text(_PRESSURE), re.MULTILINE)
    ticks = [int(word) for word in _text(_STAT).partition("\n")[0].split()[1:9]]
    average = 0.0
    with suppress(OSError):
        average = os.getloadavg()[0]
    waited = int(some[1]) / 1e6 if some else None
    return Load(time.monotonic(), waited, sum(ticks), ticks[7] if len(ticks) > 7 else 0, average, usable_cores())


def busy_words(before: Load, after: Load, cpu_s: float, wall_s: float) -> str:
    """Say how the machine was too busy to trust a time measured on it; empty if it was not.

    `cpu_s` and `wall_s` are what the measured commands took together. One that uses every processor itself makes others
    wait, so only what the host took away speaks against it.
    """
    waiting, stolen = _share_waiting(before, after), _share_stolen(before, after)
    had = cpu_s / wall_s if wall_s else 0.0
    crowded = waiting > MOST_WAITING if waiting is not None else after.average > after.cores
    said = []
    if crowded and had < ALL * after.cores:
        if waiting is not None:
            said.append(f"in {100 * waiting:.0f} % of the time something waited for a processor")
        cores = "1 core" if after.cores == 1 else f"{after.cores} cores"
        said.append(f"the load was {after.average:.1f} on {cores}")
        said.append(f"the measured commands had {had:.2g} processors on average")
    if stolen > MOST_STOLEN:
        said.append(f"the host gave {100 * stolen:.0f} % of the processors' time to others")
    return ", ".join(said)


def _share_waiting(before: Load, after: Load) -> float | None:
    if before.waited is None or after.waited is None or after.at <= before.at:
        return None
    return min(1.0, (after.waited - before.waited) / (after.at - before.at))


def _share_stolen(before: Load, after: Load) -> float:
    return (after.stolen - before.stolen) / max(1, after.ticks - before.ticks)


def _text(file: Path) -> str:
    try:
        return file.read_text()
    except OSError:
        return ""
