"""Evaluating a results file: the server does all of the arithmetic, the agent says what follows from which rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field

from ...errors import Code
from ...evals.analysis import Analysis
from ...evals.pages import as_lines
from ...evals.reading import evaluate, find_results
from ...lab.context import RepoContext
from ..ledger.handoff import HandoffFinding
from ..ledger.items import Depth, Item, Options, Severity, Text, Workflow
from ..ledger.pages import quoted, section, sentence
from ..ledger.rules import Check, Need, Objection, Pages, WorkflowRules
from ..ledger.state import Ledger, LedgerFacts, Observed
from ..running.runner import WorkflowRunner, saw


class EvalsOptions(Options):
    """What to analyse."""

    file: str = Field(
        "",
        max_length=400,
        description="The results file, from the repository's root. Empty: the session's, or the newest.",
    )
    direction: Literal["", "lower", "higher"] = Field("", description="lower or higher, where the file does not tell.")


def _numbers(value: object) -> object:
    return [part for part in value.replace("#", "").split(",") if part.strip()] if isinstance(value, str) else value


class RowInsight(Item):
    """What follows from some rows: a pattern and what to do about it."""

    prefix: ClassVar[str] = "N"
    subject_format: ClassVar[str] = "{claim}"

    kind: Literal["insight"] = "insight"
    claim: Text = Field(description="The pattern, in one sentence.")
    rows: Annotated[tuple[int, ...], BeforeValidator(_numbers)] = Field(
        min_length=1, description="The iterations that show it, as numbers."
    )
    proposal: Text = Field(description="What to do differently, or to go on with.")


class AnalysedFile(LedgerFacts):
    """What the server made of the results file when it was last asked to; `numbers` are the rows that there are."""

    what: ClassVar[str] = "analysis"

    source: str
    numbers: tuple[int, ...]
    analysis: Analysis


def _unknown_rows(ledger: Ledger, item: RowInsight) -> Objection | None:
    facts = ledger.seen(AnalysedFile)
    if facts is None:
        return Objection(Code.OUT_OF_ORDER, "Nothing was analysed yet. Call workflow with `run` first.")
    unknown = [str(row) for row in item.rows if row not in facts.numbers]
    if not unknown:
        return None
    there = f"the last is {max(facts.numbers, default=0)}"
    message = f"{facts.source} has no row {', '.join(unknown[:8])} ({there}). Name rows that show it."
    return Objection(Code.EVIDENCE, message)


def _page(ledger: Ledger) -> str:
    if not (facts := ledger.seen(AnalysedFile)):
        return ""
    insights = [
        f"- **{entry.id}** {entry.item.claim} ({_rows(entry.item)}). {sentence(entry.item.proposal)}"
        for entry in ledger.of(RowInsight)
    ]
    figures = quoted("\n".join(as_lines(facts.analysis)))
    return f"# Evaluation of {facts.source}\n\n{figures}\n" + section("Opinions on these rows", insights)


def _json(ledger: Ledger) -> str:
    facts = ledger.seen(AnalysedFile)
    return facts.analysis.model_dump_json(indent=1) + "\n" if facts else ""


class Evals(WorkflowRules):
    """Figures come from the server; an insight has to name rows that are there."""

    name = Workflow.EVALS
    opinions = True
    options = EvalsOptions
    kinds = (RowInsight,)
    rounds: ClassVar[Mapping[Depth, int]] = dict.fromkeys(Depth, 0)
    onwards = ("autoresearch",)
    checks: ClassVar[Mapping[type[Item], tuple[Check, ...]]] = {RowInsight: (_unknown_rows,)}
    needs = (Need(lambda ledger: not ledger.seen(AnalysedFile), "the analysis: call workflow with `run`"),)
    pages: ClassVar[Pages] = {"evals.md": _page, "evals.json": _json}

    def state(self, ledger: Ledger) -> list[str]:
        facts = ledger.seen(AnalysedFile)
        if facts is None:
            return ["Nothing was analysed yet: call workflow with `run`."]
        insights = (f"{entry.id}: {entry.item.claim}" for entry in ledger.of(RowInsight))
        first, *others = as_lines(facts.analysis)
        return [f"{facts.source}: {first}", *others, *insights]

    def findings(self, ledger: Ledger) -> tuple[HandoffFinding, ...]:
        facts = ledger.seen(AnalysedFile)
        if facts is None:
            return ()
        insights = (
            HandoffFinding(
                id=entry.id,
                title=entry.item.claim,
                kind="insight",
                detail=f"{sentence(entry.item.proposal)} Rows {_rows(entry.item)}.",
            )
            for entry in ledger.of(RowInsight)
        )
        anomalies = (
            HandoffFinding(id=f"A{place}", title=anomaly, kind="anomaly", severity=Severity.LOW, confirmed=True)
            for place, anomaly in enumerate(facts.analysis.anomalies, 1)
        )
        return (*insights, *anomalies)

    def config(self, ledger: Ledger) -> dict[str, Any]:
        facts = ledger.seen(AnalysedFile)
        if facts is None:
            return {}
        found = facts.analysis
        return {
            "recommendation": found.recommendation.verdict,
            "reason": found.recommendation.reason,
            "goal_achieved": found.goal_achieved,
        }


def _rows(item: RowInsight) -> str:
    return ", ".join(f"#{row}" for row in item.rows)


class EvalsRunner(WorkflowRunner):
    """Finds the file when the ledger is opened, and analyses it as it stands whenever it is asked to."""

    def opening(self, context: RepoContext, ledger: Ledger) -> Sequence[Observed]:
        options = ledger.opts(EvalsOptions)
        if context.session is None or options.file:
            find_results(context.repo.root, options.file)
        return ()

    def run(self, context: RepoContext, ledger: Ledger, options: Mapping[str, Any]) -> Sequence[Observed]:
        asked = ledger.opts(EvalsOptions)
        seen = evaluate(context, asked.file, asked.direction)
        analysis = seen.analysis.model_dump(mode="json", exclude_defaults=True)
        facts = {"source": seen.source, "numbers": seen.numbers, "analysis": analysis}
        return (saw(context, AnalysedFile.model_validate(facts)),)
