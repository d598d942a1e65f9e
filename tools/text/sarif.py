"""Results in SARIF 2.1.0 (OASIS, errata 01), written so that code hosts show them beside the code.

A rule carries the severity, because that is where hosts look for it; an address is relative to the repository's root.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
ROOT = "%SRCROOT%"
FINGERPRINT = "primaryLocationLineHash"
"""The name that code hosts look for to tell that two runs found the same."""
_LEVELS = {
    "critical": ("error", 9.5),
    "high": ("error", 8.0),
    "medium": ("warning", 5.5),
    "low": ("note", 2.0),
    "info": ("note", None),
}
"""How a severity is shown, and the number that code hosts read back as that severity: above 9.0, from 7.0, from 4.0, from 0.1."""


@dataclass(frozen=True)
class SarifResult:
    """One result at one place, of a severity. `fingerprint` stays the same when lines move."""

    severity: str
    message: str
    path: str
    first_line: int
    last_line: int
    quote: str
    fingerprint: str
    tags: tuple[str, ...] = ()
    properties: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class SarifKind:
    """What results are: the first word of their rules, what each is called, a sentence with `{}` for the severity, what to do
    with it, and under which tag hosts file it.
    """

    name: str
    noun: str
    text: str
    advice: str
    tag: str


def sarif(tool: str, kind: SarifKind, run: str, results: Sequence[SarifResult], properties: dict[str, str]) -> str:
    """Write one run of a tool as a SARIF log, with one rule for each severity that occurs. Hosts take what stands before the last
    `/` of the run's id as the category.
    """
    severities = [one for one in _LEVELS if any(result.severity == one for result in results)]
    made = {
        "tool": {"driver": {"name": tool, "rules": [_rule(kind, one) for one in severities]}},
        "automationDetails": {"id": f"autoresearch-{kind.name}/{run}"},
        "originalUriBaseIds": {ROOT: {"description": {"text": "The root of the repository."}}},
        "columnKind": "unicodeCodePoints",
        "results": [_result(kind, one, severities.index(one.severity)) for one in results],
        "properties": properties,
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [made]}, indent=1, ensure_ascii=False) + "\n"


def _rule(kind: SarifKind, severity: str) -> dict[str, Any]:
    level, number = _LEVELS[severity]
    text = {"text": kind.text.format(severity)}
    return {
        "id": f"{kind.name}-{severity}",
        "name": f"{kind.noun}{severity.title()}",
        "shortDescription": text,
        "fullDescription": text,
        "help": {"text": kind.advice, "markdown": kind.advice},
        "defaultConfiguration": {"level": level},
        "properties": {
            "tags": [kind.tag],
            **({"security-severity": f"{number:.1f}"} if number and kind.tag == "security" else {}),
        },
    }


def _result(kind: SarifKind, one: SarifResult, place: int) -> dict[str, Any]:
    region = {"startLine": one.first_line, "endLine": one.last_line, "snippet": {"text": one.quote}}
    address = {"uri": quote(one.path, safe="/"), "uriBaseId": ROOT}
    return {
        "ruleId": f"{kind.name}-{one.severity}",
        "ruleIndex": place,
        "level": _LEVELS[one.severity][0],
        "message": {"text": one.message},
        "locations": [{"physicalLocation": {"artifactLocation": address, "region": region}}],
        "partialFingerprints": {FINGERPRINT: f"{one.fingerprint}:1"},
        "properties": {**({"tags": list(one.tags)} if one.tags else {}), **one.properties},
    }
