"""The findings that a gate asks about: which are in question, what their proofs show now, and what may be said of those that are over."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from ..iteration.gates import listed
from ..lab.context import RepoContext
from ..text.redaction import redactor
from .ledger.evidence import line_of, mended, shown
from .ledger.handoff import GateCheck, HandoffFinding, severe, without_findings
from .ledger.items import Proof, Settlement, Severity, Workflow, split_location
from .ledger.pages import lines
from .ledger.rules import rules_of
from .ledger.state import Ledger, Ran
from .running.proofs import NOBODY, prove
from .running.removed import removed
from .running.runner import runner_of
from .running.store import Ledgers
from .security.findings import rerun


@dataclass(frozen=True)
class FindingsAsked:
    """Which findings of a workflow are asked about: as severe or worse; `shown_alone`, those that the server saw shown; `by_name`
    opinions too. Proofs run on what git has, or on the files as they stand where `uncommitted` edits are to count.
    """

    workflow: Workflow
    severity: Severity
    shown_alone: bool = False
    by_name: bool = False
    uncommitted: bool = False


@dataclass(frozen=True)
class _Question:
    """A finding in question. It `counts` as it is told, or else where its proof shows it now: `ran`, None where it has none."""

    ledger: Ledger
    finding: HandoffFinding
    counts: bool
    of_branch: bool
    ran: Ran | None = None


@dataclass(frozen=True)
class _Standing:
    """How a finding stands now: by which name, with which outcome, and whether its code is `gone`."""

    question: _Question
    name: str
    gone: bool
    outcome: Settlement | None

    @property
    def finding(self) -> HandoffFinding:
        """The finding as it is told now."""
        return self.question.finding.model_copy(update={"id": self.name, "outcome": self.outcome})


def findings_check(context: RepoContext, asked: FindingsAsked) -> GateCheck | None:
    """Tell whether no finding of a workflow stands; None without a ledger that counts here, or where those that were shown
    alone count, without any.

    What counts as it is told is what this branch or its history recorded: everything where each ledger has findings of its own,
    else what the newest says. Any other that the server once saw shown counts where its proof shows it now. What is over passes
    only where a run at this code says so: here, or when it was settled.
    """
    ledgers, rules = Ledgers(context), rules_of(asked.workflow)
    there = ledgers.of(asked.workflow)
    there = [*(runner_of(asked.workflow).as_of_now(context, one) for one in there[:1]), *there[1:]]
    here = [one for one in there if ledgers.belongs_here(one)]
    newest = [one for one in here if rules.looked(one)][:1]
    counting = here if rules.accumulates else newest
    questions = list(_questions(ledgers, there, counting, asked))
    told = [one.finding for one in questions if one.counts]
    if told and rules.opinions and not asked.by_name:
        named = ", ".join(f"{one.id} {one.severity}" for one in told[:10])
        why = f"opinions, which fail nothing unless `--complete {asked.workflow}` asks for them: {named}"
        return GateCheck(f"{asked.workflow} findings", True, why)
    if not (questions or (here and not asked.shown_alone)):
        return None
    edited = sorted(change.path for change in context.repo.changes())
    clean = bool(edited) and not asked.uncommitted
    seen = _run_again(context, questions, clean=clean, uncommitted=asked.uncommitted)
    questions = [replace(one, ran=seen.get(one.finding.proof)) for one in questions]
    standing = _as_they_stand(context, questions)
    check = without_findings(asked.workflow, [one.finding for one in standing], asked.severity)
    untold = _untold(context, asked, questions)
    notes = lines(
        seen and _what_ran(context, seen, edited, clean=clean),
        *_remarks(context, standing),
        _retired(counting),
        untold and f"no run at this code says that these are over, so it cannot be told: {', '.join(untold)}",
        *dict.fromkeys(why for one in seen.values() if (why := _why_it_says_nothing(one))),
    )
    return replace(
        check, passed=None if check.passed and untold else check.passed, seen="; ".join((check.seen, *notes))
    )


def _questions(
    ledgers: Ledgers, there: list[Ledger], counting: list[Ledger], asked: FindingsAsked
) -> Iterator[_Question]:
    """Yield the findings in question, first those that count as they are told, then others whose proof is none of theirs."""
    ids = {one.id for one in counting}
    found = [
        (one, each) for one in there for each in severe(ledgers.handoff(one).findings, asked.severity, settled=True)
    ]
    told = [
        (one, each)
        for one, each in found
        if one.id in ids and ledgers.recorded_here(one, each.id) and (each.shown_once or not asked.shown_alone)
    ]
    known = {each.proof for _, each in told}
    yield from (_Question(one, each, counts=True, of_branch=True) for one, each in told)
    for one, each in found:
        if each.shown_once and each.proof not in known:
            yield _Question(one, each, counts=False, of_branch=ledgers.belongs_here(one))


def _run_again(
    context: RepoContext, questions: list[_Question], *, clean: bool, uncommitted: bool
) -> Mapping[Proof, Ran]:
    proofs = {one.finding.proof: _path(one.finding) for one in questions if one.finding.proof.fails_with}
    return {
        proof: prove(context, proof, mends=path, anew=True, clean=clean, uncommitted=uncommitted)
        for proof, path in proofs.items()
    }


def _as_they_stand(context: RepoContext, questions: list[_Question]) -> list[_Standing]:
    """Return what the gate counts, each once, named by its ledger where several tell of one."""
    found = [one for one in questions if one.counts or shown(one.ran)]
    several = len({one.ledger.id for one in found}) > 1
    standing: dict[str, _Standing] = {}
    for one in found:
        name, gone = _full_name(one) if several else one.finding.id, _gone(context, one)
        standing[name] = _Standing(one, name, gone, Settlement.FIXED if gone else _outcome(one))
    return list(standing.values())


def _outcome(question: _Question) -> Settlement | None:
    """Return how a finding stands now that its proof ran: what fails as it did stands, whatever was said of it since, and what
    was shown once and passes is over.
    """
    finding, ran = question.finding, question.ran
    by_word = not finding.confirmed and "#" in finding.settled_by  # an experiment of its author's, not its own proof
    if shown(ran) or (finding.outcome is Settlement.DISPROVEN and by_word):
        return None
    return Settlement.FIXED if finding.confirmed and mended(ran) else finding.outcome


def _gone(context: RepoContext, question: _Question) -> bool:
    """Tell whether what was shown once is over because its code is: its proof finds nothing to run, and nothing to name."""
    finding, ran = question.finding, question.ran
    entry = question.ledger.find(finding.id)
    if not (entry and finding.shown_once and ran and ran.failed and not ran.named):
        return False
    near = split_location(finding.location)[1] if ":" in finding.location else 0
    return removed(context, entry.commit, _path(finding), finding.quote, near)


def _untold(context: RepoContext, asked: FindingsAsked, questions: list[_Question]) -> tuple[str, ...]:
    """Return what was recorded here and is said to be over, or told no more, although no run at this code says so."""
    ledgers = Ledgers(context)
    over = (
        one
        for one in questions
        if one.of_branch and ((one.finding.outcome and one.finding.outcome.over) or not one.counts)
    )
    return tuple(
        dict.fromkeys(
            f"{one.finding.id} {one.finding.severity}"
            for one in over
            if ledgers.recorded_here(one.ledger, one.finding.id) and not _told_here(context, asked, one)
        )
    )


def _told_here(context: RepoContext, asked: FindingsAsked, question: _Question) -> bool:
    """Tell whether a run at this code says how a finding stands: that of the gate, or one when it was settled."""
    finding, ledger = question.finding, question.ledger
    if mended(question.ran) or shown(question.ran) or _gone(context, question):
        return True
    ledgers, (by, _, item) = Ledgers(context), finding.settled_by.partition("#")
    closed = [one for one in ledgers.of(ledger.workflow) if one.closed and mended(rerun(one, _full_name(question)))]
    commits = [one.closed.commit for one in closed if one.closed]
    said = ledgers.named(by) or ledger
    if finding.outcome and finding.outcome.over and said.closed:
        # A disproof is an experiment, which ran before the end.
        entry = said.find(item) if finding.outcome is Settlement.DISPROVEN else None
        commits.append(entry.commit if entry else said.closed.commit)
    return any(same_code(context, commit, uncommitted=asked.uncommitted) for commit in commits)


def same_code(context: RepoContext, commit: str, *, uncommitted: bool) -> bool:
    """Tell whether nothing but documents differs from what a commit has."""
    changed = context.repo.changed_paths(commit, context.repo.head())
    edited = [change.path for change in context.repo.changes()] if uncommitted else []
    return changed is not None and all(path.endswith((".md", ".rst", ".adoc")) for path in (*changed, *edited))


def _what_ran(context: RepoContext, seen: Mapping[Proof, Ran], edited: list[str], *, clean: bool) -> str:
    """Say how many reproductions were run again, on what, and why not the others."""
    ran_here = sum(one.exit_code is not None for one in seen.values())
    ran = f"ran {ran_here} of {len(seen)} reproductions again" + (f" at {context.repo.head()[:7]}" if ran_here else "")
    ran += f"{', without' if clean else ' and'} what is not committed: {listed(edited)}" if ran_here and edited else ""
    if asked := [one for one in seen.values() if one.why == NOBODY]:
        ran += f", as nobody agreed to {'any' if len(asked) == len(seen) else 'the rest'}: `autoresearch-mcp approve` asks, and `autoresearch-mcp --allow-commands gate` agrees to all"
    changed = sorted({path for one in seen.values() for path in one.put_back})
    return ran + (f", with {', '.join(changed)} as it was when it showed the fault" if changed else "")


def _remarks(context: RepoContext, standing: list[_Standing]) -> Iterator[str]:
    """Say what a reader has to know of findings that do not fail the gate, or fail it against somebody's word."""
    fixed = [one for one in standing if one.outcome is Settlement.FIXED and not one.gone]
    if quoted := [one.name for one in fixed if _still_there(context, one.finding)]:
        yield f"mended, and the line that was quoted still stands: {', '.join(quoted)}"
    if gone := sorted(one.name for one in standing if one.gone):
        yield f"the code of {', '.join(gone)} is gone"
    open_ones = [one for one in standing if one.outcome is None and not shown(one.question.ran)]
    if by_word := [f"{one.name} by {one.finding.settled_by}" for one in open_ones if one.finding.settled_by]:
        yield f"not seen with an experiment, which is its author's word and ends nothing: {', '.join(by_word)}"


def _retired(counting: list[Ledger]) -> str:
    unread = [f"{one.id}#{id}" for one in counting for id in one.retired]
    return f"recorded by an earlier version and read no more: {', '.join(unread)}" if unread else ""


def _why_it_says_nothing(ran: Ran) -> str:
    why = ran.why if ran.exit_code is None else ran.says_nothing
    return "" if why == NOBODY else why


def _full_name(question: _Question) -> str:
    id = question.finding.id
    return id if "#" in id else f"{question.ledger.id}#{id}"


def _path(finding: HandoffFinding) -> str:
    return split_location(finding.location)[0] if ":" in finding.location else finding.location


def _still_there(context: RepoContext, finding: HandoffFinding) -> bool:
    content = context.repo.content(context.repo.head(), _path(finding))
    return bool(content and finding.quote and line_of(finding.quote, content.decode("utf-8", "replace"), redactor()))
