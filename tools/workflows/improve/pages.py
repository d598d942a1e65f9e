"""Research into improvements as files: what was found, in which order, and a requirements document for each of the best."""

from __future__ import annotations

from collections.abc import Iterable

from ..ledger.ledger import Ledger, LedgerEntry
from ..ledger.pages import quoted, section, sentence, table
from .items import (
    ImportanceTier,
    ImproveCategory,
    ImproveOptions,
    ProblemInsight,
    Reference,
    RepositorySource,
    Requirements,
)
from .research import circle, compared, documents, independent, insight, kept, must_haves, ranks, rounds, undecided


def improve_files(ledger: Ledger) -> dict[str, str]:
    """Every file of the research."""
    return {
        "research-findings.md": _findings(ledger),
        "improvement-plan.md": _plan(ledger),
        **{f"prd-{one.slug}.md": _document(ledger, one) for one in documents(ledger).values()},
        "improve-results.tsv": _results(ledger),
    }


def _findings(ledger: Ledger) -> str:
    found = kept(ledger)
    parts = [
        section(category, [_insight(ledger, entry) for entry in found if entry.item.category is category])
        for category in ImproveCategory
    ]
    checked = [
        f"- **{one.id}** `{one.item.location}`: {one.item.says}\n\n{quoted(one.item.quote)}\n"
        for one in ledger.of(RepositorySource)
    ]
    outside = [f"- **{one.id}** {one.item.where}: {one.item.says}" for one in ledger.of(Reference)]
    head = f"# What was found: {ledger.options.goal or 'improvements'}\n\nFor: {ledger.opts(ImproveOptions).icp or 'not said'}.\n"
    body = [head, *parts, section("Checked sources", checked), section("Outside references, not checked", outside)]
    return "\n".join(part for part in body if part)


def _insight(ledger: Ledger, entry: LedgerEntry[ProblemInsight]) -> str:
    one = entry.item
    checked, outside = independent(ledger, one)
    sure = f"{one.belief}: {checked} checked, {outside} outside ({', '.join(one.sources)})"
    extends = f", extends {one.extends}" if one.extends else ""
    return f"- **{entry.id}** {one.problem} ({one.persona}{extends}). {sentence(one.mechanism)} Then: {sentence(one.outcome)} [{sure}]"


def _plan(ledger: Ledger) -> str:
    given, best, found = ranks(ledger), must_haves(ledger), {entry.id: entry.item for entry in kept(ledger)}
    pairs = compared(ledger, best)
    lines = [_ranked(ledger, place, id) for place, id in enumerate(best, 1)]
    tiers = [
        section(
            tier.replace("-", " ").capitalize(),
            [_line(ledger, id) for id, rank in given.items() if id in found and rank.serves and rank.tier is tier],
        )
        for tier in (ImportanceTier.NICE_TO_HAVE, ImportanceTier.MOONSHOT)
    ]
    gated = [
        f"- **{id}** {found[id].problem}: {rank.why}" for id, rank in given.items() if id in found and not rank.serves
    ]
    trouble = [f"- They run in a circle: {' before '.join(way)}." for way in [circle(pairs)] if way]
    trouble += [f"- {one} and {other} were not compared." for one, other in undecided(best, pairs)]
    unranked = [f"- **{id}** {one.problem}" for id, one in found.items() if id not in given]
    head = "# What to do, and in which order\n\nMust-haves stand in the order of comparisons of two; no number stands behind it.\n"
    parts = [
        section("Must have", lines),
        section("The order is not settled", trouble),
        *tiers,
        section("Does not serve the customer", gated),
        section("Not ranked", unranked),
    ]
    return "\n".join([head, *(part for part in parts if part)])


def _ranked(ledger: Ledger, place: int, id: str) -> str:
    written = documents(ledger).get(id)
    return f"{place}. {_line(ledger, id).removeprefix('- ')}" + (
        f" See [prd-{written.slug}.md](prd-{written.slug}.md)." if written else ""
    )


def _line(ledger: Ledger, id: str) -> str:
    one = insight(ledger, id)
    what = f"{one.problem} ({one.persona}): {sentence(one.mechanism)} {one.belief}." if one else ""
    return f"- **{id}** {what} Why: {sentence(ranks(ledger)[id].why)}"


def _document(ledger: Ledger, one: Requirements) -> str:
    found = insight(ledger, one.insight)
    why = (
        f"{found.problem} ({found.persona}). Wanted: {sentence(found.outcome)} Confidence: {found.belief}."
        if found
        else ""
    )
    parts = [
        f"# {one.feature}\n",
        "> Written by an agent from research. What is LOW, and what no file of the repository bears out, needs your judgement.\n",
        section("Problem", [why, "", *_evidence(ledger, found)]),
        section("User stories", _bullets(one.stories)),
        section("Requirements", [f"{place}. {text}" for place, text in enumerate(one.requirements, 1)]),
        section("Acceptance criteria", [f"- [ ] {text}" for text in one.acceptance]),
        section("Where to begin", [one.approach]),
        section("Success", [one.success]),
        section("Risks", _bullets(one.risks)),
        section("Not part of it", _bullets(one.out_of_scope)),
        section("Decisions needed", _bullets(one.decisions)),
        section("Open questions", _bullets(one.questions)),
        section("Note", [one.note] if one.note else []),
    ]
    return "\n".join(part for part in parts if part)


def _evidence(ledger: Ledger, found: ProblemInsight | None) -> list[str]:
    lines = []
    for id in found.sources if found else ():
        entry = ledger.find(id)
        if entry and isinstance(entry.item, RepositorySource):
            lines.append(f"- `{entry.item.location}` (checked): {entry.item.says}")
        if entry and isinstance(entry.item, Reference):
            lines.append(f"- {entry.item.where} (not checked): {entry.item.says}")
    return lines


def _bullets(texts: Iterable[str]) -> list[str]:
    return [f"- {text}" for text in texts]


def _results(ledger: Ledger) -> str:
    columns = "iteration category question insight problem mechanism classification confidence checked outside".split()
    rows: list[tuple[object, ...]] = []
    for place, (ended, insights) in enumerate(rounds(ledger), 1):
        start = (place, ended.item.category, ended.item.question)
        for entry in insights:
            one = entry.item
            fields = (entry.id, one.problem, one.mechanism, one.newness, one.belief)
            rows.append((*start, *fields, *independent(ledger, one)))
        if not insights:
            rows.append((*start, "-", ended.item.found, "-", "-", "-", 0, 0))
    return table(columns, rows)
