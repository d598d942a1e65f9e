"""The options that source files declare for a command line, read off the form in which libraries have them written."""

from __future__ import annotations

import re
from collections.abc import Mapping

from .codemap import language_of

_DASHED = re.compile(r"[\"'`\s,|/\[](--?[A-Za-z][\w.*-]*)")
_GO_FLAG = re.compile(
    r"\b\w*(?:[Ff]lags?|[Ff]lag[Ss]et|Flags\(\)|fs|Set)\.(?:Bool|String|Int|Int64|Uint|Uint64|Float64|Duration|Func|Var|Text|Count|StringSlice|StringArray)\w*\(\s*"
    r"(?:&[\w.]+,\s*)?\"([\w-]+)\"(?:,\s*\"(\w)\")?"
)
_GO_HANDED = re.compile(r"\b(\w+) \*p?flag\.FlagSet\b")
_GO_MADE = r"\b{}\.[A-Z]\w*\((?:[^\"(),]+,\s*)?[^\"(),&]+,"
"""A flag whose name is no text, of a set that is handed on."""
_GO_NAMED = re.compile(r"Flag\{(?:[^{}]|\{[^{}]*\})*?Name:\s*\"([\w-]+)\"")
_DERIVED = re.compile(
    r"\btyper\b|\bclap\b|#\[arg|\bpydantic_settings\b|\bfire\.Fire\b|\btyro\b|\bstructopt\b|\bargh\b|\bcyclopts\b"
)
"""Libraries that make options of the names of parameters, so that they are written nowhere."""


def declared_options(texts: Mapping[str, str]) -> frozenset[str]:
    """Return the options in these files, without their dashes; none where a library makes them of other names."""
    found: set[str] = set()
    for path, text in texts.items():
        if language_of(path) == "go":
            if any(re.search(_GO_MADE.format(name), text) for name in set(_GO_HANDED.findall(text))):
                return frozenset()
            found |= {name for names in _GO_FLAG.findall(text) for name in names if name} | set(_GO_NAMED.findall(text))
        elif _DERIVED.search(text):
            return frozenset()
        else:
            found |= {name.lstrip("-") for name in _DASHED.findall(text)}
    return frozenset(found)
