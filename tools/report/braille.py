"""The progress picture in letters: each is two by four points of a braille cell, coloured by what matters most in it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby

from .picture import Mark, Picture

_POINTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
_EMPTY = 0x2800
BEST, TARGET = "best", "target"
"""What stretches of the running best and of the target are called beside the marks."""
_ORDER = (str(Mark.KEEP), str(Mark.BASELINE), str(Mark.TAMPERED), str(Mark.GUARD), BEST, str(Mark.DISCARD), TARGET)


@dataclass(frozen=True)
class Stretch:
    """Neighbouring letters of one colour: a mark, `BEST`, `TARGET`, or empty for the ground."""

    text: str
    what: str


def lines(picture: Picture, columns: int, rows: int) -> list[list[Stretch]]:
    """The picture as `rows` lines of `columns` letters, from the top."""
    canvas = _Canvas(columns, rows)
    if picture.target is not None and not picture.beyond(picture.target):
        for point in range(0, 2 * columns, 4):
            canvas.put(point, canvas.up(picture.height(picture.target)), TARGET)
    for segment in picture.segments:
        ends, above = [*(x for x, _ in segment.steps[1:]), segment.last], None
        for (x, value), end in zip(segment.steps, ends, strict=False):
            first, last = canvas.across(picture.across(x)), canvas.across(picture.across(end))
            level = canvas.up(picture.height(value))
            for point in range(first, last + 1):
                canvas.put(point, level, BEST)
            for point in range(*sorted((level, above if above is not None else level))):
                canvas.put(first, point, BEST)
            above = level
    for dot in picture.dots:
        if dot.value is not None:
            canvas.put(canvas.across(picture.across(dot.x)), canvas.up(picture.height(dot.value)), str(dot.mark))
    return canvas.lines()


class _Canvas:
    def __init__(self, columns: int, rows: int) -> None:
        self._columns, self._rows = max(1, columns), max(1, rows)
        self._points: dict[tuple[int, int], int] = {}
        self._what: dict[tuple[int, int], str] = {}

    def across(self, share: float) -> int:
        """The point at a share of the width."""
        return min(2 * self._columns - 1, max(0, int(share * 2 * self._columns)))

    def up(self, share: float) -> int:
        """The point at a share of the height, counted from the top."""
        return round((1 - share) * (4 * self._rows - 1))

    def put(self, x: int, y: int, what: str) -> None:
        """Set one point."""
        cell = (y // 4, x // 2)
        self._points[cell] = self._points.get(cell, 0) | _POINTS[y % 4][x % 2]
        now = self._what.get(cell)
        if now is None or _rank(what) < _rank(now):
            self._what[cell] = what

    def lines(self) -> list[list[Stretch]]:
        """What was drawn."""
        return [self._line(row) for row in range(self._rows)]

    def _line(self, row: int) -> list[Stretch]:
        cells = [(row, column) for column in range(self._columns)]
        letters = [(chr(_EMPTY + self._points.get(cell, 0)), self._what.get(cell, "")) for cell in cells]
        runs = groupby(letters, key=lambda letter: letter[1])
        return [Stretch("".join(text for text, _ in run), what) for what, run in runs]


def _rank(what: str) -> int:
    return _ORDER.index(what) if what in _ORDER else len(_ORDER)
