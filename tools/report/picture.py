"""The progress picture as data, with the places of its labels: what `plot` draws as PNG and `drawing` as SVG."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache, cached_property
from itertools import accumulate, chain, count

from ..decision.decide import Status
from ..plan.model import Direction, Plan
from ..session.short_rows import RowLike
from .axes import Axis, fit_axis
from .levels import levels_of

MOST_LABELS = 24
"""Kept changes that a picture looks for room for a label for."""
BAND = 2.0
"""Standard deviations of one run on either side of the line: 19 runs of 20 fall in here."""
CAPTION = "Line: the baseline, moved by what the keeps claim. Dots: each try beside the incumbent of its time."


class Mark(StrEnum):
    """What became of a try, as far as a picture tells it apart."""

    BASELINE = "baseline"
    KEEP = "kept"
    TAKEN_BACK = "taken back"
    DISCARD = "discarded"
    GUARD = "guard failed"
    CRASH = "crashed"
    NOTHING = "no number"
    TAMPERED = "tampered"


@dataclass(frozen=True)
class Dot:
    """One try: where it stands in the picture, its iteration in its own session, and where it stands beside the incumbent of its
    time, if it has a metric.

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
    """What one session puts into the picture: its rows, which of its keeps stand, and how much one run scatters, in the metric's
    unit.

    `relative` says that the scatter is a share of the value. Of very many tries that were not kept the rows are a sample, with
    the last of all; `others` counts the rest.
    """

    name: str
    plan: Plan
    rows: Sequence[RowLike]
    standing: Collection[int]
    spread: float = 0.0
    relative: bool = False
    others: Mapping[Mark, int] = field(default_factory=dict)

    @property
    def length(self) -> int:
        """How many tries there are, with the baseline."""
        return self.rows[-1].iteration + 1 if self.rows else 0

    @cached_property
    def marks(self) -> Counter[Mark]:
        """How many tries there are of each mark."""
        return Counter(mark_of(row, self.standing) for row in self.rows) + Counter(self.others)


@dataclass(frozen=True)
class Segment:
    """A session in the picture: from where to where, the line of what was kept as steps, and the band of noise around it."""

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
    """All of it. Dots are in the order in which the tries were made; of very many only some are drawn, `marks` counts all."""

    title: str
    metric: str
    direction: Direction
    unit: str
    dots: tuple[Dot, ...]
    segments: tuple[Segment, ...]
    axis: Axis
    marks: tuple[tuple[Mark, int], ...]
    target: float | None = None

    @cached_property
    def width(self) -> int:
        """How many places there are from left to right."""
        return max(1, self.segments[-1].last + 1 if self.segments else 1)

    def across(self, x: float) -> float:
        """Where a place is, 0 at the left edge and 1 at the right one."""
        return (x + 0.5) / self.width

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
        sizes = chain((1, 2, 5, 10, 20, 50, 100, 200, 500), count(1000, 1000))
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


def picture(chapters: Sequence[Chapter], most: int = 0) -> Picture:
    """Compose the picture of one or more sessions of the same metric, the latest last.

    With `most`, about so many dots stand for the tries that were not kept, evenly chosen, and as many for those that were.
    """
    plan = chapters[-1].plan
    starts = [0, *accumulate(chapter.length for chapter in chapters)]
    parts = list(zip(starts, chapters, strict=False))
    rows = {start + row.iteration: row for start, chapter in parts for row in chapter.rows}
    marks = {start + row.iteration: mark_of(row, chapter.standing) for start, chapter in parts for row in chapter.rows}
    levels = [levels_of(chapter.plan, chapter.rows) for chapter in chapters]
    values = dict(zip(rows, (value for found in levels for value in found.values), strict=True))
    firm = [place for place, mark in marks.items() if mark in _STRONG]
    plain = [place for place, mark in marks.items() if mark not in _STRONG]
    core, others = ([value for place in some if (value := values[place]) is not None] for some in (firm, plain))
    axis = fit_axis(core, others, plan.target_value)
    rises = _rises(values, marks, axis)
    dots = (
        Dot(
            place,
            rows[place].iteration,
            values[place],
            marks[place],
            " ".join(rows[place].description.split()),
            rises.get(place, 0.0),
        )
        for place in _drawn(plain, firm, rises, most)
    )
    counts = sum((chapter.marks for chapter in chapters), Counter[Mark]())
    return Picture(
        title=" ".join(plan.goal.split()),
        metric=plan.metric,
        direction=plan.better,
        unit=plan.unit,
        dots=tuple(dots),
        segments=tuple(
            _segment(one, start, found.steps) for (start, one), found in zip(parts, levels, strict=True) if one.rows
        ),
        axis=axis,
        marks=tuple((mark, counts[mark]) for mark in Mark if counts[mark]),
        target=plan.target_value,
    )


_STRONG = frozenset({Mark.BASELINE, Mark.KEEP, Mark.TAKEN_BACK})


def _drawn(plain: Sequence[int], firm: Sequence[int], rises: Mapping[int, float], most: int) -> Sequence[int]:
    """Choose the places that get a dot: the first and last of all, and of what was kept the steps that were worth most too."""
    if not most or (len(plain) <= most and len(firm) <= most):
        return sorted([*plain, *firm])
    telling = sorted(rises, key=lambda place: -rises[place])[:MOST_LABELS]
    ends = {*firm[:1], max(*plain[-1:], *firm[-1:], 0), *firm[-1:], *(telling if len(firm) > most else ())}
    return sorted({*evenly(plain, most), *evenly(firm, most), *ends})


def evenly(places: Sequence[int], most: int) -> Sequence[int]:
    """Choose at most so many places, in order, evenly from the first to the last: one of each stretch that has any."""
    if len(places) <= most:
        return places
    stretch = (places[-1] - places[0] + 1) / most
    return list({int((place - places[0]) / stretch): place for place in places}.values())


def mark_of(row: RowLike, standing: Collection[int]) -> Mark:
    """Return the mark of a row of a session whose keeps of these iterations stand: one that was taken back, and what took it
    back, are told apart.
    """
    if row.status.kept:
        return Mark.KEEP if row.iteration in standing else Mark.TAKEN_BACK
    return _mark(row.status, row.guard)


@cache
def _mark(status: Status, guard: str) -> Mark:
    if status is Status.DISCARD and guard == "fail":
        return Mark.GUARD
    return MARKS[status]


MARKS = {
    Status.BASELINE: Mark.BASELINE,
    Status.DISCARD: Mark.DISCARD,
    Status.CRASH: Mark.CRASH,
    Status.TAMPERED: Mark.TAMPERED,
    Status.NO_OP: Mark.NOTHING,
    Status.HOOK_BLOCKED: Mark.NOTHING,
    Status.METRIC_ERROR: Mark.NOTHING,
}
"""What became of a try that was not kept, unless a guard failed."""


def _segment(chapter: Chapter, start: int, line: Sequence[tuple[int, float]]) -> Segment:
    steps = tuple((start + place, level) for place, level in line)
    last = start + chapter.length - 1
    return Segment(chapter.name, start, last, steps, chapter.spread, chapter.relative)


def _rises(values: Mapping[int, float | None], marks: Mapping[int, Mark], axis: Axis) -> dict[int, float]:
    """Return how much of the height each kept change was worth, by its place."""
    rises, best = {}, None
    for place, mark in marks.items():
        value = values[place]
        if mark is Mark.BASELINE:
            best = value
        elif mark in _STRONG and value is not None and best is not None:
            rises[place] = abs(axis.place(value) - axis.place(best))
            best = value
    return rises
