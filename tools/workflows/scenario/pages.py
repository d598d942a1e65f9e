"""Scenarios as people and tools read them: what the templates are given, JSON, and a table."""

from __future__ import annotations

import json

from ..ledger.items import Item
from ..ledger.ledger import Ledger, LedgerEntry
from ..ledger.pages import table
from .items import OutOfScope, RefusedScenario, ScenarioOptions, Situation, dimensions, in_order, refused, worst_first
from .words import FORMATS, SUITABLE, ScenarioDimension, ScenarioFormat


def page_values(ledger: Ledger) -> dict[str, object]:
    """What the templates are given."""
    options, found = ledger.opts(ScenarioOptions), ledger.of(Situation)
    by_dimension = {one: [entry for entry in found if entry.item.dimension is one] for one in dimensions(ledger)}
    return {
        "goal": options.goal,
        "format": FORMATS[options.domain] if options.format is ScenarioFormat.AUTO else options.format,
        "suitable": SUITABLE,
        "scenarios": found,
        "by_dimension": [(dimension, entries) for dimension, entries in by_dimension.items() if entries],
        "edges": [entry for entry in worst_first(ledger) if entry.item.dimension is ScenarioDimension.EDGE],
        "out_of_scope": ledger.items(OutOfScope),
        "refused": refused(ledger),
    }


def as_json(ledger: Ledger) -> str:
    """Every scenario with its fields."""
    return json.dumps([_fields(entry) for entry in ledger.of(Situation)], indent=1, ensure_ascii=False) + "\n"


def as_table(ledger: Ledger) -> str:
    """Everything that was tried, tab-separated."""
    rows = [(place, *_row(one)) for place, one in enumerate(in_order(ledger), 1)]
    return table(("iteration", "id", "dimension", "classification", "severity", "parent", "description"), rows)


def _fields(entry: LedgerEntry[Situation]) -> dict[str, object]:
    data = entry.item.model_dump(mode="json", exclude={"kind", "upstream", "variant_of"})
    return {"id": entry.id, **data, "classification": entry.item.classified}


def _row(one: LedgerEntry[Item] | RefusedScenario) -> tuple[object, ...]:
    if isinstance(one, RefusedScenario):
        return ("-", one.dimension, f"duplicate of {one.of}", "-", "-", one.name)
    item = one.item
    if isinstance(item, Situation):
        return (one.id, item.dimension, item.classified, item.severity, item.parent, item.name)
    assert isinstance(item, OutOfScope), "there are two kinds"
    return (one.id, item.dimension, item.classified, "-", "-", item.name)
