"""What a workflow's mechanical part can do; by default nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...errors import Code, Refusal
from ...lab.context import RepoContext
from ..ledger.events import LedgerEvent, Observed
from ..ledger.items import Item
from ..ledger.ledger import Ledger


class WorkflowRunner:
    """The server's own part of one workflow. What it finds is returned as facts, and stands in the ledger."""

    def opening(self, context: RepoContext, ledger: Ledger) -> Sequence[LedgerEvent]:
        """What is found when the ledger is opened. Called with the ledger as it will be."""
        return ()

    def since(self, context: RepoContext, ledger: Ledger) -> Sequence[LedgerEvent]:
        """What happened elsewhere since the ledger was last written to, and belongs in it. Reads only; once more gives the same."""
        return ()

    def checked(self, context: RepoContext, ledger: Ledger, item: Item) -> Item:
        """The item, with what the server knows better filled in.

        Raises:
            Refusal: if what it claims is not so.
        """
        return item

    def run(self, context: RepoContext, ledger: Ledger, options: Mapping[str, Any]) -> Sequence[LedgerEvent]:
        """Do the mechanical part: detect, check, measure.

        Raises:
            Refusal: where a workflow has none, or something it needs is not there.
        """
        message = f"{ledger.workflow} has nothing to run by itself: record items, or ask for status or close."
        raise Refusal(Code.BAD_ARGUMENT, message)

    def closing(self, context: RepoContext, ledger: Ledger) -> Sequence[LedgerEvent]:
        """What is found when the ledger is about to be closed.

        Raises:
            Refusal: if it may not be.
        """
        return ()


def observed(context: RepoContext, what: str, **facts: Any) -> Observed:  # noqa: ANN401 - any JSON
    """Facts found at what is checked out now."""
    return Observed(what=what, commit=context.repo.head(), facts=facts)
