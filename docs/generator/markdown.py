"""Pieces of Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any

Schema = Mapping[str, Any]


def page(*parts: str) -> str:
    return "\n\n".join(part.strip() for part in parts if part.strip()) + "\n"


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def text(field: Schema) -> str:
    return cell(field.get("description", ""))


def plain(text: str) -> str:
    return " ".join(text.split())


def cell(text: str) -> str:
    """Text for a cell of a table: on one line, without a bar that would end the cell."""
    return plain(text).replace("|", "\\|")


def codes(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def shown(value: object) -> str:
    """A default as a plan file or a call would write it."""
    match value:
        case "" | () | None | []:
            return "[]" if isinstance(value, (tuple, list)) else '""'
        case bool():
            return str(value).lower()
        case StrEnum():
            return value.value
        case _:
            return str(value)
