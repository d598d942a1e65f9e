"""Kinds of noise, a simulated machine that has one of them, and proposals whose true effects are known.

Lower is better, and the unit is the standard deviation of one run, which is 1 % of the start value.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

START, PROPOSALS, PAUSE = 100.0, 100, 2
SEEDS = "figures of the documentation"
DUET = 1.2
"""How much more each of two runs scatters that are made at once: they are in each other's way (assumed)."""


def _gauss(rng: Random) -> float:
    return rng.gauss(0.0, 1.0)


def _skewed(rng: Random) -> float:
    mean = math.exp(0.32)
    return (math.exp(0.8 * _gauss(rng)) - mean) / (mean * math.sqrt(math.expm1(0.64)))


def _heavy(rng: Random) -> float:
    return _gauss(rng) / math.sqrt(rng.gammavariate(1.5, 2.0))


def _outliers(rng: Random) -> float:
    return _gauss(rng) + (8 * _gauss(rng) if rng.random() < 0.05 else 0.0)


def _quiet(rng: Random) -> float:
    return 0.5 * _gauss(rng)


def _flaky(rng: Random) -> float:
    return 1.0 if rng.random() < 0.05 else 0.0


def _either(rng: Random) -> float:
    return rng.choice((-1.0, 1.0)) * _flaky(rng)


def _burst(rng: Random, now: float) -> float:
    return 15.0 if rng.random() < (0.75 if now else 0.01) else 0.0


def _spell(rng: Random, now: float) -> float:
    return (0.0 if rng.random() < 1 / 25 else now) if now else 40.0 * (rng.random() < 1 / 150)


def _autoregressive(steps: float) -> Callable[[Random, float], float]:
    stays = math.exp(-1 / steps)
    return lambda rng, now: stays * now + 1.5 * math.sqrt(1 - stays**2) * _gauss(rng)


def _sticky(stay: int) -> Callable[[Random, float], float]:
    return lambda rng, now: (4.0 if now == 0.0 else 0.0) if rng.random() < 1 / stay else now


def _clock(rng: Random, now: float) -> float:
    return now + 1


def _jump(rng: Random, now: float) -> float:
    up = rng.choice((-1, 1)) * math.log(rng.uniform(1.5, 3.0))
    return now + (0.0 if rng.random() > 1 / 80 else up if abs(now + up) < math.log(10) else -up)


@dataclass(frozen=True)
class Kind:
    """A kind of noise: what one run adds, how the machine's state moves in a tick, and what makes the kind special.

    The state is added to each run; through `level` it is a wave or the like first, and where it is a `factor`, code and
    noise are multiplied by its exponential. `share` is one standard deviation as a share of the start value. `uneven` is
    the standard deviation of the logarithm of each commit's own scatter, `layout` of its own shift. Runs of different
    code on one seed `share`d that part of their variance; where it is `exact`, all else follows from code and seed.
    """

    title: str
    run: Callable[[Random], float] | None = _gauss
    tick: Callable[[Random, float], float] | None = None
    level: Callable[[float], float] | None = None
    factor: bool = False
    times: float = 1.0
    rounded: float = 0.0
    slow: float = 0.0
    uneven: float = 0.0
    layout: float = 0.0
    late: bool = False
    shared: float | None = None
    exact: bool = False
    drifting: bool = False
    noisy: bool = True


KINDS = {
    "gaussian": Kind("Gaussian"),
    "mult3": Kind("Gaussian, 3 % of the level", times=3),
    "skewed": Kind("skewed (lognormal)", _skewed),
    "heavy": Kind("heavy tails (Student t, 3)", _heavy),
    "outliers": Kind("5 % outliers", _outliers),
    "slow-downs": Kind("3 % slow-downs to twice the value", slow=0.03),
    "bursts": Kind("bursts of +15", tick=_burst),
    "spells": Kind("busy spells of +40", tick=_spell, drifting=True),
    "uneven": Kind("each commit its own scatter (log-sd 0.4)", uneven=0.4),
    "uneven1": Kind("each commit its own scatter (log-sd 1)", uneven=1.0),
    "rounded": Kind("rounded to 0.5", rounded=0.5),
    "rounded2": Kind("rounded to 2", rounded=2.0),
    "ar5": Kind("machine level AR(1), 5 runs", tick=_autoregressive(5), drifting=True),
    "ar1": Kind("machine level AR(1), 20 runs", tick=_autoregressive(20), drifting=True),
    "walk": Kind("machine level random walk", tick=lambda rng, now: now + 0.15 * _gauss(rng), drifting=True),
    "wave": Kind("slow wave of 3, 60 runs", tick=_clock, level=lambda now: 3 * math.sin(now * math.tau / 60), drifting=True),
    "slower": Kind("machine slows down by 0.1 a run", tick=lambda rng, now: now + 0.1, drifting=True),
    "faster.03": Kind("machine speeds up by 0.03 a run", tick=lambda rng, now: now - 0.03, drifting=True),
    "faster": Kind("machine speeds up by 0.1 a run", tick=lambda rng, now: now - 0.1, drifting=True),
    "steps": Kind("level shifts of 3", tick=lambda rng, now: now + (3 * _gauss(rng) if rng.random() < 1 / 60 else 0.0), drifting=True),
    "jumps": Kind("level jumps x1.5 to x3", tick=_jump, factor=True, drifting=True),
    "jumps3": Kind("level jumps x1.5 to x3, noise 3 %", tick=_jump, factor=True, times=3, drifting=True),
    "sticky20": Kind("two modes 4 apart, 20 runs each", _quiet, tick=_sticky(20), drifting=True),
    "sticky5": Kind("two modes 4 apart, 5 runs each", _quiet, tick=_sticky(5), drifting=True),
    "period2": Kind("every second run +2", tick=_clock, level=lambda now: 2 * (now % 2), drifting=True),
    "layout": Kind("each commit shifted by its layout (0.3)", layout=0.3),
    "seeded 0.8": Kind("seeded, 80 % shared, not exact", shared=0.8),
    "exact 0": Kind("exact for a seed, nothing shared", shared=0.0, exact=True),
    "exact 0.5": Kind("exact for a seed, half shared", shared=0.5, exact=True),
    "exact 0.8": Kind("exact for a seed, 80 % shared", shared=0.8, exact=True),
    "exact 0.95": Kind("exact for a seed, 95 % shared", shared=0.95, exact=True),
    "exact 0.999": Kind("exact for a seed, 99.9 % shared", shared=0.999, exact=True),
    "zero": Kind("no noise, many digits", None, noisy=False),
    "flaky": Kind("flaky: 5 % worse by 1, few digits", _flaky, rounded=0.1, noisy=False),
    "flaky2": Kind("flaky: 5 % off by 1 either way, few digits", _either, rounded=0.1, noisy=False),
    "late": Kind("exact, noisy and drifting from the middle on", tick=lambda rng, now: now + 0.05 * _gauss(rng), late=True, noisy=False),
}  # fmt: skip


@dataclass(frozen=True)
class Code:
    """Code of a known true value, a scale of its noise, and a shift that its layout causes."""

    number: int
    true: float
    scatter: float = 1.0
    shift: float = 0.0


@dataclass
class Machine:
    """Runs code; knows nothing of the rule. In a `duet` every second run shares the instant of the one before it."""

    kind: Kind
    rng: Random
    duet: bool = False
    state: float = 0.0
    proposals: int = 0
    runs: int = 0
    codes: int = 0
    luck: dict[object, float] = field(default_factory=dict)

    def pause(self) -> None:
        """The time between two proposals."""
        self.proposals += 1
        for _ in range(PAUSE):
            self._tick()

    def _tick(self) -> None:
        if self.kind.tick and self._awake:
            self.state = self.kind.tick(self.rng, self.state)

    @property
    def _awake(self) -> bool:
        return not self.kind.late or self.proposals > PROPOSALS // 2

    def commit(self, true: float) -> Code:
        """New code, with its own scale of noise and its own layout where the kind has that."""
        self.codes += 1
        scatter = math.exp(self.kind.uneven * _gauss(self.rng)) if self.kind.uneven else 1.0
        return Code(self.codes, true, scatter, self.kind.layout * _gauss(self.rng) if self.kind.layout else 0.0)

    def run(self, code: Code, seed: int) -> float:
        """One run; runs of different code on one seed share a part of their noise."""
        kind = self.kind
        self.runs += 1
        if not self.duet or self.runs % 2:
            self._tick()
        level = kind.level(self.state) if kind.level else self.state
        own = code.true + code.shift + code.scatter * (DUET if self.duet else 1.0) * self._noise(code, seed)
        value = START + kind.times * (own - START)
        value = value * math.exp(level) if kind.factor else value + level * kind.times
        if kind.slow and self.rng.random() < kind.slow:
            value *= 2
        return round(round(value / kind.rounded) * kind.rounded, 6) if kind.rounded else value

    def _noise(self, code: Code, seed: int) -> float:
        kind = self.kind
        if kind.run is None or not self._awake:
            return 0.0
        if kind.shared is None:
            return kind.run(self.rng)
        common = self.luck.setdefault(seed, _gauss(self.rng))
        own = self.luck.setdefault((code.number, seed), _gauss(self.rng)) if kind.exact else _gauss(self.rng)
        return math.sqrt(kind.shared) * common + math.sqrt(1 - kind.shared) * own


def effects(world: str, index: int, tries: int = PROPOSALS) -> list[float]:
    """The true effects of one session's proposals, positive is better: the same for every rule and kind of noise."""
    rng = Random(f"{SEEDS}, effects, {world}, {index}")
    return [0.0 if world == "null" else _effect(rng) for _ in range(tries)]


def _effect(rng: Random) -> float:
    kind, size = rng.random(), rng.uniform(0.2, 3.0)
    return 0.0 if kind < 0.7 else -size if kind < 0.9 else size
