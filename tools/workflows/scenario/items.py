"""What scenarios are made of: the options, the items, and the looks into dimensions that they add up to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import takewhile
from typing import Any, ClassVar, Literal, NamedTuple

from pydantic import Field

from ..ledger.items import Item, Options, Severity, Text, Words
from ..ledger.ledger import Ledger, LedgerEntry
from .words import PRIORITIES, Dimensions, Domain, ScenarioDimension, ScenarioFormat, Steps

DRY_AFTER = 3
"""Tries in a row in one dimension that brought nothing new, after which it is closed."""


class ScenarioOptions(Options):
    """What to explore: `goal` is the situation to start from."""

    domain: Domain = Field(Domain.SOFTWARE, description="Which dimensions matter most.")
    format: ScenarioFormat = Field(
        ScenarioFormat.AUTO, description="How scenarios.md tells them; auto: what suits the domain."
    )
    focus: Dimensions = Field((), description="Only these dimensions. Empty: all twelve.")


class Situation(Item):
    """One thing that can happen, from what holds before to what has to come of it."""

    prefix: ClassVar[str] = "S"
    filled: ClassVar[frozenset[str]] = frozenset({"variant_of"})

    kind: Literal["scenario"] = "scenario"
    name: Text = Field(description="The scenario in a few words.")
    dimension: ScenarioDimension
    actors: Words = Field(min_length=1, max_length=20, description="Who takes part, between commas.")
    precondition: Text = Field(description="What holds before.")
    trigger: Text = Field(description="What sets it off.")
    flow: Steps = Field(min_length=1, max_length=30, description="The steps after the trigger, a list.")
    expected: Text = Field(description="What has to come of it, so that one could check it.")
    risk: Text = Field(description="What is lost if it goes wrong.")
    severity: Severity
    parent: str = Field("", pattern=r"^(S\d+)?$", description="The scenario that it grew out of, e.g. S3.")
    variant_of: str = ""

    @property
    def subject(self) -> str:
        return f"{self.name} {self.trigger} {self.expected}"

    @property
    def title(self) -> str:
        return self.name

    @property
    def classified(self) -> str:
        return f"variant of {self.variant_of}" if self.variant_of else "new"


class OutOfScope(Item):
    """Something that was thought of and does not belong here."""

    prefix: ClassVar[str] = "X"

    kind: Literal["out-of-scope"] = "out-of-scope"
    name: Text = Field(description="The scenario in a few words.")
    dimension: ScenarioDimension
    reason: Text = Field(description="Why it does not belong to what is looked at.")

    @property
    def subject(self) -> str:
        return self.name

    @property
    def classified(self) -> str:
        return "out of scope"


class RefusedScenario(NamedTuple):
    """A scenario that was refused because `of` says it already."""

    name: str
    dimension: ScenarioDimension
    of: str
    digest: str
    after: int

    @property
    def facts(self) -> Mapping[str, Any]:
        """What the journal keeps of it."""
        return self._asdict()


class DimensionLook(NamedTuple):
    """One look into a dimension, and whether it brought something new."""

    dimension: ScenarioDimension
    new: bool


def dimensions(ledger: Ledger) -> tuple[ScenarioDimension, ...]:
    """The dimensions that are looked into, those that matter most in the domain first."""
    options = ledger.opts(ScenarioOptions)
    first = PRIORITIES[options.domain]
    ordered = (*first, *(one for one in ScenarioDimension if one not in first))
    return tuple(one for one in ordered if not options.focus or one in options.focus)


def refused(ledger: Ledger) -> tuple[RefusedScenario, ...]:
    """What was refused as a duplicate, the oldest first."""
    facts = [seen.facts for seen in ledger.observed if seen.what == "duplicate"]
    return tuple(RefusedScenario(**{**one, "dimension": ScenarioDimension(one["dimension"])}) for one in facts)


def in_order(ledger: Ledger) -> Iterator[LedgerEntry[Item] | RefusedScenario]:
    """Everything that was tried in its order, what was refused among it."""
    gone = refused(ledger)
    for place, entry in enumerate(ledger.entries):
        yield from (one for one in gone if one.after == place)
        yield entry
    yield from (one for one in gone if one.after == len(ledger.entries))


def tries(ledger: Ledger) -> tuple[DimensionLook, ...]:
    """Every look into a dimension in its order; what is out of scope was none."""
    found: list[DimensionLook] = []
    for one in in_order(ledger):
        if isinstance(one, RefusedScenario):
            found.append(DimensionLook(one.dimension, new=False))
        elif isinstance(one.item, Situation):
            found.append(DimensionLook(one.item.dimension, new=not one.item.variant_of))
    return tuple(found)


def dry(ledger: Ledger, dimension: ScenarioDimension) -> int:
    """Tries at the end of a dimension that brought nothing new."""
    there = [one for one in tries(ledger) if one.dimension is dimension]
    return sum(1 for _ in takewhile(lambda one: not one.new, reversed(there)))


def open_dimensions(ledger: Ledger) -> tuple[ScenarioDimension, ...]:
    """Those that may still have something new to give."""
    return tuple(one for one in dimensions(ledger) if dry(ledger, one) < DRY_AFTER)


def worst_first(ledger: Ledger) -> list[LedgerEntry[Situation]]:
    """The scenarios by severity; the older first where it is the same."""
    return sorted(ledger.of(Situation), key=lambda entry: entry.item.severity.rank)
