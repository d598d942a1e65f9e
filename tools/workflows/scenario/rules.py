"""Scenarios: what can happen, looked for in twelve dimensions until each has nothing new to give."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from itertools import takewhile
from typing import Any, ClassVar

from ...errors import Code
from ..ledger.handoff import Ending, HandoffFinding
from ..ledger.items import Depth, Item, Severity, Workflow
from ..ledger.ledger import Ledger, LedgerEntry
from ..ledger.pages import flagged
from ..ledger.rules import Coverage, Objection, WorkflowRules
from ..ledger.scores import Score, scenario_ancestor, scenario_breadth
from ..ledger.similarity import RELATED, nearest
from .items import (
    DRY_AFTER,
    DimensionLook,
    OutOfScope,
    RefusedScenario,
    ScenarioOptions,
    Situation,
    dimensions,
    dry,
    open_dimensions,
    refused,
    tries,
    worst_first,
)
from .pages import as_json, as_table, page_values
from .words import ScenarioDimension

ROTATED_AFTER = 3
"""Tries in a row in one dimension, after which the next is another."""


class Scenario(WorkflowRules):
    """The server says what is new. A dimension is closed when looking into it brings nothing new any more."""

    name = Workflow.SCENARIO
    options = ScenarioOptions
    items: ClassVar[dict[str, type[Item]]] = {"scenario": Situation, "out-of-scope": OutOfScope}
    rounds: ClassVar[dict[Depth, int]] = {Depth.SHALLOW: 10, Depth.STANDARD: 25, Depth.DEEP: 50}
    onwards = ("debug", "security", "fix")
    pages: ClassVar[Mapping[str, str | Callable[[Ledger], str]]] = {
        "scenarios.md": "scenarios.md.j2",
        "use-cases.md": "use-cases.md.j2",
        "edge-cases.md": "edge-cases.md.j2",
        "scenarios.feature": "scenarios.feature.j2",
        "scenarios.json": as_json,
        "scenario-results.tsv": as_table,
    }

    def completed(self, ledger: Ledger, item: Item) -> Item:
        if not isinstance(item, Situation):
            return item
        name, how = nearest(item.subject, ((entry.id, entry.item.subject) for entry in ledger.of(Situation)))
        return item.model_copy(update={"variant_of": name if how >= RELATED else ""})

    def objection(self, ledger: Ledger, item: Item) -> Objection | None:
        match item:
            case Situation(dimension=dimension, parent=parent):
                return _closed(ledger, dimension) or _in_a_row(ledger, dimension) or _orphan(ledger, parent)
            case _:
                return None

    def remembered(self, ledger: Ledger, item: Item, of: str) -> Mapping[str, Any] | None:
        """A duplicate counts towards the end of its dimension, unless it was out of turn or is word for word an old one."""
        if not isinstance(item, Situation) or self.objection(ledger, item) or (mark := _digest(item)) in _known(ledger):
            return None
        return RefusedScenario(item.name, item.dimension, of, mark, after=len(ledger.entries)).facts

    def spent(self, ledger: Ledger) -> int:
        return len(tries(ledger))

    def coverage(self, ledger: Ledger) -> tuple[Coverage, ...]:
        wanted = dimensions(ledger)
        return (
            Coverage("dimensions", len(_looked_at(ledger)), len(wanted)),
            Coverage("saturated", len(wanted) - len(open_dimensions(ledger)), len(wanted)),
        )

    def scores(self, ledger: Ledger) -> tuple[Score, ...]:
        found, wanted = ledger.items(Situation), dimensions(ledger)
        actors = {actor.lower() for one in found for actor in one.actors}
        edges = sum(one.dimension is ScenarioDimension.EDGE for one in found)
        high = sum(one.severity in {Severity.CRITICAL, Severity.HIGH} for one in found)
        closed, fruitful = len(wanted) - len(open_dimensions(ledger)), {one.dimension for one in found}
        return (
            scenario_breadth(len(fruitful), closed, len(wanted)),
            scenario_ancestor(len(found), edges, len(fruitful), len(actors), high),
        )

    def missing(self, ledger: Ledger) -> tuple[str, ...]:
        left = open_dimensions(ledger)
        told = f"{len(left)} of {len(dimensions(ledger))} dimensions may have more to give: {', '.join(left)}"
        return (told,) if left else ()

    def ending(self, ledger: Ledger) -> Ending:
        return Ending.SATURATED

    def state(self, ledger: Ledger) -> list[str]:
        left = open_dimensions(ledger)
        closed = [one for one in dimensions(ledger) if one not in left]
        unseen = [one for one in left if one not in _looked_at(ledger)]
        barren = [f"{one} {dry(ledger, one)} of {DRY_AFTER}" for one in left if dry(ledger, one)]
        return [
            *([self._next(ledger, unseen or left)] if ledger.closed is None else []),
            *([f"Nothing new of late: {', '.join(barren)}."] if barren else []),
            *([f"Saturated: {', '.join(closed)}."] if closed else []),
            *([f"Not looked at yet, what matters most first: {', '.join(unseen)}."] if unseen else []),
            *map(_line, ledger.entries[-12:]),
        ]

    def _next(self, ledger: Ledger, wanted: Sequence[ScenarioDimension]) -> str:
        if not wanted:
            return "All dimensions are saturated: close it."
        if self.bounded(ledger):
            return "All tries are used: close it."
        turn = [one for one in wanted if not _in_a_row(ledger, one)] or wanted
        return f"Next: a scenario of {', '.join(turn[:3])}."

    def page_values(self, ledger: Ledger) -> Mapping[str, object]:
        return page_values(ledger)

    def findings(self, ledger: Ledger) -> tuple[HandoffFinding, ...]:
        return tuple(map(_finding, worst_first(ledger)))


def _last_run(found: Sequence[DimensionLook]) -> int:
    """Tries at the end that were all in one dimension."""
    return sum(1 for _ in takewhile(lambda one: one.dimension is found[-1].dimension, reversed(found)))


def _looked_at(ledger: Ledger) -> set[ScenarioDimension]:
    return {one.dimension for one in tries(ledger)} & set(dimensions(ledger))


def _closed(ledger: Ledger, dimension: ScenarioDimension) -> Objection | None:
    if dimension not in dimensions(ledger):
        told = f"{dimension} is not in focus here. Look into: {', '.join(dimensions(ledger))}."
        return Objection(Code.BAD_ARGUMENT, told)
    left = open_dimensions(ledger)
    if dimension in left:
        return None
    cure = f"Look into another: {', '.join(left)}." if left else "All are: close the ledger."
    return Objection(
        Code.SATURATED, f"{dimension} is saturated: its last {DRY_AFTER} tries brought nothing new. {cure}"
    )


def _in_a_row(ledger: Ledger, dimension: ScenarioDimension) -> Objection | None:
    found, others = tries(ledger), [one for one in open_dimensions(ledger) if one is not dimension]
    if not found or not others or found[-1].dimension is not dimension or _last_run(found) < ROTATED_AFTER:
        return None
    told = f"The last {ROTATED_AFTER} tries were all in {dimension}. Take another next: {', '.join(others)}."
    return Objection(Code.OUT_OF_ORDER, told)


def _orphan(ledger: Ledger, parent: str) -> Objection | None:
    known = [entry.id for entry in ledger.of(Situation)]
    if not parent or parent in known:
        return None
    told = (
        f"`parent` names {parent}, which is not there. Use one of: {', '.join(known) or 'none yet'}; or leave it out."
    )
    return Objection(Code.BAD_ARGUMENT, told)


def _digest(item: Situation) -> str:
    text = json.dumps(item.model_dump(mode="json", exclude={"variant_of"}), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _known(ledger: Ledger) -> set[str]:
    """Digests of all that was recorded or counted: a call that is made again counts once."""
    return {one.digest for one in refused(ledger)} | {_digest(one) for one in ledger.items(Situation)}


def _line(entry: LedgerEntry[Item]) -> str:
    where = getattr(entry.item, "dimension", "")
    return f"{entry.id} {where}, {entry.item.classified}: {entry.item.title}{flagged(entry.item.title)}"


def _finding(entry: LedgerEntry[Situation]) -> HandoffFinding:
    one = entry.item
    steps = "; ".join(one.flow)
    return HandoffFinding(
        id=entry.id,
        title=one.name,
        kind=one.dimension,
        severity=one.severity,
        detail=f"Given {one.precondition} When {one.trigger} Then: {steps}. Expected: {one.expected} Risk: {one.risk}",
    )
