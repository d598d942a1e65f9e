"""The decision table: the only place that says keep or discard; and when a guard has said enough for it."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from ..plan.model import Direction, GuardMetric, Plan
from .failures import FailureClass, advice
from .judging import Finding, Step, count_runs
from .measured import GuardResult, Measurement
from .recheck import UNCHECKED, Recheck
from .same_tree import Slowdown

HOOK_RETRIES = 2
CRASH_FIXES = 3
REWORKS = 2
INCUMBENT_RETRIES = 1


class Status(StrEnum):
    """How an iteration ended: the word in the results file."""

    BASELINE = "baseline"
    KEEP = "keep"
    KEEP_REWORKED = "keep (reworked)"
    KEEP_SIMPLER = "keep (simpler)"
    KEEP_UNDO = "keep (undo)"
    DISCARD = "discard"
    CRASH = "crash"
    NO_OP = "no-op"
    HOOK_BLOCKED = "hook-blocked"
    METRIC_ERROR = "metric-error"
    TAMPERED = "tampered"

    @property
    def kept(self) -> bool:
        """Whether the change stays on the branch."""
        return self in {Status.KEEP, Status.KEEP_REWORKED, Status.KEEP_SIMPLER, Status.KEEP_UNDO}


class TakeBack(StrEnum):
    """Whether an iteration is the server's own edit that takes a kept change out, and when that stays."""

    NO = ""
    IF_NOT_WORSE = "if not worse"
    ANYWAY = "anyway"
    """A person wants it, whatever it costs; the guards have to pass all the same."""


class NextStep(StrEnum):
    """What has to happen next in an open iteration."""

    COMMIT = "commit"
    MEASURE = "measure"
    COMPARE = "measure the incumbent"
    GUARD = "guard"
    HOLD_OUT = "ask the holdout"
    FIX = "fix"
    REWORK = "rework"
    UNDO = "undo"
    STAND = "stand"


@dataclass(frozen=True)
class Trial:
    """The open iteration: one idea, so far. `parent` is the commit that an undo goes back to.

    `measurement` is the latest run of the candidate; `candidate` and `incumbent` are all runs that gave a number, but for those
    in a clean checkout before a keep, which are in `clean_candidate` and `clean_incumbent`. `unseen` are files that git does not
    have and that runs of a noisy metric may have read; `recheck` is what runs without them showed. `submitted` is the candidate
    that the change was, 0 for an edit of the agent's; it is `aside` while its commit stands beside the branch.
    """

    number: int
    parent: str
    description: str
    hypothesis: str = ""
    changed: bool = True
    commit: str = ""
    files: tuple[str, ...] = ()
    added: int = 0
    removed: int = 0
    tries: int = 0
    hook_rejections: int = 0
    hook_output: str = ""
    measurement: Measurement | None = None
    candidate: tuple[Measurement, ...] = ()
    incumbent: tuple[Measurement, ...] = ()
    incumbent_failures: int = 0
    unseen: tuple[str, ...] = ()
    clean_candidate: tuple[Measurement, ...] = ()
    clean_incumbent: tuple[Measurement, ...] = ()
    recheck: Recheck = UNCHECKED
    guards: tuple[GuardResult, ...] | None = None
    agreed: bool | None = None
    undoes: int = 0
    take_back: TakeBack = TakeBack.NO
    submitted: int = 0
    aside: bool = False
    note: str = ""
    crashes: int = 0
    guard_failures: int = 0
    gave_up: bool = False
    undone: str | None = None
    kept_edits: tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def servers(self) -> bool:
        """Whether the server put the change there, so that no agent is to mend it."""
        return bool(self.take_back or self.submitted)


@dataclass(frozen=True)
class Verdict:
    """The next action; once the iteration is decided, also its status; always the reason in a sentence."""

    next: NextStep
    status: Status | None
    why: str


_AHEAD = {NextStep.MEASURE, NextStep.GUARD, NextStep.HOLD_OUT, NextStep.STAND}


def decide(
    trial: Trial, finding: Finding, plan: Plan, slowdown: Slowdown | None = None, only_at_best: str = ""
) -> Verdict:
    """Judge the open iteration by what is known so far; `slowdown` is what a race showed of the incumbent's tree, `only_at_best`
    says that the change is ahead in the best of several executions alone.
    """
    if not trial.changed:
        why = "Nothing in scope changed, so there was nothing to measure; it counts as an iteration."
        return Verdict(NextStep.STAND, Status.NO_OP, why)
    if not trial.commit:
        return _uncommitted(trial)
    if trial.incumbent_failures > INCUMBENT_RETRIES:
        why = "The incumbent itself could not be measured again: verify failed on it twice."
        return Verdict(NextStep.UNDO, Status.METRIC_ERROR, why)
    if trial.measurement is None:
        return _unmeasured(finding)
    verdict = _measured(trial, trial.measurement, finding, plan)
    if only_at_best and verdict.next in _AHEAD and trial.take_back is not TakeBack.ANYWAY:
        return Verdict(NextStep.UNDO, Status.DISCARD, only_at_best)
    if slowdown is None or verdict.next not in _AHEAD:
        return verdict
    if not slowdown.sure:
        why = f"{finding.why} The same tree was better when it was the newest; the incumbent is run again."
        return Verdict(NextStep.COMPARE, None, why)
    # It is no tampering that was seen: a machine whose slowness the reference does not share looks the same.
    return Verdict(NextStep.UNDO, Status.DISCARD, _two_faced(slowdown, plan, trial))


def _uncommitted(trial: Trial) -> Verdict:
    left = HOOK_RETRIES - trial.hook_rejections + 1
    if trial.hook_rejections == 0:
        return Verdict(NextStep.COMMIT, None, "Nothing committed yet.")
    if trial.gave_up or left <= 0:
        return Verdict(NextStep.UNDO, Status.HOOK_BLOCKED, "A hook of the repository rejected the commit.")
    return Verdict(NextStep.FIX, None, f"A hook of the repository rejected the commit; {left} more tries.")


def _unmeasured(finding: Finding) -> Verdict:
    if finding.step is Step.INCUMBENT:
        return Verdict(
            NextStep.COMPARE, None, "Committed; the incumbent is run first, because its last run is long ago."
        )
    return Verdict(NextStep.MEASURE, None, "Committed; not measured yet.")


def _measured(trial: Trial, run: Measurement, finding: Finding, plan: Plan) -> Verdict:
    if run.tampered:
        files = ", ".join(run.tampered)
        return Verdict(NextStep.UNDO, Status.TAMPERED, f"The ruler changed while measuring: {files}.")
    if run.failure is not None:
        return _crashed(trial, run, run.failure)
    if run.value is None:
        return Verdict(NextStep.UNDO, Status.METRIC_ERROR, f"No number could be read: {run.problem}")
    match finding.step:
        case Step.CANDIDATE:
            return Verdict(NextStep.MEASURE, None, finding.why)
        case Step.INCUMBENT:
            return Verdict(NextStep.COMPARE, None, finding.why)
        case Step.NOT_BETTER | Step.INCONCLUSIVE if trial.take_back is not TakeBack.ANYWAY:
            return Verdict(NextStep.UNDO, Status.DISCARD, finding.why)
    return _won(trial, finding, plan)


def unguarded(trial: Trial, plan: Plan) -> str:
    """Say where no guard of a plan that has some ran on a change; else nothing."""
    return "No guard ran on it. " if plan.has_guards and trial.guards is None else ""


def _two_faced(slowdown: Slowdown, plan: Plan, trial: Trial) -> str:
    then, now = (f"{plan.signed(value):.5g}" for value in (slowdown.newest, slowdown.incumbent))
    count, later = slowdown.runs
    machine = "the machine's own speed was not timed"
    if slowdown.machine is not None:
        machine = f"a fixed workload of the server's took {slowdown.machine:+.1f} % of its time beside them"
    return (
        f"Ahead only because the incumbent has become worse: the same tree gave {then} when it was the newest ({count_runs(count)}) "
        f"and {now} as the incumbent ({count_runs(later)}), {slowdown.errors:.1f} standard errors apart; {machine}. "
        "A machine that became slower looks like this, and so does a program that works more once a newer one is about. "
        f"{unguarded(trial, plan)}again = {trial.number} tries it once more."
    )


def _crashed(trial: Trial, run: Measurement, failure: FailureClass) -> Verdict:
    left = CRASH_FIXES - trial.crashes + 1
    ran = run.exit_code == 0 and failure is FailureClass.RUNTIME  # and its number does not count
    said = f" {run.problem}" if ran or failure is FailureClass.REFUSED else ""
    what = f"The number does not count.{said}" if ran else f"Verify failed ({failure}).{said}"
    if trial.gave_up or left <= 0:
        end = "The idea was given up." if trial.gave_up else f"{CRASH_FIXES} tries did not fix it."
        return Verdict(NextStep.UNDO, Status.CRASH, f"{what} {end}")
    cure = "" if ran else f" {advice(failure)}"
    return Verdict(
        NextStep.FIX, None, f"{what}{cure} {left} more {'try' if left == 1 else 'tries'} to fix it, or revert."
    )


def _won(trial: Trial, finding: Finding, plan: Plan) -> Verdict:
    forced = trial.take_back is TakeBack.ANYWAY
    if not forced and finding.evidence is not None and trial.recheck.stands is None:
        return Verdict(NextStep.MEASURE, None, f"{finding.why} It is run again in a clean checkout.")
    if not forced and trial.recheck.stands is False:
        return Verdict(NextStep.UNDO, Status.DISCARD, trial.recheck.why)
    guards = ""
    if plan.has_guards:
        if trial.guards is None:
            return Verdict(NextStep.GUARD, None, f"{finding.why} The guards decide.")
        if failed := next((guard for guard in trial.guards if not guard.passed), None):
            return _guard_failed(trial, failed)
        guards = " All guards passed."
    if forced:
        return Verdict(
            NextStep.STAND, Status.KEEP_UNDO, f"{finding.why}{guards} A person took it back, whatever it costs."
        )
    if plan.holdout and trial.agreed is None:
        return Verdict(NextStep.HOLD_OUT, None, f"{finding.why}{guards} The holdout decides.")
    if trial.agreed is False:
        return Verdict(NextStep.UNDO, Status.DISCARD, f"{finding.why}{guards} The holdout did not agree.")
    return Verdict(NextStep.STAND, _kept(trial, finding), finding.why + guards)


def _guard_failed(trial: Trial, failed: GuardResult) -> Verdict:
    seen = f"{failed.guard}: {failed.seen}."
    if failed.broken:
        why = f"A guard is red for the incumbent as well, so it says nothing: {seen}"
        return Verdict(NextStep.UNDO, Status.METRIC_ERROR, why)
    left = REWORKS - trial.guard_failures + 1
    why = f"{'A' if trial.take_back else 'Better, but a'} guard failed: {seen}"
    if trial.gave_up or left <= 0:
        return Verdict(NextStep.UNDO, Status.DISCARD, why)
    return Verdict(NextStep.REWORK, None, f"{why} {left} more to rework it, or revert.")


def _kept(trial: Trial, finding: Finding) -> Status:
    if trial.take_back:
        return Status.KEEP_UNDO
    if trial.guard_failures:
        return Status.KEEP_REWORKED
    return Status.KEEP if finding.step is Step.BETTER else Status.KEEP_SIMPLER


CLEAR = 1.64
"""Standard errors on either side of the limit that settle a noisy number: one-sided, 5 %."""
MOST_RUNS = 8
BASELINE_RUNS = 5


def settled(outcomes: Sequence[bool]) -> bool | None:
    """Return whether a command guard passes, from its runs so far; None asks for one more.

    Green passes. Red is run again: red twice fails, and two greens after one red show a flaky guard and pass.
    """
    if outcomes[0]:
        return True
    if len(outcomes) == 1:
        return None
    if not outcomes[1]:
        return False
    return outcomes[2] if len(outcomes) > 2 else None


def limit_of(guard: GuardMetric, baseline: Sequence[float]) -> float:
    """Return the worst mean that still passes."""
    return guard.limit(statistics.fmean(baseline))


def within(guard: GuardMetric, values: Sequence[float], baseline: Sequence[float]) -> bool | None:
    """Return whether a number stays within its tolerance, by a test of non-inferiority; None asks for one more run.

    A number that repeated exactly at the baseline is decided by one run.
    """
    limit, mean = limit_of(guard, baseline), statistics.fmean(values)
    margin = limit - mean if guard.direction is Direction.LOWER else mean - limit
    scatter = statistics.stdev(baseline) if len(baseline) > 1 else 0.0
    error = scatter * math.sqrt(1 / len(values) + 1 / len(baseline))
    if abs(margin) >= CLEAR * error or len(values) >= MOST_RUNS:
        return margin >= 0
    return None


def enough_for_baseline(values: Sequence[float]) -> bool:
    """Return whether a baseline has runs enough: two equal ones, or five."""
    return len(values) >= BASELINE_RUNS or (len(values) == 2 and values[0] == values[1])
