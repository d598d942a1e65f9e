"""Opinions in a ledger: ranked, listed and handed on in one way, and earning nothing. An experiment of a later workflow settles them."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from .handoff import HandoffFinding
from .items import Severity
from .pages import flagged, settled_words
from .state import Ledger, LedgerEntry, Some


def worst_first(ledger: Ledger, kind: type[Some], gone: Collection[str] = ()) -> list[LedgerEntry[Some]]:
    """Return the opinions of a kind that stand, the worst first, and last what an experiment has ended."""

    def turn(entry: LedgerEntry[Any]) -> tuple[bool, int]:
        settled = ledger.overruled.get(entry.id)
        return bool(settled and settled.outcome.over), entry.item.severity.rank

    return sorted((entry for entry in ledger.of(kind) if entry.id not in gone), key=turn)


def told(ledger: Ledger, entry: LedgerEntry[Any]) -> str:
    """Return an opinion on one line, with what was found of it since."""
    one, settled = entry.item, ledger.overruled.get(entry.id)
    since = f"; {settled_words(settled.outcome, settled.by)}" if settled else ""
    place = ", ".join(getattr(one, name) for name in ("severity", "location") if getattr(one, name, ""))
    return f"{entry.id} {place}: {one.title}{flagged(one.title)}{since}"


def handed(entry: LedgerEntry[Any], detail: str, **more: Any) -> HandoffFinding:  # noqa: ANN401 - fields of a finding
    """Return an opinion as the next workflow gets it."""
    known = {
        "severity": getattr(entry.item, "severity", Severity.INFO),
        "location": getattr(entry.item, "location", ""),
        "quote": getattr(entry.item, "quote", ""),
    }
    return HandoffFinding(id=entry.id, title=entry.item.title, detail=detail, **known | more)


def in_one_call(entries: Iterable[LedgerEntry[Any]], who: str) -> str:
    """Name those whose items one call recorded: they may not have thought alone. Empty where none did."""
    calls: dict[str, dict[str, None]] = {}
    for entry in entries:
        calls.setdefault(entry.call, {})[f"{getattr(entry.item, who)}"] = None
    together = (", ".join(names) for names in calls.values() if len(names) > 1)
    return "; ".join(f"{names} wrote in one call: they are not known to be independent" for names in together)
