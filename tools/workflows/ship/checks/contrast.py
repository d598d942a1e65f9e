"""Text that can hardly be read, where a style sheet names both its colour and the colour behind it."""

from __future__ import annotations

import colorsys
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from .markup import HTML, read_page
from .material import FoundPlace, Texts

STYLES = (".css", ".scss", ".less")

_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_BLOCK = re.compile(r"(?P<selector>[^{};]*)\{(?P<body>[^{}]*)\}")
_VARIABLE = re.compile(r"var\(\s*(--[\w-]+)\s*(?:,\s*([^()]*))?\)")
_SIZE = re.compile(r"([\d.]+)\s*(px|pt|rem|em)")
_PIXELS = {"px": 1.0, "pt": 4 / 3, "rem": 16.0, "em": 16.0}


@dataclass(frozen=True)
class StyleRule:
    """What one rule of a style sheet says of colours; `line` counts from 1."""

    path: str
    line: int
    selector: str
    fields: Mapping[str, str]


@dataclass(frozen=True)
class Readable:
    """What came of it: how many rules name both colours, how many of these could be computed, and which are too weak."""

    pairs: int
    computed: int
    weak: tuple[FoundPlace, ...]


def readable(texts: Texts) -> Readable:
    """Every rule and every `style` that names a text's colour and its background. What is inherited is not followed."""
    rules = [rule for path, text in texts.items() for rule in _rules(path, text)]
    variables = _variables(rules)
    pairs = [rule for rule in rules if _text(rule) and _background(rule)]
    computed = [(rule, found) for rule in pairs if (found := _ratio(rule, variables)) is not None]
    weak = tuple(
        FoundPlace(rule.path, rule.line, f"{rule.selector}: contrast {ratio:.2f}:1, {_least(rule)}:1 is needed")
        for rule, ratio in computed
        if ratio < _least(rule)
    )
    return Readable(len(pairs), len(computed), weak)


def _rules(path: str, text: str) -> Iterator[StyleRule]:
    if path.endswith(STYLES):
        yield from _sheet(path, text, 1)
    elif path.endswith(HTML):
        page = read_page(text)
        for line, style in page.styles:
            yield from _sheet(path, style, line)
        for tag in page.tags:
            if fields := _declared(tag.attributes.get("style") or "") | _old_fashioned(tag.attributes):
                yield StyleRule(path, tag.line, f"<{tag.name}>", fields)


def _sheet(path: str, text: str, first: int) -> Iterator[StyleRule]:
    """Yield the innermost blocks: what a media query says stands beside what it says otherwise."""
    plain = _COMMENT.sub(lambda comment: re.sub(r"[^\n]", " ", comment[0]), text)
    for block in _BLOCK.finditer(plain):
        selector = block["selector"]
        start = block.start() + len(selector) - len(selector.lstrip())
        yield StyleRule(
            path, first + plain[:start].count("\n"), " ".join(selector.split())[:60], _declared(block["body"])
        )


def _declared(body: str) -> dict[str, str]:
    pairs = (part.split(":", 1) for part in body.split(";") if ":" in part)
    return {name.strip().lower(): value.replace("!important", "").strip() for name, value in pairs}


def _old_fashioned(attributes: Mapping[str, str | None]) -> dict[str, str]:
    """Return the attributes that mails still use."""
    named = {"bgcolor": "background-color", "background-color": "background-color", "color": "color"}
    return {field: value for name, field in named.items() if (value := attributes.get(name))}


def _variables(rules: list[StyleRule]) -> dict[str, str]:
    """Return those with one value everywhere; one with several depends on where it is used."""
    said: dict[str, set[str]] = {}
    for rule in rules:
        for name, value in rule.fields.items():
            if name.startswith("--"):
                said.setdefault(name, set()).add(value)
    return {name: next(iter(values)) for name, values in said.items() if len(values) == 1}


def _text(rule: StyleRule) -> str:
    return rule.fields.get("color", "")


def _background(rule: StyleRule) -> str:
    return rule.fields.get("background-color", "") or rule.fields.get("background", "")


def _ratio(rule: StyleRule, variables: Mapping[str, str]) -> float | None:
    one, other = _colour(_text(rule), variables), _colour(_background(rule), variables)
    return None if one is None or other is None or "opacity" in rule.fields else contrast(one, other)


def _colour(value: str, variables: Mapping[str, str]) -> Colour | None:
    for _ in range(5):  # a variable may stand for another one
        if (named := _VARIABLE.fullmatch(value)) is None:
            break
        value = variables.get(named[1], "")
    return colour(value)


def _least(rule: StyleRule) -> float:
    """Large text may be weaker: 24 px, or 18.66 px in bold."""
    size = _SIZE.fullmatch(rule.fields.get("font-size", ""))
    pixels = float(size[1]) * _PIXELS[size[2]] if size else 0.0
    bold = rule.fields.get("font-weight", "") in {"bold", "bolder", "700", "800", "900"}
    return LEAST_CONTRAST_LARGE if pixels >= (18.66 if bold else 24) else LEAST_CONTRAST


Colour = tuple[int, int, int]
"""Red, green and blue, each 0 to 255."""

LEAST_CONTRAST, LEAST_CONTRAST_LARGE = 4.5, 3.0
"""Of text on its background, and of large text. Source: WCAG 2.2, success criterion 1.4.3, level AA."""

_HEX = re.compile(r"#([0-9a-f]{3,4}|[0-9a-f]{6}|[0-9a-f]{8})", re.IGNORECASE)
_FUNCTION = re.compile(r"(rgb|hsl)a?\(([^()]*)\)", re.IGNORECASE)
_NAMED = dict(
    pair.split("=")
    for pair in (
        "black=000000 white=ffffff red=ff0000 lime=00ff00 blue=0000ff yellow=ffff00 cyan=00ffff aqua=00ffff magenta=ff00ff "
        "fuchsia=ff00ff silver=c0c0c0 gray=808080 grey=808080 maroon=800000 olive=808000 green=008000 purple=800080 teal=008080 "
        "navy=000080 orange=ffa500 gold=ffd700 pink=ffc0cb brown=a52a2a tomato=ff6347 coral=ff7f50 salmon=fa8072 crimson=dc143c "
        "indigo=4b0082 violet=ee82ee orchid=da70d6 plum=dda0dd khaki=f0e68c beige=f5f5dc ivory=fffff0 azure=f0ffff snow=fffafa "
        "lavender=e6e6fa linen=faf0e6 tan=d2b48c chocolate=d2691e sienna=a0522d firebrick=b22222 darkred=8b0000 darkgreen=006400 "
        "darkblue=00008b darkgray=a9a9a9 darkgrey=a9a9a9 lightgray=d3d3d3 lightgrey=d3d3d3 dimgray=696969 dimgrey=696969 "
        "slategray=708090 slategrey=708090 whitesmoke=f5f5f5 gainsboro=dcdcdc steelblue=4682b4 royalblue=4169e1 skyblue=87ceeb "
        "lightblue=add8e6 midnightblue=191970 dodgerblue=1e90ff forestgreen=228b22 seagreen=2e8b57 lightgreen=90ee90 "
        "darkorange=ff8c00 hotpink=ff69b4 deeppink=ff1493 turquoise=40e0d0 rebeccapurple=663399"
    ).split()
)


def colour(text: str) -> Colour | None:
    """A colour that covers what is below it; None for anything else: transparent, a gradient, a name that is not known."""
    text = text.strip().lower()
    if digits := _HEX.fullmatch(f"#{_NAMED[text]}" if text in _NAMED else text):
        return _from_digits(digits[1])
    if function := _FUNCTION.fullmatch(text):
        return _from_function(function[1], re.split(r"[\s,/]+", function[2].strip()))
    return None


def contrast(one: Colour, other: Colour) -> float:
    """From 1 (the same) to 21 (black on white). Source: WCAG 2.2, contrast ratio of relative luminances."""
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def _luminance(shade: Colour) -> float:
    red, green, blue = (_linear(part / 255) for part in shade)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else float(((part + 0.055) / 1.055) ** 2.4)


def _from_digits(digits: str) -> Colour | None:
    whole = "".join(digit * 2 for digit in digits) if len(digits) < 6 else digits
    if whole[6:] not in {"", "ff"}:
        return None
    return int(whole[:2], 16), int(whole[2:4], 16), int(whole[4:6], 16)


def _from_function(name: str, parts: list[str]) -> Colour | None:
    try:
        if len(parts) not in {3, 4} or (len(parts) == 4 and _share(parts[3], 1) < 1):
            return None
        if name == "rgb":
            red, green, blue = (round(255 * _share(part, 255)) for part in parts[:3])
            return red, green, blue
        hue = float(parts[0].removesuffix("deg")) / 360 % 1
        made = colorsys.hls_to_rgb(hue, _share(parts[2], 100), _share(parts[1], 100))
        return round(made[0] * 255), round(made[1] * 255), round(made[2] * 255)
    except ValueError:
        return None


def _share(text: str, of: float) -> float:
    part = float(text[:-1]) / 100 if text.endswith("%") else float(text) / of
    return min(1.0, max(0.0, part))
