"""What scenarios are made of: where to look, the options, the items, and the looks that they add up to."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from itertools import takewhile
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field

from ..ledger.items import Item, Options, Severity, Text, Words, listed
from ..ledger.state import Ledger, LedgerEntry, LedgerFacts

DRY_AFTER = 3
"""Looks in a row into one dimension that brought nothing new, after which it is closed."""


class ScenarioDimension(StrEnum):
    """Where to look."""

    HAPPY = "happy-path"
    ERROR = "error"
    EDGE = "edge-case"
    ABUSE = "abuse"
    SCALE = "scale"
    CONCURRENT = "concurrent"
    TEMPORAL = "temporal"
    DATA = "data-variation"
    PERMISSION = "permission"
    INTEGRATION = "integration"
    RECOVERY = "recovery"
    STATE = "state-transition"


class Domain(StrEnum):
    """What the scenarios are about."""

    SOFTWARE = "software"
    PRODUCT = "product"
    BUSINESS = "business"
    SECURITY = "security"
    MARKETING = "marketing"


class ScenarioFormat(StrEnum):
    """How a page tells scenarios."""

    AUTO = "auto"
    USE_CASES = "use-cases"
    USER_STORIES = "user-stories"
    TEST_SCENARIOS = "test-scenarios"
    THREAT_SCENARIOS = "threat-scenarios"
    MIXED = "mixed"


def _dimensions(words: str) -> tuple[ScenarioDimension, ...]:
    return tuple(map(ScenarioDimension, words.split()))


PRIORITIES = {
    Domain.SOFTWARE: _dimensions("error edge-case concurrent data-variation state-transition"),
    Domain.PRODUCT: _dimensions("happy-path error state-transition permission recovery"),
    Domain.BUSINESS: _dimensions("happy-path permission temporal integration recovery"),
    Domain.SECURITY: _dimensions("abuse permission data-variation integration recovery"),
    Domain.MARKETING: _dimensions("happy-path data-variation temporal scale integration"),
}
"""The five dimensions that matter most in each domain."""
FORMATS = {
    Domain.SOFTWARE: ScenarioFormat.TEST_SCENARIOS,
    Domain.PRODUCT: ScenarioFormat.USER_STORIES,
    Domain.BUSINESS: ScenarioFormat.USE_CASES,
    Domain.SECURITY: ScenarioFormat.THREAT_SCENARIOS,
    Domain.MARKETING: ScenarioFormat.USER_STORIES,
}
"""How each domain's scenarios are told where nobody asked for another way."""
SUITABLE = {
    ScenarioDimension.HAPPY: ScenarioFormat.USE_CASES,
    ScenarioDimension.ABUSE: ScenarioFormat.THREAT_SCENARIOS,
    ScenarioDimension.PERMISSION: ScenarioFormat.THREAT_SCENARIOS,
}
"""How the mixed format tells a dimension; all others as test scenarios."""


def _lines(value: Any) -> Any:  # noqa: ANN401 - whatever a client sends
    """Return a list, also out of one text with a step a line."""
    return tuple(line.strip() for line in value.splitlines() if line.strip()) if isinstance(value, str) else value


class ScenarioOptions(Options):
    """What to explore: `goal` is the situation to start from."""

    domain: Domain = Field(Domain.SOFTWARE, description="Which dimensions matter most.")
    format: ScenarioFormat = Field(
        ScenarioFormat.AUTO, description="How scenarios.md tells them; auto: what suits the domain."
    )
    focus: Annotated[tuple[ScenarioDimension, ...], BeforeValidator(listed)] = Field(
        (), description="Only these dimensions. Empty: all twelve."
    )


class Situation(Item):
    """One thing that can happen, from what holds before to what has to come of it."""

    prefix: ClassVar[str] = "S"
    subject_format: ClassVar[str] = "{name} {trigger} {expected}"
    title_format: ClassVar[str] = "{name}"
    filled: ClassVar[frozenset[str]] = frozenset({"variant_of"})

    kind: Literal["scenario"] = "scenario"
    name: Text = Field(description="The scenario in a few words.")
    dimension: ScenarioDimension
    actors: Words = Field(min_length=1, max_length=20, description="Who takes part, between commas.")
    precondition: Text = Field(description="What holds before.")
    trigger: Text = Field(description="What sets it off.")
    flow: Annotated[tuple[Text, ...], BeforeValidator(_lines)] = Field(
        min_length=1, max_length=30, description="The steps after the trigger, a list."
    )
    expected: Text = Field(description="What has to come of it, so that one could check it.")
    risk: Text = Field(description="What is lost if it goes wrong.")
    severity: Severity
    parent: str = Field("", pattern=r"^(S\d+)?$", description="The scenario that it grew out of, e.g. S3.")
    variant_of: str = ""

    @property
    def classified(self) -> str:
        return f"variant of {self.variant_of}" if self.variant_of else "new"


class OutOfScope(Item):
    """Something that was thought of and does not belong here."""

    prefix: ClassVar[str] = "X"
    subject_format: ClassVar[str] = "{name}"

    kind: Literal["out-of-scope"] = "out-of-scope"
    name: Text = Field(description="The scenario in a few words.")
    dimension: ScenarioDimension
    reason: Text = Field(description="Why it does not belong to what is looked at.")

    @property
    def classified(self) -> str:
        return "out of scope"


class RefusedScenario(LedgerFacts):
    """A scenario that was refused because `of` says it already; `after` is the number of entries before it."""

    what: ClassVar[str] = "duplicate"

    name: str
    dimension: ScenarioDimension
    of: str
    digest: str
    after: int


Look = tuple[ScenarioDimension, bool]
"""One look into a dimension, and whether it brought something new."""


def dimensions(ledger: Ledger) -> tuple[ScenarioDimension, ...]:
    """Return the dimensions that are looked into, those that matter most in the domain first."""
    options = ledger.opts(ScenarioOptions)
    ordered = dict.fromkeys((*PRIORITIES[options.domain], *ScenarioDimension))
    return tuple(one for one in ordered if not options.focus or one in options.focus)


def refused(ledger: Ledger) -> tuple[RefusedScenario, ...]:
    """Return what was refused as a duplicate, the oldest first."""
    return ledger.every(RefusedScenario)


def in_order(ledger: Ledger) -> Iterator[LedgerEntry[Item] | RefusedScenario]:
    """Yield everything that was tried in its order, what was refused among it."""
    gone = refused(ledger)
    for place, entry in enumerate((*ledger.entries, None)):
        yield from (one for one in gone if one.after == place)
        if entry:
            yield entry


def looks(ledger: Ledger) -> tuple[Look, ...]:
    """Return every look into a dimension in its order; what is out of scope was none."""
    found: list[Look] = []
    for one in in_order(ledger):
        if isinstance(one, RefusedScenario):
            found.append((one.dimension, False))
        elif isinstance(one.item, Situation):
            found.append((one.item.dimension, not one.item.variant_of))
    return tuple(found)


def dry(ledger: Ledger, dimension: ScenarioDimension) -> int:
    """Count the looks at the end of a dimension that brought nothing new."""
    there = [new for one, new in looks(ledger) if one is dimension]
    return sum(1 for _ in takewhile(lambda new: not new, reversed(there)))


def open_dimensions(ledger: Ledger) -> tuple[ScenarioDimension, ...]:
    """Return those that may still have something new to give."""
    return tuple(one for one in dimensions(ledger) if dry(ledger, one) < DRY_AFTER)


def worst_first(ledger: Ledger) -> list[LedgerEntry[Situation]]:
    """Return the scenarios by severity; the older first where it is the same."""
    return sorted(ledger.of(Situation), key=lambda entry: entry.item.severity.rank)
