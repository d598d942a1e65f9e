"""The race: candidate and incumbent are run in turn until the evidence decides.

In two sentences: a change that does not look better after one run is dropped, unless the machine itself may have moved:
then the incumbent is run before the verdict. One that does look better is run in turn with the incumbent, and kept only
when all that is known and the runs in turn both say so, by more the more restless the machine, or their differences do.

The shape (screen, futility bound, sequential test with a high bar, memory of the incumbent) follows sequential analysis
(A. Wald 1945) and group-sequential trials with a futility bound; the bar is calibrated by simulation, because drift and
skew void the textbook's guarantees: `benchmarks/decision.py` and `docs/decision.md` have the figures.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace

from .judging import NO_THRESHOLD, UNMEASURED, Arm, Finding, Step, Threshold, ahead_words, count_runs
from .noise import Bank, calibrated
from .scale import LINEAR, Scale, scale_for
from .scatter import UNLEARNT, Scatter, normal, own
from .stakes import NORMAL, Stakes, longer
from .turns import FAR, LONG, NO_TURNS, Turns

WIDTH = 2.0
"""Standard errors on either side of the estimate: an interval that held nine of ten true effects in simulation."""
SURPRISE = 3.0
"""Standard deviations of a single run that the machine may have caused rather than the change."""
ROW, ROW_RUNS = 1.5, 3
"""So many first runs in a row, each so many standard deviations worse, are one surprise together."""
STEADY = 0.03
"""Drift up to which a machine counts as calm."""
RESTLESS = 0.3
"""Standard errors that the bar rises on a machine that drifts, or where commits differ in scatter."""
IN_TURN_CALM, IN_TURN_RESTLESS = -1.0, 0.5
"""Where the bar of the runs in turn lies from the bar of all that is known."""
PAIRED, LEAST_PAIRS = 0.2, 3
"""How much higher the bar of paired differences lies, and how many pairs it asks for."""
PAIRS_PRIOR, PAIRS_FADE = 6.0, 0.98
"""Runs that the prior of the variance of paired differences is worth, which is that of two independent runs, and what each
race leaves of earlier ones."""
ROOM = 0.75
"""Standard deviations that all simplifications since the last proven improvement may lose together."""
NOT_WORSE = 1.64
"""Standard errors that show a simplification to be within that room: one-sided, 5 %."""


@dataclass(frozen=True)
class Race:
    """One session's race after another. `confidence` is the bar in standard errors, before its length and a restless
    machine raise it.

    Bank and turns are on the `scale`; whatever goes in and comes out is in the metric's unit. `pairs` are squares and
    degrees of paired differences of earlier races, `worse` counts first runs in a row that were a little worse, `before` is
    what was known before the change ran.
    """

    bank: Bank
    scale: Scale = LINEAR
    confidence: float = 3.6
    stakes: Stakes = NORMAL
    scatter: Scatter = UNLEARNT
    pairs: tuple[float, float] = (0.0, 0.0)
    tries: int = 0
    quiet: int = 0
    worse: int = 0
    lost: float = 0.0
    threshold: Threshold = NO_THRESHOLD
    turns: Turns = NO_TURNS
    attempts: int = 0
    before: Bank | None = None

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

    def open(self, threshold: Threshold) -> Race:
        """Begin a new proposal, or a new attempt at the same one."""
        first = self.attempts == 0
        return replace(
            self,
            bank=self.bank.passed().opened(),
            threshold=threshold,
            turns=NO_TURNS,
            before=None,
            quiet=self.quiet + first,
            tries=self.tries + first,
            attempts=self.attempts + 1,
        )

    def see(self, arm: Arm, value: float, seed: int = 0, moved: bool = False) -> Race:
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

    def _further(self, value: float, seed: int) -> Race:
        turns = replace(self.turns, seeds=(*self.turns.seeds, seed), candidate=(*self.turns.candidate, value))
        return replace(self, bank=self._placed(turns) or self.bank.fed(value, Arm.CANDIDATE), turns=turns)

    def _linear(self) -> Race:
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

    def _first(self, value: float) -> Race:
        """Take in the first run of a change, or hold it back until the incumbent has shown whether the machine moved."""
        surprise = self.bank.passed().surprise(value)
        worse = self.worse + 1 if surprise > ROW else 0
        if (abs(surprise) > SURPRISE or worse >= ROW_RUNS or self.turns.moved) and not self._last:
            return replace(self, turns=replace(self.turns, held=value), worse=worse)
        return replace(self._met(value), worse=worse)

    @property
    def _last(self) -> bool:
        """Whether no run may follow the one that comes."""
        return self.turns.count + 1 >= self.stakes.cap

    def _met(self, value: float, **limit: float) -> Race:
        turns = replace(self.turns, candidate=(value,), held=None)
        return replace(self, bank=self.bank.met(value, **limit), turns=turns, before=self.bank)

    def _incumbent(self, value: float) -> Race:
        turns = self.turns
        if turns.held is not None:
            return self._after_surprise(turns.held, value)
        if turns.doubted is not None:
            return self._doubted_again(turns.doubted, value)
        if abs(self.bank.passed().surprise(value)) > SURPRISE and not self._last:
            return replace(self, turns=replace(turns, doubted=value))
        return self._fed(value)

    def _fed(self, value: float) -> Race:
        fed = replace(self, bank=self.bank.fed(value, Arm.INCUMBENT), quiet=0)
        if not self.turns.candidate and self.turns.held is None:  # it looks after the level before the race
            return fed
        return replace(fed, turns=replace(self.turns, incumbent=(*self.turns.incumbent, value)))

    def _after_surprise(self, held: float, value: float) -> Race:
        """Decide whether it was the machine: then the incumbent is surprising too, and on the same side as the change was,
        unless a gain hides the move.
        """
        row, now = self.worse >= ROW_RUNS, self.bank.passed()
        together = self.turns.moved or now.surprise(value) * now.surprise(held) > 0
        alone = abs(now.surprise(value))
        if together and alone > (ROW if row else SURPRISE):
            bank, turns = self.bank.moved(value, 1.0), replace(self.turns, incumbent=(value,))
            return replace(self, bank=bank, turns=turns, quiet=0, worse=0)._met(held, limit=math.inf)
        return replace(self._fed(value), worse=0)._met(held)

    def _doubted_again(self, doubted: float, value: float) -> Race:
        """Decide whether the level moved or one run was freakish; a race from before a move says nothing any more."""
        now = self.bank.passed()
        if now.surprise(value) * now.surprise(doubted) <= 0 or abs(now.surprise(value)) <= SURPRISE:
            return replace(self, turns=replace(self.turns, doubted=None))._fed(doubted)._fed(value)
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

    def finding(self) -> Finding:
        """Return whose run is next, or what the race has shown."""
        turns = self.turns
        if turns.held is not None or turns.doubted is not None:
            why = "A run of the incumbent lies far from all earlier ones: it is run once more at once."
            if turns.held is not None:
                why = "The machine may have moved since the incumbent last ran, so that is run before the verdict."
            return Finding(Step.INCUMBENT, why, seed=turns.seed_for(Arm.INCUMBENT))
        if not turns.candidate:
            return self._unmeasured()
        known, error, z = self._standing()
        gain, told = self.turns.ahead(self.bank.sigma) or (known, error)
        step = self._step(gain, known, error, z)
        low, worth, high = map(self._worth, (gain - WIDTH * told, gain, gain + WIDTH * told))
        seed = turns.seed_for(Arm.INCUMBENT if step is Step.INCUMBENT else Arm.CANDIDATE)
        needed = NOT_WORSE if self.threshold.simpler else self._needed
        if step is Step.BETTER and z < needed:  # the differences decided
            z, needed = self._in_pairs(), self.bar + PAIRED
        why = self._why(step, worth, (high - low) / 2, f"{z:.1f} standard errors of evidence, {needed:.2g} needed")
        return Finding(step, why, worth, low, high, z, needed, self.scale.claim(gain, told), seed)

    def _unmeasured(self) -> Finding:
        spent = self.turns.spent
        if spent >= self.stakes.cap:
            return Finding(Step.NOT_BETTER, f"The machine moved again and again: inconclusive after {spent} runs.")
        if spent:
            why = f"The incumbent's level moved: the race begins anew, after {count_runs(spent)}."
            return Finding(Step.CANDIDATE, why)
        return replace(UNMEASURED, step=Step.INCUMBENT) if self.quiet > self.stakes.sentinel else UNMEASURED

    @property
    def bar(self) -> float:
        """The standard errors that a keep needs on a calm machine, at this effort and after so many tries."""
        return self.confidence + self.stakes.higher + longer(self.tries)

    @property
    def _calm(self) -> bool:
        return self.bank.best.drift <= STEADY and self.scatter.alike

    @property
    def _needed(self) -> float:
        return self.bar if self._calm else self.bar + RESTLESS

    def _standing(self) -> tuple[float, float, float]:
        """Return the gain and its standard error on the scale, and the evidence as a normal deviate."""
        best, sigma = self.bank.best, self.bank.sigma
        error = sigma * math.sqrt(best.covariance[2])
        return -best.effect, error, normal(-best.effect / error, best.runs)

    def _step(self, gain: float, known: float, error: float, z: float) -> Step:
        ours, theirs = len(self.turns.candidate), len(self.turns.incumbent)
        if min(ours, theirs) < self.threshold.runs:
            return Step.CANDIDATE if ours <= theirs else Step.INCUMBENT
        smallest = self.scale.least(self.bank.best.level, self.threshold.smallest)
        sure = ours >= 2 and z >= self._needed and gain >= smallest
        if gain >= smallest and theirs and ((sure and self._ahead_in_turn()) or self._in_pairs() >= self.bar + PAIRED):
            return Step.BETTER
        if self.threshold.simpler and not sure:
            return self._simpler_step(known, error)
        if self._hopeless(known, error, smallest) or self.turns.count >= self.stakes.cap:
            return Step.NOT_BETTER
        if sure and self.turns.count < LONG:
            return Step.INCUMBENT if theirs < ours - 1 else Step.CANDIDATE
        return self._most_telling()

    def _hopeless(self, gain: float, error: float, smallest: float) -> bool:
        hoped = gain + self.stakes.hope * error
        plain = self.bank.best.level - statistics.median(self.turns.candidate)
        low = hoped < self.stakes.floor(len(self.turns.candidate), self.bar) * self.bank.sigma
        return low or max(hoped, plain) < smallest

    def _ahead_in_turn(self) -> bool:
        """Return whether the runs after the first, which selected the candidate, are ahead by themselves."""
        fresh, theirs = self.turns.candidate[1:], self.turns.incumbent
        bar = self.bar + (IN_TURN_CALM if self._calm else IN_TURN_RESTLESS)
        return bool(fresh) and self.scatter.in_turn(fresh, theirs, self.bank.sigma) >= bar

    def _in_pairs(self) -> float:
        """Return the evidence of the differences of runs on equal seeds by themselves; 0 where they are too few."""
        differences, (squares, degrees), most = self.turns.differences, self.pairs, 2 * self.bank.sigma**2
        if len(differences) < LEAST_PAIRS:
            return 0.0
        variance = min(most, (squares + PAIRS_PRIOR * most) / (degrees + PAIRS_PRIOR))
        return self.scatter.paired(differences, math.sqrt(variance))

    def _simpler_step(self, gain: float, error: float) -> Step:
        room = ROOM * self.bank.sigma - self.lost
        shown = normal((gain + room) / error, self.bank.best.runs) >= NOT_WORSE
        if len(self.turns.candidate) >= 2 and shown:
            return Step.SIMPLER
        if gain < -ROOM * room or self.turns.count >= self.stakes.cap:
            return Step.NOT_BETTER
        return self._most_telling()

    def _most_telling(self) -> Step:
        arm = self.turns.next_arm(self.bank.best.covariance, self.stakes.cap)
        return Step.CANDIDATE if arm is Arm.CANDIDATE else Step.INCUMBENT

    def close(self, kept: bool) -> Race:
        """End the proposal; the incumbent's level moves with a keep, except for one that was only simpler."""
        turns, seen = self.turns, own(self.turns.differences)
        ended = replace(
            self,
            threshold=NO_THRESHOLD,
            turns=NO_TURNS,
            before=None,
            attempts=0,
            scatter=self.scatter.learnt(own(turns.candidate), self.bank.sigma**2),
            pairs=(PAIRS_FADE * self.pairs[0] + seen.squares, PAIRS_FADE * self.pairs[1] + seen.degrees),
        )
        if not kept:
            return replace(ended, bank=self.bank.closed())
        if self.finding().step is Step.SIMPLER:
            lost = self.lost + max(0.0, self.bank.best.effect)
            return replace(ended, bank=self.bank.closed().widened(0.1), lost=lost)
        bank = self.bank.adopted()
        ahead = turns.ahead(self.bank.sigma)
        if ahead and abs(ahead[0]) > FAR * self.bank.sigma:
            bank = bank.moved(statistics.median(turns.candidate), 1.6 / len(turns.candidate))
        return replace(ended, bank=bank, lost=0.0)

    def _why(self, step: Step, gain: float, margin: float, evidence: str) -> str:
        ours, theirs, spent = len(self.turns.candidate), len(self.turns.incumbent), self.turns.spent
        runs = f"{count_runs(ours)} of the change" + (f" and {theirs} of the incumbent, in turn," if theirs else "")
        aside = f" {count_runs(spent)} from before the machine moved count no more." if spent else ""
        put = f"{runs} put it {ahead_words(gain)} (90 %: ± {margin:.2g})"
        match step:
            case Step.BETTER:
                return f"{put}: {evidence}.{aside}"
            case Step.SIMPLER:
                return f"{put}: not worse, within {ROOM:g} of the noise, and simpler."
            case Step.NOT_BETTER if ours == 1 and not theirs:
                return f"One run, {ahead_words(gain)} after allowing for the noise (sd {self.spread:.3g}): not enough to look closer.{aside}"
            case Step.NOT_BETTER if self.turns.count >= self.stakes.cap:
                return f"Inconclusive after {self.turns.count} runs: {put}; {evidence}. Worth combining with another near miss."
            case Step.NOT_BETTER:
                return f"{put}: within the noise (sd {self.spread:.3g}).{aside}"
            case _:
                return f"{put}: a close call, {evidence}."


def race_from(values: Sequence[float], confidence: float, stakes: Stakes = NORMAL) -> Race:
    """Begin a race after runs of the incumbent, in the metric's unit, at least two of which differ."""
    scale = scale_for(values)
    return Race(calibrated(list(map(scale.inner, values))), scale, confidence, stakes)
