"""The text of a pull request, out of the ledgers of the work: what was wrong, how it was shown, what changed, what passes now."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from textwrap import indent
from typing import ClassVar

from ...lab.context import RepoContext
from ...session.events import Record
from ..ledger.handoff import Handoff, HandoffFinding, is_plan
from ..ledger.items import Settlement, Workflow
from ..ledger.pages import code, flagged, plain, quoted, section, sentence
from ..ledger.state import Ledger, LedgerFacts
from ..running.store import Ledgers
from .gathering import numbers_of
from .shipment import Shipment, ShipOptions, current_checks

PAGE = "pull-request.md"
MOST_FILES = 40


class MendedFault(Record):
    """One thing that was wrong: what it did, why, the command that showed it, its words, and who saw it mended."""

    title: str
    severity: str = ""
    location: str = ""
    cause: str = ""
    command: str = ""
    fails_with: str = ""
    mended: str = ""


class PullRequest(LedgerFacts):
    """What a pull request has to tell of a commit, by the ledgers `sources`. `left` is what they leave open."""

    what: ClassVar[str] = "pull-request"

    commit: str
    sources: tuple[str, ...] = ()
    faults: tuple[MendedFault, ...] = ()
    left: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    counted: tuple[str, ...] = ()


_OF_MACHINES = frozenset({"base", "candidate", "regression_state", "counted by"})
"""What a ledger hands over for the next one, and nobody reads."""


def told_by_ledgers(context: RepoContext, ledger: Ledger, shipment: Shipment) -> PullRequest:
    """Return what the ledgers of the work say, which the server checked, and what git says of the change."""
    head, base = context.repo.head(), shipment.parted
    handoffs = [Ledgers(context).handoff(one) for one in _sources(context, ledger, base, head)]
    findings = [one for handoff in handoffs for one in handoff.findings]
    counted = [
        f"{name}: {value}"
        for one in handoffs
        if not is_plan(one.config)
        for name, value in one.config.items()
        if name not in _OF_MACHINES
    ]
    return PullRequest(
        commit=head,
        sources=tuple(one.id for one in handoffs),
        faults=tuple(_faults(handoffs)),
        left=tuple(f"{one.title} {one.location}".strip() for one in findings if one.outcome is None and one.confirmed),
        files=_files(context, base, head) if base else (),
        counted=tuple(counted),
    )


def pull_request_page(ledger: Ledger) -> str:
    """Return the text as Markdown; empty where no ledger has anything to tell."""
    facts = ledger.seen(PullRequest)
    if facts is None or not facts.sources:
        return ""
    passed = [
        f"- {one.title}: {one.seen}"
        for one in current_checks(ledger)
        if one.holds and (one.commands or "`" in one.seen)
    ]
    parts = [
        section("What was wrong", [line for one in facts.faults for line in _fault(one)]),
        section("What changed", [f"- {line}" for line in facts.files]),
        section("What passes now", [*(f"- {sentence(plain(line))}" for line in facts.counted), *passed]),
        section("What is left", [f"- {plain(line)}" for line in facts.left]),
    ]
    title = ledger.opts(ShipOptions).goal or (facts.faults[0].title if facts.faults else "What was mended")
    source = (
        f"Told by the ledgers {', '.join(facts.sources)} at {facts.commit[:12]}; the server ran what is quoted here.\n"
    )
    return "\n".join([f"# {plain(title)}\n", *filter(None, parts), source])


def _sources(context: RepoContext, ledger: Ledger, base: str, head: str) -> Iterator[Ledger]:
    """Yield the ledgers of the work, the newest first: the one that hands over, else the last fix of these commits."""
    ledgers = Ledgers(context)
    there = set(context.repo.git.line("rev-list", f"{base}..{head}").split()) if base else set()
    fixes = (
        one
        for one in ledgers.closed_ones()
        if one.workflow is Workflow.FIX and one.closed and one.closed.commit in there
    )
    found = ledgers.named(ledger.incoming) if ledger.incoming else next(fixes, None)
    while found is not None:
        yield found
        found = ledgers.named(found.incoming) if found.incoming else None


def _faults(handoffs: Sequence[Handoff]) -> Iterator[MendedFault]:
    """Yield what was mended, each once: as the ledger told it that first found it, with what the later one saw."""
    known = {f"{handoff.id}#{one.id}": one for handoff in handoffs for one in handoff.findings}
    told = set()
    for name, one in known.items():
        origin_name = one.title.partition(" ")[0]
        origin = known.get(origin_name)
        if one.outcome is Settlement.FIXED and name not in told:
            told.add(origin_name)
            yield _fault_of(one, origin)


def _fault_of(one: HandoffFinding, origin: HandoffFinding | None) -> MendedFault:
    first = origin or one
    return MendedFault(
        title=first.title,
        severity=first.severity,
        location=first.location,
        cause=origin.detail if origin else "",
        command=first.proof.command,
        fails_with=first.proof.fails_with,
        mended=one.detail,
    )


def _fault(one: MendedFault) -> Iterator[str]:
    where = f", {code(one.location)}" if one.location else ""
    yield f"- **{plain(one.title)}** ({one.severity}{where}){flagged(one.title)}"
    if one.cause:
        yield f"  - Cause: {sentence(plain(one.cause))}"
    if one.command:
        words = f", which failed with {code(plain(one.fails_with))}" if one.fails_with else ", which failed"
        if "\n" in one.command:
            yield f"  - Shown by a command{words}:\n\n{indent(quoted(one.command), '    ')}\n"
        else:
            yield f"  - Shown by {code(one.command)}{words}."
    if one.mended:
        yield f"  - {sentence(plain(one.mended))}"


def _files(context: RepoContext, base: str, head: str) -> tuple[str, ...]:
    """Return the changed files with the lines that were added and removed."""
    rows = numbers_of(context, base, head)
    told = [f"{code(path)} " + ("binary" if more == "-" else f"+{more} -{less}") for more, less, path in rows]
    more = [f"and {len(told) - MOST_FILES} more"] if len(told) > MOST_FILES else []
    return (*told[:MOST_FILES], *more)
