"""The progress picture as PNG: the SVG of `drawing` in the colours of the light page, with title and legend. The only home of resvg.

Imported when a picture is asked for, and never before.
"""

from __future__ import annotations

import re
import struct
from functools import cache
from pathlib import Path
from xml.etree.ElementTree import Element, SubElement, fromstring, tostring
from zlib import crc32

import resvg_py

from ..storage.disk import OURS
from . import drawing
from .picture import CAPTION, Mark, Picture

WIDTH, HEIGHT = 1400, 800
"""Pixels: what vision models and chat windows take without shrinking it."""
INK, FAINT = "--ink", "--muted"
_TOP, _SIDE, _LETTER = 122.0, 28.0, 0.56
"""Where the picture begins, the margin, and about how wide a letter is, in sizes of its font."""
_TEMPLATES = Path(__file__).with_name("templates")
_FONT = _TEMPLATES / "DejaVuSansCondensed.ttf"
_FAMILY = "DejaVu Sans"
_HEADER = 33
"""Bytes of a PNG's signature and first chunk."""
_OUR_LETTERS = re.compile("[\t\n\x20-\u052f\u1e00-\u1eff\u2000-\u214f\u2190-\u22ff\u25a0-\u25ff\u27e8\u27e9]*")
"""What our font has; for other scripts those of the machine are looked through, which takes a while."""
_NOT_XML = re.compile("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def draw(picture: Picture, subtitle: str, footer: str) -> bytes:
    """Draw the picture as PNG."""
    whole = Element("svg", {"xmlns": "http://www.w3.org/2000/svg", "viewBox": f"0 0 {WIDTH} {HEIGHT}"})
    title = picture.title if len(picture.title) <= 92 else picture.title[:91].rstrip() + "…"
    _say(whole, _SIDE, 34, title, INK, 24)
    _say(whole, _SIDE, 66, subtitle, FAINT, 16)
    _legend(whole, picture)
    _say(whole, _SIDE, HEIGHT - 20, CAPTION, FAINT, 13)
    _say(whole, WIDTH - _SIDE, HEIGHT - 20, footer, FAINT, 13, "end")
    inner = fromstring(_NOT_XML.sub("", drawing.as_svg(picture)))
    wide = WIDTH - _SIDE
    place = {"x": f"{_SIDE / 2:g}", "y": f"{_TOP:g}", "overflow": "visible"}
    inner.attrib |= {**place, "width": f"{wide:g}", "height": f"{wide * drawing.HEIGHT / drawing.WIDTH:.1f}"}
    whole.append(inner)
    text = tostring(whole, encoding="unicode")
    drawn: bytes = resvg_py.svg_to_bytes(
        svg_string=text,
        style_sheet=_style(),
        background="#fff",
        width=WIDTH,
        height=HEIGHT,
        font_files=[str(_FONT)],
        font_family=_FAMILY,
        skip_system_fonts=_OUR_LETTERS.fullmatch(text) is not None,
    )
    return _signed(drawn)


def _signed(png: bytes) -> bytes:
    """Say in a picture whose it is, as its first chunk behind the header: the next one takes the place of ours alone."""
    chunk = b"tEXtSoftware\0" + OURS
    return png[:_HEADER] + struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", crc32(chunk)) + png[_HEADER:]


def colour(name: str) -> str:
    """Return a colour of the light page by its name there."""
    return _colours()[name.removeprefix("--")]


def _say(parent: Element, x: float, y: float, text: str, ink: str, size: float, anchor: str = "start") -> None:
    look = {"x": f"{x:g}", "y": f"{y:g}", "font-size": f"{size:g}", "fill": colour(ink), "text-anchor": anchor}
    SubElement(parent, "text", {**look, "dominant-baseline": "middle"}).text = _NOT_XML.sub("", text)


def _legend(whole: Element, picture: Picture) -> None:
    group, x = SubElement(whole, "g", {"class": "dots"}), _SIDE + 6
    for mark, count in picture.marks:
        words, name = f"{count:,} {mark}", drawing.name_of(mark)
        place = {"class": name, "transform": f"translate({x:g} 100) scale(1.4)"}
        SubElement(group, "use", {**place, "href": f"#picture-{name}"})
        _say(whole, x + 14, 100, words, INK, 15)
        x += 14 + 15 * _LETTER * len(words) + 26


@cache
def _colours() -> dict[str, str]:
    return dict(re.findall(r"--([\w-]+): light-dark\((#\w+),", _page_style()))


@cache
def _style() -> str:
    """Return the page's rules for the picture, as a renderer knows them that has no variables."""
    rules = ["text { font-stretch: condensed; }"]
    rules += [line for line in _page_style().splitlines() if line.startswith((".picture", ".dots"))]
    rules += [f".dots use.{(name := drawing.name_of(mark))} {{ color: var(--{name}); }}" for mark in Mark]
    text = "\n".join(rules).replace("var(--color)", "currentColor")
    return re.sub(r"var\((--[\w-]+)\)", lambda found: colour(found[1]), text)


def _page_style() -> str:
    return (_TEMPLATES / "report.css").read_text(encoding="utf-8")
