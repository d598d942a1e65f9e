"""Evaluating a results file: the server analyses, the agent says what follows from which rows."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field

from ...errors import Code
from ...evals.analysis import WINDOW, Analysis
from ...evals.pages import as_lines, as_page
from ..ledger.handoff import Ending, HandoffFinding
from ..ledger.items import Depth, Item, Options, Severity, Text, Workflow
from ..ledger.ledger import Ledger, LedgerEntry
from ..ledger.pages import section, sentence
from ..ledger.rules import Objection, WorkflowRules

ANALYSIS = "analysis"


class EvalsView(StrEnum):
    """How the analysis is shown."""

    TEXT = "text"
    JSON = "json"
    MD = "md"


class EvalsOptions(Options):
    """What to analyse."""

    file: str = Field(
        "",
        max_length=400,
        description="The results file, from the repository's root. Empty: the session's, or the newest.",
    )
    format: EvalsView = Field(EvalsView.TEXT, description="How `status` shows it; every form is written.")
    plateau_window: int = Field(
        WINDOW, ge=2, le=100, description="Measured tries without a new best that make a plateau."
    )
    direction: Literal["", "lower", "higher"] = Field("", description="lower or higher, where the file does not tell.")


def _numbers(value: object) -> object:
    return [part for part in value.replace("#", "").split(",") if part.strip()] if isinstance(value, str) else value


class RowInsight(Item):
    """What follows from some rows: a pattern and what to do about it."""

    prefix: ClassVar[str] = "N"

    kind: Literal["insight"] = "insight"
    claim: Text = Field(description="The pattern, in one sentence.")
    rows: Annotated[tuple[int, ...], BeforeValidator(_numbers)] = Field(
        min_length=1, description="The iterations that show it, as numbers."
    )
    proposal: Text = Field(description="What to do differently, or to go on with.")

    @property
    def subject(self) -> str:
        return self.claim


class Evals(WorkflowRules):
    """Figures come from the server; an insight has to name rows that are there."""

    name = Workflow.EVALS
    options = EvalsOptions
    items: ClassVar[dict[str, type[Item]]] = {"insight": RowInsight}
    rounds: ClassVar[dict[Depth, int]] = dict.fromkeys(Depth, 0)
    onwards = ("autoresearch",)

    def objection(self, ledger: Ledger, item: Item) -> Objection | None:
        if not isinstance(item, RowInsight):
            return None
        facts = ledger.latest(ANALYSIS)
        if not facts:
            return Objection(Code.OUT_OF_ORDER, "Nothing was analysed yet. Call workflow with `run` first.")
        unknown = [row for row in item.rows if row not in facts["numbers"]]
        if unknown:
            last = max(facts["numbers"], default=0)
            told = f"{facts['source']} has no row {', '.join(map(str, unknown[:8]))} (the last is {last})."
            return Objection(Code.EVIDENCE, f"{told} Name rows that show it.")
        return None

    def missing(self, ledger: Ledger) -> tuple[str, ...]:
        return () if ledger.latest(ANALYSIS) else ("the analysis: call workflow with `run`",)

    def ending(self, ledger: Ledger) -> Ending:
        return Ending.COMPLETE

    def state(self, ledger: Ledger) -> list[str]:
        facts = ledger.latest(ANALYSIS)
        if not facts:
            return ["Nothing was analysed yet: call workflow with `run`."]
        told, source = _analysis(ledger), str(facts["source"])
        match ledger.opts(EvalsOptions).format:
            case EvalsView.JSON:
                shown = [told.model_dump_json()]
            case EvalsView.MD:
                shown = as_page(told, source).splitlines()
            case _:
                shown = [f"{source}:", *as_lines(told)]
        return [*shown, *(f"{entry.id}: {entry.item.claim}" for entry in ledger.of(RowInsight))]

    def files(self, ledger: Ledger) -> dict[str, str]:
        if not ledger.latest(ANALYSIS):
            return {}
        told, source = _analysis(ledger), str(ledger.latest(ANALYSIS)["source"])
        insights = section("Insights", map(_insight, ledger.of(RowInsight)))
        return {
            "evals.md": "\n".join(part for part in (as_page(told, source), insights) if part),
            "evals.json": told.model_dump_json(indent=1) + "\n",
        }

    def findings(self, ledger: Ledger) -> tuple[HandoffFinding, ...]:
        if not ledger.latest(ANALYSIS):
            return ()
        insights = tuple(
            HandoffFinding(
                id=entry.id,
                title=entry.item.claim,
                kind="insight",
                detail=f"{sentence(entry.item.proposal)} Rows {_rows(entry.item)}.",
            )
            for entry in ledger.of(RowInsight)
        )
        anomalies = tuple(
            HandoffFinding(id=f"A{place}", title=told, kind="anomaly", severity=Severity.LOW, confirmed=True)
            for place, told in enumerate(_analysis(ledger).anomalies, 1)
        )
        return (*insights, *anomalies)

    def config(self, ledger: Ledger) -> dict[str, Any]:
        if not ledger.latest(ANALYSIS):
            return {}
        told = _analysis(ledger)
        return {
            "recommendation": told.recommendation.verdict,
            "reason": told.recommendation.reason,
            "goal_achieved": told.goal_achieved,
        }


def _analysis(ledger: Ledger) -> Analysis:
    return Analysis.model_validate(ledger.latest(ANALYSIS)["analysis"])


def _rows(item: RowInsight) -> str:
    return ", ".join(f"#{row}" for row in item.rows)


def _insight(entry: LedgerEntry[RowInsight]) -> str:
    return f"- **{entry.id}** {entry.item.claim} ({_rows(entry.item)}). {sentence(entry.item.proposal)}"
