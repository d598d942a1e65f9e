"""Shipping: a checklist that the server runs, a rehearsal, a person's approval, and a look at what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from ..ledger.handoff import Ending, GateCheck, HandoffFinding
from ..ledger.items import Item, Options, Severity, Workflow
from ..ledger.ledger import Ledger
from ..ledger.rules import Coverage, Fault, Objection, WorkflowRules
from ..ledger.scores import Score, ship_ancestor, ship_readiness
from .checks.checklists import IRREVERSIBLE, Weight, checklist
from .checks.material import CheckResult
from .pages import checklist_page, log_table, mark
from .shipment import (
    SHOWN_DIGEST,
    DryRun,
    JudgedCheck,
    Made,
    Rollback,
    ShipmentUndone,
    ShipOptions,
    Shipped,
    approved,
    checked_commit,
    count,
    digest,
    last_dry_run,
    last_rollback,
    ship_type,
    shipped,
    standing,
    unready,
    went_well,
)

_SEVERITY = {Weight.BLOCKER: Severity.CRITICAL, Weight.REQUIRED: Severity.HIGH, Weight.RECOMMENDED: Severity.LOW}
APPROVING = 'A person approves: `run` with {{"approve": "{digest}"}} asks through the client, or `autoresearch-mcp approve` in a terminal.'


class Ship(WorkflowRules):
    """Nothing leaves without a checklist, a way back, and a person who said yes to exactly that."""

    name = Workflow.SHIP
    options = ShipOptions
    items: ClassVar[Mapping[str, type[Item]]] = {
        "check": JudgedCheck,
        "rollback": Rollback,
        "dry-run": DryRun,
        "shipped": Shipped,
        "rolled-back": ShipmentUndone,
    }

    def objection(self, ledger: Ledger, item: Item) -> Objection | None:
        match item:
            case JudgedCheck(name=name):
                return _no_such_check(ledger, name)
            case Rollback(irreversible=False) if ship_type(ledger) in IRREVERSIBLE:
                told = (
                    "A mail that was sent cannot be taken back. Set `irreversible`, and say what will be done instead."
                )
                return Objection(Fault.BAD_ARGUMENT, told)
            case DryRun(run="", note=""):
                return Objection(Fault.MISSING_FIELD, "Give `run`, a command; or `note`, what was rehearsed instead.")
            case Shipped():
                return _may_not_ship(ledger)
            case ShipmentUndone() if shipped(ledger) is None:
                return Objection(Fault.OUT_OF_ORDER, "Nothing was shipped, so there is nothing to take back.")
            case _:
                return None

    def most(self, options: Options) -> int:
        return 0

    def coverage(self, ledger: Ledger) -> tuple[Coverage, ...]:
        made = standing(ledger)
        applying = [one for one in made if one.result is not CheckResult.NOT_HERE]
        looked = sum(one.result is not CheckResult.OPEN for one in applying)
        return Coverage("checks made", looked, len(applying)), Coverage(
            "passed", count(made, CheckResult.PASSED), len(applying)
        )

    def scores(self, ledger: Ledger) -> tuple[Score, ...]:
        made = standing(ledger)
        rehearsed, blockers = went_well(last_dry_run(ledger)), sum(one.blocks for one in made)
        left = [one.weight for one in made if not one.holds]
        return (
            ship_readiness(blockers, left.count(Weight.REQUIRED), left.count(Weight.RECOMMENDED), rehearsed),
            ship_ancestor(
                count(made, CheckResult.PASSED), len(made) - count(made, CheckResult.NOT_HERE), rehearsed, blockers
            ),
        )

    def missing(self, ledger: Ledger) -> tuple[str, ...]:
        options = ledger.opts(ShipOptions)
        if not checked_commit(ledger):
            return unready(ledger)
        if options.checklist_only:
            return ()
        if options.dry_run:
            return () if last_dry_run(ledger) else ("a dry-run of this commit",)
        if _is_over(ledger):
            return ()
        if shipped(ledger) is None:
            return unready(ledger) or _approval_or_shipping(ledger)
        watched = not options.monitor or ledger.latest("monitored")
        return () if watched else ('watching: call workflow with `run` and {"monitor": true}',)

    def ending(self, ledger: Ledger) -> Ending:
        options = ledger.opts(ShipOptions)
        if options.checklist_only or options.dry_run:
            return Ending.DRY_RUN
        if ledger.of(ShipmentUndone):
            return Ending.ROLLED_BACK
        entry = shipped(ledger)
        lost = entry is not None and entry.ran is not None and entry.ran.exit_code not in {0, None}
        return Ending.FAILED if lost or ledger.latest("monitored").get("failed") else Ending.COMPLETE

    def state(self, ledger: Ledger) -> list[str]:
        made, facts = standing(ledger), ledger.latest("shipment")
        about = f"{facts['type']} ({facts['why']}), compared with {facts['base'] or 'nothing'}."
        return [about, *_checklist_lines(ledger, made), *_watched(ledger)]

    def files(self, ledger: Ledger) -> dict[str, str]:
        return {"checklist.md": checklist_page(ledger), "ship-log.tsv": log_table(ledger, self._coverage)}

    def _coverage(self, ledger: Ledger) -> float:
        return self.scores(ledger)[1].value

    def findings(self, ledger: Ledger) -> tuple[HandoffFinding, ...]:
        return tuple(
            HandoffFinding(
                id=one.name,
                title=f"{one.title}: {one.seen}",
                kind="check",
                severity=_SEVERITY[one.weight],
                location=one.places[0].partition(" ")[0] if one.places else "",
                detail="\n".join((*one.places, one.cure)),
                confirmed=not one.judged and one.result is CheckResult.FAILED,
            )
            for one in standing(ledger)
            if not one.holds
        )

    def gate_check(self, ledger: Ledger) -> GateCheck | None:
        if not checked_commit(ledger):
            return GateCheck("ship", None, "the checklist was not run")
        blockers = [one.name for one in standing(ledger) if one.blocks]
        return GateCheck("ship", not blockers, f"blockers: {', '.join(blockers) or 'none'}")

    def follow_ups(self, ledger: Ledger) -> tuple[str, ...]:
        return ("fix",) if any(one.blocks or one.needs_force for one in standing(ledger)) else ()


def _is_over(ledger: Ledger) -> bool:
    """Whether shipping failed, or was taken back."""
    return bool(ledger.of(ShipmentUndone)) or bool(ledger.of(Shipped) and shipped(ledger) is None)


def _no_such_check(ledger: Ledger, name: str) -> Objection | None:
    listed = {check.name: check for check in checklist(ship_type(ledger))}
    names = ", ".join(check.name for check in listed.values() if check.judged)
    if name not in listed:
        return Objection(Fault.BAD_ARGUMENT, f"`{name}` is not on this list. Yours to judge: {names}.")
    if not listed[name].judged:
        return Objection(Fault.BAD_ARGUMENT, f"`{name}` is checked by the server: call `run`. Yours to judge: {names}.")
    return None


def _may_not_ship(ledger: Ledger) -> Objection | None:
    options = ledger.opts(ShipOptions)
    if options.checklist_only or options.dry_run:
        name = "checklist_only" if options.checklist_only else "dry_run"
        return Objection(Fault.OUT_OF_ORDER, f"This ledger was opened with `{name}`: nothing is shipped. Close it.")
    if (entry := shipped(ledger)) is not None:
        return Objection(Fault.OUT_OF_ORDER, f"{entry.id} says that it was shipped. Close, or record rolled-back.")
    if left := unready(ledger):
        return Objection(
            Fault.APPROVAL_NEEDED, "Nothing may be shipped yet, and nobody can approve of it:\n- " + "\n- ".join(left)
        )
    if not approved(ledger):
        void = " What was approved before was something else." if ledger.latest("approved") else ""
        return Objection(Fault.APPROVAL_NEEDED, f"No person approved of this.{void} {approving(ledger)}")
    return None


def approving(ledger: Ledger) -> str:
    """How a person can approve of what stands now."""
    return APPROVING.format(digest=digest(ledger)[:SHOWN_DIGEST])


def _approval_or_shipping(ledger: Ledger) -> tuple[str, ...]:
    if not approved(ledger):
        return (f"a person's approval. {approving(ledger)}",)
    return ("shipping it, and recording `shipped`: what was done, and the tag, branch or command that shows it",)


def _checklist_lines(ledger: Ledger, made: tuple[Made, ...]) -> list[str]:
    commit = checked_commit(ledger)
    if not commit:
        return ["Yours to judge: " + ", ".join(one.name for one in made if one.judged)]
    numbers = ", ".join(f"{count(made, result)} {result.of_several}" for result in CheckResult if count(made, result))
    undo, said = last_rollback(ledger), approved(ledger)
    return [
        f"Checklist at {commit[:7]}, digest {digest(ledger)[:SHOWN_DIGEST]}: {numbers}.",
        *(line for one in made if not one.holds for line in _failed(one)),
        f"Rollback: {undo.title if undo else 'not recorded'}.",
        f"Approved {said}." if said else "Not approved.",
    ]


def _failed(one: Made) -> list[str]:
    shown = one.places[-5:] if one.commands else one.places[:5]  # a command says at its end what went wrong
    return [f"{mark(one)} {one.weight} {one.name}: {one.seen}", *(f"    {place}" for place in shown)]


def _watched(ledger: Ledger) -> list[str]:
    facts = ledger.latest("monitored")
    if not facts:
        return []
    if not facts["failed"]:
        return [f"Watched: {facts['looks']} looks, all well."]
    undo = last_rollback(ledger)
    how = undo.how if undo else ""
    return [f"ALERT: {facts['failed']} of {facts['looks']} looks failed: {facts['tail'][-300:]}. To undo it: {how}"]
