"""What the gate of CI looks at: the session, and the ledgers of this branch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ..errors import Code, Refusal
from ..lab.context import RepoContext
from .gate_findings import FindingsAsked, findings_check, same_code
from .ledger.handoff import GateCheck, ended_well, severe, target_reached
from .ledger.items import Severity, Workflow
from .ledger.rules import rules_of, workflow_named
from .running.runner import runner_of
from .running.since import edited_since
from .running.store import Ledgers


@dataclass(frozen=True)
class GateDemands:
    """What the gate insists on; all empty means everything that there is something to say about, and of findings those alone that
    the server saw shown, however severe they are called. Reproductions run on what git has, or on the files as they stand where
    `uncommitted` edits are to count.
    """

    target: bool = False
    fail_on: str = ""
    regression: bool = False
    complete: tuple[str, ...] = ()
    uncommitted: bool = False

    @property
    def all(self) -> bool:
        """Whether nothing in particular was asked for."""
        return not (self.target or self.fail_on or self.regression or self.complete)


def gate_checks(context: RepoContext, asked: GateDemands) -> list[GateCheck]:
    """Return every check that was asked for.

    Raises:
        Refusal: for a severity or a workflow that is none.
    """
    held = list(_findings(context, asked))
    found = [*_target(context, asked), *held, *_verdicts(context, asked), *_endings(context, asked, held)]
    return found or [GateCheck("gate", None, "this branch has no session with a target, and no ledger")]


def _target(context: RepoContext, asked: GateDemands) -> Iterator[GateCheck]:
    check = target_reached(context.session)
    if asked.target or (asked.all and check.passed is not None):
        yield check


def _findings(context: RepoContext, asked: GateDemands) -> Iterator[GateCheck]:
    if not (asked.fail_on or asked.all):
        return
    severity = _severity(asked.fail_on or Severity.INFO)
    named = [workflow_named(name) for name in asked.complete] or list(Workflow)
    questions = (
        FindingsAsked(workflow, severity, asked.all, workflow in asked.complete, asked.uncommitted)
        for workflow in named
    )
    checks = [check for one in questions if (check := findings_check(context, one))]
    yield from checks or ([GateCheck("findings", None, "there is no ledger on this branch")] if asked.fail_on else [])


def _verdicts(context: RepoContext, asked: GateDemands) -> Iterator[GateCheck]:
    """Yield what ledgers say of themselves: a regression verdict, an audit that was told where to fail."""
    ledgers, found = Ledgers(context), False
    named = [*([Workflow.REGRESSION] if asked.regression else []), *map(workflow_named, asked.complete)]
    for workflow in Workflow if asked.all else dict.fromkeys(named):
        ledger = ledgers.last(workflow)
        check = rules_of(workflow).gate_check(runner_of(workflow).as_of_now(context, ledger)) if ledger else None
        if ledger and check and check.passed and ledger.closed and ledger.closed.commit != context.repo.head():
            check = GateCheck(check.name, None, f"{check.seen}, but at {ledger.closed.commit[:7]}, not here")
        if check and ledger:
            found = found or workflow is Workflow.REGRESSION
            whose = f" of {ledger.id}" if check.name.endswith("findings") else ""  # those of all are told before
            yield replace(check, name=f"{check.name}{whose}", seen=f"{check.seen}{edited_since(context, ledger)}")
    if asked.regression and not found:
        yield GateCheck("regression", None, "there is no verdict on this branch")


def _endings(context: RepoContext, asked: GateDemands, held: Sequence[GateCheck]) -> Iterator[GateCheck]:
    """Yield how ledgers ended: with findings that are in question, only at this code, or where these were `held` here."""
    ledgers, severity = Ledgers(context), _severity(asked.fail_on or Severity.INFO)
    passed = {check.name for check in held if check.passed}
    for workflow in [workflow_named(name) for name in asked.complete] or (list(Workflow) if asked.all else []):
        if ledger := ledgers.last(workflow):
            ending, rules = ledger.closed.ending if ledger.closed else "", rules_of(workflow)
            check = ended_well(workflow, ending, rules.missing(ledger), rules.allowed(ledger))
            found = severe(ledgers.handoff(ledger).findings, severity, settled=True)
            asks = any(one.shown_once or not asked.all for one in found) and not rules.opinions
            at = ledger.closed.commit if ledger.closed else ""
            if (
                check.passed
                and asks
                and f"{workflow} findings" not in passed
                and not same_code(context, at, uncommitted=asked.uncommitted)
            ):
                check = replace(check, passed=None)
            if check.passed or not (asked.all and rules.opinions):  # opinions fail nobody who did not ask for them
                since = f", at {at[:7]}, not here" if at not in {"", context.repo.head()} else ""
                yield replace(check, seen=f"{check.seen}{since}{edited_since(context, ledger)}")
        elif asked.complete:
            yield GateCheck(f"{workflow} ledger", None, "there is none on this branch")


def _severity(word: str) -> Severity:
    try:
        return Severity(word)
    except ValueError:
        raise Refusal(Code.BAD_ARGUMENT, f"{word!r} is no severity. Use one of: {', '.join(Severity)}.") from None
