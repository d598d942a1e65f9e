"""Whether quoted evidence stands where it is said to stand."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .items import split_location

LONGEST_SPAN = 200
"""Lines that one citation may cover."""
SHORTEST_QUOTE = 3
"""Letters and digits that a quote must have, so that a lone brace proves nothing."""


@dataclass(frozen=True)
class Unproven:
    """What is wrong with a citation, and how to cure it."""

    problem: str
    cure: str

    def __str__(self) -> str:
        return f"{self.problem} {self.cure}"


def unproven(location: str, quote: str, text: str | None, masked: Callable[[str], str]) -> Unproven | None:
    """What is wrong with a quote at a location of a file with this text (None: there is no such file); None if it stands there.

    Whitespace may differ. A line with a secret is quoted as `masked` would show it, so the masked form stands there too.
    """
    path, first, last = split_location(location)
    if text is None:
        return Unproven(
            f"There is no file {path} at that commit.", "Name a file that git has, from the repository's root."
        )
    lines = text.splitlines()
    if last > len(lines):
        return Unproven(f"{path} has {len(lines)} lines, not {last}.", "Cite a line that is there.")
    if last - first >= LONGEST_SPAN:
        return Unproven(f"{location} covers {last - first + 1} lines.", "Cite the few lines that show it.")
    if len(re.findall(r"\w", quote)) < SHORTEST_QUOTE:
        return Unproven("The quote is too short to show anything.", "Quote the line that shows it.")
    wanted = _squeezed(quote)
    if any(_stands(wanted, version, first, last) for version in (lines, masked(text).splitlines())):
        return None
    found = [place for place in range(1, len(lines) + 1) if _stands(wanted, lines, place, place)]
    there = f"`{path}:{first}` reads: {_shown(lines[first - 1])}"
    if found:
        places = ", ".join(f"{path}:{place}" for place in found[:3])
        return Unproven(f"The quote does not stand at {location}.", f"It stands at {places}: cite that.")
    return Unproven(
        f"The quote does not stand at {location}. {there}", "Quote what stands there, or cite where it does."
    )


def line_of(quote: str, text: str, masked: Callable[[str], str]) -> int:
    """The first line where a quote stands in a text, whitespace aside; 0 where it does not."""
    wanted = _squeezed(quote)
    versions = (text.splitlines(), masked(text).splitlines())
    places = (n for lines in versions for n in range(1, len(lines) + 1) if _stands(wanted, lines, n, n))
    return next(places, 0)


def _stands(wanted: str, lines: Sequence[str], first: int, last: int) -> bool:
    """Whether a text stands in some lines, or begins in the first of them and goes on below."""
    if first > len(lines):
        return False
    more = max(last, first + wanted.count(" ")) if last == first else last
    return wanted in _squeezed("\n".join(lines[first - 1 : last])) or (
        last == first and _begins_in(wanted, lines[first - 1 : more])
    )


def _begins_in(wanted: str, lines: Sequence[str]) -> bool:
    whole = _squeezed("\n".join(lines))
    place = whole.find(wanted)
    return 0 <= place < len(_squeezed(lines[0])) if lines else False


def _squeezed(text: str) -> str:
    return " ".join(text.split())


def _shown(line: str) -> str:
    return f"`{line.strip()[:120]}`"
