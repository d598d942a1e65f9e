"""Shipping, the server's part: find out what is shipped, run the checklist, look at what was shipped, watch it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ...errors import Code, Refusal
from ...git.paired_checkout import PairedCheckout
from ...lab.context import PROOF, RepoContext
from ...process.runner import CommandSpec
from ...process.screen import cure, screen
from ..ledger.items import Item
from ..ledger.pages import lines
from ..ledger.rules import rules_of
from ..ledger.state import Ledger, Observed
from ..running.controls import Control
from ..running.experiments import unheard
from ..running.proofs import reproduce
from ..running.runner import WorkflowRunner, saw
from .checks.checklists import ChecklistEntry, ShipType, ShipTypeFound, checklist, detected
from .checks.material import CheckOutcome, CheckResult, FoundPlace, ShipmentMaterial
from .checks.mechanical import inspect
from .gathering import (
    COMMANDS,
    HEALTH_S,
    TIMEOUT_S,
    ShipmentBase,
    base_of,
    gather,
    last_lines,
    not_offered,
    offered,
    ran,
    since,
    tags,
    version_moved,
)
from .pull_request import told_by_ledgers
from .rules import approving
from .shipment import (
    ChecklistRun,
    CheckState,
    DryRun,
    Monitoring,
    Shipment,
    ShipOptions,
    Shipped,
    approved,
    checked_commit,
    shipment_of,
    shipped,
    state_of,
    unready,
)


class ShipRunner(WorkflowRunner):
    """What is measured here cannot be said by an agent: results, digest, approval, tags."""

    def opening(self, context: RepoContext, ledger: Ledger) -> Sequence[Observed]:
        options = ledger.opts(ShipOptions)
        if options.monitor and not options.health:
            raise Refusal(Code.BAD_ARGUMENT, "`monitor` needs `health`, a command that fails while the service is ill.")
        if options.health and (why := screen(options.health).refused):
            raise Refusal(Code.BAD_ARGUMENT, f"`{options.health}` is not run here: {why}. {cure(why)}")
        if options.health and (why := unheard(options.health)):
            raise Refusal(Code.BAD_ARGUMENT, f"`{options.health}` never fails: it {why}.")
        base = base_of(context, options.base)
        shipped_type = _shipped_type(context, options, base)
        found = Shipment(type=shipped_type.type, why=shipped_type.why, base=base.name, tip=base.tip, parted=base.commit)
        return (saw(context, found),)

    def checked(self, context: RepoContext, ledger: Ledger, item: Item) -> Item:
        match item:
            case DryRun(run=run) if run and (why := unheard(run, rehearses=True)):
                message = f"`{run}` rehearses nothing: it {why}. Give the command that ships, in its dry run."
                raise Refusal(Code.EVIDENCE, message)
            case DryRun(arrival=arrival) if arrival:
                seen = reproduce(context, arrival)
                if seen.passed:
                    raise Refusal(
                        Code.EVIDENCE, f"`{arrival}` passes already, so it shows no arrival. Ask what is not so yet."
                    )
                return item.model_copy(update={"failed_before": seen.failed})
            case Shipped():
                if objection := rules_of(ledger.workflow).objection(ledger, item):
                    raise Refusal(objection.code, objection.message)
                return item.model_copy(update={"verified": verified(context, ledger, item)})
            case _:
                return item

    def run(self, context: RepoContext, ledger: Ledger, options: Mapping[str, Any]) -> Sequence[Observed]:
        match list(options.items()):
            case []:
                return _checklist(context, ledger)
            case [("approve", str() as said)]:
                return _approval(context, ledger, said)
            case [("monitor", True)]:
                return watched(context, ledger)
        message = 'runs the checklist; with {"approve": "<digest>"} asks a person, with {"monitor": true} watches.'
        raise Refusal(Code.BAD_ARGUMENT, f"`run` does not take {dict(options)}. Without options it {message}")


def _shipped_type(context: RepoContext, options: ShipOptions, base: ShipmentBase) -> ShipTypeFound:
    if options.type:
        return ShipTypeFound(ShipType(options.type), "as asked for")
    delta = since(context, base)
    return detected(
        options.goal, delta.stat.files if delta else (), context.repo.tracked(), version_moved(context, base)
    )


def _checklist(context: RepoContext, ledger: Ledger) -> Sequence[Observed]:
    """Make every check that a machine can make, those without a command first."""
    found = shipment_of(ledger)
    base = ShipmentBase(found.base, found.tip, found.parted)
    material, delta = gather(context, ledger, found.type, base), since(context, base)
    checks = checklist(found.type, delta.stat.files if delta else ())
    looks = [
        _commanded(context, ledger, one.name, material) if one.name in COMMANDS else (inspect(one.name, material), ())
        for one in checks
    ]
    pairs = zip(checks, looks, strict=True)
    made = [_still_clean(context, material, check, state_of(check, *look)) for check, look in pairs]
    run = ChecklistRun(commit=material.head, made=tuple(sorted(made, key=lambda one: one.weight.rank)))
    return (saw(context, run), saw(context, told_by_ledgers(context, ledger, found)))


def _commanded(
    context: RepoContext, ledger: Ledger, name: str, material: ShipmentMaterial
) -> tuple[CheckOutcome, tuple[str, ...]]:
    """Return what a check saw, and the commands that were run for it."""
    health, (known, code) = ledger.opts(ShipOptions).health, offered(context)
    commands = known.get(name, ()) if name != "health" else (health,) if health else ()
    if name == "health" and not commands:
        return CheckOutcome(CheckResult.FAILED, "the ledger was opened without a `health` command"), ()
    if not commands:
        return not_offered(name, code), ()
    if material.dirty:
        return CheckOutcome(CheckResult.OPEN, "not run: what would be tested is not what is committed"), commands
    found = ran(context, name, commands, HEALTH_S) if name == "health" else ran(context, name, commands)
    if name == "tests" and found.result is CheckResult.PASSED:
        place = PairedCheckout(context.repo, PROOF, pristine=True)
        control = Control(context, place, TIMEOUT_S)
        passed = control.passing_anyway(commands, material.head)
        place.remove()
        if passed:
            return CheckOutcome(
                CheckResult.FAILED, f"green although the test raises: {', '.join(passed[:5])}"
            ), commands
    runs = (one for run in ledger.every(ChecklistRun) if run.commit == material.head for one in run.made)
    failed = sum(one.name == name and one.result is CheckResult.FAILED for one in runs)
    # To run it until it passes is no cure.
    if found.result is CheckResult.PASSED and failed:
        found = replace(found, seen=f"{found.seen}, but it FAILED {failed} times before at this very commit")
    return found, commands


def _still_clean(
    context: RepoContext, material: ShipmentMaterial, check: ChecklistEntry, one: CheckState
) -> CheckState:
    """Return the check for a clean checkout, made once more: a command that changes files has tested something else."""
    if one.name != "clean" or one.result is not CheckResult.PASSED:
        return one
    context.repo.invalidate()
    changed = [change.path for change in context.repo.changes() if change.tracked]
    if context.repo.head() == material.head and not changed:
        return one
    places = tuple(FoundPlace(path, 0, "was changed by a check") for path in changed)
    return state_of(check, CheckOutcome(CheckResult.FAILED, "the project's commands change it", places))


def _approval(context: RepoContext, ledger: Ledger, said: str) -> Sequence[Observed]:
    """Nothing is written here: whoever asked the person has written it down, or nobody did."""
    if left := unready(ledger):
        raise Refusal(Code.INCOMPLETE, "Nobody can approve of it yet:\n- " + "\n- ".join(left))
    if context.repo.head() != checked_commit(ledger):
        raise Refusal(Code.INCOMPLETE, "HEAD has moved since the checklist was run. Run it again.")
    if not approved(ledger):
        raise Refusal(Code.APPROVAL_NEEDED, f"No person said yes to {said or 'this'}. {approving(ledger)}")
    return ()


GIVE_UP_AFTER = 3
"""Looks in a row that fail, after which watching ends: somebody has to act."""


def verified(context: RepoContext, ledger: Ledger, item: Shipped) -> str:
    """Return what git shows of it here.

    Raises:
        Refusal: if it shows something else than what was approved.
    """
    commit = checked_commit(ledger)
    if (head := context.repo.head()) != commit:
        message = (
            f"HEAD is at {head[:7]}, and what was approved is {commit[:7]}. Go back to it, or run the checklist again."
        )
        raise Refusal(Code.APPROVAL_NEEDED, message)
    if edited := [change.path for change in context.repo.changes() if change.tracked]:
        message = (
            f"{', '.join(edited[:5])} differ from what was approved. Put the changes away, and make sure what went out."
        )
        raise Refusal(Code.EVIDENCE, message)
    if item.failed:
        return ""
    return "; ".join(
        lines(
            item.tag and _tag(context, item.tag, commit),
            item.branch and _branch(context, item.branch, commit),
            item.check and _arrival(ledger, item.check),
        )
    )


def _arrival(ledger: Ledger, check: str) -> str:
    seen = any(one.failed_before and one.arrival == check for one in ledger.items(DryRun))
    return "its check failed before" if seen else "whether its check failed before nobody saw, so it shows no arrival"


def _tag(context: RepoContext, tag: str, commit: str) -> str:
    at = tags(context).get(tag, "")
    if at == commit:
        return f"{tag} stands at {commit[:7]}"
    raise _something_else(tag, at, commit)


def _branch(context: RepoContext, branch: str, commit: str) -> str:
    """Return where a branch stands, as git knows it here: of one that was pushed, since it was pushed or fetched."""
    places = ((f"refs/remotes/{branch}", branch), (f"refs/heads/{branch}", f"{branch}, here,"))
    asked = [
        (context.repo.git.ask("rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}").text, name)
        for ref, name in places
    ]
    at, name = next(((at, name) for at, name in asked if at), ("", branch))
    if at == commit:
        return f"{name} stands at {commit[:7]}"
    if at and context.repo.git.ask("merge-base", "--is-ancestor", commit, at).code == 0:
        return f"{name} holds {commit[:7]}"
    raise _something_else(branch, at, commit)


def _something_else(name: str, at: str, commit: str) -> Refusal:
    if not at:
        return Refusal(Code.EVIDENCE, f"git knows no {name} here. Make or fetch it, or leave it out.")
    return Refusal(Code.EVIDENCE, f"{name} stands at {at[:7]}, and what was approved is {commit[:7]}. That is not it.")


def watched(context: RepoContext, ledger: Ledger) -> Sequence[Observed]:
    """Look every so often, up to the end or until it failed several times in a row."""
    options = ledger.opts(ShipOptions)
    if shipped(ledger) is None or not options.monitor:
        cure = "Record `shipped` first." if options.monitor else "Open with `monitor` and `health`."
        raise Refusal(Code.OUT_OF_ORDER, f"There is nothing to watch. {cure}")
    if not context.consent.agreed_to(options.health):
        context.consent.want(options.health)
        raise Refusal(
            Code.CONSENT_NEEDED, f"Nobody agreed to `{options.health}`. A person can: `autoresearch-mcp approve`."
        )
    looks, failed, row, tail = 0, 0, 0, ""
    most = 1 + int(options.monitor * 60 / options.every)
    while looks < most and row < GIVE_UP_AFTER and not context.runs.cancelled:
        if looks:
            pause = CommandSpec(f"sleep {options.every}", context.repo.root, options.every + 60)
            context.runs.run(context.runs.key("ship pause"), pause)
        run = context.runs.run(context.runs.key("ship watch"), CommandSpec(options.health, context.repo.root, HEALTH_S))
        well = run.exit_code == 0 and not run.timed_out
        looks, failed, row = looks + 1, failed + (not well), 0 if well else row + 1
        tail = tail if well else "\n".join(last_lines(run))
    if context.runs.cancelled:
        raise Refusal(Code.INCOMPLETE, "Watching was cancelled. Start it again, or close with a why.")
    found = Monitoring(looks=looks, failed=failed, tail=tail, commit=checked_commit(ledger))
    return (saw(context, found),)
