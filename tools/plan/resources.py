"""What the server can measure of a command itself, in place of a number that the command prints."""

from __future__ import annotations

from enum import StrEnum


class Resource(StrEnum):
    """What a command and all that it started used up, as the kernel counts it; less is better."""

    CPU = "cpu"
    WALL = "wall"
    MEMORY = "memory"

    @property
    def metric(self) -> str:
        """The name of the number, where the plan gives none."""
        return _NAMES[self][0]

    @property
    def unit(self) -> str:
        """The unit of the number."""
        return _NAMES[self][1]


_NAMES = {
    Resource.CPU: ("cpu_seconds", "s"),
    Resource.WALL: ("wall_seconds", "s"),
    Resource.MEMORY: ("peak_memory", "MiB"),
}


def resource_of(read: str) -> Resource | None:
    """Return the resource that a plan's `read` names; None where the number is read from what the command gives."""
    return Resource(read) if read in list(Resource) else None
