"""Markdown and HTML as far as checks need them: prose without code, pictures, links.

Nothing is fetched: addresses elsewhere are counted.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from html.parser import HTMLParser
from posixpath import dirname, normpath
from urllib.parse import unquote

from ....project.folders import MAKEFILES
from ....text.markdown import broken_links
from .material import FileLine, FoundPlace, Texts

MARKDOWN = (".md", ".mdx", ".markdown")
HTML = (".html", ".htm", ".mjml")

_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})(.*)$")
_CODE = re.compile(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)")
_PICTURE = re.compile(r"!\[(?P<text>[^\]\n]*)\](?=[(\[])")
_OPENING_TAG = re.compile(r"<img\b", re.IGNORECASE)


@dataclass(frozen=True)
class Tag:
    """An opening tag, with its attributes; `line` counts from 1."""

    name: str
    line: int
    attributes: dict[str, str | None]


class _Page(HTMLParser):
    """The opening tags of an HTML text. Whoever wrote it need not have written it well."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[Tag] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(Tag(tag, self.getpos()[0], dict(attrs)))


def _tags(text: str) -> list[Tag]:
    page = _Page()
    page.feed(text)
    page.close()
    return page.tags


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


def pictures_without_text(texts: Texts) -> tuple[FoundPlace, ...]:
    """Pictures that a reader who cannot see them learns nothing of. In HTML an empty `alt` says that one is decoration."""
    return tuple(place for path, text in texts.items() for place in _wordless(path, text))


def _wordless(path: str, text: str) -> Iterator[FoundPlace]:
    if path.endswith(HTML):
        yield from _wordless_tags(path, text, 0)
    elif path.endswith(MARKDOWN):
        for line in prose(path, text):
            if any(not picture["text"].strip() for picture in _PICTURE.finditer(line.text)):
                yield FoundPlace(path, line.number, "a picture without text: `![what it shows](...)`")
            if _OPENING_TAG.search(line.text):
                yield from _wordless_tags(path, line.text, line.number - 1)


def _wordless_tags(path: str, text: str, above: int) -> Iterator[FoundPlace]:
    for tag in (tag for tag in _tags(text) if tag.name in {"img", "mj-image"}):
        hidden = tag.attributes.get("aria-hidden") == "true" or tag.attributes.get("role") in {"presentation", "none"}
        if not hidden and tag.attributes.get("alt") is None:
            yield FoundPlace(
                path, above + tag.line, f"a picture without `alt`: {tag.attributes.get('src') or tag.name}"
            )


def broken_tags(path: str, text: str) -> Iterator[tuple[int, str]]:
    """Yield every address that a page points to, with its line."""
    for tag in _tags(text):
        for name in ("href", "src"):
            if target := (tag.attributes.get(name) or "").strip():
                yield tag.line, target


_ELSEWHERE = re.compile(r"(?:https?:)?//[^\s)>\"'\]]+", re.IGNORECASE)
_NO_FILE = re.compile(r"[a-zA-Z][\w+.-]*:|//|#|\{|\[\[|\*\||%|$")
_CHECKERS = re.compile(r"^(?:(?:check|test|lint)[-_:]?links?|links?[-_:]?check(?:er)?|links)$", re.IGNORECASE)


def lost_links(texts: Texts, exists: Callable[[str], bool]) -> tuple[FoundPlace, ...]:
    """Links to files and headings that are not there, in Markdown and HTML."""
    pages = {path: text for path, text in texts.items() if path.endswith(MARKDOWN)}
    lost = [one for one in broken_links(pages, exists) if not _of_a_site(one.target)]
    broken = [FoundPlace(one.path, one.line, f"{one.target}: {one.why}") for one in lost]
    html = {path: text for path, text in texts.items() if path.endswith(HTML)}
    return (*broken, *(place for path, text in html.items() for place in _lost_tags(path, text, exists)))


def _of_a_site(target: str) -> bool:
    """Whether an address may be one of a site's own, wherever its root is: `/about/`, unlike `/docs/about.md`."""
    return target.startswith("/") and "." not in target.partition("#")[0].rpartition("/")[2]


def _lost_tags(path: str, text: str, exists: Callable[[str], bool]) -> list[FoundPlace]:
    """An address that begins with a slash belongs to a site's root, wherever that is: it is looked for nowhere."""
    lost = []
    for line, target in broken_tags(path, text):
        file = unquote(target.partition("#")[0].partition("?")[0])
        if file and not _NO_FILE.match(file) and not file.startswith("/"):
            place = normpath(f"{dirname(path)}/{file}".lstrip("/"))
            if not exists(place):
                lost.append(FoundPlace(path, line, f"{target}: there is no {place}"))
    return lost


def elsewhere(texts: Texts) -> int:
    """Return how many different addresses lead out of the repository."""
    return len({address.rstrip(".,;") for text in texts.values() for address in _ELSEWHERE.findall(text)})


def checker(texts: Mapping[str, str]) -> str:
    """Return the project's own command that checks links, if its makefile or package.json has one."""
    for name in MAKEFILES:
        targets = re.findall(r"^([A-Za-z][\w.:-]*)[ \t]*:(?!=)", texts.get(name, ""), re.MULTILINE)
        if found := next(filter(_CHECKERS.match, targets), ""):
            return f"make {found}"
    try:
        scripts = json.loads(texts.get("package.json", "{}")).get("scripts", {})
        found = next(filter(_CHECKERS.match, scripts), "")
    except (ValueError, AttributeError, TypeError):
        return ""
    return f"npm run {found}" if found else ""
