"""The decision table: the only place that says keep or discard."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from .failures import FailureClass, advice
from .judging import UNMEASURED, Finding, Step

HOOK_RETRIES = 2
CRASH_FIXES = 3
REWORKS = 2


class Status(StrEnum):
    """How an iteration ended: the word in the results file."""

    BASELINE = "baseline"
    KEEP = "keep"
    KEEP_REWORKED = "keep (reworked)"
    KEEP_SIMPLER = "keep (simpler)"
    DISCARD = "discard"
    CRASH = "crash"
    NO_OP = "no-op"
    HOOK_BLOCKED = "hook-blocked"
    METRIC_ERROR = "metric-error"
    TAMPERED = "tampered"

    @property
    def kept(self) -> bool:
        """Whether the change stays on the branch."""
        return self in {Status.KEEP, Status.KEEP_REWORKED, Status.KEEP_SIMPLER}


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
class Measured:
    """What one verify run showed. Exactly one of value, problem, failure speaks; tampered files overrule all."""

    value: float | None = None
    problem: str = ""
    failure: FailureClass | None = None
    tampered: tuple[str, ...] = ()


@dataclass(frozen=True)
class Guarded:
    """What the guards showed: the first failing one with what was seen, or nothing; `broken` if the incumbent fails too."""

    failed: str = ""
    broken: bool = False


@dataclass(frozen=True)
class DecisionEvidence:
    """Everything that a decision rests on. `agreed` is the holdout's answer, None before it was asked."""

    changed: bool = True
    committed: bool = True
    hook_rejections: int = 0
    measured: Measured | None = None
    finding: Finding = UNMEASURED
    incumbent_problem: str = ""
    has_guards: bool = False
    guarded: Guarded | None = None
    has_holdout: bool = False
    agreed: bool | None = None
    crashes: int = 0
    guard_failures: int = 0
    gave_up: bool = False


@dataclass(frozen=True)
class Verdict:
    """The next action; once the iteration is decided, also its status; always the reason in a sentence."""

    next: NextStep
    status: Status | None
    why: str


def decide(evidence: DecisionEvidence) -> Verdict:
    """Judge one iteration by what is known so far."""
    if not evidence.changed:
        return Verdict(NextStep.STAND, Status.NO_OP, "Nothing in scope changed, so there was nothing to measure.")
    if not evidence.committed:
        return _uncommitted(evidence)
    if evidence.incumbent_problem:
        why = f"The incumbent itself could not be measured again: {evidence.incumbent_problem}"
        return Verdict(NextStep.UNDO, Status.METRIC_ERROR, why)
    if evidence.measured is None:
        return _unmeasured(evidence.finding)
    return _measured(evidence, evidence.measured)


def _unmeasured(finding: Finding) -> Verdict:
    if finding.step is Step.INCUMBENT:
        return Verdict(
            NextStep.COMPARE, None, "Committed; the incumbent is run first, because its last run is long ago."
        )
    return Verdict(NextStep.MEASURE, None, "Committed; not measured yet.")


def _measured(evidence: DecisionEvidence, measured: Measured) -> Verdict:
    if measured.tampered:
        files = ", ".join(measured.tampered)
        return Verdict(NextStep.UNDO, Status.TAMPERED, f"The ruler changed while measuring: {files}.")
    if measured.failure is not None:
        return _crashed(evidence, measured.failure)
    if measured.value is None:
        return Verdict(NextStep.UNDO, Status.METRIC_ERROR, f"No number could be read: {measured.problem}")
    return _valued(evidence, evidence.finding)


def _uncommitted(evidence: DecisionEvidence) -> Verdict:
    left = HOOK_RETRIES - evidence.hook_rejections + 1
    if evidence.hook_rejections == 0:
        return Verdict(NextStep.COMMIT, None, "Nothing committed yet.")
    if evidence.gave_up or left <= 0:
        return Verdict(NextStep.UNDO, Status.HOOK_BLOCKED, "A hook of the repository rejected the commit.")
    return Verdict(NextStep.FIX, None, f"A hook of the repository rejected the commit; {left} more tries.")


def _crashed(evidence: DecisionEvidence, failure: FailureClass) -> Verdict:
    left = CRASH_FIXES - evidence.crashes + 1
    said = evidence.measured.problem if evidence.measured and failure is FailureClass.REFUSED else ""
    what = f"Verify failed ({failure}). {f'{said} ' if said else ''}{advice(failure)}"
    if evidence.gave_up or left <= 0:
        return Verdict(NextStep.UNDO, Status.CRASH, what)
    return Verdict(NextStep.FIX, None, f"{what} {left} more {'try' if left == 1 else 'tries'} to fix it, or revert.")


def _valued(evidence: DecisionEvidence, finding: Finding) -> Verdict:
    match finding.step:
        case Step.CANDIDATE:
            return Verdict(NextStep.MEASURE, None, finding.why)
        case Step.INCUMBENT:
            return Verdict(NextStep.COMPARE, None, finding.why)
        case Step.NOT_BETTER:
            return Verdict(NextStep.UNDO, Status.DISCARD, finding.why)
    return _won(evidence, finding)


def _won(evidence: DecisionEvidence, finding: Finding) -> Verdict:
    guards = ""
    if evidence.has_guards:
        if evidence.guarded is None:
            return Verdict(NextStep.GUARD, None, f"{finding.why} The guards decide.")
        if evidence.guarded.failed:
            return _guard_failed(evidence, evidence.guarded)
        guards = " All guards passed."
    if evidence.has_holdout and evidence.agreed is None:
        return Verdict(NextStep.HOLD_OUT, None, f"{finding.why}{guards} The holdout decides.")
    if evidence.agreed is False:
        return Verdict(NextStep.UNDO, Status.DISCARD, f"{finding.why}{guards} The holdout did not agree.")
    return Verdict(NextStep.STAND, _kept(evidence, finding), finding.why + guards)


def _guard_failed(evidence: DecisionEvidence, guarded: Guarded) -> Verdict:
    if guarded.broken:
        why = f"A guard is red for the incumbent as well, so it says nothing: {guarded.failed}"
        return Verdict(NextStep.UNDO, Status.METRIC_ERROR, why)
    left = REWORKS - evidence.guard_failures + 1
    why = f"Better, but a guard failed: {guarded.failed}"
    if evidence.gave_up or left <= 0:
        return Verdict(NextStep.UNDO, Status.DISCARD, why)
    return Verdict(NextStep.REWORK, None, f"{why} {left} more to rework it, or revert.")


def _kept(evidence: DecisionEvidence, finding: Finding) -> Status:
    if evidence.guard_failures:
        return Status.KEEP_REWORKED
    return Status.KEEP if finding.step is Step.BETTER else Status.KEEP_SIMPLER
