"""Measuring: run verify and the guards of a plan in one place, and say what was seen. Decides nothing."""

from __future__ import annotations

import hashlib
import os
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from .boxes import CHANNEL_NAME, run_boxed
from .edges.arena import editable_roots
from .edges.channel import channel
from .edges.hygiene import clean_end
from .edges.runner import Run
from .edges.seals import file_marks, swapped
from .lab import Desk
from .ruler import Ruler
from .rules.events import GuardResult, Measurement, Place, Receipt
from .rules.failures import classify
from .rules.guarding import enough_for_baseline, limit_of, settled, within
from .rules.metrics import Reading, read_metric
from .rules.plan import GuardMetric, Plan

TAIL_CHARACTERS = 3000
CHANNEL = "channel"


@dataclass(frozen=True)
class Turn:
    """One run to make: where, of which tree, and the numbers that reach the command. Equal in a pair but for the tree."""

    place: Place
    folder: Path
    tree: str
    iteration: int = 0
    run: int = 1
    seed: int = 0


def at_checkout(desk: Desk, commit: str, iteration: int = 0, run: int = 1, seed: int = 0) -> Turn:
    """A run in the user's own checkout, which stands at `commit`."""
    return Turn(Place.CHECKOUT, desk.repo.root, desk.repo.tree(commit), iteration, run, seed)


def in_arena(desk: Desk, commit: str, ruler: Ruler, baseline: str, turn: tuple[int, int, int]) -> Turn:
    """A run in the second checkout, brought to `commit`, with protected files as of the commit `baseline`."""
    folder = desk.arena.stand_at(commit, desk.untracked, (baseline, tuple(ruler.protected)))
    return Turn(Place.ARENA, folder, desk.repo.tree(commit), *turn)


@dataclass(frozen=True)
class Meter:
    """Measures by one plan and one ruler."""

    desk: Desk
    plan: Plan
    ruler: Ruler

    def verify(self, turn: Turn, timeout_s: float) -> Measurement:
        """One run of the verify command, read as the plan says."""
        watched = file_marks(turn.folder, self.ruler.protected)
        written = file_marks(turn.folder, self.ruler.outputs)
        with channel() as wire:
            names = {CHANNEL_NAME: str(wire.file)} if self.plan.read == CHANNEL else {}
            run = self._run(self.plan.verify, turn, timeout_s, names)
            text = wire.text() if names else run.stdout
        stale = [path for path, mark in file_marks(turn.folder, self.ruler.outputs).items() if mark == written[path]]
        touched = swapped(watched, file_marks(turn.folder, self.ruler.protected))
        seen = self._read(run, text, stale).model_copy(
            update={"seconds": run.seconds, "tail": _tail(run), "tampered": touched}
        )
        return seen.model_copy(update={"receipt": self._receipt(self.plan.verify, turn, run, seen.value)})

    def _read(self, run: Run, text: str, stale: Sequence[str]) -> Measurement:
        if run.exit_code != 0 or run.timed_out:
            failure = classify(None if run.timed_out else run.exit_code, run.timed_out, run.stdout + run.stderr)
            return Measurement(failure=failure, problem=_ended(run), exit_code=run.exit_code)
        reading = read_metric(text, self.plan.read, self.plan.metric, self.plan.unit)
        if stale:
            was = f"{', '.join(stale)} was not written by this run: a number in it is an earlier run's."
            return Measurement(problem=f"{was} Let verify delete it first.", exit_code=0)
        return Measurement(value=reading.value, problem=self._problem(reading, run), exit_code=0)

    def _problem(self, reading: Reading, run: Run) -> str:
        if reading.problem and self.plan.read == CHANNEL:
            return f"The evaluator has to write to the file that AUTORESEARCH_CHANNEL names: {reading.problem}"
        if reading.problem and not run.stdout.strip() and run.stderr.strip():
            hint = "Nothing came on standard output, but standard error has text: append `2>&1` to the command."
            return f"{reading.problem} {hint}"
        return reading.problem

    def _run(self, command: str, turn: Turn, timeout_s: float, names: Mapping[str, str] | None = None) -> Run:
        numbers = {
            "AUTORESEARCH_ITERATION": str(turn.iteration),
            "AUTORESEARCH_RUN": str(turn.run),
            "AUTORESEARCH_SEED": str(turn.seed),
        }
        paths = _import_paths(self.desk.repo.root, turn)
        every = {**numbers, **paths, **(names or {})}
        return run_boxed(self.desk, self.plan, command, timeout_s, turn.folder, every)

    def _receipt(self, command: str, turn: Turn, run: Run, value: float | None) -> Receipt:
        receipt = Receipt(
            id="",
            tree=turn.tree,
            plan=self.ruler.plan,
            protected=self.ruler.protected_digest,
            machine=self.ruler.machine_digest,
            command=command,
            place=turn.place,
            seed=turn.seed,
            at=self.desk.now(),
            output=run.digest,
        )
        whole = f"{receipt.model_dump_json()} {value!r} {run.exit_code} {run.seconds!r}"
        return receipt.model_copy(update={"id": hashlib.sha256(whole.encode()).hexdigest()[:16]})

    def guards(
        self, turn: Turn, timeout_s: float, baselines: Mapping[str, Sequence[float]] | None
    ) -> tuple[GuardResult, ...]:
        """Every guard of the plan, commands first. Without baselines a metric-valued guard passes if it gives numbers."""
        commands = tuple(self._command_guard(turn, guard, timeout_s) for guard in self.plan.guards)
        numbers = tuple(
            self._metric_guard(turn, guard, timeout_s, None if baselines is None else baselines.get(guard.name, ()))
            for guard in self.plan.metric_guards
        )
        return commands + numbers

    def red(self, turn: Turn, guard: str, timeout_s: float) -> bool:
        """Whether one run of a command guard fails."""
        return not _green(self._run(guard, turn, timeout_s))

    def _command_guard(self, turn: Turn, command: str, timeout_s: float) -> GuardResult:
        runs = [self._run(command, turn, timeout_s)]
        while (passed := settled([_green(run) for run in runs])) is None:
            runs.append(self._run(command, turn, timeout_s))
        telling = next((run for run in reversed(runs) if not _green(run)), runs[-1])
        flaky = passed and len(runs) > 1
        seen = "exit 0" if not flaky and passed else _ended(telling)
        return GuardResult(
            guard=command,
            passed=passed,
            seen=f"flaky, red once and green {len(runs) - 1} times ({seen})" if flaky else seen,
            runs=len(runs),
            flaky=flaky,
            seconds=sum(run.seconds for run in runs),
            tail=_tail(telling),
            receipts=tuple(self._receipt(command, turn, run, None) for run in runs),
        )

    def _metric_guard(
        self, turn: Turn, guard: GuardMetric, timeout_s: float, baseline: Sequence[float] | None
    ) -> GuardResult:
        values: list[float] = []
        runs: list[Run] = []
        done = enough_for_baseline if baseline is None else partial(_decided, guard, baseline)
        while not values or not done(values):
            runs.append(self._run(guard.command, turn, timeout_s))
            if not _green(runs[-1]):
                return self._guarded(turn, guard, runs, values, False, _ended(runs[-1]))
            reading = read_metric(runs[-1].stdout, "auto", guard.name)
            if reading.value is None:
                return self._guarded(turn, guard, runs, values, False, reading.problem)
            values.append(reading.value)
        mean = statistics.fmean(values)
        if baseline is None:
            scatter = f", one run scatters by {statistics.stdev(values):.3g}" if len(set(values)) > 1 else ""
            return self._guarded(turn, guard, runs, values, True, f"baseline {mean:g}{scatter}")
        seen = f"{mean:g}, limit {limit_of(guard, baseline):g} (baseline {statistics.fmean(baseline):g})"
        return self._guarded(turn, guard, runs, values, bool(within(guard, values, baseline)), seen)

    def _guarded(
        self, turn: Turn, guard: GuardMetric, runs: Sequence[Run], values: Sequence[float], passed: bool, seen: str
    ) -> GuardResult:
        return GuardResult(
            guard=guard.name,
            passed=passed,
            seen=seen,
            value=statistics.fmean(values) if values else None,
            samples=tuple(values),
            runs=len(runs),
            seconds=sum(run.seconds for run in runs),
            tail=_tail(runs[-1]),
            receipts=tuple(self._receipt(guard.command, turn, run, None) for run in runs),
        )

    def holdout(self, turn: Turn, timeout_s: float) -> tuple[float | None, float]:
        """The holdout's number and the seconds that it took. The number goes nowhere but into a comparison."""
        run = self._run(self.plan.holdout, turn, timeout_s)
        if not _green(run):
            return None, run.seconds
        return read_metric(run.stdout, "auto", self.plan.metric, self.plan.unit).value, run.seconds


def _decided(guard: GuardMetric, baseline: Sequence[float], values: Sequence[float]) -> bool:
    return not baseline or within(guard, values, baseline) is not None


def guard_baselines(results: tuple[GuardResult, ...]) -> dict[str, tuple[float, ...]]:
    """The numbers of the metric-valued guards, by name."""
    return {result.guard: result.samples for result in results if result.samples}


def _import_paths(root: Path, turn: Turn) -> dict[str, str]:
    """In the arena an editable installation of the user's checkout would be imported, unless its own folder comes first."""
    if turn.place is Place.CHECKOUT:
        return {}
    mapped = [str(turn.folder / path.relative_to(root)) for path in editable_roots(root) if path.is_relative_to(root)]
    given = os.environ.get("PYTHONPATH", "")
    return {"PYTHONPATH": os.pathsep.join([*mapped, *([given] if given else [])])} if mapped else {}


def _green(run: Run) -> bool:
    return run.exit_code == 0 and not run.timed_out


def _ended(run: Run) -> str:
    if run.timed_out:
        return f"killed after {run.seconds:.0f} s: time-out"
    if run.exit_code < 0:
        return f"killed by signal {-run.exit_code}"
    said = clean_end(run.stderr or run.stdout, 2 * TAIL_CHARACTERS)
    last = next((line.strip() for line in reversed(said.splitlines()) if line.strip()), "")
    return f"exit {run.exit_code}" + (f": {last[:300]}" if last else "")


def _tail(run: Run) -> str:
    text = run.stdout.rstrip()
    if run.stderr.strip():
        text += ("\n--- standard error ---\n" if text else "") + run.stderr.rstrip()
    return clean_end(text, TAIL_CHARACTERS)
