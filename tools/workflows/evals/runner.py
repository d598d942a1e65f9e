"""Evaluating a results file: the server's part is all of the arithmetic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...evals.reading import evaluate, find_results
from ...lab.context import RepoContext
from ..ledger.ledger import Ledger, Observed
from ..running.runner import WorkflowRunner, observed
from .rules import ANALYSIS, EvalsOptions


class EvalsMechanic(WorkflowRunner):
    """Finds the file when the ledger is opened, and analyses it as it stands whenever it is asked to."""

    def opening(self, context: RepoContext, ledger: Ledger) -> Sequence[Observed]:
        options = ledger.opts(EvalsOptions)
        if context.session is None or options.file:
            find_results(context.repo.root, options.file)
        return ()

    def run(self, context: RepoContext, ledger: Ledger, options: Mapping[str, Any]) -> Sequence[Observed]:
        asked = ledger.opts(EvalsOptions)
        seen = evaluate(context, asked.file, asked.plateau_window, asked.direction)
        facts = seen.analysis.model_dump(mode="json", exclude_defaults=True)
        return (observed(context, ANALYSIS, source=seen.source, numbers=list(seen.numbers), analysis=facts),)
