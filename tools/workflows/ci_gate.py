"""What the gate of CI looks at: the session, and the ledgers of this branch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ..errors import Code, Refusal
from ..lab.context import RepoContext
from .ledger.evidence import mended, shown
from .ledger.handoff import GateCheck, HandoffFinding, ended_well, target_reached, without_findings
from .ledger.items import Settlement, Severity, Workflow
from .ledger.rules import rules_of, workflow_named
from .running.inspection import prove
from .running.store import Ledgers


@dataclass(frozen=True)
class GateDemands:
    """What the gate insists on; all empty means everything that there is something to say about."""

    target: bool = False
    fail_on: str = ""
    regression: bool = False
    complete: tuple[str, ...] = ()

    @property
    def all(self) -> bool:
        """Whether nothing in particular was asked for."""
        return not (self.target or self.fail_on or self.regression or self.complete)


def gate_checks(context: RepoContext, asked: GateDemands) -> list[GateCheck]:
    """Return every check that was asked for.

    Raises:
        Refusal: for a severity or a workflow that is none.
    """
    found = [
        *_target(context, asked),
        *_findings(context, asked),
        *_verdicts(context, asked),
        *_endings(context, asked),
    ]
    return found or [GateCheck("gate", None, "this branch has no session with a target, and no ledger")]


def _target(context: RepoContext, asked: GateDemands) -> Iterator[GateCheck]:
    check = target_reached(context.session)
    if asked.target or (asked.all and check.passed is not None):
        yield check


def _findings(context: RepoContext, asked: GateDemands) -> Iterator[GateCheck]:
    if not asked.fail_on:
        return
    severity = _severity(asked.fail_on)
    ledgers = Ledgers(context)
    named = [workflow_named(name) for name in asked.complete] or list(Workflow)
    found = [ledger for workflow in named if (ledger := ledgers.last(workflow))]
    if not found:
        yield GateCheck("findings", None, "there is no ledger on this branch")
    for ledger in found:
        findings, told = _run_again(context, ledgers.handoff(ledger).findings)
        check = without_findings(ledger.workflow, findings, severity)
        yield replace(check, seen=check.seen + told)


def _run_again(context: RepoContext, findings: Sequence[HandoffFinding]) -> tuple[list[HandoffFinding], str]:
    """Run the proofs of findings again, where a person agreed; return the findings as they stand now, and what was run.

    What fails as it did stands, whatever was said of it since; what was shown once and passes is over.
    """
    now, ran = [], 0
    for one in findings:
        agreed = one.proof.fails_with and all(map(context.consent.agreed_to, one.proof.commands))
        seen = prove(context, one.proof, anew=True) if agreed else None
        ran += seen is not None
        outcome = None if shown(seen) else Settlement.FIXED if one.confirmed and mended(seen) else one.outcome
        now.append(one.model_copy(update={"outcome": outcome}))
    proofs = sum(bool(one.proof.fails_with) for one in findings)
    return now, f"; ran {ran} of {proofs} reproductions again" if proofs else ""


def _verdicts(context: RepoContext, asked: GateDemands) -> Iterator[GateCheck]:
    """Yield what ledgers say of themselves: a regression verdict, an audit that was told where to fail."""
    ledgers, found = Ledgers(context), False
    for workflow in Workflow if asked.all else [Workflow.REGRESSION] if asked.regression else []:
        ledger = ledgers.last(workflow)
        check = rules_of(workflow).gate_check(ledger) if ledger else None
        if ledger and check and check.passed and ledger.closed and ledger.closed.commit != context.repo.head():
            check = GateCheck(check.name, None, f"{check.seen}, but at {ledger.closed.commit[:7]}, not here")
        if check:
            found = True
            yield check
    if asked.regression and not found:
        yield GateCheck("regression", None, "there is no verdict on this branch")


def _endings(context: RepoContext, asked: GateDemands) -> Iterator[GateCheck]:
    ledgers = Ledgers(context)
    for workflow in [workflow_named(name) for name in asked.complete] or (list(Workflow) if asked.all else []):
        ledger = ledgers.last(workflow)
        if ledger:
            ending = ledger.closed.ending if ledger.closed else ""
            yield ended_well(workflow, ending, rules_of(workflow).missing(ledger))
        elif asked.complete:
            yield GateCheck(f"{workflow} ledger", None, "there is none on this branch")


def _severity(word: str) -> Severity:
    try:
        return Severity(word)
    except ValueError:
        raise Refusal(Code.BAD_ARGUMENT, f"{word!r} is no severity. Use one of: {', '.join(Severity)}.") from None
