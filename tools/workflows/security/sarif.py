"""The open findings of a security audit in SARIF 2.1.0."""

from __future__ import annotations

from ...text.sarif import SarifLevel, SarifResult, SarifRule, sarif
from ..ledger.items import Severity, split_location
from ..ledger.ledger import Ledger, LedgerEntry
from ..ledger.pages import sentence
from .findings import confidence_of, known_of, open_findings, recurring
from .items import SecurityFinding
from .threats import OWASP_EDITION, Owasp

_LEVELS = {
    Severity.CRITICAL: (SarifLevel.ERROR, 9.5),
    Severity.HIGH: (SarifLevel.ERROR, 8.0),
    Severity.MEDIUM: (SarifLevel.WARNING, 5.5),
    Severity.LOW: (SarifLevel.NOTE, 2.0),
    Severity.INFO: (SarifLevel.NOTE, None),
}
"""How a severity is shown, and the number that code hosts read back as that severity: above 9.0, from 7.0, from 4.0, from 0.1."""


def sarif_log(ledger: Ledger) -> str:
    """The log. One rule for each category and severity that occurs, because hosts read the severity off the rule."""
    found = open_findings(ledger)
    kinds = sorted({(one.item.owasp, one.item.severity) for one in found}, key=lambda kind: (kind[0], kind[1].rank))
    properties = {
        "ledger": ledger.id,
        "commit": ledger.closed.commit if ledger.closed else ledger.commit,
        "branch": ledger.branch,
        "owaspTop10Edition": str(OWASP_EDITION),
    }
    results = [_result(ledger, one) for one in found]
    return sarif(
        "autoresearch", f"autoresearch-security/{ledger.id}", [_rule(*kind) for kind in kinds], results, properties
    )


def _id(owasp: Owasp, severity: Severity) -> str:
    return f"owasp-{OWASP_EDITION}-{owasp.lower()}-{severity}"


def _rule(owasp: Owasp, severity: Severity) -> SarifRule:
    level, number = _LEVELS[severity]
    return SarifRule(
        id=_id(owasp, severity),
        name=f"{owasp}{''.join(word.title() for word in owasp.label.split() if word.isalpha())}{severity.title()}",
        title=f"{owasp.label} ({severity})",
        text=f"OWASP Top 10 of {OWASP_EDITION}, {owasp} {owasp.label}: a weakness of {severity} severity that an audit found.",
        help=f"{owasp.advice} The message of each result says how the attack goes and what to change.",
        help_address=owasp.address,
        level=level,
        tags=("security", f"external/owasp/owasp-{OWASP_EDITION}-{owasp.lower()}"),
        security_severity=number,
    )


def _result(ledger: Ledger, entry: LedgerEntry[SecurityFinding]) -> SarifResult:
    one = entry.item
    path, first, last = split_location(one.location)
    return SarifResult(
        rule=_id(one.owasp, one.severity),
        message="\n\n".join(
            (sentence(one.summary), f"Attack: {one.scenario}", f"Impact: {one.impact}", f"Mitigation: {one.mitigation}")
        ),
        path=path,
        first_line=first,
        last_line=last,
        quote=one.quote,
        fingerprint=known_of(ledger, entry).fingerprint,
        tags=(f"external/cwe/{one.cwe.lower()}",) if one.cwe else (),
        properties={
            "id": entry.id,
            "severity": one.severity.value,
            "confidence": confidence_of(ledger, entry).value,
            "stride": one.stride.value,
            "persona": one.persona.value,
            "comparison": "recurring" if entry.id in recurring(ledger) else "new",
        },
    )
