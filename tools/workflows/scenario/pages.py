"""Scenarios as people and tools read them: Markdown, Gherkin, JSON and a table."""

from __future__ import annotations

import json
from collections.abc import Iterable

from ..ledger.items import Item
from ..ledger.ledger import Ledger, LedgerEntry
from ..ledger.pages import one_line, plain
from ..ledger.rules import table
from ..ledger.untrusted_text import flagged
from .items import OutOfScope, RefusedScenario, ScenarioOptions, Situation, dimensions, in_order, refused, worst_first
from .words import FORMATS, SUITABLE, ScenarioDimension, ScenarioFormat

Entries = Iterable[LedgerEntry[Situation]]


def pages(ledger: Ledger) -> dict[str, str]:
    """Every file by its name."""
    found = ledger.of(Situation)
    return {
        "scenarios.md": _scenarios(ledger),
        "use-cases.md": "# Use cases\n\n" + _told(found, ScenarioFormat.USE_CASES),
        "edge-cases.md": "# Edge cases\n\n"
        + (_told(_edges(ledger), ScenarioFormat.TEST_SCENARIOS) or "None was found.\n"),
        "scenarios.feature": feature(ledger),
        "scenarios.json": json.dumps([_plain(entry) for entry in found], indent=1, ensure_ascii=False) + "\n",
        "scenario-results.tsv": _results(ledger),
    }


def feature(ledger: Ledger) -> str:
    """The scenarios in Gherkin. Every text stands on one line behind a keyword, so that it can be nothing but text."""
    lines = ["# language: en", f"Feature: {one_line(ledger.options.goal) or 'Everything'}"]
    for entry in ledger.of(Situation):
        one = entry.item
        lines += [
            "",
            f"  @{entry.id} @{one.dimension} @{one.severity}",
            f"  Scenario: {one_line(one.name)}",
            f"    Given {one_line(one.precondition)}",
            f"    When {one_line(one.trigger)}",
            *(f"    And {one_line(step)}" for step in one.flow),
            f"    Then {one_line(one.expected)}",
        ]
    return "\n".join(lines) + "\n"


def _scenarios(ledger: Ledger) -> str:
    options = ledger.opts(ScenarioOptions)
    form = FORMATS[options.domain] if options.format is ScenarioFormat.AUTO else options.format
    parts = [f"# Scenarios: {plain(options.goal) or 'everything'}\n"]
    for dimension in dimensions(ledger):
        if there := [entry for entry in ledger.of(Situation) if entry.item.dimension is dimension]:
            parts.append(f"## {dimension.replace('-', ' ').capitalize()}\n\n{_told(there, form)}")
    if aside := ledger.of(OutOfScope):
        lines = [f"- {plain(entry.item.name)} ({entry.item.dimension}): {plain(entry.item.reason)}" for entry in aside]
        parts.append("## Out of scope\n\n" + "\n".join(lines) + "\n")
    if repeats := _repeats(ledger):
        parts.append("## Refused as duplicates\n\n" + "\n".join(repeats) + "\n")
    return "\n".join(parts)


def _repeats(ledger: Ledger) -> list[str]:
    return [f"- {plain(one.name)} ({one.dimension}), which {one.of} says already" for one in refused(ledger)]


def _edges(ledger: Ledger) -> list[LedgerEntry[Situation]]:
    return [entry for entry in worst_first(ledger) if entry.item.dimension is ScenarioDimension.EDGE]


def _told(entries: Entries, form: ScenarioFormat) -> str:
    return "\n".join(_page(entry, form) for entry in entries)


def _page(entry: LedgerEntry[Situation], form: ScenarioFormat) -> str:
    one = entry.item
    form = SUITABLE.get(one.dimension, ScenarioFormat.TEST_SCENARIOS) if form is ScenarioFormat.MIXED else form
    from_ = f", grew out of {one.parent}" if one.parent else ""
    head = f"### {entry.id}: {plain(one.name)}\n\n{one.severity}, {one.classified}{from_}{flagged(*_texts(one))}\n"
    return "\n".join([head, *_body(one, form), f"**At stake.** {plain(one.risk)}\n"])


def _body(one: Situation, form: ScenarioFormat) -> list[str]:
    actors, precondition, trigger = plain(", ".join(one.actors)), plain(one.precondition), plain(one.trigger)
    expected, flow = plain(one.expected), [plain(step) for step in one.flow]
    numbered = [*(f"{place}. {step}" for place, step in enumerate(flow, 1)), ""]
    match form:
        case ScenarioFormat.USER_STORIES:
            return [
                f"As **{actors}**, when {trigger}, I expect: {expected}\n",
                f"It holds before: {precondition}\n",
                *numbered,
            ]
        case ScenarioFormat.THREAT_SCENARIOS:
            return [
                f"**Who.** {actors}\n",
                f"**Opening.** {precondition}\n",
                f"**Attack.** {trigger}\n",
                *numbered,
                f"**Defence that has to hold.** {expected}\n",
            ]
        case ScenarioFormat.USE_CASES:
            return [
                f"**Actors.** {actors}\n",
                f"**Precondition.** {precondition}\n",
                f"**Trigger.** {trigger}\n",
                *numbered,
                f"**Outcome.** {expected}\n",
            ]
        case _:
            steps = [f"- **And** {step}" for step in flow]
            return [f"- **Given** {precondition}", f"- **When** {trigger}", *steps, f"- **Then** {expected}", ""]


def _texts(one: Situation) -> tuple[str, ...]:
    return (one.name, one.precondition, one.trigger, *one.flow, one.expected, one.risk)


def _plain(entry: LedgerEntry[Situation]) -> dict[str, object]:
    data = entry.item.model_dump(mode="json", exclude={"kind", "upstream", "variant_of"})
    return {"id": entry.id, **data, "classification": entry.item.classified}


def _results(ledger: Ledger) -> str:
    rows = [(place, *_row(one)) for place, one in enumerate(in_order(ledger), 1)]
    return table(("iteration", "id", "dimension", "classification", "severity", "parent", "description"), rows)


def _row(one: LedgerEntry[Item] | RefusedScenario) -> tuple[object, ...]:
    if isinstance(one, RefusedScenario):
        return ("-", one.dimension, f"duplicate of {one.of}", "-", "-", one.name)
    item = one.item
    if isinstance(item, Situation):
        return (one.id, item.dimension, item.classified, item.severity, item.parent, item.name)
    assert isinstance(item, OutOfScope), "there are two kinds"
    return (one.id, item.dimension, item.classified, "-", "-", item.name)
