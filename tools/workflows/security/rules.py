"""Security: what enters from less trust is attacked; what was found before is never just forgotten."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from ...errors import Code
from ..ledger.evidence import disproved, mended, pending, proof_of, ran, words
from ..ledger.handoff import Ending, GateCheck, HandoffFinding, without_findings
from ..ledger.items import Depth, Item, ItemOutcome, Withdrawal, Workflow
from ..ledger.pages import clipped, lines, sentence
from ..ledger.rules import Check, Coverage, Need, Objection, Pages, WorkflowRules
from ..ledger.state import Ledger, LedgerEntry, Ran
from .findings import (
    LEFT_OPEN,
    DependencyAudits,
    Known,
    by_a_run,
    fates_of,
    how_sure,
    last_audit,
    looked_at,
    open_findings,
    surface_of,
    to_settle,
)
from .items import BoundaryItem, Cleared, SecurityFinding, SecurityOptions, ThreatTest
from .pages import page_values, sarif_log
from .reach import reaches


def _no_such_boundary(ledger: Ledger, item: ThreatTest) -> Objection | None:
    known = [entry.id for entry in ledger.of(BoundaryItem)]
    if item.boundary in known:
        return None
    there = f"There are: {', '.join(known)}." if known else "Record the boundaries first; then test each."
    return Objection(Code.BAD_ARGUMENT if known else Code.OUT_OF_ORDER, f"There is no {item.boundary}. {there}")


def _talks_to_others(ledger: Ledger, item: ThreatTest) -> Objection | None:
    host = next(filter(None, map(reaches, item.proof.commands)), "")
    if not host:
        return None
    return Objection(
        Code.BAD_ARGUMENT,
        f"The reproduction talks to {host}. It may reach only this machine: start the service here and use localhost. A name "
        "that is only data ends in `.example` or `.invalid`.",
    )


def _untested(ledger: Ledger) -> Iterator[str]:
    """Yield what no test has looked at: a boundary; in an audit of what changed also a file that nothing cites."""
    seen = {one.item.boundary for one in ledger.of(ThreatTest)}
    if left := [entry.id for entry in ledger.of(BoundaryItem) if entry.id not in seen]:
        yield f"a test at {', '.join(left[:6])}: a `finding`, or `cleared` ({len(left)} of the boundaries left)"
    changed = last_audit(ledger).changed if ledger.opts(SecurityOptions).diff else None
    if files := [path for path in changed or () if path not in looked_at(ledger)]:
        yield f"an item that cites {', '.join(files[:6])} ({len(files)} of the changed files left)"


class Security(WorkflowRules):
    """What was found by reading is told as such: only what was run shows anything."""

    name = Workflow.SECURITY
    options = SecurityOptions
    kinds = (BoundaryItem, Cleared, SecurityFinding)
    rounds: ClassVar[Mapping[Depth, int]] = {Depth.SHALLOW: 5, Depth.STANDARD: 15, Depth.DEEP: 0}
    withdrawable = kinds
    onwards = ("fix",)
    checks: ClassVar[Mapping[type[Item], tuple[Check, ...]]] = {ThreatTest: (_no_such_boundary, _talks_to_others)}
    needs = (
        Need(
            lambda ledger: not ledger.of(BoundaryItem),
            "the trust boundaries: where input or control enters, and what can be reached from there",
            first=True,
        ),
        Need(_untested),
        Need(
            to_settle,
            "{0.name} of the last audit still stands at {0.stands}: record it again, or record as `cleared`, with "
            "`upstream`, why it is none any more",
        ),
    )
    pages: ClassVar[Pages] = {"overview.md": "overview.md.j2", "security.sarif": sarif_log}

    def contradicted(self, item: Item, seen: Ran | None) -> Objection | None:
        if (
            isinstance(item, Cleared)
            and item.reproduction
            and seen
            and seen.exit_code is not None
            and not disproved(seen)
        ):
            cure = "The attack has to pass, and the control to fail in the words, with a stand-in that has the weakness"
            return Objection(Code.EVIDENCE, f"Nothing is cleared: `{seen.command}`: {words(seen)}. {cure}.")
        return super().contradicted(item, seen)

    def said(self, ledger: Ledger, entry: LedgerEntry[Any]) -> str:
        return how_sure(ledger, entry) if isinstance(entry.item, ThreatTest) else super().said(ledger, entry)

    def settles(self, ledger: Ledger, entry: LedgerEntry[Any]) -> ItemOutcome | None:
        if isinstance(entry.item, SecurityFinding):
            return ItemOutcome.CONFIRMED if by_a_run(ledger, entry) else None
        over = mended(ran(ledger, entry)) or isinstance(entry.item, Withdrawal) or by_a_run(ledger, entry)
        return super().settles(ledger, entry) if over else None

    def costs(self, kind: str) -> bool:
        return kind in {"cleared", "finding"}

    def spent(self, ledger: Ledger) -> int:
        return sum(isinstance(one.item, ThreatTest) and not one.item.replaces for one in ledger.entries)

    def coverage(self, ledger: Ledger) -> tuple[Coverage, ...]:
        known = [entry.id for entry in ledger.of(BoundaryItem)]
        tested = {one.item.boundary for one in ledger.of(ThreatTest)}
        ran_at = {one.item.boundary for one in ledger.of(ThreatTest) if by_a_run(ledger, one)}
        return (
            Coverage("boundaries looked at", sum(id in tested for id in known), len(known)),
            Coverage("by a run", sum(id in ran_at for id in known), len(known)),
        )

    def missing(self, ledger: Ledger) -> tuple[str, ...]:
        if ledger.opts(SecurityOptions).diff and last_audit(ledger).changed == ():
            return ()
        return super().missing(ledger)

    def allowed(self, ledger: Ledger) -> str:
        looked, run, *_ = self.coverage(ledger)
        return f"{looked.done - run.done} of {looked.of} boundaries were only read" if run.done < looked.done else ""

    def ending(self, ledger: Ledger) -> Ending:
        check = self.gate_check(ledger)
        return Ending.FAILED if check and not check.passed else Ending.COMPLETE

    def gate_check(self, ledger: Ledger) -> GateCheck | None:
        limit = ledger.opts(SecurityOptions).fail_on
        over = {id for id, settled in ledger.overruled.items() if settled.outcome.over}
        left = [one for one in self.findings(ledger) if one.id not in over]
        return without_findings(self.name, left, limit) if limit else None

    def state(self, ledger: Ledger) -> list[str]:
        check, secrets = self.gate_check(ledger), surface_of(ledger).secrets
        return lines(
            check and not check.passed and f"The gate fails: {check.seen}.",
            *_next_steps(ledger),
            secrets and f"Lines in the form of a known secret: {', '.join(secrets[:8])}.",
            *(f"{one.id} {one.item.name}" for one in ledger.of(BoundaryItem)),
            *(
                f"{one.id} {one.item.severity}, {how_sure(ledger, one)}: {one.item.summary}"
                for one in ledger.of(SecurityFinding)[-10:]
            ),
            *_showed_nothing(ledger),
        )

    def page_values(self, ledger: Ledger) -> Mapping[str, object]:
        return {**page_values(ledger), "coverage": self.coverage(ledger)}

    def findings(self, ledger: Ledger) -> tuple[HandoffFinding, ...]:
        return tuple(
            HandoffFinding(
                id=entry.id,
                title=entry.item.summary,
                kind="security",
                severity=entry.item.severity,
                location=entry.item.location,
                quote=entry.item.quote,
                detail=f"{sentence(entry.item.scenario)} Mitigation: {sentence(entry.item.mitigation)}",
                proof=proof_of(ledger, entry),
                confirmed=by_a_run(ledger, entry),
            )
            for entry in open_findings(ledger)
        ) + tuple(_still_open(one.known) for one in fates_of(ledger) if one.fate in LEFT_OPEN)


def _still_open(known: Known) -> HandoffFinding:
    """Return what an earlier audit found and this one leaves open."""
    return HandoffFinding(
        id=known.name, title=known.summary, kind="security", severity=known.severity,
        location=known.stands or known.path, quote=known.quote, proof=known.proof, confirmed=bool(known.proof.command),
    )  # fmt: skip


def _next_steps(ledger: Ledger) -> list[str]:
    """Return what to do now, the most pressing first."""
    last, waiting, audits = last_audit(ledger), len(pending(ledger)), ledger.seen(DependencyAudits)
    return lines(
        last.ledger and f"Last audit: {last.ledger}, {len(last.known)} findings left open.",
        last.warning,
        last.changed and f"Changed since: {', '.join(last.changed[:12])}.",
        waiting
        and f"{waiting} reproductions wait for a person's consent (`autoresearch-mcp approve`); then call `run`.",
        *(f"{one.known.name} of the last audit: {one.fate}" for one in fates_of(ledger)),
        audits
        and not audits.commands
        and "No dependency audit ran: the project names no tool for it that is known here.",
        *(f"`{one.command}`: {one.said}" for one in (audits.commands if audits else ())),
    )


def _showed_nothing(ledger: Ledger) -> list[str]:
    """Return why the runs of the last findings showed nothing, if they did not."""
    left = [(one, ran(ledger, one)) for one in ledger.of(SecurityFinding)[-2:] if not by_a_run(ledger, one)]
    return [f"{one.id}: {clipped(words(seen), 400)}." for one, seen in left if seen and seen.exit_code is not None]
