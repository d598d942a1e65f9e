"""What of a security audit was tested: the matrix of STRIDE, assets and boundaries, and the ten OWASP categories."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from ..ledger.items import Cited, Depth, Severity
from ..ledger.state import Ledger, LedgerEntry
from .findings import last_audit
from .items import AssetItem, BoundaryItem, Owasp, SecurityOptions, Stride, ThreatTest

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
    return tuple((asset, boundary, threat) for (asset, boundary), threat in product(pairs(ledger), Stride))


def tested(ledger: Ledger) -> frozenset[Cell]:
    """Return the cells that an item tested."""
    return frozenset(entry.item.cell for entry in trials(ledger))


def covered(ledger: Ledger) -> frozenset[Owasp]:
    """Return the OWASP categories that at least one test had."""
    return frozenset(entry.item.owasp for entry in trials(ledger))


def looked_at(ledger: Ledger) -> frozenset[str]:
    """Return the files that any item cites."""
    return frozenset(entry.item.path for entry in ledger.standing if isinstance(entry.item, Cited))


def untested(ledger: Ledger) -> Iterator[str]:
    """Yield what no test has looked at, each as a sentence: a boundary, or an asset; of an audit of what changed a file."""
    options = ledger.opts(SecurityOptions)
    changed = last_audit(ledger).changed if options.diff else None
    if changed is not None:
        yield from _listed("a test that cites", "of the changed files", [*changed], looked_at(ledger))
        return
    seen = tested(ledger)
    boundaries = [entry.id for entry in ledger.of(BoundaryItem)]
    yield from _listed("a test at", "of the boundaries", boundaries, frozenset(boundary for _, boundary, _ in seen))
    precious = [entry.id for entry in ledger.of(AssetItem) if entry.item.asset.priority is Severity.CRITICAL]
    wanted = precious if options.depth is Depth.SHALLOW else [entry.id for entry in ledger.of(AssetItem)]
    yield from _listed("a test of", "of the assets", wanted, frozenset(asset for asset, _, _ in seen))


def cell_words(cell: Cell) -> str:
    """Return a cell in words."""
    asset, boundary, threat = cell
    return f"{threat} of {asset} across {boundary}"


def _listed(what: str, of: str, wanted: list[str], there: frozenset[str]) -> Iterator[str]:
    left = [str(one) for one in wanted if one not in there]
    if left:
        more = f" and {len(left) - 6} more" if len(left) > 6 else ""
        yield f"{what} {', '.join(left[:6])}{more} ({len(left)} {of} left)"
