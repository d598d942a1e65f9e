"""Improvements: problems of somebody, backed by sources, ranked by comparison, the best of them specified."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from ...errors import Code
from ..ledger.evidence import SAME, WINDOW, likeness
from ..ledger.handoff import Ending, HandoffFinding
from ..ledger.items import Item, Severity, Workflow
from ..ledger.pages import lines
from ..ledger.rules import Check, Coverage, Need, Objection, WorkflowRules
from ..ledger.state import Ledger
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
from .research import MOST_MUST_HAVES, RESERVED, THRESHOLD, Research, belief, circle

_WEIGHT = {
    ImportanceTier.MUST_HAVE: Severity.HIGH,
    ImportanceTier.NICE_TO_HAVE: Severity.MEDIUM,
    ImportanceTier.MOONSHOT: Severity.LOW,
}


def _unbacked(ledger: Ledger, item: ProblemInsight) -> Objection | None:
    words = len(item.problem.split())
    if words > MOST_WORDS:
        return Objection(Code.BAD_ARGUMENT, f"`problem` has {words} words. Say it in about ten, {MOST_WORDS} at most.")
    if not item.sources:
        return Objection(Code.MISSING_FIELD, "`sources` is empty. Record a `source` or `reference` first, and name it.")
    known = {entry.id for entry in ledger.entries if isinstance(entry.item, RepositorySource | Reference)}
    if gone := [id for id in item.sources if id not in known]:
        there = ", ".join(sorted(known)) or "none yet"
        return Objection(Code.EVIDENCE, f"`sources` names {', '.join(gone)}; recorded are: {there}.")
    return None


def _out_of_turn(ledger: Ledger, item: ProblemInsight | ImproveRound) -> Objection | None:
    research = Research(ledger)
    now = research.open_round[0].item.category if research.open_round else item.category
    message = ""
    if now is not item.category:
        message = f"This round is about {now}. End it with `round` before you turn to {item.category}."
    elif len(research.rounds) < RESERVED and item.category not in research.categories_left:
        left = ", ".join(research.categories_left)
        message = f"The first {RESERVED} rounds take one category each. Left are: {left}."
    return Objection(Code.OUT_OF_ORDER, message) if message else None


def _known(ledger: Ledger, item: ProblemInsight) -> Objection | None:
    for entry in Research(ledger).same_problem(item):
        if likeness(entry.item.mechanism, item.mechanism) >= SAME:
            same = f"{entry.id} has the same problem, persona and mechanism: {entry.item.title[:200]}."
            return Objection(Code.DUPLICATE, f"{same} Another mechanism would extend it.")
    return None


def _unrankable(ledger: Ledger, item: Rank) -> Objection | None:
    research = Research(ledger)
    if research.insight(item.insight) is None:
        return Objection(Code.EVIDENCE, f"There is no {item.insight}.")
    best = [id for id in research.must_haves if id != item.insight]
    if item.serves and item.tier is ImportanceTier.MUST_HAVE and len(best) >= MOST_MUST_HAVES:
        message = f"{MOST_MUST_HAVES} are must-haves already: {', '.join(best)}. Lower one of them first."
        return Objection(Code.BAD_ARGUMENT, message)
    return None


def _incomparable(ledger: Ledger, item: Comparison) -> Objection | None:
    best = Research(ledger).must_haves
    if item.better == item.worse:
        return Objection(Code.BAD_ARGUMENT, "An insight is not compared with itself.")
    if gone := [id for id in (item.better, item.worse) if id not in best]:
        message = f"{', '.join(gone)} is no must-have; those are: {', '.join(best) or 'none yet'}."
        return Objection(Code.BAD_ARGUMENT, message)
    return None


def _unspecifiable(ledger: Ledger, item: Requirements) -> Objection | None:
    research = Research(ledger)
    wanted = research.to_specify
    if item.insight not in research.must_haves:
        return Objection(Code.OUT_OF_ORDER, f"{item.insight} is no must-have that serves the customer. Rank it first.")
    if missing := _unsettled(ledger):
        return Objection(Code.OUT_OF_ORDER, f"The order is not settled yet: {missing}.")
    if item.insight not in wanted:
        return Objection(Code.OUT_OF_ORDER, f"To be specified are the first {len(wanted)}: {', '.join(wanted)}.")
    if any(one.slug == item.slug for one in ledger.items(Requirements)):
        return Objection(Code.DUPLICATE, f"prd-{item.slug}.md is taken. Use another slug.")
    return None


def _unsaturated(ledger: Ledger) -> str:
    research = Research(ledger)
    if left := research.categories_left:
        return f"a round for each of {', '.join(left)}"
    few = f"{WINDOW} rounds after the first {RESERVED} with fewer than {THRESHOLD} new"
    return "" if research.is_dry else f"saturation: {few}; there are {research.dry_rounds}"


def _unsettled(ledger: Ledger) -> str:
    """What keeps the must-haves from standing in an order."""
    research = Research(ledger)
    if names := circle(research.compared):
        way = " before ".join((*names, names[0]))
        return f"a way out of a circle: {way}. Compare one of these pairs again, the other way round"
    if not (left := research.undecided):
        return ""
    more = f" and {len(left) - 1} more pairs" if len(left) > 1 else ""
    return f"a `comparison` of {left[0][0]} and {left[0][1]}{more}; what follows from others need not be said"


def _unspecified(ledger: Ledger) -> list[str]:
    research = Research(ledger)
    return [id for id in research.to_specify if id not in research.documents and not research.unranked]


_RANKING = (
    Need(lambda ledger: ", ".join(Research(ledger).unranked[:10]), "a `rank` for {0}"),
    Need(_unsettled),
    Need(_unspecified, "a `prd` for {0}"),
)


class Improve(WorkflowRules):
    """What nobody needs is not built: each idea names whose problem it solves and what shows that they have it."""

    name = Workflow.IMPROVE
    options = ImproveOptions
    kinds = (RepositorySource, Reference, ProblemInsight, ImproveRound, Rank, Comparison, Requirements)
    checks: ClassVar[Mapping[type[Item], tuple[Check, ...]]] = {
        ProblemInsight: (_unbacked, _out_of_turn, _known),
        ImproveRound: (_out_of_turn,),
        Rank: (_unrankable,),
        Comparison: (_incomparable,),
        Requirements: (_unspecifiable,),
    }
    needs = (
        Need(
            lambda ledger: not (ledger.of(ProblemInsight) or Research(ledger).rounds),
            "insights: record `source` or `reference`, then `insight`, one category a round",
            first=True,
        ),
        Need(lambda ledger: bool(Research(ledger).open_round), "the end of this round: record `round`"),
        Need(_unsaturated),
        *_RANKING,
    )

    def completed(self, ledger: Ledger, item: Item) -> Item:
        if not isinstance(item, ProblemInsight):
            return item
        research = Research(ledger)
        known = research.same_problem(item)
        filled = {"newness": Newness.EXTENSION, "extends": known[0].id} if known else {"newness": Newness.NEW}
        return item.model_copy(update={**filled, "belief": belief(*research.independent(item))})

    def objection(self, ledger: Ledger, item: Item) -> Objection | None:
        if super().bounded(ledger) and isinstance(item, RepositorySource | Reference | ProblemInsight | ImproveRound):
            most = self.most(ledger.options)
            message = f"All {most} rounds are used. Rank what was found, and specify the best of it."
            return Objection(Code.INCOMPLETE, message)
        return super().objection(ledger, item)

    def comparable(self, ledger: Ledger, item: Item) -> bool:
        return False  # insights are compared by problem, persona and mechanism

    def spent(self, ledger: Ledger) -> int:
        return len(ledger.of(ImproveRound))

    def bounded(self, ledger: Ledger) -> bool:
        return super().bounded(ledger) and not any(need.sentences(ledger) for need in _RANKING)

    def coverage(self, ledger: Ledger) -> tuple[Coverage, ...]:
        research, most = Research(ledger), len(ImproveCategory)
        found, wanted = len(research.insights), research.to_specify
        return (
            Coverage("categories", most - len(research.categories_left), most),
            Coverage("insights ranked", found - len(research.unranked), found),
            Coverage("features specified", sum(id in research.documents for id in wanted), len(wanted)),
        )

    def ending(self, ledger: Ledger) -> Ending:
        return Ending.SATURATED if Research(ledger).is_dry else Ending.COMPLETE

    def state(self, ledger: Ledger) -> list[str]:
        research = Research(ledger)
        left, best, fresh = research.categories_left, research.must_haves, ", ".join(map(str, research.new_a_round))
        onward = f"left: {', '.join(left)}" if left else f"richest: {research.richest}"
        named = [entry for entry in ledger.entries if isinstance(entry.item, RepositorySource | Reference)]
        return lines(
            f"For: {research.options.icp or 'not said yet; ask, or take it from the documents and say so'}.",
            f"New a round: {fresh or 'none is over'}; dry for {research.dry_rounds} of {WINDOW}. Categories {onward}.",
            best and f"First to last: {', '.join(best)}.",
            *(
                f"{one.id} {one.item.category}, {one.item.classified}: {one.item.title}"
                for one in ledger.of(ProblemInsight)[-12:]
            ),
            *(f"{entry.id} {entry.item.title}" for entry in named),
        )

    def files(self, ledger: Ledger) -> dict[str, str]:
        return improve_files(Research(ledger))

    def findings(self, ledger: Ledger) -> tuple[HandoffFinding, ...]:
        research = Research(ledger)
        tiers, best = list(ImportanceTier), research.must_haves

        def place(id: str) -> tuple[int, int]:
            rank = research.ranks.get(id)
            return tiers.index(rank.tier) if rank else len(tiers), best.index(id) if id in best else len(best)

        return tuple(
            _finding(research, entry.id, entry.item)
            for entry in sorted(research.insights, key=lambda entry: place(entry.id))
            if entry.id not in research.ranks or research.ranks[entry.id].serves
        )


def _finding(research: Research, id: str, item: ProblemInsight) -> HandoffFinding:
    rank, document = research.ranks.get(id), research.documents.get(id)
    cited = (one.location for one in research.sources(item) if isinstance(one, RepositorySource))
    return HandoffFinding(
        id=id,
        title=item.title,
        kind=f"improvement {rank.tier}" if rank else "improvement",
        severity=_WEIGHT[rank.tier] if rank else Severity.INFO,
        location=next(cited, ""),
        detail=f"{item.belief}, {item.outcome}" + (f" Specified in prd-{document.slug}.md." if document else ""),
        confirmed=research.independent(item)[0] > 0 and item.belief is Belief.HIGH,
    )
