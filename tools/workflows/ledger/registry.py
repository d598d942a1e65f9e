"""Every workflow by its name: the only list of them. A new one is one line here and one folder."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from typing import Any

from .items import Item, Workflow
from .options import Options
from .rules import WorkflowRules

_CRAFTS = {
    Workflow.DEBUG: "Debug",
    Workflow.FIX: "Fix",
    Workflow.SECURITY: "Security",
    Workflow.SHIP: "Ship",
    Workflow.SCENARIO: "Scenario",
    Workflow.PREDICT: "Predict",
    Workflow.LEARN: "Learn",
    Workflow.PROBE: "Probe",
    Workflow.REASON: "Reason",
    Workflow.EVALS: "Evals",
    Workflow.IMPROVE: "Improve",
    Workflow.REGRESSION: "Regression",
}


@cache
def rules_of(workflow: Workflow) -> WorkflowRules:
    """The rules of a workflow; imported when first asked for, because a server that just starts needs none."""
    made: WorkflowRules = getattr(import_module(f"...{workflow}.rules", __name__), _CRAFTS[workflow])()
    return made


def read_item(workflow: Workflow, fields: Mapping[str, Any]) -> Item:
    """An item as it was recorded."""
    rules = rules_of(workflow)
    return {**rules.found, **rules.items}[fields["kind"]].model_validate(fields)


def read_options(workflow: Workflow, fields: Mapping[str, Any]) -> Options:
    """The options that a ledger was opened with."""
    return rules_of(workflow).options.model_validate(fields)
