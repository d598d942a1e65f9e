"""What stands in Markdown files: headings with the anchors that GitHub gives them, links, code; and which links lead nowhere.

Parsed by markdown-it-py, which is imported when a page is first read.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cache
from html.parser import HTMLParser
from posixpath import dirname, normpath
from typing import TYPE_CHECKING
from urllib.parse import unquote

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

SHELLS = frozenset(("sh", "bash", "shell", "zsh", "console", "shell-session"))
"""Languages of fenced blocks that hold commands."""
_SUFFIXES = (".md", ".markdown")
_EXTERNAL = re.compile(r"[a-zA-Z][a-zA-Z0-9+-]*:|//")
_LINES = re.compile(r"L\d+(C\d+)?(-L\d+(C\d+)?)?")
_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(?:.*\n)*?---[ \t]*(?:\n|\Z)")
_FOOTNOTE = re.compile(r"^( {0,3})\[(\^[^\]\n]+\]:)", re.MULTILINE)


@dataclass(frozen=True)
class BrokenLink:
    """A link or image that leads nowhere: the file it stands in, its line (from 1), where it points to, and what is wrong."""

    path: str
    line: int
    target: str
    why: str


@dataclass(frozen=True)
class Heading:
    """A heading: its line (from 1), depth (1 to 6), words, and the anchor that GitHub gives it."""

    line: int
    level: int
    text: str
    anchor: str


@dataclass(frozen=True)
class Link:
    """Where a link or an image points to, with its line (from 1). `text` is what it shows, of an image its alternative text."""

    line: int
    target: str
    text: str = ""
    image: bool = False


@dataclass(frozen=True)
class CodeText:
    """A code span or block: the line of its first word (from 1), its text, and its language; None for a span."""

    line: int
    text: str
    language: str | None = None


@dataclass(frozen=True)
class RoleText:
    """Interpreted text of reStructuredText: its line, the role's name, what it points to, and the module that it stands in."""

    line: int
    role: str
    target: str
    module: str = ""


@dataclass(frozen=True)
class MarkupFault:
    """Something in a page that its format does not allow: its line, what stands there, and why not."""

    line: int
    text: str
    why: str


@dataclass
class DocumentPage:
    """What stands in one document, each kind in the order of the file; the last three only in reStructuredText."""

    headings: list[Heading] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    spans: list[CodeText] = field(default_factory=list)
    blocks: list[CodeText] = field(default_factory=list)
    ids: set[str] = field(default_factory=set)
    roles: list[RoleText] = field(default_factory=list)
    files: list[RoleText] = field(default_factory=list)
    """Files and documents that directives name, by the directive's name."""
    faults: list[MarkupFault] = field(default_factory=list)

    @property
    def anchors(self) -> frozenset[str]:
        """Everything that a link can point to in this page."""
        return frozenset({heading.anchor for heading in self.headings} | self.ids)


def is_markdown(path: str) -> bool:
    """Tell whether a file is Markdown, by its name."""
    return path.lower().endswith(_SUFFIXES)


def broken_links(texts: Mapping[str, str], exists: Callable[[str], bool]) -> tuple[BrokenLink, ...]:
    """Return the links and images of these Markdown files that lead nowhere, in the order of the files and lines.

    `texts` are the files by their path from the repository's root; `exists` says whether a file or folder is there, by
    such a path. Anchors are checked where the file pointed to is among `texts`. External links are not fetched.
    """
    pages = {path: read_page(text) for path, text in texts.items()}
    found = []
    for path, page in pages.items():
        for link in page.links:
            if why := link_fault(path, link.target, pages.get, exists):
                found.append(BrokenLink(path, link.line, link.target, why))
    return tuple(found)


def resolved(path: str, target: str) -> str | None:
    """Return the path from the root that a link means; None for a link to outside, `..` first if it leaves the root."""
    target = unquote(target.partition("#")[0].partition("?")[0])
    if _EXTERNAL.match(target):
        return None
    if not target:
        return path
    return normpath(target.lstrip("/") if target.startswith("/") else f"{dirname(path)}/{target}".lstrip("/"))


def link_fault(
    path: str, target: str, page_of: Callable[[str], DocumentPage | None], exists: Callable[[str], bool]
) -> str:
    """Return why a link of a page leads nowhere; empty if it leads somewhere, or outside."""
    place = resolved(path, target)
    if place is None:
        return ""
    if not target:
        return "it has no target"
    if place == ".." or place.startswith("../"):
        return "it leads out of the repository"
    if place != path and place != "." and not exists(place):
        return f"there is no {place}"
    anchor = unquote(target.partition("#")[2])
    page = page_of(place)
    if not anchor or page is None or anchor == "top" or anchor in page.anchors or _LINES.fullmatch(anchor):
        return ""
    near = get_close_matches(anchor.lower(), sorted(page.anchors), n=1)
    return f"{place} has no heading #{anchor}" + (f"; there is #{near[0]}" if near else "")


def slug(text: str) -> str:
    """Return the anchor that GitHub makes of a heading's words, before it is told apart from earlier equal ones.

    Lower case, without what is no letter, mark, digit, connector, hyphen or space; each space a hyphen. Source: GitHub's
    html-pipeline (table of contents filter).
    """
    kept = (letter for letter in text.strip().lower() if letter in " -" or _is_word(letter))
    return "".join(kept).replace(" ", "-")


def _is_word(letter: str) -> bool:
    kind = unicodedata.category(letter)
    return kind[0] in "LM" or kind in {"Nd", "Nl", "Pc"}


def read_page(text: str) -> DocumentPage:
    """Parse a Markdown text. Front matter is skipped."""
    text = _FRONT_MATTER.sub(lambda match: "\n" * match[0].count("\n"), text.replace("\r\n", "\n"))
    page, used = DocumentPage(), dict[str, int]()
    tokens = _parser().parse(_FOOTNOTE.sub(r"\1\\[\2", text))
    line = 1
    for place, token in enumerate(tokens):
        line = token.map[0] + 1 if token.map else line
        match token.type:
            case "heading_open":
                words = _words(tokens[place + 1].children or ())
                page.headings.append(Heading(line, int(token.tag[1]), words, _unique(slug(words), used)))
            case "fence":
                language = (token.info.split() or [""])[0].lower()
                page.blocks.append(CodeText(line + 1, token.content, language))
            case "code_block":
                page.blocks.append(CodeText(line, token.content, ""))
            case "html_block":
                _read_html(page, token.content, line)
            case "inline":
                _read_inline(page, token, line)
    return page


def _unique(anchor: str, used: dict[str, int]) -> str:
    """Return an anchor that no earlier heading has: the second gets `-1`, the third `-2`."""
    name = anchor
    while name in used:
        used[anchor] += 1
        name = f"{anchor}-{used[anchor]}"
    used[name] = 0
    return name


def _words(children: Sequence[Token]) -> str:
    """Return the words that a heading or link shows; an image shows none."""
    shown = {"text", "code_inline"}
    return "".join(one.content if one.type in shown else " " * (one.type == "softbreak") for one in children)


def _read_inline(page: DocumentPage, block: Token, line: int) -> None:
    children, seen = block.children or (), 0
    for place, token in enumerate(children):
        match token.type:
            case "softbreak" | "hardbreak":
                line += 1
            case "code_inline":
                page.spans.append(CodeText(line, token.content))
                # Its line breaks have become spaces, so they are counted in the source.
                spelled = r"[ \n]".join(map(re.escape, token.content.split(" ")))
                if found := re.compile(spelled).search(block.content, seen):
                    line, seen = line + found[0].count("\n"), found.end()
            case "link_open":
                words = _words(children[place + 1 : _closing(children, place)])
                page.links.append(Link(line, str(token.attrs.get("href", "")), words))
            case "image":
                page.links.append(Link(line, str(token.attrs.get("src", "")), token.content, image=True))
            case "html_inline":
                _read_html(page, token.content, line)
                line += token.content.count("\n")


def _closing(children: Sequence[Token], place: int) -> int:
    return next((at for at in range(place, len(children)) if children[at].type == "link_close"), len(children))


def _read_html(page: DocumentPage, text: str, line: int) -> None:
    reader = _Tags()
    reader.feed(text)
    for offset, tag, attributes in reader.seen:
        page.ids |= {attributes[name] for name in ("id", "name") if attributes.get(name)}
        if tag == "a" and attributes.get("href"):
            page.links.append(Link(line + offset, attributes["href"]))
        if tag == "img":
            page.links.append(Link(line + offset, attributes.get("src", ""), attributes.get("alt", ""), image=True))


class _Tags(HTMLParser):
    """Every tag with its attributes, and how many lines below the beginning it stands."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[int, str, dict[str, str]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((self.getpos()[0] - 1, tag, {name: value or "" for name, value in attrs}))


@cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark").enable(["table", "strikethrough"])
