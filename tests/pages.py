"""Pages as a browser reads them."""

from __future__ import annotations

import zlib
from base64 import b64decode
from html.parser import HTMLParser


class Reader(HTMLParser):
    """A page as a browser reads it: its elements with their attributes, and its text without scripts and styles."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.words: list[str] = []
        self.rest = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attributes)))
        if tag not in {"meta", "input", "path", "use", "rect", "br", "img", "link"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self.open:
            assert self.open.pop() == tag, f"</{tag}> closes something else"

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in {"script", "style"}:
            self.words.append(data)
        elif self.found and self.found[-1][1].get("data-rest") == "here":
            self.rest += data

    @property
    def text(self) -> str:
        return "".join(self.words)

    def tries(self) -> list[str]:
        return [name for tag, a in self.found if tag == "details" and (name := str(a.get("id"))).startswith("try-")]

    def packed(self) -> list[tuple[str, ...]]:
        """The rows that the page's script unpacks when somebody looks for them, column by column as it does."""
        text = zlib.decompress(b64decode(self.rest)).decode() if self.rest else ""
        return list(zip(*(column.split("\n") for column in text.split("\x1e")), strict=True)) if text else []
