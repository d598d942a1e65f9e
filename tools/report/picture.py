"""The progress picture: what is drawn, before anybody draws it. Matplotlib and the page's SVG both start from here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import accumulate

from ..decision.decide import Status
from ..plan.model import Direction, Plan
from ..session.events import Row
from .axes import Axis, fitted

BAND = 2.0
"""Standard deviations of one run on either side of the running best: 19 runs of 20 fall in here."""


class Mark(StrEnum):
    """What became of a try, as far as a picture tells it apart."""

    BASELINE = "baseline"
    KEEP = "kept"
    DISCARD = "discarded"
    GUARD = "guard failed"
    CRASH = "crashed"
    NOTHING = "no number"
    TAMPERED = "tampered"


@dataclass(frozen=True)
class Dot:
    """One try: where it stands in the picture, its iteration in its own session, its metric if it has one.

    `rise` is how much of the picture's height a kept change was worth.
    """

    x: int
    iteration: int
    value: float | None
    mark: Mark
    words: str
    rise: float = 0.0


@dataclass(frozen=True)
class Chapter:
    """What one session puts into the picture: its rows, and how much one run scatters, in the metric's unit.

    `relative` says that the scatter is a share of the value.
    """

    name: str
    plan: Plan
    rows: Sequence[Row]
    spread: float = 0.0
    relative: bool = False


@dataclass(frozen=True)
class Segment:
    """A session in the picture: from where to where, the running best as steps, and the band of noise around it."""

    name: str
    first: int
    last: int
    steps: tuple[tuple[int, float], ...]
    spread: float = 0.0
    relative: bool = False

    def band(self, value: float) -> tuple[float, float]:
        """Where 19 of 20 runs of something worth `value` fall."""
        half = BAND * self.spread * (abs(value) if self.relative else 1.0)
        return value - half, value + half


@dataclass(frozen=True)
class Picture:
    """All of it. Dots are in the order in which the tries were made."""

    title: str
    metric: str
    direction: Direction
    unit: str
    dots: tuple[Dot, ...]
    segments: tuple[Segment, ...]
    axis: Axis
    target: float | None = None

    @property
    def width(self) -> int:
        """How many places there are from left to right."""
        return max(1, self.segments[-1].last + 1 if self.segments else 1)

    def across(self, x: float) -> float:
        """Where a place is, 0 at the left edge and 1 at the right one."""
        return (x + 0.5) / self.width

    @property
    def marks(self) -> list[tuple[Mark, int]]:
        """What there is to see, with how often."""
        seen = [dot.mark for dot in self.dots]
        return [(mark, seen.count(mark)) for mark in Mark if mark in seen]

    @property
    def labelled(self) -> list[Dot]:
        """The kept changes that deserve a label, most telling first: the best and then by what they were worth."""
        kept = [dot for dot in self.dots if dot.mark is Mark.KEEP and dot.value is not None]
        return sorted(kept, key=lambda dot: (dot is not kept[-1], -dot.rise, dot.x))

    def height(self, value: float) -> float:
        """Where a value stands, 0 at the bottom and 1 at the top; what lies beyond stands at the edge."""
        return min(1.0, max(0.0, self.axis.place(value)))

    def beyond(self, value: float) -> int:
        """-1 for a value below the picture, 1 for one above it, 0 within."""
        place = self.axis.place(value)
        return -1 if place < 0 else 1 if place > 1 else 0

    def x_ticks(self, most: int = 10) -> list[tuple[int, str]]:
        """Places along the bottom with their iteration, which begins anew with each session."""
        sizes = (1, 2, 5, 10, 20, 50, 100, 200, 500, *range(1000, 10**9, 1000))
        size = next(size for size in sizes if self.width / size <= most)
        return [
            (segment.first + number, f"{number:,}")
            for segment in self.segments
            for number in range(0, segment.last - segment.first + 1, size)
        ]

    @property
    def y_label(self) -> str:
        """The metric with its unit and which way is better."""
        unit = f" ({self.unit})" if self.unit else ""
        return f"{self.metric}{unit}, {self.direction} is better"


def picture(chapters: Sequence[Chapter]) -> Picture:
    """The picture of one or more sessions of the same metric, the latest last."""
    plan = chapters[-1].plan
    starts = [0, *accumulate(len(chapter.rows) for chapter in chapters)]
    dots = [
        _dot(row, start + place)
        for start, chapter in zip(starts, chapters, strict=False)
        for place, row in enumerate(chapter.rows)
    ]
    segments = [_segment(chapter, start) for start, chapter in zip(starts, chapters, strict=False) if chapter.rows]
    core = [dot.value for dot in dots if dot.value is not None and dot.mark in {Mark.BASELINE, Mark.KEEP}]
    others = [dot.value for dot in dots if dot.value is not None and dot.mark not in {Mark.BASELINE, Mark.KEEP}]
    axis = fitted(core, others, plan.target_value)
    return Picture(
        title=" ".join(plan.goal.split()),
        metric=plan.metric,
        direction=plan.better,
        unit=plan.unit,
        dots=tuple(_with_rises(dots, axis)),
        segments=tuple(segments),
        axis=axis,
        target=plan.target_value,
    )


def thinned(whole: Picture, most: int) -> Picture:
    """The same picture with at most about `most` tries that were not kept, evenly chosen."""
    plain = [dot for dot in whole.dots if dot.mark is not Mark.KEEP and dot.mark is not Mark.BASELINE]
    if len(plain) <= most:
        return whole
    step = len(plain) / most
    chosen = {plain[int(place * step)].x for place in range(most)}
    kept = {Mark.KEEP, Mark.BASELINE}
    dots = tuple(dot for dot in whole.dots if dot.mark in kept or dot.x in chosen or dot is whole.dots[-1])
    return replace(whole, dots=dots)


def mark_of(row: Row) -> Mark:
    """What a picture says of a row."""
    if row.status.kept:
        return Mark.KEEP
    if row.status is Status.DISCARD and row.guard == "fail":
        return Mark.GUARD
    return _MARKS[row.status]


_MARKS = {
    Status.BASELINE: Mark.BASELINE,
    Status.DISCARD: Mark.DISCARD,
    Status.CRASH: Mark.CRASH,
    Status.TAMPERED: Mark.TAMPERED,
    Status.NO_OP: Mark.NOTHING,
    Status.HOOK_BLOCKED: Mark.NOTHING,
    Status.METRIC_ERROR: Mark.NOTHING,
}


def _dot(row: Row, x: int) -> Dot:
    return Dot(x, row.iteration, row.metric, mark_of(row), " ".join(row.description.split()))


def _segment(chapter: Chapter, start: int) -> Segment:
    better = min if chapter.plan.better is Direction.LOWER else max
    steps: list[tuple[int, float]] = []
    for place, row in enumerate(chapter.rows, start):
        counts = row.status.kept or row.status is Status.BASELINE
        if counts and row.metric is not None:
            best = better(steps[-1][1], row.metric) if steps else row.metric
            if not steps or best != steps[-1][1]:
                steps.append((place, best))
    last = start + len(chapter.rows) - 1
    return Segment(chapter.name, start, last, tuple(steps), chapter.spread, chapter.relative)


def _with_rises(dots: Iterable[Dot], axis: Axis) -> Iterable[Dot]:
    best = None
    for dot in dots:
        if dot.mark is Mark.BASELINE:
            best = dot.value
        if dot.mark is Mark.KEEP and dot.value is not None and best is not None:
            rise = abs(axis.place(dot.value) - axis.place(best))
            yield replace(dot, rise=rise)
            best = dot.value
            continue
        yield dot
