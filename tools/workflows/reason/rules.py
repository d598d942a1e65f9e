"""Reasoning: texts that compete under hidden labels until one of them stays."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar

from ...errors import Code
from ..ledger.handoff import Ending, HandoffFinding
from ..ledger.items import Item, Severity, Workflow
from ..ledger.pages import clipped, lines
from ..ledger.rules import Check, Coverage, Need, Objection, WorkflowRules
from ..ledger.state import Ledger, LedgerEntry
from .contest import (
    ROUNDS,
    CandidateText,
    Contest,
    ContestMode,
    ContestStep,
    Critique,
    Grade,
    JudgeVote,
    ReasonOptions,
    Slot,
)
from .pages import ROLES, brief, overview_lines, pages

_SEVERITIES = {Grade.FATAL: Severity.HIGH, Grade.MAJOR: Severity.MEDIUM, Grade.MINOR: Severity.LOW}


def _over(ledger: Ledger, item: Item) -> Objection | None:
    contest = Contest(ledger)
    if contest.step is not ContestStep.OVER:
        return None
    return Objection(Code.SATURATED, f"{_why_over(contest)} Close the ledger.")


def _not_due(ledger: Ledger, item: CandidateText | Critique | JudgeVote) -> Objection | None:
    contest = Contest(ledger)
    match item:
        case CandidateText(slot=slot):
            step = ContestStep(slot)
        case Critique():
            step = ContestStep.CRITIQUE
        case _:
            step = ContestStep.VOTES
    if contest.step is step:
        return None
    if step is ContestStep.A and contest.now.incumbent:
        why = f"A is {contest.now.incumbent.id}, the incumbent: it stays as it is."
    elif step is ContestStep.AB and Slot.AB not in contest.options.slots:
        why = "There is no synthesis in this contest."
    elif step is ContestStep.VOTES:
        why = "The vote is not open yet."
    else:
        why = f"It is not the turn of the {_named(step)}."
    return Objection(Code.OUT_OF_ORDER, f"{why} {_next(contest)}")


def _copied(ledger: Ledger, item: CandidateText) -> Objection | None:
    same = next((e for e in ledger.of(CandidateText) if _words(e.item.text) == _words(item.text)), None)
    if same is None:
        return None
    return Objection(Code.DUPLICATE, f"{same.id} is this text, word for word. Write another one.")


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.lower())


def _mends_nothing(ledger: Ledger, item: CandidateText) -> Objection | None:
    if item.addresses and item.slot is not Slot.B:
        message = f"The author of {item.slot} does not know the critique. Leave `addresses` out: B alone has it."
        return Objection(Code.BAD_ARGUMENT, message)
    critique = Contest(ledger).now.critique
    most = len(critique.item.weaknesses) if critique else 0
    wrong = [one for one in item.addresses if not one.isascii() or not one.isdecimal() or not 1 <= int(one) <= most]
    if not wrong:
        return None
    message = f"There is no weakness {', '.join(wrong)}. `addresses` takes numbers from 1 to {most}, between commas."
    return Objection(Code.BAD_ARGUMENT, message)


def _no_judge(ledger: Ledger, item: JudgeVote) -> Objection | None:
    judges = ledger.opts(ReasonOptions).judges
    if item.judge <= judges:
        return None
    return Objection(Code.BAD_ARGUMENT, f"There is no judge {item.judge}: they are 1 to {judges}.")


def _no_label(ledger: Ledger, item: JudgeVote) -> Objection | None:
    labels = list(Contest(ledger).now.labels)
    for given in filter(None, (item.winner, item.runner_up)):
        if given not in labels:
            return Objection(Code.BAD_ARGUMENT, f"There is no text {given} in this round: {', '.join(labels)}.")
    if item.runner_up == item.winner:
        return Objection(Code.BAD_ARGUMENT, "`runner_up` is the winner itself. Name the second best.")
    if not item.runner_up and len(labels) > 2:
        return Objection(Code.MISSING_FIELD, "`runner_up` is needed among three texts: it settles a tie.")
    return None


def _undecided(ledger: Ledger) -> str:
    contest = Contest(ledger)
    if contest.converged or contest.oscillates:
        return ""
    if contest.step is ContestStep.OVER:
        never = contest.options.mode is ContestMode.CREATIVE
        return "" if never else f"a winner of {contest.options.convergence} rounds in a row"
    judges = ", ".join(map(str, contest.judges_left))
    due = f"votes of judges {judges}" if contest.step is ContestStep.VOTES else f"the {_named(contest.step)}"
    return f"{due} in round {contest.now.number}, and all that follows until one text wins often enough in a row"


def _why_over(contest: Contest) -> str:
    if contest.converged:
        return f"{contest.streak} rounds in a row were won by one text: it converged."
    if contest.oscillates:
        return "The incumbent keeps changing: it goes in circles, and no text is better for these judges."
    return f"{len(contest.done)} of {contest.most or 'any number of'} rounds are over."


def _next(contest: Contest) -> str:
    if contest.step is ContestStep.OVER:
        return f"{_why_over(contest)} Close it."
    role = next(role for role, step in ROLES.items() if step is contest.step)
    who = f"judges {', '.join(map(str, contest.judges_left))}" if contest.step is ContestStep.VOTES else f"the {role}"
    options = '{"role": "judge", "judge": <number>}' if contest.step is ContestStep.VOTES else f'{{"role": "{role}"}}'
    return f"Round {contest.now.number}. Next: {who}, with nothing but the brief that `workflow` reason, status, {options} gives."


def _named(step: ContestStep) -> str:
    return "critique" if step is ContestStep.CRITIQUE else f"candidate {step}"


class Reason(WorkflowRules):
    """The server holds the texts, hides who wrote them, counts the votes and says when it is over."""

    name = Workflow.REASON
    options = ReasonOptions
    kinds = (CandidateText, Critique, JudgeVote)
    rounds = ROUNDS
    onwards = ("plan", "predict", "fix")
    checks: ClassVar[Mapping[type[Item], tuple[Check, ...]]] = {
        CandidateText: (_over, _copied, _not_due, _mends_nothing),
        Critique: (_over, _not_due),
        JudgeVote: (_over, _not_due, _no_judge, _no_label),
    }
    needs = (Need(_undecided),)

    def completed(self, ledger: Ledger, item: Item) -> Item:
        now = Contest(ledger).now
        of = {"of": now.incumbent.id if now.incumbent else ""} if isinstance(item, Critique) else {}
        return item.model_copy(update={"round": now.number, **of})

    def rivals(self, ledger: Ledger, item: Item) -> tuple[LedgerEntry[Item], ...]:
        """A critique may repeat what was said of another text, not what was said of this one."""
        found = super().rivals(ledger, item)
        return tuple(e for e in found if not isinstance(item, Critique) or getattr(e.item, "of", "") == item.of)

    def bounded(self, ledger: Ledger) -> bool:
        """Whether the rounds are used up while the contest was to converge; a creative one is complete then."""
        return super().bounded(ledger) and bool(self.missing(ledger))

    def spent(self, ledger: Ledger) -> int:
        return len(Contest(ledger).done)

    def coverage(self, ledger: Ledger) -> tuple[Coverage, ...]:
        contest = Contest(ledger)
        return (
            Coverage("wins in a row", min(contest.streak, contest.options.convergence), contest.options.convergence),
        )

    def ending(self, ledger: Ledger) -> Ending:
        return Ending.CONVERGED if Contest(ledger).converged else Ending.COMPLETE

    def state(self, ledger: Ledger) -> list[str]:
        contest = Contest(ledger)
        return lines(not ledger.closed and _next(contest), *overview_lines(contest))

    def view(self, ledger: Ledger, asked: Mapping[str, Any]) -> list[str] | Objection:
        contest, role = Contest(ledger), str(asked.get("role", ""))
        if role not in ROLES or asked.keys() - {"role", "judge", "read", "part"}:
            message = (
                f"`status` takes here role ({', '.join(ROLES)}), for a judge also judge (a number), and read and part."
            )
            return Objection(Code.BAD_ARGUMENT, message)
        if ROLES[role] is not contest.step:
            return Objection(Code.OUT_OF_ORDER, f"It is not the {role}'s turn. {_next(contest)}")
        return brief(contest, role, asked)

    def files(self, ledger: Ledger) -> dict[str, str]:
        return pages(contest := Contest(ledger), _why_over(contest))

    def findings(self, ledger: Ledger) -> tuple[HandoffFinding, ...]:
        contest = Contest(ledger)
        if not contest.done:
            return ()
        last = contest.done[-1]
        left = sorted(last.left, key=lambda one: list(Grade).index(one.grade))
        answer = HandoffFinding(
            id=last.winner.id,
            title=f"Answer: {clipped(last.winner.item.text, 160)}",
            kind="decision",
            detail=last.winner.item.text[:2000],
        )
        if not left:
            return (answer,)
        doubts = HandoffFinding(
            id=last.critique.id,
            title=f"Left open by {last.winner.id}: {clipped(left[0].text, 160)}",
            kind="weakness",
            severity=_SEVERITIES[left[0].grade],
            detail="; ".join(f"{one.grade}: {one.text}" for one in left)[:2000],
        )
        return (answer, doubts)

    def config(self, ledger: Ledger) -> dict[str, Any]:
        return {"goal": ledger.options.goal}
