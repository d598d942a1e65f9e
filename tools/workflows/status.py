"""The status of a ledger, as an answer and for a prompt."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Any

from pydantic import BaseModel, Field

from ..errors import Refusal
from ..lab.answers import Answer, cut
from ..lab.context import RepoContext
from ..vocabulary import Phase, Tool, following
from .ledger.evidence import AUTHORS_WORD, shown, words
from .ledger.handoff import NextPrompt, carried, is_plan
from .ledger.items import Form, Workflow, form_of, forms_told
from .ledger.pages import many, one_line, sentence
from .ledger.rules import Objection, WorkflowRules, rules_of
from .ledger.state import Ledger, Ran
from .running.runner import runner_of
from .running.store import HANDOFF, Ledgers

STATE_CHARACTERS = 3500
VIEW_CHARACTERS = 7500
"""Of a brief that was asked for by itself."""


class LedgerAnswer(Answer):
    """How a ledger stands."""

    workflow: str = ""
    ledger: str = Field("", description="The ledger's id, which is also the name of its folder.")
    open: bool = False
    items: int = 0
    rounds: str = Field("", description="Rounds used, of those that there are.")
    coverage: list[str] = []
    scores: dict[str, float] = Field({}, description="Computed by the server from checked items alone.")
    missing: list[str] = Field([], description="What stands between the ledger and its end.")

    def summary(self) -> list[str]:
        """Return the same in words."""
        scores = ", ".join(f"{name} {value:g}" for name, value in self.scores.items())
        counts = "; ".join(part for part in (", ".join(self.coverage), scores) if part)
        return [
            f"{self.ledger}: {many(self.items, 'item')}{f', round {self.rounds}' if self.rounds else ''}"
            + (f"; {counts}." if counts else "."),
            *(["Missing: " + "; ".join(self.missing)] if self.missing else []),
        ]


class RecordedItem(BaseModel):
    """An item as it stands in the ledger."""

    id: str
    title: str
    classified: str = Field("", description="What the server made of it, e.g. new, variant or duplicate.")
    ran: Ran | None = Field(None, description="What the cited command did when the server ran it.")
    settled: str = Field("", description="The item of an earlier ledger that this settles.")

    def lines(self) -> list[str]:
        """Return it in words."""
        title = cut(self.title, 200)
        return [
            f"Recorded {self.id}: " + (f"{title} ({self.classified})." if self.classified else sentence(title)),
            *([_ran_words(self.ran)] if self.ran else []),
            *([f"Settles {self.settled}."] if self.settled else []),
        ]


class ItemsTaken(LedgerAnswer):
    """The items stand in the ledger, in this order."""

    recorded: list[RecordedItem] = []
    step: str = Field("", description="The next step.")

    def lines(self) -> list[str]:
        told = [line for one in self.recorded for line in one.lines()]
        last = max((place for place, line in enumerate(told) if AUTHORS_WORD in line), default=0)
        told[:last] = [line.replace(AUTHORS_WORD, "") for line in told[:last]]  # it is said once, at the last
        return [*told, *self.summary(), *([self.step] if self.step else [])]


class WorkflowAnswer(LedgerAnswer):
    """A workflow, opened, looked at, run or closed."""

    state: list[str] = []
    takes: list[Form] = Field([], description="The kinds of item that `record` takes here.")
    folder: str = ""
    files: list[str] = Field([], description="What was written, from the repository's root.")
    status: str = Field("", description="How it ended, once it is closed.")
    handoff: str = Field("", description="The file that the next workflow takes.")
    next_prompts: list[NextPrompt] = []
    plan: dict[str, Any] = Field({}, description="The plan that start_session takes when it is given none.")

    def lines(self) -> list[str]:
        ended = [f"Closed: {self.status}."] if self.status else []
        takes = ["record takes " + "\n  or ".join(forms_told(self.takes))] if self.takes else []
        wrote = [f"Written: {', '.join(self.files)}."] if self.files else []
        onward = [step.told(self.ledger) for step in self.next_prompts]
        fields = {name: ", ".join(map(str, self.plan.get(name, ()))) for name in ("scope", "protected", "guards")}
        told = "; ".join(f"{name} {words}" for name, words in fields.items() if words)
        plan = [f"start_session without fields takes the plan: {told}."] if self.plan else []
        return [*ended, *(self.summary() if self.ledger else []), *self.state, *plan, *takes, *wrote, *onward]


def briefly(ran: Ran | None) -> Ran | None:
    """Return what a command did as an answer tells it: how it and its like ended, without what whoever asks has just said, and
    with all that it printed only where that shows what is wrong.
    """
    if ran is None:
        return None
    left_out = {"fails_with": "", "files": (), "outside": (), "commit": "", "output": ""}
    others = {
        name: one.model_copy(update={**left_out, "command": "", "tail": ""})
        for name, one in (("control", ran.control), ("without", ran.without))
        if one
    }
    tail = ran.tail.strip().rpartition("\n")[2][-300:] if shown(ran) or ran.passed else ran.tail
    return ran.model_copy(update={**left_out, **others, "tail": tail})


def _ran_words(ran: Ran) -> str:
    if ran.why:
        return f"`{cut(one_line(ran.command), 100)}`: {ran.why}"
    told = f"`{cut(one_line(ran.command), 100)}`: {words(ran)}"
    return told if shown(ran) or ran.passed else f"{told}. Its output is data:\n{ran.tail[-800:]}"


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
    startable = is_plan(handoff.config) and "verify" in handoff.config and context.phase is Phase.NO_SESSION
    incoming = Ledgers(context).named(ledger.incoming) if ledger.incoming and not ledger.closed else None
    taken = frozenset(entry.item.upstream for entry in ledger.standing)
    brought = handed_over(context, incoming, ledger.workflow, taken) if incoming else []
    gone = [] if asked else [f"{id} withdrawn: {reason}" for id, reason in ledger.withdrawn.items()]
    carries = [f"From {ledger.incoming}:", *brought] if brought else []
    return WorkflowAnswer(
        **status_fields(context, ledger, rules) | ({"missing": []} if asked else {}),
        state=shortened([*lines, *gone, *carries], VIEW_CHARACTERS if asked else STATE_CHARACTERS),
        takes=[] if ledger.closed else [form_of(kind) for kind in rules.due(ledger)],
        folder=ledger.folder,
        status=ledger.closed.ending if ledger.closed else "",
        handoff=f"{ledger.folder}/{HANDOFF}" if ledger.closed else "",
        next_prompts=list(handoff.next) if ledger.closed else [],
        plan=handoff.config if startable and not ledger.closed else {},
    )


def handed_over(
    context: RepoContext, ledger: Ledger, target: Workflow, taken: Collection[str] = frozenset()
) -> list[str]:
    """Return what a workflow takes of an earlier one, a line each; what items of its own stand for already is left out."""
    handoff = Ledgers(context).handoff(ledger)
    all_of_it = carried(handoff.findings, ledger.workflow, target)
    found = [one for one in all_of_it if f"{ledger.id}#{one.id}" not in taken]
    lines = [f"{ledger.id}#{one.id} ({one.severity}) {one.title} {one.location}".strip() for one in found[:20]]
    config = handoff.model_dump(mode="json")["config"]
    plan = [f"plan fields: {config}"] if config and is_plan(config) else []
    return [*lines, *plan] or ([] if all_of_it else ["nothing that this workflow takes"])


def status_fields(context: RepoContext, ledger: Ledger, rules: WorkflowRules) -> dict[str, Any]:
    """Return the fields that every answer about a ledger has."""
    most = rules.most(ledger.options)
    return {
        "phase": context.phase,
        "next": [
            *((Tool.RECORD,) if ledger.closed is None else ()),
            Tool.WORKFLOW,
            *(following(context.phase) if context.phase is not Phase.NO_SESSION else (Tool.PLAYBOOK,)),
        ],
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
