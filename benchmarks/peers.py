"""Rules of decision other than the product's, for comparison; each says where it comes from."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Self

from autoresearch_mcp.tools.decision.exact import Median, loses, wins
from autoresearch_mcp.tools.decision.gain import Gain
from autoresearch_mcp.tools.decision.judging import (
    NO_THRESHOLD,
    UNMEASURED,
    Arm,
    Finding,
    Judge,
    Step,
    Threshold,
)
from autoresearch_mcp.tools.decision.scatter import UNLEARNT, Scatter, middle, own
from autoresearch_mcp.tools.decision.seeded import FIRST, LATER
from autoresearch_mcp.tools.decision.stakes import NORMAL, longer

SCORE = 2.0
"""Median absolute deviations that the MAD ratio asks for."""
AGREEING = 0.01
"""How far, as a share of the first run, the confirming run of a least difference may lie from it."""
BLOCKS = (10, 20)
"""Blocks after which the signed ranks are looked at."""
CHANCE = 0.01
"""Chance of a false keep that signed ranks allow each try, half of it at either look."""
DUET_BAR, LEAST_PAIRS, DUET_PRIOR = 3.6, 3, 2.0
"""The race's bar, the pairs that a keep needs, and how large effects are expected to be: variance, in differences' own."""


@dataclass(frozen=True)
class Confirmed(Median):
    """The median, and one more run that has to win by itself (Claude Autoresearch's noise handling)."""

    def finding(self) -> Finding:
        """Decide by the median, then by the confirmation."""
        found = super().finding()
        if found.step is not Step.BETTER:
            return found
        if len(self.candidate) == self.runs:
            return Finding(Step.CANDIDATE, f"{found.why} One run to confirm.", found.gain)
        again = self.level - self.candidate[-1]
        if not wins(again, self.threshold):
            return Finding(Step.NOT_BETTER, f"The confirming run was only {again:.4g} better.", found.gain)
        return found


@dataclass(frozen=True)
class MinDelta(Median):
    """One run, ahead by at least the smallest effect, and a second that agrees with it to a hundredth of its value.

    Claude Autoresearch's min-delta with its confirmation run, as the single document of its 2.0 has them.
    """

    runs: int = 1

    def finding(self) -> Finding:
        """Decide by the first run, then by how near the second lies."""
        found = super().finding()
        if found.step is not Step.BETTER:
            return found
        if len(self.candidate) == 1:
            return Finding(Step.CANDIDATE, f"{found.why} One run to confirm.", found.gain)
        first, second = self.candidate
        agrees = abs(second - first) < AGREEING * abs(first)
        return found if agrees else Finding(Step.NOT_BETTER, "The confirming run disagrees.", found.gain)


@dataclass(frozen=True)
class MadRatio:
    """One run, kept if it is ahead by twice the median absolute deviation of all runs so far (pi-autoresearch's score)."""

    level: float
    values: tuple[float, ...]
    threshold: Threshold = NO_THRESHOLD
    candidate: tuple[float, ...] = ()
    doubt: float = 0.0

    @property
    def spread(self) -> float:
        """Median absolute deviation of the session's runs, its own improvements included."""
        return deviation(self.values)

    def open(self, threshold: Threshold) -> MadRatio:
        """Begin a new proposal."""
        return replace(self, threshold=threshold, candidate=())

    def see(self, arm: Arm, value: float, seed: int = 0, moved: bool = False) -> MadRatio:
        """Take one more run in."""
        seen = replace(self, values=(*self.values, value))
        return seen if arm is Arm.INCUMBENT else replace(seen, candidate=(value,))

    def finding(self) -> Finding:
        """Decide by the ratio."""
        if not self.candidate:
            return UNMEASURED
        gain = self.level - self.candidate[-1]
        bar = SCORE * self.spread if len(self.values) >= 3 else 0.0
        why = f"{gain:.4g} better; {bar:.4g} needed, which is {SCORE:g} median absolute deviations."
        if wins(gain, self.threshold) and gain >= bar:
            return Finding(Step.BETTER, why, gain)
        return Finding(loses(gain, self.threshold), why, gain)

    def close(self, kept: bool) -> MadRatio:
        """End the proposal as kept or not."""
        level = self.candidate[-1] if kept else self.level
        return replace(self, level=level, threshold=NO_THRESHOLD, candidate=())


def deviation(values: Sequence[float]) -> float:
    """Median absolute deviation from the median."""
    centre = statistics.median(values)
    return statistics.median([abs(value - centre) for value in values])


@dataclass(frozen=True)
class _Peer:
    """What the other rules have in common: the runs of one try."""

    level: float = 0.0
    spread: float = 0.0
    doubt: float = 0.0
    tries: int = 0
    candidate: tuple[float, ...] = ()
    incumbent: tuple[float, ...] = ()

    def open(self, threshold: Threshold) -> Self:
        """Begin a new proposal."""
        return replace(self, tries=self.tries + 1, candidate=(), incumbent=())

    def see(self, arm: Arm, value: float, seed: int = 0, moved: bool = False) -> Self:
        """Take one more run in."""
        if arm is Arm.CANDIDATE:
            return replace(self, candidate=(*self.candidate, value))
        return replace(self, incumbent=(*self.incumbent, value))

    def close(self, kept: bool) -> Self:
        """End the proposal; a rule that never runs the incumbent again remembers the runs of the change."""
        return replace(self, level=statistics.fmean(self.candidate)) if kept else self

    @property
    def differences(self) -> list[float]:
        """How far each run of the change lies below the incumbent's beside it."""
        return [theirs - ours for theirs, ours in zip(self.incumbent, self.candidate, strict=False)]


class TwoSigma(_Peer):
    """One run, kept if it is ahead by two standard deviations, as the baseline's two runs gave them.

    After a proposal to Karpathy's autoresearch (pull request 560).
    """

    def finding(self) -> Finding:
        """Decide by the bar."""
        if not self.candidate:
            return UNMEASURED
        return _found(self.level - self.candidate[0], 2 * self.spread)


class PairedT(_Peer):
    """Five runs of either arm in turn, and Student's t of the differences: 2.132 is the one-sided 5 % bar for five."""

    def finding(self) -> Finding:
        """Decide after five pairs."""
        if len(self.incumbent) < 5:
            return _next(Arm.INCUMBENT if len(self.candidate) > len(self.incumbent) else Arm.CANDIDATE)
        gains = self.differences
        return _found(statistics.fmean(gains), 2.132 * statistics.stdev(gains) / math.sqrt(5))


class SignedRank(_Peer):
    """Blocks of one run of either arm in random order, and the exact one-sided test of the differences' signed ranks.

    It looks after ten blocks and after twenty, and gives up after ten that do not put the change ahead. A design from the
    textbooks of experiments (F. Wilcoxon 1945); the constants are chosen here.
    """

    def finding(self) -> Finding:
        """Decide at a look, or ask for the next run of a block."""
        ours, theirs = len(self.candidate), len(self.incumbent)
        if ours != theirs:
            return _next(Arm.CANDIDATE if ours < theirs else Arm.INCUMBENT)
        if ours in BLOCKS:
            gain, chance = statistics.fmean(self.differences), signed_rank(self.differences)
            if chance <= CHANCE / len(BLOCKS):
                return Finding(Step.BETTER, "", gain)
            if ours == BLOCKS[-1] or chance > 0.5:
                return Finding(Step.NOT_BETTER, "", gain)
        return _next(Random(f"try {self.tries}, block {ours}").choice(list(Arm)))


@dataclass(frozen=True)
class Duet(_Peer):
    """Both arms at once, pair after pair: what the machine does to one run of a pair it does to the other.

    The product's floors for differences, and the race's cap and bar, for logarithms; the scatter is learnt as there.
    The idea is that of duet benchmarking (L. Bulej et al. 2020). `squares` and `degrees` are of all differences so far.
    """

    squares: float = 0.0
    degrees: int = 1
    scatter: Scatter = UNLEARNT

    @property
    def _sigma(self) -> float:
        return max(1e-6, math.sqrt(self.squares / self.degrees))

    @property
    def _logarithms(self) -> list[float]:
        return _in_percent(self.incumbent, self.candidate)

    def finding(self) -> Finding:
        """Decide after each pair."""
        ours, pairs = len(self.candidate), len(self.incumbent)
        seed = 1000 * self.tries + pairs
        if ours > pairs:
            return Finding(Step.INCUMBENT, "", seed=seed)
        if not pairs:
            return Finding(Step.CANDIDATE, "", seed=seed)
        gains, sigma = self._logarithms, self._sigma
        share = DUET_PRIOR / (DUET_PRIOR + 1 / pairs)
        gain = share * middle(gains, sigma)
        claim = Gain(True, gain / 100, share * sigma**2 / pairs / 100**2)
        found = Finding(Step.NOT_BETTER, "", statistics.fmean(self.differences), claim=claim, seed=seed)
        if pairs >= LEAST_PAIRS and self.scatter.paired(gains, sigma) >= DUET_BAR + longer(self.tries):
            return replace(found, step=Step.BETTER)
        hopeless = gain < (FIRST if pairs == 1 else LATER) * sigma / math.sqrt(2)
        return found if hopeless or 2 * pairs >= NORMAL.cap else replace(found, step=Step.CANDIDATE)

    def close(self, kept: bool) -> Self:
        """Learn how much differences scatter, and how much that of one change may differ from it."""
        seen = own(self._logarithms)
        scatter = self.scatter.learnt(seen, self._sigma**2)
        return replace(self, squares=self.squares + seen.squares, degrees=self.degrees + seen.degrees, scatter=scatter)


def duet_from(values: Sequence[float]) -> Duet:
    """Begin after pairs of runs of the incumbent beside itself."""
    seen = own(_in_percent(values[::2], values[1::2]))
    return Duet(squares=seen.squares, degrees=seen.degrees)


def _in_percent(these: Sequence[float], those: Sequence[float]) -> list[float]:
    pairs = zip(these, those, strict=False)
    return [100 * math.log(max(theirs, 1e-9) / max(ours, 1e-9)) for theirs, ours in pairs]


def signed_rank(differences: Sequence[float]) -> float:
    """Return the chance of ranks so far on the positive side if each sign were a toss of a coin: Wilcoxon's test.

    One-sided and exact: counted out over all signs, with the mean rank where sizes are equal. Differences of 0 are left out.
    """
    sizes = [abs(value) for value in differences if value]
    doubled = [sum(2 * (other < size) + (other == size) for other in sizes) + 1 for size in sizes]
    signs = [value > 0 for value in differences if value]
    reached = sum(rank for rank, positive in zip(doubled, signs, strict=True) if positive)
    width = (
        len(sizes) + 2
    )  # bits that hold the number of ways to reach one sum: the sums stand side by side in one number
    ways = 1
    for rank in doubled:
        ways += ways << width * rank
    return (ways >> width * reached) % ((1 << width) - 1) / (1 << len(sizes))


def _next(arm: Arm) -> Finding:
    return Finding(Step.CANDIDATE if arm is Arm.CANDIDATE else Step.INCUMBENT, "")


def _found(gain: float, bar: float) -> Finding:
    return Finding(Step.BETTER if gain > 0 and gain >= bar else Step.NOT_BETTER, "", gain)


def two_sigma_from(values: Sequence[float]) -> Judge:
    """Begin after two runs of the incumbent."""
    return TwoSigma(statistics.fmean(values), statistics.stdev(values))
