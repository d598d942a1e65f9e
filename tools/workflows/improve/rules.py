"""Improvements: problems of somebody, backed by sources, ranked by comparison, the best of them specified."""

from __future__ import annotations

from typing import Any, ClassVar

from ...errors import Code
from ..ledger.handoff import Ending, HandoffFinding
from ..ledger.items import Item, Severity, Workflow
from ..ledger.ledger import Ledger
from ..ledger.rules import Coverage, Objection, WorkflowRules
from ..ledger.scores import Score, improve_coverage, improve_quality
from ..ledger.similarity import WINDOW, dry_for
from .items import (
    MOST_WORDS,
    Belief,
    Comparison,
    ImportanceTier,
    ImproveCategory,
    ImproveOptions,
    ImproveRound,
    Newness,
    ProblemInsight,
    Rank,
    Reference,
    RepositorySource,
    Requirements,
)
from .pages import improve_files
from .research import (
    MOST_MUST_HAVES,
    RESERVED,
    THRESHOLD,
    belief,
    categories_left,
    circle,
    compared,
    documents,
    independent,
    insight,
    is_dry,
    kept,
    must_haves,
    new_a_round,
    open_round,
    ranks,
    richest,
    rounds,
    same_problem,
    same_solution,
    undecided,
)

_WEIGHT = {
    ImportanceTier.MUST_HAVE: Severity.HIGH,
    ImportanceTier.NICE_TO_HAVE: Severity.MEDIUM,
    ImportanceTier.MOONSHOT: Severity.LOW,
}
_RESEARCH = (RepositorySource, Reference, ProblemInsight, ImproveRound)


class Improve(WorkflowRules):
    """What nobody needs is not built: each idea names whose problem it solves and what shows that they have it."""

    name = Workflow.IMPROVE
    options = ImproveOptions
    items: ClassVar[dict[str, type[Item]]] = {
        "source": RepositorySource,
        "reference": Reference,
        "insight": ProblemInsight,
        "round": ImproveRound,
        "rank": Rank,
        "comparison": Comparison,
        "prd": Requirements,
    }

    def completed(self, ledger: Ledger, item: Item) -> Item:
        if not isinstance(item, ProblemInsight):
            return item
        known = same_problem(ledger, item)
        filled = {"newness": Newness.EXTENSION, "extends": known[0].id} if known else {"newness": Newness.NEW}
        return item.model_copy(update={**filled, "belief": belief(*independent(ledger, item))})

    def objection(self, ledger: Ledger, item: Item) -> Objection | None:
        if isinstance(item, _RESEARCH) and (full := self._full(ledger)):
            return full
        match item:
            case ProblemInsight():
                return _unbacked(ledger, item) or _out_of_turn(ledger, item.category) or _known(ledger, item)
            case ImproveRound():
                return _out_of_turn(ledger, item.category)
            case Rank():
                return _unrankable(ledger, item)
            case Comparison():
                return _incomparable(ledger, item)
            case Requirements():
                return _unspecifiable(ledger, item)
            case _:
                return None

    def comparable(self, ledger: Ledger, item: Item) -> bool:
        return False  # insights are compared by problem, persona and mechanism

    def _full(self, ledger: Ledger) -> Objection | None:
        most = self.most(ledger.options)
        if not 0 < most <= self.spent(ledger):
            return None
        return Objection(
            Code.INCOMPLETE, f"All {most} rounds are used. Rank what was found, and specify the best of it."
        )

    def spent(self, ledger: Ledger) -> int:
        return len(ledger.of(ImproveRound))

    def bounded(self, ledger: Ledger) -> bool:
        return super().bounded(ledger) and not _ranking_missing(ledger)

    def coverage(self, ledger: Ledger) -> tuple[Coverage, ...]:
        found, wanted = kept(ledger), _wanted(ledger)
        return (
            Coverage("categories", len(ImproveCategory) - len(categories_left(ledger)), len(ImproveCategory)),
            Coverage("insights ranked", sum(entry.id in ranks(ledger) for entry in found), len(found)),
            Coverage("features specified", sum(id in documents(ledger) for id in wanted), len(wanted)),
        )

    def scores(self, ledger: Ledger) -> tuple[Score, ...]:
        found, wanted, must = kept(ledger), _wanted(ledger), must_haves(ledger)
        backed = sum(entry.item.belief is not Belief.LOW and independent(ledger, entry.item)[0] > 0 for entry in found)
        pairs = len(must) * (len(must) - 1) // 2
        open_pairs = len(undecided(must, compared(ledger, must)))
        specified = sum(id in documents(ledger) for id in wanted)
        return (
            improve_quality(backed, len(found), pairs - open_pairs, pairs, specified, len(wanted)),
            improve_coverage(
                sum(entry.item.newness is Newness.NEW for entry in found),
                sum(entry.item.newness is Newness.EXTENSION for entry in found),
                len(ImproveCategory) - len(categories_left(ledger)),
            ),
        )

    def missing(self, ledger: Ledger) -> tuple[str, ...]:
        return (*_research_missing(ledger), *_ranking_missing(ledger))

    def ending(self, ledger: Ledger) -> Ending:
        return Ending.SATURATED if is_dry(ledger) else Ending.COMPLETE

    def state(self, ledger: Ledger) -> list[str]:
        options, fresh = ledger.opts(ImproveOptions), new_a_round(ledger)
        left, best = categories_left(ledger), must_haves(ledger)
        dry = min(WINDOW, dry_for(fresh[RESERVED:], THRESHOLD))
        onward = f"left: {', '.join(left)}" if left else f"richest: {richest(ledger)}"
        return [
            f"For: {options.icp or 'not said yet; ask, or take it from the documents and say so'}.",
            f"New a round: {', '.join(map(str, fresh)) or 'none is over'}; dry for {dry} of {WINDOW}. Categories {onward}.",
            *([f"First to last: {', '.join(best)}."] if best else []),
            *(
                f"{one.id} {one.item.category}, {one.item.classified}: {one.item.title}"
                for one in ledger.of(ProblemInsight)[-12:]
            ),
            *(
                f"{entry.id} {entry.item.title}"
                for entry in ledger.entries
                if isinstance(entry.item, RepositorySource | Reference)
            ),
        ]

    def files(self, ledger: Ledger) -> dict[str, str]:
        return improve_files(ledger)

    def findings(self, ledger: Ledger) -> tuple[HandoffFinding, ...]:
        given, written = ranks(ledger), documents(ledger)
        return tuple(
            HandoffFinding(
                id=entry.id,
                title=entry.item.title,
                kind=f"improvement {given[entry.id].tier}" if entry.id in given else "improvement",
                severity=_WEIGHT[given[entry.id].tier] if entry.id in given else Severity.INFO,
                location=_location(ledger, entry.item),
                detail=f"{entry.item.belief}, {entry.item.outcome}"
                + (f" Specified in prd-{written[entry.id].slug}.md." if entry.id in written else ""),
                confirmed=independent(ledger, entry.item)[0] > 0 and entry.item.belief is Belief.HIGH,
            )
            for entry in sorted(kept(ledger), key=lambda entry: _place(ledger, entry.id))
            if entry.id not in given or given[entry.id].serves
        )

    def config(self, ledger: Ledger) -> dict[str, Any]:
        return {}


def _place(ledger: Ledger, id: str) -> tuple[int, int]:
    """Where an insight stands: its tier, then among the must-haves its place."""
    rank, best = ranks(ledger).get(id), must_haves(ledger)
    return (
        list(ImportanceTier).index(rank.tier) if rank else len(ImportanceTier),
        best.index(id) if id in best else len(best),
    )


def _location(ledger: Ledger, item: ProblemInsight) -> str:
    found = (
        entry.item.location
        for id in item.sources
        if (entry := ledger.find(id)) and isinstance(entry.item, RepositorySource)
    )
    return next(found, "")


def _wanted(ledger: Ledger) -> list[str]:
    """The insights that are to be specified."""
    return must_haves(ledger)[: ledger.opts(ImproveOptions).features]


def _unbacked(ledger: Ledger, item: ProblemInsight) -> Objection | None:
    if len(item.problem.split()) > MOST_WORDS:
        words = len(item.problem.split())
        return Objection(Code.BAD_ARGUMENT, f"`problem` has {words} words. Say it in about ten, {MOST_WORDS} at most.")
    if not item.sources:
        return Objection(Code.MISSING_FIELD, "`sources` is empty. Record a `source` or `reference` first, and name it.")
    known = {entry.id for entry in ledger.entries if isinstance(entry.item, RepositorySource | Reference)}
    if gone := [id for id in item.sources if id not in known]:
        there = ", ".join(sorted(known)) or "none yet"
        return Objection(Code.EVIDENCE, f"`sources` names {', '.join(gone)}; recorded are: {there}.")
    return None


def _out_of_turn(ledger: Ledger, category: ImproveCategory) -> Objection | None:
    held, left = open_round(ledger), categories_left(ledger)
    if held and held[0].item.category is not category:
        now = held[0].item.category
        return Objection(
            Code.OUT_OF_ORDER, f"This round is about {now}. End it with `round` before you turn to {category}."
        )
    if len(rounds(ledger)) < RESERVED and category not in left:
        return Objection(
            Code.OUT_OF_ORDER, f"The first {RESERVED} rounds take one category each. Left are: {', '.join(left)}."
        )
    return None


def _known(ledger: Ledger, item: ProblemInsight) -> Objection | None:
    if there := same_solution(ledger, item):
        same = f"{there.id} has the same problem, persona and mechanism: {there.item.title[:200]}."
        return Objection(Code.DUPLICATE, f"{same} Another mechanism would extend it.")
    return None


def _unrankable(ledger: Ledger, item: Rank) -> Objection | None:
    if insight(ledger, item.insight) is None:
        return Objection(Code.EVIDENCE, f"There is no {item.insight}.")
    best = [id for id in must_haves(ledger) if id != item.insight]
    if item.serves and item.tier is ImportanceTier.MUST_HAVE and len(best) >= MOST_MUST_HAVES:
        return Objection(
            Code.BAD_ARGUMENT, f"{MOST_MUST_HAVES} are must-haves already: {', '.join(best)}. Lower one of them first."
        )
    return None


def _incomparable(ledger: Ledger, item: Comparison) -> Objection | None:
    best = must_haves(ledger)
    if item.better == item.worse:
        return Objection(Code.BAD_ARGUMENT, "An insight is not compared with itself.")
    if gone := [id for id in (item.better, item.worse) if id not in best]:
        return Objection(
            Code.BAD_ARGUMENT, f"{', '.join(gone)} is no must-have; those are: {', '.join(best) or 'none yet'}."
        )
    return None


def _unspecifiable(ledger: Ledger, item: Requirements) -> Objection | None:
    wanted = _wanted(ledger)
    if item.insight not in must_haves(ledger):
        return Objection(Code.OUT_OF_ORDER, f"{item.insight} is no must-have that serves the customer. Rank it first.")
    if missing := _order_missing(ledger):
        return Objection(Code.OUT_OF_ORDER, f"The order is not settled yet: {missing[0]}.")
    if item.insight not in wanted:
        return Objection(Code.OUT_OF_ORDER, f"To be specified are the first {len(wanted)}: {', '.join(wanted)}.")
    if any(one.slug == item.slug for one in ledger.items(Requirements)):
        return Objection(Code.DUPLICATE, f"prd-{item.slug}.md is taken. Use another slug.")
    return None


def _research_missing(ledger: Ledger) -> tuple[str, ...]:
    if not ledger.of(ProblemInsight) and not rounds(ledger):
        return ("insights: record `source` or `reference`, then `insight`, one category a round",)
    found = ["the end of this round: record `round`"] if open_round(ledger) else []
    if left := categories_left(ledger):
        found.append(f"a round for each of {', '.join(left)}")
    elif not is_dry(ledger):
        dry = min(WINDOW, dry_for(new_a_round(ledger)[RESERVED:], THRESHOLD))
        found.append(
            f"saturation: {WINDOW} rounds after the first {RESERVED} with fewer than {THRESHOLD} new; there are {dry}"
        )
    return tuple(found)


def _ranking_missing(ledger: Ledger) -> tuple[str, ...]:
    unranked = [entry.id for entry in kept(ledger) if entry.id not in ranks(ledger)]
    first = (f"a `rank` for {', '.join(unranked[:10])}",) if unranked else ()
    if not unranked and kept(ledger) and not must_haves(ledger):
        return ()  # nothing that must be: nothing to compare or to specify
    left = [id for id in _wanted(ledger) if id not in documents(ledger)]
    unwritten = tuple(f"a `prd` for {id}" for id in left) if not unranked else ()
    return (*first, *_order_missing(ledger), *unwritten)


def _order_missing(ledger: Ledger) -> tuple[str, ...]:
    """What keeps the must-haves from standing in an order."""
    best = must_haves(ledger)
    pairs = compared(ledger, best)
    if round_trip := circle(pairs):
        way = " before ".join((*round_trip, round_trip[0]))
        return (f"a way out of a circle: {way}. Compare one of these pairs again, the other way round",)
    left = undecided(best, pairs)
    more = f" and {len(left) - 1} more pairs" if len(left) > 1 else ""
    return (
        (f"a `comparison` of {left[0][0]} and {left[0][1]}{more}; what follows from others need not be said",)
        if left
        else ()
    )
