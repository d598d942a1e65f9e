"""What a run may use of a machine: seconds of the processor, or of the wall on a GPU, by who judges."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from players import BACKSTOP, Host
from spec import Spec, Unit

GRACE_S, GRACE = 2.0, 0.02
"""What writing the checkpoint and the last step may take beyond a budget: at least, in seconds, and as a share."""
UNCOUNTED = 2.0
"""Times the usual processor time of a budget in gigaops that a run may use: docs/gpt.md has how far honest runs scatter."""
TRIED_EVERY_S = 0.5
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


@dataclass
class RunClock:
    """Counts what a run has used since it got its data."""

    spec: Spec
    host: Host
    on_cpu: bool
    speed: ProcessorSpeed = field(default_factory=ProcessorSpeed)
    _began: float = field(default_factory=time.monotonic)
    _before: float = 0.0
    _tried: float = 0.0

    def __post_init__(self) -> None:
        self._before = self._processor_seconds()

    @property
    def wall_seconds(self) -> float:
        """Seconds since the start, whoever had the processor."""
        return time.monotonic() - self._began

    def seconds(self) -> float:
        """What counts: of the processor where that trains, and where the kernel tells; else of the wall."""
        used = self._processor_seconds()
        return used - self._before if used else self.wall_seconds

    def __str__(self) -> str:
        return f"{self.seconds():.1f} {'CPU s' if self.on_cpu else 's'} of {self.limit():.1f}"

    def over(self) -> bool:
        """Whether a run has used more than it may."""
        now = time.monotonic()
        if not self.on_cpu:
            return self.wall_seconds > self.limit()
        if now - self._tried < TRIED_EVERY_S:
            return False
        self._tried = now
        self.speed.try_once()
        return self.seconds() > self.limit() or self.wall_seconds > BACKSTOP * self.limit()

    def limit(self) -> float:
        """Seconds that a run may use."""
        return longest(self.spec, self.on_cpu, self.speed)

    def _processor_seconds(self) -> float:
        return self.host.cpu_seconds() if self.on_cpu else 0.0


def longest(spec: Spec, on_cpu: bool, speed: ProcessorSpeed) -> float:
    """Seconds that a run may use, from the first batch to the checkpoint."""
    budget = spec.allowance
    if budget.unit is Unit.SECONDS:
        return budget.amount + max(GRACE_S, GRACE * budget.amount)
    if budget.unit is Unit.GIGAOPS and on_cpu:
        return min(spec.most_seconds, UNCOUNTED * budget.amount * speed.seconds_per_gigaop)
    return spec.most_seconds
