"""The only home of matplotlib, and of the image library that comes with it: the progress picture as PNG. Imported when a picture is asked for, and never before.

Its object interface is used throughout: no global state, so that threads may draw at the same time.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from functools import cache
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import findfont, fontManager, get_font
from matplotlib.patheffects import withStroke
from matplotlib.text import Text
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from ..session.results import number
from .labels import Box, LabelAnchor, labels_of
from .picture import CAPTION, Dot, Mark, Picture

WIDTH, HEIGHT, DPI = 1400, 800, 100
"""Pixels: what vision models and chat windows take without shrinking it."""
COLOURS = 192
FONT = "DejaVu Sans"
OTHER_SCRIPTS = (
    "Noto Sans CJK SC", "Noto Sans CJK JP", "PingFang SC", "Hiragino Sans", "WenQuanYi Zen Hei", "Arial Unicode MS",
    "Noto Sans Arabic", "Noto Sans Hebrew", "Noto Sans Devanagari", "Noto Sans Thai",
)  # fmt: skip
INK, FAINT, GRID, LINE, GOAL = "#1f2430", "#6b7280", "#e5e7eb", "#1d6fb8", "#7a4fbf"
LOOKS = {
    Mark.DISCARD: ("o", "#9aa3af"),
    Mark.GUARD: ("D", "#d97706"),
    Mark.TAMPERED: ("P", "#b5179e"),
    Mark.CRASH: ("x", "#d1242f"),
    Mark.NOTHING: ("|", "#6b7280"),
    Mark.KEEP: ("o", "#0f9d6e"),
    Mark.BASELINE: ("s", "#1f2430"),
}
"""Shape and colour of each kind of try: told apart without colour as well."""
_STRONG = {Mark.KEEP, Mark.BASELINE, Mark.GUARD, Mark.TAMPERED}
_LETTERING, _LETTER, _LINE = 9.0, 6.7, 15.0
"""Size of a label: in points, and the width of a letter and the height of a line in pixels."""
_FIELD = Box(92, 130, 1372, 688)
"""Where the dots are, in pixels; below it stands a strip for tries without a number."""
_STRIP = 716


def draw(picture: Picture, subtitle: str, footer: str) -> bytes:
    """Draw the picture as PNG."""
    figure = Figure(figsize=(WIDTH / DPI, HEIGHT / DPI), dpi=DPI, facecolor="white")
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, WIDTH), ylim=(HEIGHT, 0))
    axes.axis("off")
    _frame(axes, picture)
    _lines(axes, picture)
    for mark in LOOKS:
        _dots(axes, picture, [dot for dot in picture.dots if dot.mark is mark], mark)
    _labels(axes, picture)
    _words(axes, picture, subtitle, footer)
    canvas.draw()  # type: ignore[no-untyped-call]
    return _png(canvas, picture.title)


def _png(canvas: FigureCanvasAgg, title: str) -> bytes:
    """In a palette of colours: a third of the bytes, which some clients count against what a tool may answer."""
    drawn = Image.frombuffer("RGBA", canvas.get_width_height(), canvas.buffer_rgba())  # type: ignore[no-untyped-call]
    about = PngInfo()
    about.add_text("Software", "autoresearch-mcp")
    about.add_itxt("Title", title[:200])
    out = io.BytesIO()
    palette = drawn.convert("RGB").quantize(COLOURS, Image.Quantize.MAXCOVERAGE, kmeans=2, dither=Image.Dither.NONE)
    palette.save(out, "PNG", optimize=True, pnginfo=about)
    return out.getvalue()


def _say(axes: Axes, x: float, y: float, text: str, **look: Any) -> Text:  # noqa: ANN401 - what matplotlib takes
    """Words as they are: no formulas, and a box for each letter that no font here has."""
    families, letters = _fonts()
    drawable = "".join(letter if ord(letter) in letters else "□" for letter in text)
    return axes.text(x, y, drawable, family=families, parse_math=False, **look)


@cache
def _fonts() -> tuple[list[str], frozenset[int]]:
    """The font that comes with matplotlib, then what this machine has for other scripts; and all their letters."""
    here = {entry.name for entry in fontManager.ttflist}
    families = [FONT, *(name for name in OTHER_SCRIPTS if name in here)]
    return families, frozenset(code for name in families for code in get_font(findfont(name)).get_charmap())


def _x(picture: Picture, place: float) -> float:
    return _FIELD.left + picture.across(place) * (_FIELD.right - _FIELD.left)


def _y(picture: Picture, value: float) -> float:
    return _FIELD.bottom - picture.height(value) * (_FIELD.bottom - _FIELD.top)


def _frame(axes: Axes, picture: Picture) -> None:
    for tick in picture.axis.ticks(7):
        y = _y(picture, tick.value)
        axes.plot([_FIELD.left, _FIELD.right], [y, y], color=GRID, linewidth=1, zorder=0)
        _say(axes, _FIELD.left - 10, y, tick.label, ha="right", va="center", color=FAINT, fontsize=10.5)
    for place, label in picture.x_ticks():
        _say(axes, _x(picture, place), _STRIP + 26, label, ha="center", va="center", color=FAINT, fontsize=10.5)
    for segment in picture.segments[1:]:
        x = _x(picture, segment.first - 0.5)
        axes.plot([x, x], [_FIELD.top, _FIELD.bottom], color=FAINT, linewidth=1, linestyle=(0, (2, 3)))
    if len(picture.segments) > 1:
        for segment in picture.segments:
            _say(axes, _x(picture, segment.first) + 4, _FIELD.top + 8, segment.name, color=FAINT, fontsize=9)
    middle = (_FIELD.left + _FIELD.right) / 2
    _say(axes, middle, HEIGHT - 26, "try", ha="center", va="center", color=FAINT, fontsize=11)
    if any(dot.value is None for dot in picture.dots):
        axes.axhspan(_STRIP - 11, _STRIP + 11, _FIELD.left / WIDTH, _FIELD.right / WIDTH, color="#f6f7f9", zorder=0)
        _say(axes, _FIELD.left - 10, _STRIP, "no number", ha="right", va="center", color=FAINT, fontsize=9.5)


def _lines(axes: Axes, picture: Picture) -> None:
    for segment in picture.segments:
        xs = [_x(picture, x) for x, _ in segment.steps] + [_x(picture, segment.last)]
        values = [value for _, value in segment.steps]
        if not values:
            continue
        if segment.spread:
            bands = [segment.band(value) for value in (*values, values[-1])]
            low, high = [_y(picture, low) for low, _ in bands], [_y(picture, high) for _, high in bands]
            axes.fill_between(xs, low, high, step="post", color=LINE, alpha=0.12, linewidth=0)
        ys = [_y(picture, value) for value in (*values, values[-1])]
        axes.step(xs, ys, where="post", color=LINE, linewidth=2, solid_joinstyle="miter", zorder=3)
    if picture.target is not None:
        _target(axes, picture, picture.target)


def _target(axes: Axes, picture: Picture, target: float) -> None:
    side, y = picture.beyond(target), _y(picture, target)
    if not side:
        axes.plot([_FIELD.left, _FIELD.right], [y, y], color=GOAL, linewidth=1.3, linestyle=(0, (6, 4)), zorder=2)
    arrow = {-1: " ↓", 0: "", 1: " ↑"}[side]
    raised = -9 if y > _FIELD.top + 20 else 11
    words = f"target {number(target)}{arrow}"
    _say(axes, _FIELD.left + 8, y + raised, words, ha="left", va="center", color=GOAL, fontsize=10)


def _dots(axes: Axes, picture: Picture, dots: Sequence[Dot], mark: Mark) -> None:
    """Tries of one kind: those beyond the picture stand at its edge as arrows, those without a number on the strip."""
    shape, look = LOOKS[mark][0], _look(mark, len(picture.dots), len(dots))
    for side, symbol in ((0, shape), (1, "^"), (-1, "v")):
        chosen = [(dot.x, dot.value) for dot in dots if dot.value is not None and picture.beyond(dot.value) == side]
        if chosen:
            xs, ys = [_x(picture, x) for x, _ in chosen], [_y(picture, value) for _, value in chosen]
            axes.scatter(xs, ys, marker=symbol, **look)
    if lost := [_x(picture, dot.x) for dot in dots if dot.value is None]:
        axes.scatter(lost, [_STRIP] * len(lost), marker=shape, **look)


def _look(mark: Mark, crowd: int, alike: int) -> dict[str, Any]:
    """The more there are, the smaller and fainter; what matters stays in front."""
    shape, color = LOOKS[mark]
    strong, stroke = mark in _STRONG, shape in "x|"
    return {
        "color": color,
        "s": (12 + 500 / (8 + crowd / 4)) * (1.6 if strong else 1.0),
        "alpha": 1.0 if strong or alike < 200 else 0.55,
        "zorder": 5 if strong else 2,
        "linewidths": 1.2 if stroke else 0.6,
        **({} if stroke else {"edgecolors": "white"}),
    }


def _labels(axes: Axes, picture: Picture) -> None:
    for _, label in labels_of(picture, _FIELD, _LETTER, _LINE):
        halo = [withStroke(linewidth=2.5, foreground="white", alpha=0.85)]
        side = "left" if label.side is LabelAnchor.START else "right"
        look = {"ha": side, "va": "center", "color": INK, "fontsize": _LETTERING, "zorder": 6, "path_effects": halo}
        _say(axes, label.x, label.y, label.text, **look)


def _words(axes: Axes, picture: Picture, subtitle: str, footer: str) -> None:
    title = picture.title if len(picture.title) <= 92 else picture.title[:91].rstrip() + "…"
    _say(axes, 28, 34, title, va="center", color=INK, fontsize=17, fontweight="bold")
    _say(axes, 28, 64, subtitle, va="center", color=FAINT, fontsize=11.5)
    _say(axes, WIDTH - 28, HEIGHT - 20, footer, ha="right", va="center", color=FAINT, fontsize=9)
    _say(axes, 28, HEIGHT - 20, CAPTION, va="center", color=FAINT, fontsize=9)
    _say(axes, 28, 100, picture.y_label, va="center", color=FAINT, fontsize=10.5)
    _legend(axes, picture)


def _legend(axes: Axes, picture: Picture) -> None:
    right = float(WIDTH - 28)
    for mark, count in reversed(picture.marks):
        words = _say(axes, right, 100, f"{count:,} {mark}", ha="right", va="center", color=INK, fontsize=10.5)
        shape, color = LOOKS[mark]
        right -= words.get_window_extent().width + 12
        axes.scatter([right], [100], marker=shape, color=color, s=42, linewidths=1.5)
        right -= 20
