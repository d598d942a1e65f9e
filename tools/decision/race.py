"""The race: candidate and incumbent are run in turn until the evidence decides.

In two sentences: a change that does not look better after one run is dropped; one that does is re-run in turn with the
incumbent, and kept only when fresh runs put it further ahead than the measured noise allows. Old runs of the incumbent
count less the more the machine drifts, and no single freak run can decide.

The shape (screen, futility bound, sequential test with a high bar, memory of the incumbent) follows sequential analysis
(A. Wald 1945) and group-sequential trials with a futility bound; the bar is calibrated by simulation, because drift and
skew void the textbook's guarantees: `benchmarks/decision.py` and `docs/decision.md` have the figures.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from .judging import NO_THRESHOLD, UNMEASURED, Arm, Claim, Finding, Step, Threshold
from .noise import CLIP, Bank, calibrated

SCREEN = 0.5
"""Standard deviations that the first run has to be ahead, after shrinking, for a second one."""
FUTILITY = 0.9
"""Standard deviations that the estimate may not fall below later."""
WIDTH = 2.5
"""Standard errors on either side of the estimate: an interval that held nine of ten true effects in simulation."""
FRESH = 1.0
"""Standard errors by which the runs after the first have to be ahead by themselves."""
SENTINEL = 5
"""Proposals after which the incumbent is run once more, if no race has run it."""
FAR = 5.0
"""Standard deviations beyond which an effect is so plain that no shrinking is called for."""
FAR_RUNS = 3
"""Runs that have to agree on such an effect: within as much, or within a share `AGREE` of the effect."""
AGREE = 0.2
ROOM = 0.75
"""Standard deviations that all simplifications since the last proven improvement may lose together."""
NOT_WORSE = 1.64
"""Standard errors that show a simplification to be within that room: one-sided, 5 %."""
LEAST = 1e-6
"""What a number of the wrong sign, or zero, counts as on the ratio scale, in units of the level."""


class Scale(StrEnum):
    """How values are compared: by differences, or by ratios where every number has the same sign.

    Durations, sizes and rates scatter in proportion to themselves: what was noise at 500 ms would drown everything at 5 ms.
    """

    LINEAR = "linear"
    RATIO = "ratio"

    def inner(self, value: float, level: float = 1.0) -> float:
        """Return a value on the scale: itself, or 100 times its natural logarithm, so that 1 is about one percent."""
        if self is Scale.LINEAR:
            return value
        sign = math.copysign(1.0, level)
        return sign * 100 * math.log(max(value * sign, LEAST * abs(level)))

    def outer(self, inner: float, level: float = 1.0) -> float:
        """Return the value that stands at a place on the scale."""
        if self is Scale.LINEAR:
            return inner
        sign = math.copysign(1.0, level)
        return sign * math.exp(min(700.0, sign * inner / 100))


@dataclass(frozen=True)
class Race:
    """One session's race after another. `confidence` is the bar in standard errors, `cap` the most runs of a proposal.

    `origin` is a value of the metric that tells its sign; bank, candidate and incumbent are on the `scale`, whatever
    goes in and comes out is in the metric's unit.
    """

    bank: Bank
    scale: Scale = Scale.LINEAR
    origin: float = 1.0
    confidence: float = 3.85
    cap: int = 24
    quiet: int = 0
    lost: float = 0.0
    threshold: Threshold = NO_THRESHOLD
    candidate: tuple[float, ...] = ()
    incumbent: tuple[float, ...] = ()
    attempts: int = 0
    before: Bank | None = None

    @property
    def level(self) -> float:
        """The incumbent's level now."""
        return self._outer(self.bank.best.level)

    @property
    def doubt(self) -> float:
        """Standard error of the level."""
        return self._worth(self.bank.sigma * math.sqrt(self.bank.best.covariance[0]))

    @property
    def spread(self) -> float:
        """Standard deviation of one run."""
        return self._worth(self.bank.sigma)

    def _outer(self, inner: float) -> float:
        return self.scale.outer(inner, self.origin)

    def _worth(self, gain: float) -> float:
        """Convert a distance on the scale, below the incumbent's level, to the metric's unit."""
        level = self.bank.best.level
        return self._outer(level) - self._outer(level - gain)

    def open(self, threshold: Threshold) -> Race:
        """Begin a new proposal, or a new attempt at the same one."""
        quiet = self.quiet + (self.attempts == 0)
        bank = self.bank.passed().opened()
        return replace(
            self, bank=bank, threshold=threshold, quiet=quiet, candidate=(), incumbent=(), attempts=self.attempts + 1
        )

    def see(self, arm: Arm, value: float) -> Race:
        """Take one more run in."""
        value = self.scale.inner(value, self.origin)
        if arm is Arm.INCUMBENT:
            return self._incumbent(value)
        if not self.candidate:
            return replace(self, bank=self.bank.met(value), candidate=(value,), before=self.bank)
        candidate = (*self.candidate, value)
        bank = self._placed(self.before, candidate) if self.before and self._far_off(candidate) else None
        return replace(self, bank=bank or self.bank.fed(value, Arm.CANDIDATE), candidate=candidate)

    def _placed(self, bank: Bank, candidate: Sequence[float]) -> Bank:
        """Take the effect at its word. Of the noise the candidate's runs taught nothing: they were surprises by their size."""
        for value in self.incumbent:
            bank = bank.fed(value, Arm.INCUMBENT)
        return bank.passed().placed(statistics.median(candidate), len(candidate))

    def _far_off(self, candidate: Sequence[float]) -> bool:
        """Return whether enough runs agree on an effect that the clipped filter would take long to believe."""
        reach, ahead = FAR * self.bank.sigma, self.bank.best.level - max(candidate)
        agree = max(candidate) - min(candidate) < max(reach, AGREE * ahead)
        return len(candidate) >= FAR_RUNS and ahead > reach and agree

    def _incumbent(self, value: float) -> Race:
        bank = self.bank.fed(value, Arm.INCUMBENT)
        if not self.candidate:  # a sentinel: it looks after the level before the race
            return replace(self, bank=bank, quiet=0)
        return replace(self, bank=bank, quiet=0, incumbent=(*self.incumbent, value))

    def finding(self) -> Finding:
        """Return whose run is next, or what the race has shown."""
        if not self.candidate:
            return replace(UNMEASURED, step=Step.INCUMBENT) if self.quiet > SENTINEL else UNMEASURED
        gain, error, z = self._standing()
        step = self._step(gain, error, z)
        low, worth, high = map(self._worth, (gain - WIDTH * error, gain, gain + WIDTH * error))
        why = self._why(step, worth, (high - low) / 2, z)
        return Finding(step, why, worth, low, high, z, self._bar, self._claim(gain, error))

    def _claim(self, gain: float, error: float) -> Claim:
        if self.scale is Scale.LINEAR:
            return Claim(False, gain, error**2)
        return Claim(True, gain / 100, (error / 100) ** 2)

    @property
    def _bar(self) -> float:
        return NOT_WORSE if self.threshold.simpler else self.confidence

    def _standing(self) -> tuple[float, float, float]:
        """Return the gain and its standard error on the scale, and the evidence as a normal deviate."""
        best, sigma = self.bank.best, self.bank.sigma
        error = sigma * math.sqrt(best.covariance[2])
        gain = self._settled() or -best.effect
        return gain, error, normal(-best.effect / error, best.runs)

    def _step(self, gain: float, error: float, z: float) -> Step:
        ours, theirs, sigma = len(self.candidate), len(self.incumbent), self.bank.sigma
        floor = (SCREEN if ours == 1 else FUTILITY) * sigma
        smallest = self._smallest()
        sure = ours >= 2 and z >= self.confidence and gain >= smallest
        if sure and theirs and self._fresh_ahead():
            return Step.BETTER
        if self.threshold.simpler and not sure:
            return self._simpler_step(gain, error)
        hopeless = gain < floor or max(gain, self._plain()) < smallest
        if hopeless or ours + theirs >= self.cap:
            return Step.NOT_BETTER
        return self._next(sure)

    def _plain(self) -> float:
        """Return the gain by the candidate's median, neither shrunk nor clipped, on the scale."""
        return self.bank.best.level - statistics.median(self.candidate)

    def _smallest(self) -> float:
        """Return the least gain worth keeping, on the scale."""
        return self.bank.best.level - self.scale.inner(self.level - self.threshold.smallest, self.origin)

    def _simpler_step(self, gain: float, error: float) -> Step:
        room = ROOM * self.bank.sigma - self.lost
        shown = normal((gain + room) / error, self.bank.best.runs) >= NOT_WORSE
        if len(self.candidate) >= 2 and shown:
            return Step.SIMPLER
        if gain < -ROOM * room or len(self.candidate) + len(self.incumbent) >= self.cap:
            return Step.NOT_BETTER
        return self._next(False)

    def _next(self, sure: bool) -> Step:
        """Choose the arm whose run teaches most."""
        ours, theirs, half = len(self.candidate), len(self.incumbent), self.cap // 2
        if sure or ours >= half:
            return Step.INCUMBENT if theirs < half else Step.NOT_BETTER
        level, pair, effect = self.bank.best.covariance
        by_incumbent = pair * pair / (1 + level)
        by_candidate = (pair + effect) ** 2 / (1 + level + 2 * pair + effect)
        return Step.INCUMBENT if by_incumbent >= by_candidate else Step.CANDIDATE

    def _fresh_ahead(self) -> bool:
        """Return whether the runs after the first, which selected the candidate, are ahead by themselves."""
        fresh = self.candidate[1:]
        reach, level = CLIP * self.bank.sigma, self.bank.best.level
        ours, theirs = ([max(level - reach, min(level + reach, y)) for y in ys] for ys in (fresh, self.incumbent))
        ahead = statistics.fmean(theirs) - statistics.fmean(ours)
        return ahead >= FRESH * self.bank.sigma * math.sqrt(1 / len(ours) + 1 / len(theirs))

    def _settled(self) -> float:
        """Return the plain difference of medians where that lies far beyond the clip; 0 elsewhere."""
        if len(self.candidate) < 2 or not self.incumbent:
            return 0.0
        plain = statistics.median(self.incumbent) - statistics.median(self.candidate)
        return plain if plain >= FAR * self.bank.sigma else 0.0

    def close(self, kept: bool) -> Race:
        """End the proposal; the incumbent's level moves with a keep, except for one that was only simpler."""
        ended = replace(self, threshold=NO_THRESHOLD, candidate=(), incumbent=(), attempts=0, before=None)
        if not kept:
            return replace(ended, bank=self.bank.closed())
        if self.finding().step is Step.SIMPLER:
            return replace(
                ended, bank=self.bank.closed().widened(0.1), lost=self.lost + max(0.0, self.bank.best.effect)
            )
        bank = self.bank.adopted()
        if self._settled():
            bank = bank.moved(statistics.median(self.candidate), 1.6 / len(self.candidate))
        return replace(ended, bank=bank, lost=0.0)

    def _why(self, step: Step, gain: float, margin: float, z: float) -> str:
        ours, theirs = len(self.candidate), len(self.incumbent)
        runs = f"{_runs(ours)} of the change" + (f" and {theirs} of the incumbent, in turn," if theirs else "")
        put = f"{runs} put it {_ahead(gain)} (± {margin:.3g})"
        evidence = f"{z:.1f} standard errors of evidence, {self._bar:g} needed"
        match step:
            case Step.BETTER:
                return f"{put}: {evidence}."
            case Step.SIMPLER:
                return f"{put}: not worse, within {ROOM:g} of the noise, and simpler."
            case Step.NOT_BETTER if ours == 1:
                return f"One run, {_ahead(gain)} after allowing for the noise (sd {self.spread:.3g}): not enough to look closer."
            case Step.NOT_BETTER if ours + theirs >= self.cap:
                return f"Inconclusive after {ours + theirs} runs: {put}; {evidence}. Worth combining with another near miss."
            case Step.NOT_BETTER:
                return f"{put}: within the noise (sd {self.spread:.3g})."
            case _:
                return f"{put}: a close call, {evidence}."


def race_from(values: Sequence[float], confidence: float, cap: int) -> Race:
    """Begin a race after runs of the incumbent, in the metric's unit, at least two of which differ."""
    scale, origin = scale_for(values), values[0] or 1.0
    bank = calibrated([scale.inner(value, origin) for value in values])
    return Race(bank, scale, origin, confidence, cap)


def _ahead(gain: float) -> str:
    return f"{abs(gain):.4g} {'better' if gain >= 0 else 'worse'}"


def _runs(count: int) -> str:
    return "1 run" if count == 1 else f"{count} runs"


def normal(t: float, freedom: float) -> float:
    """Return Student's t with `freedom` degrees as a normal deviate (D. L. Wallace 1959)."""
    bent = math.sqrt(freedom * math.log1p(t * t / freedom)) * (8 * freedom + 1) / (8 * freedom + 3)
    return math.copysign(bent, t)


def confidence_for(error_rate: float) -> float:
    """Return the bar, in standard errors, for an accepted chance that a session of 100 tries keeps anything false.

    Interpolates bars that `benchmarks/decision.py` measured: 4.2 for 1 %, 3.85 for 5 %, 3.2 for 20 %.
    """
    known: Sequence[tuple[float, float]] = ((0.01, 4.2), (0.05, 3.85), (0.2, 3.2))
    (left, high), (right, low) = known[:2] if error_rate <= known[1][0] else known[1:]
    slope = (low - high) / math.log(right / left)
    return max(2.0, min(5.0, high + slope * math.log(error_rate / left)))


def scale_for(values: Sequence[float]) -> Scale:
    """Compare by ratios where all values have one sign, by differences elsewhere."""
    return Scale.RATIO if min(values) > 0 or max(values) < 0 else Scale.LINEAR
