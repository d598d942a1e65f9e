"""Workflows that look at files: how many there are in scope when the ledger is opened."""

from __future__ import annotations

from collections.abc import Sequence

from ...errors import Code, Refusal
from ...lab.context import Desk
from ...plan.scope import Scope
from ..ledger.events import Observed
from ..ledger.ledger import Ledger
from .runner import Mechanic, observed


class Scoped(Mechanic):
    """Counts the files in scope, so that coverage has a denominator which the agent cannot choose later."""

    def opening(self, desk: Desk, ledger: Ledger) -> Sequence[Observed]:
        files = files_in_scope(desk, ledger)
        if not files:
            told = f"No file that git tracks is in scope ({', '.join(ledger.options.scope) or 'everything'})."
            raise Refusal(Code.BAD_ARGUMENT, f"{told} Give globs from the repository's root, such as `src/**`.")
        return (observed(desk, "scope", files=len(files)),)


def files_in_scope(desk: Desk, ledger: Ledger) -> tuple[str, ...]:
    """The tracked files that a ledger's scope covers; all without a scope."""
    scope = ledger.options.scope
    return tuple(path for path in desk.repo.tracked() if not scope or Scope(scope).matches(path))
