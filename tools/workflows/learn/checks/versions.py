"""Versions that a document gives: of the project itself, and the oldest of a language that it takes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..repository import Repository
from .claim import Claim, Document, DocumentFault, matches

_LANGUAGE = r"(?P<language>Python|Node(?:\.js)?|Go(?:lang)?|Rust)"
_NUMBER = r"v?(?P<version>\d+(?:\.\d+){0,2})"
_LEAST = re.compile(
    rf"(?:(?P<needs>requires?|needs?|minimum|at least|supports?|works? with|runs? on|compatible with|tested (?:on|with))\b[^.\n]{{0,25}}?)?"
    rf"\b{_LANGUAGE}`?\s*(?:version\s*)?(?P<sign>>=|≥|>|\^)?\s*{_NUMBER}(?![.\d]*\d)"
    r"(?P<more>\+|\s+(?:or|and)\s+(?:newer|later|higher|above|up|greater|more recent)|\s+is\s+(?:required|needed)|\s*(?:-|–|to|through)\s*\d+\.\d+)?"
)
_NEEDS = re.compile(r"\b(?:requir|need|minimum|at least|prerequisite|support|install)", re.IGNORECASE)
_OWN = re.compile(
    r"\b(?:[Cc]urrent|[Ll]atest|[Ii]ts|(?:is|are|currently) at|[Tt]he package's)\s+(?:stable\s+|released?\s+)?version(?:\s+(?:number\s+)?is)?:?\s+"
    r"[`*]*v?(?P<version>\d+\.\d+(?:\.\d+)*(?:[-.]?\w+)?)"
)
_SAMPLE = re.compile(
    r"\be\.g\.|\bfor example\b|\bfor instance\b|\blike\b|\bbelow\b|\bolder\b|\bbefore\b|\bdrop\w*\b|\bsince\b|\bno longer\b|\bnot\b",
    re.IGNORECASE,
)
_SCHEME = {"node.js": "node", "golang": "go"}


def check_versions(document: Document, repository: Repository) -> Iterator[Claim]:
    """Yield every version that a manifest knows as well."""
    offered = repository.code.manifests
    for line, match in matches(_LEAST, document):
        at = line + match[0].count("\n", 0, match.start("language") - match.start())
        language = _SCHEME.get(match["language"].lower(), match["language"].lower())
        asserts = match["sign"] or match["more"] or match["needs"]
        if language not in offered.minimums or not asserts or _SAMPLE.search(document.said(at)):
            continue
        least, file = offered.minimums[language]
        why = "" if _same(match["version"], least) else f"{file} takes {match['language']} from {least} on"
        # A newer one may be what a single feature needs, or the last of a list.
        sure = _older(match["version"], least) and (match["needs"] or _NEEDS.search(document.said(at)))
        yield Claim(DocumentFault.VERSION, at, " ".join(match[0].split()), why, file, known=not why or bool(sure))
    for line, match in matches(_OWN, document):
        if offered.version and re.match(r"\d", offered.version):
            at = line + match[0].count("\n")
            said = match["version"].rstrip(".")
            why = "" if _same(said, offered.version) else f"its manifest says {offered.version}"
            yield Claim(DocumentFault.VERSION, at, " ".join(match[0].split()), why)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version.partition("-")[0]))


def _same(said: str, is_so: str) -> bool:
    """Tell whether two versions agree in the parts that both give, zeros at the end aside."""
    one, other = _numbers(said), _numbers(is_so)
    shared = min(len(one), len(other))
    return one[:shared] == other[:shared] and not any(one[shared:])


def _older(said: str, least: str) -> bool:
    shared = len(_numbers(said))
    return _numbers(said) < _numbers(least)[:shared]
