"""Arguments as clients give them, before they are validated: what is meant is understood, what nothing can hold refused."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

MOST_CHARACTERS = 100_000
"""Of one text. No command and no path may be longer than 128 KiB, and no answer may."""
LARGEST_NUMBER = 2**53
"""Beyond it not every client and not every file of ours would read the same whole number."""


def unusable(arguments: Mapping[str, Any]) -> str:
    """Return what is wrong with the values that no tool can use, in sentences; empty when nothing is."""
    return " ".join(
        f"`{name}` holds {problem}." for name, value in arguments.items() for problem in sorted(set(_problems(value)))
    )


def _problems(value: object) -> Iterator[str]:
    if isinstance(value, str):
        if "\0" in value:
            yield "a NUL character, which no command, path or file of ours can hold: leave it out"
        if len(value) > MOST_CHARACTERS:
            yield f"a text of {len(value)} characters, and at most {MOST_CHARACTERS} are read: shorten it"
    elif isinstance(value, int | float):
        if not math.isfinite(value) if isinstance(value, float) else abs(value) > LARGEST_NUMBER:
            yield f"a number beyond {LARGEST_NUMBER}, the largest that everybody reads the same: give a smaller one"
    elif isinstance(value, Mapping):
        for name, part in value.items():
            yield from _problems(name)
            yield from _problems(part)
    elif isinstance(value, list):
        for part in value:
            yield from _problems(part)
