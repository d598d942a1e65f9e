"""What bears an item out: whether its quote is where it is said to be, and what the server saw when it ran its command."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from typing import Any

from .items import Proof, split_location
from .pages import one_line
from .state import Ledger, LedgerEntry, Ran

LONGEST_SPAN = 200
"""Lines that one citation may cover."""
SHORTEST_QUOTE = 3
"""Letters and digits that a quote must have, so that a lone brace proves nothing."""


def unproven(location: str, quote: str, text: str | None, masked: Callable[[str], str]) -> str:
    """Return what is wrong with a quote at a location of a file with this text, and the cure; empty if it is there.

    `text` is None where there is no such file. Whitespace may differ. A line with a secret is quoted as `masked` would show
    it, so the masked form counts too.
    """
    path, first, last = split_location(location)
    if text is None:
        return f"There is no file {path} at that commit. Name a file that git has, from the repository's root."
    lines = text.splitlines()
    if last > len(lines):
        return f"{path} has {len(lines)} lines, not {last}. Cite a line that is there."
    if last - first >= LONGEST_SPAN:
        return f"{location} covers {last - first + 1} lines. Cite the few lines that show it."
    if len(re.findall(r"\w", quote)) < SHORTEST_QUOTE:
        return "The quote is too short to show anything. Quote the line that shows it."
    wanted = one_line(quote)
    if any(_is_in(wanted, version, first, last) for version in (lines, masked(text).splitlines())):
        return ""
    found = [place for place in range(1, len(lines) + 1) if _is_in(wanted, lines, place, place)]
    if found:
        places = ", ".join(f"{path}:{place}" for place in found[:3])
        return f"The quote does not stand at {location}. It stands at {places}: cite that."
    there = f"`{path}:{first}` reads: `{lines[first - 1].strip()[:120]}`"
    return f"The quote does not stand at {location}. {there} Quote what stands there, or cite where it does."


def line_of(quote: str, text: str, masked: Callable[[str], str], near: int = 0) -> int:
    """Return the line where a quote is in a text, whitespace aside, the one that is nearest; 0 where it is not."""
    wanted = one_line(quote)
    versions = (text.splitlines(), masked(text).splitlines())
    places = (n for lines in versions for n in range(1, len(lines) + 1) if _is_in(wanted, lines, n, n))
    return min(places, key=lambda place: abs(place - near), default=0)


def _is_in(wanted: str, lines: Sequence[str], first: int, last: int) -> bool:
    """Tell whether a text is in some lines; or, where they are one, begins in it and goes on below."""
    if first > len(lines):
        return False
    if wanted in one_line("\n".join(lines[first - 1 : last])):
        return True
    more = one_line("\n".join(lines[first - 1 : max(last, first + wanted.count(" "))]))
    return first == last and 0 <= more.find(wanted) < len(one_line(lines[first - 1]))


REPRODUCED = "reproduced"
"""The facts of a later run: what each item's command did, by the item's id."""


def ran(ledger: Ledger, entry: LedgerEntry[Any]) -> Ran | None:
    """Return what an item's command did when it was last run; None where it cites none."""
    for seen in reversed(ledger.observed):
        if seen.what == REPRODUCED and entry.id in seen.facts:
            return Ran.model_validate(seen.facts[entry.id])
    return entry.ran


def proof_of(ledger: Ledger, entry: LedgerEntry[Any]) -> Proof:
    """Return what is run for an item: as it was when it showed the fault, else as it was recorded."""
    seen = ran(ledger, entry)
    return seen.proof if seen and shown(seen) else entry.item.proof


def shown(seen: Ran | None) -> bool:
    """Tell whether a proof showed the fault: its command failed in the words that name it, the control passed, and it does not
    fail like that without the code.
    """
    if seen is None or seen.control is None or seen.says_nothing or baseless(seen):
        return False
    return seen.failed and seen.named and seen.control.passed


def baseless(seen: Ran) -> bool:
    """Tell whether a command failed in the same words with the cited file emptied: it does not rest on that code."""
    return seen.without is not None and seen.without.failed and seen.without.named


def disproved(seen: Ran | None) -> bool:
    """Tell whether a proof showed that there is no fault: its command passed, and the control failed in the words."""
    control = seen.control if seen else None
    return bool(seen and seen.passed and not seen.says_nothing and control and control.failed and control.named)


def mended(seen: Ran | None) -> bool:
    """Tell whether all is well: the command passed, and so did the control."""
    return seen is not None and seen.passed and not seen.says_nothing and (seen.control is None or seen.control.passed)


def pending(ledger: Ledger) -> tuple[tuple[str, Proof], ...]:
    """Return the ids of items whose command was never run, with what is to be run."""
    entries = [(entry, ran(ledger, entry)) for entry in ledger.entries]
    return tuple((entry.id, seen.proof) for entry, seen in entries if seen and seen.exit_code is None)


def words(seen: Ran | None) -> str:
    """Return what a proof showed, for people."""
    if seen is None:
        return "nothing was run"
    if seen.exit_code is None:
        return seen.why or "not run"
    how = "timed out" if seen.timed_out else f"exit {seen.exit_code}"
    with_files = f" with {', '.join(seen.put_back)} as it was then" if seen.put_back else ""
    left = f"; it left {', '.join(seen.left[:5])}, which git does not have" if seen.left else ""
    return f"{how} when the server ran it{with_files}{_detail(seen)}{left}"


def _detail(seen: Ran) -> str:
    control = seen.control
    if control is None:
        return ""
    if seen.says_nothing:
        return f", and {seen.says_nothing}"
    if baseless(seen):
        return f", and with {seen.emptied} emptied it fails in the same words: it does not rest on that code and shows nothing"
    if shown(seen) or disproved(seen):
        ended = ", and the control passed" if control.passed else ", and the control failed in the words foreseen"
        tried = seen.without and seen.without.exit_code is not None
        without = f"; with {seen.emptied} emptied it ended otherwise" if tried else ""
        return f"{ended}{without}{AUTHORS_WORD}"
    if control.exit_code is None:
        return f"; the control was not run: {control.why}"
    if mended(seen):
        return ", and the control too: nothing fails"
    wordless = "" if (seen if seen.failed else control).named else ", without the words that name the fault"
    how = f"the control exit {control.exit_code}"
    return f"{wordless}, {how}: it shows nothing" if seen.failed else f", {how}{wordless}: it shows nothing"


AUTHORS_WORD = "; what should hold, and that the commands run the code as it is, is their author's word"
"""A run shows that an assertion holds, never that it is the right one, nor that nothing was put in the place of the code."""


def fingerprint(path: str, kind: str, quote: str) -> str:
    """16 hexadecimal digits for a finding: the same as long as its file, its kind and the quoted code are, wherever it stands."""
    text = "\0".join((path, kind, " ".join(quote.split())))
    return hashlib.sha256(text.encode()).hexdigest()[:16]
