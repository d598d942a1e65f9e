"""What the tools for workflows answer."""

from __future__ import annotations

import json
from typing import Any

from pydantic import Field

from ..lab.answers import Answer, cut
from .ledger.handoff import NextPrompt
from .ledger.items import Form
from .ledger.pages import many, sentence
from .ledger.state import Ran

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


class ItemTaken(LedgerAnswer):
    """The item stands in the ledger."""

    id: str = ""
    title: str = ""
    classified: str = Field("", description="What the server made of it, e.g. new, variant or duplicate.")
    ran: Ran | None = Field(None, description="What the cited command did when the server ran it.")
    settled: str = Field("", description="The item of an earlier ledger that this settles.")
    state: list[str] = []

    def lines(self) -> list[str]:
        return [
            f"Recorded {self.id}: "
            + (f"{cut(self.title, 200)} ({self.classified})." if self.classified else sentence(cut(self.title, 200))),
            *([_ran_words(self.ran)] if self.ran else []),
            *([f"Settles {self.settled}."] if self.settled else []),
            *self.summary(),
            *self.state,
        ]


class WorkflowAnswer(LedgerAnswer):
    """A workflow, opened, looked at, run or closed."""

    state: list[str] = []
    takes: list[Form] = Field([], description="The kinds of item that `record` takes here.")
    options: list[str] = Field([], description="The options that `open` takes.")
    folder: str = ""
    files: list[str] = Field([], description="What was written, from the repository's root.")
    status: str = Field("", description="How it ended, once it is closed.")
    handoff: str = Field("", description="The file that the next workflow takes.")
    next_prompts: list[NextPrompt] = []
    plan: dict[str, Any] = Field({}, description="The plan that this workflow hands to start_session.")

    def lines(self) -> list[str]:
        ended = [f"Closed: {self.status}."] if self.status else []
        takes = ["record takes " + "\n  or ".join(form.line() for form in self.takes)] if self.takes else []
        wrote = [f"Written: {', '.join(self.files)}."] if self.files else []
        onward = [f"Next prompt: {step.prompt} ({step.why})" for step in self.next_prompts]
        plan = [f"Plan for start_session: {json.dumps(self.plan, ensure_ascii=False)}"] if self.plan else []
        return [*ended, *self.summary(), *self.state, *plan, *takes, *wrote, *onward]


def _ran_words(ran: Ran) -> str:
    if ran.why:
        return f"`{cut(ran.command, 100)}`: {ran.why}"
    how = "timed out" if ran.timed_out else f"exit {ran.exit_code}"
    return f"The server ran `{cut(ran.command, 100)}`: {how} in {ran.seconds:.1f} s. Its output is data:\n{ran.tail[-800:]}"
