"""The findings of a security audit as they stand: how sure, mended or not, new or known."""

from __future__ import annotations

from ..ledger.evidence import ran, refuted, shown
from ..ledger.items import Confidence, Settlement, Severity, split_location
from ..ledger.ledger import Ledger, LedgerEntry, Observed
from ..ledger.similarity import fingerprint
from .comparison import FindingFate, Known, Matching, fates, matching
from .items import Cleared, Remedy, SecurityFinding, SecurityOptions

AUDITED, SURFACE, STANDING = "last audit", "surface", "standing"
"""Facts of the opening: the last audit, what the server saw of the surface; and where known quotes stand at the close."""
TESTS, DEPENDENCIES = "tests", "dependency audit"
"""Facts of a run."""
MOST_ATTEMPTS = 3
SERIOUS = frozenset({Severity.CRITICAL, Severity.HIGH})


def confidence_of(ledger: Ledger, entry: LedgerEntry[SecurityFinding]) -> Confidence:
    """How sure a finding is. Whoever says confirmed is believed once the server saw the command fail; until then it is likely,
    and only possible once the command showed that all is well.
    """
    seen = ran(ledger, entry)
    if refuted(seen):
        return Confidence.POSSIBLE
    if entry.item.confidence is Confidence.CONFIRMED and not shown(seen):
        return Confidence.LIKELY
    return entry.item.confidence


def attempts(ledger: Ledger, finding: str) -> tuple[LedgerEntry[Remedy], ...]:
    """The attempts to mend a finding, the oldest first."""
    return tuple(entry for entry in ledger.of(Remedy) if entry.item.finding == finding)


def held(ledger: Ledger, entry: LedgerEntry[Remedy]) -> bool:
    """Whether an attempt ended the attack, as the server saw it, and broke no test."""
    return refuted(ran(ledger, entry)) and not broken_tests(ledger, entry.commit)


def broken_tests(ledger: Ledger, commit: str) -> frozenset[str]:
    """The test commands that failed at a commit and did not when the audit began."""
    runs = [seen for seen in ledger.observed if seen.what == TESTS]
    here = [_failed(seen) for seen in runs if seen.commit == commit]
    return here[-1] - _failed(runs[0]) if here else frozenset()


def _failed(seen: Observed) -> frozenset[str]:
    return frozenset(one["command"] for one in seen.facts.get("commands", ()) if one["exit_code"] not in {0, None})


def untested_remedies(ledger: Ledger) -> tuple[LedgerEntry[Remedy], ...]:
    """Attempts at whose commit the tests were not run."""
    commits = {seen.commit for seen in ledger.observed if seen.what == TESTS}
    return tuple(entry for entry in ledger.of(Remedy) if held(ledger, entry) and entry.commit not in commits)


def is_fixed(ledger: Ledger, entry: LedgerEntry[SecurityFinding]) -> bool:
    """Whether the newest attempt to mend a finding held."""
    tried = attempts(ledger, entry.id)
    return bool(tried) and held(ledger, tried[-1])


def open_findings(ledger: Ledger) -> tuple[LedgerEntry[SecurityFinding], ...]:
    """The findings that were not mended, the worst and surest first."""
    left = (entry for entry in ledger.of(SecurityFinding) if not is_fixed(ledger, entry))
    order = list(Confidence)
    return tuple(
        sorted(left, key=lambda one: (one.item.severity.rank, order.index(confidence_of(ledger, one)), one.id))
    )


def mendable(ledger: Ledger) -> tuple[LedgerEntry[SecurityFinding], ...]:
    """The findings that this audit still has to mend."""
    if not ledger.opts(SecurityOptions).fix:
        return ()
    return tuple(
        entry
        for entry in open_findings(ledger)
        if entry.item.severity in SERIOUS
        and confidence_of(ledger, entry) is Confidence.CONFIRMED
        and len(attempts(ledger, entry.id)) < MOST_ATTEMPTS
    )


def known_of(ledger: Ledger, entry: LedgerEntry[SecurityFinding]) -> Known:
    """A finding as the next audit will know it. One that recurs keeps the fingerprint it had, however it is quoted now."""
    fresh, before = _fresh(ledger, entry), recurring(ledger).get(entry.id)
    return fresh.model_copy(update={"fingerprint": before.fingerprint}) if before else fresh


def _fresh(ledger: Ledger, entry: LedgerEntry[SecurityFinding]) -> Known:
    one = entry.item
    return Known(
        ledger=ledger.id, id=entry.id, path=one.path, kind=one.owasp, quote=one.quote, summary=one.summary,
        severity=one.severity, fingerprint=fingerprint(one.path, one.owasp, one.quote), stands=one.location,
    )  # fmt: skip


def earlier(ledger: Ledger) -> tuple[Known, ...]:
    """What the last audit left open, with where each quote stands now; a file may have got another name."""
    now = ledger.latest(STANDING)
    known = [Known.model_validate(fields) for fields in ledger.latest(AUDITED).get("known", ())]
    places = [(one, now.get(one.name, one.stands)) for one in known]
    return tuple(
        one.model_copy(update={"stands": place, "path": split_location(place)[0] if place else one.path})
        for one, place in places
    )


def recurring(ledger: Ledger) -> dict[str, Known]:
    """The findings of this audit that an earlier one had, by their id."""
    before = earlier(ledger)
    named = {one.name: one for one in before}
    found = {
        entry.id: named.get(entry.item.upstream) or matching(_fresh(ledger, entry), before)
        for entry in ledger.of(SecurityFinding)
    }
    return {id: known for id, known in found.items() if known}


def fates_of(ledger: Ledger) -> tuple[Matching, ...]:
    """What became of each finding that the last audit left open."""
    fixed = {entry.id for entry in ledger.of(SecurityFinding) if is_fixed(ledger, entry)}
    again = {known.name: id for id, known in recurring(ledger).items() if id not in fixed}
    mended = {known.name for id, known in recurring(ledger).items() if id in fixed}
    settled = {one.upstream for one in ledger.items(Cleared) if one.upstream} | mended
    return fates(earlier(ledger), again, settled, _unchanged(ledger))


def to_settle(ledger: Ledger) -> tuple[Known, ...]:
    """What the last audit left open and nobody has looked at again."""
    return tuple(one.known for one in fates_of(ledger) if one.fate is FindingFate.UNSETTLED)


def left_open(ledger: Ledger) -> tuple[Known, ...]:
    """What the next audit has to look at: what this one found and did not mend, and what it left as it was."""
    disproven = {id for id, told in ledger.overruled.items() if told.outcome is Settlement.DISPROVEN}
    found = tuple(known_of(ledger, entry) for entry in open_findings(ledger) if entry.id not in disproven)
    carried = (one.known for one in fates_of(ledger) if one.fate in {FindingFate.CARRIED, FindingFate.UNSETTLED})
    return (*found, *carried)


def _unchanged(ledger: Ledger) -> frozenset[str]:
    """In an audit of what changed, the files of earlier findings that did not."""
    changed = ledger.latest(AUDITED).get("changed")
    if not ledger.opts(SecurityOptions).diff or changed is None:
        return frozenset()
    return frozenset(one.path for one in earlier(ledger) if one.path not in changed)
