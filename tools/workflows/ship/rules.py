"""Shipping: a checklist that the server runs, a rehearsal, a person's approval, and a look at what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from ...errors import Code
from ..ledger.handoff import Ending, GateCheck, HandoffFinding
from ..ledger.items import Item, Options, Severity, Workflow
from ..ledger.rules import Coverage, Objection, Pages, WorkflowRules
from ..ledger.state import Ledger
from .checks.checklists import Weight
from .checks.material import CheckResult
from .pull_request import PAGE, pull_request_page
from .shipment import (
    SHOWN_DIGEST,
    CheckState,
    DryRun,
    Monitoring,
    Rollback,
    ShipmentApproval,
    ShipmentUndone,
    ShipOptions,
    Shipped,
    approved,
    checked_commit,
    count,
    current_checks,
    digest,
    last_dry_run,
    last_rollback,
    rehearsal_wanted,
    shipment_of,
    shipped,
    unready,
    was_run,
    went_well,
)

_SEVERITY = {Weight.BLOCKER: Severity.CRITICAL, Weight.REQUIRED: Severity.HIGH, Weight.RECOMMENDED: Severity.LOW}
_COUNTED = (CheckResult.PASSED, CheckResult.FAILED, CheckResult.OPEN)
APPROVING = 'A person approves: `run` with {{"approve": "{digest}"}} asks through the client, or `autoresearch-mcp approve` in a terminal.'


class Ship(WorkflowRules):
    """Nothing leaves without a checklist, a way back, and a person who said yes to exactly that."""

    name = Workflow.SHIP
    options = ShipOptions
    kinds = (Rollback, DryRun, Shipped, ShipmentUndone)
    pages: ClassVar[Pages] = {
        "checklist.md": "checklist.md.j2",
        PAGE: pull_request_page,
    }

    def objection(self, ledger: Ledger, item: Item) -> Objection | None:
        match item:
            case DryRun(run="", note=""):
                return Objection(Code.MISSING_FIELD, "Give `run`, a command; or `note`, what was rehearsed instead.")
            case Shipped():
                return _may_not_ship(ledger)
            case ShipmentUndone() if shipped(ledger) is None:
                return Objection(Code.OUT_OF_ORDER, "Nothing was shipped, so there is nothing to take back.")
            case _:
                return None

    def most(self, options: Options) -> int:
        return 0

    def coverage(self, ledger: Ledger) -> tuple[Coverage, ...]:
        made = current_checks(ledger)
        applying = [one for one in made if one.result is not CheckResult.NOT_HERE]
        looked = sum(one.result is not CheckResult.OPEN for one in applying)
        return Coverage("checks made", looked, len(applying)), Coverage(
            "passed", count(made, CheckResult.PASSED), len(applying)
        )

    def missing(self, ledger: Ledger) -> tuple[str, ...]:
        options = ledger.opts(ShipOptions)
        if not checked_commit(ledger):
            return unready(ledger)
        if options.checklist_only:
            return ()
        if options.dry_run:
            return rehearsal_wanted(ledger)
        if _is_over(ledger):
            return ()
        if shipped(ledger) is None:
            return unready(ledger) or _approval_or_shipping(ledger)
        watched = not options.monitor or ledger.seen(Monitoring)
        return () if watched else ('watching: call workflow with `run` and {"monitor": true}',)

    def ending(self, ledger: Ledger) -> Ending:
        options = ledger.opts(ShipOptions)
        if options.checklist_only or options.dry_run:
            return Ending.DRY_RUN
        if ledger.of(ShipmentUndone):
            return Ending.ROLLED_BACK
        entry = shipped(ledger)
        lost = entry is not None and entry.ran is not None and entry.ran.exit_code not in {0, None}
        watched = ledger.seen(Monitoring)
        return Ending.FAILED if lost or (watched and watched.failed) else Ending.COMPLETE

    def state(self, ledger: Ledger) -> list[str]:
        found = shipment_of(ledger)
        about = f"{found.type} ({found.why}), compared with {found.base or 'nothing'}."
        text = f"The text for a pull request, told by the ledgers: {ledger.folder}/{PAGE}"
        told = [text] if pull_request_page(ledger) else []
        over = [] if ledger.closed or self.missing(ledger) else ["Nothing is missing: close it."]
        return [*over, about, *_checklist_lines(ledger, current_checks(ledger)), *told, *_watched(ledger)]

    def drafts(self, ledger: Ledger) -> dict[str, str]:
        text = pull_request_page(ledger)
        return {PAGE: text} if text else {}

    def page_values(self, ledger: Ledger) -> Mapping[str, object]:
        checks = current_checks(ledger)
        groups = [(weight, [one for one in checks if one.weight is weight]) for weight in Weight]
        return {
            "shipment": shipment_of(ledger),
            "target": ledger.opts(ShipOptions).target,
            "commit": checked_commit(ledger),
            "digest": digest(ledger)[:SHOWN_DIGEST],
            "groups": [(weight, found) for weight, found in groups if found],
            "rollback": last_rollback(ledger),
            "dry_run": last_dry_run(ledger),
            "approved": approved(ledger),
            "outcome": [entry for entry in ledger.entries if isinstance(entry.item, Shipped | ShipmentUndone)],
        }

    def findings(self, ledger: Ledger) -> tuple[HandoffFinding, ...]:
        return tuple(
            HandoffFinding(
                id=one.name,
                title=f"{one.title}: {one.seen}",
                kind="check",
                severity=_SEVERITY[one.weight],
                location=one.places[0].partition(" ")[0] if one.places else "",
                detail="\n".join((*one.places, one.cure)),
                confirmed=one.result is CheckResult.FAILED,
            )
            for one in current_checks(ledger)
            if not one.holds
        )

    def gate_check(self, ledger: Ledger) -> GateCheck | None:
        if not checked_commit(ledger):
            return GateCheck("ship", None, "the checklist was not run")
        blockers = [one.name for one in current_checks(ledger) if one.blocks]
        rehearsed = [one.id for one in ledger.of(DryRun) if was_run(one) and not went_well(one)]
        failed = f"; failed dry runs: {', '.join(rehearsed)}" if rehearsed else ""
        return GateCheck(
            "ship", not blockers, f"{shipment_of(ledger).type}: blockers: {', '.join(blockers) or 'none'}{failed}"
        )

    def follow_ups(self, ledger: Ledger) -> tuple[str, ...]:
        return ("fix",) if any(one.blocks or one.needs_force for one in current_checks(ledger)) else ()


def _is_over(ledger: Ledger) -> bool:
    """Return whether shipping failed, or was taken back."""
    return bool(ledger.of(ShipmentUndone)) or bool(ledger.of(Shipped) and shipped(ledger) is None)


def _may_not_ship(ledger: Ledger) -> Objection | None:
    options = ledger.opts(ShipOptions)
    if options.checklist_only or options.dry_run:
        name = "checklist_only" if options.checklist_only else "dry_run"
        return Objection(Code.OUT_OF_ORDER, f"This ledger was opened with `{name}`: nothing is shipped. Close it.")
    if (entry := shipped(ledger)) is not None:
        return Objection(Code.OUT_OF_ORDER, f"{entry.id} says that it was shipped. Close, or record rolled-back.")
    if left := unready(ledger):
        return Objection(
            Code.APPROVAL_NEEDED, "Nothing may be shipped yet, and nobody can approve of it:\n- " + "\n- ".join(left)
        )
    if not approved(ledger):
        void = " What was approved before was something else." if ledger.seen(ShipmentApproval) else ""
        return Objection(Code.APPROVAL_NEEDED, f"No person approved of this.{void} {approving(ledger)}")
    return None


def approving(ledger: Ledger) -> str:
    """Return how a person can approve of what stands now."""
    return APPROVING.format(digest=digest(ledger)[:SHOWN_DIGEST])


def _approval_or_shipping(ledger: Ledger) -> tuple[str, ...]:
    if not approved(ledger):
        return (f"a person's approval. {approving(ledger)}",)
    return ("shipping it, and recording `shipped`: what was done, and the tag, branch or command that shows it",)


def _checklist_lines(ledger: Ledger, made: tuple[CheckState, ...]) -> list[str]:
    commit = checked_commit(ledger)
    if not commit:
        return []
    numbers = ", ".join(f"{count(made, result)} {result}" for result in _COUNTED if count(made, result))
    apart = ", ".join(one.name for one in made if one.result is CheckResult.NOT_HERE)
    undo, said = last_rollback(ledger), approved(ledger)
    return [
        f"Checklist at {commit[:7]}, digest {digest(ledger)[:SHOWN_DIGEST]}: {numbers}.",
        *([f"Not applicable: {apart}."] if apart else []),
        *(line for one in made if not one.holds for line in one.told),
        f"Rollback: {undo.title if undo else 'not recorded'}.",
        f"Approved {said}." if said else "Not approved.",
    ]


def _watched(ledger: Ledger) -> list[str]:
    found = ledger.seen(Monitoring)
    if found is None:
        return []
    if not found.failed:
        return [f"Watched: {found.looks} looks, all well."]
    undo = last_rollback(ledger)
    how = undo.how if undo else ""
    return [f"ALERT: {found.failed} of {found.looks} looks failed: {found.tail[-300:]}. To undo it: {how}"]
