"""Scenarios: what can happen, looked for in twelve dimensions until each has nothing new to give."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from ...errors import Code
from ..ledger.evidence import RELATED, nearest
from ..ledger.handoff import Ending, HandoffFinding
from ..ledger.items import Depth, Item, Workflow
from ..ledger.pages import flagged, lines, table
from ..ledger.rules import Check, Coverage, Need, Objection, Pages, WorkflowRules
from ..ledger.state import Ledger, LedgerEntry
from .items import (
    DRY_AFTER,
    FORMATS,
    SUITABLE,
    OutOfScope,
    RefusedScenario,
    ScenarioDimension,
    ScenarioFormat,
    ScenarioOptions,
    Situation,
    dimensions,
    dry,
    in_order,
    looks,
    open_dimensions,
    refused,
    worst_first,
)

ROTATED_AFTER = 3
"""Looks in a row into one dimension, after which the next is another."""


def _closed(ledger: Ledger, item: Situation) -> Objection | None:
    left, wanted = open_dimensions(ledger), dimensions(ledger)
    if item.dimension not in wanted:
        message = f"{item.dimension} is not in focus here. Look into: {', '.join(wanted)}."
        return Objection(Code.BAD_ARGUMENT, message)
    if item.dimension in left:
        return None
    cure = f"Look into another: {', '.join(left)}." if left else "All are: close the ledger."
    message = f"{item.dimension} is saturated: its last {DRY_AFTER} tries brought nothing new. {cure}"
    return Objection(Code.SATURATED, message)


def _in_a_row(ledger: Ledger, item: Situation) -> Objection | None:
    if not (others := _others_due(ledger, item.dimension)):
        return None
    message = f"The last {ROTATED_AFTER} tries were all in {item.dimension}. Take another next: {', '.join(others)}."
    return Objection(Code.OUT_OF_ORDER, message)


def _others_due(ledger: Ledger, dimension: ScenarioDimension) -> list[ScenarioDimension]:
    """Return the dimensions one of which has to be next, because the last looks were all into this one."""
    last = [one for one, _ in looks(ledger)[-ROTATED_AFTER:]]
    others = [one for one in open_dimensions(ledger) if one is not dimension]
    return others if last == [dimension] * ROTATED_AFTER else []


def _orphan(ledger: Ledger, item: Situation) -> Objection | None:
    known = [entry.id for entry in ledger.of(Situation)]
    if not item.parent or item.parent in known:
        return None
    there = ", ".join(known) or "none yet"
    message = f"`parent` names {item.parent}, which is not there. Use one of: {there}; or leave it out."
    return Objection(Code.BAD_ARGUMENT, message)


def _unsaturated(ledger: Ledger) -> str:
    left = open_dimensions(ledger)
    sentence = f"{len(left)} of {len(dimensions(ledger))} dimensions may have more to give: {', '.join(left)}"
    return sentence if left else ""


def _as_json(ledger: Ledger) -> str:
    fields = [
        {
            "id": entry.id,
            **entry.item.model_dump(mode="json", exclude={"kind", "upstream", "variant_of"}),
            "classification": entry.item.classified,
        }
        for entry in ledger.of(Situation)
    ]
    return json.dumps(fields, indent=1, ensure_ascii=False) + "\n"


def _as_table(ledger: Ledger) -> str:
    rows = [(place, *_row(one)) for place, one in enumerate(in_order(ledger), 1)]
    return table(("iteration", "id", "dimension", "classification", "severity", "parent", "description"), rows)


def _row(one: LedgerEntry[Any] | RefusedScenario) -> tuple[object, ...]:
    if isinstance(one, RefusedScenario):
        return ("-", one.dimension, f"duplicate of {one.of}", "-", "-", one.name)
    item = one.item
    more = (item.severity, item.parent) if isinstance(item, Situation) else ("-", "-")
    return (one.id, item.dimension, item.classified, *more, item.name)


class Scenario(WorkflowRules):
    """The server says what is new. A dimension is closed when looking into it brings nothing new any more."""

    name = Workflow.SCENARIO
    options = ScenarioOptions
    accumulates = True
    kinds = (Situation, OutOfScope)
    rounds: ClassVar[Mapping[Depth, int]] = {Depth.SHALLOW: 10, Depth.STANDARD: 25, Depth.DEEP: 50}
    onwards = ("debug", "security", "fix")
    checks: ClassVar[Mapping[type[Item], tuple[Check, ...]]] = {Situation: (_closed, _in_a_row, _orphan)}
    needs = (Need(_unsaturated),)
    pages: ClassVar[Pages] = {
        "scenarios.md": "scenarios.md.j2",
        "use-cases.md": "use-cases.md.j2",
        "edge-cases.md": "edge-cases.md.j2",
        "scenarios.feature": "scenarios.feature.j2",
        "scenarios.json": _as_json,
        "scenario-results.tsv": _as_table,
    }

    def completed(self, ledger: Ledger, item: Item) -> Item:
        if not isinstance(item, Situation):
            return item
        name, how = nearest(item.subject, ((entry.id, entry.item.subject) for entry in ledger.of(Situation)))
        return item.model_copy(update={"variant_of": name if how >= RELATED else ""})

    def remembered(self, ledger: Ledger, item: Item, of: str) -> Mapping[str, Any] | None:
        """Keep a duplicate, which counts towards the end of its dimension, unless it was out of turn or is an old one again."""
        if not isinstance(item, Situation) or self.objection(ledger, item) or (mark := _digest(item)) in _known(ledger):
            return None
        gone = RefusedScenario(name=item.name, dimension=item.dimension, of=of, digest=mark, after=len(ledger.entries))
        return gone.model_dump(mode="json")

    def spent(self, ledger: Ledger) -> int:
        return len(looks(ledger))

    def coverage(self, ledger: Ledger) -> tuple[Coverage, ...]:
        wanted = dimensions(ledger)
        return (
            Coverage("dimensions", len(_looked_at(ledger)), len(wanted)),
            Coverage("saturated", len(wanted) - len(open_dimensions(ledger)), len(wanted)),
        )

    def ending(self, ledger: Ledger) -> Ending:
        return Ending.SATURATED

    def state(self, ledger: Ledger) -> list[str]:
        left = open_dimensions(ledger)
        closed = [one for one in dimensions(ledger) if one not in left]
        unseen = [one for one in left if one not in _looked_at(ledger)]
        barren = [f"{one} {dry(ledger, one)} of {DRY_AFTER}" for one in left if dry(ledger, one)]
        return lines(
            ledger.closed is None and self._next(ledger, unseen or left),
            barren and f"Nothing new of late: {', '.join(barren)}.",
            closed and f"Saturated: {', '.join(closed)}.",
            unseen and f"Not looked at yet, what matters most first: {', '.join(unseen)}.",
            *map(_line, ledger.entries[-12:]),
        )

    def _next(self, ledger: Ledger, wanted: Sequence[ScenarioDimension]) -> str:
        if not wanted:
            return "All dimensions are saturated: close it."
        if self.bounded(ledger):
            return "All tries are used: close it."
        turn = [one for one in wanted if not _others_due(ledger, one)] or wanted
        return f"Next: a scenario of {', '.join(turn[:3])}."

    def page_values(self, ledger: Ledger) -> Mapping[str, object]:
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

    def findings(self, ledger: Ledger) -> tuple[HandoffFinding, ...]:
        return tuple(
            HandoffFinding(
                id=entry.id,
                title=one.name,
                kind=one.dimension,
                severity=one.severity,
                detail=f"Given {one.precondition} When {one.trigger} Then: {'; '.join(one.flow)}. "
                f"Expected: {one.expected} Risk: {one.risk}",
            )
            for entry in worst_first(ledger)
            for one in (entry.item,)
        )


def _looked_at(ledger: Ledger) -> set[ScenarioDimension]:
    return {one for one, _ in looks(ledger)} & set(dimensions(ledger))


def _digest(item: Situation) -> str:
    text = json.dumps(item.model_dump(mode="json", exclude={"variant_of"}), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _known(ledger: Ledger) -> set[str]:
    """Digests of all that was recorded or counted: a call that is made again counts once."""
    return {one.digest for one in refused(ledger)} | {_digest(one) for one in ledger.items(Situation)}


def _line(entry: LedgerEntry[Any]) -> str:
    item = entry.item
    return f"{entry.id} {item.dimension}, {item.classified}: {item.title}{flagged(item.title)}"
