"""What the server saw when it ran the commands that items cite, at once or later."""

from __future__ import annotations

from typing import Any

from .events import Ran
from .ledger import Ledger, LedgerEntry

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
