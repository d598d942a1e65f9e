"""One axis of a picture: which scale suits the numbers, where they lie on it, and which ticks it has."""

from __future__ import annotations

import math
import statistics
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

WIDE = 20.0
"""Ratio of the largest to the smallest number from which a logarithmic scale shows more."""
PADDING = 0.06
MANY = 60
"""Numbers from which one in twenty on either side may lie beyond the axis."""
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


class AxisScale(StrEnum):
    """How numbers are spread over an axis. `asinh` is logarithmic on both sides of zero and linear near it."""

    LINEAR = "linear"
    LOG = "log"
    ASINH = "asinh"


@dataclass(frozen=True)
class Tick:
    """A labelled place on an axis, 0 at its low end and 1 at its high end."""

    value: float
    place: float
    label: str


@dataclass(frozen=True)
class Axis:
    """Numbers from `low` to `high`; `soft` is where an `asinh` axis turns from linear to logarithmic."""

    low: float
    high: float
    kind: AxisScale = AxisScale.LINEAR
    soft: float = 1.0

    def place(self, value: float) -> float:
        """Where a number lies: 0 at the low end, 1 at the high end, beyond for what lies beyond."""
        low, high = self._ends
        return (_inner(value, self.kind, self.soft) - low) / (high - low)

    def ticks(self, most: int = 6) -> list[Tick]:
        """About so many round numbers, in order."""
        decades = self._decades(most)
        if len(decades) > 1:
            return [Tick(value, self.place(value), short(value, _digits([value]))) for value in decades]
        found = _round_numbers(self.low, self.high, most)
        return [Tick(value, self.place(value), short(value, _digits(found))) for value in found]

    def _decades(self, most: int) -> list[float]:
        if self.kind is AxisScale.LINEAR:
            return []
        if self.kind is AxisScale.LOG:
            return _powers(self.low, self.high, most)
        side = max(2, most // 2)
        above, below = _powers(self.soft, self.high, side), _powers(self.soft, -self.low, side)
        return [*(-value for value in reversed(below)), *([0.0] if self.low <= 0 <= self.high else []), *above]

    @cached_property
    def _ends(self) -> tuple[float, float]:
        return _inner(self.low, self.kind, self.soft), _inner(self.high, self.kind, self.soft)


def fit_axis(core: Sequence[float], others: Sequence[float] = (), wished: float | None = None) -> Axis:
    """Return an axis that shows all of `core`, most of `others`, and `wished` if that costs little room.

    What lies far off among `others` would squeeze the rest together: the axis ends before it.
    """
    kind, soft = _kind([*core, *_middle(others)], [*core, *others])
    inner = [_inner(value, kind, soft) for value in core] or [0.0]
    far = sorted(_inner(value, kind, soft) for value in others)
    trimmed = len(far) // 20 if len(far) >= MANY else 0
    far = far[trimmed : len(far) - trimmed]
    low, high = min(inner), max(inner)
    room = max(high - low, 3.0 * _spread(_middle(far)))
    if far:
        low, high = min(low, max(far[0], low - room)), max(high, min(far[-1], high + room))
    if wished is not None and (kind is not AxisScale.LOG or wished > 0):
        place, reach = _inner(wished, kind, soft), max(high - low, room)
        if low - reach <= place <= high + reach:
            low, high = min(low, place), max(high, place)
    width = (high - low) * PADDING or abs(high) * 0.1 or 1.0
    return Axis(_outer(low - width, kind, soft), _outer(high + width, kind, soft), kind, soft)


def short(value: float, digits: int = 4) -> str:
    """Format a number as a label: few characters, no more than `digits` decimals."""
    size = abs(value)
    if value and not 1e-4 <= size < 1e6:
        head, power = f"{size:.2e}".split("e")
        head = head.rstrip("0").rstrip(".")
        tens = "10" + str(int(power)).translate(_SUPERSCRIPTS)
        return ("-" if value < 0 else "") + (tens if head == "1" else f"{head}·{tens}")
    return f"{value:,.{digits if size < 1e4 else 0}f}"


def _inner(value: float, kind: AxisScale, soft: float) -> float:
    if kind is AxisScale.LOG:
        return math.log(value) if value > 0 else -1e3
    return math.asinh(value / soft) if kind is AxisScale.ASINH else value


def _outer(place: float, kind: AxisScale, soft: float) -> float:
    if kind is AxisScale.LOG:
        return math.exp(max(-700.0, min(700.0, place)))
    if kind is AxisScale.ASINH:
        place = soft * math.sinh(max(-700.0, min(700.0, place)))
    return max(-sys.float_info.max, min(sys.float_info.max, place))


def _kind(usual: Sequence[float], every: Sequence[float]) -> tuple[AxisScale, float]:
    sizes = sorted(abs(value) for value in usual if value)
    if not math.isfinite(max(every, default=0.0) - min(every, default=0.0)):
        return AxisScale.ASINH, sizes[-1] / 100
    if len(sizes) < 2 or sizes[-1] / sizes[0] < WIDE:
        return AxisScale.LINEAR, 1.0
    if min(every) > 0:
        return AxisScale.LOG, 1.0
    # Zeros and changes of sign alone call for no other scale; orders of magnitude do.
    middle = statistics.median(sizes)
    return (AxisScale.ASINH, max(middle / 100, sizes[0])) if sizes[-1] / middle >= WIDE else (AxisScale.LINEAR, 1.0)


def _middle(values: Sequence[float]) -> Sequence[float]:
    ordered = sorted(values)
    cut = max(len(ordered) // 10, int(len(ordered) > 3))
    return ordered[cut : len(ordered) - cut]


def _spread(values: Sequence[float]) -> float:
    if len(values) < 2:
        return 0.0
    first, _, third = statistics.quantiles(values, n=4, method="inclusive")
    return third - first


def _round_numbers(low: float, high: float, most: int) -> list[float]:
    raw = (high - low) / max(1, most)
    if not raw > 0 or not math.isfinite(raw):
        return [low]
    power = 10.0 ** math.floor(math.log10(raw))
    step = power * next(size for size in (1, 2, 5, 10) if raw <= size * power * (1 + 1e-9))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [place * step for place in range(first, last + 1)]


def _powers(low: float, high: float, most: int) -> list[float]:
    """Powers of ten between two positive numbers, with twos and fives between them while there is room."""
    if not 0 < low < high:
        return []
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    for inside in ((1, 2, 5), (1, 3), (1,)):
        found = [size * 10.0**power for power in range(first, last + 1) for size in inside]
        found = [value for value in found if low <= value <= high]
        if len(found) <= most:
            return found
    step = next(size for size in (2, 3, 5, 10, 20, 50, 100, 200) if len(found) / size <= most)
    return [10.0**power for power in range(first, last + 1) if power % step == 0 and low <= 10.0**power <= high]


def _digits(values: Sequence[float]) -> int:
    """Decimals that tell the numbers apart; all of them have as many."""
    shown = [value for value in values if not value or abs(value) >= 1e-4]
    return next((n for n in range(8) if all(math.isclose(round(v, n), v, abs_tol=1e-12) for v in shown)), 8)
