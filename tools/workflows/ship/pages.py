"""A shipment as files: the checklist that a person reads before saying yes, and the log."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from ..ledger.ledger import Ledger, LedgerEntry
from ..ledger.pages import quoted, section, table
from .checks.checklists import Weight
from .checks.material import CheckResult
from .shipment import (
    SHOWN_DIGEST,
    DryRun,
    Made,
    Rollback,
    ShipmentUndone,
    ShipOptions,
    Shipped,
    approved,
    checked_commit,
    digest,
    last_dry_run,
    last_rollback,
    standing,
    went_well,
)

COLUMNS = ("timestamp", "type", "target", "checklist_score", "dry_run", "shipped", "verified", "duration", "notes")
_MARKS = {CheckResult.PASSED: "[x]", CheckResult.FAILED: "[ ]", CheckResult.OPEN: "[?]", CheckResult.NOT_HERE: "[-]"}


def mark(one: Made) -> str:
    """What stands before a check in a list."""
    return _MARKS[one.result]


def checklist_page(ledger: Ledger) -> str:
    """The whole checklist, blockers first, with what was seen; then how to undo it, the rehearsal and the approval."""
    facts, made = ledger.latest("shipment"), standing(ledger)
    target = ledger.opts(ShipOptions).target
    groups = [_group(weight, [one for one in made if one.weight is weight]) for weight in Weight]
    parts = [
        f"# Checklist: {facts['type']}{f' of {target}' if target else ''}\n",
        f"{_where(ledger)}\n\n[x] passed, [ ] failed, [?] nobody looked, [-] does not apply.\n",
        *(group for group in groups if group),
        f"## Rollback\n\n{_rollback(last_rollback(ledger))}\n",
        f"## Dry run\n\n{_dry_run(last_dry_run(ledger))}\n",
        f"## Approval\n\n{f'Approved {told}.' if (told := approved(ledger)) else 'Nobody has approved of this.'}\n",
        section(
            "Shipped", [_went(entry) for entry in ledger.entries if isinstance(entry.item, Shipped | ShipmentUndone)]
        ),
    ]
    return "\n".join(part for part in parts if part)


def _where(ledger: Ledger) -> str:
    commit, base = checked_commit(ledger), ledger.latest("shipment")["base"]
    at = f"At commit {commit[:12]}" if commit else "Not run"
    return f"{at}, compared with {base or 'nothing'}. Digest {digest(ledger)[:SHOWN_DIGEST]}."


def _group(weight: Weight, made: list[Made]) -> str:
    lines = [line for one in made for line in _lines(one)]
    return (
        f"## {weight.capitalize()}{'s' if weight is Weight.BLOCKER else ''}\n\n" + "\n".join(lines) + "\n"
        if made
        else ""
    )


def _lines(one: Made) -> Iterator[str]:
    who = " (judged)" if one.judged else ""
    yield f"- {mark(one)} **{one.name}** {one.title}{who}: {one.seen}"
    for place in one.places:
        yield f"    - `{place}`"
    if one.found > len(one.places):
        yield f"    - and {one.found - len(one.places)} more"
    for command in one.commands:
        yield f"    - command: `{command}`"
    if not one.holds and one.cure:
        yield f"    - cure: {one.cure}"


def _rollback(undo: Rollback | None) -> str:
    if undo is None:
        return "Not recorded."
    return f"**This cannot be undone.** Instead: {undo.how}" if undo.irreversible else undo.how


def _dry_run(entry: LedgerEntry[DryRun] | None) -> str:
    if entry is None:
        return "None of this commit."
    if not entry.item.run:
        return f"No command: {entry.item.note}"
    ran = entry.ran
    told = "not run" if ran is None else ran.why or ("timed out" if ran.timed_out else f"exit {ran.exit_code}")
    return f"{told}.\n\n{quoted(entry.item.run)}\n" + (
        f"\n{quoted(ran.tail.strip())}" if ran and ran.tail.strip() else ""
    )


def _went(entry: LedgerEntry[Any]) -> str:
    """That something was shipped or taken back, and what bears it out."""
    item, ran = entry.item, entry.ran
    seen = [item.classified] if item.classified else []
    seen += [f"`{ran.command}`: {ran.why or f'exit {ran.exit_code}'}"] if ran else []
    return f"- **{entry.id}** {item.kind}: {item.title} ({'; '.join(seen) or 'nothing bears it out'})"


def log_table(ledger: Ledger, score: Callable[[Ledger], float]) -> str:
    """One row for each thing that happened, the oldest first, with the score as it stood then. `duration` is in seconds
    since the ledger was opened.
    """
    facts = ledger.latest("shipment")
    target = ledger.opts(ShipOptions).target or "-"
    return table(
        COLUMNS,
        [
            (
                datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds"),
                facts["type"],
                target,
                f"{score(_as_of(ledger, at)):.1f}",
                *states,
                f"{at - ledger.at:.0f}",
                notes,
            )
            for at, states, notes in sorted(_happened(ledger), key=lambda row: row[0])
        ],
    )


def _as_of(ledger: Ledger, at: float) -> Ledger:
    """The ledger as it stood at a moment, in seconds since the epoch."""
    observed = tuple(seen for seen in ledger.observed if float(seen.facts.get("at", 0)) <= at)
    return replace(ledger, observed=observed, entries=tuple(entry for entry in ledger.entries if entry.at <= at))


_Row = tuple[float, tuple[str, str, str], str]


def _happened(ledger: Ledger) -> Iterator[_Row]:
    for seen in ledger.observed:
        if seen.what in {"checklist", "approved", "monitored"}:
            yield float(seen.facts["at"]), ("-", "-", "-"), _observed(seen.what, seen.facts)
    for entry in ledger.entries:
        match entry.item:
            case DryRun():
                well = "ok" if entry.ran and entry.ran.exit_code == 0 else "not seen"
                yield entry.at, (well, "-", "-"), f"dry-run: {entry.item.title}"
            case Shipped(failed=failed, verified=verified):
                came = verified or ("ok" if entry.ran and entry.ran.exit_code == 0 else "not verified")
                yield entry.at, ("-", "no" if failed else "yes", came), f"shipped: {entry.item.title}"
            case ShipmentUndone():
                yield entry.at, ("-", "taken back", "-"), f"rolled-back: {entry.item.title}"
            case item:
                yield entry.at, ("-", "-", "-"), f"{item.kind}: {item.title}"


def _observed(what: str, facts: Mapping[str, object]) -> str:
    commit = str(facts.get("commit", ""))[:7]
    match what:
        case "checklist":
            return f"checklist at {commit}: {facts['summary']}"
        case "approved":
            return f"approved at {commit} {facts['by']}, digest {str(facts['digest'])[:SHOWN_DIGEST]}"
        case _:
            return f"watched: {facts['looks']} looks, {facts['failed']} failed"


def approval_question(ledger: Ledger) -> str:
    """What a person is shown and asked. All that matters stands in it; the whole list is in the ledger."""
    facts, made, options = ledger.latest("shipment"), standing(ledger), ledger.opts(ShipOptions)
    undo = last_rollback(ledger)
    open_ones = [f"  {mark(one)} {one.weight} {one.name}: {one.seen}" for one in made if not one.holds]
    judged = [f"  {mark(one)} {one.name}: {one.seen}" for one in made if one.judged and one.holds]
    commands = [f"  {command}" for one in made if one.result is not CheckResult.OPEN for command in one.commands]
    rehearsal = last_dry_run(ledger)
    tried = (
        f"{'ok' if went_well(rehearsal) else 'not seen to go well'}: {rehearsal.item.title}" if rehearsal else "none"
    )
    lines = [
        f"May this be shipped? {facts['type']} {options.target}".rstrip()
        + (f": {options.goal}" if options.goal else ""),
        f"Commit {checked_commit(ledger)[:12]}, checklist {digest(ledger)[:SHOWN_DIGEST]}.",
        f"{sum(one.result is CheckResult.PASSED for one in made)} checks passed.",
        *(["Do not hold, or nobody looked:", *open_ones] if open_ones else []),
        *(["Judged by the agent, not measured:", *judged] if judged else []),
        *(["Commands that were run:", *commands] if commands else []),
        f"Dry run: {tried}",
        ("THIS CANNOT BE UNDONE. Instead: " if undo and undo.irreversible else "To undo it: ")
        + (undo.how if undo else "-"),
        *([f"Afterwards watched for {options.monitor:g} minutes with: {options.health}"] if options.monitor else []),
    ]
    return "\n".join(lines)
