"""What of a security audit was tested: the matrix of STRIDE, assets and boundaries, and the ten OWASP categories."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from ..ledger.items import Cited, Depth, Severity
from ..ledger.state import Ledger, LedgerEntry
from .findings import last_audit
from .items import AssetItem, Attacker, BoundaryItem, Owasp, SecurityOptions, Stride, ThreatTest

Cell = tuple[str, str, Stride]
"""An asset, a boundary that reaches it, and a threat."""


def trials(ledger: Ledger) -> tuple[LedgerEntry[ThreatTest], ...]:
    """Return every test, whether it found something or not, the oldest first."""
    return ledger.of(ThreatTest)


def pairs(ledger: Ledger) -> tuple[tuple[str, str], ...]:
    """Return each asset with each boundary that reaches it, the most precious assets first."""
    ranks = {entry.id: entry.item.asset.priority.rank for entry in ledger.of(AssetItem)}
    found = {(asset, entry.id) for entry in ledger.of(BoundaryItem) for asset in entry.item.reaches}
    return tuple(sorted(found, key=lambda pair: (ranks[pair[0]], pair)))


def cells(ledger: Ledger) -> tuple[Cell, ...]:
    """Return every cell that there is to test, in the order in which it is worth testing."""
    return tuple((asset, boundary, threat) for (asset, boundary), threat in product(pairs(ledger), threats(ledger)))


def tested(ledger: Ledger) -> frozenset[Cell]:
    """Return the cells that an item tested."""
    return frozenset(entry.item.cell for entry in trials(ledger))


def threats(ledger: Ledger) -> tuple[Stride, ...]:
    """Return the threats that have to be covered."""
    focus = ledger.opts(SecurityOptions).focus
    return tuple(one for word in focus for one in Stride if one == word) or tuple(Stride)


def categories(ledger: Ledger) -> tuple[Owasp, ...]:
    """Return the OWASP categories that have to be covered."""
    focus = ledger.opts(SecurityOptions).focus
    return tuple(one for word in focus for one in Owasp if one == word) or tuple(Owasp)


def covered(ledger: Ledger) -> tuple[frozenset[Owasp], frozenset[Stride], frozenset[Attacker]]:
    """Return the categories, the threats and the personas that at least one test had."""
    items = [entry.item for entry in trials(ledger)]
    return (
        frozenset(one.owasp for one in items),
        frozenset(one.stride for one in items),
        frozenset(one.persona for one in items),
    )


def looked_at(ledger: Ledger) -> frozenset[str]:
    """Return the files that any item cites."""
    return frozenset(entry.item.path for entry in ledger.entries if isinstance(entry.item, Cited))


def untested(ledger: Ledger) -> Iterator[str]:
    """Yield what has to be tested yet at the depth that was asked for, each as a sentence."""
    options = ledger.opts(SecurityOptions)
    changed = last_audit(ledger).changed if options.diff else None
    if changed is not None:
        yield from _listed("a test that cites", "of the changed files", [*changed], looked_at(ledger))
        return
    owasp, stride, personas = covered(ledger)
    seen = tested(ledger)
    reached = {boundary for _, boundary, _ in seen}
    yield from _listed(
        "a test at", "of the boundaries", [entry.id for entry in ledger.of(BoundaryItem)], frozenset(reached)
    )
    precious = [entry.id for entry in ledger.of(AssetItem) if entry.item.asset.priority is Severity.CRITICAL]
    wanted = precious if options.depth is Depth.SHALLOW else [entry.id for entry in ledger.of(AssetItem)]
    yield from _listed("a test of", "of the assets", wanted, frozenset(asset for asset, _, _ in seen))
    if options.depth is Depth.SHALLOW:
        return
    yield from _listed("a test in", f"of {len(categories(ledger))} OWASP categories", [*categories(ledger)], owasp)
    yield from _listed("a test for", f"of {len(threats(ledger))} threats", [*threats(ledger)], stride)
    yield from _listed("a test by", "of the four personas", [*Attacker], personas)
    if options.depth is Depth.DEEP:
        left = [cell for cell in cells(ledger) if cell not in seen]
        yield from _listed("a test of the cell", "cells", [cell_words(cell) for cell in left], frozenset())


def cell_words(cell: Cell) -> str:
    """Return a cell in words."""
    asset, boundary, threat = cell
    return f"{threat} of {asset} across {boundary}"


def _listed(what: str, of: str, wanted: list[str], there: frozenset[str]) -> Iterator[str]:
    left = [str(one) for one in wanted if one not in there]
    if left:
        more = f" and {len(left) - 6} more" if len(left) > 6 else ""
        yield f"{what} {', '.join(left[:6])}{more} ({len(left)} {of} left)"
