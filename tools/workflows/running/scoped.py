"""Workflows that look at files: how many there are in scope when the ledger is opened."""

from __future__ import annotations

from collections.abc import Sequence

from ...errors import Code, Refusal
from ...lab.context import RepoContext
from ...plan.scope import Scope
from ..ledger.events import Observed
from ..ledger.ledger import Ledger
from .runner import WorkflowRunner, observed


class Scoped(WorkflowRunner):
    """Counts the files in scope, so that coverage has a denominator which the agent cannot choose later."""

    def opening(self, context: RepoContext, ledger: Ledger) -> Sequence[Observed]:
        files = files_in_scope(context, ledger)
        if not files:
            told = f"No file that git tracks is in scope ({', '.join(ledger.options.scope) or 'everything'})."
            raise Refusal(Code.BAD_ARGUMENT, f"{told} Give globs from the repository's root, such as `src/**`.")
        return (observed(context, "scope", files=len(files)),)


def files_in_scope(context: RepoContext, ledger: Ledger) -> tuple[str, ...]:
    """The tracked files that a ledger's scope covers; all without a scope."""
    scope = ledger.options.scope
    return tuple(path for path in context.repo.tracked() if not scope or Scope(scope).matches(path))
