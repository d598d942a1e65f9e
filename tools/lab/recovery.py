"""Recovery: finishes what a dead server left half done, at the start of every writing call and under the writer's lock."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..git.locks import remove_dead, remove_own
from ..project.measurement_inputs import misplaced
from ..session.events import Committed, Reverted
from ..session.intent import Intent, clear_intent, intent_written_at, read_intent

if TYPE_CHECKING:
    from .context import RepoContext


def recover(context: RepoContext) -> str:
    """Finish or forget the step that a dead server had begun; return what was done, in words, empty if there was none.

    HEAD tells how far the step came: where it was, nothing happened; where it should go, the rest is done again, which
    does no harm. Anywhere else, or where no step of the session leads, somebody moved it: nothing is touched, and the
    call is refused as for any moved HEAD.

    Raises:
        Refusal: if the rest needs the index, and another git holds it.
    """
    remove_own(context.repo.git_dir)
    intent = read_intent(context.repo.own_folder)
    if intent is None:
        return ""
    remove_dead(*context.repo.ref_locks(), intent.new, intent_written_at(context.repo.own_folder))
    head = context.repo.head()
    if head == intent.old:
        clear_intent(context.repo.own_folder)
        return "A step that was interrupted before it changed anything was forgotten."
    if head != intent.new or not _is_ours(context, intent):
        return ""
    if context.active.head != intent.new:  # else it was recorded before the server died
        context.record(_finished(context, intent))
    clear_intent(context.repo.own_folder)
    what = "commit" if isinstance(intent.event, Committed) else "revert"
    return f"An interrupted {what} of iteration {intent.event.iteration} was finished."


def _is_ours(context: RepoContext, intent: Intent) -> bool:
    """Return whether a step leads where a step of this session can lead: an intent is a file, and anybody can write one."""
    session = context.session
    if session is None or session.id != intent.session or context.repo.parents(intent.new) != (intent.old,):
        return False
    if session.head == intent.new:
        return True
    if session.head != intent.old:
        return False
    if isinstance(intent.event, Reverted):
        parent = session.trial.parent if session.trial else ""
        return intent.base == parent and context.repo.tree(intent.new) == context.repo.tree(parent)
    paths = [entry.path for entry in context.repo.entries(intent.old, intent.new)]
    return context.repo.tree(intent.new) == intent.event.tree and not misplaced(session.plan, paths)


def _finished(context: RepoContext, intent: Intent) -> Committed | Reverted:
    """Bring index and files to where the step leads, and return its event."""
    event = intent.event
    if isinstance(event, Committed):
        context.index.sync(intent.old, intent.new)
        return event
    kept = context.index.finish_undo(intent.old, intent.base, intent.edited, intent.staged)
    return event.model_copy(update={"kept_edits": tuple(sorted({*event.kept_edits, *kept}))})
