"""The scale on which runs are compared: differences, or ratios where every number has the same sign.

Durations, sizes and rates scatter in proportion to themselves: what was noise at 500 ms would drown everything at 5 ms.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from enum import StrEnum

LEAST = 1e-6
"""What a number of the wrong sign, or zero, counts as on the ratio scale, in units of the level."""


class Scale(StrEnum):
    """How values are compared."""

    LINEAR = "linear"
    RATIO = "ratio"

    def inner(self, value: float, level: float = 1.0) -> float:
        """A value on the scale: itself, or 100 times its natural logarithm, so that 1 is about one percent."""
        if self is Scale.LINEAR:
            return value
        sign = math.copysign(1.0, level)
        return sign * 100 * math.log(max(value * sign, LEAST * abs(level)))

    def outer(self, inner: float, level: float = 1.0) -> float:
        """The value of a place on the scale."""
        if self is Scale.LINEAR:
            return inner
        sign = math.copysign(1.0, level)
        return sign * math.exp(min(700.0, sign * inner / 100))


def scale_for(values: Sequence[float]) -> Scale:
    """Ratios where all values have one sign, differences elsewhere."""
    return Scale.RATIO if min(values) > 0 or max(values) < 0 else Scale.LINEAR
