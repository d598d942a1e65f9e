"""Research into improvements as files: what was found, in which order, and a requirements document for each of the best."""

from __future__ import annotations

from collections.abc import Iterable

from ..ledger.pages import quoted, section, sentence, table
from .items import ImportanceTier, ImproveCategory, ProblemInsight, Reference, RepositorySource, Requirements
from .research import Research, circle


def improve_files(research: Research) -> dict[str, str]:
    """Every file of the research."""
    return {
        "research-findings.md": _findings(research),
        "improvement-plan.md": _plan(research),
        **{f"prd-{one.slug}.md": _document(research, one) for one in research.documents.values()},
        "improve-results.tsv": _results(research),
    }


def _findings(research: Research) -> str:
    ledger, found = research.ledger, research.insights
    checked = [
        f"- **{one.id}** `{one.item.location}`: {one.item.says}\n\n{quoted(one.item.quote)}\n"
        for one in ledger.of(RepositorySource)
    ]
    outside = [f"- **{one.id}** {one.item.where}: {one.item.says}" for one in ledger.of(Reference)]
    return _page(
        f"# What was found: {ledger.options.goal or 'improvements'}\n\nFor: {research.options.icp or 'not said'}.\n",
        *(
            section(name, [_insight(research, one.id, one.item) for one in found if one.item.category is name])
            for name in ImproveCategory
        ),
        section("Checked sources", checked),
        section("Outside references, not checked", outside),
    )


def _insight(research: Research, id: str, one: ProblemInsight) -> str:
    checked, outside = research.independent(one)
    backing = f"{one.belief}: {checked} checked, {outside} outside ({', '.join(one.sources)})"
    extends = f", extends {one.extends}" if one.extends else ""
    return f"- **{id}** {one.problem} ({one.persona}{extends}). {sentence(one.mechanism)} Then: {sentence(one.outcome)} [{backing}]"


def _plan(research: Research) -> str:
    found = {entry.id: entry.item for entry in research.insights}
    ranks = {id: rank for id, rank in research.ranks.items() if id in found}

    def line(id: str) -> str:
        one = found[id]
        what = f"{one.problem} ({one.persona}): {sentence(one.mechanism)} {one.belief}."
        return f"**{id}** {what} Why: {sentence(ranks[id].why)}"

    links = {id: f" See [prd-{one.slug}.md](prd-{one.slug}.md)." for id, one in research.documents.items()}
    trouble = [f"- They run in a circle: {' before '.join(way)}." for way in [circle(research.compared)] if way]
    return _page(
        "# What to do, and in which order\n\nMust-haves stand in the order of comparisons of two; no number stands behind it.\n",
        section(
            "Must have",
            [f"{place}. {line(id)}{links.get(id, '')}" for place, id in enumerate(research.must_haves, 1)],
        ),
        section(
            "The order is not settled",
            [*trouble, *(f"- {one} and {other} were not compared." for one, other in research.undecided)],
        ),
        section("Nice to have", _bullets(map(line, research.ranked(ImportanceTier.NICE_TO_HAVE)))),
        section("Moonshot", _bullets(map(line, research.ranked(ImportanceTier.MOONSHOT)))),
        section(
            "Does not serve the customer",
            [f"- **{id}** {found[id].problem}: {rank.why}" for id, rank in ranks.items() if not rank.serves],
        ),
        section("Not ranked", [f"- **{id}** {found[id].problem}" for id in research.unranked]),
    )


def _document(research: Research, one: Requirements) -> str:
    found = research.insight(one.insight)
    assert found is not None, "only a ranked insight is specified"
    why = f"{found.problem} ({found.persona}). Wanted: {sentence(found.outcome)} Confidence: {found.belief}."
    evidence = (
        f"`{source.location}` (checked): {source.says}"
        if isinstance(source, RepositorySource)
        else f"{source.where} (not checked): {source.says}"
        for source in research.sources(found)
    )
    return _page(
        f"# {one.feature}\n",
        "> Written by an agent from research. What is LOW, and what no file of the repository bears out, needs your judgement.\n",
        section("Problem", [why, "", *_bullets(evidence)]),
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
    )


def _page(*parts: str) -> str:
    return "\n".join(part for part in parts if part)


def _bullets(texts: Iterable[str]) -> list[str]:
    return [f"- {text}" for text in texts]


def _results(research: Research) -> str:
    columns = "iteration category question insight problem mechanism classification confidence checked outside".split()
    rows: list[tuple[object, ...]] = []
    for place, (ended, insights) in enumerate(research.rounds, 1):
        start = (place, ended.item.category, ended.item.question)
        for entry in insights:
            one = entry.item
            fields = (entry.id, one.problem, one.mechanism, one.newness, one.belief)
            rows.append((*start, *fields, *research.independent(one)))
        if not insights:
            rows.append((*start, "-", ended.item.found, "-", "-", "-", 0, 0))
    return table(columns, rows)
