"""The changes of a session as patches, without secrets."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from ..errors import Code, Refusal
from ..lab.context import RepoContext
from ..session.events import Committed
from ..storage.masked_lines import with_masked
from ..text.redaction import redactor
from .morning import CombinedChange

PATCH_CHARACTERS = 6000
"""Of one try's patch on a page."""
ROOM = 20 * PATCH_CHARACTERS
"""Of a patch that is looked through for secrets to be shown."""


def changed_between(context: RepoContext, iterations: Sequence[int]) -> str:
    """Return a patch: of all that was kept, of one iteration, or from one's tree to another's; 0 is the baseline.

    Raises:
        Refusal: if an iteration has no commit, or more than two are named.
    """
    session = context.active
    if len(iterations) == 1 and iterations[0]:
        commits = attempts(context, iterations).get(iterations[0])
        if not commits:
            raise _no_commit(iterations[0], session.last_iteration)
        patch = context.repo.patches({commits[-1]: commits[0]}).get(commits[-1], "")
    else:
        first, last = iterations if len(iterations) == 2 else (0, session.incumbent_iteration)
        patch = context.repo.diff(_commit_of(context, first), _commit_of(context, last))
    return shown_patches(context, {"": patch}, len(patch))[""]


def _commit_of(context: RepoContext, iteration: int) -> str:
    row = next(iter(context.rows_of([iteration])), None)
    if row is None or not row.commit:
        raise _no_commit(iteration, context.active.last_iteration)
    return row.commit


def _no_commit(iteration: int, last: int) -> Refusal:
    known = f"Iteration {iteration} has no commit" if 0 <= iteration <= last else f"There is no iteration {iteration}"
    return Refusal(Code.BAD_ARGUMENT, f"{known}; the last one is {last}. `history` lists them.")


def attempts(context: RepoContext, iterations: Sequence[int]) -> dict[int, list[str]]:
    """Return the commits of iterations, the first attempt first."""
    commits: dict[int, list[str]] = defaultdict(list)
    for event in context.journal.of_iterations(context.active.id, ("committed",), iterations):
        if isinstance(event, Committed):
            commits[event.iteration].append(event.commit)
    return commits


def whole_change(context: RepoContext, base: str, tip: str) -> CombinedChange | None:
    """Return all that was kept together; None where git does not have it any more."""
    try:
        delta = context.repo.delta(base, tip)
    except Refusal:
        return None
    patch = shown_patches(context, {tip: delta.patch})[tip]
    return CombinedChange(base, tip, delta.stat.files, delta.stat.added, delta.stat.removed, patch)


def shown_patches(context: RepoContext, patches: Mapping[str, str], room: int = ROOM) -> dict[str, str]:
    """Return patches without secrets, and not too long. A line is known again only as a whole."""
    folder, redact = context.repo.own_folder, redactor()
    cut = ((name, one if len(one) <= room else one[:room].rpartition("\n")[0]) for name, one in patches.items())
    return {name: redact(with_masked(folder, one)) for name, one in cut}
