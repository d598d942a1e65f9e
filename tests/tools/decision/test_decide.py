"""Every row of the decision table."""

from __future__ import annotations

from dataclasses import replace

import pytest

from autoresearch_mcp.tools.decision.decide import (
    CRASH_FIXES,
    HOOK_RETRIES,
    INCUMBENT_RETRIES,
    REWORKS,
    NextStep,
    Status,
    TakeBack,
    Trial,
    decide,
)
from autoresearch_mcp.tools.decision.failures import FailureClass
from autoresearch_mcp.tools.decision.judging import UNMEASURED, Finding, Step
from autoresearch_mcp.tools.decision.measured import GuardResult, Measurement
from autoresearch_mcp.tools.decision.recheck import UNCHECKED
from autoresearch_mcp.tools.decision.same_tree import Slowdown
from autoresearch_mcp.tools.plan.model import Plan

CRASHED = Measurement(failure=FailureClass.RUNTIME)
NUMBER = Measurement(value=1.0)
BETTER, WORSE = Finding(Step.BETTER, "Better by 1."), Finding(Step.NOT_BETTER, "Worse by 1.")
SIMPLER = Finding(Step.SIMPLER, "Not worse, and simpler.")
CLOSE = Finding(Step.INCUMBENT, "A close call.")
AGAIN = Finding(Step.CANDIDATE, "A close call.")
GREEN = (GuardResult(guard="tests", passed=True, seen="exit 0"),)
RED = (*GREEN, GuardResult(guard="lint", passed=False, seen="exit 1"))
BROKEN = (GuardResult(guard="tests", passed=False, seen="exit 1", broken=True),)


def case(
    finding: Finding = UNMEASURED, *, has_guards: bool = False, has_holdout: bool = False, **trial: object
) -> tuple[Trial, Finding, Plan]:
    """A committed trial, but for what is named."""
    plan = Plan(guards=("tests", "lint") if has_guards else (), holdout="measure it" if has_holdout else "")
    return replace(Trial(1, "a", "an idea", commit="b"), **trial), finding, plan  # type: ignore[arg-type]


TABLE = {
    "nothing changed in scope": (case(changed=False), NextStep.STAND, Status.NO_OP),
    "not committed yet": (case(commit=""), NextStep.COMMIT, None),
    "a hook rejects the commit": (case(commit="", hook_rejections=1), NextStep.FIX, None),
    "a hook rejects the last retry but one": (
        case(commit="", hook_rejections=HOOK_RETRIES),
        NextStep.FIX,
        None,
    ),
    "a hook rejects the last retry": (
        case(commit="", hook_rejections=HOOK_RETRIES + 1),
        NextStep.UNDO,
        Status.HOOK_BLOCKED,
    ),
    "the agent gives a rejected commit up": (
        case(commit="", hook_rejections=1, gave_up=True),
        NextStep.UNDO,
        Status.HOOK_BLOCKED,
    ),
    "committed, not measured": (case(), NextStep.MEASURE, None),
    "verify crashes": (case(measurement=CRASHED, crashes=1), NextStep.FIX, None),
    "verify crashes on the last fix but one": (
        case(measurement=CRASHED, crashes=CRASH_FIXES),
        NextStep.FIX,
        None,
    ),
    "verify crashes on the last fix": (
        case(measurement=CRASHED, crashes=CRASH_FIXES + 1),
        NextStep.UNDO,
        Status.CRASH,
    ),
    "the agent gives a crash up": (
        case(measurement=CRASHED, crashes=1, gave_up=True),
        NextStep.UNDO,
        Status.CRASH,
    ),
    "verify gives no number": (
        case(measurement=Measurement(problem="nothing.")),
        NextStep.UNDO,
        Status.METRIC_ERROR,
    ),
    "better, no guards": (case(measurement=NUMBER, finding=BETTER), NextStep.STAND, Status.KEEP),
    "better, guards not run": (
        case(measurement=NUMBER, finding=BETTER, has_guards=True),
        NextStep.GUARD,
        None,
    ),
    "better, guards pass": (
        case(measurement=NUMBER, finding=BETTER, has_guards=True, guards=GREEN),
        NextStep.STAND,
        Status.KEEP,
    ),
    "better, a guard fails": (
        case(measurement=NUMBER, finding=BETTER, has_guards=True, guards=RED, guard_failures=1),
        NextStep.REWORK,
        None,
    ),
    "better, a guard fails on the last rework": (
        case(measurement=NUMBER, finding=BETTER, has_guards=True, guards=RED, guard_failures=REWORKS + 1),
        NextStep.UNDO,
        Status.DISCARD,
    ),
    "the agent gives a rework up": (
        case(measurement=NUMBER, finding=BETTER, has_guards=True, guards=RED, guard_failures=1, gave_up=True),
        NextStep.UNDO,
        Status.DISCARD,
    ),
    "better, guards pass after a rework": (
        case(measurement=NUMBER, finding=BETTER, has_guards=True, guards=GREEN, guard_failures=1),
        NextStep.STAND,
        Status.KEEP_REWORKED,
    ),
    "a close call wants the incumbent": (case(measurement=NUMBER, finding=CLOSE), NextStep.COMPARE, None),
    "a close call wants the candidate again": (
        case(measurement=NUMBER, finding=AGAIN),
        NextStep.MEASURE,
        None,
    ),
    "the incumbent is due before the candidate": (case(finding=CLOSE), NextStep.COMPARE, None),
    "the incumbent failed once": (
        case(measurement=NUMBER, finding=CLOSE, incumbent_failures=INCUMBENT_RETRIES),
        NextStep.COMPARE,
        None,
    ),
    "the incumbent cannot be measured any more": (
        case(measurement=NUMBER, finding=BETTER, incumbent_failures=INCUMBENT_RETRIES + 1),
        NextStep.UNDO,
        Status.METRIC_ERROR,
    ),
    "simpler": (case(measurement=NUMBER, finding=SIMPLER), NextStep.STAND, Status.KEEP_SIMPLER),
    "simpler still has to pass the guards": (
        case(measurement=NUMBER, finding=SIMPLER, has_guards=True),
        NextStep.GUARD,
        None,
    ),
    "a keep taken back, not worse": (
        case(measurement=NUMBER, finding=SIMPLER, take_back=TakeBack.IF_NOT_WORSE),
        NextStep.STAND,
        Status.KEEP_UNDO,
    ),
    "a keep taken back, worse": (
        case(measurement=NUMBER, finding=WORSE, take_back=TakeBack.IF_NOT_WORSE),
        NextStep.UNDO,
        Status.DISCARD,
    ),
    "a keep that a person takes back, worse": (
        case(measurement=NUMBER, finding=WORSE, take_back=TakeBack.ANYWAY),
        NextStep.STAND,
        Status.KEEP_UNDO,
    ),
    "a keep that a person takes back still has to pass the guards": (
        case(measurement=NUMBER, finding=WORSE, take_back=TakeBack.ANYWAY, has_guards=True),
        NextStep.GUARD,
        None,
    ),
    "worse": (case(measurement=NUMBER, finding=WORSE, has_guards=True), NextStep.UNDO, Status.DISCARD),
    "better, a guard fails for the incumbent too": (
        case(measurement=NUMBER, finding=BETTER, has_guards=True, guards=BROKEN, guard_failures=1),
        NextStep.UNDO,
        Status.METRIC_ERROR,
    ),
    "better, the holdout not asked": (
        case(measurement=NUMBER, finding=BETTER, has_guards=True, guards=GREEN, has_holdout=True),
        NextStep.HOLD_OUT,
        None,
    ),
    "better, no guards, the holdout not asked": (
        case(measurement=NUMBER, finding=BETTER, has_holdout=True),
        NextStep.HOLD_OUT,
        None,
    ),
    "better, the holdout agrees": (
        case(measurement=NUMBER, finding=BETTER, has_holdout=True, agreed=True),
        NextStep.STAND,
        Status.KEEP,
    ),
    "better, the holdout does not agree": (
        case(measurement=NUMBER, finding=BETTER, has_holdout=True, agreed=False),
        NextStep.UNDO,
        Status.DISCARD,
    ),
    "a protected file changed while measuring": (
        case(measurement=Measurement(value=1.0, tampered=("ruler.py",)), finding=BETTER),
        NextStep.UNDO,
        Status.TAMPERED,
    ),
    "a protected file changed and verify crashed": (
        case(measurement=Measurement(failure=FailureClass.RUNTIME, tampered=("ruler.py",)), crashes=1),
        NextStep.UNDO,
        Status.TAMPERED,
    ),
}


@pytest.mark.parametrize("situation", TABLE)
def test_each_situation_has_one_verdict(situation: str) -> None:
    known, step, status = TABLE[situation]

    verdict = decide(*known)

    assert (verdict.next, verdict.status) == (step, status)
    assert verdict.why.endswith((".", "revert.")), verdict.why


@pytest.mark.parametrize(
    ("finding", "sure", "step", "status"),
    [
        (BETTER, False, NextStep.COMPARE, None),
        (BETTER, True, NextStep.UNDO, Status.DISCARD),
        (WORSE, False, NextStep.UNDO, Status.DISCARD),
        (CLOSE, True, NextStep.COMPARE, None),
    ],
)
def test_what_the_incumbents_tree_was_before_matters_to_nothing_but_a_keep(
    finding: Finding, sure: bool, step: NextStep, status: Status | None
) -> None:
    seen = Slowdown(newest=1.0, incumbent=2.0, runs=(3, 3), errors=9.0, sure=sure, machine=None)

    trial, found, _ = case(measurement=NUMBER, finding=finding)
    verdict = decide(trial, found, Plan(direction="lower"), seen)

    assert (verdict.next, verdict.status) == (step, status)
    assert ("same tree" in verdict.why) is (finding is BETTER)


def test_what_is_ahead_only_at_its_best_is_not_kept() -> None:
    known = case(measurement=NUMBER, finding=BETTER)

    assert decide(*known, only_at_best="Only at best.").status is Status.DISCARD
    forced = case(measurement=NUMBER, finding=BETTER, take_back=TakeBack.ANYWAY)
    assert decide(*forced, only_at_best="Only at best.").status is Status.KEEP_UNDO


def test_every_status_but_the_baseline_is_in_the_table() -> None:
    assert {status for _, _, status in TABLE.values() if status} == set(Status) - {Status.BASELINE}


def test_a_trial_opens_with_a_change_and_nothing_that_was_done_to_it() -> None:
    opened = vars(Trial(1, "a", "an idea"))

    assert {name for name, value in opened.items() if value not in (None, 0, "", (), UNCHECKED, TakeBack.NO)} == {
        "number",
        "parent",
        "description",
        "changed",
    }


@pytest.mark.parametrize(
    ("made", "servers"),
    [({}, False), ({"take_back": TakeBack.ANYWAY}, True), ({"submitted": 1}, True)],
    ids=["edited", "taken back", "handed in"],
)
def test_what_the_server_put_there_no_agent_is_to_mend(made: dict[str, object], servers: bool) -> None:
    assert case(**made)[0].servers is servers  # type: ignore[arg-type]


def test_an_idea_may_be_mended_as_often_as_the_documentation_says() -> None:
    assert (HOOK_RETRIES, CRASH_FIXES, REWORKS, INCUMBENT_RETRIES) == (2, 3, 2, 1)
