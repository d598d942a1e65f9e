"""A person's approval of a shipment: what they are shown, and how their yes is written down. No tool calls this for an agent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from ...errors import Code, Refusal
from ...lab.access import Lab
from ...lab.context import RepoContext
from ...text.redaction import visible
from ...vocabulary import Tool
from ..ledger.items import Workflow
from ..ledger.pages import lines
from ..ledger.state import Ledger
from ..running.runner import saw
from ..running.store import Ledgers
from .checks.material import CheckResult
from .shipment import (
    SHOWN_DIGEST,
    ShipmentApproval,
    ShipOptions,
    approved,
    checked_commit,
    current_checks,
    digest,
    last_dry_run,
    last_rollback,
    shipment_of,
    unready,
    went_well,
)


@dataclass(frozen=True)
class Waiting:
    """A shipment that waits for a person: what to show them, and the digest of all that it rests on."""

    question: str
    digest: str


def waiting_shipment(lab: Lab, repo: str = "") -> Waiting | None:
    """Return the shipment of this branch that a person could approve of now; None if there is none."""
    context = lab.for_reading(repo)
    ledger = Ledgers(context).open_one(Workflow.SHIP)
    if ledger is None or approved(ledger) or _in_the_way(context, ledger):
        return None
    return Waiting("\n".join(map(visible, approval_question(ledger).splitlines())), digest(ledger))


def approve_shipment(lab: Lab, shown: str, by: str, repo: str = "") -> None:
    """Write down that somebody said yes to what has this digest. `by` says where, as in `in the client`.

    Raises:
        Refusal: if it is not what stands now.
    """
    with lab.for_writing(repo, Tool.WORKFLOW) as context:
        ledgers = Ledgers(context)
        ledger = ledgers.open_one(Workflow.SHIP)
        why = "no ship ledger is open" if ledger is None else _in_the_way(context, ledger)
        if ledger is None or why or digest(ledger) != shown:
            raise Refusal(
                Code.APPROVAL_NEEDED, f"This cannot be approved of: {why or 'it has changed since it was shown'}."
            )
        at = datetime.fromtimestamp(context.now(), UTC).isoformat(timespec="seconds")
        said = ShipmentApproval(digest=shown, commit=checked_commit(ledger), by=f"{by}, {at}")
        ledgers.append(ledger.id, saw(context, said))


def is_digest(said: object, whole: str) -> bool:
    """Return whether what was said names a digest, as it is shown or in full."""
    return isinstance(said, str) and len(said) >= SHOWN_DIGEST and whole.startswith(said)


def approval_question(ledger: Ledger) -> str:
    """Return what a person is shown and asked. All that matters stands in it; the whole list is in the ledger."""
    found, made, options = shipment_of(ledger), current_checks(ledger), ledger.opts(ShipOptions)
    undo = last_rollback(ledger)
    open_ones = [f"  {line}" for one in made if not one.holds for line in one.told]
    commands = [f"  {command}" for one in made if one.result is not CheckResult.OPEN for command in one.commands]
    rehearsal = last_dry_run(ledger)
    tried = (
        f"{'ok' if went_well(rehearsal) else 'not seen to go well'}: {rehearsal.item.title}" if rehearsal else "none"
    )
    parts = lines(
        f"May this be shipped? {found.type} {options.target}".rstrip() + (f": {options.goal}" if options.goal else ""),
        f"Commit {checked_commit(ledger)[:12]}, checklist {digest(ledger)[:SHOWN_DIGEST]}.",
        f"{sum(one.result is CheckResult.PASSED for one in made)} checks passed.",
        open_ones and "Do not hold, or nobody looked:",
        *open_ones,
        commands and "Commands that were run:",
        *commands,
        f"Dry run: {tried}",
        ("THIS CANNOT BE UNDONE. Instead: " if undo and undo.irreversible else "To undo it: ")
        + (undo.how if undo else "-"),
        options.monitor and f"Afterwards watched for {options.monitor:g} minutes with: {options.health}",
    )
    return "\n".join(parts)


def _in_the_way(context: RepoContext, ledger: Ledger) -> str:
    """Return why nobody can approve of a shipment now; empty if a person can."""
    options = ledger.opts(ShipOptions)
    if options.dry_run or options.checklist_only:
        return "it was opened to ship nothing"
    if left := unready(ledger):
        return "; ".join(left)
    return "" if context.repo.head() == checked_commit(ledger) else "HEAD has moved since the checklist was run"
