"""Labels of the kept changes in a picture: each where it meets no other label, line or dot. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from ..plan.model import Direction
from .picture import MOST_LABELS, Dot, Picture

LONGEST, SHORTEST = 80, 6
"""Letters of a label, and of what is left of its words where they are cut."""
DOT = 5
"""How far a dot reaches on either side, in pixels."""
MOST_ROWS = 30
"""Lines of text that the first label may be away from its dot."""
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


@dataclass(frozen=True)
class Wanted:
    """A label that would like to stand beside a dot."""

    x: float
    y: float
    text: str


@dataclass(frozen=True)
class PlacedLabel:
    """A label in its place; `x` and `y` are where its text starts or ends, on its middle line. `of` counts the wanted. One that
    `leads` stands so far from its dot that a line has to.
    """

    of: int
    x: float
    y: float
    side: LabelAnchor
    text: str
    leads: bool = False


def place_labels(
    wanted: Sequence[Wanted], taken: Sequence[Box], field: Box, letter: float, line: float, down: bool
) -> list[PlacedLabel]:  # fmt: skip
    """Place labels for as many of the wanted as find room, the first ones first: each where most of its text is free, cut to
    that, and left out where not even its first word is; the very first may then stand further off.

    `letter` and `line` are the size of one letter; `down` tells that the empty side of the picture is below.
    """
    boxes, found = list(taken), []
    for of, want in enumerate(wanted):
        for spots in (_spots, _far_spots)[: 1 if of else 2]:
            free = [(_letters(spot, boxes, field, letter, line), spot) for spot in spots(of, want, line, down)]
            most, spot = max(free, key=lambda one: min(one[0], len(want.text)))  # the first of equal ones
            if text := _cut(want.text, most):
                found.append(replace(spot, text=text))
                boxes.append(_box(found[-1], letter, line))
                break
    return found


def _cut(text: str, most: int) -> str:
    """Cut a text to at most so many letters; empty where its first word does not fit."""
    if len(text) <= most:
        return text
    first = text.split(" ")[0]
    return f"{text[: most - 1].rstrip()}…" if most > len(first) + SHORTEST else first if len(first) <= most else ""


def _spots(of: int, want: Wanted, line: float, down: bool) -> list[PlacedLabel]:
    sign = 1 if down else -1
    offsets = [(side * 7, sign * far * line) for far in (0.9, 1.7, 2.5) for side in (-1, 1)]
    return [
        PlacedLabel(of, want.x + dx, want.y + dy, LabelAnchor.END if dx < 0 else LabelAnchor.START, want.text)
        for dx, dy in [*offsets[:2], (-10, 0.0), (10, 0.0), *offsets[2:], (-7, -offsets[0][1]), (7, -offsets[0][1])]
    ]


def _far_spots(of: int, want: Wanted, line: float, down: bool) -> list[PlacedLabel]:
    """Return spots from which a line leads to the dot, nearest first."""
    sides = ((-7, LabelAnchor.END), (7, LabelAnchor.START))
    rows = [(1 if down else -1) * far * line for far in range(4, MOST_ROWS)]
    return [
        PlacedLabel(of, want.x + dx, want.y + dy, anchor, want.text, leads=True) for dy in rows for dx, anchor in sides
    ]


def _letters(spot: PlacedLabel, boxes: Sequence[Box], field: Box, letter: float, line: float) -> int:
    """Count the letters that are free at a spot: up to the next box on its line, or to the edge."""
    top, bottom = spot.y - line / 2, spot.y + line / 2
    if top < field.top or bottom > field.bottom:
        return 0
    on_line = [box for box in boxes if box.top < bottom and top < box.bottom]
    if spot.side is LabelAnchor.START:
        room = min([field.right, *(box.left for box in on_line if box.right > spot.x)]) - spot.x
    else:
        room = spot.x - max([field.left, *(box.right for box in on_line if box.left < spot.x)])
    return int(room / letter - 1)


def _box(label: PlacedLabel, letter: float, line: float) -> Box:
    width = letter * (len(label.text) + 1)
    left = label.x - width if label.side is LabelAnchor.END else label.x
    return Box(left, label.y - line / 2, left + width, label.y + line / 2)


def labels_of(
    picture: Picture, field: Box, letter: float, line: float, most: int = MOST_LABELS
) -> list[tuple[Dot, PlacedLabel]]:
    """Place the labels of the kept changes in a picture that fills `field`."""
    chosen = picture.labelled[:most]
    wanted = [Wanted(*_spot(picture, dot, field), label_text(dot)) for dot in chosen]
    down = picture.direction is Direction.LOWER
    return [
        (chosen[label.of], label) for label in place_labels(wanted, _taken(picture, field), field, letter, line, down)
    ]


def label_text(dot: Dot) -> str:
    """Return what a label says where there is room for all of it."""
    return f"#{dot.iteration} {_cut(dot.words, LONGEST)}".rstrip()


def _spot(picture: Picture, dot: Dot, field: Box) -> tuple[float, float]:
    height = picture.height(dot.value or 0.0)
    across = picture.across(dot.x) * (field.right - field.left)
    return field.left + across, field.bottom - height * (field.bottom - field.top)


def _taken(picture: Picture, field: Box) -> list[Box]:
    """The line of the running best, the target's, and every dot."""
    boxes = []
    for segment in picture.segments:
        ends, above = [*(x for x, _ in segment.steps[1:]), segment.last], None
        for (x, value), end in zip(segment.steps, ends, strict=False):
            y = field.bottom - picture.height(value) * (field.bottom - field.top)
            left, right = (field.left + picture.across(at) * (field.right - field.left) for at in (x, end))
            boxes.append(Box(left, y - 1, right, y + 1))
            boxes += [Box(left - 1, min(above, y), left + 1, max(above, y))] if above is not None else []
            above = y
    spots = [_spot(picture, dot, field) for dot in picture.dots if dot.value is not None]
    if picture.target is not None:
        y = field.bottom - picture.height(picture.target) * (field.bottom - field.top)
        boxes.append(Box(field.left, y - 1, field.right, y + 1))
    every = [*boxes, *(Box(x - DOT, y - DOT, x + DOT, y + DOT) for x, y in spots)]
    return every if len(every) <= MOST_BOXES else list(dict.fromkeys(map(_on_whole_pixels, every)))


def _on_whole_pixels(box: Box) -> Box:
    return Box(math.floor(box.left), math.floor(box.top), math.ceil(box.right), math.ceil(box.bottom))
