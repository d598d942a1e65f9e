"""What the rules of decision achieve: simulated sessions of 100 proposals whose true effects are known.

Run it with the Python that the package is installed in: `python benchmarks/decision.py`. `--plots docs` also writes
figures and a table page (needs matplotlib). The product's rules are driven as they are; lower is better, and the unit
is the standard deviation of one run, which is 1 % of the start value. The machine's clock also runs between proposals.
"""

from __future__ import annotations

import argparse
import itertools
import math
import multiprocessing
import os
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import partial
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any, Self

from autoresearch_mcp.tools.decision.calibration import baseline_runs, judge_from
from autoresearch_mcp.tools.decision.judging import Arm, Finding, Judge, Step, Threshold
from autoresearch_mcp.tools.plan.model import Plan
from peers import Confirmed, MadRatio

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

START, PROPOSALS, PAUSE, CHUNK = 100.0, 100, 2, 20
SEEDS = "figures of the documentation"
WORLDS = ("null", "mixed")
BINS = ((0.5, 1.0), (1.0, 2.0), (2.0, 3.0))


@dataclass(frozen=True)
class _Own:
    """What the rules have in common that only this file knows."""

    level: float
    spread: float = 0.0
    doubt: float = 0.0
    candidate: tuple[float, ...] = ()
    incumbent: tuple[float, ...] = ()

    def open(self, threshold: Threshold) -> Self:
        return replace(self, candidate=(), incumbent=())

    def see(self, arm: Arm, value: float, seed: int = 0) -> Self:
        if arm is Arm.CANDIDATE:
            return replace(self, candidate=(*self.candidate, value))
        return replace(self, incumbent=(*self.incumbent, value))

    def close(self, kept: bool) -> Self:
        return replace(self, level=statistics.fmean(self.candidate)) if kept else self


class TwoSigma(_Own):
    """One run, kept if it is ahead by two standard deviations, as the baseline's two runs gave them."""

    def finding(self) -> Finding:
        """The bar decides."""
        if not self.candidate:
            return Finding(Step.CANDIDATE, "")
        return _found(self.level - self.candidate[0], 2 * self.spread)


class PairedT(_Own):
    """Five runs of either arm in turn, and Student's t of the differences: 2.132 is the one-sided 5 % bar for five."""

    def finding(self) -> Finding:
        """The test after five pairs."""
        if len(self.incumbent) < 5:
            return Finding(Step.INCUMBENT if len(self.candidate) > len(self.incumbent) else Step.CANDIDATE, "")
        gains = [theirs - ours for theirs, ours in zip(self.incumbent, self.candidate, strict=True)]
        return _found(statistics.fmean(gains), 2.132 * statistics.stdev(gains) / math.sqrt(5))


def _found(gain: float, bar: float) -> Finding:
    return Finding(Step.BETTER if gain > 0 and gain >= bar else Step.NOT_BETTER, "", gain)


def _two_sigma(values: Sequence[float]) -> Judge:
    return TwoSigma(statistics.fmean(values), statistics.stdev(values))


def _confirmed(values: Sequence[float], runs: int) -> Judge:
    return Confirmed(statistics.median(values), runs)


def _mad(values: Sequence[float]) -> Judge:
    return MadRatio(statistics.median(values), tuple(values))


def _paired_t(values: Sequence[float]) -> Judge:
    return PairedT(values[0])


@dataclass(frozen=True)
class Contender:
    """A rule as it is driven here: its plan, its stakes, its colour; `own` with `own_runs` stands for the product's."""

    title: str
    colour: str
    noise: str = "auto"
    error_rate: float = 0.05
    smallest: float = 0.0
    effort: str = "normal"
    max_runs: int = 0
    own: Callable[[Sequence[float]], Judge] | None = None
    own_runs: int = 0

    @property
    def plan(self) -> Plan:
        """What of a plan counts here."""
        return Plan(noise=self.noise, error_rate=self.error_rate, effort=self.effort, max_runs=self.max_runs)

    def runs(self, values: Sequence[float]) -> int:
        """How many runs the baseline takes."""
        return self.own_runs or baseline_runs(self.noise, values)

    def judge(self, values: Sequence[float]) -> Judge:
        """The rule after its baseline."""
        if self.own:
            return self.own(values)
        seeds = [0 if place == 1 else place for place in range(len(values))]
        return judge_from(self.plan, values, seeds)


RULES = {
    "race": Contender("race (5 %)", "#0050b0"),
    "strict": Contender("race, strict (1 %)", "#4a90d9", error_rate=0.01),
    "lenient": Contender("race, lenient (20 %)", "#00a0a0", error_rate=0.2),
    "quick": Contender("quick", "#7fb0e0", effort="quick"),
    "thorough": Contender("thorough (60 runs)", "#003070", effort="thorough"),
    "thorough120": Contender("thorough (120 runs)", "#001840", effort="thorough", max_runs=120),
    "greedy": Contender("greedy", "#c03030", noise="none"),
    "median3": Contender("median of 3 *", "#e08a00", noise="3", smallest=1.0),
    "median5": Contender("median of 5 *", "#b06a00", noise="5", smallest=1.0),
    "confirm3": Contender(
        "median of 3, confirmed *", "#5fa55a", own=partial(_confirmed, runs=3), own_runs=3, smallest=1.0
    ),
    "confirm5": Contender(
        "median of 5, confirmed *", "#2e7d32", own=partial(_confirmed, runs=5), own_runs=5, smallest=1.0
    ),
    "mad": Contender("MAD ratio", "#8e44ad", own=_mad, own_runs=1),
    "two": Contender("2 sigma of 2 runs", "#d16ba5", own=_two_sigma, own_runs=2),
    "pairs": Contender("paired t, 5 + 5 runs", "#555555", own=_paired_t, own_runs=1),
}


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
    promised: float = 10.0


KINDS = {
    "gaussian": Kind("Gaussian", promised=5.0),
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
    "layout": Kind("each commit shifted by its layout (0.3)", layout=0.3, promised=100.0),
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
    """Runs code; knows nothing of the rule."""

    kind: Kind
    rng: Random
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
        self._tick()
        level = kind.level(self.state) if kind.level else self.state
        own = code.true + code.shift + code.scatter * self._noise(code, seed)
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


@dataclass
class Tally:
    """What one session, or many together, came to; `spoilt` sessions kept something false, `covered` ones have the truth
    within the 95 % interval of what they tell."""

    sessions: int = 0
    spoilt: int = 0
    runs: int = 0
    false: int = 0
    harmful: int = 0
    gain: float = 0.0
    oracle: float = 0.0
    told: float = 0.0
    covered: int = 0
    seen: tuple[int, ...] = (0,) * len(BINS)
    kept: tuple[int, ...] = (0,) * len(BINS)
    keep_runs: tuple[int, ...] = ()
    discard_runs: tuple[int, ...] = ()

    def judged(self, effect: float, kept: bool, runs: int) -> None:
        """One more proposal."""
        here = tuple(int(low <= effect < high) for low, high in BINS)
        self.oracle += max(0.0, effect)
        self.seen = tuple(map(sum, zip(self.seen, here, strict=True)))
        self.runs += runs
        if kept:
            self.kept = tuple(map(sum, zip(self.kept, here, strict=True)))
            self.false += effect <= 0
            self.harmful += effect < 0
            self.gain += effect
            self.keep_runs += (runs,)
        else:
            self.discard_runs += (runs,)


def together(tallies: Iterable[Tally]) -> Tally:
    """The sum of tallies."""
    total: dict[str, Any] = vars(Tally())
    for tally, name in itertools.product(tallies, [each.name for each in fields(Tally)]):
        one = getattr(tally, name)
        if name in {"keep_runs", "discard_runs"}:
            total[name] = (*total[name], *one)
            continue
        total[name] = (
            tuple(map(sum, zip(total[name], one, strict=True))) if isinstance(one, tuple) else total[name] + one
        )
    return Tally(**total)


def session(contender: Contender, kind: Kind, world: str, index: int, tries: int = PROPOSALS) -> Tally:
    """One session from the baseline to the last proposal."""
    machine = Machine(kind, Random(f"{SEEDS}, noise, {kind.title}, {world}, {index}"))
    incumbent = machine.commit(START if kind.rounded else START + 0.123456)
    values: list[float] = []
    while len(values) < contender.runs(values):
        # The product gives the second run the first one's seed; the rules of this file alone get fresh ones.
        seed = 0 if len(values) == 1 and not contender.own else len(values)
        values.append(machine.run(incumbent, seed))
    judge, tally = contender.judge(values), Tally(sessions=1, runs=len(values))
    told, variance = START, 0.0
    for effect in effects(world, index, tries):
        machine.pause()
        candidate = machine.commit(incumbent.true - effect)
        judge, runs = _proposal(judge.open(Threshold(contender.smallest)), machine, candidate, incumbent)
        found = judge.finding()
        kept = found.step is Step.BETTER
        if kept:
            told, variance = _claimed(told, variance, found)
        judge, incumbent = judge.close(kept), candidate if kept else incumbent
        tally.judged(effect, kept, runs)
    tally.told = (START - told) / kind.times
    tally.spoilt = int(tally.false > 0)
    tally.covered = int(abs(tally.told - tally.gain) * kind.times <= 1.96 * math.sqrt(variance) + 1e-9)
    return tally


def _claimed(level: float, variance: float, found: Finding) -> tuple[float, float]:
    """The level that a session tells after one more keep, and its variance."""
    claim = found.claim
    if claim is None:
        return level - found.gain, variance
    if not claim.relative:
        return level - claim.gain, variance + claim.variance
    factor = math.exp(-claim.gain)
    return level * factor, variance * factor**2 + claim.variance * (level * factor) ** 2


def _proposal(judge: Judge, machine: Machine, candidate: Code, incumbent: Code) -> tuple[Judge, int]:
    """Runs until the rule has decided. A rule that names no seed gets a fresh one."""
    start = machine.runs
    while not (found := judge.finding()).step.decided:
        seed = 1000 + machine.runs if found.seed is None else found.seed
        arm, code = (Arm.CANDIDATE, candidate) if found.step is Step.CANDIDATE else (Arm.INCUMBENT, incumbent)
        judge = judge.see(arm, machine.run(code, seed), seed)
    return judge, machine.runs - start


Results = Mapping[tuple[str, str, str], Tally]


def _some(task: tuple[str, str, str, range]) -> tuple[tuple[str, str, str], Tally]:
    rule, kind, world, indices = task
    return (rule, kind, world), together(session(RULES[rule], KINDS[kind], world, index) for index in indices)


def simulate(rules: Sequence[str], kinds: Sequence[str], sessions: int, jobs: int) -> Results:
    """Every rule under every kind of noise in both worlds."""
    chunks = [range(first, min(first + CHUNK, sessions)) for first in range(0, sessions, CHUNK)]
    tasks = itertools.product(rules, kinds, WORLDS, chunks)
    parts: dict[tuple[str, str, str], list[Tally]] = {}
    with multiprocessing.Pool(jobs) as pool:
        for cell, part in pool.imap(_some, tasks):
            parts.setdefault(cell, []).append(part)
    return {cell: together(found) for cell, found in parts.items()}


def wilson(hits: int, tries: int) -> tuple[float, float]:
    """95 % interval of a share (E. B. Wilson 1927)."""
    share, z2 = hits / tries, 1.96**2
    middle = (share + z2 / (2 * tries)) / (1 + z2 / tries)
    half = 1.96 * math.sqrt(share * (1 - share) / tries + z2 / (4 * tries**2)) / (1 + z2 / tries)
    return max(0.0, middle - half), min(1.0, middle + half)


HEAD = (
    "rule", "runs (null)", "null sessions with a false keep", "false keeps", "harmful", "kept 0.5–1", "1–2", "2–3",
    "true gain / oracle", "claim − truth", "told − truth",
)  # fmt: skip
PREFACE = """# Figures of the decision benchmark

Written by `python benchmarks/decision.py --sessions {sessions} --plots docs`. Each cell is {sessions} simulated sessions of
{proposals} proposals; gains and claims are in standard deviations of one run, which is 1 % of the start value.

* Null world: no change has any effect. The share of sessions that keep anything comes with its 95 % interval.
* Mixed world (all other columns, per session): 70 % of the changes do nothing, 20 % harm and 10 % improve, by 0.2 to 3.
* `runs` counts the baseline and both arms, in the mixed world and in the null world. `false keeps` had no effect or a
  harmful one, `harmful` a harmful one. `kept` is the share of improvements that were kept, by true size.
* `claim − truth`: how far the rule's own level moved, against the true gain; a drifting machine moves it too.
  `told − truth`: the sum of the gains told at the keeps, against the true gain.
* Rules marked * are given the true standard deviation, which a user would not know, and ask for one of it."""


def row(title: str, null: Tally, mixed: Tally) -> list[str]:
    """One rule's figures."""
    low, high = wilson(null.spoilt, null.sessions)
    count = mixed.sessions
    return [
        title,
        f"{mixed.runs / count:.0f} ({null.runs / null.sessions:.0f})",
        f"{_share(null)} ({100 * low:.1f} to {100 * high:.1f})",
        f"{mixed.false / count:.2f}",
        f"{mixed.harmful / count:.3f}",
        *(f"{100 * share:.0f} %" for share in power(mixed)),
        f"{mixed.gain / count:.1f} / {mixed.oracle / count:.1f}",
        f"{(mixed.claimed - mixed.gain) / count:+.1f}",
        f"{(mixed.told - mixed.gain) / count:+.1f}",
    ]


def _share(null: Tally) -> str:
    return f"{100 * null.spoilt / null.sessions:.1f} %"


def power(mixed: Tally) -> list[float]:
    """The share of improvements that were kept, by size."""
    return [kept / max(1, seen) for kept, seen in zip(mixed.kept, mixed.seen, strict=True)]


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Markdown that also reads well as plain text."""
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    lines = [[cell.ljust(width) for cell, width in zip(line, widths, strict=True)] for line in (head, *rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in (lines[0], ["-" * width for width in widths], *lines[1:]))


def page(results: Results, rules: Sequence[str], kinds: Sequence[str], sessions: int) -> str:
    """All tables: first over the noisy kinds together, then kind by kind."""
    noisy = [kind for kind in kinds if KINDS[kind].noisy]
    shares = [[KINDS[kind].title, *(_share(results[rule, kind, "null"]) for rule in rules)] for kind in kinds]
    parts = [PREFACE.format(sessions=sessions, proposals=PROPOSALS)]
    if noisy:
        parts += [f"## The {len(noisy)} noisy kinds together", _cells(results, rules, noisy)]
    parts += ["## Null sessions with a false keep", table(("noise", *(RULES[rule].title for rule in rules)), shares)]
    for kind in kinds:
        parts += [f"## {KINDS[kind].title}", _cells(results, rules, [kind])]
    return "\n\n".join(parts) + "\n"


def _cells(results: Results, rules: Sequence[str], kinds: Sequence[str]) -> str:
    worlds = [[together(results[rule, kind, world] for kind in kinds) for world in WORLDS] for rule in rules]
    return table(HEAD, [row(RULES[rule].title, *both) for rule, both in zip(rules, worlds, strict=True)])


def draw(results: Results, rules: Sequence[str], kinds: Sequence[str], folder: Path) -> None:
    """The three figures."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "decision", "font.size": 10})
    matplotlib.rcParams.update(
        {"axes.spines.top": False, "axes.spines.right": False, "font.sans-serif": ["DejaVu Sans", "Arial"]}
    )
    noisy = [kind for kind in kinds if KINDS[kind].noisy] or kinds
    mixed = {rule: together(results[rule, kind, "mixed"] for kind in noisy) for rule in rules}
    _draw_false(results, rules, kinds, folder / "decision-false-keeps.svg")
    _draw_cost(mixed, folder / "decision-cost.svg")
    _draw_power(mixed, folder / "decision-power.svg")


def _figure(height: float) -> tuple[Figure, Axes]:
    from matplotlib import pyplot

    return pyplot.subplots(figsize=(7.6, height), layout="constrained")


def _save(figure: Figure, path: Path) -> None:
    figure.savefig(path, metadata={"Date": None}, facecolor="white")


def _draw_false(results: Results, rules: Sequence[str], kinds: Sequence[str], path: Path) -> None:
    import numpy

    figure, axes = _figure(0.42 * len(rules) + 1.8)
    groups = (("steady noise", "#0050b0", "o"), ("drifting machine", "#e08a00", "^"), ("seeded", "#2e7d32", "s"), ("exact, flaky or late", "#c03030", "D"))  # fmt: skip
    for number, (title, colour, marker) in enumerate(groups):
        found = [(rule, kind) for rule in rules for kind in kinds if _group(KINDS[kind]) == number]
        shares = [results[cell, kind, "null"].spoilt / results[cell, kind, "null"].sessions for cell, kind in found]
        heights = [rules.index(rule) + 0.18 * (number - 1.5) for rule, _ in found]
        percent = [100 * share for share in shares]
        axes.scatter(percent, heights, s=26, c=colour, marker=marker, alpha=0.65, lw=0, label=title, zorder=3)
    axes.set_xscale("function", functions=(lambda x: numpy.sign(x) * abs(x) ** 0.5, lambda x: numpy.sign(x) * x**2))
    axes.set(xlim=(-0.1, 104), xlabel="null sessions of 100 tries that keep anything, % (square-root scale)")
    axes.set_xticks([0, 1, 5, 10, 25, 50, 75, 100])
    axes.set_yticks(range(len(rules)), [RULES[rule].title for rule in rules])
    axes.invert_yaxis()
    axes.grid(axis="y", color="#e8e8e8")
    for bar in (5, 10):
        axes.axvline(bar, color="#444444", lw=1, ls="--")
    figure.legend(loc="outside upper center", ncols=4, frameon=False, handletextpad=0.2)
    _save(figure, path)


def _group(kind: Kind) -> int:
    if not kind.noisy:
        return 3
    return 2 if kind.shared is not None else int(kind.tick not in (None, _burst))


def _draw_cost(mixed: Mapping[str, Tally], path: Path) -> None:
    figure, axes = _figure(4.6)
    axes.set_xscale("log")
    spots = []
    for rule, tally in mixed.items():
        runs, gain = tally.runs / tally.sessions, tally.gain / tally.sessions
        axes.scatter(runs, gain, s=45, c=RULES[rule].colour, zorder=3)
        spots.append((runs, gain, f"{RULES[rule].title}: {tally.false / tally.sessions:.2g}", RULES[rule].colour))
    best = max(tally.oracle / tally.sessions for tally in mixed.values())
    axes.axhline(best, color="#888888", lw=1, ls="--")
    axes.annotate(
        "all improvements, nothing else", (1900, best), (0, 3), textcoords="offset points", ha="right", color="#666666"
    )
    axes.set(xlim=(85, 2300), ylim=(0, best + 1.5), ylabel="true gain of a session, standard deviations of one run")
    axes.set_xlabel("runs of a session (log scale); behind each name: false keeps of a session")
    axes.set_xticks([100, 200, 300, 500, 1000, 2000], ["100", "200", "300", "500", "1000", "2000"])
    axes.minorticks_off()
    _label(axes, spots)
    _save(figure, path)


def _draw_power(mixed: Mapping[str, Tally], path: Path) -> None:
    figure, axes = _figure(4.6)
    spots = []
    for rule, tally in mixed.items():
        shares = [100 * share for share in power(tally)]
        width = 2.6 if RULES[rule].noise == "auto" and not RULES[rule].own else 1.4
        axes.plot(range(len(BINS)), shares, "o-", color=RULES[rule].colour, lw=width, ms=4)
        spots.append((len(BINS) - 1, shares[-1], RULES[rule].title, RULES[rule].colour))
    axes.set_xticks(range(len(BINS)), [f"{low:g} to {high:g}" for low, high in BINS])
    axes.set(xlim=(-0.1, 3.0), ylim=(0, 104), xlabel="true effect of an improvement, standard deviations of one run")
    axes.set_ylabel("improvements kept, %")
    _label(axes, spots)
    _save(figure, path)


def _label(axes: Axes, spots: Sequence[tuple[float, float, str, str]]) -> None:
    """Names to the right of their points, each moved up or down until it covers no other."""
    points = axes.transAxes.inverted().transform(axes.transData.transform([spot[:2] for spot in spots]))
    placed = [(left - 0.01, left + 0.01, height) for left, height in points]
    shifts = sorted((step / 100 for step in range(-30, 31)), key=abs)
    for (left, height), (x, y, text, colour) in sorted(
        zip(points.tolist(), spots, strict=True), key=lambda pair: pair[0][1]
    ):
        left, right = left + 0.025, left + 0.035 + 0.0115 * len(text)
        free = (height + shift for shift in shifts if not _covered(placed, left, right, height + shift))
        at = (left, next(free, height))
        placed.append((left, right, at[1]))
        arrow = {"arrowstyle": "-", "color": "#bbbbbb", "lw": 0.7, "relpos": (0, 0.5), "shrinkB": 4}
        axes.annotate(
            text, (x, y), at, textcoords="axes fraction", color=colour, va="center", fontsize=9, arrowprops=arrow
        )


def _covered(placed: Sequence[tuple[float, float, float]], left: float, right: float, height: float) -> bool:
    return any(left < end and begin < right and abs(height - at) < 0.042 for begin, end, at in placed)


def main() -> None:
    """Simulate, print, and write what the documentation shows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, default=200, help="sessions for each rule, kind of noise and world")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--plots", type=Path, help="folder for the figures and the table page")
    parser.add_argument("--only", default="", help=f"rules, of {', '.join(RULES)}")
    parser.add_argument("--kinds", default="", help=f"kinds of noise, of {', '.join(KINDS)}")
    asked = parser.parse_args()
    rules = [rule for rule in asked.only.split(",") if rule] or list(RULES)
    kinds = [kind for kind in asked.kinds.split(",") if kind] or list(KINDS)
    results = simulate(rules, kinds, asked.sessions, asked.jobs)
    text = page(results, rules, kinds, asked.sessions)
    print(text, end="")
    if asked.plots:
        (asked.plots / "decision-figures.md").write_text(text, encoding="utf-8")
        draw(results, rules, kinds, asked.plots)


if __name__ == "__main__":
    main()
