"""What the runs of a session have shown of the incumbent and of the change on trial, run by run, on a machine that may move.

A surprising run is not taken in before a second one has told whether the machine moved or the run was freakish.
"""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass, replace
from typing import Self

from .judging import Arm
from .noise import CLIP, Bank
from .scale import LINEAR, Scale
from .stakes import NORMAL, Stakes
from .turns import FAR, NO_TURNS, Turns

SURPRISE = 3.0
"""Standard deviations of a single run that the machine may have caused rather than the change."""
ROW, ROW_RUNS = 1.5, 3
"""So many first runs in a row, each so many standard deviations worse, are one surprise together."""


@dataclass(frozen=True)
class Following:
    """Takes runs in, one after the other.

    Bank and turns are on the `scale`; whatever goes in and comes out is in the metric's unit. `pairs` are squares and
    degrees of paired differences of earlier races, `lost` is what simplifications have lost. `quiet` counts tries since the
    incumbent ran, `worse` first runs in a row that were a little worse; `before` is what was known before the change ran.
    """

    bank: Bank
    scale: Scale = LINEAR
    stakes: Stakes = NORMAL
    pairs: tuple[float, float] = (0.0, 0.0)
    lost: float = 0.0
    turns: Turns = NO_TURNS
    before: Bank | None = None
    quiet: int = 0
    worse: int = 0

    @property
    def level(self) -> float:
        """The incumbent's level now."""
        return self.scale.outer(self.bank.best.level)

    @property
    def doubt(self) -> float:
        """Standard error of the level."""
        return self._worth(self.bank.sigma * math.sqrt(self.bank.best.covariance[0]))

    @property
    def spread(self) -> float:
        """Standard deviation of one run."""
        return self._worth(self.bank.sigma)

    @property
    def counted(self) -> tuple[int, int]:
        """How many of the latest runs count, of the change and of the incumbent: those since the machine moved."""
        return len(self.turns.candidate), len(self.turns.incumbent)

    def _worth(self, gain: float) -> float:
        return self.scale.worth(self.bank.best.level, gain)

    def see(self, arm: Arm, value: float, seed: int = 0, moved: bool = False) -> Self:
        """Take one more run in."""
        if not self.scale.fits(value):
            return self._linear().see(arm, value, seed, moved)
        value = self.scale.inner(value)
        if arm is Arm.INCUMBENT:
            racing = bool(self.turns.seeds)  # else it looks after the level before the race
            turns = replace(self.turns, their_seeds=(*self.turns.their_seeds, seed)) if racing else self.turns
            return replace(self, turns=turns)._incumbent(value)
        if self.turns.held is not None:  # a run from before this rule began: nobody asked it for the incumbent's
            return self._met(self.turns.held)._further(value, seed)
        if not self.turns.candidate:
            return replace(self, turns=replace(self.turns, seeds=(*self.turns.seeds, seed), moved=moved))._first(value)
        return self._further(value, seed)

    def _further(self, value: float, seed: int) -> Self:
        turns = replace(self.turns, seeds=(*self.turns.seeds, seed), candidate=(*self.turns.candidate, value))
        return replace(self, bank=self._placed(turns) or self.bank.fed(value, Arm.CANDIDATE), turns=turns)

    def _linear(self) -> Self:
        """Compare by differences from now on: a number has come that has no ratio to the others."""
        factor, out = self.scale.steepness(self.bank.best.level), self.scale.outer
        return replace(
            self,
            bank=self.bank.scaled(factor, out),
            scale=LINEAR,
            pairs=(self.pairs[0] * factor**2, self.pairs[1]),
            lost=self.lost * factor,
            turns=self.turns.placed(out),
            before=self.before and self.before.scaled(factor, out),
        )

    def _first(self, value: float) -> Self:
        """Take in the first run of a change, or hold it back until the incumbent has shown whether the machine moved."""
        surprise = self.bank.passed().surprise(value)
        worse = self.worse + 1 if surprise > ROW else 0
        if (abs(surprise) > SURPRISE or worse >= ROW_RUNS or self.turns.moved) and not self._last:
            return replace(self, turns=replace(self.turns, held=value), worse=worse)
        return replace(self._met(value), worse=worse)

    @property
    def _last(self) -> bool:
        """Whether no run may follow the one that comes."""
        return sum(self.counted) + 1 >= self.stakes.cap

    def _met(self, value: float, **limit: float) -> Self:
        turns = replace(self.turns, candidate=(value,), held=None)
        return replace(self, bank=self.bank.met(value, **limit), turns=turns, before=self.bank)

    def _incumbent(self, value: float) -> Self:
        turns = self.turns
        if turns.held is not None:
            return self._after_surprise(turns.held, value)
        if turns.doubted is not None:
            return self._doubted_again(turns.doubted, value)
        if abs(self.bank.passed().surprise(value)) > SURPRISE and not self._last:
            return replace(self, turns=replace(turns, doubted=value))
        return self._fed(value)

    def _fed(self, value: float, limit: float = CLIP) -> Self:
        fed = replace(self, bank=self.bank.fed(value, Arm.INCUMBENT, limit), quiet=0)
        if not self.turns.candidate and self.turns.held is None:  # it looks after the level before the race
            return fed
        return replace(fed, turns=replace(self.turns, incumbent=(*self.turns.incumbent, value)))

    def _after_surprise(self, held: float, value: float) -> Self:
        """Decide whether it was the machine: then the incumbent is surprising too, and on the same side as the change was,
        unless a gain hides the move.
        """
        row, now = self.worse >= ROW_RUNS, self.bank.passed()
        together = self.turns.moved or now.surprise(value) * now.surprise(held) > 0
        alone = abs(now.surprise(value))
        if together and alone > (ROW if row else SURPRISE):
            bank, turns = self.bank.moved(value, 1.0), replace(self.turns, incumbent=(value,))
            moved = replace(self, bank=bank, turns=turns, quiet=0, worse=0)
            if abs(held - value) > FAR * bank.sigma:  # the effect's prior would put much of it down to the level
                placed = replace(turns, candidate=(held,), held=None)
                return replace(moved, bank=bank.passed().placed(held, 1), turns=placed, before=bank)
            return moved._met(held, limit=math.inf)
        return replace(self._fed(value), worse=0)._met(held)

    def _doubted_again(self, doubted: float, value: float) -> Self:
        """Decide whether the level moved, one run was freakish, or runs scatter more than was thought, as two far ones do that do
        not agree; a race from before a move says nothing any more.
        """
        now, calm = self.bank.passed(), replace(self, turns=replace(self.turns, doubted=None))
        if abs(now.surprise(value)) <= SURPRISE:
            return calm._fed(doubted)._fed(value)
        if abs(value - doubted) > SURPRISE * math.sqrt(2) * self.bank.sigma:
            return calm._fed(doubted, limit=math.inf)._fed(value, limit=math.inf)
        bank = self.bank.moved((doubted + value) / 2, 0.5)
        if not self.turns.candidate:
            return replace(self, bank=bank, turns=replace(self.turns, doubted=None), quiet=0, worse=0)
        spent = Turns(spent=self.turns.count + 2)
        return replace(self, bank=bank.opened(), turns=spent, before=None, quiet=0, worse=0)

    def _placed(self, turns: Turns) -> Bank | None:
        """Take an effect far off at its word. Of the noise its runs taught nothing: they were surprises by their size."""
        if self.before is None or not turns.far_off(self.bank.best.level, self.bank.sigma):
            return None
        bank = self.before
        for value in turns.incumbent:
            bank = bank.fed(value, Arm.INCUMBENT)
        return bank.passed().placed(statistics.median(turns.candidate), len(turns.candidate))
