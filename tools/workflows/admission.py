"""Admission to a ledger: what an agent reports is checked here, once, before it is recorded."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from pydantic import BaseModel, ValidationError

from ..errors import Code, Refusal
from ..lab.context import RepoContext
from ..text.arguments import validated, wrong_words
from ..text.redaction import redact_json, redactor, strip_hidden
from .ledger.evidence import disproved, mended, proof_of, ran, shown, unproven, words
from .ledger.items import Cited, Item, ItemOutcome, Proof, Provable, Settlement, Withdrawal, form_of
from .ledger.pages import one_line, sentence
from .ledger.rules import WorkflowRules
from .ledger.state import ItemRecorded, Ledger, LedgerEntry, Ran
from .running.experiments import no_experiment, unheard
from .running.proofs import prove
from .running.runner import WorkflowRunner
from .running.stand_ins import LOADING
from .running.store import Ledgers
from .running.trials import cited_code, elsewhere


def admit(
    context: RepoContext, ledger: Ledger, rules: WorkflowRules, runner: WorkflowRunner, fields: Mapping[str, Any]
) -> ItemRecorded:
    """Return the event of an item that passed every check.

    Raises:
        Refusal: at the first check that it fails, with the cure.
    """
    item = _shaped(rules, fields)
    _without_secrets(item)
    _settles_something(context, item)
    if isinstance(item, Cited) and item.location:  # a kind of item may leave it to the agent whether to cite
        item = _proven(context, item)
    item = runner.checked(context, ledger, rules.completed(ledger, item))
    if isinstance(item, Withdrawal) and (back := ledger.find(item.item)):
        item = item.model_copy(update={"upstream": back.item.upstream})  # it settles nothing any more
    item = _new(ledger, rules, item)
    if objection := rules.objection(ledger, item):
        raise Refusal(objection.code, objection.message)
    own = rules.proof(ledger, item)
    seen = _tried(context, own, ledger, item) if own else _upstream_ran(context, item)
    if objection := rules.contradicted(item, seen):
        raise Refusal(objection.code, objection.message)
    if isinstance(item, Provable) and item.settles is ItemOutcome.DISPROVEN and seen and disproved(seen):
        _not_by_the_fault_itself(context, item, seen)
    data = item.model_dump(mode="json", exclude_defaults=True) | {"kind": item.kind}
    event = ItemRecorded(
        id=ledger.next_id(item), commit=context.repo.head(), item=data, ran=seen, beside=ledger.calling
    )
    if item.upstream:
        _may_settle(context, rules, Ledgers(context).moved_on(ledger, [event]), item)
    return event


def is_recorded(rules: WorkflowRules, ledger: Ledger, place: int, fields: Mapping[str, Any]) -> bool:
    """Tell whether the entry at a place of the ledger, from 0, is what these fields say."""
    there = ledger.entries[place].item
    try:
        item = _shaped(rules, fields)
    except Refusal:
        return False
    item = rules.completed(replace(ledger, entries=ledger.entries[:place]), item)
    given = (name for name in fields if name in type(item).model_fields and name != "commit")
    return item.kind == there.kind and all(getattr(item, name) == getattr(there, name) for name in given)


def _tried(context: RepoContext, proof: Proof, ledger: Ledger, item: Item) -> Ran:
    for command in proof.commands if proof.fails_with else ():
        if why := no_experiment(command) or unheard(command):
            raise Refusal(Code.EVIDENCE, f"`{command}` {why}.")
    if not isinstance(item, Provable):
        back = ledger.find(item.item) if isinstance(item, Withdrawal) else None
        of = back.item if back else item
        return prove(context, proof, mends=of.path if isinstance(of, Cited) else "")
    code = cited_code(context, item)
    if none := code.no_place(item.fails_with):
        raise Refusal(
            Code.EVIDENCE, f"{item.location} is {none}, which does nothing by itself. Cite the line that does it."
        )
    before = (entry for entry in ledger.entries if entry.ran and entry.item.proof == proof and shown(entry.ran))
    known = next(before, None)
    if known and known.ran and known.commit == context.repo.head() and known.ran.emptied == code.name:
        return known.ran  # seen at this very commit
    seen = prove(context, proof, item, known.ran if known else None)
    if folder := _not_found(context, seen):
        cure = f"Begin both commands with `PYTHONPATH={folder}`."
        raise Refusal(Code.EVIDENCE, f"`{seen.command}` cannot import this project from where its script lies. {cure}")
    return seen


def _not_found(context: RepoContext, seen: Ran) -> str:
    """Return the folder of a package of this repository that a command could not import; empty where that was not it."""
    lost = re.search(r"No module named '(\w+)", seen.tail) if seen.failed and not seen.named else None
    places = {path.removeprefix("src/").split("/")[0].removesuffix(".py"): path for path in context.repo.tracked()}
    there = places.get(lost[1], "") if lost else ""
    return ("src" if there.startswith("src/") else ".") if there.endswith(".py") else ""


def _upstream(context: RepoContext, item: Item) -> tuple[Ledger, LedgerEntry[Item]] | None:
    """Return the earlier item that an item settles, with its ledger."""
    name, _, id = item.upstream.partition("#")
    found = Ledgers(context).named(name) if name else None
    entry = found.find(id) if found else None
    return (found, entry) if found and entry else None


def _shown_by(context: RepoContext, item: Item) -> tuple[Ledger, LedgerEntry[Item]] | None:
    """Return the item with the proof of what an item settles: that itself, or what an experiment confirmed of it since."""
    there = _upstream(context, item)
    if there is None or there[1].item.proof.command:
        return there
    settled = there[0].overruled.get(there[1].id)
    if settled is None or settled.outcome is not Settlement.CONFIRMED:
        return there
    name, _, id = settled.by.partition("#")
    ledger = Ledgers(context).named(name)
    entry = ledger.find(id) if ledger else None
    return (ledger, entry) if ledger and entry else there


def _upstream_ran(context: RepoContext, item: Item) -> Ran | None:
    """Run the proof of what an item settles, where there is one: whoever says that it is over shows it."""
    if (there := _shown_by(context, item)) is None:
        return None
    proof, bearer = proof_of(*there), there[1].item
    return prove(context, proof, mends=bearer.path if isinstance(bearer, Cited) else "") if proof.command else None


def _may_settle(context: RepoContext, rules: WorkflowRules, ledger: Ledger, item: Item) -> None:
    """Refuse to end an earlier item by an experiment that leaves it open.

    One that was shown is over when its own proof passes. One that never was is not over while what fails may be the fault itself:
    the control has to fail without the code that is suspected, and the experiment has to rest on it.
    """
    there, entry = _upstream(context, item), ledger.entries[-1]
    if there is None:
        return
    outcome = rules.settles(ledger, entry)
    over = outcome is not None and Settlement(outcome).over
    suspected = next((one for one in (there[1].item, item) if isinstance(one, Cited) and one.location), None)
    if outcome is ItemOutcome.CONFIRMED and entry.ran and suspected:
        _on_what_was_foreseen(context, item, suspected, entry.ran)
    if not (over or item.settles is ItemOutcome.DISPROVEN):
        return
    bearer = _shown_by(context, item)
    once = bearer is not None and shown(ran(*bearer))
    seen = _upstream_ran(context, item) if rules.proof(ledger, item) else entry.ran
    if seen and (shown(seen) or (over and once and not mended(seen))):
        message = (
            f"{item.upstream} still stands: `{seen.command}`: {words(seen)}. Mend it first, or leave `upstream` out."
        )
        raise Refusal(Code.EVIDENCE, message)
    if entry.ran and disproved(entry.ran) and not once and suspected:
        _not_by_the_fault_itself(context, suspected, entry.ran, f"end {item.upstream}")


def _on_what_was_foreseen(context: RepoContext, item: Item, suspected: Cited, seen: Ran) -> None:
    """Refuse to confirm what an earlier item foresaw of one file by an experiment that fails alike without it."""
    if isinstance(item, Cited) and item.path == suspected.path:
        return  # that it rests on this was seen when it ran
    (command, *_) = elsewhere(context, {suspected.path: b""}, seen.proof)
    if command.failed and command.named:
        problem = f"with {suspected.path} emptied it fails in the same words"
        cure = "Experiment with that code, or leave `upstream` out."
        raise Refusal(Code.EVIDENCE, f"`{seen.command}` says nothing of {item.upstream}: {problem}. {cure}")


def _not_by_the_fault_itself(context: RepoContext, suspected: Cited, seen: Ran, what: str = "clear anything") -> None:
    """Refuse an experiment that shows the absence of a fault by what may be the fault itself, or without that code."""
    code = cited_code(context, suspected)
    name = code.name
    command, control = elsewhere(context, {suspected.path: code.emptied()}, seen.proof)
    if control.exit_code is not None and not (control.failed and control.named):
        problem = f"with {name} emptied its control ends otherwise, so what fails may be the fault itself"
        cure = "Let the control check a stand-in that has the fault, without that code"
    elif command.failed and code.path.endswith(".py") and LOADING.search(command.tail):
        problem = f"without {name} it cannot be loaded, so it says nothing of what that does"
        cure = "Cite the line that does it"
    elif command.passed:
        problem = f"with {name} emptied it passes all the same, so it says nothing of that code"
        cure = "Run that code"
    else:
        return
    more = "; or leave `upstream` out" if what.startswith("end ") else ""
    raise Refusal(Code.EVIDENCE, f"`{seen.command}` does not {what}: {problem}. {cure}{more}.")


def _shaped(rules: WorkflowRules, fields: Mapping[str, Any]) -> Item:
    kinds = rules.items
    kind = str(fields.get("kind", "")) or (next(iter(kinds)) if len(kinds) == 1 else "")
    if kind not in kinds:
        listed = "; ".join(form_of(one).line() for one in kinds.values())
        raise Refusal(Code.BAD_ARGUMENT, f"`kind` has to be one of {', '.join(kinds)}. They take: {listed}")
    if taken := sorted(kinds[kind].filled & fields.keys()):
        raise Refusal(Code.BAD_ARGUMENT, f"The server fills in {', '.join(taken)}. Leave it out.")
    try:
        visible = redact_json(fields, strip_hidden)  # nothing hidden is stored
        return validated(kinds[kind], {**visible, "kind": kind})
    except ValidationError as error:
        missing = [str(one["loc"][-1]) for one in error.errors() if one["type"] in {"missing", "string_too_short"}]
        problems = "; ".join(f"{_where(one['loc'])}: {wrong_words(one)}" for one in error.errors()[:6])
        code = Code.MISSING_FIELD if missing else Code.BAD_ARGUMENT
        raise Refusal(code, f"{problems}. What it takes: {form_of(kinds[kind]).line()}") from error


def _where(loc: tuple[int | str, ...]) -> str:
    return ".".join(map(str, loc)) or "item"


def _without_secrets(item: Item) -> None:
    """Refuse a text that would be masked when it is stored: whoever reads the ledger must know that something was there."""
    redact = redactor()
    for name, value in item:
        for text in _texts(value):
            if (shown := redact(text)).count("[masked:") > text.count("[masked:"):
                message = f"`{name}` holds a secret. Write it masked, and record the item again: {shown[:300]}"
                raise Refusal(Code.SECRET, message)


def _texts(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, tuple | list):
        return [text for part in value for text in _texts(part)]
    if isinstance(value, Mapping):
        return [text for part in value.values() for text in _texts(part)]
    return [text for _, part in value for text in _texts(part)] if isinstance(value, BaseModel) else []


def _settles_something(context: RepoContext, item: Item) -> None:
    if not item.upstream:
        return
    ledger, _, id = item.upstream.partition("#")
    found = Ledgers(context).named(ledger)
    if found is None and not id:
        there = [one.id for one in Ledgers(context).closed_ones() if one.find(ledger)]
        known = f" Perhaps {there[0]}#{ledger}." if there else ""
        raise Refusal(Code.BAD_ARGUMENT, f"`upstream` is `<ledger id>#<item id>`.{known}")
    if found is None or found.find(id) is None:
        known = ", ".join(entry.id for entry in found.entries[:20]) if found else ""
        cure = f"It has: {known}." if found else "Use `<ledger id>#<item id>` from the handoff, or leave it out."
        raise Refusal(Code.BAD_ARGUMENT, f"`upstream` names {item.upstream}, which is not there. {cure}")


def _proven(context: RepoContext, item: Cited) -> Cited:
    commit = context.repo.head()
    if item.commit:
        answer = context.repo.git.ask("rev-parse", "--verify", "--quiet", f"{item.commit}^{{commit}}")
        if answer.code != 0:
            raise Refusal(
                Code.EVIDENCE, f"There is no commit {item.commit}. Cite one that git has, or leave `commit` out."
            )
        commit = answer.text
    content = context.repo.content(commit, item.path)
    text = None if content is None else content.decode("utf-8", errors="replace")
    wrong = unproven(item.location, item.quote, text, redactor())
    if not wrong:
        return item.model_copy(update={"commit": commit}) if item.commit else item
    changed = any(change.path == item.path for change in context.repo.changes())
    hint = f" {item.path} has changes that are not committed; evidence is what git has." if changed else ""
    raise Refusal(Code.EVIDENCE, f"{wrong}{hint}")


def _new(ledger: Ledger, rules: WorkflowRules, item: Item) -> Item:
    """Return the item, with the id of the one that it replaces, if it does.

    Raises:
        Refusal: if it says what another one says already.
    """
    alike = rules.rivals(ledger, item)
    said = one_line(item.subject).lower() if rules.comparable(ledger, item) else ""
    there = next((entry for entry in alike if item.place and entry.item.place == item.place), None)
    same = next((entry for entry in alike if said and one_line(entry.item.subject).lower() == said), None)
    if (before := there or same) and rules.replaceable(ledger, before, item):
        return item.model_copy(update={"replaces": before.id})
    if there is not None:
        message = f"{there.id} already stands at {item.place}: {sentence(there.item.title[:200])} Record what it does not say, elsewhere."
        raise Refusal(Code.DUPLICATE, message)
    if same is not None:
        message = f"{same.id} says the same: {sentence(same.item.title[:200])} Record something new."
        raise Refusal(Code.DUPLICATE, message)
    if isinstance(item, Provable) and item.proof.command and (twin := _same_experiment(ledger, alike, item)):
        message = f"{twin.id} rests on this experiment already: {sentence(twin.item.title[:200])} Give what you claim one of its own."
        raise Refusal(Code.DUPLICATE, message)
    return item


def _same_experiment(ledger: Ledger, alike: Iterable[LedgerEntry[Item]], item: Provable) -> LedgerEntry[Item] | None:
    """Return what the same commands have shown of the same file: one experiment shows one thing."""
    provable = (entry for entry in alike if isinstance(entry.item, Provable) and entry.item.path == item.path)
    return next((entry for entry in provable if entry.item.proof == item.proof and shown(ran(ledger, entry))), None)
