"""The findings of a security audit: how sure, mended or not, new or known; and what became of those of the last one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar

from ...session.events import Record
from ..ledger.evidence import SAME, fingerprint, likeness, mended, proof_of, ran, shown
from ..ledger.items import Confidence, Proof, Settlement, Severity, split_location
from ..ledger.state import Ledger, LedgerEntry, LedgerFacts, Ran
from ..running.inspection import Hint
from .items import Cleared, Remedy, SecurityFinding, SecurityOptions

MOST_ATTEMPTS = 3
SERIOUS = frozenset({Severity.CRITICAL, Severity.HIGH})
PLACES = "standing"
"""Facts of the close: where the quote of each earlier finding is now, by its name."""
RERUN = "earlier proofs"
"""What the proofs of earlier findings do now, by the finding's name."""


class Known(Record):
    """A finding as an earlier audit left it. `ledger` and `id` name it; `stands` is where its quote is now, if it is; `proof` is
    that in which the server saw it, empty where it never did.
    """

    ledger: str
    id: str
    path: str
    kind: str
    quote: str
    summary: str
    severity: Severity
    fingerprint: str
    stands: str = ""
    proof: Proof = Proof()

    @property
    def name(self) -> str:
        """What an item names as `upstream`."""
        return f"{self.ledger}#{self.id}"


class AuditNumbers(Record):
    """How many findings of each severity an audit left open."""

    ledger: str
    critical: int
    high: int
    medium: int
    low: int
    info: int

    @property
    def numbers(self) -> tuple[int, ...]:
        """The same, the worst first."""
        return (self.critical, self.high, self.medium, self.low, self.info)


class LastAudit(LedgerFacts):
    """What the last audit on this branch left open, as seen at the opening; without a `ledger` there is none.

    `changed` are the files that this audit looks at because they changed since; None where it looks at everything.
    """

    what: ClassVar[str] = "last audit"

    ledger: str = ""
    commit: str = ""
    known: tuple[Known, ...] = ()
    history: tuple[AuditNumbers, ...] = ()
    warning: str = ""
    changed: tuple[str, ...] | None = None


class Surface(LedgerFacts):
    """What there is to attack, as far as file names and patterns tell at the opening.

    `tests` are globs; `dirty` the files that differed from HEAD already; `read` the number of files looked through.
    """

    what: ClassVar[str] = "surface"

    manifests: tuple[str, ...] = ()
    pipelines: tuple[str, ...] = ()
    hints: tuple[Hint, ...] = ()
    secrets: tuple[str, ...] = ()
    tests: tuple[str, ...] = ()
    dirty: tuple[str, ...] = ()
    read: int = 0


class CommandSeen(Record):
    """What a command of the project did; `exit_code` is None where it was not run."""

    kind: str
    command: str
    exit_code: int | None
    said: str
    tail: str


class TestsSeen(LedgerFacts):
    """What the project's tests did at a commit."""

    what: ClassVar[str] = "tests"

    commands: tuple[CommandSeen, ...] = ()

    @property
    def failed(self) -> frozenset[str]:
        """The commands that failed."""
        return frozenset(one.command for one in self.commands if one.exit_code not in {0, None})


class DependencyAudits(LedgerFacts):
    """What the project's own dependency audits did."""

    what: ClassVar[str] = "dependency audit"

    commands: tuple[CommandSeen, ...] = ()


def last_audit(ledger: Ledger) -> LastAudit:
    """Return what is known of the last audit."""
    return ledger.seen(LastAudit) or LastAudit()


def surface_of(ledger: Ledger) -> Surface:
    """Return what the server saw of the surface."""
    return ledger.seen(Surface) or Surface()


def confidence_of(ledger: Ledger, entry: LedgerEntry[SecurityFinding]) -> Confidence:
    """Return how sure a finding is: confirmed once the server saw it shown; else at most likely, and only possible once its
    own proof showed nothing.
    """
    seen = ran(ledger, entry)
    if shown(seen):
        return Confidence.CONFIRMED
    if seen and seen.exit_code is not None:
        return Confidence.POSSIBLE
    return max(entry.item.confidence, Confidence.LIKELY, key=list(Confidence).index)


def attempts(ledger: Ledger, finding: str) -> tuple[LedgerEntry[Remedy], ...]:
    """Return the attempts to mend a finding, the oldest first."""
    return tuple(entry for entry in ledger.of(Remedy) if entry.item.finding == finding)


def held(ledger: Ledger, entry: LedgerEntry[Remedy]) -> bool:
    """Tell whether an attempt ended the attack, as the server saw it, and broke no test."""
    return mended(ran(ledger, entry)) and not broken_tests(ledger, entry.commit)


def broken_tests(ledger: Ledger, commit: str) -> frozenset[str]:
    """Return the test commands that failed at a commit and did not when the audit began."""
    runs = [
        (seen.commit, TestsSeen.model_validate(seen.facts)) for seen in ledger.observed if seen.what == TestsSeen.what
    ]
    here = [tests for at, tests in runs if at == commit]
    return here[-1].failed - runs[0][1].failed if here else frozenset()


def untested_remedies(ledger: Ledger) -> tuple[LedgerEntry[Remedy], ...]:
    """Return the attempts at whose commit the tests were not run."""
    commits = {seen.commit for seen in ledger.observed if seen.what == TestsSeen.what}
    return tuple(entry for entry in ledger.of(Remedy) if held(ledger, entry) and entry.commit not in commits)


def is_fixed(ledger: Ledger, entry: LedgerEntry[SecurityFinding]) -> bool:
    """Tell whether the newest attempt to mend a finding held."""
    tried = attempts(ledger, entry.id)
    return bool(tried) and held(ledger, tried[-1])


def open_findings(ledger: Ledger) -> tuple[LedgerEntry[SecurityFinding], ...]:
    """Return the findings that were not mended, the worst and surest first."""
    left = (entry for entry in ledger.of(SecurityFinding) if not is_fixed(ledger, entry))
    order = list(Confidence)
    return tuple(
        sorted(left, key=lambda one: (one.item.severity.rank, order.index(confidence_of(ledger, one)), one.id))
    )


def counts_of(ledger: Ledger) -> dict[str, int]:
    """Return the number of open findings of each severity."""
    left = open_findings(ledger)
    return {str(severity): sum(one.item.severity is severity for one in left) for severity in Severity}


def mendable(ledger: Ledger) -> tuple[LedgerEntry[SecurityFinding], ...]:
    """Return the findings that this audit still has to mend."""
    if not ledger.opts(SecurityOptions).fix:
        return ()
    return tuple(
        entry
        for entry in open_findings(ledger)
        if entry.item.severity in SERIOUS
        and confidence_of(ledger, entry) is Confidence.CONFIRMED
        and len(attempts(ledger, entry.id)) < MOST_ATTEMPTS
    )


class FindingFate(StrEnum):
    """What became of an earlier finding."""

    RECURRING = "recurring"
    STANDS = "still shown"
    """The server saw its proof fail again: nobody has to say so."""
    FIXED = "fixed"
    """The server saw its proof pass."""
    CLEARED = "cleared by reading"
    """Nobody had shown it, and somebody says now that it is none."""
    GONE = "gone from the code"
    """What was quoted stands nowhere any more. That is no proof that the weakness went with it."""
    CARRIED = "carried over"
    """Not looked at, because nothing there changed; or once shown, and nothing has run since that shows it mended."""
    UNSETTLED = "unsettled"
    """It still stands in the code, and nobody has said whether it is still a weakness."""


LEFT_OPEN = frozenset({FindingFate.STANDS, FindingFate.CARRIED, FindingFate.UNSETTLED})


@dataclass(frozen=True)
class Matching:
    """What became of one earlier finding, and the item that says so."""

    known: Known
    fate: FindingFate
    by: str = ""


def known_of(ledger: Ledger, entry: LedgerEntry[SecurityFinding]) -> Known:
    """Return a finding as the next audit will know it. One that recurs keeps its fingerprint, however it is quoted now."""
    fresh, before = _fresh(ledger, entry), recurring(ledger).get(entry.id)
    return fresh.model_copy(update={"fingerprint": before.fingerprint}) if before else fresh


def _fresh(ledger: Ledger, entry: LedgerEntry[SecurityFinding]) -> Known:
    one = entry.item
    return Known(
        ledger=ledger.id, id=entry.id, path=one.path, kind=one.owasp, quote=one.quote, summary=one.summary,
        severity=one.severity, fingerprint=fingerprint(one.path, one.owasp, one.quote), stands=one.location,
        proof=proof_of(ledger, entry) if shown(ran(ledger, entry)) else Proof(),
    )  # fmt: skip


def earlier(ledger: Ledger) -> tuple[Known, ...]:
    """Return what the last audit left open, with where each quote is now; a file may have got another name."""
    now: Mapping[str, Any] = ledger.latest(PLACES)
    places = [(one, now.get(one.name, one.stands)) for one in last_audit(ledger).known]
    return tuple(
        one.model_copy(update={"stands": place, "path": split_location(place)[0] if place else one.path})
        for one, place in places
    )


def recurring(ledger: Ledger) -> dict[str, Known]:
    """Return the findings of this audit that an earlier one had, by their id."""
    before = earlier(ledger)
    named = {one.name: one for one in before}
    found = {
        entry.id: named.get(entry.item.upstream) or _same_as(_fresh(ledger, entry), before)
        for entry in ledger.of(SecurityFinding)
    }
    return {id: known for id, known in found.items() if known}


def _same_as(found: Known, earlier: Iterable[Known]) -> Known | None:
    """Return the earlier finding that this one is: by fingerprint, else in the same file with a quote that holds the other's, or of
    the same kind and in nearly the same words.
    """
    here = [one for one in earlier if one.path == found.path]
    exact = next((one for one in here if one.fingerprint == found.fingerprint), None)
    return exact or next((one for one in here if one.kind == found.kind and _alike(one, found)), None)


def _alike(one: Known, other: Known) -> bool:
    here, there = " ".join(one.quote.split()), " ".join(other.quote.split())
    return here in there or there in here or likeness(one.summary, other.summary) >= SAME


def fates_of(ledger: Ledger) -> tuple[Matching, ...]:
    """Return what became of each finding that the last audit left open."""
    known = recurring(ledger)
    fixed = {entry.id for entry in ledger.of(SecurityFinding) if is_fixed(ledger, entry)}
    again = {one.name: id for id, one in known.items() if id not in fixed}
    mended_here = {one.name for id, one in known.items() if id in fixed}
    cleared, unchanged = {one.upstream for one in ledger.items(Cleared)}, _unchanged(ledger)

    def fate(one: Known) -> FindingFate:
        seen, new = rerun(ledger, one.name), ledger.find(again.get(one.name, ""))
        if shown(seen) and not (new and _as_bad(ledger, new, one)):
            return FindingFate.STANDS
        if new:
            return FindingFate.RECURRING
        if one.name in mended_here or mended(seen):
            return FindingFate.FIXED
        if one.name in cleared:
            return FindingFate.CARRIED if one.proof.command else FindingFate.CLEARED
        if not one.stands:
            return FindingFate.CARRIED if one.proof.command else FindingFate.GONE
        return FindingFate.CARRIED if one.path in unchanged else FindingFate.UNSETTLED

    return tuple(Matching(one, fate(one), again.get(one.name, "")) for one in earlier(ledger))


def _as_bad(ledger: Ledger, entry: LedgerEntry[Any], before: Known) -> bool:
    """Tell whether what was recorded again is as severe as it was, and shown: to play it down closes nothing."""
    return entry.item.severity.rank <= before.severity.rank and confidence_of(ledger, entry) is Confidence.CONFIRMED


def rerun(ledger: Ledger, name: str) -> Ran | None:
    """Return what the proof of an earlier finding did in this audit; None without one."""
    facts = ledger.latest(RERUN).get(name)
    return Ran.model_validate(facts) if facts else None


def _unchanged(ledger: Ledger) -> frozenset[str]:
    """In an audit of what changed, the files of earlier findings that did not."""
    changed = last_audit(ledger).changed
    if not ledger.opts(SecurityOptions).diff or changed is None:
        return frozenset()
    return frozenset(one.path for one in earlier(ledger) if one.path not in changed)


def to_settle(ledger: Ledger) -> tuple[Known, ...]:
    """Return what the last audit left open and nobody has looked at again."""
    return tuple(one.known for one in fates_of(ledger) if one.fate is FindingFate.UNSETTLED)


def left_open(ledger: Ledger) -> tuple[Known, ...]:
    """Return what the next audit has to look at: what this one found and did not mend, and what it left as it was."""
    disproven = {id for id, settled in ledger.overruled.items() if settled.outcome is Settlement.DISPROVEN}
    found = tuple(known_of(ledger, entry) for entry in open_findings(ledger) if entry.id not in disproven)
    carried = (one.known for one in fates_of(ledger) if one.fate in LEFT_OPEN)
    return (*found, *carried)
