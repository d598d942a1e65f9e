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
from dataclasses import dataclass, field, replace

from .following import Following
from .judging import NO_THRESHOLD, UNMEASURED, Arm, Finding, Step, Threshold, ahead_words, count_runs
from .noise import calibrated
from .scale import scale_for
from .scatter import UNLEARNT, Scatter, normal, own
from .stakes import NORMAL, Stakes, longer
from .turns import FAR, LONG, NO_TURNS

WIDTH = 2.0
"""Standard errors on either side of the estimate: an interval that held nine of ten true effects in simulation."""
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
class Race(Following):
    """One session's race after another. `confidence` is the bar in standard errors, before its length and a restless
    machine raise it.
    """

    confidence: float = field(kw_only=True)
    scatter: Scatter = UNLEARNT
    tries: int = 0
    threshold: Threshold = NO_THRESHOLD
    attempts: int = 0

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
        gain, told = self._told()
        known, error = self._known()
        z = normal(known / error, self.bank.best.runs)
        step = self._step(gain, known, error, z)
        low, worth, high = map(self._worth, (gain - WIDTH * told, gain, gain + WIDTH * told))
        seed = turns.seed_for(Arm.INCUMBENT if step is Step.INCUMBENT else Arm.CANDIDATE)
        needed = NOT_WORSE if self.threshold.simpler else self._needed
        if step is Step.BETTER and z < needed:  # the differences decided
            z, needed = self._in_pairs(), self.bar + PAIRED
        why = self._why(step, worth, (high - low) / 2, self._evidence(step, z, needed))
        return Finding(step, why, worth, low, high, z, needed, self.scale.claim(gain, told), seed)

    def _unmeasured(self) -> Finding:
        spent = self.turns.spent
        if spent >= self.stakes.cap:
            return Finding(Step.INCONCLUSIVE, f"The machine moved again and again: inconclusive after {spent} runs.")
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

    def _told(self) -> tuple[float, float]:
        """Return the gain and its standard error on the scale, by the runs in turn where there are any."""
        return self.turns.ahead(self.bank.sigma) or self._known()

    def _known(self) -> tuple[float, float]:
        """Return the gain and its standard error on the scale, by all that is known."""
        best = self.bank.best
        return -best.effect, self.bank.sigma * math.sqrt(best.covariance[2])

    def _step(self, gain: float, known: float, error: float, z: float) -> Step:
        ours, theirs = len(self.turns.candidate), len(self.turns.incumbent)
        if min(ours, theirs) < self.threshold.runs:
            return Step.CANDIDATE if ours <= theirs else Step.INCUMBENT
        smallest = self.scale.least(self.bank.best.level, self.threshold.smallest)
        sure = ours >= 2 and z >= self._needed and gain >= smallest
        if gain >= smallest and theirs and ((sure and self._ahead_in_turn()) or self._in_pairs() >= self.bar + PAIRED):
            return Step.BETTER
        if self.threshold.simpler:
            return self._simpler_step(known, error)
        if self._hopeless(known, error, smallest):
            return Step.NOT_BETTER
        if sum(self.counted) >= self.stakes.cap:
            return Step.INCONCLUSIVE
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
        shown, needed = self._in_turn()
        return shown >= needed

    def _in_turn(self) -> tuple[float, float]:
        """Return the evidence of the runs after the first by themselves, and how much of it a keep needs."""
        fresh, theirs = self.turns.candidate[1:], self.turns.incumbent
        shown = self.scatter.in_turn(fresh, theirs, self.bank.sigma) if fresh and theirs else 0.0
        return shown, self.bar + (IN_TURN_CALM if self._calm else IN_TURN_RESTLESS)

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
        if gain < -ROOM * room:
            return Step.NOT_BETTER
        if sum(self.counted) >= self.stakes.cap:
            return Step.INCONCLUSIVE
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
            lost = self.lost + max(0.0, -self._told()[0])
            return replace(ended, bank=self.bank.closed().widened(0.1), lost=lost)
        bank = self.bank.adopted()
        if abs(self._told()[0]) > FAR * self.bank.sigma:  # farther than a clipped filter goes
            bank = bank.moved(statistics.median(turns.candidate), 1.6 / len(turns.candidate))
        return replace(ended, bank=bank, lost=0.0)

    def _evidence(self, step: Step, z: float, needed: float) -> str:
        """Say how much of the evidence that a keep needs there is, and which half of it is missing."""
        words = f"{z:.1f} standard errors of evidence, {needed:.2g} needed"
        shown, asked = self._in_turn()
        if step is Step.INCONCLUSIVE and z >= needed and shown < asked:
            return f"{words}, but the runs in turn after the first, which selected it, show {shown:.1f} of {asked:.2g}"
        return words

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
            case Step.INCONCLUSIVE:
                return f"Inconclusive after {self.turns.count} runs: {put}; {evidence}. Worth combining with another near miss."
            case Step.NOT_BETTER if gain < -margin:
                return f"{put}: worse.{aside}"
            case Step.NOT_BETTER:
                return f"{put}: within the noise (sd {self.spread:.3g}).{aside}"
            case _:
                return f"{put}: a close call, {evidence}."


def race_from(values: Sequence[float], confidence: float, stakes: Stakes = NORMAL) -> Race:
    """Begin a race after runs of the incumbent, in the metric's unit, at least two of which differ."""
    scale = scale_for(values)
    return Race(calibrated(list(map(scale.inner, values))), scale, stakes, confidence=confidence)
