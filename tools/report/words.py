"""Numbers of rows, time spans and sizes in words. Pure."""

from __future__ import annotations

from ..session.results import delta_of
from ..session.short_rows import RowLike


def delta_words(row: RowLike) -> str:
    """Return the distance of a row from what was kept before; a dash without one."""
    return "-" if not row.iteration else delta_of(row)


def duration(seconds: float) -> str:
    """Format a time span in one or two units."""
    if seconds < 0.9995:
        return f"{1000 * seconds:.0f} ms"
    if seconds < 99.5:
        return f"{seconds:.1f} s"
    minutes = seconds / 60
    if minutes < 90:
        return f"{minutes:.0f} min"
    hours, rest = divmod(round(minutes), 60)
    return f"{hours:,} h {rest} min" if hours < 72 else f"{hours / 24:.1f} days"


def size(amount: float) -> str:
    """Format a number of bytes in the unit that suits it."""
    for unit in ("B", "kB", "MB"):
        if amount < 1000:
            return f"{amount:.3g} {unit}"
        amount /= 1000
    return f"{amount:.3g} GB"
