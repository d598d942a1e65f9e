"""What readers of JSON share: a report of another shape is unreadable, wherever that shows."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import wraps
from typing import Any

from .diagnostic import Diagnostic
from .output import Reader, ReaderResult, ToolOutput, ToolRequest, Unreadable


def shaped(reader: Reader) -> Reader:
    """A report of another shape is unreadable, wherever that shows."""

    @wraps(reader)
    def read(output: ToolOutput, asked: ToolRequest) -> ReaderResult:
        try:
            return reader(output, asked)
        except (LookupError, TypeError, ValueError, AttributeError, RecursionError) as error:
            raise Unreadable(f"not what {asked.tool} writes: {type(error).__name__} {error}") from error

    return read


def document(output: ToolOutput) -> Any:  # noqa: ANN401 - any JSON
    """The first JSON value that begins a line; package managers print a banner before it."""
    text = output.report or output.stdout
    for start in re.finditer(r"^[ \t]*(?=[\[{])", text, re.MULTILINE):
        try:
            return json.JSONDecoder().raw_decode(text, start.end())[0]
        except json.JSONDecodeError:
            continue
    raise ValueError("no JSON")


def documents(text: str) -> Iterator[Any]:
    """Every line that is a JSON object."""
    for line in text.splitlines():
        if line.startswith("{"):
            try:
                yield json.loads(line)
            except json.JSONDecodeError:
                continue


def found_in(asked: ToolRequest, file: object, message: object, **more: Any) -> Diagnostic:  # noqa: ANN401 - fields
    """A finding of the tool that was asked, in a file as the tool names it."""
    fields = {"trouble": asked.trouble, **more}
    return Diagnostic(tool=asked.tool, path=asked.here(str(file)), message=str(message), **fields)
