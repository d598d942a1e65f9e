"""Blocks of JSON, TOML and YAML: whether they can be read."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping

from ..repository import Repository
from .claim import Claim, Document, DocumentFault, blocks

_LEFT_OUT = re.compile(r"\.\.\.|…|^\s*<[\w -]+>|[:=\[,]\s*<[\w -]+>|\{\{|\{%|^\s*(?://|/\*|#)", re.MULTILINE)
"""What stands for something, in a format that has no word for it."""


def check_data(document: Document, repository: Repository) -> Iterator[Claim]:
    """Yield every block of a data format; one that leaves something out cannot be checked."""
    for block in blocks(document, _READERS):
        found = _READERS[block.language or ""](block.text)
        what = f"a block of {block.language}"
        if found is None:
            yield Claim(DocumentFault.SYNTAX, block.line, what)
            continue
        at, why = found
        line = block.line + max(0, min(at, block.text.rstrip("\n").count("\n") + 1) - 1)
        text = document.said(line).strip()[:80] or what
        yield Claim(DocumentFault.SYNTAX, line, text, why, known=not _LEFT_OUT.search(block.text))


Fault = tuple[int, str]
"""The line within a block, from 1, and why it cannot be read."""


def _json(text: str) -> Fault | None:
    """One value, several behind one another, or the inside of an object."""
    at, first = 0, text
    decoder = json.JSONDecoder()
    try:
        while rest := first[at:].lstrip():
            at = len(first) - len(rest)
            at = decoder.raw_decode(first, at)[1]
    except json.JSONDecodeError as error:
        if re.match(r'\s*"[^"]+"\s*:', text) and not text.lstrip().startswith("{"):
            inside = _json(f"{{{text.rstrip().rstrip(',')}}}")
            return inside and (inside[0], inside[1])
        return error.lineno, f"it is no JSON: {error.msg}"
    except RecursionError:
        return 1, "it is nested too deeply to be read"
    return None


def _toml(text: str) -> Fault | None:
    try:
        tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        found = re.search(r"at line (\d+)", str(error))
        line = int(found[1]) if found else text.count("\n") + 1
        why = re.sub(r" \(at .*", "", str(error))
        return line, f"it is no TOML: {why}"
    return None


def _yaml(text: str) -> Fault | None:
    import yaml

    try:
        for _ in yaml.parse(text, Loader=yaml.SafeLoader):
            pass
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        context = error.context_mark
        line = (mark.line if mark else 0) + 1
        if context and error.context and "flow" in error.context:
            line = context.line + 1
        return line, f"it is no YAML: {error.problem or error.context}"
    except (yaml.YAMLError, RecursionError) as error:
        return 1, f"it is no YAML: {str(error).partition(chr(10))[0]}"
    return None


_READERS: Mapping[str, Callable[[str], Fault | None]] = {"json": _json, "toml": _toml, "yaml": _yaml, "yml": _yaml}
"""What reads each language; JSON with comments is a language of its own, and is not checked."""
