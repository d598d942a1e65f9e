"""What the processes of a run use, as seen while they live. Standard library only: supervisors need this as well."""

from __future__ import annotations

from collections.abc import Mapping

from .processes import close_counters, cpu_seconds, nanoseconds, resident_bytes, task_clock


class DescendantsClock:
    """Processor time of all that the calling process starts from now on, whether anybody waits for it or not.

    By two counters of the kernel, perf_event_open(2): one of this process, one that whatever it starts inherits. The kernel
    grants them where `perf_event_paranoid` is at most 2 and no filter forbids the call; else nothing is known.
    """

    def __init__(self) -> None:
        self._with, self._without = task_clock(inherited=True), task_clock(inherited=False)

    def seconds(self) -> float:
        """Return the processor time so far, without that of this process itself; 0 where the kernel counts none."""
        if min(self._with, self._without) < 0:
            return 0.0
        return max(0, nanoseconds(self._with) - nanoseconds(self._without)) / 1e9

    def close(self) -> None:
        """Give the counters back; nothing is known from then on."""
        close_counters(self._with, self._without)
        self._with = self._without = -1


class Usage:
    """Memory and processor time of a changing set of processes."""

    def __init__(self) -> None:
        self._clock = DescendantsClock()
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

    def counted_seconds(self, waited: float) -> float:
        """Return the processor time that the kernel has counted in the end, in seconds: at least that of every process that somebody `waited` for.

        Those whose parent ignores the end of its children are among it where the kernel grants the counters.
        """
        counted = self._clock.seconds()
        self._clock.close()
        return max(waited, counted)

    def uncounted_seconds(self, counted: float) -> float:
        """Return how much more was seen of processes than the kernel has counted, in seconds: at least so much is missing."""
        seen = self._seconds_of_gone + sum(self._seconds.values())
        return max(0.0, seen - counted)
