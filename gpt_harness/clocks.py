"""What a run may use of a machine: seconds of the processor, or of the wall on a GPU, by who judges."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from players import Host, Stopwatch
from spec import Spec, Unit

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


class RunClock(Stopwatch):
    """Counts what a run has used since it got its data."""

    def __init__(self, spec: Spec, host: Host, on_cpu: bool) -> None:
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
