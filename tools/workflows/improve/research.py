"""Derive rounds, new insights, their evidence and the order of the must-haves from a ledger of research."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from urllib.parse import urlsplit

from ..ledger.evidence import SAME, WINDOW, dry_for, likeness
from ..ledger.state import Ledger, LedgerEntry
from .items import (
    Belief,
    Comparison,
    ImportanceTier,
    ImproveCategory,
    ImproveOptions,
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


class Research:
    """One ledger of research, read once: rounds, insights that count, ranks, and the order of the must-haves."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.options = ledger.opts(ImproveOptions)
        self.rounds = _rounds(ledger)
        found = ledger.of(ProblemInsight)
        over = sum(len(insights) for _, insights in self.rounds)
        self.open_round = found[over:]
        """The insights since the last round ended."""
        self.insights = found[:over] if ledger.closed else found
        """Those that count: a round that was not ended when the ledger was closed does not."""
        self.new_a_round = [sum(one.item.newness is Newness.NEW for one in some) for _, some in self.rounds]
        taken = {entry.item.category for entry, _ in self.rounds}
        self.categories_left = [category for category in ImproveCategory if category not in taken]
        self.dry_rounds = min(WINDOW, dry_for(self.new_a_round[RESERVED:], THRESHOLD))
        self.ranks = {item.insight: item for item in ledger.items(Rank)}
        """The last rank of each insight."""
        self.unranked = [entry.id for entry in self.insights if entry.id not in self.ranks]
        best = self.ranked(ImportanceTier.MUST_HAVE)
        pairs = latest((item.better, item.worse) for item in ledger.items(Comparison)).values()
        self.compared = [pair for pair in pairs if set(pair) <= set(best)]
        """The comparisons of must-haves that count, as (better, worse)."""
        self.must_haves = order(best, self.compared)
        self.to_specify = self.must_haves[: self.options.features]
        self.documents = {item.insight: item for item in ledger.items(Requirements)}

    @property
    def is_dry(self) -> bool:
        """Whether three rounds in a row, the reserved ones aside, brought fewer than two new insights."""
        return self.dry_rounds == WINDOW

    @property
    def richest(self) -> ImproveCategory:
        """The category with the most new insights so far."""
        found = self.ledger.items(ProblemInsight)
        counts = Counter(one.category for one in found if one.newness is Newness.NEW)
        return max(ImproveCategory, key=lambda category: counts[category])

    @property
    def undecided(self) -> list[tuple[str, str]]:
        """The pairs of must-haves of which neither comes before the other."""
        return undecided(self.must_haves, self.compared)

    def insight(self, id: str) -> ProblemInsight | None:
        """Return an insight by its id."""
        return next((entry.item for entry in self.ledger.of(ProblemInsight) if entry.id == id), None)

    def ranked(self, tier: ImportanceTier) -> list[str]:
        """Return the insights of a tier that serve the customer, in the order of their ranks."""
        ids = {entry.id for entry in self.insights}
        return [id for id, rank in self.ranks.items() if id in ids and rank.serves and rank.tier is tier]

    def same_problem(self, item: ProblemInsight) -> list[LedgerEntry[ProblemInsight]]:
        """Return the insights about the same problem of the same persona, the oldest first."""
        return [
            entry
            for entry in self.ledger.of(ProblemInsight)
            if likeness(entry.item.problem, item.problem) >= SAME and likeness(entry.item.persona, item.persona) >= SAME
        ]

    def sources(self, item: ProblemInsight) -> list[RepositorySource | Reference]:
        """Return what an insight names as its sources."""
        named = (entry.item for id in item.sources if (entry := self.ledger.find(id)))
        return [one for one in named if isinstance(one, RepositorySource | Reference)]

    def independent(self, item: ProblemInsight) -> tuple[int, int]:
        """Count the independent sources of an insight: checked ones, a file counted once; and outside ones, a host or title
        counted once.
        """
        named = self.sources(item)
        files = {one.path for one in named if isinstance(one, RepositorySource)}
        outside = {urlsplit(one.where).hostname or one.where.lower() for one in named if isinstance(one, Reference)}
        return len(files), len(outside)


def _rounds(ledger: Ledger) -> list[tuple[LedgerEntry[ImproveRound], tuple[LedgerEntry[ProblemInsight], ...]]]:
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


def belief(checked: int, outside: int) -> Belief:
    """HIGH from three independent sources on, MEDIUM from two, LOW else; what nothing in the repository bears out is never HIGH."""
    count = checked + outside
    if count >= 3 and checked:
        return Belief.HIGH
    return Belief.MEDIUM if count >= 2 else Belief.LOW


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
