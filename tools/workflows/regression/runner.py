"""Comparing HEAD with where it came from: the server finds the commands, measures both sides, and tidies up.

Every run is recorded as soon as it is made, and the next one follows from what is recorded. So a server that dies loses
nothing, and a call that is made again goes on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...lab.context import RepoContext
from ...text.hygiene import clean_end
from ..ledger.events import Observed
from ..ledger.items import Workflow
from ..ledger.ledger import Ledger
from ..running.runner import WorkflowRunner, observed
from ..running.store import Ledgers
from .comparison import base_of, contract_rows, jobs_of, notes_of, selected
from .regressions import ComparisonSide
from .rules import FILES, PLAN, READING, REFUSED, SETUP, RegressionOptions, agreed_jobs, jobs, left, readings, verdict
from .sides import TAIL_CHARACTERS, RunCancelled, Sides, clear, now
from .turns import ComparisonJob, due, seen


class RegressionMechanic(WorkflowRunner):
    """Plans when the ledger is opened; runs until nothing is due; leaves no checkout behind."""

    def opening(self, context: RepoContext, ledger: Ledger) -> Sequence[Observed]:
        options = ledger.opts(RegressionOptions)
        base = base_of(context, options.base)
        clear(context)
        if not base.commit:
            return (observed(context, PLAN, base="", why=base.why),)
        found = jobs_of(context, options)
        chosen, told = selected(context, options, found, base.commit)
        plan = {
            "base": base.commit,
            "candidate": context.repo.head(),
            "told": base.told,
            "jobs": [job.model_dump(mode="json", exclude_defaults=True) for job in found],
            "chosen": {side: list(files) for side, files in chosen.items()},
            "notes": [f"Tests: {told}.", *notes_of(context, base.commit)],
            "verdict_before": _before(context),
        }
        refused = _unagreed(context, _commands(options, found))
        return (observed(context, PLAN, **plan), observed(context, REFUSED, commands=refused))

    def run(self, context: RepoContext, ledger: Ledger, options: Mapping[str, Any]) -> Sequence[Observed]:
        plan, asked = ledger.latest(PLAN), ledger.opts(RegressionOptions)
        if not plan.get("base"):
            return ()
        ledgers = Ledgers(context)
        refused = _unagreed(context, _commands(asked, jobs(ledger)))
        if refused != list(ledger.latest(REFUSED).get("commands", ())):
            ledger = ledgers.append(ledger.id, observed(context, REFUSED, commands=refused))
        if not ledger.latest(FILES):
            found, why = contract_rows(context, asked, plan["base"], now(context))
            facts = [row.model_dump(mode="json", exclude_defaults=True) for row in found]
            ledger = ledgers.append(ledger.id, observed(context, FILES, rows=facts, why=why))
        sides = Sides(
            context,
            ledger.id,
            {ComparisonSide.BASELINE: plan["base"], ComparisonSide.CANDIDATE: plan["candidate"]},
            {ComparisonSide(side): tuple(files) for side, files in plan["chosen"].items()},
            asked.timeout_s,
        )
        try:
            ledger = _measured(context, ledger, sides, asked)
        except RunCancelled:
            return ()
        if not left(ledger):
            clear(context)
        return ()

    def closing(self, context: RepoContext, ledger: Ledger) -> Sequence[Observed]:
        clear(context)
        return ()


def _measured(context: RepoContext, ledger: Ledger, sides: Sides, asked: RegressionOptions) -> Ledger:
    """Everything that is due, run by run; the ledger after it."""
    ledgers, often, prepared = Ledgers(context), (asked.reruns, asked.samples), set[ComparisonSide]()
    unagreed = set(ledger.latest(REFUSED).get("commands", ()))
    if asked.setup in unagreed:
        return ledger
    while next_run := due(agreed_jobs(ledger), readings(ledger), *often):
        side = next_run.side
        if asked.setup and side not in prepared:
            prepared.add(side)
            ledger, ready = _prepared(context, ledger, sides, side, asked.setup)
            if not ready:
                return ledger
        earlier = seen(readings(ledger), next_run.job, side)
        first = next((one for one in earlier if one.tests is not None), None)
        reading = sides.read(next_run, first)
        ledger = ledgers.append(
            ledger.id, observed(context, READING, **reading.model_dump(mode="json", exclude_defaults=True))
        )
    return ledger


def _prepared(
    context: RepoContext, ledger: Ledger, sides: Sides, side: ComparisonSide, command: str
) -> tuple[Ledger, bool]:
    """Prepare a side once in this call: what an earlier call prepared may be gone with its checkout."""
    run = sides.run(side, f"regression {ledger.id} setup {side}", command, {})
    tail = clean_end(run.stdout + run.stderr, TAIL_CHARACTERS) if run.exit_code else ""
    facts = {"side": side, "command": command, "exit_code": run.exit_code, "tail": tail, "at": now(context)}
    return Ledgers(context).append(ledger.id, observed(context, SETUP, **facts)), run.exit_code == 0


def _commands(options: RegressionOptions, found: Sequence[ComparisonJob]) -> list[str]:
    return [*([options.setup] if options.setup else []), *(job.command for job in found)]


def _unagreed(context: RepoContext, commands: Sequence[str]) -> list[str]:
    """The commands that nobody agreed to yet, noted for a person to look at."""
    missing = [command for command in dict.fromkeys(commands) if not context.consent.agreed_to(command)]
    for command in missing:
        context.consent.want(command)
    return missing


def _before(context: RepoContext) -> str:
    """The verdict of the last comparison on this branch, so that a mended regression can be told."""
    closed = (ledger for ledger in Ledgers(context).closed_ones() if ledger.workflow is Workflow.REGRESSION)
    last = next(closed, None)
    return verdict(last).word if last else ""
