"""Every workflow by its name: the only list of them. A new one is one line here and one module."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from typing import Any

from .craft import Craft
from .items import Item, Workflow
from .options import Options

_CRAFTS = {
    Workflow.DEBUG: "debug:Debug",
    Workflow.FIX: "fix:Fix",
    Workflow.SECURITY: "security:Security",
    Workflow.SHIP: "ship:Ship",
    Workflow.SCENARIO: "scenario:Scenario",
    Workflow.PREDICT: "predict:Predict",
    Workflow.LEARN: "learn:Learn",
    Workflow.PROBE: "probe:Probe",
    Workflow.REASON: "reason:Reason",
    Workflow.EVALS: "evals:Evals",
    Workflow.IMPROVE: "improve:Improve",
    Workflow.REGRESSION: "regression:Regression",
}


@cache
def craft(workflow: Workflow) -> Craft:
    """The rules of a workflow; imported when first asked for, because a server that just starts needs none."""
    module, _, name = _CRAFTS[workflow].partition(":")
    made: Craft = getattr(import_module(f".{module}", __package__), name)()
    return made


def read_item(workflow: Workflow, fields: Mapping[str, Any]) -> Item:
    """An item as it was recorded."""
    rules = craft(workflow)
    return {**rules.found, **rules.items}[fields["kind"]].model_validate(fields)


def read_options(workflow: Workflow, fields: Mapping[str, Any]) -> Options:
    """The options that a ledger was opened with."""
    return craft(workflow).options.model_validate(fields)
