"""The mechanical part of each workflow that has one; imported when first asked for."""

from __future__ import annotations

from functools import cache
from importlib import import_module

from ..ledger.items import Workflow
from .runner import WorkflowRunner

_MECHANICS = {
    Workflow.DEBUG: "debug.rules:Investigation",
    Workflow.FIX: "fix.runner:Fixing",
    Workflow.SECURITY: "security.runner:Audit",
    Workflow.SHIP: "ship.runner:ShipRunner",
    Workflow.LEARN: "learn.runner:Documents",
    Workflow.PROBE: "probe.runner:PlanTrier",
    Workflow.IMPROVE: "running.scoped:Scoped",
    Workflow.REASON: "reason.runner:LabelSeed",
    Workflow.EVALS: "evals.runner:EvalsMechanic",
    Workflow.REGRESSION: "regression.runner:RegressionMechanic",
}


@cache
def runner_of(workflow: Workflow) -> WorkflowRunner:
    """The mechanical part of a workflow."""
    if workflow not in _MECHANICS:
        return WorkflowRunner()
    module, _, name = _MECHANICS[workflow].partition(":")
    made: WorkflowRunner = getattr(import_module(f"...{module}", __name__), name)()
    return made
