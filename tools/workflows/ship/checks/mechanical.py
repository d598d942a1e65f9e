"""The checks that need no command: each looks at what was gathered and says what it saw."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from ....iteration.gates import listed
from ...ledger.items import Severity
from ...running.signs import Suppression
from ...running.suppressions import hidden, rewritten
from .checklists import Weight
from .markup import HTML, MARKDOWN, elsewhere, lost_links
from .material import CheckOutcome, CheckResult, FoundPlace, ShipmentMaterial, found, outcome
from .releases import check_changelog, check_tag, check_version
from .texts import DEBUGGING, NOTES, conflicts, may_be_made_up, secret_files, secrets_in, stand_ins

WARN_LINES, BLOCK_LINES = 400, 800
"""Lines added and removed, from which on a change is hard to review, and from which on it is not reviewed. Source: ancestor."""


def inspect(name: str, material: ShipmentMaterial) -> CheckOutcome:
    """One check by its name."""
    return _CHECKS[name](material)


def _secrets(m: ShipmentMaterial) -> CheckOutcome:
    """What may be no secret, such as a password in a test or what somebody marked as none, is told and does not block."""
    places = (*secret_files(m.paths), *secrets_in(m.whole))
    sure = tuple(place for place in places if not may_be_made_up(place))
    more = f", {m.skipped} files not read" if m.skipped else ""
    seen = outcome(sure or places, f"none of a known form in {len(m.whole)} files{more}", f"secrets{more}")
    return replace(seen, weight=Weight.RECOMMENDED) if places and not sure else seen


def _size(m: ShipmentMaterial) -> CheckOutcome:
    seen = f"{m.moved} lines since {m.base}, lock files not counted"
    if m.moved < WARN_LINES:
        return CheckOutcome(CheckResult.PASSED, seen)
    return CheckOutcome(CheckResult.FAILED, seen, weight=Weight.BLOCKER if m.moved >= BLOCK_LINES else None)


_NEVER = frozenset({Suppression.SKIPPED, Suppression.RUNNER, Suppression.TRUE})
_OF_TESTS = _NEVER | {Suppression.DELETED, Suppression.ASSERTION, Suppression.HOOK, Suppression.LOOSER}


def _same_tests(m: ShipmentMaterial) -> CheckOutcome:
    """Return what no longer asks what the tests of the base asked. That a test is skipped is never let be; that it expects
    something else is told.
    """
    less = [one for one in hidden(m.patch) if one.kind in _OF_TESTS]
    places = [FoundPlace(one.path, one.line, f"{one.kind}: `{one.text.strip()[:120]}`") for one in less]
    others = [FoundPlace(text, 0, "") for text in rewritten(m.patch)]
    seen = outcome([*places, *others], f"the same as at {m.base}, and new ones", f"not as at {m.base}")
    never = any(one.kind in _NEVER for one in less)
    weight = Weight.BLOCKER if never else None if less else Weight.RECOMMENDED
    return replace(seen, weight=weight) if seen.places else seen


def _merges(m: ShipmentMaterial) -> CheckOutcome:
    if m.merges is None:
        return CheckOutcome(CheckResult.NOT_HERE, f"{m.base} is part of it already, or git cannot try it here")
    if m.merges:
        return CheckOutcome(CheckResult.PASSED, f"{m.base} merges")
    return CheckOutcome(CheckResult.FAILED, f"it conflicts with {m.base}")


def _regression(m: ShipmentMaterial) -> CheckOutcome:
    """Return the verdict of the last comparison. It counts for a later commit too that changes no code."""
    last, verdict = m.regression, m.regression.verdict.upper()
    if not verdict:
        return CheckOutcome(
            CheckResult.NOT_HERE, "no regression ledger is about this commit or one before it since the base"
        )
    seen = f"{verdict} at {last.commit[:7]} (dimensions measured: {last.measured})"
    if last.code:
        why = f"{seen}, but code changed since ({listed(last.code)}): run regression again"
        return CheckOutcome(CheckResult.OPEN, why, weight=None if verdict == "UNSTABLE" else Weight.RECOMMENDED)
    seen += f"; since then only version or documents changed: {listed(last.documents)}" if last.documents else ""
    result = CheckResult.PASSED if verdict == "STABLE" else CheckResult.FAILED
    return CheckOutcome(result, seen, weight=None if verdict in {"STABLE", "UNSTABLE"} else Weight.RECOMMENDED)


_GATES = {Severity.CRITICAL: Weight.BLOCKER, Severity.HIGH: Weight.BLOCKER, Severity.MEDIUM: Weight.RECOMMENDED}


def _upstream(m: ShipmentMaterial) -> CheckOutcome:
    """Return what the workflow before has left over: its worst finding says how much that weighs; what was never shown no more
    than that somebody should look.
    """
    before = m.before
    if not before.workflow:
        return CheckOutcome(CheckResult.NOT_HERE, "no workflow came before")
    weighed = [
        (_GATES[one.severity] if one.confirmed else Weight.RECOMMENDED, one)
        for one in before.findings
        if one.severity in _GATES
    ]
    if not weighed:
        return CheckOutcome(CheckResult.PASSED, f"{before.workflow} has left nothing serious")
    places = tuple(
        FoundPlace(one.location or one.id, 0, f"{one.id} ({one.severity}) {one.title}") for _, one in weighed
    )
    worst = min((weight for weight, _ in weighed), key=lambda weight: weight.rank)
    return CheckOutcome(CheckResult.FAILED, f"findings of {before.workflow}: {len(places)}", places, worst)


def _links(m: ShipmentMaterial) -> CheckOutcome:
    away = elsewhere(m.texts)
    more = f"; {away} addresses elsewhere are not looked up" if away else ""
    seen = outcome(lost_links(m.texts, m.exists), f"all lead somewhere{more}", f"lead nowhere{more}")
    pages = any(path.endswith((*HTML, *MARKDOWN)) for path in m.texts)
    return seen if pages else CheckOutcome(CheckResult.NOT_HERE, f"no Markdown or HTML is shipped{more}")


_CHECKS: Mapping[str, Callable[[ShipmentMaterial], CheckOutcome]] = {
    "clean": lambda m: outcome(
        [FoundPlace(path, 0, "is not committed") for path in m.dirty], "nothing is uncommitted", "not committed"
    ),
    "conflicts": lambda m: outcome(conflicts(m.whole), f"none in {len(m.whole)} files", "lines with marks"),
    "secrets": _secrets,
    "debugging": lambda m: outcome(found(m.added, DEBUGGING), f"none in {len(m.added)} added lines", "lines"),
    "leftovers": lambda m: outcome(found(m.added, NOTES), f"none in {len(m.added)} added lines", "lines"),
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
}
MECHANICAL = frozenset(_CHECKS)
"""The names of the checks that are made here; those of commands are not among them."""
