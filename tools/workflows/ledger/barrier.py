"""What a gate in CI insists on: each barrier passed, failed, or could not be told."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ...session.state import Session
from .handoff import Ending, HandoffFinding
from .items import Severity

ENDED_WELL = frozenset({Ending.COMPLETE, Ending.SATURATED, Ending.CONVERGED, Ending.BOUNDED, Ending.DRY_RUN})
"""Endings as agreed: a bounded one used the rounds that it was given."""


@dataclass(frozen=True)
class Barrier:
    """One thing that was asked for. `passed` is None where it cannot be told."""

    name: str
    passed: bool | None
    seen: str


def exit_status(barriers: Sequence[Barrier]) -> int:
    """0 all hold; 1 something fails; 2 something cannot be told."""
    if any(one.passed is False for one in barriers):
        return 1
    return 0 if all(one.passed for one in barriers) else 2


def target_reached(session: Session | None) -> Barrier:
    """Whether the session's best reached the plan's target."""
    if session is None:
        return Barrier("target", None, "there is no session on this branch")
    target = session.plan.target_value
    if target is None:
        return Barrier("target", None, "the plan has no target")
    reached = session.plan.signed(session.best) <= session.plan.signed(target)
    return Barrier("target", reached, f"best {session.best:.10g}, target {target:.10g}")


def severe(findings: Iterable[HandoffFinding], severity: Severity) -> tuple[HandoffFinding, ...]:
    """The findings of this severity or worse; those that were disproven since do not count."""
    left = (one for one in findings if not (one.outcome and one.outcome.over))
    return tuple(one for one in left if one.severity.rank <= severity.rank)


def without_findings(name: str, findings: Iterable[HandoffFinding], severity: Severity) -> Barrier:
    """Whether no finding of this severity or worse stands; those that were disproven since do not count."""
    bad = severe(findings, severity)
    listed = ", ".join(f"{one.id} {one.severity}" for one in bad[:10])
    return Barrier(f"{name} findings", not bad, f"{len(bad)} at or above {severity}" + (f": {listed}" if bad else ""))


def ended_well(name: str, ending: str, missing: Sequence[str]) -> Barrier:
    """Whether a ledger ended as it should."""
    if not ending:
        return Barrier(f"{name} ledger", False, f"still open; missing: {'; '.join(missing) or 'only its end'}")
    return Barrier(f"{name} ledger", Ending(ending) in ENDED_WELL, f"ended {ending}")
