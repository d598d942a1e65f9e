"""What bears an item out: whether its quote stands where it is said to, and what the server saw when it ran its command."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from .items import split_location
from .ledger import Ledger, LedgerEntry, Ran

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


REPRODUCED = "reproduced"
"""The facts of a later run: what each item's command did, by the item's id."""
_NEVER_BEGAN = frozenset({126, 127})
"""What a shell answers when it finds no such program, or may not start it: that shows nothing."""


def ran(ledger: Ledger, entry: LedgerEntry[Any]) -> Ran | None:
    """What an item's command did when it was last run; None where it cites none."""
    for seen in reversed(ledger.observed):
        if seen.what == REPRODUCED and entry.id in seen.facts:
            return Ran.model_validate(seen.facts[entry.id])
    return entry.ran


def shown(seen: Ran | None) -> bool:
    """Whether a command failed as it does while the fault is there. That it could not begin does not count."""
    return seen is not None and seen.exit_code is not None and seen.exit_code not in {0, *_NEVER_BEGAN}


def refuted(seen: Ran | None) -> bool:
    """Whether a command was run and all was well."""
    return seen is not None and seen.exit_code == 0


def pending(ledger: Ledger) -> tuple[tuple[str, str], ...]:
    """The ids of items whose command was never run, with the command."""
    entries = [(entry, ran(ledger, entry)) for entry in ledger.entries]
    return tuple((entry.id, seen.command) for entry, seen in entries if seen and seen.exit_code is None)


def words(seen: Ran | None) -> str:
    """What a command did, for people."""
    if seen is None:
        return "no command"
    if seen.exit_code is None:
        return seen.why or "not run"
    how = "timed out" if seen.timed_out else f"exit {seen.exit_code}"
    return f"{how} when the server ran it"
