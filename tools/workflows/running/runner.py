"""What the server does itself in a workflow; by default nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from importlib import import_module
from typing import Any

from ...errors import Code, Refusal
from ...lab.context import RepoContext
from ...plan.scope import Scope
from ..ledger.items import Item, Workflow
from ..ledger.state import Ledger, LedgerEvent, LedgerFacts, Observed


class WorkflowRunner:
    """The server's own part of one workflow. What it finds is returned as facts, and recorded in the ledger."""

    def opening(self, context: RepoContext, ledger: Ledger) -> Sequence[LedgerEvent]:
        """Return what is found when the ledger is opened. Called with the ledger as it will be."""
        return ()

    def since(self, context: RepoContext, ledger: Ledger) -> Sequence[LedgerEvent]:
        """Return what happened elsewhere since the ledger was written to, and belongs in it. Once more gives the same."""
        return ()

    def checked(self, context: RepoContext, ledger: Ledger, item: Item) -> Item:
        """Return the item, with what the server knows better filled in.

        Raises:
            Refusal: if what it claims is not so.
        """
        return item

    def run(self, context: RepoContext, ledger: Ledger, options: Mapping[str, Any]) -> Sequence[LedgerEvent]:
        """Do the server's part: detect, check, measure.

        Raises:
            Refusal: where a workflow has none, or something it needs is not there.
        """
        message = f"{ledger.workflow} has nothing to run by itself: record items, or ask for status or close."
        raise Refusal(Code.BAD_ARGUMENT, message)

    def closing(self, context: RepoContext, ledger: Ledger) -> Sequence[LedgerEvent]:
        """Return what is found when the ledger is about to be closed.

        Raises:
            Refusal: if it may not be.
        """
        return ()

    def as_of_now(self, context: RepoContext, ledger: Ledger) -> Ledger:
        """Return a closed ledger with what can be seen now without running anything, which is not written down."""
        return ledger


def observed(context: RepoContext, what: str, **facts: Any) -> Observed:  # noqa: ANN401 - any JSON
    """Return facts found at what is checked out now."""
    return Observed(what=what, commit=context.repo.head(), facts=facts)


def saw(context: RepoContext, facts: LedgerFacts) -> Observed:
    """Return facts of a known shape, found at what is checked out now."""
    return observed(context, facts.what, **facts.model_dump(mode="json", exclude_unset=True))


class Scoped(WorkflowRunner):
    """Opens no ledger on a scope in which there is nothing."""

    def opening(self, context: RepoContext, ledger: Ledger) -> Sequence[Observed]:
        if not files_in_scope(context, ledger):
            problem = f"No file that git tracks is in scope ({', '.join(ledger.options.scope) or 'everything'})."
            raise Refusal(Code.BAD_ARGUMENT, f"{problem} Give globs from the repository's root, such as `src/**`.")
        return ()


def files_in_scope(context: RepoContext, ledger: Ledger) -> tuple[str, ...]:
    """Return the tracked files that a ledger's scope covers; all without a scope."""
    scope = ledger.options.scope
    return tuple(path for path in context.repo.tracked() if not scope or Scope(scope).matches(path))


_RUNNERS = {
    Workflow.DEBUG: "debug.rules:DebugRunner",
    Workflow.FIX: "fix.runner:FixRunner",
    Workflow.SECURITY: "security.runner:SecurityRunner",
    Workflow.SHIP: "ship.runner:ShipRunner",
    Workflow.LEARN: "learn.runner:LearnRunner",
    Workflow.PROBE: "probe.runner:ProbeRunner",
    Workflow.IMPROVE: "running.runner:Scoped",
    Workflow.REASON: "reason.runner:LabelSeed",
    Workflow.EVALS: "evals.rules:EvalsRunner",
    Workflow.REGRESSION: "regression.runner:RegressionRunner",
}


@cache
def runner_of(workflow: Workflow) -> WorkflowRunner:
    """Return what the server does itself in a workflow; imported when first asked for."""
    if workflow not in _RUNNERS:
        return WorkflowRunner()
    module, _, name = _RUNNERS[workflow].partition(":")
    made: WorkflowRunner = getattr(import_module(f"...{module}", __name__), name)()
    return made
