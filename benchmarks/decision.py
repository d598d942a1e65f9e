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
from dataclasses import dataclass, fields, replace
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from autoresearch_mcp.tools.decision.calibration import baseline_runs, judge_from
from autoresearch_mcp.tools.decision.judging import Arm, Finding, Judge, Step, Threshold
from autoresearch_mcp.tools.plan.model import Plan
from autoresearch_mcp.tools.session.fold import machine_moved
from kinds import DUET, KINDS, PROPOSALS, SEEDS, START, Code, Kind, Machine, effects
from peers import Confirmed, MadRatio, MinDelta, PairedT, SignedRank, duet_from, two_sigma_from

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

CHUNK = 20
WORLDS = ("null", "mixed")
LONG = ("gaussian", "ar1", "heavy", "uneven", "jumps")
SHIFTING = Kind("lasting shift", factor=True, times=3)
BESIDE = 0.05
BINS = ((0.5, 1.0), (1.0, 2.0), (2.0, 3.0))


def _confirmed(values: Sequence[float]) -> Judge:
    return Confirmed(statistics.median(values), 3)


def _min_delta(values: Sequence[float]) -> Judge:
    return MinDelta(values[0])


def _mad(values: Sequence[float]) -> Judge:
    return MadRatio(statistics.median(values), tuple(values))


def _paired_t(values: Sequence[float]) -> Judge:
    return PairedT(values[0])


def _signed_rank(values: Sequence[float]) -> Judge:
    return SignedRank(values[0])


@dataclass(frozen=True)
class Contender:
    """A rule as it is driven here: its plan, its stakes, its colour; `own` with `own_runs` stands for the product's.

    `null` and `mixed` are the sessions of either world that the documentation's figures rest on.
    """

    title: str
    colour: str
    noise: str = "auto"
    error_rate: float = 0.05
    smallest: float = 0.0
    effort: str = "normal"
    max_runs: int = 0
    own: Callable[[Sequence[float]], Judge] | None = None
    own_runs: int = 0
    duet: bool = False
    null: int = 60
    mixed: int = 40

    @property
    def claims(self) -> bool:
        """Whether the rule gives an interval of what it gained."""
        return self.duet or (self.own is None and self.noise == "auto")

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
    "race": Contender("race (5 %)", "#0050b0", null=150, mixed=60),
    "strict": Contender("race, strict (1 %)", "#4a90d9", error_rate=0.01, null=150, mixed=60),
    "lenient": Contender("race, lenient (20 %)", "#00a0a0", error_rate=0.2, null=150, mixed=60),
    "quick": Contender("quick", "#7fb0e0", effort="quick"),
    "thorough": Contender("thorough (60 runs)", "#003070", effort="thorough", null=20, mixed=10),
    "duet": Contender("duet, both at once", "#008060", own=duet_from, own_runs=12, duet=True),
    "greedy": Contender("greedy", "#c03030", noise="none"),
    "median3": Contender("median of 3 *", "#e08a00", noise="3", smallest=1.0),
    "confirm3": Contender("median of 3, confirmed *", "#5fa55a", own=_confirmed, own_runs=3, smallest=1.0),
    "delta": Contender("min-delta, confirmed *", "#9a8a00", own=_min_delta, own_runs=1, smallest=1.0),
    "mad": Contender("MAD ratio", "#8e44ad", own=_mad, own_runs=1),
    "two": Contender("2 sigma of 2 runs", "#d16ba5", own=two_sigma_from, own_runs=2),
    "pairs": Contender("paired t, 5 + 5 runs", "#555555", own=_paired_t, own_runs=1),
    "ranks": Contender("signed ranks", "#a05030", own=_signed_rank, own_runs=1, null=30, mixed=30),
}


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
    machine = Machine(kind, Random(f"{SEEDS}, noise, {kind.title}, {world}, {index}"), contender.duet)
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
        judge, runs = _proposal(judge.open(Threshold(contender.smallest * kind.times)), machine, candidate, incumbent)
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


def _proposal(
    judge: Judge, machine: Machine, candidate: Code, incumbent: Code, moved: Callable[[], bool] = lambda: False
) -> tuple[Judge, int]:
    """Runs until the rule has decided. A rule that names no seed gets a fresh one; `moved` tells what the reference says."""
    start = machine.runs
    while not (found := judge.finding()).step.decided:
        seed = 1000 + machine.runs if found.seed is None else found.seed
        arm, code = (Arm.CANDIDATE, candidate) if found.step is Step.CANDIDATE else (Arm.INCUMBENT, incumbent)
        judge = judge.see(arm, machine.run(code, seed), seed, moved())
    return judge, machine.runs - start


Cell = tuple[str, str, str]
Results = Mapping[Cell, Tally]


def _some(task: tuple[Cell, int, range]) -> tuple[Cell, Tally]:
    (rule, kind, world), tries, indices = task
    return task[0], together(session(RULES[rule], KINDS[kind], world, index, tries) for index in indices)


def simulate(sessions: Mapping[Cell, int], jobs: int, tries: int = PROPOSALS) -> Results:
    """Run so many sessions of each rule under each kind of noise in each world."""
    tasks = [
        (cell, tries, range(first, min(first + CHUNK, count)))
        for cell, count in sessions.items()
        for first in range(0, count, CHUNK)
    ]
    parts: dict[Cell, list[Tally]] = {}
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
    "share of the gain", "told − truth", "cover", "runs of a keep", "runs of a discard",
)  # fmt: skip
PREFACE = """# Figures of the decision benchmark

Written by `{command}`.

Simulated sessions of {proposals} proposals; gains are in standard deviations of one run, which is 1 % of the start
value. Sessions of each rule under each kind of noise:

{sessions}

* Null world: no change has any effect. The share of sessions that keep anything comes with its 95 % interval.
* Mixed world (all other columns, per session): 70 % of the changes do nothing, 20 % harm and 10 % improve, by 0.2 to 3.
* `runs` counts the baseline and both arms, in the mixed world and in the null world. `false keeps` had no effect or a
  harmful one, `harmful` a harmful one. `kept` is the share of improvements that were kept, by true size; `share of the
  gain` is the true gain of what was kept, as a share of all improvements.
* `told − truth`: what the session tells of its gain, against the true gain. `cover`: sessions whose 95 % interval holds
  the truth, where a rule gives one.
* `runs of a keep`, `runs of a discard`: the median of both arms' runs, in brackets the mean.
* Rules marked * are given the true standard deviation, which a user would not know, and ask for one of it.
* Signed ranks: ten blocks of one run of either arm in random order, twenty if ten leave it open, at 1 % a try.
* A duet runs both arms at the same instant, so the machine's level is the same for both runs of a pair; that each run
  scatters {duet} times as much is assumed."""


def row(contender: Contender, null: Tally, mixed: Tally) -> list[str]:
    """One rule's figures."""
    count = mixed.sessions
    return [
        contender.title,
        f"{mixed.runs / count:.0f} ({null.runs / null.sessions:.0f})",
        _interval(null.spoilt, null.sessions),
        f"{mixed.false / count:.2f}",
        f"{mixed.harmful / count:.3f}",
        *(f"{100 * share:.0f} %" for share in power(mixed)),
        f"{100 * mixed.gain / mixed.oracle:.0f} %" if mixed.oracle else "–",
        f"{(mixed.told - mixed.gain) / count:+.1f}",
        f"{100 * mixed.covered / count:.0f} %" if contender.claims else "–",
        _typical(mixed.keep_runs),
        _typical(mixed.discard_runs),
    ]


def _interval(hits: int, tries: int) -> str:
    low, high = wilson(hits, tries)
    return f"{100 * hits / tries:.1f} % ({100 * low:.1f} to {100 * high:.1f})"


def _typical(runs: Sequence[int]) -> str:
    return f"{statistics.median(runs):g} ({statistics.fmean(runs):.1f})" if runs else "–"


def power(mixed: Tally) -> list[float]:
    """The share of improvements that were kept, by size."""
    return [kept / max(1, seen) for kept, seen in zip(mixed.kept, mixed.seen, strict=True)]


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Markdown that also reads well as plain text."""
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    lines = [[cell.ljust(width) for cell, width in zip(line, widths, strict=True)] for line in (head, *rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in (lines[0], ["-" * width for width in widths], *lines[1:]))


def page(results: Results, rules: Sequence[str], kinds: Sequence[str], command: str) -> str:
    """All tables: first over the noisy kinds together, then kind by kind."""
    noisy = [kind for kind in kinds if KINDS[kind].noisy]
    shares = [[KINDS[kind].title, *(_share(results[rule, kind, "null"]) for rule in rules)] for kind in kinds]
    counts = [
        [RULES[rule].title, *(str(results[rule, kinds[0], world].sessions) for world in WORLDS)] for rule in rules
    ]
    parts = [PREFACE.format(command=command, proposals=PROPOSALS, sessions=table(("rule", *WORLDS), counts), duet=DUET)]
    if noisy:
        parts += [f"## The {len(noisy)} noisy kinds together", _cells(results, rules, noisy)]
    parts += ["## Null sessions with a false keep", table(("noise", *(RULES[rule].title for rule in rules)), shares)]
    for kind in kinds:
        parts += [f"## {KINDS[kind].title}", _cells(results, rules, [kind])]
    return "\n\n".join(parts) + "\n"


def _share(null: Tally) -> str:
    return f"{100 * null.spoilt / null.sessions:.1f} %"


def _cells(results: Results, rules: Sequence[str], kinds: Sequence[str]) -> str:
    worlds = [[together(results[rule, kind, world] for kind in kinds) for world in WORLDS] for rule in rules]
    return table(HEAD, [row(RULES[rule], *both) for rule, both in zip(rules, worlds, strict=True)])


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
    return 2 if kind.shared is not None else int(kind.drifting)


def _draw_cost(mixed: Mapping[str, Tally], path: Path) -> None:
    figure, axes = _figure(4.6)
    axes.set_xscale("log")
    spots = []
    for rule, tally in mixed.items():
        runs, gain = tally.runs / tally.sessions, tally.gain / tally.sessions
        axes.scatter(runs, gain, s=45, c=RULES[rule].colour, zorder=3)
        spots.append((runs, gain, f"{RULES[rule].title}: {tally.false / tally.sessions:.2g}", RULES[rule].colour))
    best = max(tally.oracle / tally.sessions for tally in mixed.values())
    most = 3.2 * max(runs for runs, *_ in spots)
    axes.axhline(best, color="#888888", lw=1, ls="--")
    axes.annotate(
        "all improvements, nothing else",
        (0.9 * most, best),
        (0, 3),
        textcoords="offset points",
        ha="right",
        color="#666666",
    )
    axes.set(xlim=(85, most), ylim=(0, best + 1.5), ylabel="true gain of a session, standard deviations of one run")
    axes.set_xlabel("runs of a session (log scale); behind each name: false keeps of a session")
    ticks = [tick for tick in (100, 200, 300, 500, 1000, 2000, 5000) if tick < most]
    axes.set_xticks(ticks, list(map(str, ticks)))
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
    axes.set(xlim=(-0.1, 3.0), ylim=(0, 108), xlabel="true effect of an improvement, standard deviations of one run")
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


def lost_after(
    contender: Contender, shift: float, gain: Callable[[Random, int], float], index: int, beside: float | None
) -> int:
    """How many gains in a row are lost before the first is kept, of at most 30, once the machine is `shift` times as slow
    for good. Ten tries that do nothing come before; a run scatters by 3 %. `gain` gives the share of the n-th gain. The
    reference workload beside a run, which the machine slows down as much, scatters by `beside`, a share; None: it is not timed.
    """
    machine = Machine(SHIFTING, Random(f"{SEEDS}, shift {shift}, {index}"))
    incumbent, chance = machine.commit(START), Random(f"{SEEDS}, beside, {index}")
    references, values = list[float](), list[float]()

    def moved() -> bool:
        seconds = 0.0 if beside is None else math.exp(machine.state + beside * chance.gauss(0, 1))
        references.append(seconds)
        return machine_moved(references[:-1], seconds)

    while len(values) < contender.runs(values):
        values.append(machine.run(incumbent, len(values)))
        moved()
    judge = contender.judge(values)
    for lost in range(-10, 30):
        machine.state = math.log(shift) if lost >= 0 else 0.0
        left = 1 - gain(machine.rng, lost) if lost >= 0 else 1.0
        candidate = Code(100 + lost, incumbent.true - (1 - left) * START / SHIFTING.times, scatter=left)
        judge, _ = _proposal(judge.open(Threshold()), machine, candidate, incumbent, moved)
        kept = judge.finding().step is Step.BETTER
        if kept and lost >= 0:
            return lost
        judge, incumbent = judge.close(kept), candidate if kept else incumbent
    return 30


GAINS: Mapping[str, Callable[[Random, int], float]] = {
    "20 %, then one point more each, to 30 %": lambda rng, lost: 0.2 + 0.01 * (lost % 11),
    "drawn from 20 to 30 %": lambda rng, lost: rng.uniform(0.2, 0.3),
}


def shifts(rules: Sequence[str], sessions: int, scatter: float) -> str:
    """Tell in how many sessions a lasting shift costs at most one gain."""
    rows = []
    for rule, gains, shift, beside in itertools.product(rules, GAINS, (1.5, 2.0, 3.0), (scatter, None)):
        lost = [lost_after(RULES[rule], shift, GAINS[gains], index, beside) for index in range(sessions)]
        few = f"{sum(each <= 1 for each in lost)} of {sessions}"
        worst = f"{statistics.fmean(lost):.1f}", f"{max(lost)}"
        rows.append([RULES[rule].title, gains, f"x{shift:g}", "no" if beside is None else f"{beside:.0%}", few, *worst])
    return table(
        ("rule", "gains", "shift", "reference scatters by", "at most one gain lost", "lost, mean", "most"), rows
    )


def equal(task: tuple[Contender, Kind, float, int]) -> list[tuple[bool, int]]:
    """Ten tries that all gain as much: whether each was kept, after how many runs."""
    contender, kind, gain, index = task
    machine, tries = Machine(kind, Random(f"{SEEDS}, equal {gain}, {index}")), []
    incumbent = machine.commit(START + 0.123456)
    values: list[float] = []
    while len(values) < contender.runs(values):
        values.append(machine.run(incumbent, 0 if len(values) == 1 else len(values)))
    judge = contender.judge(values)
    for _ in range(10):
        machine.pause()
        candidate = machine.commit(incumbent.true - gain)
        judge, runs = _proposal(judge.open(Threshold(contender.smallest)), machine, candidate, incumbent)
        kept = judge.finding().step is Step.BETTER
        tries.append((kept, runs))
        judge, incumbent = judge.close(kept), candidate if kept else incumbent
    return tries


def powers(
    rules: Sequence[str], kinds: Sequence[str], gains: Sequence[float], most_runs: int, sessions: int, jobs: int
) -> str:
    """Tell how often gains of the same size are kept, and after how many runs."""
    rows = []
    with multiprocessing.Pool(jobs) as pool:
        for rule, kind, gain in itertools.product(rules, kinds, gains):
            contender = replace(RULES[rule], max_runs=most_runs)
            found = pool.map(equal, [(contender, KINDS[kind], gain, index) for index in range(sessions)])
            tries = list(itertools.chain.from_iterable(found))
            kept, dropped = ([runs for won, runs in tries if won is which] for which in (True, False))
            share = f"{100 * len(kept) / len(tries):.0f} %"
            title = f"{rule}, at most {most_runs} runs" if most_runs else contender.title
            rows.append([title, KINDS[kind].title, f"{gain:g}", share, _typical(kept), _typical(dropped)])
    return table(("rule", "noise", "gain", "kept", "runs of a keep", "runs of a discard"), rows)


def nights(rules: Sequence[str], kinds: Sequence[str], sessions: int, jobs: int, tries: int) -> str:
    """Tell how many sessions of so many tries without any effect keep something."""
    results = simulate({(rule, kind, "null"): sessions for rule in rules for kind in kinds}, jobs, tries)
    rows = [
        [
            RULES[rule].title,
            KINDS[kind].title,
            _interval(null.spoilt, null.sessions),
            f"{null.runs / null.sessions:.0f}",
        ]
        for (rule, kind, _), null in results.items()
    ]
    return table(("rule", "noise", f"null sessions of {tries} tries with a keep", "runs"), rows)


def main() -> None:
    """Simulate, print, and write what the documentation shows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--sessions", type=int, default=0, help="sessions of each cell, instead of each rule's own numbers"
    )
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--plots", type=Path, help="folder for the figures and the table page")
    parser.add_argument("--only", default="", help=f"rules, of {', '.join(RULES)}")
    parser.add_argument("--kinds", default="", help=f"kinds of noise, of {', '.join(KINDS)}")
    parser.add_argument("--tries", type=int, default=0, help="null sessions of so many tries instead, 40 unless said")
    parser.add_argument("--shift", action="store_true", help="lasting shifts instead, 100 sessions unless said")
    parser.add_argument(
        "--gains", default="", help="gains of these sizes instead, 60 sessions of ten tries unless said"
    )
    parser.add_argument("--max-runs", type=int, default=0, help="most runs of a decision, with --gains")
    parser.add_argument("--beside", type=float, default=BESIDE, help="scatter of the reference workload, with --shift")
    asked = parser.parse_args()
    rules, kinds = ([name for name in given.split(",") if name] for given in (asked.only, asked.kinds))
    if asked.shift:
        print(shifts(rules or ["race", "greedy"], asked.sessions or 100, asked.beside))
        return
    if asked.gains:
        sizes = list(map(float, asked.gains.split(",")))
        print(powers(rules or ["race"], kinds or ["gaussian"], sizes, asked.max_runs, asked.sessions or 60, asked.jobs))
        return
    if asked.tries:
        print(nights(rules or ["race"], kinds or LONG, asked.sessions or 40, asked.jobs, asked.tries))
        return
    rules, kinds = rules or list(RULES), kinds or list(KINDS)
    sessions = {
        (rule, kind, world): asked.sessions or (RULES[rule].null if world == "null" else RULES[rule].mixed)
        for rule, kind, world in itertools.product(rules, kinds, WORLDS)
    }
    given = "".join(f" --{name} {value}" for name in ("sessions", "only", "kinds") if (value := getattr(asked, name)))
    command = f"python benchmarks/decision.py{given} --plots docs"
    results = simulate(sessions, asked.jobs)
    text = page(results, rules, kinds, command)
    print(text, end="")
    if asked.plots:
        (asked.plots / "decision-figures.md").write_text(text, encoding="utf-8")
        draw(results, rules, kinds, asked.plots)


if __name__ == "__main__":
    main()
