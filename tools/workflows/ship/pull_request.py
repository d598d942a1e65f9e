"""The text of a pull request, out of the ledgers of the work: what was wrong, how it was shown, what changed, what passes now."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from textwrap import indent
from typing import ClassVar

from ...lab.context import RepoContext
from ..ledger.handoff import Handoff, HandoffFinding
from ..ledger.items import Settlement, Workflow
from ..ledger.pages import clipped, code, flagged, plain, quoted, section, sentence
from ..ledger.state import Ledger, LedgerFacts
from ..running.store import Ledgers
from .checks.material import CheckResult
from .shipment import Shipment, ShipOptions, current_checks

PAGE = "pull-request.md"
MOST_COMMITS = 40
_OWN_WORDS = re.compile(r"^experiment\([^)]*\): (?:[A-Z]\d+: )?")
"""What the loop and the queue of errors put before what a commit does."""


class PullRequest(LedgerFacts):
    """What a pull request has to tell of a commit, by the ledgers `sources`: the faults as first found and as mended, what is
    `done` by its commits, and what is `left` open.
    """

    what: ClassVar[str] = "pull-request"

    commit: str
    sources: tuple[str, ...] = ()
    faults: tuple[tuple[HandoffFinding, HandoffFinding], ...] = ()
    left: tuple[str, ...] = ()
    done: tuple[str, ...] = ()
    counted: tuple[str, ...] = ()


_TOLD = ("errors", "for a person to judge")
"""What a ledger hands over that is for people, and that no fault or check tells."""
_IN_PLAIN_WORDS = {
    ", with a second witness: ": ", and a new test with other values fails without it: ",
    ", for its reproduction only": ", and nothing but that command was seen to pass",
    "At the opening": "Before the change",
}


def told_by_ledgers(context: RepoContext, ledger: Ledger, shipment: Shipment) -> PullRequest:
    """Return what the ledgers of the work say, which the server checked, and what git says of the change."""
    head, base = context.repo.head(), shipment.parted
    handoffs = [Ledgers(context).handoff(one) for one in work_before(context, ledger, base)]
    findings = [one for handoff in handoffs for one in handoff.findings]
    counted = [
        f"{name}: {value}".replace("of HEAD", f"of {one.commit[:7]}")
        for one in handoffs
        for name, value in one.config.items()
        if name in _TOLD
    ]
    return PullRequest(
        commit=head,
        sources=tuple(one.id for one in handoffs),
        faults=tuple(_faults(handoffs)),
        left=tuple(f"{one.title} {one.location}".strip() for one in findings if one.outcome is None and one.confirmed),
        done=_done(context, base, head) if base else (),
        counted=tuple(counted),
    )


def pull_request_page(ledger: Ledger) -> str:
    """Return the text as Markdown; empty where no ledger has anything to tell."""
    facts = ledger.seen(PullRequest)
    if facts is None or not facts.sources:
        return ""
    checks = [one for one in current_checks(ledger) if one.result is not CheckResult.NOT_HERE]
    told = [one for one in checks if one.commands or "`" in one.seen or one.name == "regression"]
    passed = [f"- {one.title}: {one.seen}" for one in told if one.holds]
    left = [f"{one.title}: {one.result}: {one.seen}" for one in told if not one.holds]
    parts = [
        section("What was wrong", [line for first, last in facts.faults for line in _fault(first, last)]),
        section("What changed", [f"- {plain(line)}" for line in facts.done]),
        section("What passes now", [*(f"- {sentence(plain(line))}" for line in facts.counted), *passed]),
        section("What is left", [f"- {plain(line)}" for line in (*facts.left, *left)]),
    ]
    first = clipped(facts.faults[0][0].title, 120) if facts.faults else ""
    title = f"Fix: {first}" if first else ledger.opts(ShipOptions).goal or "What was mended"
    more = f" (and {len(facts.faults) - 1} more)" if facts.faults[1:] else ""
    source = f"Checked at {facts.commit[:12]}; a server ran what is quoted here ({', '.join(facts.sources)}).\n"
    return "\n".join([f"# {plain(title)}{more}\n", *filter(None, parts), source])


def _faults(handoffs: Sequence[Handoff]) -> Iterator[tuple[HandoffFinding, HandoffFinding]]:
    """Yield what was mended, each once: as the ledger told it that first found it, and as the later one saw it mended."""
    known = {f"{handoff.id}#{one.id}": one for handoff in handoffs for one in handoff.findings}
    told = set()
    for name, one in known.items():
        origin = one.title.partition(" ")[0]
        if one.outcome is Settlement.FIXED and name not in told:
            told.add(origin)
            yield known.get(origin, one), one


def _fault(first: HandoffFinding, last: HandoffFinding) -> Iterator[str]:
    where, proof, mended = f", {code(first.location)}" if first.location else "", first.proof, last.detail
    yield f"- **{plain(first.title)}** ({first.severity}{where}){flagged(first.title)}"
    if first != last:
        yield f"  - Cause: {sentence(plain(first.detail))}"
    if proof.command:
        words = f", which failed with {code(plain(proof.fails_with))}" if proof.fails_with else ", which failed"
        if "\n" in proof.command:
            yield f"  - Shown by a command{words}:\n\n{indent(quoted(proof.command), '    ')}\n"
        else:
            yield f"  - Shown by {code(proof.command)}{words}."
    for words, others in _IN_PLAIN_WORDS.items():
        mended = mended.replace(words, others)
    yield f"  - {sentence(plain(mended))}"


def _done(context: RepoContext, base: str, head: str) -> tuple[str, ...]:
    """Return what each commit says that it does, the oldest first, in full where its subject is cut off."""
    log = context.repo.git.line("log", "--reverse", "--no-merges", "--format=%h%x00%s%x00%b%x01", f"{base}..{head}")
    told = [entry.strip().split("\0") for entry in log.split("\1") if entry.count("\0") == 2]
    subjects = ((commit, body.split("\n")[0] if subject.endswith("…") else subject) for commit, subject, body in told)
    lines = [(_OWN_WORDS.sub("", subject), commit) for commit, subject in subjects]
    return tuple(f"{line[:1].upper()}{line[1:]} ({commit})" for line, commit in lines[-MOST_COMMITS:])


def work_before(context: RepoContext, ledger: Ledger, base: str) -> Iterator[Ledger]:
    """Yield the ledgers of the work, each once: the one that hands over, then those that were closed at commits since the base,
    the newest first, each with those that handed over to it.
    """
    ledgers, there = Ledgers(context), shipped_commits(context, base)
    closed = (one for one in ledgers.closed_ones() if one.closed and one.closed.commit in there)
    told: set[str] = set()
    for found in (ledgers.named(ledger.incoming), *(one for one in closed if one.workflow in _OF_WORK)):
        while found is not None and found.id not in told:
            told.add(found.id)
            yield found
            found = ledgers.named(found.incoming)


_OF_WORK = frozenset({Workflow.DEBUG, Workflow.FIX, Workflow.SECURITY, Workflow.REGRESSION})


def shipped_commits(context: RepoContext, base: str) -> frozenset[str]:
    """Return what is shipped: the commits since the base, and HEAD."""
    head = context.repo.head()
    return frozenset({head, *(context.repo.git.line("rev-list", f"{base}..{head}").split() if base else ())})
