"""The checks that need no command: each looks at what was gathered and says what it saw."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from ...ledger.handoff import HandoffFinding
from ...ledger.items import Severity
from ...running.signs import Suppression
from ...running.suppressions import hidden, rewritten
from .checklists import Weight
from .markup import HTML, MARKDOWN, elsewhere, lost_links, pictures_without_text
from .material import CheckOutcome, CheckResult, FoundPlace, ShipmentMaterial, Texts, outcome
from .releases import check_changelog, check_tag, check_version
from .texts import (
    allowed,
    cites,
    conflicts,
    debugging,
    lost_citations,
    may_be_made_up,
    notes,
    secret_files,
    secrets_in,
    stand_ins,
    too_long,
)

WARN_LINES, BLOCK_LINES = 400, 800
"""Lines added and removed, from which on a change is hard to review, and from which on it is not reviewed. Source: ancestor."""
FIX_SCORE = 80.0
"""Of the workflow `fix`: below, ship warns. Source: ancestor."""


def inspect(name: str, material: ShipmentMaterial) -> CheckOutcome:
    """One check by its name."""
    return _CHECKS[name](material)


def _secrets(m: ShipmentMaterial) -> CheckOutcome:
    """Return what may be no secret, such as a password in a test, is told and does not block."""
    places = (*secret_files(m.paths), *secrets_in(m.whole))
    sure = tuple(place for place in places if not may_be_made_up(place))
    let = allowed(line for line in m.added)
    more = f", {let} added lines are marked as none" if let else ""
    more += f", {m.skipped} files not read" if m.skipped else ""
    found = outcome(sure or places, f"none of a known form in {len(m.whole)} files{more}", f"secrets{more}")
    return replace(found, weight=Weight.RECOMMENDED) if places and not sure else found


def _size(m: ShipmentMaterial) -> CheckOutcome:
    seen = f"{m.moved} lines since {m.base}, lock files not counted"
    if m.moved < WARN_LINES:
        return CheckOutcome(CheckResult.PASSED, seen)
    return CheckOutcome(CheckResult.FAILED, seen, weight=Weight.BLOCKER if m.moved >= BLOCK_LINES else None)


_NEVER = frozenset({Suppression.SKIPPED, Suppression.RUNNER})
_OF_TESTS = _NEVER | {Suppression.DELETED, Suppression.ASSERTION, Suppression.HOOK, Suppression.LOOSER}


def _same_tests(m: ShipmentMaterial) -> CheckOutcome:
    """Return what no longer asks what the tests of the base asked. That a test is skipped is never let be; that it expects
    something else is told.
    """
    less = [one for one in hidden(m.patch) if one.kind in _OF_TESTS]
    places = [FoundPlace(one.path, one.line, f"{one.kind}: `{one.text.strip()[:120]}`") for one in less]
    others = [FoundPlace(text, 0, "") for text in rewritten(m.patch)]
    found = outcome([*places, *others], f"the same as at {m.base}, and new ones", f"not as at {m.base}")
    never = any(one.kind in _NEVER for one in less)
    weight = Weight.BLOCKER if never else None if less else Weight.RECOMMENDED
    return replace(found, weight=weight) if found.places else found


def _merges(m: ShipmentMaterial) -> CheckOutcome:
    if m.merges is None:
        return CheckOutcome(CheckResult.NOT_HERE, f"{m.base} is part of it already, or git cannot try it here")
    if m.merges:
        return CheckOutcome(CheckResult.PASSED, f"{m.base} merges")
    return CheckOutcome(CheckResult.FAILED, f"it conflicts with {m.base}")


def _regression(m: ShipmentMaterial) -> CheckOutcome:
    match m.regression.verdict.upper():
        case "":
            return CheckOutcome(CheckResult.NOT_HERE, "no regression ledger was closed at this commit")
        case "UNSTABLE":
            return CheckOutcome(CheckResult.FAILED, "the regression ledger says UNSTABLE at this commit")
        case "STABLE":
            return CheckOutcome(CheckResult.PASSED, "the regression ledger says STABLE at this commit")
        case other:
            return CheckOutcome(CheckResult.FAILED, f"the regression ledger says {other}", weight=Weight.RECOMMENDED)


_GATES = {Severity.CRITICAL: Weight.BLOCKER, Severity.HIGH: Weight.BLOCKER, Severity.MEDIUM: Weight.RECOMMENDED}


def _upstream(m: ShipmentMaterial) -> CheckOutcome:
    """Return what the workflow before has left over: its worst finding says how much that weighs."""
    before = m.before
    if not before.workflow:
        return CheckOutcome(CheckResult.NOT_HERE, "no workflow came before")
    weighed = [(weight, one) for one in before.findings if (weight := _gate(before.workflow, one))]
    score = before.scores.get("fix")
    if not weighed:
        if before.workflow == "fix" and score is not None and score < FIX_SCORE:
            return CheckOutcome(CheckResult.FAILED, f"fix came to {score:.0f} of 100", weight=Weight.RECOMMENDED)
        return CheckOutcome(CheckResult.PASSED, f"{before.workflow} has left nothing serious")
    places = tuple(
        FoundPlace(one.location or one.id, 0, f"{one.id} ({one.severity}) {one.title}") for _, one in weighed
    )
    worst = min((weight for weight, _ in weighed), key=lambda weight: weight.rank)
    return CheckOutcome(CheckResult.FAILED, f"findings of {before.workflow}: {len(places)}", places, worst)


def _gate(workflow: str, finding: HandoffFinding) -> Weight | None:
    """Return how much a finding weighs. Source: ancestor's table of conversions, column ship."""
    weight = _GATES.get(finding.severity)
    if workflow == "scenario" and finding.severity is Severity.HIGH:
        return Weight.RECOMMENDED
    if workflow == "predict" and not finding.confirmed:
        return None
    return weight


def _links(m: ShipmentMaterial) -> CheckOutcome:
    away = elsewhere(m.texts)
    more = f"; {away} addresses elsewhere are not looked up" if away else ""
    found = outcome(lost_links(m.texts, m.exists), f"all lead somewhere{more}", f"lead nowhere{more}")
    return found if _pages(m.texts) else CheckOutcome(CheckResult.NOT_HERE, f"no Markdown or HTML is shipped{more}")


def _images(m: ShipmentMaterial) -> CheckOutcome:
    found = outcome(pictures_without_text(m.texts), "all have a text", "without")
    return found if _pages(m.texts) else CheckOutcome(CheckResult.NOT_HERE, "no Markdown or HTML is shipped")


def _pages(texts: Texts) -> bool:
    return any(path.endswith((*HTML, *MARKDOWN)) for path in texts)


def _citations(m: ShipmentMaterial) -> CheckOutcome:
    if not cites(m.texts):
        return CheckOutcome(CheckResult.NOT_HERE, "nothing is cited by a key")
    return outcome(lost_citations(m.texts), "all are there", "not there")


_CHECKS: Mapping[str, Callable[[ShipmentMaterial], CheckOutcome]] = {
    "clean": lambda m: outcome(
        [FoundPlace(path, 0, "is not committed") for path in m.dirty], "nothing is uncommitted", "not committed"
    ),
    "conflicts": lambda m: outcome(conflicts(m.whole), f"none in {len(m.whole)} files", "lines with marks"),
    "secrets": _secrets,
    "debugging": lambda m: outcome(debugging(m.added), f"none in {len(m.added)} added lines", "lines"),
    "leftovers": lambda m: outcome(notes(m.added), f"none in {len(m.added)} added lines", "lines"),
    "size": _size,
    "same-tests": _same_tests,
    "merges": _merges,
    "regression": _regression,
    "upstream": _upstream,
    "version": check_version,
    "changelog": check_changelog,
    "tag": check_tag,
    "placeholders": lambda m: outcome(stand_ins(m.texts), f"none in {len(m.texts)} files", "places"),
    "links": _links,
    "images": _images,
    "citations": _citations,
    "lengths": lambda m: outcome(too_long(m.texts), "none is cut off", "cut off"),
}
MECHANICAL = frozenset(_CHECKS)
"""The names of the checks that are made here; those of commands are not among them."""
