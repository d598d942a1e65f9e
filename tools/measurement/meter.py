"""The meter: runs verify, the guards and the holdout of a plan, and reads what they give. It decides nothing."""

from __future__ import annotations

import hashlib
import os
import statistics
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from ..decision.decide import enough_for_baseline, limit_of, settled, within
from ..decision.executions import as_one_run
from ..decision.measured import (
    GuardResult,
    Measurement,
    Place,
    Receipt,
    read_checks,
    read_device,
    read_trained,
    written,
)
from ..diagnostics.inspection import Tally, read_tally
from ..git.python_environments import editable_roots
from ..git.stamps import Stamp, stamps_of
from ..plan.metrics import Reading, read_metric
from ..plan.model import GuardMetric, Plan
from ..plan.resources import resource_of
from ..process.run_notes import RunNote, open_channel
from ..process.runner import CommandRun, CommandSpec
from ..project.harness import trains
from ..text.redaction import redactor
from .outcome import TAIL_CHARACTERS, failure_of, how_it_ended, succeeded, tail_of, used
from .ruler import Ruler, bent_in, differing, protected_stamps
from .runs import (
    CHANNEL_NAME,
    PADDING_NAME,
    RunService,
    RunSpec,
    end_of,
    ended_from_outside,
    has_sandbox,
    padding,
    restore_outputs,
)

CHANNEL = "channel"
CURVE_NAME = "AUTORESEARCH_INCUMBENT_CURVE"
REFLOG_ACTION = "autoresearch command"
"""What git writes into its log of HEAD when a command of the plan moves it: so it is known who did."""
ATTEMPTS = 3
SECOND_NS = 10**9


@dataclass(frozen=True)
class Meter:
    """Measures by one plan and one ruler, through the call's runs. `unit` is the one that stood behind the number at the baseline; None before it.
    Beside verify go `pieces` of the reference workload; one run is so many `executions` of it."""

    runs: RunService
    plan: Plan
    ruler: Ruler
    unit: str | None = None
    pieces: int = 0
    executions: int = 1

    def verify(self, spec: RunSpec, timeout_s: float) -> Measurement:
        """Make one run of verify, and read its output as the plan says."""
        found = [self.first(spec, timeout_s, ())[0]]
        while len(found) < self.executions and found[-1].value is not None and not found[-1].tampered:
            again = replace(spec, numbers=replace(spec.numbers, seed=found[0].seed))
            found.append(self.first(again, timeout_s, ())[0])
        return as_one_run(found)

    def first(self, spec: RunSpec, timeout_s: float, named: Sequence[str]) -> tuple[Measurement, tuple[str, ...]]:
        """Execute verify once, and find out which of the files `named` in the command it wrote."""
        run, note = self._measured(
            self.plan.verify, spec, timeout_s, named=named, with_channel=self.plan.read == CHANNEL
        )
        text = run.channel if note.channel else run.stdout
        protected = protected_stamps(self.runs.repo, spec.folder, self.ruler)
        tampered = differing(note.watched, protected)
        self.runs.left = None if tampered else (spec, protected)
        marks = stamps_of(spec.folder, (*self.ruler.outputs, *named))
        self._put_back(spec)
        stale = [path for path in self.ruler.outputs if marks[path] == note.written.get(path)]
        wrote = tuple(p for p in named if marks[p] != note.named.get(p) and marks[p][1] >= note.at_ns - SECOND_NS)
        changed = [path for path in marks if marks[path] != (note.written | note.named).get(path)]
        log = "" if succeeded(run) else "".join(end_of(spec.folder / path) for path in changed)
        seen = self._read(run, text, stale, log).model_copy(
            update={
                "seconds": run.seconds,
                "tail": tail_of(run, log),
                "tampered": tampered,
                "trained": read_trained(text) if succeeded(run) else None,
                "tally": _tally(text) if succeeded(run) and note.channel else None,
            }
        )
        asked = replace(spec, numbers=replace(spec.numbers, seed=note.seed))
        return seen.model_copy(update={"receipt": self._receipt(self.plan.verify, asked, run, seen.value)}), wrote

    def _read(self, run: CommandRun, text: str, stale: Sequence[str], log: str) -> Measurement:
        if not succeeded(run):
            return Measurement(failure=failure_of(run, log), problem=how_it_ended(run), exit_code=run.exit_code)
        if resource := resource_of(self.plan.read):
            return used(run, resource)
        reading = read_metric(text, self.plan.read, self.plan.metric, self.plan.unit, self.unit)
        if stale:
            was = f"{', '.join(stale)} was not written by this run: a number in it is an earlier run's."
            return Measurement(problem=f"{was} Let verify delete it first.", exit_code=0)
        return Measurement(value=reading.value, unit=reading.unit, problem=self._problem(reading, run), exit_code=0)

    def _problem(self, reading: Reading, run: CommandRun) -> str:
        if reading.problem and self.plan.read == CHANNEL:
            return f"The evaluator has to write to the file that AUTORESEARCH_CHANNEL names: {reading.problem}"
        if reading.problem and not run.stdout.strip() and run.stderr.strip():
            hint = "Nothing came on standard output, but standard error has text: append `2>&1` to the command."
            return f"{reading.problem} {hint}"
        return reading.problem

    def _bring(self, spec: RunSpec, outputs: Sequence[str]) -> dict[str, Stamp]:
        """Bring the checkout of a run to its commit, clean of what an earlier run left, with the protected files as sealed.

        A second checkout in which they are not is made anew. Returns the stamps of those that then are as sealed: of the
        others none, so that the run counts as tampered with.
        """
        stamps = self._checked_out(spec, outputs)
        bent = self._bent(spec, stamps)
        if bent and spec.checkout is not None:
            spec.checkout.remove()
            stamps = self._checked_out(spec, outputs)
            bent = self._bent(spec, stamps)
        self.runs.ready_for = spec
        return {path: stamp for path, stamp in stamps.items() if path not in bent} if bent else stamps

    def _checked_out(self, spec: RunSpec, outputs: Sequence[str]) -> dict[str, Stamp]:
        if spec.checkout is not None:
            spec.checkout.check_out(spec.commit, spec.untracked, (spec.sealed, tuple(self.ruler.protected)), outputs)
        left = self.runs.stamps_left(spec, self.ruler.names)
        return left or protected_stamps(self.runs.repo, spec.folder, self.ruler)

    def _bent(self, spec: RunSpec, stamps: dict[str, Stamp]) -> frozenset[str]:
        # The user's own checkout is held against the seal around every call.
        if spec.checkout is None:
            return frozenset()
        return bent_in(self.runs.repo, spec.folder, spec.sealed, self.ruler, stamps)

    def _run(self, command: str, spec: RunSpec, timeout_s: float) -> CommandRun:
        run = self._measured(command, spec, timeout_s)[0]
        self._put_back(spec)
        return run

    def _put_back(self, spec: RunSpec, aside: Path | None = None) -> None:
        if spec.place is Place.CHECKOUT:
            restore_outputs(self.runs.repo, self.plan, aside)

    def _measured(
        self, command: str, spec: RunSpec, timeout_s: float, *, named: Sequence[str] = (), with_channel: bool = False
    ) -> tuple[CommandRun, RunNote]:
        """Make a run, or join the one that an earlier call began; one that was lost is made again."""
        what = f"{self.ruler.plan} {spec.place} {spec.tree} {spec.numbers.iteration} {spec.numbers.run} {command}"
        for attempt in range(ATTEMPTS):
            key = self.runs.key(what)
            outputs = self.ruler.outputs if command == self.plan.verify else ()
            note = self.runs.notes.find(key) or self._begin(key, spec, named, with_channel, outputs)
            names = {
                **self.plan.budget_variable,
                "AUTORESEARCH_ITERATION": str(spec.numbers.iteration),
                "AUTORESEARCH_RUN": str(spec.numbers.run),
                "AUTORESEARCH_SEED": str(note.seed),
                "GIT_REFLOG_ACTION": REFLOG_ACTION,
                **({CHANNEL_NAME: note.channel} if note.channel else {}),
                **({PADDING_NAME: padding(replace(spec.numbers, seed=note.seed))} if self.plan.vary else {}),
                **({CURVE_NAME: written(spec.curve)} if spec.curve else {}),
                **({} if spec.place is Place.CHECKOUT else import_paths(self.runs.repo.root, spec.folder)),
            }
            pieces = self.pieces if command == self.plan.verify else 0
            asked = CommandSpec(command, spec.folder, timeout_s, names, pieces=pieces, gpus=self.plan.gpus)
            self.runs.left = None
            run = self.runs.run_sandboxed(self.plan, key, asked, note.temporary)
            if trains(self.plan) and ended_from_outside(run):
                run = replace(run, lost=True)  # a training repeats for its seed, so another try chooses nothing
            if not run.lost:
                break
            if attempt + 1 < ATTEMPTS:
                self.runs.tell("the run, or what watches over it, was killed from outside: it is made again")
            self.runs.ready_for = None
        return run, note

    def _begin(
        self, key: str, spec: RunSpec, named: Sequence[str], with_channel: bool, outputs: Sequence[str]
    ) -> RunNote:
        self.runs.runner.forget(key)  # a run that nobody noted is not ours
        brought = self._bring(spec, outputs) if self.runs.ready_for is not spec else None
        self._put_back(spec, self.runs.repo.own_folder / "evidence" / f"outputs-{key}")
        note = RunNote(
            seed=spec.numbers.seed,
            at_ns=time.time_ns(),
            channel=str(open_channel().file) if with_channel else "",
            temporary=tempfile.mkdtemp(prefix="autoresearch-") if has_sandbox(self.plan) else "",
            watched=protected_stamps(self.runs.repo, spec.folder, self.ruler) if brought is None else brought,
            written=stamps_of(spec.folder, self.ruler.outputs),
            named=stamps_of(spec.folder, named),
        )
        self.runs.notes.note(key, note)
        return note

    def _receipt(self, command: str, spec: RunSpec, run: CommandRun, value: float | None) -> Receipt:
        receipt = Receipt(
            id="",
            tree=spec.tree,
            plan=self.ruler.plan,
            protected=self.ruler.protected_digest,
            machine=self.ruler.machine_digest,
            command=command,
            place=spec.place,
            seed=spec.numbers.seed,
            at=self.runs.now(),
            output=run.digest,
            cpu_seconds=round(run.cpu_seconds, 6),
            peak_bytes=run.peak_bytes,
            device=read_device(run.stdout),
            checks=read_checks(run.stdout if succeeded(run) else run.stderr[-TAIL_CHARACTERS:]),
            reference_seconds=(run.reference[0], run.reference[-1]) if run.reference else None,
            gpus=tuple(run.gpus),
        )
        whole = f"{receipt.model_dump_json()} {value!r} {run.exit_code} {run.seconds!r}"
        return receipt.model_copy(update={"id": hashlib.sha256(whole.encode()).hexdigest()[:16]})

    def guards(
        self, spec: RunSpec, timeout_s: float, baselines: Mapping[str, Sequence[float]] | None
    ) -> tuple[GuardResult, ...]:
        """Run every guard of the plan, commands first. Without baselines a metric-valued guard passes if it gives numbers."""
        commands = tuple(self._command_guard(spec, guard, timeout_s) for guard in self.plan.guards)
        numbers = tuple(
            self._metric_guard(spec, guard, timeout_s, None if baselines is None else baselines.get(guard.name, ()))
            for guard in self.plan.metric_guards
        )
        return commands + numbers

    def guard_fails(self, spec: RunSpec, guard: str, timeout_s: float) -> bool:
        """Run a command guard once, and return whether it fails."""
        return not succeeded(self._run(guard, spec, timeout_s))

    def altered(self, spec: RunSpec, texts: Mapping[str, str]) -> None:
        """Give files of a second checkout other texts, for this run and those after it, until it is brought to another."""
        self._bring(spec, self.ruler.outputs)
        for path, text in texts.items():
            (spec.folder / path).write_text(text, encoding="utf-8")

    def sabotaged(self, spec: RunSpec, timeout_s: float) -> tuple[int, Measurement | None]:
        """Run the plan's sabotage, and verify on what it did; returns its exit code, and no measurement where it failed."""
        broken = self._run(self.plan.sabotage, spec, timeout_s)
        run = self.verify(spec, timeout_s) if broken.exit_code == 0 else None
        self.runs.ready_for = None  # what the sabotage did is cleaned away before the next run
        return broken.exit_code, run

    def _command_guard(self, spec: RunSpec, command: str, timeout_s: float) -> GuardResult:
        runs = [self._run(command, spec, timeout_s)]
        while (passed := settled([succeeded(run) for run in runs])) is None:
            runs.append(self._run(command, spec, timeout_s))
        telling = next((run for run in reversed(runs) if not succeeded(run)), runs[-1])
        flaky = passed and len(runs) > 1
        seen = "exit 0" if not flaky and passed else how_it_ended(telling)
        return GuardResult(
            guard=command,
            passed=passed,
            seen=f"flaky, red once and green {len(runs) - 1} times ({seen})" if flaky else seen,
            runs=len(runs),
            flaky=flaky,
            seconds=sum(run.seconds for run in runs),
            tail=tail_of(telling),
            receipts=tuple(self._receipt(command, spec, run, None) for run in runs),
        )

    def _metric_guard(
        self, spec: RunSpec, guard: GuardMetric, timeout_s: float, baseline: Sequence[float] | None
    ) -> GuardResult:
        values, runs = list[float](), list[CommandRun]()
        done = enough_for_baseline if baseline is None else partial(_decided, guard, baseline)
        while not values or not done(values):
            runs.append(self._run(guard.command, spec, timeout_s))
            if not succeeded(runs[-1]):
                return self._metric_guard_result(spec, guard, runs, values, False, how_it_ended(runs[-1]))
            reading = read_metric(runs[-1].stdout, "auto", guard.name)
            if reading.value is None:
                return self._metric_guard_result(spec, guard, runs, values, False, reading.problem)
            values.append(reading.value)
        mean = statistics.fmean(values)
        if baseline is None:
            scatter = f", one run scatters by {statistics.stdev(values):.3g}" if len(set(values)) > 1 else ""
            return self._metric_guard_result(spec, guard, runs, values, True, f"baseline {mean:g}{scatter}")
        seen = f"{mean:g}, limit {limit_of(guard, baseline):g} (baseline {statistics.fmean(baseline):g})"
        return self._metric_guard_result(spec, guard, runs, values, bool(within(guard, values, baseline)), seen)

    def _metric_guard_result(
        self,
        spec: RunSpec,
        guard: GuardMetric,
        runs: Sequence[CommandRun],
        values: Sequence[float],
        passed: bool,
        seen: str,
    ) -> GuardResult:
        return GuardResult(
            guard=guard.name,
            passed=passed,
            seen=seen,
            value=statistics.fmean(values) if values else None,
            samples=tuple(values),
            runs=len(runs),
            seconds=sum(run.seconds for run in runs),
            tail=tail_of(runs[-1]),
            receipts=tuple(self._receipt(guard.command, spec, run, None) for run in runs),
        )

    def holdout(self, spec: RunSpec, timeout_s: float) -> tuple[float | None, float]:
        """Run the holdout; return its number, None without one, and its seconds. The number goes only into a comparison."""
        run = self._run(self.plan.holdout, spec, timeout_s)
        if not succeeded(run):
            return None, run.seconds
        if resource := resource_of(self.plan.read):
            return used(run, resource).value, run.seconds
        return read_metric(run.stdout, "auto", self.plan.metric, self.plan.unit).value, run.seconds


def _decided(guard: GuardMetric, baseline: Sequence[float], values: Sequence[float]) -> bool:
    return not baseline or within(guard, values, baseline) is not None


def guard_baselines(results: tuple[GuardResult, ...]) -> dict[str, tuple[float, ...]]:
    """Return the numbers of the metric-valued guards, by name."""
    return {result.guard: result.samples for result in results if result.samples}


def import_paths(root: Path, folder: Path) -> dict[str, str]:
    """Return the variables that let a second checkout's own code be imported before an editable installation of the user's."""
    mapped = [str(folder / path.relative_to(root)) for path in editable_roots(root) if path.is_relative_to(root)]
    given = os.environ.get("PYTHONPATH", "")
    return {"PYTHONPATH": os.pathsep.join([*mapped, *([given] if given else [])])} if mapped else {}


def _tally(text: str) -> Tally | None:
    tally = read_tally(text)
    return tally.redacted(redactor()) if tally else None
