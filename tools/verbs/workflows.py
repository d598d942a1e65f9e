"""Workflow verbs: open a ledger, write into it, close it; and what to do, for agents whose client shows no prompts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from dataclasses import replace
from typing import Annotated, Any

from pydantic import Field, ValidationError

from ..errors import Code, Refusal
from ..lab.access import Lab
from ..lab.answers import Answer
from ..lab.context import RepoContext
from ..lab.jobs import is_cancelled
from ..project.chains import READY
from ..text.arguments import validated, wrong_words
from ..vocabulary import Tool, following
from ..workflows.admission import admit, is_recorded
from ..workflows.ledger.handoff import Ending
from ..workflows.ledger.items import Item, Options, Settlement, Workflow, choices, fields_of, steps
from ..workflows.ledger.rules import WorkflowRules, read_item, read_options, rules_of, workflow_named
from ..workflows.ledger.state import ItemSettled, Ledger, LedgerClosed, LedgerEntry, Opened, folded
from ..workflows.running.proofs import CANCELLED
from ..workflows.running.runner import runner_of
from ..workflows.running.store import Ledgers
from ..workflows.status import ItemsTaken, RecordedItem, WorkflowAnswer, briefly, ledger_status, status_fields
from .base import RepoPath, Verbs
from .planning import way_to

Playbook = Callable[[str], str]
"""Renders a prompt for a repository."""

Fields = Annotated[
    list[dict[str, Any]],
    Field(
        description="The items, or one alone: each with `kind` and the fields that this kind takes, as `workflow` with "
        "`status` lists them."
    ),
]
Given = Annotated[
    dict[str, Any],
    Field(
        description="For `open`: goal, scope, depth, iterations, chain and the workflow's own. For `status`: "
        "`persona` (predict) or `role` (reason), for that one's own brief. For `close`: `why`, to end early."
    ),
]
MOST_AT_ONCE = 50
"""Items that one call records."""
AUTO = "auto"
ACTIONS = ("open", "status", "run", "close")
CHAINABLE = ("plan", "autoresearch")
"""Prompts beside the workflows that a chain may name."""


class PlaybookText(Answer):
    """A prompt's text."""

    name: str = ""
    playbook: str = ""

    def lines(self) -> list[str]:
        return [self.playbook]


class Workflows(Verbs):
    """The ledgers, and the prompts as a tool."""

    def __init__(self, lab: Lab, playbooks: Mapping[str, Playbook]) -> None:
        super().__init__(lab)
        self._playbooks = playbooks
        self._briefs: set[tuple[str, str]] = set()

    def workflow(self, name: str, action: str = "status", options: Given = {}, repo: RepoPath = "") -> WorkflowAnswer:  # noqa: B006
        """Use to open, look at or close the ledger of a workflow: debug, fix, security, ship, scenario, predict, learn, probe,
        reason, evals, improve, regression; or with `auto` and a `goal` in `options` to be told which of them lead there.

        `open` seals the options and answers with what `record` takes; `status` says how it stands and what is missing;
        `run` has the server do its own part (detect, run the checklist, measure, validate) where there is one; `close`
        writes the files and handoff.json and names the next prompt. Each may be called again without harm. Refused: to
        close while something is missing, unless `options` has a `why`; other options for an open ledger.
        """
        if name == AUTO:
            return _way(self._lab.for_reading(repo), str(options.get("goal") or ""))
        workflow = workflow_named(name)
        if action not in ACTIONS:
            raise Refusal(Code.BAD_ARGUMENT, f"{action!r} is no action. Use one of: {', '.join(ACTIONS)}.")
        if action == "status":
            context = self._lab.for_reading(repo)
            answer = ledger_status(context, _found(context, workflow), options)
            self._briefs |= {(answer.ledger, line) for line in answer.state[:1] if options}
            return self._planned(context, answer)
        act = {"open": _open, "run": _run, "close": _close}[action]
        with self._lab.for_writing(repo, Tool.WORKFLOW) as context, _next_calls(context, Tool.WORKFLOW):
            return self._planned(context, act(context, workflow, options))

    def _planned(self, context: RepoContext, answer: WorkflowAnswer) -> WorkflowAnswer:
        """Return an answer whose plan start_session takes when it is given none."""
        if answer.plan:
            self._lab.passed[context.repo.root] = answer.plan
        return answer

    def record(self, workflow: str, item: Fields, repo: RepoPath = "") -> ItemsTaken:
        """Use to write findings, hypotheses, scenarios, votes or the like into an open ledger, one or several at once.

        Each is checked at the door: required fields, that quoted evidence stands at its `path:line` in git, that it is no
        duplicate, that it holds no secret, that it is this item's turn. A command cited as reproduction is run by the
        server where a person agreed to it, and what it saw is recorded instead of the claim. A refusal names the cure, and
        what was recorded before it.
        """
        with self._lab.for_writing(repo, Tool.RECORD) as context, _next_calls(context, Tool.RECORD):
            return _record(context, workflow_named(workflow), item, self._briefs)

    def playbook(self, name: str = "autoresearch", repo: RepoPath = "") -> PlaybookText:
        """Use to learn how to work here, before the first iteration: the text of a prompt with the live state in it.

        `name`: `autoresearch` (default), the improvement loop; or another prompt: plan, debug, fix, security, ship, scenario,
        predict, learn, probe, reason, evals, improve, regression.
        """
        if name not in self._playbooks:
            raise Refusal(
                Code.BAD_ARGUMENT, f"There is no playbook {name!r}. Use one of: {', '.join(self._playbooks)}."
            )
        context = self._lab.for_reading(repo)
        text = self._playbooks[name](repo)
        return PlaybookText(phase=context.phase, next=list(following(context.phase)), name=name, playbook=text)


def known_values(prompt: str, argument: str) -> tuple[str, ...]:
    """Return what may be written for an argument of a prompt, where that is known."""
    if argument == "chain":
        return (*Workflow, *CHAINABLE, *READY)
    return choices(rules_of(Workflow(prompt)).options, argument) if prompt in [*Workflow] else ()


@contextmanager
def _next_calls(context: RepoContext, tool: Tool) -> Iterator[None]:
    """Add the calls to go on with to a refusal: another item where one can be taken, else the ledger itself."""
    try:
        yield
    except Refusal as refusal:
        takes = refusal.code is Code.INCOMPLETE or (tool is Tool.RECORD and refusal.code is not Code.NOT_OPEN)
        own = (Tool.RECORD, Tool.WORKFLOW) if takes else (Tool.WORKFLOW,)
        refusal.following = refusal.following or (*own, *following(context.phase))
        raise


def _found(context: RepoContext, workflow: Workflow) -> Ledger:
    ledger = Ledgers(context).last(workflow)
    if ledger is None:
        fields = ", ".join(fields_of(rules_of(workflow).options))
        message = f"There is no {workflow} ledger on this branch. Call workflow with `open`; options: {fields}."
        raise Refusal(Code.NOT_OPEN, message)
    return ledger


def _open_one(context: RepoContext, workflow: Workflow) -> Ledger:
    ledger = Ledgers(context).open_one(workflow)
    if ledger is None:
        raise Refusal(Code.NOT_OPEN, f"No {workflow} ledger is open on this branch. Call workflow with `open` first.")
    return _with_news(context, ledger)


def _with_news(context: RepoContext, ledger: Ledger) -> Ledger:
    """Write what happened elsewhere into an open ledger; return the ledger with it."""
    news = [] if ledger.closed else runner_of(ledger.workflow).since(context, ledger)
    return Ledgers(context).append(ledger.id, *news) if news else ledger


def _way(context: RepoContext, goal: str) -> WorkflowAnswer:
    if not goal.strip():
        raise Refusal(Code.BAD_ARGUMENT, f'{AUTO} needs the goal in a person\'s words: options = {{"goal": "..."}}.')
    return WorkflowAnswer(phase=context.phase, next=list(following(context.phase)), state=way_to(context, goal))


def _open(context: RepoContext, workflow: Workflow, given: Mapping[str, Any]) -> WorkflowAnswer:
    ledgers, rules = Ledgers(context), rules_of(workflow)
    try:
        options = _onward(workflow, validated(rules.options, given))
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, one['loc']))}: {wrong_words(one)}" for one in error.errors()[:6])
        raise Refusal(Code.BAD_ARGUMENT, f"{problems}. Options: {', '.join(fields_of(rules.options))}.") from error
    if there := ledgers.open_one(workflow):
        before = ledgers.named(there.incoming) if there.incoming else None
        if given and _inherited(options, before) != there.options:
            sealed = there.options.model_dump(mode="json", exclude_defaults=True)
            message = (
                f"{there.id} is open with other options ({sealed}), which are sealed. Go on with it, or close it first."
            )
            raise Refusal(Code.SEALED, message)
        return ledger_status(context, there)
    if unknown := [name for name in steps(options.chain) if name not in [*Workflow, *CHAINABLE]]:
        raise Refusal(
            Code.BAD_ARGUMENT,
            f"`chain` names {', '.join(unknown)}. Use: {', '.join(Workflow)}, plan, autoresearch; or a ready one: {', '.join(READY)}.",
        )
    waiting = ledgers.incoming(workflow, options.after)
    if options.after and waiting is None:
        raise Refusal(
            Code.BAD_ARGUMENT,
            f"`after` names {options.after}, which is no closed ledger here. Leave it out, or close it.",
        )
    options = _inherited(options, waiting)
    id = ledgers.new_id(workflow, options.goal)
    opened = Opened(
        workflow=workflow,
        branch=context.branch,
        commit=context.repo.head(),
        options=options.model_dump(mode="json", exclude_defaults=True),
        incoming=waiting.id if waiting else "",
        folder=f"autoresearch/{id}",
    )
    ledger = folded(id, [(context.now(), opened)], read_options, read_item)
    found = runner_of(workflow).opening(context, ledger)
    return _drafted(context, ledgers.append(id, opened, *found))


def _onward(workflow: Workflow, options: Options) -> Options:
    """Return options whose chain says what follows: whoever names the whole chain names its first step too."""
    first, *rest = steps(options.chain) or ("",)
    return options.model_copy(update={"chain": ", ".join(rest)}) if first == workflow else options


def _inherited(options: Options, before: Ledger | None) -> Options:
    """Return options with the rest of the chain of the ledger before, where they name none of their own."""
    if before is None or options.chain:
        return options
    return options.model_copy(update={"chain": ", ".join(steps(before.options.chain)[1:])})


def _drafted(context: RepoContext, ledger: Ledger) -> WorkflowAnswer:
    """Write the files that a ledger has while it is open, and return its status."""
    Ledgers(context).write_drafts(ledger)
    return ledger_status(context, ledger)


def _run(context: RepoContext, workflow: Workflow, given: Mapping[str, Any]) -> WorkflowAnswer:
    ledger = _open_one(context, workflow)
    found = runner_of(workflow).run(context, ledger, given)
    ledgers = Ledgers(context)
    # A long run records what it finds as it goes, so the ledger may have moved on.
    done = ledgers.append(ledger.id, *found) if found else ledgers.named(ledger.id) or ledger
    return _drafted(context, done).model_copy(update={"takes": []})


def _record(
    context: RepoContext, workflow: Workflow, items: Sequence[Mapping[str, Any]], briefs: AbstractSet[tuple[str, str]]
) -> ItemsTaken:
    if not 0 < len(items) <= MOST_AT_ONCE:
        raise Refusal(Code.BAD_ARGUMENT, f"`item` holds {len(items)} items. Record 1 to {MOST_AT_ONCE} a call.")
    taken = _recorded_before(context, workflow, items) if context.call.again else []
    for number, fields in enumerate(items[len(taken) :], len(taken) + 1):
        try:
            if is_cancelled():
                raise Refusal(Code.INCOMPLETE, CANCELLED)
            ledger = _open_one(context, workflow)
            asked = frozenset(line for id, line in briefs if id == ledger.id)
            one = _record_one(context, replace(ledger, calling=taken[0].id if taken else "", briefs=asked), fields)
            again = taken and taken[-1].ran == one.ran  # an experiment is told once
            taken.append(one.model_copy(update={"ran": None}) if again else one)
        except Refusal as refusal:
            if taken:
                told = "\n".join(line for one in taken for line in one.lines())
                refusal.message = f"{told}\nItem {number} of {len(items)} was refused, and what follows it was not looked at: {refusal.message}"
            raise
    ledger, rules = _open_one(context, workflow), rules_of(workflow)
    return ItemsTaken(**status_fields(context, ledger, rules), recorded=taken, step=rules.step(ledger))


def _recorded_before(
    context: RepoContext, workflow: Workflow, items: Sequence[Mapping[str, Any]]
) -> list[RecordedItem]:
    """Return those that the same call recorded before its server died: its first items, the last of the ledger."""
    ledger, rules = _open_one(context, workflow), rules_of(workflow)
    there = len(ledger.entries)
    for count in range(min(len(items), there), 0, -1):
        pairs = zip(items, range(there - count, there), strict=False)
        if all(is_recorded(rules, ledger, place, fields) for fields, place in pairs):
            return [_taken(context, ledger, entry) for entry in ledger.entries[-count:]]
    return []


def _record_one(context: RepoContext, ledger: Ledger, fields: Mapping[str, Any]) -> RecordedItem:
    ledgers, rules = Ledgers(context), rules_of(ledger.workflow)
    if rules.bounded(ledger) and rules.costs(str(fields.get("kind", ""))):
        message = f"No round of {ledger.id} is left ({rules.spent(ledger)} used). Close it: it ends as bounded."
        raise Refusal(Code.INCOMPLETE, message)
    ledger = ledgers.append(ledger.id, admit(context, ledger, rules, runner_of(ledger.workflow), fields))
    return _taken(context, ledger, ledger.entries[-1])


def _taken(context: RepoContext, ledger: Ledger, entry: LedgerEntry[Item]) -> RecordedItem:
    """Return what became of an item, and settle the earlier one that it speaks of; once more settles it as before."""
    rules, settled = rules_of(ledger.workflow), ""
    outcome = rules.settles(ledger, entry)
    if entry.item.upstream and outcome:
        earlier, _, id = entry.item.upstream.partition("#")
        event = ItemSettled(id=id, outcome=Settlement(outcome), by=f"{ledger.id}#{entry.id}")
        Ledgers(context).settle(earlier, event)
        settled = f"{entry.item.upstream} as {outcome}"
    made = rules.said(ledger, entry)
    return RecordedItem(id=entry.id, title=entry.item.title, classified=made, ran=briefly(entry.ran), settled=settled)


def _close(context: RepoContext, workflow: Workflow, given: Mapping[str, Any]) -> WorkflowAnswer:
    ledgers, rules = Ledgers(context), rules_of(workflow)
    ledger = _with_news(context, _found(context, workflow))
    why = str(given.get("why", "")).strip()
    if ledger.closed and why not in {"", ledger.closed.why}:
        message = f"{ledger.id} is closed as {ledger.closed.ending}, and its end is sealed. Leave `why` out: its files are written again."
        raise Refusal(Code.SEALED, message)
    if ledger.closed is None:
        found = runner_of(workflow).closing(context, ledger)
        ledger = ledgers.append(ledger.id, *found) if found else ledgers.named(ledger.id) or ledger
        missing = rules.missing(ledger)
        if missing and not why and not rules.bounded(ledger):
            listed = "\n".join(f"- {line}" for line in missing)
            cure = 'Record it; or close with options {"why": "..."}, and the end counts as interrupted.'
            raise Refusal(Code.INCOMPLETE, f"{ledger.id} may not end yet:\n{listed}\n{cure}")
        ending = _ending(rules, ledger, why)
        ledger = ledgers.append(ledger.id, LedgerClosed(commit=context.repo.head(), ending=ending, why=why))
    files = ledgers.write_files(ledger)
    return ledger_status(context, ledger).model_copy(update={"files": list(files)})


def _ending(rules: WorkflowRules, ledger: Ledger, why: str) -> Ending:
    """Return what kind of end it is. What failed by what is recorded has failed, however early the end."""
    ending = rules.ending(ledger)
    if ending is Ending.FAILED or not rules.missing(ledger):
        return ending
    if why:
        return Ending.INTERRUPTED
    return ending if ending is Ending.BLOCKED else Ending.BOUNDED


__all__ = ["Playbook", "Workflows", "known_values"]
