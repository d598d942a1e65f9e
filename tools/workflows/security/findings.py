"""The findings of a security audit: shown or not, new or known; and what became of those of the last one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar

from ...session.events import Record
from ..ledger.evidence import disproved, fingerprint, mended, proof_of, ran, shown
from ..ledger.items import Cited, Proof, Settlement, Severity, split_location
from ..ledger.state import Ledger, LedgerEntry, LedgerFacts, Ran
from .items import Cleared, SecurityFinding, SecurityOptions

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


class LastAudit(LedgerFacts):
    """What the last audit on this branch left open, as seen at the opening; without a `ledger` there is none.

    `changed` are the files that this audit looks at because they changed since; None where it looks at everything.
    """

    what: ClassVar[str] = "last audit"

    ledger: str = ""
    commit: str = ""
    known: tuple[Known, ...] = ()
    warning: str = ""
    changed: tuple[str, ...] | None = None


class Surface(LedgerFacts):
    """Lines in the form of a known secret at the opening, and the files that differed from HEAD already."""

    what: ClassVar[str] = "surface"

    secrets: tuple[str, ...] = ()
    dirty: tuple[str, ...] = ()


class CommandSeen(Record):
    """What a command of the project did; `exit_code` is None where it was not run."""

    kind: str
    command: str
    exit_code: int | None
    said: str
    tail: str


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


def by_a_run(ledger: Ledger, entry: LedgerEntry[Any]) -> bool:
    """Tell whether the server saw what a test claims: the attack, or that it fails."""
    seen = ran(ledger, entry)
    if isinstance(entry.item, Cleared):
        return disproved(seen) if entry.item.reproduction else mended(seen)
    return shown(seen)


def how_sure(ledger: Ledger, entry: LedgerEntry[Any]) -> str:
    """Return whether the server saw what a test claims, in a few words."""
    seen = ran(ledger, entry)
    if by_a_run(ledger, entry):
        return "held in a run" if isinstance(entry.item, Cleared) else "shown"
    return "its run showed nothing" if seen and seen.exit_code is not None else "not run"


def looked_at(ledger: Ledger) -> frozenset[str]:
    """Return the files that any item cites."""
    return frozenset(entry.item.path for entry in ledger.standing if isinstance(entry.item, Cited))


def open_findings(ledger: Ledger) -> tuple[LedgerEntry[SecurityFinding], ...]:
    """Return the findings, the worst first, and of these what was shown before what was not."""
    return tuple(
        sorted(
            ledger.of(SecurityFinding),
            key=lambda one: (one.item.severity.rank, not by_a_run(ledger, one), int(one.id[1:])),
        )
    )


class FindingFate(StrEnum):
    """What became of an earlier finding."""

    RECURRING = "recurring"
    STANDS = "still shown"
    """The server saw its proof fail again: nobody has to say so."""
    FIXED = "fixed"
    """The server saw its proof pass, and the line quoted is gone or another one."""
    PASSES = "its proof passes, and the line quoted still stands: look"
    """The code may be guarded elsewhere, or against this one attack."""
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
        ledger=ledger.id, id=entry.id, path=one.path, quote=one.quote, summary=one.summary, severity=one.severity,
        fingerprint=fingerprint(one.path, "security", one.quote), stands=one.location,
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
    """Return the earlier finding that this one is: by fingerprint, else in the same file with a quote that holds the other's."""
    here = [one for one in earlier if one.path == found.path]
    exact = next((one for one in here if one.fingerprint == found.fingerprint), None)
    return exact or next((one for one in here if _holds(one.quote, found.quote)), None)


def _holds(one: str, other: str) -> bool:
    here, there = " ".join(one.split()), " ".join(other.split())
    return here in there or there in here


def fates_of(ledger: Ledger) -> tuple[Matching, ...]:
    """Return what became of each finding that the last audit left open."""
    again = {one.name: id for id, one in recurring(ledger).items()}
    cleared, unchanged = {one.upstream for one in ledger.items(Cleared)}, _unchanged(ledger)

    def fate(one: Known) -> FindingFate:
        seen, new = rerun(ledger, one.name), ledger.find(again.get(one.name, ""))
        if shown(seen) and not (new and _as_bad(ledger, new, one)):
            return FindingFate.STANDS
        if new:
            return FindingFate.RECURRING
        if mended(seen):
            return FindingFate.PASSES if one.stands else FindingFate.FIXED
        if one.name in cleared:
            return FindingFate.CARRIED if one.proof.command else FindingFate.CLEARED
        if not one.stands:
            return FindingFate.CARRIED if one.proof.command else FindingFate.GONE
        return FindingFate.CARRIED if one.path in unchanged else FindingFate.UNSETTLED

    return tuple(Matching(one, fate(one), again.get(one.name, "")) for one in earlier(ledger))


def _as_bad(ledger: Ledger, entry: LedgerEntry[Any], before: Known) -> bool:
    """Tell whether what was recorded again is as severe as it was, and shown: to play it down closes nothing."""
    return entry.item.severity.rank <= before.severity.rank and by_a_run(ledger, entry)


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
    """Return what the next audit has to look at: what this one found, and what it left as it was."""
    disproven = {id for id, settled in ledger.overruled.items() if settled.outcome is Settlement.DISPROVEN}
    found = tuple(known_of(ledger, entry) for entry in open_findings(ledger) if entry.id not in disproven)
    carried = (one.known for one in fates_of(ledger) if one.fate in LEFT_OPEN)
    return (*found, *carried)
