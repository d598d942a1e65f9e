"""Probing a wish: questions that could be answered either way, answers that are settled, and what follows from them, until
nothing new comes; then a plan that the server can run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from ...errors import Code
from ...iteration.gates import GateRow
from ...iteration.preflight import preflight
from ...lab.context import RepoContext
from ...plan.checks import load_plan, problems
from ...plan.model import Plan
from ...vocabulary import Phase
from ..ledger.evidence import WINDOW, dry_for
from ..ledger.handoff import Ending, HandoffFinding
from ..ledger.items import Item, Severity, Workflow
from ..ledger.pages import lines, sentence
from ..ledger.rules import Check, Coverage, Need, Objection, WorkflowRules
from ..ledger.state import Ledger, Observed
from ..running.runner import Scoped, saw
from .items import (
    Atom,
    Certainty,
    GateSeen,
    PersonAnswer,
    Planned,
    PlanTried,
    ProbeMode,
    ProbeOptions,
    ProbeQuestion,
    ProbeRound,
    RepositoryEvidence,
    Type,
    answers_to,
    certainty,
    gates_failed,
    is_dry,
    is_settled,
    kept,
    kept_atoms,
    kept_questions,
    last_plan,
    new_a_round,
    open_round,
    personas,
    said,
    silent,
    tried,
)
from .pages import PAGES

MOST_QUESTIONS = 5
LEAST_QUESTIONS = 3
LEAST_PERSONAS = 2
_WEIGHT = {
    Type.CONTRADICTION: Severity.HIGH,
    Type.RISK: Severity.MEDIUM,
    Type.AMBIGUITY: Severity.MEDIUM,
    Type.ASSUMPTION: Severity.MEDIUM,
    Type.REQUIREMENT: Severity.LOW,
    Type.CONSTRAINT: Severity.LOW,
    Type.OUT_OF_SCOPE: Severity.INFO,
}


def _may_ask(ledger: Ledger, item: ProbeQuestion) -> Objection | None:
    asking = personas(ledger)
    if item.persona not in asking:
        return Objection(Code.BAD_ARGUMENT, f"Here ask: {', '.join(asking)}. Ask as one of them.")
    if sum(isinstance(entry.item, ProbeQuestion) for entry in open_round(ledger)) >= MOST_QUESTIONS:
        return Objection(
            Code.OUT_OF_ORDER,
            f"This round has its {MOST_QUESTIONS} questions. Answer them and record `round` before you ask on.",
        )
    return None


def _may_answer(ledger: Ledger, item: PersonAnswer | RepositoryEvidence) -> Objection | None:
    if all(entry.id != item.question for entry in ledger.of(ProbeQuestion)):
        return Objection(Code.EVIDENCE, f"There is no {item.question}. Record the question first.")
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
    found = ledger.find(item.source)
    if found is None:
        return Objection(Code.EVIDENCE, f"There is no {item.source}. Record the answer or the evidence first.")
    if item.words and " ".join(item.words.split()).lower() not in " ".join(said(found.item).split()).lower():
        return Objection(
            Code.EVIDENCE,
            f"{item.source} does not say that: {said(found.item)[:300]}. Quote its words, or leave `words` out.",
        )
    vague = isinstance(found.item, PersonAnswer) and not found.item.settled
    if vague and item.type not in {Type.AMBIGUITY, Type.ASSUMPTION, Type.RISK}:
        return Objection(
            Code.EVIDENCE,
            f"{item.source} is vague: from it follows an ambiguity, an assumption or a risk. Ask again for more.",
        )
    if item.type is Type.CONTRADICTION and (not item.against or ledger.find(item.against) is None):
        return Objection(
            Code.MISSING_FIELD, "A contradiction has two sides: name the other as `against`, e.g. T3, A1 or E2."
        )
    return None


def _may_end(ledger: Ledger, item: ProbeRound) -> Objection | None:
    """Return why the round is not over yet."""
    questions = [entry for entry in open_round(ledger) if isinstance(entry.item, ProbeQuestion)]
    asked_by = {entry.item.persona for entry in questions if isinstance(entry.item, ProbeQuestion)}
    if len(questions) < LEAST_QUESTIONS or len(asked_by) < LEAST_PERSONAS:
        problem = f"A round has at least {LEAST_QUESTIONS} questions by at least {LEAST_PERSONAS} personas"
        return Objection(Code.OUT_OF_ORDER, f"{problem}; this one has {len(questions)} by {len(asked_by)}. Ask on.")
    waiting = [entry.id for entry in questions if not answers_to(ledger, entry.id)]
    if waiting and ledger.opts(ProbeOptions).mode is not ProbeMode.AUTONOMOUS:  # there, what no file answers stays open
        return Objection(
            Code.OUT_OF_ORDER,
            f"Not answered yet: {', '.join(waiting)}. Answer them, `settled: false` where nobody knows.",
        )
    return None


def _rests(ledger: Ledger, item: Planned) -> Objection | None:
    loaded = load_plan(item.plan)
    if wrong := problems(loaded) if isinstance(loaded, Plan) else loaded:
        return Objection(Code.BAD_ARGUMENT, "That is no plan yet. " + " ".join(f"{problem}." for problem in wrong))
    known = {entry.id for entry in kept_atoms(ledger)}
    if gone := [id for id in item.rests_on if id not in known]:
        return Objection(
            Code.EVIDENCE, f"`rests_on` names {', '.join(gone)}; there are {', '.join(sorted(known)) or 'no atoms'}."
        )
    return None


def _rounds_missing(ledger: Ledger) -> tuple[str, ...]:
    if not kept(ledger):
        return ("questions: record what would change the plan, at least three a round, by at least two personas",)
    found = (
        ["the end of this round: answer its questions, record what follows, then `round`"] if open_round(ledger) else []
    )
    if quiet := silent(ledger):
        found.append(f"questions by {', '.join(quiet)}")
    if not is_dry(ledger):
        threshold = ledger.opts(ProbeOptions).saturation_threshold
        dry = dry_for(new_a_round(ledger), threshold)
        found.append(
            f"saturation: {WINDOW} rounds in a row with fewer than {threshold} new; there are {min(dry, WINDOW)}"
        )
    return tuple(found)


def _plan_missing(ledger: Ledger) -> tuple[str, ...]:
    """Return what keeps the plan from being one that check_plan takes."""
    if last_plan(ledger) is None:
        return ("a plan: record `plan` with the fields of check_plan",)
    return tuple(f"a plan that passes: [{one.gate}] {one.seen}. {one.cure}" for one in gates_failed(ledger))


class Probe(WorkflowRules):
    """Asks until nothing new comes. What was not answered is no requirement."""

    name = Workflow.PROBE
    options = ProbeOptions
    kinds = (ProbeQuestion, PersonAnswer, RepositoryEvidence, Atom, ProbeRound, Planned)
    onwards = ("plan", "scenario")
    checks: ClassVar[Mapping[type[Item], tuple[Check, ...]]] = {
        ProbeQuestion: (_may_ask,),
        PersonAnswer: (_may_answer,),
        RepositoryEvidence: (_may_answer,),
        Atom: (_follows,),
        ProbeRound: (_may_end,),
        Planned: (_rests,),
    }
    needs = (Need(_rounds_missing), Need(_plan_missing))
    pages = PAGES

    def completed(self, ledger: Ledger, item: Item) -> Item:
        if not isinstance(item, Atom):
            return item
        return item.model_copy(update={"certainty": certainty(ledger, item)})

    def objection(self, ledger: Ledger, item: Item) -> Objection | None:
        return (None if isinstance(item, Planned) else self._full(ledger)) or super().objection(ledger, item)

    def comparable(self, ledger: Ledger, item: Item) -> bool:
        return isinstance(item, ProbeQuestion | Atom)

    def _full(self, ledger: Ledger) -> Objection | None:
        most = self.most(ledger.options)
        if not 0 < most <= self.spent(ledger):
            return None
        problem = f"All {most} rounds are used."
        return Objection(Code.INCOMPLETE, f"{problem} Record the `plan` that they come to, or close with a why.")

    def spent(self, ledger: Ledger) -> int:
        return len(ledger.of(ProbeRound))

    def bounded(self, ledger: Ledger) -> bool:
        return super().bounded(ledger) and not _plan_missing(ledger)

    def coverage(self, ledger: Ledger) -> tuple[Coverage, ...]:
        asking, questions = personas(ledger), kept_questions(ledger)
        return (
            Coverage("personas", len(asking) - len(silent(ledger)), len(asking)),
            Coverage("types", len({entry.item.type for entry in kept_atoms(ledger)}), len(Type)),
            Coverage("questions settled", sum(is_settled(ledger, one.id) for one in questions), len(questions)),
        )

    def ending(self, ledger: Ledger) -> Ending:
        return Ending.SATURATED

    def state(self, ledger: Ledger) -> list[str]:
        options, fresh = ledger.opts(ProbeOptions), new_a_round(ledger)
        asked = ledger.of(ProbeQuestion)
        waiting = [f"{one.id} {one.item.text}" for one in asked if not answers_to(ledger, one.id)]
        vague = [one.id for one in asked if answers_to(ledger, one.id) and not is_settled(ledger, one.id)]
        quiet = silent(ledger)
        where = f"Round {len(fresh) + 1}, {options.mode}. " if not ledger.closed else ""
        dry = min(WINDOW, dry_for(fresh, options.saturation_threshold))
        return lines(
            f"{where}New a round: {', '.join(map(str, fresh)) or 'none is over'}; dry for {dry} of {WINDOW}.",
            quiet and f"Personas not heard yet: {', '.join(quiet)}.",
            waiting and sentence(f"Not answered: {'; '.join(waiting)}"),
            vague and f"Answered vaguely, to be asked again in other words: {', '.join(vague)}.",
            *(f"{one.id} {one.item.classified}: {one.item.text}" for one in ledger.of(Atom)[-12:]),
            *(f"{entry.id}: {entry.item.title}" for entry in ledger.of(Planned)[-1:]),
        )

    def findings(self, ledger: Ledger) -> tuple[HandoffFinding, ...]:
        return tuple(
            HandoffFinding(
                id=entry.id,
                title=entry.item.text,
                kind=entry.item.type,
                severity=_WEIGHT[entry.item.type],
                location=_location(ledger, entry.item),
                detail=f"certainty {entry.item.certainty}, from {entry.item.source}",
                confirmed=entry.item.certainty is Certainty.HIGH,
            )
            for entry in sorted(kept_atoms(ledger), key=lambda entry: _WEIGHT[entry.item.type].rank)
        )

    def config(self, ledger: Ledger) -> dict[str, Any]:
        plan = last_plan(ledger)
        return plan.model_dump(mode="json", exclude_defaults=True) if plan else {}


def _location(ledger: Ledger, atom: Atom) -> str:
    found = ledger.find(atom.source)
    return found.item.location if found and isinstance(found.item, RepositoryEvidence) else ""


_OF_THE_PLAN = frozenset(
    (
        "plan",
        "scope",
        "protected",
        "screen",
        "sandbox",
        "verify",
        "guard",
        "no-op control",
        "sabotage control",
        "holdout",
    )
)
"""Gates that a better plan would pass. The others tell how the repository stands at this moment, or wait for a person."""


class ProbeRunner(Scoped):
    """Tries the plan when the ledger is about to be closed."""

    def closing(self, context: RepoContext, ledger: Ledger) -> Sequence[Observed]:
        plan, before = last_plan(ledger), tried(ledger)
        head = context.repo.head()
        if plan is None or (before and before.ran and before.head == head and not before.failed):
            return ()
        if context.phase is not Phase.NO_SESSION:
            busy = GateSeen(gate="session", seen="not tried: a session is open on this branch", cure="")
            facts = PlanTried(plan=plan.digest(), head=head, ran=False, failed=(), noted=(busy,))
        else:
            found = preflight(context, plan)
            context.paired_checkout.remove()
            asleep, missed = bool(found.consent_missing), [gate for gate in found.gates if not gate.passed]
            facts = PlanTried(
                plan=plan.digest(),
                head=context.repo.head(),
                ran=found.baseline is not None,
                failed=tuple(_shown(gate) for gate in missed if _fails(gate, asleep=asleep)),
                noted=tuple(_shown(gate) for gate in missed if not _fails(gate, asleep=asleep)),
            )
            for command in found.consent_missing:
                context.consent.want(command)
        return (saw(context, facts),) if facts != before else ()


def _fails(gate: GateRow, *, asleep: bool) -> bool:
    """Whether a gate that was not passed speaks against the plan; verify does not where it did not run because nobody agreed to it."""
    return gate.gate in _OF_THE_PLAN and not (asleep and gate.gate == "verify")


def _shown(gate: GateRow) -> GateSeen:
    return GateSeen(gate=gate.gate, seen=gate.seen[:500], cure=gate.cure[:300])
