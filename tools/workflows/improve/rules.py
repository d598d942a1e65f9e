"""Improvements: problems of somebody, each with the sources that show it, ranked, and the first of them specified. What a file
says is looked up; that it matters, and in which order, is an opinion.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from ...errors import Code
from ..ledger.handoff import HandoffFinding
from ..ledger.items import Cited, Depth, Item, Options, Text, Withdrawal, Words, Workflow
from ..ledger.opinions import handed
from ..ledger.pages import flagged, lines, page, quoted, section, sentence, slug
from ..ledger.rules import Check, Need, Objection, WorkflowRules
from ..ledger.state import Ledger, LedgerEntry


class ImportanceTier(StrEnum):
    """How much it matters, the most first."""

    MUST_HAVE = "must-have"
    NICE_TO_HAVE = "nice-to-have"
    MOONSHOT = "moonshot"
    NOT_OURS = "not-ours"


SPECIFIED = 3
"""How many of the best get a requirements document."""


class ImproveOptions(Options):
    """For whom."""

    icp: str = Field("", max_length=500, description="The ideal customer or user: whoever it should serve.")


class RepositorySource(Cited):
    """What the repository says: code, documents, issues or notes that git has."""

    prefix: ClassVar[str] = "S"
    title_format: ClassVar[str] = "{location}: {says}"

    kind: Literal["source"] = "source"
    says: Text = Field(description="What it shows, in a sentence.")


class Reference(Item):
    """Something outside that you have read. Recorded as such: the server cannot check it."""

    prefix: ClassVar[str] = "O"
    place_format: ClassVar[str] = "{where}"
    title_format: ClassVar[str] = "{where}: {says}"

    kind: Literal["reference"] = "reference"
    where: Text = Field(description="Its address, or author, title and year.")
    says: Text = Field(description="What it says, in a sentence.")


class ProblemInsight(Item):
    """A problem of somebody, and how it could be solved."""

    prefix: ClassVar[str] = "I"
    subject_format: ClassVar[str] = "{problem} {persona} {mechanism}"
    title_format: ClassVar[str] = "{problem} ({persona}): {mechanism}"

    kind: Literal["insight"] = "insight"
    problem: Text = Field(description="The problem in about ten words.")
    persona: Text = Field(description="Who has it, in a few words.")
    mechanism: Text = Field(description="How it could be solved.")
    outcome: Text = Field(description="What would then be seen.")
    sources: Words = Field(description="Sources and references that show the problem, e.g. S1, O2.")
    tier: ImportanceTier = Field(description="not-ours: the ideal customer does not have this problem.")
    why: Text = Field(description="Why it matters that much: by what was found, not by taste.")


class Requirements(Item):
    """The requirements document of one must-have."""

    prefix: ClassVar[str] = "P"
    place_format: ClassVar[str] = "{insight}"
    title_format: ClassVar[str] = "{feature} ({insight})"

    kind: Literal["prd"] = "prd"
    insight: str = Field(pattern=r"^I\d+$")
    feature: Text = Field(description="Its name.")
    requirements: Annotated[tuple[Text, ...], Field(min_length=1)] = Field(
        description="What it has to do, each so that it can be tested."
    )
    approach: Text = Field(description="Where in this code to begin, with paths.")
    success: Text = Field(description="The number that should move, which way, and the command that could measure it.")
    open: Words = Field((), description="Risks, what is no part of it, what a person has to decide, what is not known.")

    @property
    def file(self) -> str:
        """The name of its document."""
        return f"prd-{self.insight.lower()}-{slug(self.feature, 'feature')}.md"


def _in_tier(ledger: Ledger, tier: ImportanceTier) -> list[str]:
    """Return the insights of a tier, in the order in which they were recorded."""
    return [entry.id for entry in ledger.of(ProblemInsight) if entry.item.tier is tier]


def wanted(ledger: Ledger) -> list[str]:
    """Return the must-haves that get a document, the first of them."""
    return _in_tier(ledger, ImportanceTier.MUST_HAVE)[:SPECIFIED]


def _unspecified(ledger: Ledger) -> list[str]:
    done = {one.insight for one in ledger.items(Requirements)}
    return [id for id in wanted(ledger) if id not in done]


def _unbacked(ledger: Ledger, item: ProblemInsight) -> Objection | None:
    if not item.sources:
        return Objection(Code.MISSING_FIELD, "`sources` is empty. Record a `source` or `reference` first, and name it.")
    known = {entry.id for entry in ledger.standing if isinstance(entry.item, RepositorySource | Reference)}
    if gone := [id for id in item.sources if id not in known]:
        there = ", ".join(sorted(known)) or "none yet"
        return Objection(Code.EVIDENCE, f"`sources` names {', '.join(gone)}; recorded are: {there}.")
    return None


def _unspecifiable(ledger: Ledger, item: Requirements) -> Objection | None:
    if item.insight in wanted(ledger):
        return None
    return Objection(Code.OUT_OF_ORDER, f"To be specified are: {', '.join(wanted(ledger)) or 'none'}.")


def _sources(ledger: Ledger, item: ProblemInsight) -> list[str]:
    named = (entry.item for id in item.sources if (entry := ledger.find(id)))
    return [
        f"`{one.location}` (looked up): {one.says}"
        if isinstance(one, RepositorySource)
        else f"{one.where} (not checked): {one.says}"
        for one in named
        if isinstance(one, RepositorySource | Reference)
    ]


def _plan(ledger: Ledger) -> str:
    found = {one.id: one.item for one in ledger.of(ProblemInsight)}
    documents = {one.insight: f" See [{one.file}]({one.file})." for one in ledger.items(Requirements)}

    def told(id: str) -> str:
        one = found[id]
        mark = flagged(one.problem, one.mechanism, one.outcome, one.why)
        head = f"{one.problem} ({one.persona}): {sentence(one.mechanism)} Then: {sentence(one.outcome)}{mark}"
        return "\n".join(
            [
                f"- **{id}** {head} Why: {sentence(one.why)}{documents.get(id, '')}",
                *(f"  - {line}" for line in _sources(ledger, one)),
            ]
        )

    return page(
        f"# What to improve: {ledger.options.goal or 'everything'}\n",
        f"For: {ledger.opts(ImproveOptions).icp or 'not said'}. In the order of whoever ranked them; no number stands behind it.\n",
        *(section(tier.replace("-", " ").capitalize(), map(told, _in_tier(ledger, tier))) for tier in ImportanceTier),
        section("Quotes", [f"- {one.id} `{one.item.location}`\n\n{quoted(one.item.quote)}\n" for one in ledger.of(RepositorySource)]),
    )  # fmt: skip


def _document(ledger: Ledger, one: Requirements) -> str:
    found = next(entry.item for entry in ledger.of(ProblemInsight) if entry.id == one.insight)
    why = f"{found.problem} ({found.persona}). Wanted: {sentence(found.outcome)}"
    return page(
        f"# {one.feature}\n",
        "> Written by an agent from research. What no file of the repository bears out needs your judgement.\n",
        section("Problem", [why, "", *(f"- {line}" for line in _sources(ledger, found))]),
        section("Requirements", [f"- [ ] {text}" for text in one.requirements]),
        section("Where to begin", [one.approach]),
        section("Success", [one.success]),
        section("Open", [f"- {text}" for text in one.open]),
    )  # fmt: skip


class Improve(WorkflowRules):
    """What nobody needs is not built: each idea names whose problem it solves and what shows that they have it."""

    name = Workflow.IMPROVE
    opinions = True
    options = ImproveOptions
    kinds = (RepositorySource, Reference, ProblemInsight, Requirements)
    withdrawable = (RepositorySource, Reference, ProblemInsight)
    rounds: ClassVar[Mapping[Depth, int]] = dict.fromkeys(Depth, 0)
    checks: ClassVar[Mapping[type[Item], tuple[Check, ...]]] = {
        ProblemInsight: (_unbacked,),
        Requirements: (_unspecifiable,),
    }
    needs = (
        Need(
            lambda ledger: not ledger.of(ProblemInsight),
            "an insight: record `source` or `reference`, then `insight`",
            first=True,
        ),
        Need(_unspecified, "a `prd` for {0}"),
    )

    def state(self, ledger: Ledger) -> list[str]:
        best = _in_tier(ledger, ImportanceTier.MUST_HAVE)
        options = ledger.opts(ImproveOptions)
        return lines(
            f"For: {options.icp or 'not said yet; ask, or take it from the documents and say so'}.",
            best and f"Must-haves, first to last: {', '.join(best)}.",
            *(f"{one.id} {one.item.title}" for one in ledger.standing if not isinstance(one.item, Withdrawal)),
        )

    def files(self, ledger: Ledger) -> dict[str, str]:
        documents = {one.file: _document(ledger, one) for one in ledger.items(Requirements)}
        return {"improvement-plan.md": _plan(ledger), **documents}

    def findings(self, ledger: Ledger) -> tuple[HandoffFinding, ...]:
        found = {entry.id: entry for entry in ledger.of(ProblemInsight)}
        order = [id for tier in ImportanceTier for id in _in_tier(ledger, tier) if tier is not ImportanceTier.NOT_OURS]
        return tuple(_handed(ledger, found[id]) for id in order)


def _handed(ledger: Ledger, entry: LedgerEntry[ProblemInsight]) -> HandoffFinding:
    item = entry.item
    document = next((one.file for one in ledger.items(Requirements) if one.insight == entry.id), "")
    shows = (one.item.location for one in ledger.of(RepositorySource) if one.id in item.sources)
    told = item.outcome + (f" Specified in {document}." if document else "")
    return handed(entry, told, kind=f"improvement {item.tier}", location=next(shows, ""))
