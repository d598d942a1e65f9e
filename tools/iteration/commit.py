"""The first step of an iteration: what changed in scope becomes a commit."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from ..decision.decide import Status, TakeBack, Verdict
from ..errors import Code, Refusal
from ..git.checkout import PathChange
from ..git.experiment import HookFailure, Staged
from ..git.repo import Repo, shown
from ..lab.context import RepoContext
from ..plan.scope import Scope
from ..session.commits import ChangeFingerprints, experiment_message, fingerprints, resemblance
from ..session.events import Committed, HookRejected, Repeated, Unchanged
from ..session.intent import Intent, clear_intent, write_intent
from ..session.results import flat
from ..session.summary import settled_by_evidence
from ..storage.masked_lines import remember_masked
from ..text.redaction import redact_tail, redactor
from ..vocabulary import Phase
from .commit_checks import changes_in_scope, refuse_entries

Check = Callable[[RepoContext, str, str], None]
"""Sees a tree and its description before they are committed, and may refuse."""
DESCRIPTION_CHARACTERS = 500
HOOK_OUTPUT_CHARACTERS = 3000
MOST_CHECKOUTS = 20
MOST_NAMED = 8


@dataclass(frozen=True)
class Origin:
    """Where a change comes from that is no edit of the agent's: with `take_back` the server takes the kept iteration `undoes` out;
    or it was handed in as the candidate `submitted`, on which `screened_s` seconds were spent before.
    """

    undoes: int = 0
    take_back: TakeBack = TakeBack.NO
    submitted: int = 0
    screened_s: float = 0.0


AGENTS = Origin()
_SERVERS_TURN = frozenset({Phase.COMMITTED, Phase.VERIFIED, Phase.DISCARDED, Phase.JUDGED})


def commit(
    context: RepoContext,
    description: str,
    hypothesis: str,
    check: Check,
    origin: Origin = AGENTS,
) -> None:
    """Commit what changed in scope, as the next attempt of the open iteration or the first of a new one.

    Raises:
        Refusal: with nothing committed, if the change is not the experiment's to make, was tried before, or fails `check`.
    """
    idea = replace(_idea(context, description, hypothesis), origin=origin)
    context.repo.refuse_in_progress()
    paths = changes_in_scope(context)
    made: Committed | HookRejected
    try:
        staged = _staged(context, paths)
        if staged is None:
            _record_unchanged(context, idea)
            return
        check(context, staged.tree, idea.description)
        change = _changed(context, staged)
        _refuse_repeat(context, staged, change, idea)
        made = _committed(context, staged, idea, change)
    except HookFailure as failure:
        made = _rejected(idea, paths, failure)
    context.record(made)
    clear_intent(context.repo.own_folder)


def described(description: str) -> str:
    """Return a description as the journal keeps it and a commit message says it: by this a repeated call is recognised."""
    redact = redactor()
    text = redact(flat(description))[:DESCRIPTION_CHARACTERS]
    return redact(text)  # a cut can make a secret of what was none; as the journal looks again, so do we


def is_open(context: RepoContext, description: str) -> bool:
    """Return whether an iteration of this description waits for the server: its call was interrupted, and is made again."""
    trial = context.session.trial if context.session else None
    if trial is None or trial.description != described(description):
        return False
    return context.phase in _SERVERS_TURN or trial.servers  # nobody is to mend what the server wrote


def answer_was_lost(context: RepoContext, description: str) -> bool:
    """Return whether this is the last call once more, and nothing in scope was edited since: its answer did not arrive."""
    if not context.call.repeated or changes_in_scope(context):
        return False
    if (trial := context.active.trial) is not None:
        return context.phase in {Phase.FIX, Phase.REWORK} and trial.description == described(description)
    rows = context.journal.rows(context.active.id, 1)
    return bool(rows) and rows[-1].description == described(description)


def why_and_where(context: RepoContext, verdict: Verdict | None) -> str:
    """Return why an iteration stands as it does; of one without a change, also where it was looked for."""
    if verdict is None:
        return ""
    return f"{verdict.why} {looked_at(context)}" if verdict.status is Status.NO_OP else verdict.why


def looked_at(context: RepoContext) -> str:
    """In which folder nothing in scope was changed, and in which other checkout of the repository something was."""
    root, scope = context.repo.root, Scope(context.active.plan.scope)
    told = [f"This session works in {shown(str(root))}."]
    ours = context.paired_checkout.folder.parent.parent.resolve()
    for place in context.repo.linked_worktrees()[:MOST_CHECKOUTS]:
        with suppress(Refusal):  # it may be somebody else's, or be gone by now
            changes = () if place.resolve().is_relative_to(ours) else Repo(place).changes()
            if edited := [change for change in changes if scope.matches(change.path)]:
                told.append(_edited_there(place, root, edited))
    return " ".join(told)


def _edited_there(place: Path, root: Path, edited: Sequence[PathChange]) -> str:
    tracked = [shown(change.path) for change in edited if change.tracked]
    new = [shown(change.path) for change in edited if not change.tracked]
    here, there = shlex.quote(shown(str(root))), shlex.quote(shown(str(place)))
    told = (
        f"But {shown(str(place))}, another checkout of this repository, has changes in scope: {_listed(tracked + new)}."
    )
    cures = []
    if tracked:
        files = shlex.join(tracked[:MOST_NAMED])
        cures.append(f"bring them here with `git -C {there} diff --binary HEAD -- {files} | git -C {here} apply`")
    if new:
        cures.append(f"copy {_listed(new)} here")
    return f"{told} If they are this idea, {' and '.join(cures)}; they stay there as they are."


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return ", ".join(names[:MOST_NAMED]) + more


@dataclass(frozen=True)
class Idea:
    """What the agent says of a try, and which iteration it belongs to."""

    number: int
    description: str
    hypothesis: str
    origin: Origin = AGENTS


def _idea(context: RepoContext, description: str, hypothesis: str) -> Idea:
    if not (text := described(description)):
        raise Refusal(Code.BAD_ARGUMENT, "`description` is empty. Say in one sentence what you changed and why.")
    return Idea(context.active.last_iteration + 1, text, redactor()(flat(hypothesis)))


def _staged(context: RepoContext, paths: Sequence[str]) -> Staged | None:
    """Stage the tree that a commit of these paths would have, and check it; None if it is the same as before."""
    if not paths:
        return None
    session = context.active
    staged = context.index.stage(paths, session.head)
    refuse_entries(context.repo, session.plan, staged.entries, paths)
    return staged if staged.entries else None


def _changed(context: RepoContext, staged: Staged) -> ChangeFingerprints:
    session = context.active
    parent = session.trial.parent if session.trial else session.head
    diff = context.repo.diff(parent, staged.tree)
    remember_masked(context.repo.own_folder, diff)
    return fingerprints(diff)


def _committed(context: RepoContext, staged: Staged, idea: Idea, change: ChangeFingerprints) -> Committed:
    session = context.active
    names = [shown(path) for path in staged.paths]
    message = experiment_message(
        session, idea.number, idea.description, idea.hypothesis, names, journal=context.journal.tip()
    )
    with context.index.commit(staged, session.head, message) as commit:
        made = commit_event(context, staged, idea, change, commit)
        write_intent(context.repo.own_folder, Intent(session=session.id, old=session.head, new=commit, event=made))
    return made


def commit_event(
    context: RepoContext, staged: Staged, idea: Idea, change: ChangeFingerprints, commit: str
) -> Committed:
    """Return the event of an attempt that was committed."""
    session = context.active
    stat = context.repo.diffstat(session.trial.parent if session.trial else session.head, commit)
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
        undoes=idea.origin.undoes or context.journal.latest_commit(session.id, "change", change.inverse) or 0,
        take_back=idea.origin.take_back,
        note=resemblance(change, partial(context.journal.latest_commit, session.id)),
        submitted=idea.origin.submitted,
        screened_s=idea.origin.screened_s,
    )


def _rejected(idea: Idea, paths: Sequence[str], failure: HookFailure) -> HookRejected:
    return HookRejected(
        iteration=idea.number,
        description=idea.description,
        hypothesis=idea.hypothesis,
        files=tuple(map(shown, paths)),
        output=redact_tail(str(failure), HOOK_OUTPUT_CHARACTERS),
        take_back=idea.origin.take_back,
        submitted=idea.origin.submitted,
    )


def _record_unchanged(context: RepoContext, idea: Idea) -> None:
    trial = context.active.trial
    if trial and trial.commit:
        message = (
            "Nothing in scope changed since the last attempt. Edit the files, or call revert to give this idea up. "
        )
        raise Refusal(Code.OUT_OF_ORDER, message + looked_at(context))
    context.record(Unchanged(iteration=idea.number, description=idea.description, hypothesis=idea.hypothesis))


def refuse_repeat(context: RepoContext, staged: Staged, diff: str, description: str) -> None:
    """Refuse a change on top of the incumbent that was tried before, unless what decided it then was no real evidence.

    Raises:
        Refusal: naming the iteration.
    """
    idea = Idea(context.active.last_iteration + 1, described(description), "")
    _refuse_repeat(context, staged, fingerprints(diff), idea)


def _refuse_repeat(context: RepoContext, staged: Staged, change: ChangeFingerprints, idea: Idea) -> None:
    if found := repeat_of(context, staged, change, idea.origin):
        earlier, message = found
        context.record(Repeated(iteration=idea.number, description=idea.description, earlier=earlier))
        raise Refusal(Code.REPEAT, message)


def repeat_of(
    context: RepoContext, staged: Staged, change: ChangeFingerprints, origin: Origin = AGENTS
) -> tuple[int, str] | None:
    """Return which iteration tried a change before, and what to say of it; None where none did, or by no real evidence."""
    if origin.take_back is TakeBack.ANYWAY:
        return None
    session = context.active
    journal = context.journal
    exact = journal.latest_commit(session.id, "tree", staged.tree)
    if origin.take_back and exact is not None and exact <= session.incumbent_iteration:
        exact = None  # it leads to the code of an earlier keep, and nothing else
    same = journal.latest_commit(session.id, "change", change.change)
    if same is not None and same <= session.incumbent_iteration:
        same = None  # the same change to another incumbent is another try
    taken_back = {row.undoes for row in context.rows(statuses=(Status.KEEP_UNDO,))} if exact or same else set()
    for earlier, how in ((exact, "This is byte for byte"), (same, "But for white space this is")):
        if earlier is None or earlier in taken_back:
            continue
        row = next((row for row in journal.rows(session.id, 1, before=earlier + 1) if row.iteration == earlier), None)
        if row is None or settled_by_evidence(row, session):
            outcome = f"{row.status}: {row.description}" if row else "still open"
            why = "Evidence settled that, so `again` does not take it either" if row else "It has no verdict yet"
            message = f"{how} what iteration {earlier} tried ({outcome}). {why}. Nothing was committed."
            return earlier, f"{message} Try something else."
    return None
