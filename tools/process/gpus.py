"""Whose GPU is whose: a run that asks for some has them for itself, for as long as its supervisor lives.

A lease is a file, by the GPU's UUID, that names the run which has it. Whether that goes on tells its lock, so the death of a
supervisor frees what it had, and the death of a server frees nothing that is still in use.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ..errors import Code, Refusal
from ..git.linked_checkout import cache_folder
from ..storage.disk import held_lock, read_or_empty

VISIBLE = "CUDA_VISIBLE_DEVICES"
ASK_S = 10.0
PATIENCE_S = 60.0
"""How long a run waits for another one that is just choosing its GPUs, in seconds."""


@dataclass(frozen=True)
class Gpu:
    """A GPU, or a slice of one (MIG), as the driver lists it: its number along the bus, which a slice shares with its GPU."""

    index: int
    name: str
    uuid: str
    parent: str = ""


_GPU = re.compile(r"GPU (\d+): (.+) \(UUID: (GPU-[\w-]+)\)")
_SLICE = re.compile(r"\s+(MIG \S+)\s+Device\s+\d+: \(UUID: (MIG-[\w/-]+)\)")


def listed(text: str) -> tuple[Gpu, ...]:
    """Read what `nvidia-smi -L` prints. A GPU that is cut into slices is there as these alone."""
    found: list[Gpu] = []
    for line in text.splitlines():
        if whole := _GPU.match(line):
            found.append(Gpu(int(whole[1]), whole[2], whole[3]))
        elif (part := _SLICE.match(line)) and found:
            of = found[-1]
            found.append(Gpu(of.index, f"{of.name.partition(' MIG ')[0]} {part[1]}", part[2], of.parent or of.uuid))
    cut = {gpu.parent for gpu in found}
    return tuple(gpu for gpu in found if gpu.uuid not in cut)


def alike(found: Sequence[Gpu], visible: str | None) -> tuple[str, ...]:
    """Return the UUIDs that CUDA_VISIBLE_DEVICES leaves, None where it is not set, of GPUs of the same model as the first: runs on
    others would not be compared with like.

    As in CUDA, the list ends at the first entry that names nothing.
    """
    chosen = list(found)
    if visible is not None:
        chosen = []
        for entry in filter(None, map(str.strip, visible.split(","))):
            of = [g for g in found if _names(entry, g)]
            if not of:
                break
            chosen += of
    return tuple(dict.fromkeys(gpu.uuid for gpu in chosen if gpu.name == chosen[0].name))


def _names(entry: str, gpu: Gpu) -> bool:
    if entry.isdecimal():
        return int(entry) == gpu.index
    return entry.startswith(("GPU-", "MIG-")) and (gpu.uuid.startswith(entry) or gpu.parent.startswith(entry))


_KNOWN: dict[tuple[str, str | None], tuple[str, ...]] = {}


def usable() -> tuple[str, ...]:
    """Return the UUIDs of the GPUs that runs may have here. What was found is remembered until the server ends."""
    key = os.environ.get("PATH", ""), os.environ.get(VISIBLE)
    if key not in _KNOWN:
        try:
            asked = subprocess.run(
                ["nvidia-smi", "-L"],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=ASK_S,
                check=True,
            )
        except (OSError, subprocess.SubprocessError):
            return ()
        _KNOWN[key] = alike(listed(asked.stdout), key[1])
    return _KNOWN[key]


@contextmanager
def leased(count: int, run: Path, lives: Callable[[Path], bool]) -> Iterator[dict[str, str] | None]:
    """Give a run, by its folder, so many GPUs: what it is told of them, or None while others have them. The run has to begin
    inside the block; until then nobody else chooses. `lives` tells whether the run of a folder does.

    Raises:
        Refusal: if there are not so many here.
    """
    if not count:
        yield {}
        return
    there, folder = usable(), cache_folder() / "gpus"
    if len(there) < count:
        message = f"The plan asks for {count} GPUs a run, and nvidia-smi and {VISIBLE} leave {len(there)} of one model."
        raise Refusal(Code.BAD_PLAN, f"{message} Correct `gpus` in the plan, or run where they are.")
    with held_lock(folder / "turn", PATIENCE_S):
        free = [uuid for uuid in there if not _taken(folder / uuid.replace("/", "_"), lives)][:count]
        if len(free) < count:
            yield None
            return
        for uuid in free:
            (folder / uuid.replace("/", "_")).write_bytes(os.fsencode(run))
        yield {"CUDA_DEVICE_ORDER": "PCI_BUS_ID", VISIBLE: ",".join(free)}


def _taken(lease: Path, lives: Callable[[Path], bool]) -> bool:
    run = os.fsdecode(read_or_empty(lease))
    return bool(run) and lives(Path(run))
