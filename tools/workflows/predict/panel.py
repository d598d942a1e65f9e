"""A panel as its ledger makes it: positions, rounds, votes and what they add up to."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from ..ledger.evidence import RELATED, SAME, likeness
from ..ledger.items import Confidence, Depth, Settlement, Severity, split_location
from ..ledger.state import Ledger, LedgerEntry
from .items import CONTRARIAN, Challenge, Choice, Done, PersonaVote, PredictFinding, PredictOptions, Revision, seats

AGREED_FROM, PROBABLE_FROM = 0.6, 0.4
LOW_ENTROPY, HIGH_FLIPS = 0.3, 0.8
"""Below the one and above the other, agreement looks like following the herd."""
SEATS = {Depth.SHALLOW: 3, Depth.STANDARD: 5, Depth.DEEP: 8}
ROUNDS = {Depth.SHALLOW: 1, Depth.STANDARD: 2, Depth.DEEP: 3}


class VoteOutcome(StrEnum):
    """What the votes made of a position."""

    AGREED = "agreed"
    PROBABLE = "probable"
    MINORITY = "minority"
    DISCARDED = "discarded"
    OPEN = "open"


Ballots = Mapping[str, Choice]
"""The votes on one position in one round, by voter."""


def agreement(votes: Ballots, voters: int) -> float:
    """The share of all voters that confirm, 0 to 1. An abstention is a voter who does not confirm, so it never lifts the share."""
    return sum(vote is Choice.CONFIRM for vote in votes.values()) / voters if voters else 0.0


def standing(share: float) -> VoteOutcome:
    """What a share of confirming voters makes of a position: the ancestor's 3, 2 and 1 of 5, as fractions."""
    if share >= AGREED_FROM:
        return VoteOutcome.AGREED
    if share >= PROBABLE_FROM:
        return VoteOutcome.PROBABLE
    return VoteOutcome.MINORITY if share > 0 else VoteOutcome.DISCARDED


def entropy(votes: Iterable[Choice]) -> float:
    """Shannon's entropy of votes in bits (Shannon 1948): 0 when all are the same, log2 3 = 1.58 at most."""
    counts = Counter(votes)
    total = counts.total()
    return abs(sum(-count / total * math.log2(count / total) for count in counts.values()))


def mean_entropy(round: Sequence[Ballots]) -> float:
    """The mean entropy of the positions of one round: how mixed the votes on one position are, 0 without any."""
    return sum(entropy(votes.values()) for votes in round) / len(round) if round else 0.0


def flips(before: Ballots, after: Ballots) -> tuple[int, int]:
    """How many voters went from one side to the other between two rounds, of how many that took a side in both."""
    sides = [(before[voter], vote) for voter, vote in after.items() if voter in before]
    chances = [pair for pair in sides if Choice.ABSTAIN not in pair]
    return sum(one is not other for one, other in chances), len(chances)


def unanimous(round: Sequence[Ballots]) -> bool:
    """Whether no position of a round was both confirmed and disputed."""
    return bool(round) and not any({Choice.CONFIRM, Choice.DISPUTE} <= set(votes.values()) for votes in round)


@dataclass(frozen=True)
class Position:
    """One finding to vote on: what several personas said of the same thing, under the id of the oldest, at the highest severity."""

    members: tuple[LedgerEntry[PredictFinding], ...]
    severity: Severity
    confidence: Confidence
    withdrawn: bool

    @property
    def id(self) -> str:
        return self.members[0].id

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(entry.id for entry in self.members)

    @property
    def first(self) -> PredictFinding:
        return self.members[0].item

    @property
    def authors(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(entry.item.persona for entry in self.members))


@dataclass(frozen=True)
class Herd:
    """Whether agreement looks like following each other: entropy in bits, flips as a share of those who could."""

    entropy: float
    flipped: float

    @property
    def suspected(self) -> bool:
        return self.entropy < LOW_ENTROPY and self.flipped > HIGH_FLIPS


class Panel:
    """One ledger of findings, debates and votes, read once."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        options = ledger.opts(PredictOptions)
        self.seats = seats(options.adversarial, options.personas or SEATS[options.depth])
        self.planned = options.rounds or ROUNDS[options.depth]
        self.limit = math.ceil(options.budget / len(self.seats))
        self.contrarian = next(name for name in self.seats if name in CONTRARIAN)
        done = {one.persona for one in ledger.items(Done)}
        self.waiting = tuple(name for name in self.seats if name not in done)
        self.all = _positions(ledger)
        self.live = tuple(position for position in self.all if not position.withdrawn)
        self.rounds_done = self._rounds_done()

    @property
    def sealed(self) -> bool:
        """Whether findings are kept from one another still."""
        return bool(self.waiting)

    @property
    def finished(self) -> bool:
        """Whether the last vote is in."""
        return not self.sealed and self.rounds_done >= self.planned

    @property
    def round(self) -> int:
        """The round that is going on, from 1."""
        return self.rounds_done + 1

    def of(self, id: str) -> Position | None:
        """The position that a finding belongs to."""
        return next((position for position in self.all if id in position.ids), None)

    def by(self, persona: str) -> tuple[LedgerEntry[PredictFinding], ...]:
        """What one persona found."""
        return tuple(entry for entry in self.ledger.of(PredictFinding) if entry.item.persona == persona)

    def votes(self, position: Position, round: int) -> Ballots:
        """The votes on a position in a round."""
        cast = [vote for vote in self.ledger.items(PersonaVote) if vote.round == round and position.id in vote.of]
        return {vote.persona: vote.vote for vote in cast}

    def ballot(self, persona: str) -> tuple[Position, ...]:
        """What a persona has yet to vote on in this round, the worst first."""
        left = [position for position in self.live if persona not in self.votes(position, self.round)]
        return tuple(sorted(left, key=lambda position: position.severity.rank))

    def share(self, position: Position) -> float | None:
        """The share of the panel that confirms a position, by the last complete round; None before the first."""
        if not self.rounds_done or position.withdrawn:
            return None
        return agreement(self.votes(position, self.rounds_done), len(self.seats))

    def standing(self, position: Position) -> VoteOutcome:
        """What the last complete round made of a position. Under suspicion of a herd nothing that ever had a voice is dropped."""
        share = self.share(position)
        if share is None:
            return VoteOutcome.DISCARDED if position.withdrawn else VoteOutcome.OPEN
        if share == 0 and self.herd.suspected and self._ever_confirmed(position):
            return VoteOutcome.MINORITY
        return standing(share)

    def challenges(self, position: Position) -> tuple[LedgerEntry[Challenge], ...]:
        """What was said against a position, the oldest first."""
        return tuple(entry for entry in self.ledger.of(Challenge) if entry.item.of in position.ids)

    def answers(self, position: Position) -> tuple[LedgerEntry[Revision], ...]:
        """What its authors answered."""
        return tuple(entry for entry in self.ledger.of(Revision) if entry.item.of in position.ids)

    def majority(self) -> tuple[Position, ...]:
        """The positions that have to be doubted before the next vote: those that the panel confirmed in the last round, and before
        the first all, since nobody has spoken against them. What the contrarian itself found is not among them.
        """
        others = [position for position in self.live if self.contrarian not in position.authors]
        held = [position for position in others if (self.share(position) or 0.0) >= AGREED_FROM]
        return tuple(held if self.rounds_done else others)

    def doubted(self) -> int:
        """How many of these the contrarian has challenged."""
        return sum(any(one.item.persona == self.contrarian for one in self.challenges(p)) for p in self.majority())

    def owed(self) -> tuple[str, ...]:
        """What has to be said before the next vote, or before the end."""
        held = self.majority()
        short = math.ceil(len(held) / 2) - self.doubted()
        ids = ", ".join(position.id for position in held)
        doubts = f"{self.contrarian} challenges half of the majority positions ({ids}): {short} more"
        agreed = self.rounds_done and unanimous([self.votes(p, 1) for p in self.live]) and not self._countered()
        counter = "a counter-argument: round 1 agreed on everything, so somebody has to challenge what was agreed"
        return (*([doubts] if short > 0 else []), *([counter] if agreed else []))

    @property
    def herd(self) -> Herd:
        """The check against following each other."""
        last = [self.votes(position, self.rounds_done) for position in self.live] if self.rounds_done else []
        pairs = [
            flips(self.votes(position, one), self.votes(position, one + 1))
            for position in self.live
            for one in range(1, self.rounds_done)
        ]
        chances = sum(of for _, of in pairs)
        return Herd(mean_entropy(last), sum(count for count, _ in pairs) / chances if chances else 0.0)

    def outcome(self, position: Position) -> tuple[Settlement, str] | None:
        """What later work found about a position, and where that stands; None so far."""
        settled = [self.ledger.overruled[id] for id in position.ids if id in self.ledger.overruled]
        return (settled[-1].outcome, settled[-1].by) if settled else None

    def _rounds_done(self) -> int:
        if self.sealed:
            return 0
        voted = [
            all(len(self.votes(position, number)) == len(self.seats) for position in self.live)
            for number in range(1, self.planned + 1)
        ]
        return voted.index(False) if False in voted else self.planned

    def _countered(self) -> bool:
        """Whether a challenge came after the last vote of round 1."""
        kinds = [entry.item for entry in self.ledger.entries]
        voted = max(place for place, one in enumerate(kinds) if isinstance(one, PersonaVote) and one.round == 1)
        return any(isinstance(one, Challenge) for one in kinds[voted:])

    def _ever_confirmed(self, position: Position) -> bool:
        return any(agreement(self.votes(position, one), 1) for one in range(1, self.rounds_done + 1))


def _positions(ledger: Ledger) -> tuple[Position, ...]:
    groups: list[list[LedgerEntry[PredictFinding]]] = []
    for entry in ledger.of(PredictFinding):
        same = next((group for group in groups if _belongs(entry.item, [other.item for other in group])), None)
        if same is None:
            groups.append([entry])
        else:
            same.append(entry)
    return tuple(_position(ledger, group) for group in groups)


def _belongs(one: PredictFinding, group: Sequence[PredictFinding]) -> bool:
    """Whether a finding says what a group of findings by other personas says."""
    return one.persona not in {other.persona for other in group} and any(_same(one, other) for other in group)


def _same(one: PredictFinding, other: PredictFinding) -> bool:
    """The same words in one file; or lines in common, and either about one thing or of one kind with a word in common."""
    (here, first, last), (there, begin, end) = split_location(one.location), split_location(other.location)
    if here != there:
        return False
    alike = likeness(one.summary, other.summary)
    related = alike >= RELATED or (alike > 0 and one.category is other.category)
    return alike >= SAME or (related and first <= end and begin <= last)


def _position(ledger: Ledger, group: Sequence[LedgerEntry[PredictFinding]]) -> Position:
    revised = {entry.id: [one for one in ledger.items(Revision) if one.of == entry.id] for entry in group}
    gone = {id for id, answers in revised.items() if any(one.withdrawn for one in answers)}
    left = [entry for entry in group if entry.id not in gone] or list(group)
    severities = [([one.severity for one in revised[e.id] if one.severity] or [e.item.severity])[-1] for e in left]
    sure = [([one.confidence for one in revised[e.id] if one.confidence] or [e.item.confidence])[-1] for e in left]
    return Position(
        members=tuple(group),
        severity=min(severities, key=lambda one: one.rank),
        confidence=min(sure, key=list(Confidence).index),
        withdrawn=len(gone) == len(group),
    )
