"""The progress picture as data, with the places of its labels: what `plot` draws as PNG and `drawing` as SVG."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import accumulate

from ..decision.decide import Status
from ..plan.model import Direction, Plan
from ..session.events import Row
from .axes import Axis, fit_axis

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
    """Compose the picture of one or more sessions of the same metric, the latest last."""
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
    axis = fit_axis(core, others, plan.target_value)
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
    """Return the same picture with at most about `most` tries that were not kept, evenly chosen."""
    plain = [dot for dot in whole.dots if dot.mark is not Mark.KEEP and dot.mark is not Mark.BASELINE]
    if len(plain) <= most:
        return whole
    step = len(plain) / most
    chosen = {plain[int(place * step)].x for place in range(most)}
    kept = {Mark.KEEP, Mark.BASELINE}
    dots = tuple(dot for dot in whole.dots if dot.mark in kept or dot.x in chosen or dot is whole.dots[-1])
    return replace(whole, dots=dots)


def mark_of(row: Row) -> Mark:
    """Return the mark of a row."""
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


class LabelAnchor(StrEnum):
    """Where a label's text begins or ends: the SVG word for it."""

    START = "start"
    END = "end"


@dataclass(frozen=True)
class Box:
    """A rectangle that is taken."""

    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: Box) -> bool:
        """Whether the two share any point."""
        return (
            self.left < other.right
            and other.left < self.right
            and self.top < other.bottom
            and other.top < self.bottom
        )  # fmt: skip


@dataclass(frozen=True)
class Wanted:
    """A label that would like to stand beside a dot."""

    x: float
    y: float
    text: str


@dataclass(frozen=True)
class PlacedLabel:
    """A label in its place; `x` and `y` are where its text starts or ends, on its middle line. `of` counts the wanted."""

    of: int
    x: float
    y: float
    side: LabelAnchor
    text: str


def place_labels(
    wanted: Sequence[Wanted], taken: Sequence[Box], field: Box, letter: float, line: float, down: bool
) -> list[PlacedLabel]:  # fmt: skip
    """Place labels for as many of the wanted as find room, the first ones first; one that does not fit is cut, then left out.

    `letter` and `line` are the size of one letter; `down` tells that the empty side of the picture is below.
    """
    boxes, found = list(taken), []
    for of, want in enumerate(wanted):
        for text in _versions(want.text):
            spots = [spot for spot in _spots(of, want, text, line, down) if _free(spot, boxes, field, letter, line)]
            if spots:
                found.append(spots[0])
                boxes.append(_box(spots[0], letter, line))
                break
    return found


def _versions(text: str) -> list[str]:
    short = text if len(text) <= 18 else text[:17].rstrip() + "…"
    return list(dict.fromkeys([text, short, text.split(" ")[0]]))


def _spots(of: int, want: Wanted, text: str, line: float, down: bool) -> list[PlacedLabel]:
    near, far = (0.75 * line, 1.6 * line) if down else (-0.75 * line, -1.6 * line)
    offsets = [(-7, near), (7, near), (-10, 0.0), (10, 0.0), (-7, far), (7, far)]
    return [
        PlacedLabel(of, want.x + dx, want.y + dy, LabelAnchor.END if dx < 0 else LabelAnchor.START, text) for dx, dy in offsets
    ]  # fmt: skip


def _box(label: PlacedLabel, letter: float, line: float) -> Box:
    width = letter * (len(label.text) + 1)
    left = label.x - width if label.side is LabelAnchor.END else label.x
    return Box(left, label.y - line / 2, left + width, label.y + line / 2)


def _free(label: PlacedLabel, boxes: Sequence[Box], field: Box, letter: float, line: float) -> bool:
    box = _box(label, letter, line)
    inside = field.left <= box.left and box.right <= field.right and field.top <= box.top and box.bottom <= field.bottom
    return inside and not any(box.meets(other) for other in boxes)


def labels_of(
    picture: Picture, field: Box, letter: float, line: float, most: int = 24
) -> list[tuple[Dot, PlacedLabel]]:
    """Place the labels of the kept changes in a picture that fills `field`."""
    chosen = picture.labelled[:most]
    wanted = [Wanted(*_spot(picture, dot, field), f"#{dot.iteration} {_cut(dot.words)}".rstrip()) for dot in chosen]
    down = picture.direction is Direction.LOWER
    return [
        (chosen[label.of], label) for label in place_labels(wanted, _taken(picture, field), field, letter, line, down)
    ]


def _cut(words: str) -> str:
    return words if len(words) <= 34 else words[:33].rstrip() + "…"


def _spot(picture: Picture, dot: Dot, field: Box) -> tuple[float, float]:
    height = picture.height(dot.value or 0.0)
    across = picture.across(dot.x) * (field.right - field.left)
    return field.left + across, field.bottom - height * (field.bottom - field.top)


def _taken(picture: Picture, field: Box) -> list[Box]:
    """The line of the running best and the kept dots."""
    boxes = []
    for segment in picture.segments:
        ends, above = [*(x for x, _ in segment.steps[1:]), segment.last], None
        for (x, value), end in zip(segment.steps, ends, strict=False):
            y = field.bottom - picture.height(value) * (field.bottom - field.top)
            left, right = (field.left + picture.across(at) * (field.right - field.left) for at in (x, end))
            boxes.append(Box(left, y - 1, right, y + 1))
            boxes += [Box(left - 1, min(above, y), left + 1, max(above, y))] if above is not None else []
            above = y
    spots = [_spot(picture, dot, field) for dot in picture.dots if dot.mark is Mark.KEEP and dot.value is not None]
    return [*boxes, *(Box(x - 3, y - 3, x + 3, y + 3) for x, y in spots)]
