"""One to a thousand workers: how much of their time they are at work, and what a session keeps, by the package's own scheduling.

`python benchmarks/workers.py` plays minutes of a session for each number of workers, twenty where they are few, event by event. What is run next, what can be
decided and what a board holds is the package's own code (`wanted_runs`, `is_ready`, `Board`), and so is the rule (`Exact`): only time, ideas
and nodes are drawn. A run takes 30 s on average (lognormal), one in fifty is lost with its node after half of that and made again, and as
many candidates are open as there are workers and a quarter more (`--starved`: half as many as workers; in both those that ran and wait for a winner before them not counted). Of the ideas 70 % change nothing,
20 % harm, 10 % gain, in six directions in which only the first keep gains; half of those that gain are in the same lines as
another of their direction. A try leaves 6.4 records, of which one journal takes 225 a second, one after the other. A winner
takes three runs at home, one winner after the other, as its iteration does.
"""

from __future__ import annotations

import argparse
import heapq
import time
from collections import Counter
from dataclasses import dataclass, replace
from random import Random

from autoresearch_mcp.tools.decision.calibration import judge_from
from autoresearch_mcp.tools.decision.exact import Exact
from autoresearch_mcp.tools.decision.judging import NO_THRESHOLD, Arm, Step
from autoresearch_mcp.tools.decision.measured import Measurement
from autoresearch_mcp.tools.parallel.board import Board
from autoresearch_mcp.tools.parallel.events import LaneRan, LaneTaken, Submitted
from autoresearch_mcp.tools.parallel.promoting import is_ready
from autoresearch_mcp.tools.parallel.screening import wanted_runs
from autoresearch_mcp.tools.plan.model import Plan
from autoresearch_mcp.tools.session.events import Started
from autoresearch_mcp.tools.session.fold import advance

WORKERS = (1, 4, 16, 64, 256, 1000)
RUN_S, SPREAD, LOST = 30.0, 0.5, 0.02
RECORD_S, RECORDS = 1 / 225, 6.4
DIRECTIONS, START = 6, 1000.0
WARM_S = 60.0
"""What is left out at the beginning, when all workers ask at once."""
KIND, NODE = "kind", "node"


@dataclass
class Told:
    """What one session came to: the share of the workers' time at work, tries, lost runs, keeps and what they gain."""

    share: float
    tries: int
    lost: int
    keeps: int
    false: int
    claim_ms: float


class Night:
    """One session. Lower is better; a metric that repeats."""

    def __init__(self, workers: int, seconds: float, open_share: float, seed: int) -> None:
        self._draw, self._workers, self._end = Random(seed), workers, seconds
        self._open = max(1, round(workers * open_share))
        runs = tuple(Measurement(value=START, seconds=RUN_S) for _ in range(2))
        start = Started(
            plan=Plan(verify="true", direction="lower"),
            branch="b",
            base="0",
            protected={},
            untracked=(),
            baseline=runs,
            guards=(),
            verify_timeout_s=60,
            guard_timeout_s=60,
        )
        self._session = advance(None, start, 0.0, "night")
        self._board, self._number, self._iteration = Board(), 0, 0
        self._levels = [START]
        self._ideas: dict[int, tuple[int, float]] = {}
        self._kept: set[int] = set()
        self._journal_free = self._home_free = self._busy = 0.0
        self._told, self._claims, self._claim_s = Counter[str](), 0, 0.0

    def play(self) -> Told:
        """Go from event to event: a lane that is free, or a run that ended."""
        events: list[tuple[float, int, tuple[int, int, str] | None, bool]] = [
            (0.0, lane, None, False) for lane in range(self._workers)
        ]
        heapq.heapify(events)
        idle: list[int] = []
        while events and events[0][0] < self._end:
            now, lane, subject, lost = heapq.heappop(events)
            if subject is not None:
                now = self._ended(now, subject, lost, lane)
                if lost:
                    heapq.heappush(events, self._begun(now, lane, subject))
                    continue
            self._decide(now)
            for free in (lane, *idle):
                idle = [one for one in idle if one != free]
                if (begun := self._claimed(now, free)) is None:
                    idle.append(free)
                    break
                heapq.heappush(events, begun)
        return Told(
            self._busy / (self._workers * (self._end - WARM_S)),
            self._told["tries"],
            self._told["lost"],
            self._told["keeps"],
            self._told["false"],
            1000 * self._claim_s / max(1, self._claims),
        )

    def _claimed(self, now: float, lane: int) -> tuple[float, int, tuple[int, int, str] | None, bool] | None:
        waiting = len(self._board.candidates) - self._told["ran"]
        while waiting < self._open:
            waiting += 1
            self._submit()
        began = time.process_time()
        session = replace(self._session, last_iteration=self._told["tries"])
        subject = next((one for one in wanted_runs(self._board, session) if one not in self._board.lanes), None)
        self._claim_s, self._claims = self._claim_s + time.process_time() - began, self._claims + 1
        return None if subject is None else self._begun(now, lane, subject)

    def _begun(
        self, now: float, lane: int, subject: tuple[int, int, str]
    ) -> tuple[float, int, tuple[int, int, str] | None, bool]:
        candidate, incumbent, kind = subject
        attempt = self._board.lanes[subject].attempt + 1 if subject in self._board.lanes else 1
        self._post(LaneTaken(candidate=candidate, incumbent=incumbent, lane=lane, node_kind=kind, attempt=attempt))
        now = self._written(now, RECORDS / 2)
        took, lost = self._draw.lognormvariate(0, SPREAD) * RUN_S, self._draw.random() < LOST
        took *= 0.5 if lost else 1.0
        self._busy += max(0.0, min(now + took, self._end) - max(now, WARM_S))
        return now + took, lane, subject, lost

    def _ended(self, now: float, subject: tuple[int, int, str], lost: bool, lane: int) -> float:
        if lost:
            self._told["lost"] += 1
            return now
        candidate, incumbent, kind = subject
        value = self._true(candidate, incumbent) if candidate else self._levels[incumbent]
        run = Measurement(value=value, seconds=RUN_S)
        further = (run,) if kind else ()
        where = {"node": NODE, "node_kind": KIND} if candidate or kind else {}
        self._told["ran"] += candidate > 0
        self._post(LaneRan(candidate=candidate, incumbent=incumbent, measurement=run, further=further, **where))
        return self._written(now, RECORDS / 2)

    def _decide(self, now: float) -> None:
        """Give the rows that can be given: at once to what is not better, else after its iteration at home."""
        session = replace(self._session, last_iteration=self._told["tries"])
        for one in self._board.open_ones(session.last_iteration):
            if not is_ready(self._board, one, session, True):
                continue
            base, run = self._board.runs[(0, one.incumbent, KIND)], self._board.run_of(one)
            assert run is not None
            assert run.measurement is not None
            assert base.measurement is not None
            if not self._better(run.measurement.value or 0, base.measurement.value or 0):
                self._row(one)
            elif self._home_free <= now:
                self._home_free = now + 3 * RUN_S
                self._promote(one)

    def _promote(self, one: Submitted) -> None:
        direction, _ = self._ideas[one.candidate]
        level, newest = self._levels[-1], len(self._levels) - 1
        conflicts = one.incumbent < newest and direction in self._kept and self._draw.random() < 0.5
        truth = self._true(one.candidate, newest)
        if not conflicts and self._better(truth, level):
            self._told["keeps"] += 1
            self._told["false"] += truth >= level
            self._levels.append(truth)
            self._kept.add(direction)
        self._row(one)

    def _better(self, value: float, incumbent: float) -> bool:
        judge = judge_from(self._session.plan, [incumbent, incumbent], [0, 0])
        assert isinstance(judge, Exact)
        return judge.open(NO_THRESHOLD).see(Arm.CANDIDATE, value, 0).finding().step is not Step.NOT_BETTER

    def _true(self, candidate: int, incumbent: int) -> float:
        direction, effect = self._ideas[candidate]
        spent = effect > 0 and direction in self._kept
        return self._levels[incumbent] - (0.0 if spent else effect)

    def _submit(self) -> None:
        self._number += 1
        kind = self._draw.random()
        effect = 0.0 if kind < 0.7 else -self._draw.uniform(1, 5) if kind < 0.9 else self._draw.uniform(1, 5)
        self._ideas[self._number] = (self._draw.randrange(DIRECTIONS), effect)
        text = str(self._number)
        given = {name: text for name in ("commit", "tree", "description", "change", "inverse", "shape", "base")}
        incumbent = len(self._levels) - 1
        self._post(
            Submitted(candidate=self._number, workspace="w", incumbent=incumbent, files=(), added=1, removed=0, **given)
        )

    def _row(self, one: Submitted) -> None:
        self._told["tries"] += 1
        self._board = replace(self._board, became={**self._board.became, one.candidate: self._told["tries"]})

    def _post(self, event: LaneTaken | LaneRan | Submitted) -> None:
        self._board = self._board.after(event)

    def _written(self, now: float, records: float) -> float:
        """Wait for the one who writes."""
        self._journal_free = max(now, self._journal_free) + records * RECORD_S
        return self._journal_free


def main() -> None:
    """Print a row for each number of workers."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--most", type=int, default=1000)
    parser.add_argument("--starved", action="store_true")
    options = parser.parse_args()
    print(
        "| workers | at work | tries an hour | lost runs | keeps | false keeps | a claim |\n|---|---|---|---|---|---|---|"
    )
    for workers in (one for one in WORKERS if one <= options.most):
        seconds = 1200.0 if workers < 100 else 300.0 if workers < 1000 else 150.0
        told = Night(workers, seconds, 0.5 if options.starved else 1.25, seed=workers).play()
        hour = 3600 * told.tries / seconds
        print(
            f"| {workers} | {told.share:.0%} | {hour:.0f} | {told.lost} | {told.keeps} | {told.false} | {told.claim_ms:.2f} ms |",
            flush=True,
        )


if __name__ == "__main__":
    main()
