"""What came of shipping: whether git shows it, and whether it is well for a while."""

from __future__ import annotations

from collections.abc import Sequence

from ...errors import Code, Refusal
from ...lab.context import RepoContext
from ..ledger.events import Observed
from ..ledger.ledger import Ledger
from ..running.runner import observed
from .items import ShipOptions, Shipped
from .project_commands import HEALTH_S, last_lines
from .shipment import checked_commit, shipped
from .shipped import tags

GIVE_UP_AFTER = 3
"""Looks in a row that fail, after which watching ends: somebody has to act."""


def verified(context: RepoContext, ledger: Ledger, item: Shipped) -> str:
    """What git shows of it here.

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
    told = [_tag(context, item.tag, commit)] if item.tag else []
    return "; ".join([*told, *([_branch(context, item.branch, commit)] if item.branch else [])])


def _tag(context: RepoContext, tag: str, commit: str) -> str:
    at = tags(context).get(tag, "")
    if at == commit:
        return f"{tag} stands at {commit[:7]}"
    raise _something_else(tag, at, commit)


def _branch(context: RepoContext, branch: str, commit: str) -> str:
    """Where a branch stands, as git knows it here: of one that was pushed, since it was pushed or fetched."""
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
    while looks < most and row < GIVE_UP_AFTER and not context.cancelled:
        if looks:
            context.run(context.key("ship pause"), f"sleep {options.every}", options.every + 60, context.repo.root, {})
        run = context.run(context.key("ship watch"), options.health, HEALTH_S, context.repo.root, {})
        well = run.exit_code == 0 and not run.timed_out
        looks, failed, row = looks + 1, failed + (not well), 0 if well else row + 1
        tail = tail if well else "\n".join(last_lines(run))
    if context.cancelled:
        raise Refusal(Code.INCOMPLETE, "Watching was cancelled. Start it again, or close with a why.")
    return (
        observed(
            context, "monitored", at=context.now(), looks=looks, failed=failed, tail=tail, commit=checked_commit(ledger)
        ),
    )
