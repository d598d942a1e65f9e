"""The progress picture and learning curves as SVG, and the picture as braille letters for a terminal. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from xml.etree.ElementTree import Element, SubElement, tostring

from ..decision.measured import Curve
from ..session.results import number
from .labels import Box, label_text, labels_of
from .picture import MOST_LABELS, Dot, Mark, Picture, Segment

WIDTH, HEIGHT = 960, 430
FIELD = Box(70, 28, 946, 354)
"""Where the dots are; below it stands a strip for tries without a number, then the axis."""
STRIP = 374
_LETTER, _LINE = 5.9, 14.0
LONGEST_TITLE = 160
SHAPES = {
    Mark.BASELINE: "M-4.5-4.5h9v9h-9z",
    Mark.KEEP: "M-5 0a5 5 0 1 0 10 0a5 5 0 1 0-10 0",
    Mark.TAKEN_BACK: "M-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0",
    Mark.DISCARD: "M-3.2 0a3.2 3.2 0 1 0 6.4 0a3.2 3.2 0 1 0-6.4 0",
    Mark.GUARD: "M0-5.5 5.5 0 0 5.5-5.5 0z",
    Mark.CRASH: "M-4-4 4 4M-4 4 4-4",
    Mark.NOTHING: "M0-4.5V4.5",
    Mark.TAMPERED: "M-1.7-5h3.4v3.3H5v3.4H1.7V5h-3.4V1.7H-5v-3.4h3.3z",
}
"""Each kind of try has a shape of its own, so that it is told apart without colour as well."""
BEST, TARGET = "best", "target"
"""What stretches of the running best and of the target are called beside the marks."""


def name_of(mark: Mark) -> str:
    """Return the CSS class of a mark."""
    return mark.name.lower()


def icon(mark: Mark) -> str:
    """Draw a mark by itself, for a legend."""
    svg = Element("svg", {"class": f"icon {name_of(mark)}", "viewBox": "-7 -7 14 14", "aria-hidden": "true"})
    SubElement(svg, "path", {"d": SHAPES[mark]})
    return tostring(svg, encoding="unicode")


def as_svg(picture: Picture, name: str = "picture") -> str:
    """Draw the picture as SVG; `name` begins every id in it."""
    axis = picture.axis
    svg = Element(
        "svg",
        {
            "class": "picture",
            "viewBox": f"0 0 {WIDTH} {HEIGHT}",
            "role": "img",
            "tabindex": "0",
            "aria-label": f"{picture.y_label}: {', '.join(f'{count} {mark}' for mark, count in picture.marks)}",
            "data-width": str(picture.width),
            "data-axis": f"{axis.kind} {axis.low!r} {axis.high!r} {axis.soft!r}",
            "data-down": str(int(picture.direction == "lower")),
            "data-name": name,
        },
    )
    definitions = SubElement(svg, "defs")
    clip = SubElement(definitions, "clipPath", {"id": f"{name}-field"})
    SubElement(clip, "rect", _rect(Box(FIELD.left - 6, FIELD.top - 7, FIELD.right + 6, FIELD.bottom + 7)))
    for mark, shape in SHAPES.items():
        SubElement(definitions, "path", {"id": f"{name}-{name_of(mark)}", "d": shape})
    _frame(svg, picture)
    for segment in picture.segments:
        _run(svg, picture, segment, name)
    _target(svg, picture)
    _dots(svg, picture, name)
    _labels(svg, picture)
    return tostring(svg, encoding="unicode")


def _x(picture: Picture, place: float) -> float:
    return FIELD.left + picture.across(place) * (FIELD.right - FIELD.left)


def _y(picture: Picture, value: float) -> float:
    return FIELD.bottom - picture.height(value) * (FIELD.bottom - FIELD.top)


def _rect(box: Box) -> dict[str, str]:
    return {
        "x": f"{box.left:g}",
        "y": f"{box.top:g}",
        "width": f"{box.right - box.left:g}",
        "height": f"{box.bottom - box.top:g}",
    }


def _text(parent: Element, where: str, x: float, y: float, text: str, **more: str) -> Element:
    made = SubElement(parent, "text", {"class": where, "x": f"{x:.1f}", "y": f"{y:.1f}", **more})
    made.text = text
    return made


def _frame(svg: Element, picture: Picture) -> None:
    grid = SubElement(svg, "g", {"class": "grid"})
    for tick in picture.axis.ticks(6):
        y = _y(picture, tick.value)
        SubElement(grid, "path", {"d": f"M{FIELD.left:g} {y:.1f}H{FIELD.right:g}"})
        _text(grid, "y", FIELD.left - 8, y, tick.label)
    for x, label in picture.x_ticks():
        _text(grid, "x", _x(picture, x), STRIP + 26, label)
    strip = SubElement(svg, "g", {"class": "strip"})
    if any(dot.value is None for dot in picture.dots):
        SubElement(strip, "rect", _rect(Box(FIELD.left, STRIP - 10, FIELD.right, STRIP + 10)))
        _text(strip, "y", FIELD.left - 8, STRIP, "no number")
    _text(svg, "x axis", (FIELD.left + FIELD.right) / 2, HEIGHT - 10, "try")
    _text(svg, "name", 6, 10, picture.y_label)


def _run(svg: Element, picture: Picture, segment: Segment, name: str) -> None:
    """One session: its running best, the noise around it, and where it begins if it is not the first."""
    steps = [(x, value, *(segment.band(value) if segment.spread else (value, value))) for x, value in segment.steps]
    place = picture.axis.place
    points = ";".join(f"{x}:{place(value):.5g}:{place(low):.5g}:{place(high):.5g}" for x, value, low, high in steps)
    run = SubElement(svg, "g", {"class": "run", "clip-path": f"url(#{name}-field)"})
    run.set("data-steps", points)
    run.set("data-first", str(segment.first))
    run.set("data-last", str(segment.last))
    edges = [_x(picture, x) for x in (*(x for x, _ in segment.steps), segment.last)]
    band = ""
    if segment.spread and steps:
        above = _stairs(edges, [_y(picture, high) for *_, high in steps])
        below = _stairs(edges[::-1], [_y(picture, low) for _, _, low, _ in reversed(steps)])
        band = f"{above}L{below[1:]}Z"
    SubElement(run, "path", {"class": "band", "d": band})
    SubElement(run, "path", {"class": "best", "d": _stairs(edges, [_y(picture, value) for _, value in segment.steps])})
    edge = _x(picture, segment.first - 0.5)
    mark = f"M{edge:.1f} {FIELD.top:g}V{FIELD.bottom:g}" if segment.first else ""
    SubElement(run, "path", {"class": "edge", "d": mark})
    if len(picture.segments) > 1:
        _text(run, "edge", edge + 5, FIELD.top + 6, segment.name)


def _stairs(edges: Sequence[float], heights: Sequence[float]) -> str:
    """A path along steps, each between two edges."""
    steps = zip(pairwise(edges), heights, strict=True)
    parts = [f"{'L' if place else 'M'}{start:.1f} {y:.1f}H{end:.1f}" for place, ((start, end), y) in enumerate(steps)]
    return "".join(parts)


def _target(svg: Element, picture: Picture) -> None:
    if picture.target is None:
        return
    side, y = picture.beyond(picture.target), _y(picture, picture.target)
    goal = SubElement(svg, "g", {"class": "target", "data-u": f"{picture.axis.place(picture.target):.5g}"})
    SubElement(goal, "path", {"d": "" if side else f"M{FIELD.left:g} {y:.1f}H{FIELD.right:g}"})
    arrow = {-1: " ↓", 0: "", 1: " ↑"}[side]
    _text(goal, "goal", FIELD.right, 10, f"target {number(picture.target)}{arrow}")  # above the field: no mark is there


def _dots(svg: Element, picture: Picture, name: str) -> None:
    crowd = " crowded" if len(picture.dots) > 300 else ""
    group = SubElement(svg, "g", {"class": f"dots{crowd}", "clip-path": f"url(#{name}-field)"})
    lost = SubElement(svg, "g", {"class": f"dots lost{crowd}"})
    order = sorted(picture.dots, key=lambda dot: dot.mark in {Mark.KEEP, Mark.TAKEN_BACK, Mark.BASELINE})
    latest = picture.segments[-1].first if picture.segments else 0
    for dot in order:
        y = STRIP if dot.value is None else _y(picture, dot.value)
        look = {"class": name_of(dot.mark), "href": f"#{name}-{name_of(dot.mark)}"}
        made = SubElement(lost if dot.value is None else group, "use", look)
        made.set("x", f"{_x(picture, dot.x):.1f}")
        made.set("y", f"{y:.1f}")
        made.set("data-x", str(dot.x))
        if dot.x >= latest:
            made.set("data-try", str(dot.iteration))
        if dot.value is not None:
            made.set("data-u", f"{picture.axis.place(dot.value):.5g}")
        SubElement(made, "title").text = _title(dot)


def _title(dot: Dot) -> str:
    metric = f" {number(float(f'{dot.value:.6g}'))}" if dot.value is not None else ""
    words = dot.words if len(dot.words) <= LONGEST_TITLE else dot.words[: LONGEST_TITLE - 1] + "…"
    return f"#{dot.iteration} {dot.mark}{metric}\n{words}"


def _labels(svg: Element, picture: Picture) -> None:
    group = SubElement(svg, "g", {"class": "labels"})
    placed = {dot.x: label for dot, label in labels_of(picture, FIELD, _LETTER, _LINE)}
    far = [(dot, placed[dot.x]) for dot in picture.labelled[:1] if dot.x in placed and placed[dot.x].leads]
    lines = [
        f"M{_x(picture, dot.x):.1f} {_y(picture, dot.value or 0.0):.1f}L{label.x:.1f} {label.y:.1f}"
        for dot, label in far
    ]
    SubElement(group, "path", {"d": "".join(lines)})
    for dot in picture.labelled[:MOST_LABELS]:  # those without room have it where somebody zooms in
        label = placed.get(dot.x)
        where = {"text-anchor": str(label.side)} if label else {"display": "none"}
        where |= {
            "data-x": str(dot.x),
            "data-u": f"{picture.axis.place(dot.value or 0.0):.5g}",
            "data-text": label_text(dot),
        }
        _text(
            group, "label", label.x if label else 0.0, label.y if label else 0.0, label.text if label else "", **where
        )


def curves_as_svg(curves: Sequence[tuple[str, Curve]]) -> str:
    """Draw learning curves as SVG over one another: loss by share of the budget."""
    points = [loss for _, curve in curves for _, loss in curve[len(curve) // 20 :]]
    if not points:
        return ""
    low, high = min(points), max(points)
    room = (high - low) * 0.05 or 1.0
    low, high = low - room, high + room
    svg = Element("svg", {"class": "curves", "viewBox": "0 0 960 260", "role": "img", "aria-label": "Learning curves"})
    for place in range(5):
        y = 230 - place * 52
        SubElement(svg, "path", {"class": "rule", "d": f"M60 {y}H850"})
        _text(svg, "y", 52, y, f"{low + (high - low) * place / 4:.3g}")
        _text(svg, "x", 60 + place * 197.5, 248, f"{25 * place} %")
    for place, (name, curve) in enumerate(curves):
        spots = [(60 + 790 * share, 230 - 208 * (min(loss, high) - low) / (high - low)) for share, loss in curve]
        SubElement(
            svg, "path", {"class": f"curve c{place % 7}", "d": "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in spots)}
        )
        _text(svg, f"curve c{place % 7}", 858, 26 + 18 * place, name)
    return tostring(svg, encoding="unicode")


_POINTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
_EMPTY = 0x2800
_ORDER = (
    *map(str, (Mark.KEEP, Mark.BASELINE, Mark.TAKEN_BACK, Mark.TAMPERED, Mark.GUARD)), BEST, str(Mark.DISCARD), TARGET
)  # fmt: skip


@dataclass(frozen=True)
class Stretch:
    """Neighbouring letters of one colour: a mark, `BEST`, `TARGET`, or empty for the ground."""

    text: str
    what: str


def as_braille(picture: Picture, columns: int, rows: int) -> list[list[Stretch]]:
    """Draw the picture as `rows` lines of `columns` letters, from the top."""
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
