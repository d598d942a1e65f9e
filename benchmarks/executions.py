"""What it brings that one run of processor time is several executions: recorded executions, replayed through the product's fold.

    python benchmarks/executions.py [SESSIONS] [--record SECONDS]

With `--record` it executes a program of pure Python that takes about 0.17 s of processor time, again and again, beside whatever runs
on this machine, and writes what each execution took to `executions.json`. Without, it replays the recording: sessions of one try,
from a random place on, whose change uses a tenth less, a twentieth less or nothing less. A run is the least of k executions in a
row; 20 executions go by between the baseline and the try. Runs in clean checkouts are not among those counted.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import random
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from same_tree import PLAN, measured

from autoresearch_mcp.tools.decision.decide import NextStep
from autoresearch_mcp.tools.decision.executions import as_one_run
from autoresearch_mcp.tools.decision.judging import Arm
from autoresearch_mcp.tools.decision.measured import Measurement, Place
from autoresearch_mcp.tools.session.events import Committed, Started, Verified
from autoresearch_mcp.tools.session.fold import advance

RECORDING = Path(__file__).with_suffix(".json")
WORK = "total = 0\nfor number in range(2_500_000):\n    total += number * number\n"
BASELINE, BETWEEN, TEN_RUNS = 6, 20, 10


def record(seconds: float) -> None:
    """Write what executions took that fit into so many seconds."""
    end, took, loads = time.monotonic() + seconds, [], []
    while time.monotonic() < end:
        process = subprocess.Popen([sys.executable, "-I", "-S", "-c", WORK])
        _, process.returncode, used = os.wait4(process.pid, 0)
        took.append(round(used.ru_utime + used.ru_stime, 6))
        loads.append(os.getloadavg()[0])
    settings = f"{os.cpu_count()} cores, load {min(loads):.0f} to {max(loads):.0f}, {len(took)} executions"
    RECORDING.write_text(json.dumps({"settings": settings, "cpu_seconds": took}) + "\n", encoding="utf-8")


@dataclass
class Replay:
    """Executions one after the other, from a random place on; a run has `executions` of them."""

    took: list[float]
    executions: int
    at: int

    def run(self, share: float = 1.0, place: Place = Place.ARENA) -> Measurement:
        """One run of a program that takes such a share of what was recorded."""
        some = [self.took[(self.at + turn) % len(self.took)] * share for turn in range(self.executions)]
        self.at += self.executions
        return as_one_run([measured((value, None), place) for value in some])


def tried(replay: Replay, gain: float) -> tuple[bool, int]:
    """Try one change: whether it was kept, after how many runs in turn."""
    started = Started(
        plan=PLAN, branch="main", base="0", protected={}, untracked=(), guards=(),
        baseline=tuple(replay.run() for _ in range(BASELINE)), verify_timeout_s=1.0, guard_timeout_s=1.0,
    )  # fmt: skip
    replay.at += BETWEEN
    session = advance(None, started, 0.0, "session")
    change = Committed(iteration=1, commit="1", tree="", description="d", files=(), added=1, removed=0)
    session, runs = advance(session, change, 0.0), 0
    while (verdict := session.verdict) and verdict.next in {NextStep.MEASURE, NextStep.COMPARE}:
        clean = None if verdict.next is NextStep.COMPARE else session.clean_arm
        arm = clean or (Arm.INCUMBENT if verdict.next is NextStep.COMPARE else Arm.CANDIDATE)
        run = replay.run(1.0 if arm is Arm.INCUMBENT else 1 - gain, Place.CLEAN if clean else Place.ARENA)
        session, runs = advance(session, Verified(iteration=1, arm=arm, measurement=run), 0.0), runs + (clean is None)
    assert verdict
    assert verdict.status
    return verdict.status.kept, runs


def scatter(took: list[float], executions: int) -> float:
    """The standard deviation of the logarithm of a run, in percent."""
    runs = [min(took[at : at + executions]) for at in range(0, len(took) - executions + 1, executions)]
    return 100 * statistics.stdev(map(math.log, runs))


def main() -> None:
    """Record if asked, and replay."""
    parser = argparse.ArgumentParser(description="What several executions a run bring.")
    parser.add_argument("sessions", type=int, nargs="?", default=200)
    parser.add_argument("--record", type=float, default=0.0)
    asked = parser.parse_args()
    if asked.record:
        record(asked.record)
    recorded = json.loads(RECORDING.read_text(encoding="utf-8"))
    took = recorded["cpu_seconds"]
    print(f"{recorded['settings']}, median {statistics.median(took):.3f} s\n")
    print("| less work | executions a run | one run scatters by | kept | runs, median | within ten |")
    print("|---|---|---|---|---|---|")
    for gain in (0.1, 0.05, 0.0):
        for executions in (1, 2, 3, 5):
            found = [
                tried(Replay(took, executions, random.Random(seed).randrange(len(took))), gain)
                for seed in range(asked.sessions)
            ]
            runs = [count for kept, count in found if kept]
            share, soon = (f"{100 * n / asked.sessions:.0f} %" for n in (len(runs), sum(r <= TEN_RUNS for r in runs)))
            middle = f"{statistics.median(runs):g}" if runs else "-"
            print(f"| {gain:.0%} | {executions} | {scatter(took, executions):.1f} % | {share} | {middle} | {soon} |")


if __name__ == "__main__":
    main()
