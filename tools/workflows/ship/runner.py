"""Shipping, the server's part: find out what is shipped, run the checklist, look at what was shipped, watch it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ...errors import Code, Refusal
from ...lab.context import RepoContext
from ...process.screen import cure, screen
from ...process.shell import scripts
from ..ledger.events import Observed
from ..ledger.items import Item
from ..ledger.ledger import Ledger
from ..ledger.registry import rules_of
from ..running.runner import WorkflowRunner, observed
from .arrival import verified, watched
from .checks.kinds import ShipType, Told, detected
from .checks.lists import ChecklistEntry, checklist
from .checks.looks import LOOKED, look
from .checks.material import CheckLook, CheckResult, ShipmentMaterial
from .checks.places import FoundPlace
from .items import DryRun, ShipOptions, Shipped
from .project_commands import COMMANDS, HEALTH_S, not_offered, offered, ran
from .rules import approving
from .shipment import Made, approved, checked_commit, count, ship_type, standing, unready
from .shipped import ShipmentBase, base_of, gather, since, version_moved

PLACES = 12
_NOTHING = frozenset("true : echo printf exit test [ false".split())


class ShipRunner(WorkflowRunner):
    """What is measured here cannot be said by an agent: results, digest, approval, tags."""

    def opening(self, context: RepoContext, ledger: Ledger) -> Sequence[Observed]:
        options = ledger.opts(ShipOptions)
        if options.monitor and not options.health:
            raise Refusal(Code.BAD_ARGUMENT, "`monitor` needs `health`, a command that fails while the service is ill.")
        if options.health and (why := screen(options.health).refused):
            raise Refusal(Code.BAD_ARGUMENT, f"`{options.health}` is not run here: {why}. {cure(why)}")
        base = base_of(context, options.base)
        told = _told(context, options, base)
        return (
            observed(
                context, "shipment", type=told.type, why=told.why, base=base.name, tip=base.tip, parted=base.commit
            ),
        )

    def checked(self, context: RepoContext, ledger: Ledger, item: Item) -> Item:
        match item:
            case DryRun(run=run) if run and _does_nothing(run):
                raise Refusal(Code.EVIDENCE, f"`{run}` rehearses nothing. Give the command that ships, in its dry run.")
            case Shipped():
                if objection := rules_of(ledger.workflow).objection(ledger, item):
                    raise Refusal(Code(objection.fault.value), objection.message)
                return item.model_copy(update={"verified": verified(context, ledger, item)})
            case _:
                return item

    def run(self, context: RepoContext, ledger: Ledger, options: Mapping[str, Any]) -> Sequence[Observed]:
        match dict(options):
            case {"approve": str() as said, **rest} if not rest:
                return _approval(context, ledger, said)
            case {"monitor": True, **rest} if not rest:
                return watched(context, ledger)
            case {}:
                return _checklist(context, ledger) if not options else _unknown(options)
        return _unknown(options)


def _unknown(options: Mapping[str, Any]) -> Sequence[Observed]:
    message = 'runs the checklist; with {"approve": "<digest>"} asks a person, with {"monitor": true} watches.'
    raise Refusal(Code.BAD_ARGUMENT, f"`run` does not take {dict(options)}. Without options it {message}")


def _told(context: RepoContext, options: ShipOptions, base: ShipmentBase) -> Told:
    if options.type:
        return Told(ShipType(options.type), "as asked for")
    delta = since(context, base)
    return detected(
        options.goal, delta.stat.files if delta else (), context.repo.tracked(), version_moved(context, base)
    )


def _checklist(context: RepoContext, ledger: Ledger) -> Sequence[Observed]:
    """Make every check that a machine can make, those without a command first."""
    facts = ledger.latest("shipment")
    material = gather(context, ledger, ship_type(ledger), ShipmentBase(facts["base"], facts["tip"], facts["parted"]))
    made = [
        _made(check, _look(context, ledger, check, material))
        for check in checklist(ship_type(ledger))
        if not check.judged
    ]
    made = [_still_clean(context, material, one) for one in made]
    said = {"commit": material.head, "made": [one.model_dump(mode="json") for one in made], "at": context.now()}
    after = replace(ledger, observed=(*ledger.observed, observed(context, "checklist", **said)))
    numbers = ", ".join(f"{count(standing(after), result)} {result.of_several}" for result in CheckResult)
    return (observed(context, "checklist", **said, summary=numbers),)


def _look(
    context: RepoContext, ledger: Ledger, check: ChecklistEntry, material: ShipmentMaterial
) -> tuple[CheckLook, tuple[str, ...]]:
    """What a check saw, and the commands that were run for it."""
    if check.name in COMMANDS or check.name == "health":
        return _commanded(context, ledger, check.name, material)
    assert check.name in LOOKED, "every check is one or the other"
    found = look(check.name, material)
    command = offered(context).links if check.name == "links" and found.result is not CheckResult.FAILED else ""
    return (ran(context, "links", (command,)), (command,)) if command else (found, ())


def _commanded(
    context: RepoContext, ledger: Ledger, name: str, material: ShipmentMaterial
) -> tuple[CheckLook, tuple[str, ...]]:
    health, here = ledger.opts(ShipOptions).health, offered(context)
    commands = here.commands.get(name, ()) if name != "health" else (health,) if health else ()
    if name == "health" and not commands:
        return CheckLook(CheckResult.FAILED, "the ledger was opened without a `health` command"), ()
    if not commands:
        return not_offered(name, here.code), ()
    if material.dirty:
        return CheckLook(CheckResult.OPEN, "not run: what would be tested is not what is committed"), commands
    found = ran(context, name, commands, HEALTH_S) if name == "health" else ran(context, name, commands)
    failed = _failed_before(ledger, name, material.head)
    if found.result is CheckResult.PASSED and failed:
        found = replace(found, seen=f"{found.seen}, but it FAILED {failed} times before at this very commit")
    return found, commands


def _failed_before(ledger: Ledger, name: str, head: str) -> int:
    """How often a check failed at this commit: to run it until it passes is no cure."""
    lists = [seen.facts for seen in ledger.observed if seen.what == "checklist" and seen.facts["commit"] == head]
    return sum(one["name"] == name and one["result"] == CheckResult.FAILED for facts in lists for one in facts["made"])


def _made(check: ChecklistEntry, told: tuple[CheckLook, tuple[str, ...]]) -> Made:
    found, commands = told
    return Made(
        name=check.name,
        title=check.title,
        weight=found.weight or check.weight,
        result=found.result,
        seen=found.seen,
        places=tuple(str(place).strip()[:300] for place in found.places[:PLACES]),
        found=len(found.places),
        cure=check.cure,
        commands=commands,
    )


def _still_clean(context: RepoContext, material: ShipmentMaterial, one: Made) -> Made:
    """The check for a clean checkout, made once more: a command that changes files has tested something else."""
    if one.name != "clean" or one.result is not CheckResult.PASSED:
        return one
    context.repo.moved()
    changed = [change.path for change in context.repo.changes() if change.tracked]
    if context.repo.head() == material.head and not changed:
        return one
    places = tuple(str(FoundPlace(path, 0, "was changed by a check")) for path in changed)
    return one.model_copy(
        update={
            "result": CheckResult.FAILED,
            "seen": "the project's commands change it",
            "places": places,
            "found": len(places),
        }
    )


def _approval(context: RepoContext, ledger: Ledger, said: str) -> Sequence[Observed]:
    """Nothing is written here: whoever asked the person has written it down, or nobody did."""
    if left := unready(ledger):
        raise Refusal(Code.INCOMPLETE, "Nobody can approve of it yet:\n- " + "\n- ".join(left))
    if context.repo.head() != checked_commit(ledger):
        raise Refusal(Code.INCOMPLETE, "HEAD has moved since the checklist was run. Run it again.")
    if not approved(ledger):
        raise Refusal(Code.APPROVAL_NEEDED, f"No person said yes to {said or 'this'}. {approving(ledger)}")
    return ()


def _does_nothing(command: str) -> bool:
    """Whether nothing is started but what always succeeds."""
    parts = [part for script in scripts(command) for part in script]
    return bool(parts) and all(part.name in _NOTHING for part in parts)
