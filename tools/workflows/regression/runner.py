"""Compare HEAD with where it forked: the server finds the commands, measures both sides, and tidies up.

Every run is recorded as soon as it is made, and the next one follows from what is recorded. So a server that dies loses
nothing, and a call that is made again goes on.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from ...errors import Code, Refusal
from ...git.paired_checkout import PairedCheckout
from ...git.trees import ABSENT
from ...lab.context import RepoContext
from ...measurement.meter import import_paths
from ...process.run_notes import RunNote
from ...process.runner import CommandRun, CommandSpec
from ...text.redaction import redact_tail, redactor
from ..ledger.items import Workflow
from ..ledger.state import Ledger, Observed
from ..running.controls import Control
from ..running.runner import WorkflowRunner, observed, saw
from ..running.store import Ledgers
from ..running.testruns import CHOSEN, REPORT, ReportForm, Test, read_tests
from .comparison import plan_of, readings, refused_commands, uncontrolled, unfinished, verdict
from .doubts import told_by_patch
from .earlier import earlier_rows
from .items import ComparisonPlan, ContractRows, ControlRun, RegressionOptions, SideSetup, UnagreedCommands
from .old_tests import old_job, with_old_tests
from .planning import base_of, contract_rows, in_place_of_own, jobs_of, notes_of, selected
from .readings import ComparisonJob, ComparisonReading, DueRun, ParsedReading, due, recorded_tests, runs_of, value_of
from .verdict import ComparisonSide

ATTEMPTS = 3
TAIL_CHARACTERS = 1500
MOST_REPORT_BYTES = 64 * 2**20
_NAMES = {ComparisonSide.BASELINE: "base", ComparisonSide.CANDIDATE: "head"}
"""Names of one length, so that neither place has the longer paths."""


class RunCancelled(Exception):
    """The call was cancelled while a command ran: what was recorded before stands."""


@dataclass(frozen=True)
class PairedSides:
    """Both places of one comparison, as planned."""

    context: RepoContext
    ledger: str
    plan: ComparisonPlan
    timeout_s: float

    def _commit(self, side: ComparisonSide, job: ComparisonJob | None = None) -> str:
        if side is ComparisonSide.BASELINE:
            return self.plan.base
        return self.plan.old_tests if job and job.old_tests else self.plan.candidate

    def read(self, due: DueRun, first: ParsedReading | None) -> ComparisonReading:
        """Make one run and say what it showed. `first` is the side's first run of this command with a report."""
        job, side = due.job, due.side
        what = f"regression {self.ledger} {job.id} {side} {due.number} {job.command}"
        report = self._reports / hashlib.sha256(what.encode()).hexdigest()[:20]
        files = self.plan.chosen_old if job.old_tests else self.plan.chosen.get(side, ())
        names = {REPORT: str(report), CHOSEN: " ".join(files), "AUTORESEARCH_RUN": str(due.number)}
        names |= {"PYTEST_ADDOPTS": "--continue-on-collection-errors"} if job.old_tests else {}
        seed = int(hashlib.sha256(f"{self.ledger} {due.number}".encode()).hexdigest()[:8], 16) % 2**31
        run = self.run(side, what, job.command, {**names, "AUTORESEARCH_SEED": str(seed)}, report, job)
        tests = self._tests(side, job.form, report)
        return ComparisonReading(
            job=job.on(side),
            side=side,
            number=due.number,
            exit_code=run.exit_code,
            timed_out=run.timed_out,
            value=value_of(run.stdout) if job.timed else None,
            seconds=round(run.seconds, 4),
            cpu_seconds=round(run.cpu_seconds, 4),
            peak_bytes=run.peak_bytes,
            tail="" if run.exit_code == 0 else redact_tail(run.stdout + run.stderr, TAIL_CHARACTERS),
            output=run.digest,
            seed=seed,
            at=now(self.context),
            **recorded_tests(tests, first),
        )

    def control(self, job: ComparisonJob) -> ControlRun:
        """Run the candidate's tests once more, each of which says how it ends.

        Raises:
            RunCancelled: if the call was cancelled.
        """
        side = ComparisonSide.CANDIDATE
        names = {CHOSEN: " ".join(self.plan.chosen.get(side, ()))}
        tried = Control(self.context, self.checkouts[side], self.timeout_s, names)
        passed = tried.passing_anyway((job.command,), self.plan.candidate)
        if self.context.runs.cancelled:
            raise RunCancelled
        return ControlRun(job=job.id, passed=tuple(map(redactor(), passed)))

    def run(
        self,
        side: ComparisonSide,
        what: str,
        command: str,
        names: Mapping[str, str],
        report: Path | None = None,
        job: ComparisonJob | None = None,
    ) -> CommandRun:
        """Run a command on a side, from its commit and nothing else; one that an earlier server began is joined.

        Raises:
            Cancelled: if the call was cancelled.
            Refusal: if the process that watches over the run was killed three times.
        """
        checkout = self.checkouts[side]
        names = {**names, **import_paths(self.context.repo.root, checkout.folder)}
        for _ in range(ATTEMPTS):
            key = self.context.runs.key(what)
            if self.context.runs.notes.find(key) is None:
                self.context.runs.runner.forget(key)
                checkout.check_out(self._commit(side, job), self.context.untracked)
                if report is not None:
                    self._reports.mkdir(parents=True, exist_ok=True)
                    report.unlink(missing_ok=True)
                self.context.runs.notes.note(key, RunNote(seed=0, at_ns=time.time_ns()))
            run = self.context.runs.run(key, CommandSpec(command, checkout.folder, self.timeout_s, names))
            if run.cancelled:
                raise RunCancelled
            if not run.lost:
                return run
            self.context.runs.notes.forget(key)
        message = f"The process that watches over `{command[:100]}` was killed {ATTEMPTS} times. Free memory, and call run again."
        raise Refusal(Code.BUSY, message)

    @cached_property
    def checkouts(self) -> Mapping[ComparisonSide, PairedCheckout]:
        """The places; made when something first runs there."""
        return {side: PairedCheckout(self.context.repo, name) for side, name in _NAMES.items()}

    @property
    def _reports(self) -> Path:
        return reports(self.context)

    def _tests(self, side: ComparisonSide, form: ReportForm, report: Path) -> Mapping[str, Test] | None:
        """What a report says, with paths as they are from the checkout's root; it is gone after that."""
        if form is ReportForm.NONE:
            return None
        with suppress(OSError):
            if report.stat().st_size <= MOST_REPORT_BYTES:
                text = report.read_text(encoding="utf-8", errors="replace")
                folder = self.checkouts[side].folder
                for place in {str(folder), os.path.realpath(folder)}:
                    text = text.replace(f"{place}/", "")
                found = read_tests(form, text)
                report.unlink()
                return _redacted(found) if found is not None else None
        return None


def clear(context: RepoContext) -> None:
    """Take both places away, and the reports that a dead server left."""
    for name in _NAMES.values():
        PairedCheckout(context.repo, name).remove()
    with suppress(OSError):
        for file in reports(context).iterdir():
            file.unlink()


def reports(context: RepoContext) -> Path:
    """Where commands write what became of each test: outside every checkout."""
    return context.repo.own_folder / "reports"


def now(context: RepoContext) -> str:
    """The time in ISO 8601."""
    return datetime.fromtimestamp(context.now(), UTC).isoformat(timespec="seconds")


def _redacted(tests: Mapping[str, Test]) -> Mapping[str, Test]:
    """Names and messages without secrets and escapes; they are stored."""
    redact = redactor()
    whole = "\n".join(f"{test.id}\n{test.message}" for test in tests.values())
    if redact(whole) == whole:
        return tests
    clean = (Test(redact(t.id), t.outcome, redact(t.path), t.line, redact(t.message), t.broken) for t in tests.values())
    return {test.id: test for test in clean}


class RegressionRunner(WorkflowRunner):
    """Plans when the ledger is opened; runs until nothing is due; leaves no checkout behind."""

    def opening(self, context: RepoContext, ledger: Ledger) -> Sequence[Observed]:
        options = ledger.opts(RegressionOptions)
        before = Ledgers(context).named(ledger.incoming) if ledger.incoming else None
        base = base_of(context, options.base, before.commit if before else "")
        clear(context)
        if not base.commit:
            return (saw(context, ComparisonPlan(base="", why=base.why)),)
        head, found, carried = context.repo.head(), jobs_of(context, options), earlier_rows(context)
        chosen, which = selected(context, options, found, base.commit, regressed_before=bool(carried))
        old_tests, old_files = with_old_tests(context, base.commit, head)
        found = (*found, *(old_job(job) for job in found if old_tests and job.of_tests))
        given, left_out = in_place_of_own(context, options)
        which = which.replace("all tests", "all tests of the given commands", 1) if given else which
        removed = [one.path for one in context.repo.entries(base.commit, head) if one.new_mode == ABSENT]
        plan = {
            "base": base.commit,
            "candidate": head,
            "told": base.how,
            "jobs": [job.model_dump(mode="json", exclude_defaults=True) for job in found],
            "chosen": chosen,
            "notes": [f"Tests: {which}.", *notes_of(context, base.commit)],
            "verdict_before": _before(context),
            "carried": carried,
            "old_tests": old_tests,
            "old_files": old_files,
            "given": given,
            "left_out": left_out,
            **told_by_patch(context.repo.diff(base.commit, head), removed, old_files),
        }
        refused = UnagreedCommands(commands=_unagreed(context, _commands(options, found)))
        return (saw(context, ComparisonPlan.model_validate(plan)), saw(context, refused))

    def run(self, context: RepoContext, ledger: Ledger, options: Mapping[str, Any]) -> Sequence[Observed]:
        plan, asked = plan_of(ledger), ledger.opts(RegressionOptions)
        if not plan.base:
            return ()
        ledgers = Ledgers(context)
        refused = _unagreed(context, _commands(asked, plan.jobs))
        if refused != refused_commands(ledger):
            ledger = ledgers.append(ledger.id, saw(context, UnagreedCommands(commands=refused)))
        if ledger.seen(ContractRows) is None:
            found, why = contract_rows(context, asked, plan.base, now(context))
            facts = {"rows": [row.model_dump(mode="json", exclude_defaults=True) for row in found], "why": why}
            ledger = ledgers.append(ledger.id, saw(context, ContractRows.model_validate(facts)))
        sides = PairedSides(context, ledger.id, plan, asked.timeout_s)
        try:
            ledger = _measured(context, ledger, sides, asked)
        except RunCancelled:
            return ()
        if not unfinished(ledger):
            clear(context)
        return ()

    def closing(self, context: RepoContext, ledger: Ledger) -> Sequence[Observed]:
        clear(context)
        return ()


def _measured(context: RepoContext, ledger: Ledger, sides: PairedSides, asked: RegressionOptions) -> Ledger:
    """Everything that is due, run by run; the ledger after it."""
    ledgers, often, prepared = Ledgers(context), (asked.reruns, asked.samples), set[ComparisonSide]()
    refused = refused_commands(ledger)
    if asked.setup in refused:
        return ledger
    jobs = [job for job in plan_of(ledger).jobs if job.command not in refused]
    while next_run := due(jobs, readings(ledger), *often):
        side = next_run.side
        if asked.setup and side not in prepared:
            prepared.add(side)
            ledger, ready = _prepared(context, ledger, sides, side, asked.setup)
            if not ready:
                return ledger
        earlier = runs_of(readings(ledger), next_run.job, side)
        first = next((one for one in earlier if one.tests is not None), None)
        reading = sides.read(next_run, first)
        facts = reading.model_dump(mode="json", exclude_defaults=True)
        ledger = ledgers.append(ledger.id, observed(context, reading.what, **facts))
    for job in uncontrolled(ledger):
        ledger = ledgers.append(ledger.id, saw(context, sides.control(job)))
    return ledger


def _prepared(
    context: RepoContext, ledger: Ledger, sides: PairedSides, side: ComparisonSide, command: str
) -> tuple[Ledger, bool]:
    """Prepare a side once in this call: what an earlier call prepared may be gone with its checkout."""
    run = sides.run(side, f"regression {ledger.id} setup {side}", command, {})
    tail = redact_tail(run.stdout + run.stderr, TAIL_CHARACTERS) if run.exit_code else ""
    setup = SideSetup(side=side, command=command, exit_code=run.exit_code, tail=tail, at=now(context))
    return Ledgers(context).append(ledger.id, saw(context, setup)), run.exit_code == 0


def _commands(options: RegressionOptions, found: Sequence[ComparisonJob]) -> list[str]:
    return [*([options.setup] if options.setup else []), *(job.command for job in found)]


def _unagreed(context: RepoContext, commands: Sequence[str]) -> tuple[str, ...]:
    """The commands that nobody agreed to yet, noted for a person to look at."""
    missing = tuple(command for command in dict.fromkeys(commands) if not context.consent.agreed_to(command))
    for command in missing:
        context.consent.want(command)
    return missing


def _before(context: RepoContext) -> str:
    """The verdict of the last comparison on this branch, so that a mended regression can be told."""
    closed = (ledger for ledger in Ledgers(context).closed_ones() if ledger.workflow is Workflow.REGRESSION)
    last = next(closed, None)
    return verdict(last).word if last else ""
