"""The server's part of fixing: find out what is broken with the project's own commands, hand out the plan, count again at the end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ...decision.measured import Measurement
from ...diagnostics.diagnostic import Trouble
from ...diagnostics.inspection import METRIC, MOST, Bug, Inspection, Tally, names_inspection, read_unable
from ...errors import Code, Refusal
from ...iteration.gates import listed
from ...lab.context import RepoContext
from ...measurement.meter import Meter
from ...measurement.ruler import ruler_now
from ...measurement.runs import at_checkout
from ...plan.model import Plan
from ...process.screen import cure, screen
from ...project.projects import Project
from ...text.redaction import redactor
from ...vocabulary import Phase
from ..ledger.evidence import mended, words
from ..ledger.handoff import HandoffFinding, carried
from ..ledger.items import Item, Settlement, Workflow, split_location
from ..ledger.state import ItemRecorded, ItemSettled, Ledger, LedgerEvent, Ran
from ..running.inspection import projects_of
from ..running.proofs import prove
from ..running.runner import WorkflowRunner, saw
from ..running.store import Ledgers
from .ending import ENDING, LONGEST_S, counted_at_end
from .hooks import new_errors, recorded, since
from .items import Broken, FixOptions, Witness
from .plan import CountedErrors, blind, detections, plan_for
from .protected import protected_changes
from .queue import ErrorsDetected, ErrorState, NotReproduced, origin, queued_errors, remaining
from .rules import categories
from .witnesses import witnessed


class FixRunner(WorkflowRunner):
    """Counts errors at the start, when asked, and at the end; in between the loop does, with the same command."""

    def opening(self, context: RepoContext, ledger: Ledger) -> Sequence[LedgerEvent]:
        context.remove_checkouts(ENDING)  # where a server died in another ledger's end
        return self._detected(context, ledger)

    def since(self, context: RepoContext, ledger: Ledger) -> Sequence[LedgerEvent]:
        return since(context, ledger)

    def checked(self, context: RepoContext, ledger: Ledger, item: Item) -> Item:
        if not isinstance(item, Witness):
            return item
        _refuse_in_session(context, "run a witness")
        _refuse_uncommitted(context)
        tests = Inspection(detections(projects_of(context), (Trouble.TEST,)))
        _refuse_without_consent(context, tests)
        return witnessed(context, ledger, item, tests)

    def run(self, context: RepoContext, ledger: Ledger, options: Mapping[str, Any]) -> Sequence[LedgerEvent]:
        """Look at everything again, where no session is at it; as the end does, where tests are not as they were or nothing is left."""
        _refuse_in_session(context, "look again")
        events = self._detected(context, ledger)
        now = Ledgers(context).moved_on(ledger, events)
        tests = protected_changes(context, now, context.repo.head()).entries
        if not tests and len(remaining(now)) > now.opts(FixOptions).target:
            return events
        found, tally = counted_at_end(context, now)
        context.remove_checkouts(ENDING)
        seen = saw(context, found)
        return [*events, seen, *new_errors(now, tally, seen.commit)]

    def closing(self, context: RepoContext, ledger: Ledger) -> Sequence[LedgerEvent]:
        """Count once more, and say what was hidden on the way and how far the changes reach."""
        _refuse_in_session(context, "close the ledger")
        _refuse_uncommitted(context)
        found, tally = counted_at_end(context, ledger)
        seen = saw(context, found)
        ended = Ledgers(context).moved_on(ledger, [seen, *new_errors(ledger, tally, seen.commit)])
        settled, unproven = _settled(context, ended)
        if unproven and not found.problem:
            seen = saw(context, found.model_copy(update={"problem": unproven}))
        Ledgers(context).append(ledger.id, seen, *new_errors(ledger, tally, seen.commit))
        context.remove_checkouts(ENDING)  # not before: a server that joins the run looks there for what it left
        for source, event in settled:
            Ledgers(context).settle(source, event)
        return ()

    def _detected(self, context: RepoContext, ledger: Ledger) -> list[LedgerEvent]:
        _refuse_uncommitted(context)
        projects, options = projects_of(context), ledger.opts(FixOptions)
        wanted = _wanted(projects, options)
        bugs, by_hand = _bugs(context, ledger, wanted)
        inspection = replace(wanted, bugs=tuple(bug for bug, _ in bugs))
        if not inspection.commands:
            message = "No command was found that could say what is broken (build, tests, types, lint)."
            raise Refusal(
                Code.BAD_ARGUMENT, f"{message} inspect_project shows what is here; a Makefile with `test` will do."
            )
        _refuse_without_consent(context, inspection)
        looked = _looked(context, inspection, options)
        return [
            *self._queued(context, ledger, looked, projects, by_hand),
            *_disproven(context, ledger, bugs, looked.tally),
        ]

    def _queued(
        self,
        context: RepoContext,
        ledger: Ledger,
        looked: CountedErrors,
        projects: Sequence[Project],
        by_hand: Sequence[str],
    ) -> list[LedgerEvent]:
        tally = looked.tally
        if len(tally.ids) >= MOST:
            message = f"{tally.count} errors: nobody mends so many one by one."
            raise Refusal(Code.BAD_ARGUMENT, f"{message} Open with a `category` or a narrower `scope`.")
        plan = plan_for(context, ledger, looked, projects)
        seen = saw(
            context,
            ErrorsDetected(
                origin=_origin(context, ledger),
                count=tally.count,
                points=tally.points,
                ids=tally.ids,
                ran=tally.ran,
                commands=looked.inspection.commands,
                left_out=(
                    *looked.left_out,
                    *(f"`{command}`: masked by what is broken before it" for command in tally.masked),
                ),
                by_hand=tuple(by_hand),
                blind=blind(tally),
                plan=plan.model_dump(mode="json", exclude_defaults=True),
            ),
        )
        return [seen, *(_with_check(event, looked.inspection) for event in new_errors(ledger, tally, seen.commit))]


def _origin(context: RepoContext, ledger: Ledger) -> str:
    """Return where the tests stood before an earlier ledger of this history left errors; empty where none did."""
    ledgers = Ledgers(context)
    earlier = next((one for one in ledgers.of(Workflow.FIX) if one.id != ledger.id and ledgers.belongs_here(one)), None)
    return origin(earlier) if earlier and remaining(earlier) else ""


def _wanted(projects: Sequence[Project], options: FixOptions) -> Inspection:
    try:
        kinds = categories(options)
    except ValueError as error:
        raise Refusal(Code.BAD_ARGUMENT, str(error)) from None
    found = detections(projects, kinds, lint=not options.skip_lint) if set(kinds) != {Trouble.BUG} else ()
    mild = (
        (Trouble.WARNING,) if Trouble.LINT in kinds else ()
    )  # what a linter only warns of is its finding all the same
    return Inspection(found, only=tuple(dict.fromkeys((*kinds, *mild))), scope=tuple(options.scope))


def _bugs(
    context: RepoContext, ledger: Ledger, wanted: Inspection
) -> tuple[list[tuple[Bug, HandoffFinding]], list[str]]:
    """Return the findings of the workflow before that a command shows, also of those that were mended since, and those that
    none does.
    """
    incoming = Ledgers(context).named(ledger.incoming) if ledger.incoming else None
    if incoming is None or (wanted.only and Trouble.BUG not in wanted.only):
        return [], []
    there = _standing(Ledgers(context).handoff(incoming).findings)
    taken, shown = carried(there, incoming.workflow, Workflow.FIX), []
    left = [f"{one.id} {one.severity}" for one in there if one not in taken and not (one.outcome and one.outcome.over)]
    by_hand = [f"not taken of {incoming.id}, by what a fix takes: {listed(left)}"] if left else []
    for one in taken:
        title = f"{incoming.id}#{one.id} {one.title}"[:200]
        commands = one.proof.commands
        if not commands:
            by_hand.append(f"{title}: no command shows it; write a failing test for it, and look again with `run`")
        elif missing := [command for command in commands if not context.consent.agreed_to(command)]:
            context.consent.want(*missing)
            by_hand.append(f"{title}: nobody agreed to `{missing[0]}`; a person can, with `autoresearch-mcp approve`")
        else:
            shown.append((Bug(one.severity, title, one.location, *commands), one))
    return shown, by_hand


def _standing(findings: Sequence[HandoffFinding]) -> tuple[HandoffFinding, ...]:
    """Return findings as if none had been mended: what was may be broken again, and its command tells."""
    return tuple(
        one.model_copy(update={"outcome": None}) if one.outcome is Settlement.FIXED and one.proof.command else one
        for one in findings
    )


def _disproven(
    context: RepoContext, ledger: Ledger, bugs: Sequence[tuple[Bug, HandoffFinding]], tally: Tally
) -> list[LedgerEvent]:
    """Marks the findings whose own command finds nothing: what is measured overrules what was reported. One that was mended
    is none of these, and is marked where it is broken again.
    """
    there = {one.name for one in tally.first}
    seen_here = {entry.item.found.name for entry in ledger.of(Broken)}
    gone = []
    for bug, finding in bugs:
        by = ItemSettled(id=finding.id, outcome=Settlement.DISPROVEN, by=ledger.id)
        if bug.title in there and finding.settled_by and finding.outcome is None:
            Ledgers(context).settle(ledger.incoming, by.model_copy(update={"outcome": Settlement.CONFIRMED}))
        elif bug.title not in there and not finding.settled_by and bug.title not in seen_here:
            if settled := _over(context, finding):
                Ledgers(context).settle(ledger.incoming, by.model_copy(update={"outcome": settled}))
            gone.append(bug.title)
    return [saw(context, NotReproduced(titles=tuple(gone)))] if gone else []


def _settled(context: RepoContext, ledger: Ledger) -> tuple[list[tuple[str, ItemSettled]], str]:
    """Return which findings of earlier ledgers are over, as their own proofs show; and why another is not, that no count saw."""
    found, unproven = [], ""
    for one in queued_errors(ledger):
        if one.state is ErrorState.FIXED and (upstream := one.entry.item.upstream):
            source, _, id = upstream.partition("#")
            earlier = Ledgers(context).named(source)
            reported = Ledgers(context).handoff(earlier).findings if earlier else ()
            for finding in (each for each in reported if each.id == id):
                ran = _proven(context, finding)
                if mended(ran):
                    by = f"{ledger.id}#{one.entry.id}"
                    found.append((source, ItemSettled(id=id, outcome=Settlement.FIXED, by=by)))
                elif finding.shown_once:
                    unproven = f"{one.id}: {words(ran)}"
    return found, unproven


def _over(context: RepoContext, finding: HandoffFinding) -> Settlement | None:
    """Return how a finding whose command finds nothing is settled by its proof; None where it is not."""
    if not mended(_proven(context, finding)):
        return None
    return Settlement.FIXED if finding.shown_once else Settlement.DISPROVEN


def _proven(context: RepoContext, finding: HandoffFinding) -> Ran:
    """Run the proof of a finding in a clean checkout."""
    path = split_location(finding.location)[0] if ":" in finding.location else ""
    return prove(context, finding.proof, mends=path, clean=True, anew=True)


def _refuse_without_consent(context: RepoContext, inspection: Inspection) -> None:
    for command in inspection.commands:
        if danger := screen(command).refused:
            raise Refusal(Code.BAD_ARGUMENT, f"`{command}` is not run here: {danger}. {cure(danger)}")
    missing = [command for command in inspection.commands if not context.consent.agreed_to(command)]
    for command in missing:
        context.consent.want(command)
    if missing:
        listed = "; ".join(f"`{command}`" for command in missing)
        ways = "A person can: `autoresearch-mcp approve` in a terminal shows exactly these. Then call again."
        raise Refusal(Code.CONSENT_NEEDED, f"Nobody agreed yet to run what finds errors here: {listed}. {ways}")


def _refuse_in_session(context: RepoContext, what: str) -> None:
    session = context.session
    if session is not None and context.phase is not Phase.NO_SESSION and names_inspection(session.plan.verify):
        message = f"A session is at work on this count, so the server cannot {what} now. Call finish_session first."
        raise Refusal(Code.OUT_OF_ORDER, message)


def _refuse_uncommitted(context: RepoContext) -> None:
    if edits := [change.path for change in context.repo.changes() if change.tracked]:
        message = f"Uncommitted changes: {', '.join(edits[:6])}. Errors are counted at a commit."
        raise Refusal(Code.OUT_OF_ORDER, f"{message} Commit them, or git stash, then call again.")


def _looked(context: RepoContext, inspection: Inspection, options: FixOptions) -> CountedErrors:
    """Count, without the commands that are not there.

    Raises:
        Refusal: if none is, or the count fails otherwise.
    """
    found = _measure(context, inspection)
    left_out: dict[int, str] = read_unable(found.tail) if found.tally is None else {}
    if left_out:
        inspection = _without(inspection, set(left_out))
        found = _measure(context, inspection) if inspection.commands else found
    if found.tally is None:
        said = redactor()(found.tail[-600:])
        message = f"Errors could not be counted: {found.problem or found.failure}. The output ends: {said!r}."
        raise Refusal(Code.GATE_FAILED, f"{message} Mend that by hand, or open with another `category`.")
    floor = found.tally.ran or 0
    return CountedErrors(replace(inspection, tests=floor), found, tuple(left_out.values()))


def _without(inspection: Inspection, places: set[int]) -> Inspection:
    size = len(inspection.detections)
    return replace(
        inspection,
        detections=tuple(one for place, one in enumerate(inspection.detections) if place not in places),
        bugs=tuple(one for place, one in enumerate(inspection.bugs, size) if place not in places),
    )


def _measure(context: RepoContext, inspection: Inspection) -> Measurement:
    plan = Plan(metric=METRIC, direction="lower", verify=inspection.command_line(), read="channel")
    return Meter(context.runs, plan, ruler_now(context.repo, plan)).verify(at_checkout(context.repo, "HEAD"), LONGEST_S)


def _with_check(event: ItemRecorded, inspection: Inspection) -> ItemRecorded:
    """Return a reported bug with its command, and the finding that it settles."""
    item = Broken.model_validate(event.item)
    bug = next(
        (one for one in inspection.bugs if item.found.trouble is Trouble.BUG and one.title == item.found.name), None
    )
    if bug is None:
        return event
    known = item.model_copy(update={"check": bug.command, "upstream": bug.title.partition(" ")[0]})
    return event.model_copy(update={"item": recorded(known)})
