"""Colours as CSS writes them, and how well one can be read on another."""

from __future__ import annotations

import colorsys
import re

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
