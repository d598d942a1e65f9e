"""Diagrams that the server computed: whether a document still shows what the code gives now."""

from __future__ import annotations

from collections.abc import Iterator

from ..diagrams import diagram_name
from ..repository import Repository
from .claim import Claim, ClaimKind, Document, blocks


def check_diagrams(document: Document, repository: Repository) -> Iterator[Claim]:
    """Yield every block of Mermaid that names a computed diagram. One that names none is its writer's, and is left alone."""
    for block in blocks(document, ("mermaid",)):
        name = diagram_name(block.text)
        if name:
            now = repository.diagrams.get(name)
            why = "the code gives no such diagram now: take it out" if now is None else ""
            if now is not None and block.text.split() != now.split():
                why = "the code gives another now: copy it from diagrams.md"
            yield Claim(ClaimKind.DIAGRAM, block.line, name, why)
