"""A metric that is exact for a seed: change and incumbent are compared seed by seed.

In one sentence: runs of the incumbent are remembered by their seeds and not made again, and a keep is confirmed on a seed
that neither has seen, and by one remembered run that has to repeat. What the change adds to each seed scatters far less than a run does (common random numbers;
J. P. C. Kleijnen 1974, "Statistical techniques in simulation"), and the machine cannot drift.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace

from .judging import NO_THRESHOLD, Arm, Finding, Judge, Step, Threshold
from .race import NOT_WORSE, ROOM, WIDTH, Race, race_from
from .scale import LINEAR, Scale, scale_for
from .scatter import UNLEARNT, Scatter, own
from .stakes import NORMAL, Stakes, longer

PRIOR_VARIANCE = 4.0
"""How large effects are expected to be: variance, in units of one run's variance."""
FIRST, LATER = 0.6, 1.0
"""Floors of the gain after one run and later, in the larger of what a difference scatters by, per run, and `LEAST`."""
LEAST = 0.2
ON_FRESH = -1.2
"""Where the bar of the differences on fresh seeds lies from the bar of all."""
FADE = 0.98
SHARED, WORTH = 0.5, 4
"""Share of a run's variance that a seed is expected to explain, before differences tell, and how many of those that is worth."""
FIRSTS, ENOUGH_FIRSTS = 15, 5
"""First differences of that many tries tell how much a change that does nothing scatters, once there are enough."""
NOTHING = 0.003
"""Differences that are smaller, in standard deviations of a run, are those of code that computes the same: they tell nothing."""
PLAIN = 5.0
"""Standard deviations of a difference that one run has to show to be confirmed on a fresh seed at once."""


@dataclass(frozen=True)
class Seeded:
    """The incumbent's value for each seed of `cache`, and what differences on a seed have shown so far. Turns into a race for
    good when a seed gives two numbers.

    The first `newest` of the cache are from when the incumbent was the newest itself: on those seeds a program cannot be
    worse because it knows that a newer one is about, and a change has to begin there. Values are on the `scale`; `sigma` is
    the standard deviation between seeds, with `degrees` of freedom. `differences` are squares and degrees of earlier tries'
    differences, `firsts` the first difference of each of the latest tries.
    """

    cache: tuple[tuple[int, float], ...]
    sigma: float
    degrees: int
    scale: Scale = LINEAR
    confidence: float = 3.6
    stakes: Stakes = NORMAL
    scatter: Scatter = UNLEARNT
    differences: tuple[float, float] = (0.0, 0.0)
    firsts: tuple[float, ...] = ()
    tries: int = 0
    lost: float = 0.0
    threshold: Threshold = NO_THRESHOLD
    candidate: tuple[tuple[int, float], ...] = ()
    fresh: int = 0
    repeated: bool = False
    attempts: int = 0
    newest: int = 0

    @property
    def level(self) -> float:
        """The mean of the incumbent over the seeds that it has run on."""
        return self.scale.outer(self._level)

    @property
    def _level(self) -> float:
        return statistics.fmean(value for _, value in self.cache)

    @property
    def doubt(self) -> float:
        """Standard error of the level."""
        return self._worth(self.sigma / math.sqrt(len(self.cache)))

    @property
    def spread(self) -> float:
        """Standard deviation of one run on any seed."""
        return self._worth(self.sigma)

    def _worth(self, gain: float) -> float:
        return self.scale.worth(self._level, gain)

    def open(self, threshold: Threshold) -> Seeded:
        """Begin a new proposal, or a new attempt at the same one."""
        first = self.attempts == 0
        return replace(
            self,
            threshold=threshold,
            candidate=(),
            fresh=0,
            repeated=False,
            attempts=self.attempts + 1,
            tries=self.tries + first,
        )

    def see(self, arm: Arm, value: float, seed: int = 0, moved: bool = False) -> Judge:
        """Take in one more run. A seed that has given another number for the same code ends the exact comparison."""
        if not self.scale.fits(value):
            return self._linear().see(arm, value, seed)
        value = self.scale.inner(value)
        known = dict(self.cache if arm is Arm.INCUMBENT else self.candidate)
        if known.get(seed, value) != value:
            return self._racing(arm, value, seed)
        if arm is Arm.CANDIDATE:
            return replace(self, candidate=(*self.candidate, (seed, value)))
        if seed in known:
            return replace(self, repeated=True)
        return replace(self, cache=(*self.cache, (seed, value)), fresh=self.fresh + bool(self.candidate))

    def _linear(self) -> Seeded:
        factor = self.scale.steepness(self._level)
        cache, candidate = (
            tuple((seed, self.scale.outer(value)) for seed, value in runs) for runs in (self.cache, self.candidate)
        )
        return replace(
            self,
            cache=cache,
            candidate=candidate,
            sigma=self.sigma * factor,
            scale=LINEAR,
            differences=(self.differences[0] * factor**2, self.differences[1]),
            firsts=tuple(first * factor for first in self.firsts),
            lost=self.lost * factor,
        )

    def _racing(self, arm: Arm, value: float, seed: int) -> Judge:
        """Go on with the race: the metric is noisy on one seed as well."""
        outer = [self.scale.outer(known) for _, known in self.cache]
        if len(set(outer)) < 2:
            outer.append(self.scale.outer(value))
        race: Race = replace(race_from(outer, self.confidence, self.stakes), tries=self.tries)
        if not self.candidate:
            return race.see(arm, self.scale.outer(value), seed)
        race = race.open(self.threshold)
        for at, known in self.candidate:
            race = race.see(Arm.CANDIDATE, self.scale.outer(known), at)
        return race.see(arm, self.scale.outer(value), seed)

    @property
    def _pairs(self) -> list[float]:
        cached = dict(self.cache)
        return [cached[seed] - value for seed, value in self.candidate if seed in cached]

    @property
    def _scatter_of_pairs(self) -> float:
        """Standard deviation of a difference on one seed."""
        squares, degrees = self.differences
        prior = 2 * (1 - SHARED) * self.sigma**2
        pooled = (squares + WORTH * prior) / (degrees + WORTH)
        if len(self.firsts) >= ENOUGH_FIRSTS:
            typical = 1.4826 * statistics.median(map(abs, self.firsts))
            pooled = min(pooled, typical**2)
        return math.sqrt(max(pooled, 1e-18 * prior))

    def _standing(self) -> tuple[float, float, float]:
        """Return the gain, shrunk, its standard error, and the evidence of the differences as a normal deviate."""
        pairs, between = self._pairs, self._scatter_of_pairs
        ours = [value for _, value in self.candidate]
        options = [(between**2 / len(pairs), statistics.fmean(pairs))] if pairs else []
        unpaired = self.sigma**2 * (1 / len(ours) + 1 / len(self.cache))
        options.append((unpaired, self._level - statistics.fmean(ours)))
        variance, gain = min(options)
        prior = PRIOR_VARIANCE * self.sigma**2
        share = prior / (prior + variance)
        return gain * share, math.sqrt(variance * share), self.scatter.paired(pairs, between) if pairs else 0.0

    @property
    def bar(self) -> float:
        """The standard errors that a keep needs, at this effort and after so many tries."""
        return self.confidence + self.stakes.higher + longer(self.tries)

    def finding(self) -> Finding:
        """Return whose run is next, or what the differences have shown."""
        if not self.candidate:
            return Finding(Step.CANDIDATE, "Nothing was measured yet.", seed=self._untried())
        if (missing := self._unpaired()) is not None:
            why = "The change has run on a fresh seed; so does the incumbent."
            return Finding(Step.INCUMBENT, why, seed=missing)
        if len(self.candidate) == 1 and self._pairs == [0.0] and not self.threshold.simpler:
            return Finding(
                Step.NOT_BETTER, "On the same seed it gives the same number as the incumbent.", 0.0, 0.0, 0.0
            )
        gain, error, z = self._standing()
        step, seed = self._step(gain, error, z)
        low, worth, high = map(self._worth, (gain - WIDTH * error, gain, gain + WIDTH * error))
        claim = self.scale.claim(gain, error)
        return Finding(
            step,
            self._why(step, worth, (high - low) / 2, z),
            worth,
            low,
            high,
            z,
            NOT_WORSE if self.threshold.simpler else self.bar,
            claim,
            seed,
        )

    def _untried(self) -> int | None:
        """Return a seed of the cache that the change has not run on: another one at each try, those of the `newest` first."""
        used = {seed for seed, _ in self.candidate}
        first, later = (
            [seed for seed, _ in part if seed not in used]
            for part in (self.cache[: self.newest], self.cache[self.newest :])
        )
        left = first or later
        return left[self.tries % len(left)] if left else None

    def _unpaired(self) -> int | None:
        cached = dict(self.cache)
        return next((seed for seed, _ in self.candidate if seed not in cached), None)

    def _step(self, gain: float, error: float, z: float) -> tuple[Step, int | None]:
        runs, between = len(self.candidate), self._scatter_of_pairs
        if runs < self.threshold.runs:
            return Step.CANDIDATE, self._untried()
        holds = z >= self.bar and gain >= self._smallest()
        if holds and runs >= 2 and self._ahead_on_fresh_seeds():
            return (Step.BETTER, None) if self.repeated else (Step.INCUMBENT, self.candidate[0][0])
        if self.threshold.simpler and not holds:
            return self._simpler(gain, error)
        unit = max(between / math.sqrt(2), LEAST * self.sigma)
        floors = self.stakes.floors and (FIRST, LATER)  # thorough has the one that its cap gives
        floor = max(replace(self.stakes, floors=floors).floor(runs, self.bar) * unit, self._smallest())
        hopeless = gain + self.stakes.hope * error < floor
        if hopeless and not holds:
            return Step.NOT_BETTER, None
        if runs + self.fresh >= self.stakes.cap:
            return Step.INCONCLUSIVE, None
        plain = runs == 1 and self._pairs[0] > PLAIN * between
        return Step.CANDIDATE, None if holds or plain else self._untried()

    def _ahead_on_fresh_seeds(self) -> bool:
        """Return whether the differences on seeds that were new to both are ahead by themselves: the others can be known."""
        new = dict(self.cache[len(self.cache) - self.fresh :])
        fresh = [new[seed] - value for seed, value in self.candidate if seed in new]
        return bool(fresh) and self.scatter.paired(fresh, self._scatter_of_pairs) >= self.bar + ON_FRESH

    def _simpler(self, gain: float, error: float) -> tuple[Step, int | None]:
        room = ROOM * self.sigma - self.lost
        if len(self.candidate) >= 2 and gain + room >= NOT_WORSE * error:
            return Step.SIMPLER, None
        if gain < -ROOM * room:
            return Step.NOT_BETTER, None
        if len(self.candidate) + self.fresh >= self.stakes.cap:
            return Step.INCONCLUSIVE, None
        return Step.CANDIDATE, self._untried()

    def _smallest(self) -> float:
        return self.scale.least(self._level, self.threshold.smallest)

    def close(self, kept: bool) -> Judge:
        """End the proposal; after a keep the change's runs are the ones that are remembered."""
        pairs = self._pairs
        told = [first for first in pairs[:1] if abs(first) > NOTHING * self.sigma]
        seen = own(pairs)
        squares, degrees = self.differences
        variance = self._scatter_of_pairs**2
        ended = replace(
            self,
            threshold=NO_THRESHOLD,
            candidate=(),
            fresh=0,
            repeated=False,
            attempts=0,
            differences=(FADE * squares + seen.squares, FADE * degrees + seen.degrees)
            if seen.degrees
            else self.differences,
            firsts=(*self.firsts, *told)[-FIRSTS:],
            scatter=self.scatter.learnt(seen, variance),
        )
        if not kept:
            return ended
        simpler = self.finding().step is Step.SIMPLER
        lost = self.lost - min(0.0, self._standing()[0]) if simpler else 0.0
        between = own([value for _, value in self.candidate])
        degrees = self.degrees + between.degrees
        sigma = math.sqrt((self.degrees * self.sigma**2 + between.squares) / degrees)
        return replace(ended, cache=self.candidate, newest=len(self.candidate), lost=lost, sigma=sigma, degrees=degrees)

    def _why(self, step: Step, gain: float, margin: float, z: float) -> str:
        runs = len(self.candidate)
        seeds = "1 seed" if runs == 1 else f"{runs} seeds"
        better = f"{abs(gain):.4g} {'better' if gain >= 0 else 'worse'} (± {margin:.2g})"
        put = f"On {seeds} the change is estimated {better} than the incumbent"
        evidence = (
            f"{z:.1f} standard errors of evidence, {NOT_WORSE if self.threshold.simpler else self.bar:.2g} needed"
        )
        match step:
            case Step.BETTER:
                return f"{put}, {self.fresh} of them new to both: {evidence}."
            case Step.SIMPLER:
                return f"{put}: not worse, within {ROOM:g} of the scatter between seeds, and simpler."
            case Step.INCONCLUSIVE:
                return f"Inconclusive after {runs + self.fresh} runs. {put}; {evidence}."
            case Step.NOT_BETTER:
                return f"{put}: not enough."
            case Step.INCUMBENT:
                return f"{put}: {evidence}. The incumbent is run once more on a seed that it knows: does it repeat?"
            case _:
                return f"{put}: {evidence}; one more seed."


def seeded_from(values: Sequence[float], seeds: Sequence[int], confidence: float, stakes: Stakes = NORMAL) -> Seeded:
    """Begin after runs of the incumbent on these seeds, in the metric's unit, at least two of which differ."""
    scale = scale_for(values)
    cache = dict(zip(seeds, map(scale.inner, values), strict=True))
    sigma = statistics.stdev(cache.values())
    return Seeded(tuple(cache.items()), sigma, len(cache) - 1, scale, confidence, stakes, newest=len(cache))
