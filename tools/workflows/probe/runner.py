"""Trying the plan of a probe: what the gates of check_plan say of it."""

from __future__ import annotations

from collections.abc import Sequence

from ...iteration.advice import CLOCK
from ...iteration.gates import GateRow
from ...iteration.preflight import preflight
from ...lab.context import RepoContext
from ...vocabulary import Phase
from ..ledger.state import Ledger, Observed
from ..running.runner import Scoped, saw
from .rules import GateSeen, PlanTried, last_plan, tried

_OF_THE_PLAN = frozenset(
    ("plan", "scope", "protected", "screen", "sandbox", "verify", "guard", "no-op control", "sabotage control", "holdout", CLOCK)
)  # fmt: skip
"""Gates that a better plan would pass. The others tell how the repository stands at this moment, or wait for a person."""


class ProbeRunner(Scoped):
    """Tries the plan when the ledger is about to be closed."""

    def closing(self, context: RepoContext, ledger: Ledger) -> Sequence[Observed]:
        plan, before = last_plan(ledger), tried(ledger)
        head = context.repo.head()
        if plan is None or (before and before.ran and before.head == head and not before.failed):
            return ()
        if context.phase is not Phase.NO_SESSION:
            busy = GateSeen(gate="session", seen="not tried: a session is open on this branch", cure="")
            facts = PlanTried(plan=plan.digest(), head=head, ran=False, failed=(), noted=(busy,))
        else:
            found = preflight(context, plan)
            context.paired_checkout.remove()
            asleep, missed = (
                bool(found.consent_missing),
                [gate for gate in found.gates if not gate.passed or gate.gate == CLOCK],
            )
            facts = PlanTried(
                plan=plan.digest(),
                head=context.repo.head(),
                ran=found.baseline is not None,
                failed=tuple(_shown(gate) for gate in missed if _fails(gate, asleep=asleep)),
                noted=tuple(_shown(gate) for gate in missed if not _fails(gate, asleep=asleep)),
            )
            for command in found.consent_missing:
                context.consent.want(command)
        return (saw(context, facts),) if facts != before else ()


def _fails(gate: GateRow, *, asleep: bool) -> bool:
    """Whether a gate that was not passed speaks against the plan; verify does not where it did not run because nobody agreed to it."""
    return gate.gate in _OF_THE_PLAN and not (asleep and gate.gate == "verify")


def _shown(gate: GateRow) -> GateSeen:
    return GateSeen(gate=gate.gate, seen=gate.seen[:500], cure=gate.cure[:300])
