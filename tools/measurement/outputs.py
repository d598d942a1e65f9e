"""Files that the plan's commands write in normal work: never a change of the experiment, and put back after each run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..git.checkout import PathChange
from ..git.experiment import ExperimentIndex
from ..git.repo import Repo
from ..plan.model import Plan
from ..plan.scope import Scope
from ..project.measurement_inputs import protected_globs
from ..storage.disk import keep_evidence


def without_outputs(plan: Plan, changes: Sequence[PathChange]) -> tuple[PathChange, ...]:
    """Leave out the changes of files that the plan says its commands write; a protected file is none of them."""
    if not plan.outputs:
        return tuple(changes)
    outputs, protected = Scope(plan.outputs), Scope(protected_globs(plan))
    return tuple(c for c in changes if not outputs.matches(c.path) or protected.matches(c.path))


def tracked_edits(repo: Repo, plan: Plan) -> tuple[str, ...]:
    """Return the tracked paths that differ from HEAD, and are not the plan's to put back."""
    return tuple(change.path for change in without_outputs(plan, repo.changes()) if change.tracked)


def restore_outputs(repo: Repo, plan: Plan, aside: Path | None = None) -> None:
    """Put the plan's outputs back as they are in the commit, those that git tracks. First keep them `aside`, if it is given."""
    if not plan.outputs:
        return
    rest = {change.path for change in without_outputs(plan, repo.changes())}
    changed = [change for change in repo.changes() if change.tracked and change.path not in rest]
    if changed and aside is not None:
        keep_evidence(aside, repo.root, [change.path for change in changed])
    ExperimentIndex(repo).put_back(changed)
