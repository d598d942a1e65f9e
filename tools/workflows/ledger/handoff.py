"""What one workflow hands to the next, in one schema; what each receiver takes of it; and what a gate in CI insists on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from pydantic import Field

from ...plan.model import Plan
from ...session.events import Record
from ...session.state import Session
from .items import Proof, Settlement, Severity, Workflow

VERSION = 1
IN_CHAIN = "the next step of the chain"


class Ending(StrEnum):
    """How a workflow ended."""

    COMPLETE = "complete"
    CONVERGED = "converged"
    BOUNDED = "bounded"
    INTERRUPTED = "interrupted"
    DRY_RUN = "dry-run"
    BLOCKED = "blocked"
    """Errors are left that nobody here could mend or that were set aside."""
    ROLLED_BACK = "rolled-back"
    FAILED = "failed"


class HandoffFinding(Record):
    """One thing to act on. `confirmed` tells that the server or an experiment bears it out; `outcome` what later work said;
    `proof` has the command that fails while it is there.
    """

    id: str
    title: str
    kind: str = ""
    severity: Severity = Severity.INFO
    location: str = ""
    quote: str = ""
    detail: str = ""
    proof: Proof = Proof()
    confirmed: bool = False
    outcome: Settlement | None = None
    settled_by: str = ""

    @property
    def shown_once(self) -> bool:
        """Whether its proof, which can be run again, showed it to the server."""
        return self.confirmed and bool(self.proof.fails_with)


class NextPrompt(Record):
    """What to do next: the prompt's name, why, and which findings it takes."""

    prompt: str
    why: str
    takes: tuple[str, ...] = ()

    def told(self, ledger: str) -> str:
        """Say it, with how to hand the findings on where no chain does."""
        hands = self.takes and self.why != IN_CHAIN and self.prompt in [*Workflow]
        after = f'; open it with after = "{ledger}"' if hands else ""
        return f"Next prompt: {self.prompt} ({self.why}{after})"


class Handoff(Record):
    """Everything that the next workflow needs. `at` is in ISO 8601 with a time zone, `scores` by name."""

    version: int = VERSION
    id: str
    workflow: Workflow
    status: Ending
    why: str = ""
    at: str
    branch: str
    commit: str
    goal: str = ""
    scope: tuple[str, ...] = ()
    options: dict[str, Any] = Field(default_factory=dict)
    scores: dict[str, float] = Field(default_factory=dict)
    coverage: dict[str, str] = Field(default_factory=dict)
    findings: tuple[HandoffFinding, ...] = ()
    config: dict[str, Any] = Field(default_factory=dict)
    missing: tuple[str, ...] = ()
    next: tuple[NextPrompt, ...] = ()
    chain: tuple[str, ...] = ()
    incoming: str = ""


def is_plan(config: Mapping[str, Any]) -> bool:
    """Tell whether settings that are handed over can be given to start_session; others are the result of a workflow."""
    return config.keys() <= Plan.model_fields.keys()


def carried(findings: tuple[HandoffFinding, ...], source: str, target: str) -> tuple[HandoffFinding, ...]:
    """Return the findings that one workflow takes of another's, the worst first; those that were disproven since stay behind."""
    left = [finding for finding in findings if not (finding.outcome and finding.outcome.over)]
    wanted = [finding for finding in left if _wanted(finding, source, target)]
    return tuple(sorted(wanted, key=lambda finding: (finding.severity.rank, not finding.confirmed)))


def _wanted(finding: HandoffFinding, source: str, target: str) -> bool:
    match (source, target):
        case ("security", "fix"):
            return finding.confirmed
        case ("regression", "fix" | "debug" | "ship"):
            return finding.kind == "regression"
        case ("scenario", "fix" | "debug"):
            return finding.severity.rank <= Severity.HIGH.rank
        case ("learn", "security"):
            return finding.kind == "docs secret"
        case (_, "fix"):
            return finding.severity is not Severity.INFO
        case _:
            return True


def follow(
    chain: tuple[str, ...],
    onwards: tuple[str, ...],
    findings: tuple[HandoffFinding, ...],
    source: str,
) -> tuple[NextPrompt, ...]:
    """Return the prompts to go on with: the chain's next step where there is one, else the usual ones."""
    names = chain[:1] or onwards
    return tuple(
        NextPrompt(
            prompt=name,
            why=IN_CHAIN if chain else f"usual after {source}",
            takes=tuple(finding.id for finding in carried(findings, source, name)),
        )
        for name in names
    )


ENDED_WELL = frozenset({Ending.COMPLETE, Ending.CONVERGED, Ending.BOUNDED, Ending.DRY_RUN})
"""Endings as agreed: a bounded one used the rounds that it was given."""


@dataclass(frozen=True)
class GateCheck:
    """One thing that was asked for. `passed` is None where it cannot be told."""

    name: str
    passed: bool | None
    seen: str


def exit_status(checks: Sequence[GateCheck]) -> int:
    """0 all hold; 1 something fails; 2 something cannot be told."""
    if any(one.passed is False for one in checks):
        return 1
    return 0 if all(one.passed for one in checks) else 2


def target_reached(session: Session | None) -> GateCheck:
    """Tell whether the session's best reached the plan's target."""
    if session is None:
        return GateCheck("target", None, "there is no session on this branch")
    target = session.plan.target_value
    if target is None:
        return GateCheck("target", None, "the plan has no target")
    reached = session.plan.signed(session.best) <= session.plan.signed(target)
    return GateCheck("target", reached, f"best {session.best:.10g}, target {target:.10g}")


def severe(
    findings: Iterable[HandoffFinding], severity: Severity, *, settled: bool = False
) -> tuple[HandoffFinding, ...]:
    """Return the findings of this severity or worse; of those that were `settled` since only where they are asked for."""
    left = (one for one in findings if settled or not (one.outcome and one.outcome.over))
    return tuple(one for one in left if one.severity.rank <= severity.rank)


def without_findings(name: str, findings: Iterable[HandoffFinding], severity: Severity) -> GateCheck:
    """Tell whether no finding of this severity or worse stands; those that were disproven since do not count."""
    bad = severe(findings, severity)
    listed = ", ".join(f"{one.id} {one.severity}" for one in bad[:10])
    return GateCheck(f"{name} findings", not bad, f"{len(bad)} at or above {severity}" + (f": {listed}" if bad else ""))


def ended_well(name: str, ending: str, missing: Sequence[str], allowed: str = "") -> GateCheck:
    """Tell whether a ledger ended as it should; `allowed` says what it may leave, and has."""
    if not ending:
        return GateCheck(f"{name} ledger", False, f"still open; missing: {'; '.join(missing) or 'only its end'}")
    return GateCheck(f"{name} ledger", Ending(ending) in ENDED_WELL, f"ended {ending}{allowed and f': {allowed}'}")
