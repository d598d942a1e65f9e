"""What the processes of a run use, as seen while they live. Standard library only: supervisors need this as well."""

from __future__ import annotations

from collections.abc import Mapping

from .processes import cpu_seconds, resident_bytes


class Usage:
    """Memory and processor time of a changing set of processes."""

    def __init__(self) -> None:
        self.peak_bytes = 0
        """Most memory that all of them were seen to hold at once."""
        self._seconds: dict[tuple[int, int], float] = {}
        self._seconds_of_gone = 0.0

    def note(self, living: Mapping[int, int]) -> None:
        """Look at the processes that live now, each by its number and its start."""
        self.peak_bytes = max(self.peak_bytes, sum(map(resident_bytes, living)))
        seconds = {(pid, started): cpu_seconds(pid) for pid, started in living.items()}
        self._seconds_of_gone += sum(seen for one, seen in self._seconds.items() if one not in seconds)
        self._seconds = seconds

    def uncounted_seconds(self, counted: float) -> float:
        """Return how much more processor time was seen than the kernel has summed up, in seconds.

        The sum has every process that somebody waited for, at last the supervisor. It lacks those whose parent ignores
        the end of its children; of these at least what was seen is known.
        """
        seen = self._seconds_of_gone + sum(self._seconds.values())
        return max(0.0, seen - counted)
