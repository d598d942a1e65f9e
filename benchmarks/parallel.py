"""Candidates beside one another: what it gains, and whether the promise about false keeps holds for it.

Run it with the Python that the package and its test tools are installed in. `python benchmarks/parallel.py --throughput` runs one
real session with a verify that sleeps a second, by `iterate` and by `submit` with two and four workers, and compares keeps and
time. `--simulate 200` plays so many sessions of 100 ideas for 1 to 16 workers through the package's own rule: ideas of six
directions, in each of which only the first keep gains. A run takes one step, in a lane as well as on the newest best. `--journal`
has 1 to 16 processes append to one journal for 5 seconds, each as fast as it can.
"""

from __future__ import annotations

import argparse
import os
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from decision import wilson
from kill9 import own_git

from autoresearch_mcp.tools.decision.calibration import baseline_runs, judge_from
from autoresearch_mcp.tools.decision.judging import NO_THRESHOLD, Arm, Judge, Step
from autoresearch_mcp.tools.parallel.crew import crew_of
from autoresearch_mcp.tools.parallel.events import LaneTaken
from autoresearch_mcp.tools.plan.model import Plan
from autoresearch_mcp.tools.session.journal import Journal
from autoresearch_mcp.tools.verbs.parallel import Parallel
from autoresearch_mcp.tools.workflows.fix.hooks import refuse_hiding
from conftest import Project

IDEAS = 100
DIRECTIONS = 6
START = 100.0
WORKERS = (1, 2, 4, 8, 16)
TRIES = 32
BESIDE = (2, 4)
JOURNAL_S = 5.0
BETTER = (9, 20)
"""Which of the real tries make the sum smaller."""


@dataclass(frozen=True)
class Outcome:
    """One simulated session: what was kept that does not gain, what all keeps gain together, its runs and its steps."""

    false: int
    gain: float
    runs: int
    steps: float


def simulate(workers: int, index: int) -> Outcome:
    """Play one session. The metric is 100 at the start, a run scatters by 1, and lower is better."""
    draw = Random(f"overlap {index}")
    ideas = [(draw.randrange(DIRECTIONS), _effect(draw)) for _ in range(IDEAS)]
    noise = Random(f"noise {workers} {index}")
    plan, values = Plan(), [noise.gauss(START, 1)]
    while len(values) < baseline_runs("auto", values):
        values.append(noise.gauss(START, 1))
    return _Session(workers, ideas, noise, judge_from(plan, values, list(range(len(values))))).play()


def _effect(draw: Random) -> float:
    """Return what an idea gains alone: of ten seven nothing, two harm, and one gains up to three deviations of a run."""
    kind = draw.random()
    return 0.0 if kind < 0.7 else -draw.uniform(0.2, 3) if kind < 0.9 else draw.uniform(0.2, 3)


class _Session:
    def __init__(self, workers: int, ideas: Sequence[tuple[int, float]], noise: Random, judge: Judge) -> None:
        self._workers, self._ideas, self._noise, self._judge = workers, ideas, noise, judge
        self._level, self._kept, self._version = START, set[int](), 0
        self._when_best: dict[int, Judge] = {}
        self._false = self._runs = 0

    def play(self) -> Outcome:
        """Every lane takes the next idea once it is free; who decides does one thing after the other."""
        free, now, waiting, place = [0.0] * self._workers, 0.0, list[tuple[float, int, int, float]](), 0
        while place < len(self._ideas) or waiting:
            while place < len(self._ideas) and min(free) <= now:  # cut from the best of this moment
                lane = free.index(min(free))
                began = max(free[lane], 0.0)
                value = self._noise.gauss(self._alone(place), 1) if self._workers > 1 else 0.0
                self._runs += self._workers > 1
                free[lane] = began + (self._workers > 1)
                waiting.append((free[lane], place, self._version, value))
                place += 1
            ready = [one for one in waiting if one[0] <= now]
            if not ready:
                now = min(one[0] for one in waiting)
                continue
            for one in ready:
                waiting.remove(one)
                if self._workers > 1 and self._dropped(one[2], one[3]):
                    continue
                now += self._race(one[1])
            if self._workers == 1:
                free = [now]
        return Outcome(self._false, START - self._level, self._runs, max(now, *free))

    def _alone(self, place: int) -> float:
        direction, effect = self._ideas[place]
        return self._level - (0.0 if direction in self._kept and effect > 0 else effect)

    def _dropped(self, version: int, value: float) -> bool:
        judge = self._when_best.get(version, self._judge)
        return judge.open(NO_THRESHOLD).see(Arm.CANDIDATE, value, 0).finding().step is Step.NOT_BETTER

    def _race(self, place: int) -> int:
        """Make an ordinary iteration of an idea on the newest best; returns its runs."""
        judge, count, truth = self._judge.open(NO_THRESHOLD), 0, self._alone(place)
        while not (step := judge.finding().step).decided:
            arm = Arm.CANDIDATE if step is Step.CANDIDATE else Arm.INCUMBENT
            level = truth if arm is Arm.CANDIDATE else self._level
            judge, count = judge.see(arm, self._noise.gauss(level, 1), count), count + 1
        self._runs += count
        kept = step in {Step.BETTER, Step.SIMPLER}
        if kept:
            self._false += truth >= self._level
            self._when_best[self._version] = self._judge
            self._level, self._version = truth, self._version + 1
            self._kept.add(self._ideas[place][0])
        self._judge = judge.close(kept)
        return count


def _simulated(sessions: int) -> None:
    print(
        "| workers | sessions with a false keep | gain kept | runs | steps | ideas a step |\n|---|---|---|---|---|---|"
    )
    for workers in WORKERS:
        found = [simulate(workers, index) for index in range(sessions)]
        spoilt = sum(one.false > 0 for one in found)
        low, high = wilson(spoilt, sessions)
        steps = statistics.fmean(one.steps for one in found)
        share = f"{spoilt / sessions:.1%} ({low:.1%} to {high:.1%})"
        means = [statistics.fmean(values) for values in zip(*((one.gain, one.runs) for one in found), strict=True)]
        print(
            f"| {workers} | {share} | {means[0]:.2f} | {means[1]:.0f} | {steps:.0f} | {IDEAS / steps:.2f} |", flush=True
        )


def _throughput() -> int:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ.update(own_git(folder))
        alone_s, best = _alone(folder / "alone")
        print("| workers | tries an hour | ratio | best |\n|---|---|---|---|")
        print(f"| by `iterate` | {3600 * TRIES / alone_s:.0f} | 1 | {best} |", flush=True)
        others = []
        for workers in BESIDE:
            beside_s, found = _beside(folder / str(workers), workers)
            others.append(found)
            print(f"| {workers} | {3600 * TRIES / beside_s:.0f} | {alone_s / beside_s:.2f} | {found} |", flush=True)
        with closing(sqlite3.connect(folder / f"{workers}/.git/autoresearch/journal.db")) as database:
            records = database.execute("SELECT count(*) FROM event").fetchone()[0]
    print(f"records of the journal for a try beside others: {records / TRIES:.1f}")
    return int(any(other != best for other in others))


def _journal() -> None:
    print("| writers | records a second | median | 95 of 100 | worst |\n|---|---|---|---|---|")
    for writers in (1, 4, 16):
        with tempfile.TemporaryDirectory() as folder, ProcessPoolExecutor(writers, get_context("spawn")) as pool:
            Journal(Path(folder)).append("it/board", 0.0, [LaneTaken(candidate=0, incumbent=0, lane=1)])
            list(pool.map(abs, range(writers)))  # each has started
            took = sorted(one for own in pool.map(_append, [folder] * writers) for one in own)
        told = [f"{1000 * took[int(share * (len(took) - 1))]:.1f} ms" for share in (0.5, 0.95, 1)]
        print(f"| {writers} | {len(took) / JOURNAL_S:.0f} | {' | '.join(told)} |", flush=True)


def _append(folder: str) -> list[float]:
    journal, took, end = Journal(Path(folder)), list[float](), time.monotonic() + JOURNAL_S
    while (began := time.monotonic()) < end:
        journal.append("it/board", 0.0, [LaneTaken(candidate=len(took), incumbent=0, lane=1)])
        took.append(time.monotonic() - began)
    return took


def _project(root: Path, workers: int) -> Project:
    project = Project(root, verify="sleep 1; cat src/* | paste -sd+ | bc", guards=(), workers=workers)
    for number in range(TRIES):
        project.write(f"src/{number}.txt", "10\n")
    project.commit("parts").start()
    return project


def _value(number: int) -> int:
    return 5 if number in BETTER else 11


def _alone(root: Path) -> tuple[float, object]:
    project, began = _project(root, 1), time.monotonic()
    began = time.monotonic()
    for number in range(TRIES):
        project.write(f"src/{number}.txt", f"{_value(number)}\n").loop.iterate(f"try {number}")
    return time.monotonic() - began, project.sessions.status().best


def _beside(root: Path, workers: int) -> tuple[float, object]:
    project = _project(root, workers)
    project.lab.drives = True
    verbs = Parallel(project.lab)
    place = verbs.workspace()
    began = time.monotonic()
    for number in range(TRIES):
        (Path(place.path) / f"src/{number}.txt").write_text(f"{_value(number)}\n")
        verbs.submit(f"try {number}", place.name)
    while project.sessions.status().candidates:
        crew_of(project.lab, "", refuse_hiding).wake()
        time.sleep(0.1)
    return time.monotonic() - began, project.sessions.status().best


def main() -> int:
    """Do what was asked for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--throughput", action="store_true")
    parser.add_argument("--journal", action="store_true")
    parser.add_argument("--simulate", type=int, default=0, metavar="SESSIONS")
    options = parser.parse_args()
    if options.simulate:
        _simulated(options.simulate)
    if options.journal:
        _journal()
    return _throughput() if options.throughput else 0


if __name__ == "__main__":
    raise SystemExit(main())
