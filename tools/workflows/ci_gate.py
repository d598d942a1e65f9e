"""What the gate of CI looks at: the session, and the ledgers of this branch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from ..errors import Code, Refusal
from ..iteration.gates import listed
from ..lab.context import RepoContext
from ..text.redaction import redactor
from .ledger.evidence import line_of, mended, shown
from .ledger.handoff import GateCheck, HandoffFinding, ended_well, severe, target_reached, without_findings
from .ledger.items import Proof, Settlement, Severity, Workflow, split_location
from .ledger.pages import lines
from .ledger.rules import rules_of, workflow_named
from .ledger.state import Ledger, Ran
from .running.proofs import NOBODY, prove
from .running.removed import removed
from .running.runner import runner_of
from .running.since import edited_since
from .running.store import Ledgers
from .security.findings import rerun


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
    checks = [check for workflow in named if (check := _open_findings(context, workflow, severity, asked))]
    yield from checks or ([GateCheck("findings", None, "there is no ledger on this branch")] if asked.fail_on else [])


def _open_findings(
    context: RepoContext, workflow: Workflow, severity: Severity, asked: GateDemands
) -> GateCheck | None:
    """Tell whether no finding of a workflow stands; None without a ledger that counts here, or where those that were shown
    alone count, without any.

    What counts as it is told is what this branch or its history recorded: everything where each ledger has findings of its own,
    else what the newest says. Any other that the server once saw shown counts where its proof shows it now. What is over passes
    only where a run at this code says so: here, or when it was settled.
    """
    ledgers, rules, shown_alone = Ledgers(context), rules_of(workflow), asked.all
    there = ledgers.of(workflow)
    there = [*(runner_of(workflow).as_of_now(context, one) for one in there[:1]), *there[1:]]
    here = [one for one in there if ledgers.belongs_here(one)]
    counting = {one.id for one in (here if rules.accumulates else [one for one in here if rules.looked(one)][:1])}
    found = [(one, each) for one in there for each in severe(ledgers.handoff(one).findings, severity, settled=True)]
    told = [(one, each) for one, each in found if one.id in counting and ledgers.recorded_here(one, each.id)]
    told = [(one, each) for one, each in told if each.shown_once or not shown_alone]
    if told and rules.opinions and workflow not in asked.complete:
        listed_here = ", ".join(f"{each.id} {each.severity}" for _, each in told[:10])
        why = f"opinions, which fail nothing unless `--complete {workflow}` asks for them: {listed_here}"
        return GateCheck(f"{workflow} findings", True, why)
    known = {each.proof for _, each in told}
    elsewhere = [(one, each) for one, each in found if each.shown_once and each.proof not in known]
    if not (told or elsewhere or (here and not shown_alone)):
        return None
    proofs = {each.proof: _path(each) for _, each in (*told, *elsewhere) if each.proof.fails_with}
    edited = sorted(change.path for change in context.repo.changes())
    clean = bool(edited) and not asked.uncommitted
    seen = {
        proof: prove(context, proof, mends=path, anew=True, clean=clean, uncommitted=asked.uncommitted)
        for proof, path in proofs.items()
    }
    standing = [*told, *((one, each) for one, each in elsewhere if shown(seen.get(each.proof)))]
    several = len({one.id for one, _ in standing}) > 1
    gone = {each.id for one, each in standing if _gone(context, one, each, seen.get(each.proof))}
    now = [
        each.model_copy(
            update={
                "id": f"{one.id}#{each.id}" if several and "#" not in each.id else each.id,
                "outcome": Settlement.FIXED if each.id in gone else _outcome(each, seen.get(each.proof)),
            }
        )
        for one, each in standing
    ]
    now = list({one.id: one for one in now}.values())
    check = without_findings(workflow, now, severity)
    stands = [
        one.id for one in now if one.outcome is Settlement.FIXED and one.id not in gone and _still_there(context, one)
    ]
    unread = [f"{one.id}#{id}" for one in there if one.id in counting for id in one.retired]
    over = [
        f"{one.id} by {one.settled_by}"
        for one in now
        if one.settled_by and one.outcome is None and not shown(seen.get(one.proof))
    ]
    untold = dict.fromkeys(
        f"{each.id} {each.severity}"
        for one, each in [*told, *(pair for pair in elsewhere if pair[0] in here)]
        if ((each.outcome and each.outcome.over) or one.id not in counting) and ledgers.recorded_here(one, each.id)
        if not _told_here(context, asked, one, each, seen.get(each.proof))
    )
    whys = dict.fromkeys(one.why if one.exit_code is None else one.says_nothing for one in seen.values())
    notes = lines(
        seen and _run_again(context, seen, edited, clean=clean),
        stands and f"mended, and the line that was quoted still stands: {', '.join(stands)}",
        gone and f"the code of {', '.join(sorted(gone))} is gone",
        unread and f"recorded by an earlier version and read no more: {', '.join(unread)}",
        over and f"not seen with an experiment, which is its author's word and ends nothing: {', '.join(over)}",
        untold and f"no run at this code says that these are over, so it cannot be told: {', '.join(untold)}",
        *(one for one in whys if one != NOBODY),
    )
    return replace(
        check, passed=None if check.passed and untold else check.passed, seen="; ".join((check.seen, *notes))
    )


def _run_again(context: RepoContext, seen: Mapping[Proof, Ran], edited: Sequence[str], *, clean: bool) -> str:
    """Say how many reproductions were run again, on what, and why not the others."""
    ran_here = sum(one.exit_code is not None for one in seen.values())
    ran = f"ran {ran_here} of {len(seen)} reproductions again" + (f" at {context.repo.head()[:7]}" if ran_here else "")
    ran += f"{', without' if clean else ' and'} what is not committed: {listed(edited)}" if ran_here and edited else ""
    if asked := [one for one in seen.values() if one.why == NOBODY]:
        ran += f", as nobody agreed to {'any' if len(asked) == len(seen) else 'the rest'}: `autoresearch-mcp approve` asks, and `autoresearch-mcp --allow-commands gate` agrees to all"
    changed = sorted({path for one in seen.values() for path in one.put_back})
    return ran + (f", with {', '.join(changed)} as it was when it showed the fault" if changed else "")


def _path(finding: HandoffFinding) -> str:
    return split_location(finding.location)[0] if ":" in finding.location else finding.location


def _gone(context: RepoContext, ledger: Ledger, finding: HandoffFinding, ran: Ran | None) -> bool:
    """Tell whether what was shown once is over because its code is: its proof finds nothing to run, and nothing to name."""
    entry = ledger.find(finding.id)
    if not (entry and finding.shown_once and ran and ran.failed and not ran.named):
        return False
    near = split_location(finding.location)[1] if ":" in finding.location else 0
    return removed(context, entry.commit, _path(finding), finding.quote, near)


def _still_there(context: RepoContext, finding: HandoffFinding) -> bool:
    content = context.repo.content(context.repo.head(), _path(finding))
    return bool(content and finding.quote and line_of(finding.quote, content.decode("utf-8", "replace"), redactor()))


def _told_here(
    context: RepoContext, asked: GateDemands, ledger: Ledger, finding: HandoffFinding, ran: Ran | None
) -> bool:
    """Tell whether a run at this code says how a finding stands: that of the gate, or one when it was settled."""
    if mended(ran) or shown(ran) or _gone(context, ledger, finding, ran):
        return True
    ledgers, (by, _, item) = Ledgers(context), finding.settled_by.partition("#")
    name = finding.id if "#" in finding.id else f"{ledger.id}#{finding.id}"
    commits = [one.closed.commit for one in ledgers.of(ledger.workflow) if one.closed and mended(rerun(one, name))]
    said = ledgers.named(by) or ledger
    if finding.outcome and finding.outcome.over and said.closed:
        entry = (
            said.find(item) if finding.outcome is Settlement.DISPROVEN else None
        )  # its experiment ran before the end
        commits.append(entry.commit if entry else said.closed.commit)
    return any(_same_code(context, asked, commit) for commit in commits)


def _same_code(context: RepoContext, asked: GateDemands, commit: str) -> bool:
    """Tell whether nothing but documents differs from what a commit has."""
    changed = context.repo.changed_paths(commit, context.repo.head())
    edited = [change.path for change in context.repo.changes()] if asked.uncommitted else []
    return changed is not None and all(path.endswith((".md", ".rst", ".adoc")) for path in (*changed, *edited))


def _outcome(finding: HandoffFinding, ran: Ran | None) -> Settlement | None:
    """Return how a finding stands now that its proof ran: what fails as it did stands, whatever was said of it since, and what
    was shown once and passes is over.
    """
    by_word = not finding.confirmed and "#" in finding.settled_by  # an experiment of its author's, not its own proof
    if shown(ran) or (finding.outcome is Settlement.DISPROVEN and by_word):
        return None
    return Settlement.FIXED if finding.confirmed and mended(ran) else finding.outcome


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
            if check.passed and asks and f"{workflow} findings" not in passed and not _same_code(context, asked, at):
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
