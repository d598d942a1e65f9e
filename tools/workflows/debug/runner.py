"""The server's part in debugging: what it gathers when the ledger is opened, and the project's own checks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...lab.context import RepoContext
from ..ledger.events import Observed
from ..ledger.ledger import Ledger
from ..running.evidence_io import checks_of, looked_through, projects_of, recent, run_checks, run_pending, texts_of
from ..running.hints import FAULTS
from ..running.runner import observed
from ..running.scoped import Scoped, files_in_scope
from .rules import CHECKED, GATHERED


class Investigation(Scoped):
    """Gathers at the opening; `run` runs the project's checks, and the reproductions that waited for consent."""

    def opening(self, context: RepoContext, ledger: Ledger) -> Sequence[Observed]:
        files = files_in_scope(context, ledger)
        scope = super().opening(context, ledger)
        lately = recent(context, files)
        # What changed lately first: of many hints, those are the ones to keep.
        order = [*(path for path, _ in lately), *(path for path in files if path not in dict(lately))]
        hints = looked_through(texts_of(context, order), FAULTS)
        return (
            *scope,
            observed(context, GATHERED, commands=checks_of(projects_of(context)), recent=lately, hints=hints),
        )

    def run(self, context: RepoContext, ledger: Ledger, options: Mapping[str, Any]) -> Sequence[Observed]:
        told = run_checks(context, checks_of(projects_of(context)))
        return (*run_pending(context, ledger), observed(context, CHECKED, commands=told))
