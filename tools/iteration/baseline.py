"""The baseline: enough runs to know whether the metric repeats, how much it scatters, and that it can move."""

from __future__ import annotations

import secrets
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ..decision.calibration import Nature, baseline_runs, judge_from, nature, words
from ..decision.executions import executions_for, executions_of
from ..decision.judging import Judge
from ..decision.measured import GuardResult, Measurement, Place
from ..lab.context import RepoContext
from ..measurement.meter import Meter
from ..measurement.ruler import Ruler, ruler_now
from ..measurement.runs import RunNumbers, RunSpec, at_checkout
from ..plan.model import Plan
from ..process.reference import pieces_for
from ..project.measurement_inputs import steps as shell_steps
from .clean_runs import in_paired_checkout

LONGEST_BASELINE_S = 3600.0
MOVED = 3.0
"""Standard deviations of a run by which sabotage has to show."""


@dataclass(frozen=True)
class Baseline:
    """What was measured before any experiment. The first two runs have the same seed."""

    ruler: Ruler
    seed: int
    runs: tuple[Measurement, ...]
    guards: tuple[GuardResult, ...] = ()

    @property
    def values(self) -> list[float]:
        """The numbers, in order."""
        return [run.value for run in self.runs if run.value is not None]

    @property
    def failed(self) -> Measurement | None:
        """The run that gave no number, if one did not."""
        return next((run for run in self.runs if run.value is None), None)


def first_run(context: RepoContext, plan: Plan) -> Baseline:
    """Run verify once in the user's checkout, and find the files named in the command that it wrote."""
    ruler, seed = ruler_now(context.repo, plan), secrets.randbelow(2**31)
    spec = at_checkout(context.repo, "HEAD", RunNumbers(seed=seed))
    named = tuple(_named_files(context, plan.verify))
    run, outputs = Meter(context.runs, plan, ruler).first(spec, _timeout(plan.verify_timeout_s), named)
    return Baseline(replace(ruler, outputs=outputs), run.receipt.seed if run.receipt else seed, (run,))


def further_runs(context: RepoContext, plan: Plan, found: Baseline) -> Baseline:
    """Run verify as often as it takes: in the user's checkout while the numbers agree, else in the second checkout."""
    first = found.runs[0]
    meter = Meter(context.runs, plan, found.ruler, first.unit, executions=executions_for(plan, first))
    pieces = pieces_for(first.seconds)
    signed = list(map(plan.signed, found.values))
    while found.failed is None and len(found.runs) < baseline_runs(plan.noise, signed):
        seed = found.seed if len(found.runs) == 1 else secrets.randbelow(2**31)
        spec = _next_run(context, plan, found, seed)
        if len(set(signed)) > 1:  # the speed of the machine is asked for only where the metric is noisy
            meter = replace(meter, pieces=pieces)
        found = replace(found, runs=(*found.runs, meter.verify(spec, _timeout(plan.verify_timeout_s))))
        signed = list(map(plan.signed, found.values))
    return found


def _next_run(context: RepoContext, plan: Plan, found: Baseline, seed: int) -> RunSpec:
    numbers = RunNumbers(0, len(found.runs) + 1, seed)
    if len(set(found.values)) == 1:
        return at_checkout(context.repo, "HEAD", numbers)
    return in_paired_checkout(context, context.repo.head(), context.repo.head(), numbers)


def with_guards(context: RepoContext, plan: Plan, found: Baseline) -> Baseline:
    """Run the guards, before any experiment."""
    spec = at_checkout(context.repo, "HEAD", RunNumbers(seed=found.seed))
    guards = Meter(context.runs, plan, found.ruler).guards(spec, _timeout(plan.guard_timeout_s), None)
    return replace(found, guards=guards)


def judge_of(plan: Plan, found: Baseline) -> Judge:
    """Return the rule of decision as it stands after the baseline."""
    signed = list(map(plan.signed, found.values))
    return judge_from(plan, signed, [run.seed for run in found.runs if run.value is not None])


def noise_words(plan: Plan, found: Baseline) -> str:
    """Say what is known of the noise, for a person."""
    return words(list(map(plan.signed, found.values)), judge_of(plan, found), plan.unit)


def place_warning(plan: Plan, found: Baseline) -> str:
    """Return a warning if the second checkout measures differently from the first; empty otherwise."""
    checkout, arena = _values_at(found, Place.CHECKOUT), _values_at(found, Place.ARENA)
    if not arena or nature(found.values) is not Nature.NOISY:
        return ""
    here, there = statistics.fmean(checkout), statistics.fmean(arena)
    if abs(here - there) <= MOVED * judge_of(plan, found).spread:
        return ""
    return f"warning: the checkout gave {here:.6g}, a second checkout {there:.6g}; candidates and incumbents are both measured in the second"


def _values_at(found: Baseline, place: Place) -> list[float]:
    """Return the numbers of the runs in a place but for the first run, which is the coldest."""
    return [r.value for r in found.runs[1:] if r.value is not None and r.receipt and r.receipt.place is place]


def sabotaged(context: RepoContext, plan: Plan, found: Baseline) -> tuple[bool, str]:
    """Return whether the metric notices the plan's sabotage, made in the second checkout, and what was seen."""
    head = context.repo.head()
    spec = in_paired_checkout(context, head, head, RunNumbers(seed=found.seed))
    meter = Meter(context.runs, plan, found.ruler, found.runs[0].unit, executions=executions_of(found.runs))
    exit_code, run = meter.sabotaged(spec, _timeout(plan.verify_timeout_s))
    if run is None:
        return False, f"the sabotage command itself failed with exit {exit_code}"
    if run.value is None:
        return True, f"sabotage was noticed: {run.problem or run.failure}"
    judge = judge_of(plan, found)
    moved = abs(plan.signed(run.value) - judge.level)
    seen = f"sabotage moved the metric from {plan.signed(judge.level):.6g} to {run.value:.6g}"
    return moved > MOVED * judge.spread, seen


def holdout_answers(context: RepoContext, plan: Plan, found: Baseline) -> bool:
    """Return whether the holdout gives a number; which one, nobody learns."""
    meter = Meter(context.runs, plan, found.ruler)
    value, _ = meter.holdout(
        at_checkout(context.repo, "HEAD", RunNumbers(seed=found.seed)), _timeout(plan.verify_timeout_s)
    )
    return value is not None


def _named_files(context: RepoContext, command: str) -> Iterator[str]:
    """Find words of a command that may be files which git does not track: a result may stand there."""
    tracked = set(context.repo.tracked())
    words = dict.fromkeys(word for step in shell_steps(command) for word in step.words)
    for word in words:
        path = word.removeprefix("./")
        if path and not path.startswith(("-", "/", "..")) and path not in tracked and _plain(path):
            yield path


def _plain(path: str) -> bool:
    return all(letter not in path for letter in "*?[]{}$`\n\0") and len(path) < 200


def _timeout(seconds: float) -> float:
    return seconds or LONGEST_BASELINE_S


def longest(results: Sequence[Measurement | GuardResult]) -> float:
    """Return the longest of several durations, in seconds."""
    return max((result.seconds for result in results), default=0.0)
