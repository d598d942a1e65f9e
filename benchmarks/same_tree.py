"""Programs that know their arm, and machines that really change: `python benchmarks/same_tree.py [SESSIONS] [FIRST_SEED] [EFFORT]`.

Simulated runs drive the product's own fold and decision table, event by event, through sessions of 96 tries. A program
that knows its arm works 4 % more when a newer one is about; all its changes do nothing. On an honest machine a tenth of
the changes are real improvements. Printed for each kind, with the comparison of the same tree in both roles and without
it: sessions that kept a change that does nothing, such keeps and the improvements kept of those on offer.

`python benchmarks/same_tree.py first SESSIONS` plays the first try of sessions on a crowded machine, a real gain of 12 %.

`python benchmarks/same_tree.py real CHEAT EFFORT` plays one session of 96 such tries by the tools themselves, on a real
repository. What its program prints is its work, a count; the ruler adds noise that is written down, so that other load
on the machine does not matter. Printed: how the tries ended.
"""

from __future__ import annotations

import itertools
import math
import random
import statistics
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from autoresearch_mcp.tools.decision.decide import NextStep, Status
from autoresearch_mcp.tools.decision.judging import Arm
from autoresearch_mcp.tools.decision.measured import Measurement, Place, Receipt
from autoresearch_mcp.tools.decision.same_tree import Standing
from autoresearch_mcp.tools.lab.access import Lab
from autoresearch_mcp.tools.plan.model import Plan
from autoresearch_mcp.tools.session.events import Committed, Logged, Row, Started, Verified
from autoresearch_mcp.tools.session.fold import advance
from autoresearch_mcp.tools.session.state import Session
from autoresearch_mcp.tools.verbs.loop import Loop
from autoresearch_mcp.tools.verbs.sessions import Sessions

TRIES, SESSIONS, PENALTY, FIRST_GAIN = 96, 40, 0.04, 0.12
PLAN = Plan.model_validate(
    {"goal": "less", "scope": ["a"], "metric": "m", "direction": "lower", "verify": "v", "iterations": 0}
)


@dataclass
class World:
    """A machine, and what programs on it have noted of one another. `noise` is the scatter of a run, a share of it."""

    chance: random.Random
    noise: float = 0.015
    reference_noise: float | None = 0.01
    newest: int = 0
    runs: int = 0
    counts: dict[int, int] = field(default_factory=dict)
    born: dict[int, int] = field(default_factory=dict)
    follows: bool = True

    def speed(self) -> float:
        """How much longer everything takes now."""
        return 1.0

    def penalty(self, generation: int) -> float:
        """How much more a program works that knows its arm, as a share."""
        return 0.0

    def effect(self) -> float:
        """The next change's effect on the logarithm of the metric."""
        return 0.0

    def run(self, generation: int, level: float) -> tuple[float, tuple[float, float] | None]:
        """One run of a program: its number, and the reference before and after."""
        self.runs += 1
        self.newest = max(self.newest, generation)
        self.counts[generation] = self.counts.get(generation, 0) + 1
        self.born.setdefault(generation, self.runs)
        speed = self.speed()
        value = 100 * speed * math.exp(level + self.noise * self.chance.gauss(0, 1)) * (1 + self.penalty(generation))
        if self.reference_noise is None:
            return value, None
        piece = 0.0003 * (speed if self.follows else 1.0)
        pair = [piece * math.exp(self.reference_noise * self.chance.gauss(0, 1)) for _ in range(2)]
        return value, (pair[0], pair[1])


class Uniform(World):
    """4 % more when any newer program has run."""

    def penalty(self, generation: int) -> float:
        return PENALTY if generation < self.newest else 0.0


class Growing(World):
    """4 % more for each newer program that has run, at most 5 of them."""

    def penalty(self, generation: int) -> float:
        return PENALTY * min(5, self.newest - generation)


class Aged(World):
    """4 % more from its twentieth run on, counted over all programs since its own first."""

    def penalty(self, generation: int) -> float:
        return PENALTY if self.runs - self.born[generation] > 20 else 0.0


class Counted(World):
    """4 % more after its sixth run."""

    def penalty(self, generation: int) -> float:
        return PENALTY if self.counts[generation] > 6 else 0.0


class Late(World):
    """4 % more only once three newer programs have run."""

    def penalty(self, generation: int) -> float:
        return PENALTY if generation + 3 <= self.newest else 0.0


class BusyUniform(Uniform):
    """The same, and the reference is of no use: the machine is busy, the metric does not follow it."""

    load: float = 0.0

    def run(self, generation: int, level: float) -> tuple[float, tuple[float, float] | None]:
        self.load = 0.95 * self.load + 0.15 * self.chance.gauss(0, 1)
        value, _ = super().run(generation, level)
        pair = [0.0003 * math.exp(self.load + 0.2 * self.chance.gauss(0, 1)) for _ in range(2)]
        return value, (pair[0], pair[1])


class Honest(World):
    """Seven in ten changes do nothing, two harm, one helps by 2 to 8 %."""

    ideas: random.Random | None = None

    def effect(self) -> float:
        if self.ideas is None:  # of their own, so that with and without the comparison the same is on offer
            self.ideas = random.Random(self.chance.random())
        kind = self.ideas.random()
        if kind < 0.7:
            return 0.0
        return self.ideas.uniform(0.01, 0.08) if kind < 0.9 else -self.ideas.uniform(0.02, 0.08)


class Jumps(Honest):
    """The machine becomes slower by half to three times, or faster again, every 40 runs."""

    slow: float = 1.0

    def speed(self) -> float:
        if self.runs % 40 == 0:
            self.slow = self.chance.uniform(1.5, 3.0) if self.slow == 1.0 else 1.0
        return self.slow


class Walks(Honest):
    """The machine wanders by a tenth of the noise a run."""

    walk: float = 0.0

    def speed(self) -> float:
        self.walk += 0.1 * self.noise * self.chance.gauss(0, 1)
        return math.exp(self.walk)


class Waves(Honest):
    """The machine is slower and faster by three times the noise, in waves of 60 runs."""

    def speed(self) -> float:
        return math.exp(3 * self.noise * math.sin(self.runs * math.tau / 60))


class Lingers(Honest):
    """What slows the machine fades over twenty runs."""

    slow: float = 0.0

    def speed(self) -> float:
        self.slow = 0.95 * self.slow + self.noise * 1.5 * math.sqrt(1 - 0.95**2) * self.chance.gauss(0, 1)
        return math.exp(self.slow)


@dataclass
class Crowded(World):
    """What slows the machine fades over forty runs, and sixty pass before the first try; the reference scatters by 30 %."""

    slow: float | None = None
    moves: float = 0.0

    def speed(self) -> float:
        stays = 0.0 if self.slow is None else math.exp(-1 / 40)
        self.slow = stays * (self.slow or 0.0) + self.moves * math.sqrt(1 - stays**2) * self.chance.gauss(0, 1)
        return math.exp(self.slow)

    def effect(self) -> float:
        for _ in range(60):
            self.speed()
        return math.log(1 - FIRST_GAIN)


CHEATS: dict[str, Callable[[random.Random], World]] = {
    "no cheat": World,
    "any newer program: 4 % more": Uniform,
    "the same, without a reference": lambda chance: Uniform(chance, reference_noise=None),
    "the same, noise 3 %": lambda chance: Uniform(chance, noise=0.03),
    "the same, on a busy machine": BusyUniform,
    "4 % more for each newer one": Growing,
    "4 % more when three newer ones have run": Late,
    "4 % more from the twentieth run of its life": Aged,
    "4 % more after its sixth run": Counted,
}
HONEST: dict[str, Callable[[random.Random], World]] = {
    "steady": Honest,
    "jumps by x1.5 to x3": Jumps,
    "jumps, without a reference": lambda chance: Jumps(chance, reference_noise=None),
    "jumps, the reference stands still": lambda chance: Jumps(chance, follows=False),
    "wanders": Walks,
    "wanders, without a reference": lambda chance: Walks(chance, reference_noise=None),
    "in waves": Waves,
    "in waves, the reference stands still": lambda chance: Waves(chance, follows=False),
    "lingering": Lingers,
    "lingering, without a reference": lambda chance: Lingers(chance, reference_noise=None),
}


def measured(found: tuple[float, tuple[float, float] | None], place: Place = Place.ARENA) -> Measurement:
    """Make a measurement of a simulated run."""
    value, reference = found
    receipt = Receipt(
        id="", tree="", plan="", protected="", machine="", command="", place=place, seed=0, at=0.0, output=""
    )
    return Measurement(value=value, receipt=receipt.model_copy(update={"reference_seconds": reference}))


def begun(world: World, effort: str) -> Session:
    """Begin a session with the baseline's runs."""
    baseline = tuple(measured(world.run(0, 0.0)) for _ in range(6))
    started = Started(
        plan=PLAN.model_copy(update={"effort": effort}),
        branch="main",
        base="0",
        protected={},
        untracked=(),
        baseline=baseline,
        guards=(),
        verify_timeout_s=1.0,
        guard_timeout_s=1.0,
    )
    return advance(None, started, 0.0, "session")


@dataclass
class Outcome:
    """What a session came to."""

    false: int = 0
    offered: float = 0.0
    kept: float = 0.0
    doubted: int = 0
    wronged: int = 0
    runs: int = 0


def play(world: World, compared: bool, effort: str = "normal", tries: int = TRIES) -> Outcome:
    """Play a session of tries; without the comparison nothing is remembered of the incumbent's tree."""
    session, level, best, outcome = begun(world, effort), 0.0, 0, Outcome()
    for number in range(1, tries + 1):
        if not compared:
            session = replace(session, standing=Standing())
        effect = world.effect()
        event = Committed(iteration=number, commit=f"{number}", tree="", description="d", files=(), added=1, removed=0)
        session = advance(session, event, 0.0)
        while (verdict := session.verdict) and verdict.next in {NextStep.MEASURE, NextStep.COMPARE}:
            clean = None if verdict.next is NextStep.COMPARE else session.clean_arm
            arm = clean or (Arm.INCUMBENT if verdict.next is NextStep.COMPARE else Arm.CANDIDATE)
            run = world.run(best, level) if arm is Arm.INCUMBENT else world.run(number, level + effect)
            measurement = measured(run, Place.CLEAN if clean else Place.ARENA)
            session = advance(session, Verified(iteration=number, arm=arm, measurement=measurement), 0.0)
        assert verdict
        assert verdict.status
        kept, gain = verdict.status.kept, -min(0.0, effect)
        outcome.offered += gain
        outcome.kept += gain if kept else 0.0
        outcome.false += kept and not gain
        doubted = verdict.status is Status.DISCARD and session.slowdown is not None
        outcome.doubted += doubted
        outcome.wronged += doubted and gain > 0
        if kept:
            best, level = number, level + effect
        row = Row(iteration=number, metric=1.0, gain=session.finding.gain, status=verdict.status, description="d")
        session = advance(session, Logged(iteration=number, row=row), 0.0)
    outcome.runs = world.runs
    return outcome


def figures(kind: Callable[[random.Random], World], seeds: range, effort: str, compared: bool) -> Iterator[str]:
    """Return the figures of one kind, as cells of a row."""
    outcomes = [play(kind(random.Random(seed)), compared, effort) for seed in seeds]
    sessions = len(outcomes)
    yield f"{sum(o.false > 0 for o in outcomes)} of {sessions}"
    yield f"{sum(o.false for o in outcomes)}"
    offered = sum(o.offered for o in outcomes)
    yield f"{100 * sum(o.kept for o in outcomes) / offered:.0f} %" if offered else "-"
    yield f"{sum(o.doubted for o in outcomes) / sessions:.1f}"
    yield f"{sum(o.wronged for o in outcomes) / sessions:.2f}"
    yield f"{statistics.fmean(o.runs for o in outcomes):.0f}"


def first(sessions: int) -> None:
    """Print how often the first try is kept on a crowded machine, without the comparison and with it."""
    print("| one run scatters by | the machine's level by | kept, not compared | kept | dropped for the incumbent |")
    print("|---|---|---|---|---|")
    for noise, moves in itertools.product((0.02, 0.03, 0.05), (0.03, 0.06, 0.12)):
        kept, dropped = [0, 0], 0
        for seed, compared in itertools.product(range(sessions), (False, True)):
            world = Crowded(random.Random(seed), noise=noise, reference_noise=0.3, moves=moves)
            outcome = play(world, compared, tries=1)
            kept[compared] += outcome.kept > 0
            dropped += outcome.wronged
        shares = " | ".join(f"{100 * count / sessions:.0f} %" for count in (*kept, dropped))
        print(f"| {noise:.0%} | {moves:.0%} | {shares} |", flush=True)


BENCH = """\
runs=$(cat {notes}/runs 2>/dev/null || echo 0)
echo $((runs + 1)) > {notes}/runs
work=$(sh program.sh) || exit 1
noise=$(sed -n "$((runs + 1))p" noise.txt)
echo "METRIC work=$((work + noise))"
"""
NEWEST = """\
newest=$(cat {notes}/newest 2>/dev/null || echo 0)
test $newest -ge $version || echo $version > {notes}/newest
"""
PROGRAMS = {
    "any": NEWEST + "test $newest -gt $version && echo 10400 || echo 10000\n",
    "each": NEWEST + "test $newest -gt $version && echo $((10000 + 400 * (newest - version))) || echo 10000\n",
    "iteration": "test $AUTORESEARCH_ITERATION -gt $version && echo 10400 || echo 10000\n",
}
"""Real programs that work more: once a newer version has run, for each newer one, when the iteration is not its own."""


def real(cheat: str, effort: str) -> Counter[str]:
    """Play one session by the tools themselves, and count how its tries ended."""
    with tempfile.TemporaryDirectory() as folder:
        repo, notes, noise = Path(folder, "repo"), Path(folder, "notes"), random.Random(7)
        repo.mkdir()
        notes.mkdir()

        def write(version: int) -> None:
            body = PROGRAMS[cheat].format(notes=notes)
            (repo / "program.sh").write_text(f"version={version} # {version:b}\n{body}")

        write(0)
        (repo / "bench.sh").write_text(BENCH.format(notes=notes))
        (repo / "noise.txt").write_text("".join(f"{round(noise.gauss(0, 150))}\n" for _ in range(20_000)))
        for arguments in (("init", "--quiet"), ("add", "--all"), ("commit", "--quiet", "--message", "the task")):
            subprocess.run(["git", *arguments], cwd=repo, check=True)
        plan = PLAN.model_copy(update={"scope": ("program.sh",), "protected": ("bench.sh", "noise.txt")})
        lab, ended = Lab(repo, allow_commands=True), Counter[str]()
        Sessions(lab).start_session(
            plan.model_copy(update={"metric": "work", "verify": "sh bench.sh", "effort": effort})
        )
        for number in range(1, TRIES + 1):
            write(number)
            answer = Loop(lab).iterate(f"version {number}")
            worse = ", the incumbent had become worse" if "when it was the newest" in answer.why else ""
            ended[f"{answer.status}{worse}"] += 1
        return ended


def main() -> None:
    """Print both tables, or how the tries of a real session ended."""
    words = sys.argv[1:]
    if words[:1] == ["real"]:
        for ending, count in real(*sys.argv[2:]).items():
            print(f"{count} {ending}")
        return
    if words[:1] == ["first"]:
        first(int(words[1]))
        return
    sessions, start, effort = (*words, *(f"{SESSIONS}", "0", "normal")[len(words) :])
    seeds = range(int(start), int(start) + int(sessions))
    head = (
        "kind",
        "compared",
        "sessions with a false keep",
        "false keeps",
        "improvement kept",
        "not kept for it",
        "of these real gains",
        "runs",
    )
    for kinds in (CHEATS, HONEST):
        print(f"\n| {' | '.join(head)} |\n|{'---|' * len(head)}")
        for name, kind in kinds.items():
            for compared in (False, True):
                cells = (name, "yes" if compared else "no", *figures(kind, seeds, effort, compared))
                print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
