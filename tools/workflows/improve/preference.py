"""An order out of comparisons of two: what follows from what, which pairs are open, and where they run in a circle."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping


def latest(pairs: Iterable[tuple[str, str]]) -> dict[frozenset[str], tuple[str, str]]:
    """The last word on each pair, as (better, worse)."""
    return {frozenset(pair): pair for pair in pairs}


def below(pairs: Collection[tuple[str, str]]) -> dict[str, set[str]]:
    """All that each name comes before, directly or through others."""
    found: dict[str, set[str]] = {name: set() for pair in pairs for name in pair}
    for better, worse in pairs:
        found[better].add(worse)
    for middle, beyond in found.items():
        for reached in found.values():
            if middle in reached:
                reached |= beyond
    return found


def circle(pairs: Collection[tuple[str, str]]) -> tuple[str, ...]:
    """The names of a shortest circle in these comparisons, in their order; empty without one."""
    after: dict[str, list[str]] = {}
    for better, worse in pairs:
        after.setdefault(better, []).append(worse)
    circles = [path for start in sorted(after) if (path := _back_to(start, after))]
    return min(circles, key=len, default=())


def _back_to(start: str, after: Mapping[str, list[str]]) -> tuple[str, ...]:
    """The shortest way from a name back to itself."""
    ways: list[tuple[str, ...]] = [(start,)]
    seen: set[str] = set()
    while ways:
        way = ways.pop(0)
        for name in after.get(way[-1], []):
            if name == start:
                return way
            if name not in seen:
                seen.add(name)
                ways.append((*way, name))
    return ()


def undecided(names: Collection[str], pairs: Collection[tuple[str, str]]) -> list[tuple[str, str]]:
    """The pairs of names of which neither comes before the other."""
    reach = below(pairs)
    ordered = sorted(names, key=_number)
    return [
        (one, other)
        for place, one in enumerate(ordered)
        for other in ordered[place + 1 :]
        if other not in reach.get(one, set()) and one not in reach.get(other, set())
    ]


def order(names: Collection[str], pairs: Collection[tuple[str, str]]) -> list[str]:
    """The names, those first that come before most others; equals by number."""
    reach = below(pairs)
    return sorted(names, key=lambda name: (-len(reach.get(name, set()) & set(names)), _number(name)))


def _number(name: str) -> tuple[int, str]:
    digits = "".join(letter for letter in name if letter.isdigit())
    return int(digits or 0), name
