"""Probing a wish: questions that could be answered either way, what a person or a file answers, what follows from that, and a plan
that the server has tried.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, ClassVar, Literal

from pydantic import Field

from ...errors import Code
from ...plan.checks import load_plan, problems
from ...plan.model import PLAN_FILE, Plan, in_toml
from ..ledger.handoff import HandoffFinding
from ..ledger.items import Cited, Depth, Item, Options, Text, Words, Workflow
from ..ledger.opinions import handed
from ..ledger.pages import flagged, lines, one_line, page, section, sentence
from ..ledger.rules import Check, Coverage, Need, Objection, Pages, WorkflowRules
from ..ledger.state import Ledger, LedgerEntry, LedgerFacts


class ProbeMode(StrEnum):
    """Who answers: a person, or the repository."""

    INTERACTIVE = "interactive"
    AUTONOMOUS = "autonomous"


class Type(StrEnum):
    """What an answer can tell."""

    REQUIREMENT = "requirement"
    ASSUMPTION = "assumption"
    CONSTRAINT = "constraint"
    RISK = "risk"
    OUT_OF_SCOPE = "out-of-scope"
    AMBIGUITY = "ambiguity"
    CONTRADICTION = "contradiction"


class ProbeOptions(Options):
    """What to probe, and who answers."""

    mode: ProbeMode = Field(
        ProbeMode.INTERACTIVE,
        description="interactive: a person answers; autonomous: the repository does, by citations.",
    )


class ProbeQuestion(Item):
    """A question whose answer would change the plan."""

    prefix: ClassVar[str] = "Q"
    subject_format: ClassVar[str] = "{text}"

    kind: Literal["question"] = "question"
    text: Text = Field(description="One question; it could be answered either way.")
    changes: Text = Field(description="What the plan would have to change, were the answer the other one.")


class PersonAnswer(Item):
    """What a person said, in their words. Autonomous ledgers take none."""

    prefix: ClassVar[str] = "A"
    title_format: ClassVar[str] = "{question}: {text}"

    kind: Literal["answer"] = "answer"
    question: str = Field(pattern=r"^Q\d+$", description="Which question, e.g. Q3.")
    text: Text = Field(description="The person's words.")
    settled: bool = Field(True, description="false: vague or unknown.")


class RepositoryEvidence(Cited):
    """What the repository says."""

    prefix: ClassVar[str] = "E"
    kind: Literal["evidence"] = "evidence"
    question: str = Field(pattern=r"^Q\d+$", description="Which question, e.g. Q3.")
    says: Text = Field(description="What the quoted lines answer.")

    @property
    def title(self) -> str:
        return f"{self.question}: {said(self)}"


class Atom(Item):
    """One thing that follows from an answer."""

    prefix: ClassVar[str] = "T"
    subject_format: ClassVar[str] = "{text}"

    kind: Literal["atom"] = "atom"
    type: Type
    text: Text = Field(description="One sentence that stands without its question.")
    source: str = Field(pattern=r"^[AE]\d+$", description="The answer or evidence that it follows from, e.g. A2.")

    @property
    def classified(self) -> str:
        return self.type


class Planned(Item):
    """The plan that all of this comes to: the fields of check_plan. The last one counts."""

    prefix: ClassVar[str] = "P"

    kind: Literal["plan"] = "plan"
    plan: dict[str, Any] = Field(
        description="The fields of check_plan: goal, scope, metric, direction, verify, guards, protected, iterations ..."
    )
    rests_on: Words = Field((), description="The atoms that it rests on, e.g. T1, T4.")

    @property
    def title(self) -> str:
        return f"{self.plan.get('metric')}, {self.plan.get('direction')} is better: {self.plan.get('verify')}"


class PlanTried(LedgerFacts):
    """What the gates of check_plan that were not passed said of the plan with this digest, and what cures them. `ran` says whether its command gave a number; what is
    `noted` tells of the repository at that moment, and nothing against the plan.
    """

    what: ClassVar[str] = "plan-tried"

    plan: str
    head: str
    ran: bool
    failed: tuple[str, ...]
    noted: tuple[str, ...]


def answers_to(ledger: Ledger, question: str) -> list[LedgerEntry[Any]]:
    """Return what was said to a question, the newest last."""
    said = (entry for entry in ledger.standing if isinstance(entry.item, PersonAnswer | RepositoryEvidence))
    return [entry for entry in said if getattr(entry.item, "question", "") == question]


def is_settled(ledger: Ledger, question: str) -> bool:
    """Return whether a question has an answer that says something."""
    return any(isinstance(one.item, RepositoryEvidence) or one.item.settled for one in answers_to(ledger, question))


def said(item: PersonAnswer | RepositoryEvidence) -> str:
    """Return what was answered: a person's words, or a quote and what is made of it."""
    if isinstance(item, PersonAnswer):
        return f"{item.text}{flagged(item.text)}"
    invented = sorted(set(re.findall(r"\d+(?:\.\d+)?", item.says)) - set(re.findall(r"\d+(?:\.\d+)?", item.quote)))
    note = f" [not in the quote: {', '.join(invented)}]" if invented else ""
    return f"`{one_line(item.quote)}`, which the agent reads as: {item.says}{note}{flagged(item.says)}"


def last_plan(ledger: Ledger) -> Plan | None:
    """Return the plan that the probe came to."""
    entries = ledger.of(Planned)
    loaded = load_plan(entries[-1].item.plan) if entries else ()
    return loaded if isinstance(loaded, Plan) else None


def tried(ledger: Ledger) -> PlanTried | None:
    """Return what the gates said of the last plan; None while they have not seen it."""
    facts, plan = ledger.seen(PlanTried), last_plan(ledger)
    return facts if facts and plan and facts.plan == plan.digest() else None


def _may_answer(ledger: Ledger, item: PersonAnswer | RepositoryEvidence) -> Objection | None:
    asked = ledger.find(item.question)
    if asked is None or asked not in ledger.of(ProbeQuestion):
        return Objection(Code.EVIDENCE, f"There is no {item.question}. Record the question first.")
    if isinstance(item, PersonAnswer) and asked.call == ledger.calling:
        problem = f"{item.question} was recorded in this very call, so nobody can have been asked it."
        return Objection(Code.EVIDENCE, f"{problem} Put the questions to the person, then record the answers.")
    if isinstance(item, PersonAnswer) and ledger.opts(ProbeOptions).mode is ProbeMode.AUTONOMOUS:
        problem = "In autonomous mode nobody is asked, so nobody answers."
        return Objection(
            Code.EVIDENCE, f"{problem} Record `evidence` from the repository; without any, the question stays open."
        )
    if isinstance(item, PersonAnswer) and is_settled(ledger, item.question):
        return Objection(Code.DUPLICATE, f"{item.question} is settled by {answers_to(ledger, item.question)[-1].id}.")
    return None


def _follows(ledger: Ledger, item: Atom) -> Objection | None:
    """Return why an atom does not follow from what it names."""
    if ledger.find(item.source):
        return None
    return Objection(Code.EVIDENCE, f"There is no {item.source}. Record the answer or the evidence first.")


def _rests(ledger: Ledger, item: Planned) -> Objection | None:
    loaded = load_plan(item.plan)
    if wrong := problems(loaded) if isinstance(loaded, Plan) else loaded:
        return Objection(Code.BAD_ARGUMENT, "That is no plan yet. " + " ".join(f"{problem}." for problem in wrong))
    known = {entry.id for entry in ledger.of(Atom)}
    if gone := [id for id in item.rests_on if id not in known]:
        return Objection(
            Code.EVIDENCE, f"`rests_on` names {', '.join(gone)}; there are {', '.join(sorted(known)) or 'no atoms'}."
        )
    return None


def _unanswered(ledger: Ledger) -> str:
    if ledger.opts(ProbeOptions).mode is ProbeMode.AUTONOMOUS:
        return ""  # there, what no file answers stays open
    return ", ".join(one.id for one in ledger.of(ProbeQuestion) if not answers_to(ledger, one.id))


def _plan_missing(ledger: Ledger) -> tuple[str, ...]:
    """Return what keeps the plan from being one that check_plan takes."""
    if last_plan(ledger) is None:
        return ("a plan: record `plan` with the fields of check_plan",)
    facts = tried(ledger)
    return tuple(f"a plan that passes: {one}" for one in (facts.failed if facts else ()))


def _spec(ledger: Ledger) -> str:
    atoms = ledger.of(Atom)
    parts = [
        section(kind.replace("-", " ").capitalize(), [_line(ledger, one) for one in atoms if one.item.type is kind])
        for kind in Type
    ]
    asked = []
    for one in ledger.of(ProbeQuestion):
        found = [f"  - {_who(ledger, answer.id)}: {said(answer.item)}" for answer in answers_to(ledger, one.id)]
        left = "" if is_settled(ledger, one.id) else " (open)"
        asked.append("\n".join([f"- **{one.id}**{left} {one.item.text}", *found]))
    head = f"# {ledger.options.goal or 'What is wanted'}\n"
    legend = "What stands in a file was looked up, and how it is read is the agent's word, as is what a person said and all that follows.\n"
    return page(head, legend, *parts, section("Questions", asked))


def _line(ledger: Ledger, entry: LedgerEntry[Atom]) -> str:
    one = entry.item
    return f"- **{entry.id}** {one.text} [{one.source}, {_who(ledger, one.source)}]"


def _who(ledger: Ledger, id: str) -> str:
    """Return who answered: a file, or a person, as the agent tells it."""
    found = ledger.find(id)
    if found is not None and isinstance(found.item, RepositoryEvidence):
        return found.item.location
    return "a person, as the agent reports"


def _config(ledger: Ledger) -> str:
    """Return the plan as a plan file; empty without one."""
    plan, facts = last_plan(ledger), tried(ledger)
    if plan is None:
        return ""
    passed = "not every gate passed" if facts and facts.failed else "every gate that could be tried passed"
    head = [
        f"# {PLAN_FILE}, from {ledger.id}: {passed if facts else 'not tried'}.",
        *(f"# Failed: {one}" for one in (facts.failed if facts else ())),
        *(f"# Note: {one}" for one in (facts.noted if facts else ())),
        f"# Copy it to {PLAN_FILE}; a person agrees to its commands with `autoresearch-mcp approve`.",
        "",
    ]
    return "\n".join([*map(one_line, head), in_toml(plan.model_dump(mode="json", exclude_defaults=True))])


class Probe(WorkflowRules):
    """What was not answered is no requirement. It ends with a plan that the server has tried."""

    name = Workflow.PROBE
    opinions = True
    options = ProbeOptions
    kinds = (ProbeQuestion, PersonAnswer, RepositoryEvidence, Atom, Planned)
    withdrawable = kinds
    rounds: ClassVar[Mapping[Depth, int]] = dict.fromkeys(Depth, 0)
    onwards = ("plan", "scenario")
    checks: ClassVar[Mapping[type[Item], tuple[Check, ...]]] = {
        PersonAnswer: (_may_answer,),
        RepositoryEvidence: (_may_answer,),
        Atom: (_follows,),
        Planned: (_rests,),
    }
    needs = (
        Need(lambda ledger: not ledger.of(ProbeQuestion), "questions: record what would change the plan"),
        Need(_unanswered, "answers to {0}: `settled: false` where nobody knows"),
        Need(_plan_missing),
    )
    pages: ClassVar[Pages] = {"probe-spec.md": _spec, "autoresearch-config.toml": _config}

    def comparable(self, ledger: Ledger, item: Item) -> bool:
        return isinstance(item, ProbeQuestion | Atom)

    def coverage(self, ledger: Ledger) -> tuple[Coverage, ...]:
        asked = ledger.of(ProbeQuestion)
        return (Coverage("questions settled", sum(is_settled(ledger, one.id) for one in asked), len(asked)),)

    def state(self, ledger: Ledger) -> list[str]:
        left = [f"{one.id} {one.item.text}" for one in ledger.of(ProbeQuestion) if not is_settled(ledger, one.id)]
        return lines(
            left and sentence(f"Open: {'; '.join(left)}"),
            *(f"{one.id} {one.item.classified}: {one.item.text}" for one in ledger.of(Atom)[-12:]),
            *(f"{entry.id}: {entry.item.title}" for entry in ledger.of(Planned)[-1:]),
        )

    def findings(self, ledger: Ledger) -> tuple[HandoffFinding, ...]:
        return tuple(_handed(ledger, entry) for entry in ledger.of(Atom))

    def config(self, ledger: Ledger) -> dict[str, Any]:
        plan = last_plan(ledger)
        return plan.model_dump(mode="json", exclude_defaults=True) if plan else {}


def _handed(ledger: Ledger, entry: LedgerEntry[Atom]) -> HandoffFinding:
    source = entry.item.source
    found = ledger.find(source)
    place = found.item.location if found and isinstance(found.item, RepositoryEvidence) else ""
    return handed(entry, f"from {source}: {_who(ledger, source)}", kind=entry.item.type, location=place)
