"""The first step of an iteration: what changed in scope becomes a commit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from ..decision.failures import FailureClass
from ..errors import Code, Refusal
from ..git.experiment import HookFailure, Staged
from ..git.repo import shown
from ..lab.context import Desk
from ..session.change import Change, fingerprints, resemblance
from ..session.events import Committed, HookRejected, Repeated, Unchanged
from ..session.intent import Intent, clear_intent, write_intent
from ..session.messages import experiment_message
from ..session.results import flat
from ..text.hygiene import clean_end, hygiene
from ..vocabulary import Phase
from .commit_checks import changes_in_scope, refuse_entries

HOOK_OUTPUT_CHARACTERS = 3000
_SERVERS_TURN = frozenset({Phase.COMMITTED, Phase.VERIFIED, Phase.DISCARDED, Phase.JUDGED})


def commit(desk: Desk, description: str, hypothesis: str, check: Callable[[Desk, str, str], None]) -> None:
    """Commit what changed in scope, as the next attempt of the open iteration or the first of a new one.

    `check` sees the tree and the description before anything is committed, and may refuse.
    """
    idea = Idea(desk.active.last_iteration + 1, _described(description), hygiene()(flat(hypothesis)))
    paths = changes_in_scope(desk)
    made: Committed | HookRejected
    try:
        staged = _staged(desk, paths)
        if staged is None:
            _record_unchanged(desk, idea)
            return
        check(desk, staged.tree, idea.description)
        change = _changed(desk, staged)
        _refuse_repeat(desk, staged, change, idea)
        made = _committed(desk, staged, idea, change)
    except HookFailure as failure:
        made = _rejected(idea, paths, failure)
    desk.record(made)
    clear_intent(desk.repo.own_folder)


def is_open(desk: Desk, description: str) -> bool:
    """Whether an iteration of this description waits for the server: its call was interrupted, and is made again."""
    trial = desk.session.trial if desk.session else None
    return desk.phase in _SERVERS_TURN and trial is not None and trial.description == flat(description)[:500]


def answer_was_lost(desk: Desk, description: str) -> bool:
    """Whether this is the last call once more, and nothing in scope was edited since: its answer did not arrive."""
    if not desk.repeated or changes_in_scope(desk):
        return False
    if (trial := desk.active.trial) is not None:
        return desk.phase in {Phase.FIX, Phase.REWORK} and trial.description == _described(description)
    rows = desk.journal.rows(desk.active.id, 1)
    return bool(rows) and rows[-1].iteration > 0 and rows[-1].description == _described(description)


@dataclass(frozen=True)
class Idea:
    """What the agent says of a try, and which iteration it belongs to."""

    number: int
    description: str
    hypothesis: str


def _staged(desk: Desk, paths: Sequence[str]) -> Staged | None:
    """The tree that a commit of these paths would have, looked at once more; None if it is the same as before."""
    if not paths:
        return None
    session = desk.active
    staged = desk.bench.stage(paths, session.head)
    refuse_entries(desk.repo, session.plan, staged.entries, paths)
    return staged if staged.entries else None


def _changed(desk: Desk, staged: Staged) -> Change:
    session = desk.active
    parent = session.trial.parent if session.trial else session.head
    return fingerprints(desk.repo.diff(parent, staged.tree))


def _committed(desk: Desk, staged: Staged, idea: Idea, change: Change) -> Committed:
    session = desk.active
    names = [shown(path) for path in staged.paths]
    message = experiment_message(
        session, idea.number, idea.description, idea.hypothesis, names, journal=desk.journal.tip()
    )
    events: list[Committed] = []

    def intend(commit: str) -> None:
        events.append(_commit_event(desk, staged, idea, change, commit))
        intent = Intent(session=session.id, old=session.head, new=commit, event=events[0])
        write_intent(desk.repo.own_folder, intent)

    desk.bench.commit(staged, session.head, message, intend)
    return events[0]


def _commit_event(desk: Desk, staged: Staged, idea: Idea, change: Change, commit: str) -> Committed:
    session = desk.active
    stat = desk.repo.diffstat(session.trial.parent if session.trial else session.head, commit)
    return Committed(
        iteration=idea.number,
        commit=commit,
        tree=staged.tree,
        description=idea.description,
        hypothesis=idea.hypothesis,
        files=tuple(map(shown, stat.files)),
        added=stat.added,
        removed=stat.removed,
        change=change.change,
        inverse=change.inverse,
        shape=change.shape,
        note=resemblance(change, partial(desk.journal.latest_commit, session.id)),
    )


def _rejected(idea: Idea, paths: Sequence[str], failure: HookFailure) -> HookRejected:
    return HookRejected(
        iteration=idea.number,
        description=idea.description,
        hypothesis=idea.hypothesis,
        files=tuple(map(shown, paths)),
        output=clean_end(str(failure), HOOK_OUTPUT_CHARACTERS),
    )


def _described(description: str) -> str:
    text = hygiene()(flat(description))  # it goes into a commit message, which may be pushed
    if not text:
        raise Refusal(Code.BAD_ARGUMENT, "`description` is empty. Say in one sentence what you changed and why.")
    return text[:500]


def _record_unchanged(desk: Desk, idea: Idea) -> None:
    trial = desk.active.trial
    if trial and trial.commit:
        message = (
            "Nothing in scope changed since the last attempt. Edit the files, or call revert to give this idea up."
        )
        raise Refusal(Code.OUT_OF_ORDER, message)
    desk.record(Unchanged(iteration=idea.number, description=idea.description, hypothesis=idea.hypothesis))


def _refuse_repeat(desk: Desk, staged: Staged, change: Change, idea: Idea) -> None:
    session = desk.active
    exact = desk.journal.latest_commit(session.id, "tree", staged.tree)
    earlier = exact if exact is not None else desk.journal.latest_commit(session.id, "change", change.change)
    # The same change to another incumbent is another try.
    if earlier is None or (exact is None and earlier <= session.incumbent_iteration):
        return
    row = next((row for row in desk.journal.rows(session.id, 1, before=earlier + 1) if row.iteration == earlier), None)
    if row is not None and row.failure in {FailureClass.EXTERNAL, FailureClass.HANG}:
        return
    desk.record(Repeated(iteration=idea.number, description=idea.description, earlier=earlier))
    outcome = f"{row.status}: {row.description}" if row else "still open"
    how = "This is byte for byte" if exact is not None else "But for white space this is"
    message = f"{how} what iteration {earlier} tried ({outcome}). Nothing was committed. Try something else."
    raise Refusal(Code.REPEAT, message)
