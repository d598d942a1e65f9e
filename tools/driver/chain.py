"""A chain of workflows, driven one after the other: where it stands, as its ledgers in the journal say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ..errors import Code, Refusal
from ..lab.access import Lab
from ..project.chains import READY
from ..verbs.workflows import Workflows
from ..workflows.ledger.handoff import ENDED_WELL
from ..workflows.ledger.items import Workflow, steps
from ..workflows.ledger.state import Ledger
from ..workflows.running.store import Ledgers
from .looking import look
from .rules import Look


class ChainRun:
    """The steps of a chain, each a ledger that takes the handoff of the one before. One that was left half-way is gone on with.

    `playbook` renders the prompt of a workflow.
    """

    def __init__(self, lab: Lab, chain: str, goal: str, playbook: Callable[[str], str]) -> None:
        self._lab, self._goal, self._playbook = lab, goal, playbook
        self.steps = steps(chain)
        if not self.steps or not {*self.steps} <= {*Workflow}:
            known = f"{', '.join(Workflow)}; or a ready one: {', '.join(READY)}"
            raise Refusal(Code.BAD_ARGUMENT, f"--chain takes workflows between commas: {known}.")
        self._done: list[Ledger] = []
        self._place = 0
        self._old = frozenset(ledger.id for ledger in Ledgers(lab.for_reading()).closed_ones())
        self._resume()

    def begin(self) -> None:
        """Open the ledger of the step whose turn it is, if none is open.

        Raises:
            Refusal: if the workflow refuses it, as where a person has to agree first.
        """
        if self._now() is None and self._place < len(self.steps) and not self.failed():
            options = {"goal": self._goal, "chain": ", ".join(self.steps[self._place + 1 :])}
            options |= {"after": self._done[-1].id} if self._done else {}
            Workflows(self._lab, {}).workflow(self.steps[self._place], "open", options)

    def look(self, session: str = "") -> Look:
        """Look at the chain: an item of a ledger and an iteration are each a step on its way. Its first ledger names it."""
        now, here = self._now(), look(self._lab)
        ledgers = [*self._done, *([now] if now else [])]
        taken = sum(len(one.entries) + len(one.observed) for one in ledgers)
        over = ""
        if failed := self.failed():
            over = f"The chain stops behind {failed}: a person has to look"
        elif self._place == len(self.steps):
            over = "The chain is at its end"
        mark = f"{here.mark if here.session else ''} {len(ledgers)} {taken} {over}"
        name = ledgers[0].id if ledgers else session
        return replace(here, session=name, over=over, iterations=taken + here.iterations, open=False, mark=mark)

    def brief(self, number: int, seen: Look) -> str:
        """Return the text of leg `number`: the prompt of the step whose turn it is, with its ledger open."""
        self.begin()
        step, then = self.steps[self._place], self.steps[self._place + 1 :]
        place = f"step {self._place + 1} of {len(self.steps)}"
        after = f"another leg goes on with `{then[0]}`" if then else "the chain is at its end"
        return f"{self._playbook(step)}\n{_UNATTENDED.format(step=step, place=place, number=number, after=after)}\n"

    def lines(self) -> list[str]:
        """Say how each step stands."""
        now = self._now()
        told = {one.workflow.value: f"{one.closed.ending}, {one.folder}/summary.md" for one in self._done if one.closed}
        if now:
            told[now.workflow.value] = f"open, {now.id}"
        return [f"{step}: {told.get(step, 'not begun')}" for step in self.steps]

    def _now(self) -> Ledger | None:
        """Return the open ledger whose turn it is; a step that was closed since the last look is done."""
        ledgers = Ledgers(self._lab.for_reading())
        while self._place < len(self.steps) and not self.failed():
            found = ledgers.last(Workflow(self.steps[self._place]))
            if found is None or found.closed is None:
                return found
            before = self._done[-1].id if self._done else ""
            if found.id in self._old or (before and found.incoming != before):
                return None
            self._done.append(found)
            self._place += 1
        return None

    def failed(self) -> str:
        """Return the step that ended otherwise than as agreed, with its end; empty where none did."""
        last = self._done[-1] if self._done else None
        ended = last is None or last.closed is None or last.closed.ending in ENDED_WELL
        return (
            "" if ended or last is None or last.closed is None else f"{last.workflow}, which ended {last.closed.ending}"
        )

    def _resume(self) -> None:
        """Find how far an earlier run of this chain came: its open ledger, or the newest closed one that names the rest."""
        ledgers = Ledgers(self._lab.for_reading())
        places = {step: place for place, step in enumerate(self.steps)}
        now = next((found for step in self.steps if (found := ledgers.open_one(Workflow(step)))), None)
        newest = next(ledgers.closed_ones(), None) if now is None else ledgers.named(now.incoming)
        if now is None and newest:
            rest, well = steps(newest.options.chain), newest.closed and newest.closed.ending in ENDED_WELL
            newest = newest if well and rest and self.steps[-len(rest) - 1 :] == (newest.workflow, *rest) else None
        while newest and newest.workflow.value in places:
            self._done.insert(0, newest)
            newest = ledgers.named(newest.incoming) if newest.incoming else None
        last = now.workflow.value if now else self._done[-1].workflow.value if self._done else ""
        self._place = places[last] + (now is None) if last else 0


_UNATTENDED = """\
## This is unattended: {place} of a chain, leg {number}

Nobody reads what you say or answers a question: choose, and go on. The ledger of `{step}` is open, with its options; bring it to its
end and close it, then stop: {after}. What needs a person's yes is left to the person: say so in the `why` with which you close. Your
context may end at any moment, and another leg goes on from the ledger with a new one."""
