"""Results in SARIF 2.1.0 (OASIS, errata 01), written so that code hosts show them beside the code.

A rule carries the severity, because that is where hosts look for it; an address is relative to the repository's root.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from urllib.parse import quote

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
ROOT = "%SRCROOT%"
FINGERPRINT = "primaryLocationLineHash"
"""The name that code hosts look for to tell that two runs found the same."""


class SarifLevel(StrEnum):
    """How a result is shown."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True)
class SarifRule:
    """One kind of result. `security_severity` is from 0.1 to 10.0 as in CVSS; None where it is no matter of security."""

    id: str
    name: str
    title: str
    text: str
    help: str
    level: SarifLevel
    help_address: str = ""
    tags: tuple[str, ...] = ()
    security_severity: float | None = None


@dataclass(frozen=True)
class SarifResult:
    """One result at one place. `fingerprint` stays the same when lines move."""

    rule: str
    message: str
    path: str
    first_line: int
    last_line: int
    quote: str
    fingerprint: str
    tags: tuple[str, ...] = ()
    properties: dict[str, str] = field(default_factory=dict)


def sarif(
    name: str, run: str, rules: Sequence[SarifRule], results: Sequence[SarifResult], properties: dict[str, str]
) -> str:
    """Write one run of a tool as a SARIF log. `run` is its id; hosts take what stands before its last `/` as the category."""
    places = {rule.id: place for place, rule in enumerate(rules)}
    levels = {rule.id: rule.level for rule in rules}
    made = {
        "tool": {"driver": {"name": name, "rules": [_rule(rule) for rule in rules]}},
        "automationDetails": {"id": run},
        "originalUriBaseIds": {ROOT: {"description": {"text": "The root of the repository."}}},
        "columnKind": "unicodeCodePoints",
        "results": [_result(one, places[one.rule], levels[one.rule]) for one in results],
        "properties": properties,
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [made]}, indent=1, ensure_ascii=False) + "\n"


def _rule(rule: SarifRule) -> dict[str, Any]:
    severity = {} if rule.security_severity is None else {"security-severity": f"{rule.security_severity:.1f}"}
    return {
        "id": rule.id,
        "name": rule.name,
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": rule.text},
        "help": {"text": rule.help, "markdown": _linked(rule)},
        **({"helpUri": rule.help_address} if rule.help_address else {}),
        "defaultConfiguration": {"level": rule.level.value},
        "properties": {"tags": list(rule.tags), **severity},
    }


def _linked(rule: SarifRule) -> str:
    return f"{rule.help} [{rule.title}]({rule.help_address})" if rule.help_address else rule.help


def _result(one: SarifResult, place: int, level: SarifLevel) -> dict[str, Any]:
    region = {"startLine": one.first_line, "endLine": one.last_line, "snippet": {"text": one.quote}}
    return {
        "ruleId": one.rule,
        "ruleIndex": place,
        "level": level.value,
        "message": {"text": one.message},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": quote(one.path, safe="/"), "uriBaseId": ROOT},
                    "region": region,
                }
            }
        ],
        "partialFingerprints": {FINGERPRINT: f"{one.fingerprint}:1"},
        "properties": {**({"tags": list(one.tags)} if one.tags else {}), **one.properties},
    }
