"""What check_plan measured, kept so that the session which it was for does not measure it once more.

It is kept in the server's memory and nowhere else: no edit reaches it there, and another server measures anew.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

from ..git.untracked import changed_since
from ..lab.context import RepoContext
from ..measurement.ruler import ruler_now
from ..plan.model import Plan
from .baseline import Baseline

FRESH_S = 3600.0
"""How long a machine is taken to be the one that it was."""


@dataclass(frozen=True)
class RecentCheck:
    """The baseline of a plan that passed every gate, at a commit. `at` is the server's clock at the end, in seconds,
    `written` that of the files.
    """

    baseline: Baseline
    head: str
    at: float
    written: float

    def stands(self, context: RepoContext, plan: Plan) -> bool:
        """Tell whether the same would be measured now, as far as can be seen without measuring."""
        baseline = self.baseline
        fresh = 0 <= context.now() - self.at <= FRESH_S
        if not fresh or context.repo.head() != self.head or plan.digest() != baseline.ruler.plan:
            return False
        now = replace(ruler_now(context.repo, plan), outputs=baseline.ruler.outputs)
        return now == baseline.ruler and not changed_since(context.repo, self.written)

    def words(self, context: RepoContext) -> str:
        """Say which runs these are."""
        ago, count = context.now() - self.at, len(self.baseline.runs)
        when = f"{ago:.0f} s" if ago < 120 else f"{ago / 60:.0f} min"
        runs, are = ("run", "is") if count == 1 else (f"{count} runs", "are")
        return f"the {runs} of check_plan, {when} ago, {are} the baseline"


def recent_check(context: RepoContext, baseline: Baseline) -> RecentCheck:
    """Return what is kept of a check whose gates were all passed."""
    return RecentCheck(baseline, context.repo.head(), context.now(), time.time())
