"""What a run may use of a machine: seconds of the processor, or of the wall on a GPU, by who judges."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from spec import Spec, Unit

BACKSTOP = 20
"""Times the processor's seconds that something may have before the wall clock ends it, which is for what does nothing."""
LOOK_S = 1.0
"""Seconds between two looks at what a job has used: each one asks the process that runs it."""
GRACE_S, GRACE = 2.0, 0.02
"""What writing the checkpoint and the last step may take beyond a budget: at least, in seconds, and as a share."""
UNCOUNTED = 2.0
"""Times the usual processor time of a budget in gigaops that a run may use: docs/gpt.md has how far honest runs scatter."""
TRIED_GIGAOPS = 0.0245
"""What a try of the processor is worth: in the time that it takes, training does so much."""


@dataclass
class ProcessorSpeed:
    """What the processor gives at the moment, whoever else has it: tried on a little work beside the run."""

    seconds: list[float] = field(default_factory=list)
    _numbers: NDArray[np.float32] = field(default_factory=lambda: np.linspace(-4, 4, 65_536, dtype=np.float32))

    def try_once(self) -> None:
        """Do the work, and note what it took."""
        began = time.thread_time()
        for _ in range(4):
            np.tanh(np.exp(self._numbers) * self._numbers)
        self.seconds.append(time.thread_time() - began)

    @property
    def seconds_per_gigaop(self) -> float:
        """What one takes at the moment, about; it is tried if it never was."""
        if not self.seconds:
            self.try_once()
        return statistics.median(self.seconds) / TRIED_GIGAOPS


class Countable(Protocol):
    """Who runs a job, and can be asked what it has used."""

    def cpu_seconds(self) -> float:
        """Of the processor, so far; 0 where the kernel does not tell."""
        ...


class Stopwatch:
    """Seconds that a job has used since a moment: of the processor where that works, as others may have it too; of the wall on
    a GPU, and where the kernel does not tell.
    """

    def __init__(self, host: Countable, on_cpu: bool) -> None:
        self._host, self.on_cpu = host, on_cpu
        self._before = self._processor_seconds()
        self._began = self._looked = time.monotonic()

    @property
    def wall_seconds(self) -> float:
        """Seconds since that moment, whoever had the processor."""
        return time.monotonic() - self._began

    def seconds(self) -> float:
        """What counts."""
        used = self._processor_seconds()
        return used - self._before if used else self.wall_seconds

    def due(self) -> bool:
        """Whether it is time for another look, which then is taken."""
        now = time.monotonic()
        due = now - self._looked >= LOOK_S
        self._looked = now if due else self._looked
        return due

    def past(self, limit: float) -> bool:
        """Whether a job has used more seconds than a limit; what does nothing is ended by the wall clock."""
        return max(self.seconds(), self.wall_seconds / BACKSTOP) > limit

    def _processor_seconds(self) -> float:
        return self._host.cpu_seconds() if self.on_cpu else 0.0


class RunClock(Stopwatch):
    """Counts what a run has used since it got its data."""

    def __init__(self, spec: Spec, host: Countable, on_cpu: bool) -> None:
        super().__init__(host, on_cpu)
        self._spec, self._speed = spec, ProcessorSpeed()

    def __str__(self) -> str:
        return f"{self.seconds():.1f} {'CPU s' if self.on_cpu else 's'} of {self.limit():.1f}"

    def over(self) -> bool:
        """Whether a run has used more than it may."""
        if not self.due():
            return False
        if self.on_cpu and self._spec.allowance.unit is Unit.GIGAOPS:
            self._speed.try_once()
        return self.past(self.limit())

    def limit(self) -> float:
        """Seconds that a run may use."""
        return longest(self._spec, self.on_cpu, self._speed)


def longest(spec: Spec, on_cpu: bool, speed: ProcessorSpeed) -> float:
    """Seconds that a run may use, from the first batch to the checkpoint."""
    budget = spec.allowance
    if budget.unit is Unit.SECONDS:
        return budget.amount + max(GRACE_S, GRACE * budget.amount)
    if budget.unit is Unit.GIGAOPS and on_cpu:
        return min(spec.most_seconds, UNCOUNTED * budget.amount * speed.seconds_per_gigaop)
    return spec.most_seconds
