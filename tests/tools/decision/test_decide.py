"""Every row of the decision table."""

from __future__ import annotations

import pytest

from autoresearch_mcp.tools.decision.decide import (
    CRASH_FIXES,
    HOOK_RETRIES,
    REWORKS,
    DecisionEvidence,
    Guarded,
    Measured,
    NextStep,
    Status,
    decide,
)
from autoresearch_mcp.tools.decision.failures import FailureClass
from autoresearch_mcp.tools.decision.judging import Finding, Step

CRASHED = Measured(failure=FailureClass.RUNTIME)
NUMBER = Measured(value=1.0)
BETTER, WORSE = Finding(Step.BETTER, "Better by 1."), Finding(Step.NOT_BETTER, "Worse by 1.")
SIMPLER = Finding(Step.SIMPLER, "Not worse, and simpler.")
CLOSE = Finding(Step.INCUMBENT, "A close call.")
AGAIN = Finding(Step.CANDIDATE, "A close call.")
GREEN, RED, BROKEN = Guarded(), Guarded("tests: exit 1."), Guarded("tests: exit 1.", broken=True)

TABLE = {
    "nothing changed in scope": (DecisionEvidence(changed=False), NextStep.STAND, Status.NO_OP),
    "not committed yet": (DecisionEvidence(committed=False), NextStep.COMMIT, None),
    "a hook rejects the commit": (DecisionEvidence(committed=False, hook_rejections=1), NextStep.FIX, None),
    "a hook rejects the last retry but one": (
        DecisionEvidence(committed=False, hook_rejections=HOOK_RETRIES),
        NextStep.FIX,
        None,
    ),
    "a hook rejects the last retry": (
        DecisionEvidence(committed=False, hook_rejections=HOOK_RETRIES + 1),
        NextStep.UNDO,
        Status.HOOK_BLOCKED,
    ),
    "the agent gives a rejected commit up": (
        DecisionEvidence(committed=False, hook_rejections=1, gave_up=True),
        NextStep.UNDO,
        Status.HOOK_BLOCKED,
    ),
    "committed, not measured": (DecisionEvidence(), NextStep.MEASURE, None),
    "verify crashes": (DecisionEvidence(measured=CRASHED, crashes=1), NextStep.FIX, None),
    "verify crashes on the last fix but one": (
        DecisionEvidence(measured=CRASHED, crashes=CRASH_FIXES),
        NextStep.FIX,
        None,
    ),
    "verify crashes on the last fix": (
        DecisionEvidence(measured=CRASHED, crashes=CRASH_FIXES + 1),
        NextStep.UNDO,
        Status.CRASH,
    ),
    "the agent gives a crash up": (
        DecisionEvidence(measured=CRASHED, crashes=1, gave_up=True),
        NextStep.UNDO,
        Status.CRASH,
    ),
    "verify gives no number": (
        DecisionEvidence(measured=Measured(problem="nothing.")),
        NextStep.UNDO,
        Status.METRIC_ERROR,
    ),
    "better, no guards": (DecisionEvidence(measured=NUMBER, finding=BETTER), NextStep.STAND, Status.KEEP),
    "better, guards not run": (
        DecisionEvidence(measured=NUMBER, finding=BETTER, has_guards=True),
        NextStep.GUARD,
        None,
    ),
    "better, guards pass": (
        DecisionEvidence(measured=NUMBER, finding=BETTER, has_guards=True, guarded=GREEN),
        NextStep.STAND,
        Status.KEEP,
    ),
    "better, a guard fails": (
        DecisionEvidence(measured=NUMBER, finding=BETTER, has_guards=True, guarded=RED, guard_failures=1),
        NextStep.REWORK,
        None,
    ),
    "better, a guard fails on the last rework": (
        DecisionEvidence(measured=NUMBER, finding=BETTER, has_guards=True, guarded=RED, guard_failures=REWORKS + 1),
        NextStep.UNDO,
        Status.DISCARD,
    ),
    "the agent gives a rework up": (
        DecisionEvidence(measured=NUMBER, finding=BETTER, has_guards=True, guarded=RED, guard_failures=1, gave_up=True),
        NextStep.UNDO,
        Status.DISCARD,
    ),
    "better, guards pass after a rework": (
        DecisionEvidence(measured=NUMBER, finding=BETTER, has_guards=True, guarded=GREEN, guard_failures=1),
        NextStep.STAND,
        Status.KEEP_REWORKED,
    ),
    "a close call wants the incumbent": (DecisionEvidence(measured=NUMBER, finding=CLOSE), NextStep.COMPARE, None),
    "a close call wants the candidate again": (
        DecisionEvidence(measured=NUMBER, finding=AGAIN),
        NextStep.MEASURE,
        None,
    ),
    "the incumbent is due before the candidate": (DecisionEvidence(finding=CLOSE), NextStep.COMPARE, None),
    "the incumbent cannot be measured any more": (
        DecisionEvidence(measured=NUMBER, finding=BETTER, incumbent_problem="it failed twice."),
        NextStep.UNDO,
        Status.METRIC_ERROR,
    ),
    "simpler": (DecisionEvidence(measured=NUMBER, finding=SIMPLER), NextStep.STAND, Status.KEEP_SIMPLER),
    "simpler still has to pass the guards": (
        DecisionEvidence(measured=NUMBER, finding=SIMPLER, has_guards=True),
        NextStep.GUARD,
        None,
    ),
    "worse": (DecisionEvidence(measured=NUMBER, finding=WORSE, has_guards=True), NextStep.UNDO, Status.DISCARD),
    "better, a guard fails for the incumbent too": (
        DecisionEvidence(measured=NUMBER, finding=BETTER, has_guards=True, guarded=BROKEN, guard_failures=1),
        NextStep.UNDO,
        Status.METRIC_ERROR,
    ),
    "better, the holdout not asked": (
        DecisionEvidence(measured=NUMBER, finding=BETTER, has_guards=True, guarded=GREEN, has_holdout=True),
        NextStep.HOLD_OUT,
        None,
    ),
    "better, no guards, the holdout not asked": (
        DecisionEvidence(measured=NUMBER, finding=BETTER, has_holdout=True),
        NextStep.HOLD_OUT,
        None,
    ),
    "better, the holdout agrees": (
        DecisionEvidence(measured=NUMBER, finding=BETTER, has_holdout=True, agreed=True),
        NextStep.STAND,
        Status.KEEP,
    ),
    "better, the holdout does not agree": (
        DecisionEvidence(measured=NUMBER, finding=BETTER, has_holdout=True, agreed=False),
        NextStep.UNDO,
        Status.DISCARD,
    ),
    "a protected file changed while measuring": (
        DecisionEvidence(measured=Measured(value=1.0, tampered=("ruler.py",)), finding=BETTER),
        NextStep.UNDO,
        Status.TAMPERED,
    ),
    "a protected file changed and verify crashed": (
        DecisionEvidence(measured=Measured(failure=FailureClass.RUNTIME, tampered=("ruler.py",)), crashes=1),
        NextStep.UNDO,
        Status.TAMPERED,
    ),
}


@pytest.mark.parametrize("situation", TABLE)
def test_each_situation_has_one_verdict(situation: str) -> None:
    evidence, action, status = TABLE[situation]

    verdict = decide(evidence)

    assert (verdict.next, verdict.status) == (action, status)
    assert verdict.why.endswith((".", "revert.")), verdict.why


def test_every_status_but_the_baseline_is_in_the_table() -> None:
    assert {status for _, _, status in TABLE.values() if status} == set(Status) - {Status.BASELINE}
