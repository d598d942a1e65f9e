"""The mechanical part of each workflow that has one; imported when first asked for."""

from __future__ import annotations

from functools import cache
from importlib import import_module

from ..rules.ledgers.items import Workflow
from .mechanic import Mechanic

_MECHANICS = {
    Workflow.DEBUG: "investigation:Investigation",
    Workflow.FIX: "fix:Fixing",
    Workflow.SECURITY: "audit:Audit",
    Workflow.SHIP: "ship:Ship",
    Workflow.LEARN: "learn:Documents",
    Workflow.PROBE: "probe:PlanTrier",
    Workflow.IMPROVE: "scoped:Scoped",
    Workflow.REASON: "lots:Lots",
    Workflow.EVALS: "evals:EvalsMechanic",
    Workflow.REGRESSION: "regression:RegressionMechanic",
}


@cache
def mechanic(workflow: Workflow) -> Mechanic:
    """The mechanical part of a workflow."""
    if workflow not in _MECHANICS:
        return Mechanic()
    module, _, name = _MECHANICS[workflow].partition(":")
    made: Mechanic = getattr(import_module(f".{module}", __package__), name)()
    return made
