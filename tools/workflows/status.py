"""The status of a ledger, as an answer and for a prompt."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from ..errors import Refusal
from ..lab.context import RepoContext
from ..vocabulary import Phase, Tool, following
from .answers import STATE_CHARACTERS, VIEW_CHARACTERS, WorkflowAnswer
from .ledger.handoff import carried, is_plan
from .ledger.items import Workflow, form_of
from .ledger.rules import Objection, WorkflowRules, rules_of
from .ledger.state import Ledger
from .running.runner import runner_of
from .running.store import HANDOFF, Ledgers


def prompt_status(context: RepoContext, workflow: Workflow) -> str:
    """Return the status of a workflow for its prompt: its open ledger, the handoff that waits for it, or that there is neither."""
    ledgers = Ledgers(context)
    if ledger := ledgers.open_one(workflow):
        return ledger_status(context, ledger).text()
    waiting = ledgers.incoming(workflow, "")
    if waiting is None:
        return f"No {workflow} ledger is open on this branch."
    lines = handed_over(context, waiting, workflow)
    return "\n".join([f"No {workflow} ledger is open. {waiting.id} hands over:", *lines])


def ledger_status(
    context: RepoContext, ledger: Ledger, asked: Mapping[str, Any] = MappingProxyType({})
) -> WorkflowAnswer:
    """Return the answer about a ledger, or about what was `asked` of it.

    Raises:
        Refusal: if what was asked is not for whoever asks.
    """
    rules = rules_of(ledger.workflow)
    if ledger.closed is None:
        ledger = Ledgers(context).moved_on(ledger, runner_of(ledger.workflow).since(context, ledger))
    lines = rules.view(ledger, asked) if asked else rules.state(ledger)
    if isinstance(lines, Objection):
        raise Refusal(lines.code, lines.message)
    handoff = Ledgers(context).handoff(ledger)
    incoming = Ledgers(context).named(ledger.incoming) if ledger.incoming and not ledger.closed else None
    carries = [f"From {ledger.incoming}:", *handed_over(context, incoming, ledger.workflow)] if incoming else []
    return WorkflowAnswer(
        **status_fields(context, ledger, rules),
        state=shortened([*lines, *carries], VIEW_CHARACTERS if asked else STATE_CHARACTERS),
        takes=[] if ledger.closed else [form_of(kind) for kind in rules.items.values()],
        folder=ledger.folder,
        status=ledger.closed.ending if ledger.closed else "",
        handoff=f"{ledger.folder}/{HANDOFF}" if ledger.closed else "",
        next_prompts=list(handoff.next) if ledger.closed else [],
        plan=handoff.config if _startable(context, ledger, handoff.config) else {},
    )


def _startable(context: RepoContext, ledger: Ledger, config: Mapping[str, Any]) -> bool:
    """Tell whether what a ledger hands over is a plan to start a session with now; a goal alone starts nothing."""
    return is_plan(config) and "verify" in config and context.phase is Phase.NO_SESSION and not ledger.closed


def handed_over(context: RepoContext, ledger: Ledger, target: Workflow) -> list[str]:
    """Return what a workflow takes of an earlier one, a line each."""
    handoff = Ledgers(context).handoff(ledger)
    found = carried(handoff.findings, ledger.workflow, target)
    lines = [f"{ledger.id}#{one.id} ({one.severity}) {one.title} {one.location}".strip() for one in found[:20]]
    kind = "plan fields" if is_plan(handoff.config) else "settings"
    settings = [f"{kind}: {handoff.config}"] if handoff.config else []
    return [*lines, *settings] or ["nothing that this workflow takes"]


def status_fields(context: RepoContext, ledger: Ledger, rules: WorkflowRules) -> dict[str, Any]:
    """Return the fields that every answer about a ledger has."""
    most = rules.most(ledger.options)
    return {
        "phase": context.phase,
        "next": [*((Tool.RECORD,) if ledger.closed is None else ()), Tool.WORKFLOW, *following(context.phase)],
        "recovered": context.call.recovered,
        "workflow": ledger.workflow.value,
        "ledger": ledger.id,
        "open": ledger.closed is None,
        "items": len(ledger.entries),
        "rounds": f"{rules.spent(ledger)} of {most}" if most else "",
        "coverage": list(map(str, rules.coverage(ledger))),
        "scores": {score.name: round(score.value, 2) for score in rules.scores(ledger)},
        "missing": [] if ledger.closed else list(rules.missing(ledger)),
    }


def shortened(lines: list[str], room: int = STATE_CHARACTERS) -> list[str]:
    """Return the first lines that fit an answer."""
    kept: list[str] = []
    for line in lines:
        room -= len(line)
        if room < 0:
            return [*kept, f"… {len(lines) - len(kept)} more lines: they are in the ledger's files once it is closed"]
        kept.append(line)
    return kept
