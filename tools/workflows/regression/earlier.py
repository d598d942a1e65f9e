"""What earlier comparisons found that regressed, and nothing has measured as well since."""

from __future__ import annotations

from ...lab.context import RepoContext
from ..ledger.items import Workflow
from ..running.store import Ledgers
from .comparison import measured, plan_of, regressed
from .items import EarlierRow


def earlier_rows(context: RepoContext) -> tuple[EarlierRow, ...]:
    """Return the rows that regressed on this branch and were not measured again, and on any branch those of the files of this very
    commit: to measure until a flake stays away, or with other tests, mends nothing.
    """
    here = _tree(context, "HEAD")
    found: dict[str, EarlierRow] = {}
    for ledger in reversed(Ledgers(context).of(Workflow.REGRESSION)):
        candidate = plan_of(ledger).candidate
        same = bool(candidate) and _tree(context, candidate) == here
        if same or (candidate and ledger.branch == context.branch):
            found = {unit: one for unit, one in found.items() if one.same or not measured(ledger, one)}
            for row in regressed(ledger):
                why = f"{row.dimension}: {row.unit} {row.status}, found by {ledger.id}"
                found[row.unit] = EarlierRow(unit=row.unit, dimension=row.dimension, why=why, same=same)
    return tuple(found.values())


def _tree(context: RepoContext, commit: str) -> str:
    return context.repo.git.ask("rev-parse", "--verify", "--quiet", f"{commit}^{{tree}}").text
