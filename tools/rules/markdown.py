"""Links in Markdown files that lead nowhere."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from posixpath import dirname, normpath
from urllib.parse import unquote

from .checks.markup import prose

_LINK = re.compile(r"(?<!\\)\[[^\]\n]*\]\(\s*<?(?P<target>[^)\s>]+)>?[^)\n]*\)")
_ELSEWHERE = re.compile(r"[a-zA-Z][\w+.-]*:|//")


@dataclass(frozen=True)
class BrokenLink:
    """A link that leads nowhere, and why."""

    path: str
    line: int
    target: str
    why: str


def broken_links(texts: Mapping[str, str], exists: Callable[[str], bool]) -> tuple[BrokenLink, ...]:
    """The links of these Markdown files to files and headings that are not there. Nothing is fetched."""
    anchors = {path: _anchors(text) for path, text in texts.items()}
    found = []
    for path, text in texts.items():
        for line in prose(path, text):
            for link in _LINK.finditer(line.text):
                if why := _broken(path, link["target"], anchors, exists):
                    found.append(BrokenLink(path, line.number, link["target"], why))
    return tuple(found)


def _broken(path: str, target: str, anchors: Mapping[str, set[str]], exists: Callable[[str], bool]) -> str:
    if _ELSEWHERE.match(target):
        return ""
    file, _, anchor = unquote(target).partition("#")
    place = (
        normpath(file.lstrip("/") if file.startswith("/") else f"{dirname(path)}/{file}".lstrip("/")) if file else path
    )
    if file and not exists(place):
        return f"there is no {place}"
    lost = anchor and place in anchors and anchor.lower() not in anchors[place]
    return f"{place} has no heading #{anchor}" if lost else ""


def _anchors(text: str) -> set[str]:
    titles = re.findall(r"^#{1,6}\s+(.+?)\s*#*$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}
