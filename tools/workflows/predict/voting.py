"""What votes add up to: consensus by fractions of the voters, how mixed the votes are, how many were changed. Plain counts."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum

CONFIRMED_FROM, PROBABLE_FROM = 0.6, 0.4
LOW_ENTROPY, HIGH_FLIPS = 0.3, 0.8
"""Below the one and above the other, agreement looks like following the herd."""


class Choice(StrEnum):
    """What one voter says of a position."""

    CONFIRM = "confirm"
    DISPUTE = "dispute"
    ABSTAIN = "abstain"


class VoteOutcome(StrEnum):
    """What the votes made of a position."""

    CONFIRMED = "confirmed"
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
    if share >= CONFIRMED_FROM:
        return VoteOutcome.CONFIRMED
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
