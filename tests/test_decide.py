"""Every row of the decision table."""

from __future__ import annotations

import pytest

from autoresearch_mcp.tools.rules.decide import (
    CRASH_FIXES,
    HOOK_RETRIES,
    REWORKS,
    Action,
    Evidence,
    Guarded,
    Measured,
    Status,
    decide,
)
from autoresearch_mcp.tools.rules.failures import FailureClass

CRASHED = Measured(failure=FailureClass.RUNTIME)
NUMBER = Measured(value=1.0)
GREEN, RED = Guarded(), Guarded("tests: exit 1.")

TABLE = {
    "nothing changed in scope": (Evidence(changed=False), Action.STAND, Status.NO_OP),
    "not committed yet": (Evidence(committed=False), Action.COMMIT, None),
    "a hook rejects the commit": (Evidence(committed=False, hook_rejections=1), Action.FIX, None),
    "a hook rejects the last retry but one": (
        Evidence(committed=False, hook_rejections=HOOK_RETRIES),
        Action.FIX,
        None,
    ),
    "a hook rejects the last retry": (
        Evidence(committed=False, hook_rejections=HOOK_RETRIES + 1),
        Action.UNDO,
        Status.HOOK_BLOCKED,
    ),
    "the agent gives a rejected commit up": (
        Evidence(committed=False, hook_rejections=1, gave_up=True),
        Action.UNDO,
        Status.HOOK_BLOCKED,
    ),
    "committed, not measured": (Evidence(), Action.MEASURE, None),
    "verify crashes": (Evidence(measured=CRASHED, crashes=1), Action.FIX, None),
    "verify crashes on the last fix but one": (Evidence(measured=CRASHED, crashes=CRASH_FIXES), Action.FIX, None),
    "verify crashes on the last fix": (
        Evidence(measured=CRASHED, crashes=CRASH_FIXES + 1),
        Action.UNDO,
        Status.CRASH,
    ),
    "the agent gives a crash up": (Evidence(measured=CRASHED, crashes=1, gave_up=True), Action.UNDO, Status.CRASH),
    "verify gives no number": (Evidence(measured=Measured(problem="nothing.")), Action.UNDO, Status.METRIC_ERROR),
    "better, no guards": (Evidence(measured=NUMBER, gain=1), Action.STAND, Status.KEEP),
    "better, guards not run": (Evidence(measured=NUMBER, gain=1, has_guards=True), Action.GUARD, None),
    "better, guards pass": (
        Evidence(measured=NUMBER, gain=1, has_guards=True, guarded=GREEN),
        Action.STAND,
        Status.KEEP,
    ),
    "better, a guard fails": (
        Evidence(measured=NUMBER, gain=1, has_guards=True, guarded=RED, guard_failures=1),
        Action.REWORK,
        None,
    ),
    "better, a guard fails on the last rework": (
        Evidence(measured=NUMBER, gain=1, has_guards=True, guarded=RED, guard_failures=REWORKS + 1),
        Action.UNDO,
        Status.DISCARD,
    ),
    "the agent gives a rework up": (
        Evidence(measured=NUMBER, gain=1, has_guards=True, guarded=RED, guard_failures=1, gave_up=True),
        Action.UNDO,
        Status.DISCARD,
    ),
    "better, guards pass after a rework": (
        Evidence(measured=NUMBER, gain=1, has_guards=True, guarded=GREEN, guard_failures=1),
        Action.STAND,
        Status.KEEP_REWORKED,
    ),
    "better, exactly the smallest effect": (
        Evidence(measured=NUMBER, gain=2, min_effect=2),
        Action.STAND,
        Status.KEEP,
    ),
    "better, but within the noise": (
        Evidence(measured=NUMBER, gain=1, min_effect=2),
        Action.UNDO,
        Status.DISCARD,
    ),
    "within the noise and simpler": (
        Evidence(measured=NUMBER, gain=1, min_effect=2, net_lines=-1, simpler_wins=True),
        Action.STAND,
        Status.KEEP_SIMPLER,
    ),
    "equal": (Evidence(measured=NUMBER, net_lines=-5), Action.UNDO, Status.DISCARD),
    "equal and simpler, if the plan says so": (
        Evidence(measured=NUMBER, net_lines=-1, simpler_wins=True),
        Action.STAND,
        Status.KEEP_SIMPLER,
    ),
    "equal and as long, if the plan says so": (
        Evidence(measured=NUMBER, net_lines=0, simpler_wins=True),
        Action.UNDO,
        Status.DISCARD,
    ),
    "equal and simpler still has to pass the guards": (
        Evidence(measured=NUMBER, net_lines=-1, simpler_wins=True, has_guards=True),
        Action.GUARD,
        None,
    ),
    "worse": (Evidence(measured=NUMBER, gain=-1, has_guards=True), Action.UNDO, Status.DISCARD),
    "worse, though simpler": (
        Evidence(measured=NUMBER, gain=-1, net_lines=-9, simpler_wins=True),
        Action.UNDO,
        Status.DISCARD,
    ),
    "a protected file changed while measuring": (
        Evidence(measured=Measured(value=1.0, tampered=("ruler.py",)), gain=9),
        Action.UNDO,
        Status.TAMPERED,
    ),
    "a protected file changed and verify crashed": (
        Evidence(measured=Measured(failure=FailureClass.RUNTIME, tampered=("ruler.py",)), crashes=1),
        Action.UNDO,
        Status.TAMPERED,
    ),
}


@pytest.mark.parametrize("situation", TABLE)
def test_each_situation_has_one_verdict(situation: str) -> None:
    evidence, action, status = TABLE[situation]

    verdict = decide(evidence)

    assert (verdict.action, verdict.status) == (action, status)
    assert verdict.why.endswith((".", "revert.")), verdict.why


def test_every_status_but_the_baseline_is_in_the_table() -> None:
    assert {status for _, _, status in TABLE.values() if status} == set(Status) - {Status.BASELINE}
