"""Trying the plan of a probe: what the gates of check_plan say of it."""

from __future__ import annotations

from collections.abc import Sequence

from ...iteration.advice import CLOCK
from ...iteration.gates import GateRow
from ...iteration.preflight import preflight
from ...lab.context import RepoContext
from ...vocabulary import Phase
from ..ledger.pages import sentence
from ..ledger.state import Ledger, Observed
from ..running.runner import Scoped, saw
from .rules import PlanTried, last_plan, tried

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
            busy = "[session] not tried: a session is open on this branch"
            facts = PlanTried(plan=plan.digest(), head=head, ran=False, failed=(), noted=(busy,))
        else:
            found = preflight(context, plan)
            context.paired_checkout.remove()
            missed = {_told(gate): gate.gate for gate in found.gates if not gate.passed or gate.gate == CLOCK}
            # That nobody agreed to a command speaks against no plan.
            against = _OF_THE_PLAN - ({"verify"} if found.consent_missing else set())
            facts = PlanTried(
                plan=plan.digest(),
                head=head,
                ran=found.baseline is not None,
                failed=tuple(told for told, gate in missed.items() if gate in against),
                noted=tuple(told for told, gate in missed.items() if gate not in against),
            )
        return (saw(context, facts),) if facts != before else ()


def _told(gate: GateRow) -> str:
    return f"[{gate.gate}] {sentence(gate.seen[:500])} {gate.cure[:300]}".strip()
