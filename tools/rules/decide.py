"""The decision table: the only place that says keep or discard."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from .failures import FailureClass, advice

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


class Action(StrEnum):
    """What has to happen next in an open iteration."""

    COMMIT = "commit"
    MEASURE = "measure"
    GUARD = "guard"
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
    """What the guards showed: the first failing one with what was seen, or nothing."""

    failed: str = ""


@dataclass(frozen=True)
class Evidence:
    """Everything that a decision rests on. `gain` and `min_effect` are in the metric's unit; positive gain is better."""

    changed: bool = True
    committed: bool = True
    hook_rejections: int = 0
    measured: Measured | None = None
    gain: float = 0.0
    min_effect: float = 0.0
    net_lines: int = 0
    simpler_wins: bool = False
    has_guards: bool = False
    guarded: Guarded | None = None
    crashes: int = 0
    guard_failures: int = 0
    gave_up: bool = False


@dataclass(frozen=True)
class Verdict:
    """The next action; once the iteration is decided, also its status; always the reason in a sentence."""

    action: Action
    status: Status | None
    why: str


def decide(evidence: Evidence) -> Verdict:
    """Judge one iteration by what is known so far."""
    if not evidence.changed:
        return Verdict(Action.STAND, Status.NO_OP, "Nothing in scope changed, so there was nothing to measure.")
    if not evidence.committed:
        return _uncommitted(evidence)
    if evidence.measured is None:
        return Verdict(Action.MEASURE, None, "Committed; not measured yet.")
    if evidence.measured.tampered:
        files = ", ".join(evidence.measured.tampered)
        return Verdict(Action.UNDO, Status.TAMPERED, f"Protected files changed while measuring: {files}.")
    if evidence.measured.failure is not None:
        return _crashed(evidence, evidence.measured.failure)
    if evidence.measured.value is None:
        return Verdict(Action.UNDO, Status.METRIC_ERROR, f"No number could be read: {evidence.measured.problem}")
    return _valued(evidence)


def _uncommitted(evidence: Evidence) -> Verdict:
    left = HOOK_RETRIES - evidence.hook_rejections + 1
    if evidence.hook_rejections == 0:
        return Verdict(Action.COMMIT, None, "Nothing committed yet.")
    if evidence.gave_up or left <= 0:
        return Verdict(Action.UNDO, Status.HOOK_BLOCKED, "A hook of the repository rejected the commit.")
    return Verdict(Action.FIX, None, f"A hook of the repository rejected the commit; {left} more tries.")


def _crashed(evidence: Evidence, failure: FailureClass) -> Verdict:
    left = CRASH_FIXES - evidence.crashes + 1
    what = f"Verify failed ({failure}). {advice(failure)}"
    if evidence.gave_up or left <= 0:
        return Verdict(Action.UNDO, Status.CRASH, what)
    return Verdict(Action.FIX, None, f"{what} {left} more {'try' if left == 1 else 'tries'} to fix it, or revert.")


def _valued(evidence: Evidence) -> Verdict:
    wins, why = _merit(evidence)
    if not wins:
        return Verdict(Action.UNDO, Status.DISCARD, why)
    if not evidence.has_guards:
        return Verdict(Action.STAND, _kept(evidence), why)
    if evidence.guarded is None:
        return Verdict(Action.GUARD, None, f"{why} The guards decide.")
    if not evidence.guarded.failed:
        return Verdict(Action.STAND, _kept(evidence), f"{why} All guards passed.")
    return _guard_failed(evidence, evidence.guarded.failed)


def _merit(evidence: Evidence) -> tuple[bool, str]:
    gain, room = evidence.gain, evidence.min_effect
    if gain > 0 and gain >= room:
        return True, f"Better by {gain:.6g}."
    if gain >= 0 and evidence.simpler_wins and evidence.net_lines < 0:
        return True, f"Not worse, and {-evidence.net_lines} lines fewer."
    if gain > 0:
        return False, f"Better by {gain:.6g}, which is within the smallest effect worth keeping ({room:.6g})."
    return (False, "Equal to the incumbent.") if gain == 0 else (False, f"Worse by {-gain:.6g}.")


def _guard_failed(evidence: Evidence, failed: str) -> Verdict:
    left = REWORKS - evidence.guard_failures + 1
    if evidence.gave_up or left <= 0:
        return Verdict(Action.UNDO, Status.DISCARD, f"Better, but a guard failed: {failed}")
    return Verdict(Action.REWORK, None, f"Better, but a guard failed: {failed} {left} more to rework it, or revert.")


def _kept(evidence: Evidence) -> Status:
    if evidence.guard_failures:
        return Status.KEEP_REWORKED
    better = evidence.gain > 0 and evidence.gain >= evidence.min_effect
    return Status.KEEP if better else Status.KEEP_SIMPLER
