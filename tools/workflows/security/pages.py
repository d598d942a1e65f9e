"""What a security ledger leaves: what the pages are given, the table of all tests, and the open findings in SARIF 2.1.0."""

from __future__ import annotations

from functools import partial
from typing import Any

from ...text.sarif import SarifLevel, SarifResult, SarifRule, sarif
from ..ledger.evidence import ran, words
from ..ledger.items import Severity, split_location
from ..ledger.pages import sentence, table
from ..ledger.state import Ledger, LedgerEntry
from .findings import (
    DependencyAudits,
    TestsSeen,
    attempts,
    confidence_of,
    counts_of,
    fates_of,
    held,
    is_fixed,
    known_of,
    last_audit,
    open_findings,
    recurring,
    surface_of,
)
from .items import (
    OWASP_EDITION,
    AssetItem,
    BoundaryItem,
    Dependency,
    Health,
    Owasp,
    SecurityFinding,
    SecurityOptions,
    Stride,
)
from .matrix import pairs, trials

COLUMNS = "iteration asset boundary stride owasp result severity confidence location description".split()
_TO_CHANGE = frozenset({Health.VULNERABLE, Health.UNMAINTAINED, Health.OUTDATED, Health.UNPINNED})
_LEVELS = {
    Severity.CRITICAL: (SarifLevel.ERROR, 9.5),
    Severity.HIGH: (SarifLevel.ERROR, 8.0),
    Severity.MEDIUM: (SarifLevel.WARNING, 5.5),
    Severity.LOW: (SarifLevel.NOTE, 2.0),
    Severity.INFO: (SarifLevel.NOTE, None),
}
"""How a severity is shown, and the number that code hosts read back as that severity: above 9.0, from 7.0, from 4.0, from 0.1."""


def page_values(ledger: Ledger) -> dict[str, object]:
    """Return what the templates are given."""
    options, closed, tests = ledger.opts(SecurityOptions), ledger.closed, trials(ledger)
    found, left, again = ledger.of(SecurityFinding), open_findings(ledger), recurring(ledger)
    audits, limit = ledger.seen(DependencyAudits), options.fail_on
    return {
        "ledger": ledger,
        "goal": options.goal,
        "depth": options.depth,
        "fix": options.fix,
        "limit": limit,
        "bad": [one.id for one in left if limit and one.item.severity.rank <= limit.rank],
        "ended": closed.ending if closed else "still open",
        "commit": closed.commit if closed else ledger.commit,
        "edition": OWASP_EDITION,
        "owasp": tuple(Owasp),
        "stride": tuple(Stride),
        "last": last_audit(ledger),
        "fates": fates_of(ledger),
        "again": again,
        "new": [one.id for one in found if one.id not in again],
        "counts": counts_of(ledger),
        "tests": tests,
        "findings": found,
        "open": left,
        "ordered": (*left, *(one for one in found if is_fixed(ledger, one))),
        "mended": [(one, tried) for one in found if (tried := attempts(ledger, one.id))],
        "assets": ledger.of(AssetItem),
        "names": {one.id: one.item.name for one in ledger.of(AssetItem)},
        "boundaries": ledger.of(BoundaryItem),
        "matrix": [
            (asset, boundary, [_testers(tests, (asset, boundary, threat)) for threat in Stride])
            for asset, boundary in pairs(ledger)
        ],
        "surface": surface_of(ledger),
        "dependencies": ledger.of(Dependency),
        "to_change": [one.item for one in ledger.of(Dependency) if one.item.health in _TO_CHANGE],
        "audits": audits.commands if audits else (),
        "test_results": tests_words(ledger),
        "confidence": partial(confidence_of, ledger),
        "is_fixed": partial(is_fixed, ledger),
        "held": partial(held, ledger),
        "words": lambda entry: words(ran(ledger, entry)),
    }


def tests_words(ledger: Ledger) -> str:
    """Return what the project's tests said when they were last run; empty before that."""
    tests = ledger.seen(TestsSeen)
    return "; ".join(f"`{one.command}` {one.said}" for one in tests.commands) if tests else ""


def _testers(tests: tuple[LedgerEntry[Any], ...], cell: tuple[str, str, Stride]) -> str:
    """Return the items that tested a cell, findings in bold."""
    here = [one for one in tests if one.item.cell == cell]
    return ", ".join(f"**{one.id}**" if isinstance(one.item, SecurityFinding) else one.id for one in here) or " "


def results_table(ledger: Ledger) -> str:
    """Return every test, tab-separated."""
    return table(COLUMNS, [(place, *_row(ledger, one)) for place, one in enumerate(trials(ledger), 1)])


def _row(ledger: Ledger, entry: LedgerEntry[Any]) -> tuple[object, ...]:
    one = entry.item
    cell = (one.asset, one.boundary, one.stride, one.owasp)
    if isinstance(one, SecurityFinding):
        return (*cell, f"finding {entry.id}", one.severity, confidence_of(ledger, entry), one.location, one.summary)
    return (*cell, f"held {entry.id}", "", "", one.location, one.tried)


def sarif_log(ledger: Ledger) -> str:
    """Return the open findings in SARIF. One rule for each category and severity that occurs, because hosts read the severity off the rule."""
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


def _rule_id(owasp: Owasp, severity: Severity) -> str:
    return f"owasp-{OWASP_EDITION}-{owasp.lower()}-{severity}"


def _rule(owasp: Owasp, severity: Severity) -> SarifRule:
    level, number = _LEVELS[severity]
    return SarifRule(
        id=_rule_id(owasp, severity),
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
        rule=_rule_id(one.owasp, one.severity),
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
            "comparison": "recurring" if entry.id in recurring(ledger) else "new",
        },
    )
