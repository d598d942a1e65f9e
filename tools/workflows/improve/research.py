"""Derive rounds, new insights, their evidence and the order of the must-haves from a ledger of research."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from urllib.parse import urlsplit

from ..ledger.ledger import Ledger, LedgerEntry
from ..ledger.similarity import SAME, likeness, saturated
from .items import (
    Belief,
    Comparison,
    ImportanceTier,
    ImproveCategory,
    ImproveRound,
    Newness,
    ProblemInsight,
    Rank,
    Reference,
    RepositorySource,
    Requirements,
)

RESERVED = len(ImproveCategory)
"""Rounds at the beginning that take one category each, and do not count for saturation."""
THRESHOLD = 2
"""Below so many new insights a round is dry. Source: ancestor."""
MOST_MUST_HAVES = 10


def rounds(ledger: Ledger) -> list[tuple[LedgerEntry[ImproveRound], tuple[LedgerEntry[ProblemInsight], ...]]]:
    """Each round that was ended, with its insights."""
    found: list[tuple[LedgerEntry[ImproveRound], tuple[LedgerEntry[ProblemInsight], ...]]] = []
    held: list[LedgerEntry[ProblemInsight]] = []
    for entry in ledger.entries:
        if isinstance(entry.item, ProblemInsight):
            held.append(entry)  # type: ignore[arg-type]
        if isinstance(entry.item, ImproveRound):
            found.append((entry, tuple(held)))  # type: ignore[arg-type]
            held = []
    return found


def open_round(ledger: Ledger) -> tuple[LedgerEntry[ProblemInsight], ...]:
    """The insights since the last round ended."""
    ended = sum(len(insights) for _, insights in rounds(ledger))
    return ledger.of(ProblemInsight)[ended:]


def kept(ledger: Ledger) -> tuple[LedgerEntry[ProblemInsight], ...]:
    """The insights that count: those of a round that was not ended when the ledger was closed do not."""
    dropped = {entry.id for entry in open_round(ledger)} if ledger.closed else set()
    return tuple(entry for entry in ledger.of(ProblemInsight) if entry.id not in dropped)


def new_a_round(ledger: Ledger) -> list[int]:
    """How many new insights each round brought that was ended."""
    return [sum(entry.item.newness is Newness.NEW for entry in insights) for _, insights in rounds(ledger)]


def is_dry(ledger: Ledger) -> bool:
    """Whether three rounds in a row, the reserved ones aside, brought fewer than two new insights."""
    return saturated(new_a_round(ledger)[RESERVED:], THRESHOLD)


def categories_left(ledger: Ledger) -> list[ImproveCategory]:
    """The categories that no round has taken yet."""
    taken = {entry.item.category for entry, _ in rounds(ledger)}
    return [category for category in ImproveCategory if category not in taken]


def richest(ledger: Ledger) -> ImproveCategory:
    """The category with the most new insights so far."""
    counted = Counter(entry.item.category for entry in ledger.of(ProblemInsight) if entry.item.newness is Newness.NEW)
    return max(ImproveCategory, key=lambda category: counted[category])


def same_problem(ledger: Ledger, item: ProblemInsight) -> list[LedgerEntry[ProblemInsight]]:
    """The insights about the same problem of the same persona, the oldest first."""
    return [
        entry
        for entry in ledger.of(ProblemInsight)
        if likeness(entry.item.problem, item.problem) >= SAME and likeness(entry.item.persona, item.persona) >= SAME
    ]


def same_solution(ledger: Ledger, item: ProblemInsight) -> LedgerEntry[ProblemInsight] | None:
    """An insight that says the same: problem, persona and mechanism."""
    found = (one for one in same_problem(ledger, item) if likeness(one.item.mechanism, item.mechanism) >= SAME)
    return next(found, None)


def independent(ledger: Ledger, item: ProblemInsight) -> tuple[int, int]:
    """How many independent sources back an insight: those that were checked, a file counted once; and outside ones, a host or
    title counted once.
    """
    named = [entry.item for id in item.sources if (entry := ledger.find(id))]
    files = {one.path for one in named if isinstance(one, RepositorySource)}
    outside = {urlsplit(one.where).hostname or one.where.lower() for one in named if isinstance(one, Reference)}
    return len(files), len(outside)


def belief(checked: int, outside: int) -> Belief:
    """HIGH from three independent sources on, MEDIUM from two, LOW else; what nothing in the repository bears out is never HIGH."""
    count = checked + outside
    if count >= 3 and checked:
        return Belief.HIGH
    return Belief.MEDIUM if count >= 2 else Belief.LOW


def ranks(ledger: Ledger) -> dict[str, Rank]:
    """The last rank of each insight."""
    return {item.insight: item for item in ledger.items(Rank)}


def must_haves(ledger: Ledger) -> list[str]:
    """The insights that serve the customer and must be, in the order of the comparisons."""
    ids = {entry.id for entry in kept(ledger)}
    wanted = [
        id for id, rank in ranks(ledger).items() if id in ids and rank.serves and rank.tier is ImportanceTier.MUST_HAVE
    ]
    return order(wanted, compared(ledger, wanted))


def compared(ledger: Ledger, among: list[str]) -> list[tuple[str, str]]:
    """The comparisons that count, of these insights."""
    pairs = latest((item.better, item.worse) for item in ledger.items(Comparison)).values()
    return [pair for pair in pairs if set(pair) <= set(among)]


def documents(ledger: Ledger) -> dict[str, Requirements]:
    """The requirements documents by insight."""
    return {item.insight: item for item in ledger.items(Requirements)}


def insight(ledger: Ledger, id: str) -> ProblemInsight | None:
    """An insight by its id."""
    found = ledger.find(id)
    return found.item if found and isinstance(found.item, ProblemInsight) else None


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
