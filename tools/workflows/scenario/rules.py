"""Scenarios: what can happen, told so that one could try it. They are opinions; an experiment of a later workflow settles them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field

from ..ledger.handoff import HandoffFinding
from ..ledger.items import Depth, Item, Options, Severity, Text, Workflow
from ..ledger.opinions import handed, told, worst_first
from ..ledger.pages import flagged, one_line
from ..ledger.rules import Need, Pages, WorkflowRules
from ..ledger.state import Ledger


def _lines(value: Any) -> Any:  # noqa: ANN401 - whatever a client sends
    """Return a list, also out of one text with a step a line."""
    return tuple(line.strip() for line in value.splitlines() if line.strip()) if isinstance(value, str) else value


class Situation(Item):
    """One thing that can happen, from what holds before to what has to come of it."""

    prefix: ClassVar[str] = "S"
    subject_format: ClassVar[str] = "{name} {trigger} {expected}"
    title_format: ClassVar[str] = "{name}"

    kind: Literal["scenario"] = "scenario"
    name: Text = Field(description="The scenario in a few words.")
    precondition: Text = Field(description="Who takes part, and what holds before.")
    trigger: Text = Field(description="What sets it off.")
    flow: Annotated[tuple[Text, ...], BeforeValidator(_lines)] = Field(
        min_length=1, max_length=30, description="The steps after the trigger, a list."
    )
    expected: Text = Field(description="What has to come of it, so that one could check it.")
    risk: Text = Field(description="What is lost if it goes wrong.")
    severity: Severity


def _feature(ledger: Ledger) -> str:
    """Return the scenarios in Gherkin. Every text stands on one line behind a keyword, so that it can be nothing but text."""
    lines = [
        "# language: en",
        "# Opinions: the server ran none of this.",
        f"Feature: {one_line(ledger.options.goal) or 'Everything'}",
    ]
    for entry in worst_first(ledger, Situation):
        one = entry.item
        mark = flagged(one.name, one.precondition, one.trigger, *one.flow, one.expected, one.risk)
        lines += [
            "",
            f"  # At stake: {one_line(one.risk)}{mark}",
            f"  @{entry.id} @{one.severity}",
            f"  Scenario: {one_line(one.name)}",
            f"    Given {one_line(one.precondition)}",
            f"    When {one_line(one.trigger)}",
            *(f"    And {one_line(step)}" for step in one.flow),
            f"    Then {one_line(one.expected)}",
        ]
    return "\n".join(lines) + "\n"


class Scenario(WorkflowRules):
    """What can happen, told so that one could try it. Whether it does, an experiment says."""

    name = Workflow.SCENARIO
    opinions = True
    options = Options
    accumulates = True
    kinds = (Situation,)
    rounds: ClassVar[Mapping[Depth, int]] = {Depth.SHALLOW: 10, Depth.STANDARD: 25, Depth.DEEP: 50}
    withdrawable = kinds
    onwards = ("debug", "security", "fix")
    needs = (Need(lambda ledger: not ledger.of(Situation), "a scenario"),)
    pages: ClassVar[Pages] = {"scenarios.feature": _feature}

    def state(self, ledger: Ledger) -> list[str]:
        return [told(ledger, entry) for entry in ledger.of(Situation)[-12:]]

    def findings(self, ledger: Ledger) -> tuple[HandoffFinding, ...]:
        return tuple(handed(entry, _detail(entry.item)) for entry in worst_first(ledger, Situation))


def _detail(one: Situation) -> str:
    steps = "; ".join(one.flow)
    return f"Given {one.precondition} When {one.trigger} Then: {steps}. Expected: {one.expected} Risk: {one.risk}"
