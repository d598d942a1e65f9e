"""Texts that are cut off where they are shown: subject lines, titles, descriptions."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from .markup import HTML, MARKDOWN, front_matter, read_page
from .places import FoundPlace, Texts

SUBJECT, TITLE, DESCRIPTION, PREVIEW = 60, 60, 160, 150
"""Characters that most mail programs and search engines show. Source of the first and third: ancestor."""
MAIL = (".eml", ".txt")

_Reader = Callable[[str, str], tuple[int, str] | None]


@dataclass(frozen=True)
class MeasuredText:
    """A text with its place; `line` is 0 where it is missing."""

    path: str
    line: int
    text: str


def subjects(texts: Texts) -> tuple[MeasuredText, ...]:
    """Every subject line: of a mail's header, of front matter, or the title of a page. Nothing for files that are no mail."""
    return tuple(_of(texts, _subject))


def titles(texts: Texts) -> tuple[MeasuredText, ...]:
    """The title of every page and of all Markdown with front matter."""
    return tuple(_of(texts, lambda path, text: _field(path, text, "title")))


def descriptions(texts: Texts) -> tuple[MeasuredText, ...]:
    """The description of every page with a head and of all Markdown with front matter; one without has an empty text."""
    return tuple(_of(texts, lambda path, text: _field(path, text, "description")))


def previews(texts: Texts) -> tuple[MeasuredText, ...]:
    """What a mail program shows beside the subject."""
    return tuple(_of(texts, _preview))


def misfits(measured: Iterable[MeasuredText], most: int, name: str) -> tuple[FoundPlace, ...]:
    """Those that are missing or too long."""
    return tuple(
        FoundPlace(
            one.path, one.line, f"{name} has {len(one.text)} characters, {most} are shown" if one.text else f"no {name}"
        )
        for one in measured
        if not 0 < len(one.text) <= most
    )


def _of(texts: Texts, read: _Reader) -> Iterator[MeasuredText]:
    for path, text in texts.items():
        if (found := read(path, text)) is not None:
            yield MeasuredText(path, found[0], " ".join(found[1].split()))


def _subject(path: str, text: str) -> tuple[int, str] | None:
    if path.endswith(HTML):
        fields = front_matter(text)
        page = read_page(text)
        preferred = fields.get("subject") or next(((tag.line, "") for tag in page.named("mj-title")), None)
        return preferred if preferred and preferred[1] else (page.title_line, page.title) if "<" in text else None
    if path.endswith(MARKDOWN):
        fields = front_matter(text)
        return fields.get("subject") or fields.get("title") or (0, "")
    head = text.partition("\n\n")[0]
    lines = [(number, line) for number, line in enumerate(head.splitlines(), 1) if line.lower().startswith("subject:")]
    if lines:
        return lines[0][0], lines[0][1].partition(":")[2]
    return (0, "") if path.endswith(".eml") else None


def _field(path: str, text: str, name: str) -> tuple[int, str] | None:
    if path.endswith(MARKDOWN):
        fields = front_matter(text)
        return fields.get(name, (0, "")) if fields else None
    if not path.endswith(HTML) or not re.search(r"<head\b", text, re.IGNORECASE):
        return None
    page = read_page(text)
    if name == "title":
        return page.title_line, page.title
    metas = [tag for tag in page.named("meta") if (tag.attributes.get("name") or "").lower() == name]
    return next(((tag.line, tag.attributes.get("content") or "") for tag in metas), (0, ""))


def _preview(path: str, text: str) -> tuple[int, str] | None:
    if path.endswith(MARKDOWN):
        fields = front_matter(text)
        return fields.get("preview") or fields.get("preheader") or (0, "")
    if not path.endswith(HTML):
        return None
    found = re.search(
        r"<mj-preview>(?P<mjml>[^<]*)|class=[\"'][^\"']*(?:preheader|preview)[^\"']*[\"'][^>]*>(?P<html>[^<]*)"
        r"|^(?:preview|preheader):\s*(?P<field>.*)$",
        text,
        re.IGNORECASE | re.MULTILINE,
    )
    return (text[: found.start()].count("\n") + 1, found[found.lastgroup or 0]) if found else (0, "")
