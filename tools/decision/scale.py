"""How values are compared: by differences, or by ratios where every number has the same sign.

Durations, sizes and rates scatter in proportion to themselves: what was noise at 500 ms would drown everything at 5 ms.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from .gain import Gain


@dataclass(frozen=True)
class Scale:
    """Where values stand when they are compared: as they are, or `relative`: at 100 times the natural logarithm, so that 1
    is about one percent. `sign` is that of all values of a relative one.
    """

    relative: bool
    sign: float = 1.0

    def fits(self, value: float) -> bool:
        """Return whether a value can stand on the scale."""
        return not self.relative or value * self.sign > 0

    def inner(self, value: float) -> float:
        """Return where a value that fits stands on the scale."""
        return self.sign * 100 * math.log(value * self.sign) if self.relative else value

    def outer(self, inner: float) -> float:
        """Return the value that stands at a place on the scale."""
        return self.sign * math.exp(min(700.0, self.sign * inner / 100)) if self.relative else inner

    def worth(self, level: float, gain: float) -> float:
        """Convert a distance on the scale, below a level on it, to the metric's unit."""
        return self.outer(level) - self.outer(level - gain)

    def least(self, level: float, smallest: float) -> float:
        """Convert a gain in the metric's unit to a distance on the scale below a level on it; infinite if none is so large."""
        if not smallest:
            return 0.0
        reached = self.outer(level) - smallest
        return level - self.inner(reached) if self.fits(reached) else math.inf

    def steepness(self, level: float) -> float:
        """Return what one unit of the scale is worth in the metric's, at a level on it."""
        return abs(self.outer(level)) / 100 if self.relative else 1.0

    def claim(self, gain: float, error: float) -> Gain:
        """Return what a gain on the scale may claim."""
        unit = 100.0 if self.relative else 1.0
        return Gain(self.relative, gain / unit, (error / unit) ** 2)


LINEAR = Scale(False)


def scale_for(values: Sequence[float]) -> Scale:
    """Compare by ratios where all values have one sign, by differences elsewhere."""
    if min(values) > 0 or max(values) < 0:
        return Scale(True, math.copysign(1.0, values[0]))
    return LINEAR
