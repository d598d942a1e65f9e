"""Text that can hardly be read, where a style sheet names both the colour of the text and of what is behind it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from .colours import LEAST_CONTRAST, LEAST_CONTRAST_LARGE, Colour, colour, contrast
from .markup import HTML, read_page
from .places import FoundPlace, Texts

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
    """The innermost blocks: what a media query says stands beside what it says otherwise."""
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
    """The attributes that mails still use."""
    named = {"bgcolor": "background-color", "background-color": "background-color", "color": "color"}
    return {field: value for name, field in named.items() if (value := attributes.get(name))}


def _variables(rules: list[StyleRule]) -> dict[str, str]:
    """Those with one value everywhere; one with several depends on where it is used."""
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
