"""What a security ledger leaves: what its page is given, and the open findings in SARIF 2.1.0."""

from __future__ import annotations

from functools import partial

from ...text.sarif import SarifKind, SarifResult, sarif
from ..ledger.evidence import ran, words
from ..ledger.items import split_location
from ..ledger.pages import sentence
from ..ledger.state import Ledger, LedgerEntry
from .findings import (
    DependencyAudits,
    fates_of,
    how_sure,
    known_of,
    last_audit,
    open_findings,
    recurring,
    surface_of,
)
from .items import BoundaryItem, SecurityFinding, SecurityOptions, ThreatTest

_WEAKNESS = SarifKind(
    "security",
    "Weakness",
    "A weakness of {} severity that an audit found.",
    "The message of each result says how the attack goes, whether it was seen, and what to change.",
    "security",
)


def page_values(ledger: Ledger) -> dict[str, object]:
    """Return what the template is given."""
    options, closed, tests = ledger.opts(SecurityOptions), ledger.closed, ledger.of(ThreatTest)
    left, audits, limit = open_findings(ledger), ledger.seen(DependencyAudits), options.fail_on
    again = recurring(ledger)
    return {
        "ledger": ledger,
        "limit": limit,
        "bad": [one.id for one in left if limit and one.item.severity.rank <= limit.rank],
        "ended": closed.ending if closed else "still open",
        "commit": closed.commit if closed else ledger.commit,
        "last": last_audit(ledger),
        "fates": fates_of(ledger),
        "again": again,
        "new": [one.id for one in left if one.id not in again],
        "open": left,
        "boundaries": [
            (entry, [one for one in tests if one.item.boundary == entry.id]) for entry in ledger.of(BoundaryItem)
        ],
        "surface": surface_of(ledger),
        "audits": audits.commands if audits else (),
        "looked": audits is not None,
        "sure": partial(how_sure, ledger),
        "words": lambda entry: words(ran(ledger, entry)),
    }


def sarif_log(ledger: Ledger) -> str:
    """Return the open findings in SARIF."""
    commit = ledger.closed.commit if ledger.closed else ledger.commit
    properties = {"ledger": ledger.id, "commit": commit, "branch": ledger.branch}
    results = [_result(ledger, one) for one in open_findings(ledger)]
    return sarif("autoresearch", _WEAKNESS, ledger.id, results, properties)


def _result(ledger: Ledger, entry: LedgerEntry[SecurityFinding]) -> SarifResult:
    one = entry.item
    path, first, last = split_location(one.location)
    return SarifResult(
        severity=one.severity,
        message="\n\n".join((sentence(one.summary), f"Attack: {one.scenario}", f"Mitigation: {one.mitigation}")),
        path=path,
        first_line=first,
        last_line=last,
        quote=one.quote,
        fingerprint=known_of(ledger, entry).fingerprint,
        tags=tuple(f"external/cwe/{tag.lower()}" if tag.startswith("CWE-") else tag for tag in one.tags),
        properties={
            "id": entry.id,
            "severity": one.severity.value,
            "shown": how_sure(ledger, entry),
            "comparison": "recurring" if entry.id in recurring(ledger) else "new",
        },
    )
