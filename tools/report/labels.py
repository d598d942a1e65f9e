"""Labels of the kept changes in a picture: each where it meets no other label, line or dot. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from ..plan.model import Direction
from .picture import MOST_LABELS, Dot, Mark, Picture

MOST_BOXES = 2000
"""Boxes in the way of labels from which those on the same pixels count as one."""


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
    picture: Picture, field: Box, letter: float, line: float, most: int = MOST_LABELS
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
    every = [*boxes, *(Box(x - 3, y - 3, x + 3, y + 3) for x, y in spots)]
    return every if len(every) <= MOST_BOXES else list(dict.fromkeys(map(_on_whole_pixels, every)))


def _on_whole_pixels(box: Box) -> Box:
    return Box(math.floor(box.left), math.floor(box.top), math.ceil(box.right), math.ceil(box.bottom))
