"""Contests: the seed that labels are shuffled with."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from ...lab.context import RepoContext
from ..ledger.state import Ledger, Observed
from ..running.runner import WorkflowRunner, observed
from .rules import EACH


class LabelSeed(WorkflowRunner):
    """Draws the seed when the ledger is opened: before there is a text, and shown to nobody before the end."""

    def opening(self, context: RepoContext, ledger: Ledger) -> Sequence[Observed]:
        return (observed(context, "seed", seed=f"{EACH}{secrets.token_hex(16)}"),)
