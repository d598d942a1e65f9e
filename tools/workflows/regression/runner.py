"""Comparing HEAD with where it came from: the server finds the commands, measures both sides, and tidies up.

Every run is recorded as soon as it is made, and the next one follows from what is recorded. So a server that dies loses
nothing, and a call that is made again goes on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...lab.context import Desk
from ...text.hygiene import clean_end
from ..ledger.events import Observed
from ..ledger.items import Workflow
from ..ledger.ledger import Ledger
from ..running.runner import Mechanic, observed
from ..running.store import Ledgers
from .comparison import base_of, contract_rows, jobs_of, notes_of, selected
from .regressions import Side
from .rules import FILES, PLAN, READING, REFUSED, SETUP, RegressionOptions, agreed_jobs, jobs, left, readings, verdict
from .sides import TAIL_CHARACTERS, Cancelled, Sides, clear, now
from .turns import Job, due, seen


class RegressionMechanic(Mechanic):
    """Plans when the ledger is opened; runs until nothing is due; leaves no checkout behind."""

    def opening(self, desk: Desk, ledger: Ledger) -> Sequence[Observed]:
        options = ledger.opts(RegressionOptions)
        base = base_of(desk, options.base)
        clear(desk)
        if not base.commit:
            return (observed(desk, PLAN, base="", why=base.why),)
        found = jobs_of(desk, options)
        chosen, told = selected(desk, options, found, base.commit)
        plan = {
            "base": base.commit,
            "candidate": desk.repo.head(),
            "told": base.told,
            "jobs": [job.model_dump(mode="json", exclude_defaults=True) for job in found],
            "chosen": {side: list(files) for side, files in chosen.items()},
            "notes": [f"Tests: {told}.", *notes_of(desk, base.commit)],
            "verdict_before": _before(desk),
        }
        refused = _unagreed(desk, _commands(options, found))
        return (observed(desk, PLAN, **plan), observed(desk, REFUSED, commands=refused))

    def run(self, desk: Desk, ledger: Ledger, options: Mapping[str, Any]) -> Sequence[Observed]:
        plan, asked = ledger.latest(PLAN), ledger.opts(RegressionOptions)
        if not plan.get("base"):
            return ()
        ledgers = Ledgers(desk)
        refused = _unagreed(desk, _commands(asked, jobs(ledger)))
        if refused != list(ledger.latest(REFUSED).get("commands", ())):
            ledger = ledgers.append(ledger.id, observed(desk, REFUSED, commands=refused))
        if not ledger.latest(FILES):
            found, why = contract_rows(desk, asked, plan["base"], now(desk))
            facts = [row.model_dump(mode="json", exclude_defaults=True) for row in found]
            ledger = ledgers.append(ledger.id, observed(desk, FILES, rows=facts, why=why))
        sides = Sides(
            desk,
            ledger.id,
            {Side.BASELINE: plan["base"], Side.CANDIDATE: plan["candidate"]},
            {Side(side): tuple(files) for side, files in plan["chosen"].items()},
            asked.timeout_s,
        )
        try:
            ledger = _measured(desk, ledger, sides, asked)
        except Cancelled:
            return ()
        if not left(ledger):
            clear(desk)
        return ()

    def closing(self, desk: Desk, ledger: Ledger) -> Sequence[Observed]:
        clear(desk)
        return ()


def _measured(desk: Desk, ledger: Ledger, sides: Sides, asked: RegressionOptions) -> Ledger:
    """Everything that is due, run by run; the ledger after it."""
    ledgers, often, prepared = Ledgers(desk), (asked.reruns, asked.samples), set[Side]()
    unagreed = set(ledger.latest(REFUSED).get("commands", ()))
    if asked.setup in unagreed:
        return ledger
    while next_run := due(agreed_jobs(ledger), readings(ledger), *often):
        side = next_run.side
        if asked.setup and side not in prepared:
            prepared.add(side)
            ledger, ready = _prepared(desk, ledger, sides, side, asked.setup)
            if not ready:
                return ledger
        earlier = seen(readings(ledger), next_run.job, side)
        first = next((one for one in earlier if one.tests is not None), None)
        reading = sides.read(next_run, first)
        ledger = ledgers.append(
            ledger.id, observed(desk, READING, **reading.model_dump(mode="json", exclude_defaults=True))
        )
    return ledger


def _prepared(desk: Desk, ledger: Ledger, sides: Sides, side: Side, command: str) -> tuple[Ledger, bool]:
    """Prepare a side once in this call: what an earlier call prepared may be gone with its checkout."""
    run = sides.run(side, f"regression {ledger.id} setup {side}", command, {})
    tail = clean_end(run.stdout + run.stderr, TAIL_CHARACTERS) if run.exit_code else ""
    facts = {"side": side, "command": command, "exit_code": run.exit_code, "tail": tail, "at": now(desk)}
    return Ledgers(desk).append(ledger.id, observed(desk, SETUP, **facts)), run.exit_code == 0


def _commands(options: RegressionOptions, found: Sequence[Job]) -> list[str]:
    return [*([options.setup] if options.setup else []), *(job.command for job in found)]


def _unagreed(desk: Desk, commands: Sequence[str]) -> list[str]:
    """The commands that nobody agreed to yet, noted for a person to look at."""
    missing = [command for command in dict.fromkeys(commands) if not desk.consent.agreed_to(command)]
    for command in missing:
        desk.consent.want(command)
    return missing


def _before(desk: Desk) -> str:
    """The verdict of the last comparison on this branch, so that a mended regression can be told."""
    closed = (ledger for ledger in Ledgers(desk).closed_ones() if ledger.workflow is Workflow.REGRESSION)
    last = next(closed, None)
    return verdict(last).word if last else ""
