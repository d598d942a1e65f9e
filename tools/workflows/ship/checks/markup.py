"""Markdown and HTML as far as checks need them: prose without code, and links.

Nothing is fetched: addresses elsewhere are counted.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from posixpath import dirname, normpath
from urllib.parse import unquote

from ....text.markdown import broken_links
from .material import FileLine, FoundPlace, Texts

MARKDOWN = (".md", ".mdx", ".markdown")
HTML = (".html", ".htm", ".mjml")

_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})(.*)$")
_CODE = re.compile(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)")
_POINTS_TO = re.compile(r"<[^>]*?\s(?:href|src)\s*=\s*[\"']?([^\"'\s>]+)", re.IGNORECASE)


def prose(path: str, text: str) -> Iterator[FileLine]:
    """Yield the lines of a text; of Markdown without what is code."""
    if not path.endswith(MARKDOWN):
        yield from (FileLine(path, number, line) for number, line in enumerate(text.splitlines(), 1))
        return
    fence = ""
    for number, line in enumerate(text.splitlines(), 1):
        mark = _FENCE.match(line)
        if mark and not fence:
            fence = mark[1]
        elif mark and mark[1].startswith(fence) and not mark[2].strip():
            fence = ""
        elif not fence:
            yield FileLine(path, number, _CODE.sub(lambda code: " " * len(code[0]), line))


_ELSEWHERE = re.compile(r"(?:https?:)?//[^\s)>\"'\]]+", re.IGNORECASE)
_NO_FILE = re.compile(r"[a-zA-Z][\w+.-]*:|//|#|\{|\[\[|\*\||%|$")


def lost_links(texts: Texts, exists: Callable[[str], bool]) -> tuple[FoundPlace, ...]:
    """Links to files and headings that are not there, in Markdown and HTML."""
    pages = {path: text for path, text in texts.items() if path.endswith(MARKDOWN)}
    lost = [one for one in broken_links(pages, exists) if not _of_a_site(one.target)]
    broken = [FoundPlace(one.path, one.line, f"{one.target}: {one.why}") for one in lost]
    html = {path: text for path, text in texts.items() if path.endswith(HTML)}
    return (*broken, *(place for path, text in html.items() for place in _lost_in_html(path, text, exists)))


def _of_a_site(target: str) -> bool:
    """Whether an address may be one of a site's own, wherever its root is: `/about/`, unlike `/docs/about.md`."""
    return target.startswith("/") and "." not in target.partition("#")[0].rpartition("/")[2]


def _lost_in_html(path: str, text: str, exists: Callable[[str], bool]) -> Iterator[FoundPlace]:
    """An address that begins with a slash belongs to a site's root, wherever that is: it is looked for nowhere."""
    for line in prose(path, text):
        for target in _POINTS_TO.findall(line.text):
            file = unquote(target.partition("#")[0].partition("?")[0])
            place = normpath(f"{dirname(path)}/{file}".lstrip("/"))
            if file and not _NO_FILE.match(file) and not file.startswith("/") and not exists(place):
                yield FoundPlace(path, line.number, f"{target}: there is no {place}")


def elsewhere(texts: Texts) -> int:
    """Return how many different addresses lead out of the repository."""
    return len({address.rstrip(".,;") for text in texts.values() for address in _ELSEWHERE.findall(text)})
