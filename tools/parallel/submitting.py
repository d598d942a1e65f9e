"""A change is handed in: the same checks as at a commit, then a commit of its own beside the branch, held by a ref."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..errors import Code, Refusal
from ..git.experiment import HookFailure, Staged
from ..git.hooks import has_hooks
from ..git.repo import shown
from ..git.workspace import Workspace
from ..iteration.commit import Check, described, repeat_of
from ..iteration.commit_checks import changes_in_scope, listed, refuse_entries
from ..lab.context import RepoContext
from ..measurement.runs import without_outputs
from ..session.commits import ChangeFingerprints, area, fingerprints
from ..session.results import flat
from ..session.state import Session
from ..storage.masked_lines import remember_masked
from ..text.redaction import redact_tail
from .board import Board, board_held, board_of, post
from .events import Submitted, WorkspaceOpened
from .screening import screens
from .workspaces import edits_in, give, incumbent_commit, moved_on, own_workspace

HOOK_OUTPUT_CHARACTERS = 3000


@dataclass(frozen=True)
class HandedIn:
    """A candidate; `stays` says why its workspace could not be brought onto the newest best afterwards."""

    submitted: Submitted
    again: bool = False
    stays: str = ""


def hand_in(
    context: RepoContext, server: str, name: str, description: str, hypothesis: str, check: Check, knob: bool = False
) -> HandedIn:
    """Take the edits of a workspace off an agent's hands, and bring the workspace onto the newest best. A `knob` waits for a design.

    The same call made again, because its answer was lost, gives the same candidate.

    Raises:
        Refusal: with nothing handed in, if the change is not an experiment's to make, was tried or handed in before, a hook says
            no, or the budget has no room for it.
    """
    if not (text := described(description)):
        raise Refusal(Code.BAD_ARGUMENT, "`description` is empty. Say in one sentence what you changed and why.")
    with board_held(context) as board:
        known, place = own_workspace(context, board, server, name), Workspace(context.repo, name)
        if not place.exists():
            raise Refusal(
                Code.BAD_ARGUMENT, f"{place.folder} is gone. Call workspace(name={name!r}) to have it made again."
            )
        known = moved_on(context, board, known, place)
    there = replace(context, repo=place.repo())
    if (last := _last_of(board, name)) and last.description == text and not edits_in(context, place, known):
        return HandedIn(last, again=True)
    _uncommit(there, known)
    paths = changes_in_scope(there)
    try:
        staged = there.index.stage(paths, known.base)
        refuse_entries(there.repo, context.active.plan, staged.entries, paths)
        if not staged.entries:
            raise _nothing(last, place)
        check(there, staged.tree, text)
        diff = there.repo.diff(known.base, staged.tree)
        remember_masked(context.repo.own_folder, diff)
        commit = there.index.commit_object(staged, known.base, _message(staged, text, hypothesis))
        with board_held(context) as board:
            made = _made(there, board, known, staged, commit, text, hypothesis, fingerprints(diff), knob)
    except HookFailure as failure:
        said = redact_tail(str(failure), HOOK_OUTPUT_CHARACTERS)
        raise Refusal(
            Code.OUT_OF_ORDER, f"A hook of the repository refused the commit. Nothing was handed in. {said}"
        ) from None
    try:
        moved_on(context, board_of(context), known, place)
    except Refusal as refusal:
        return HandedIn(made, stays=refusal.message)
    return HandedIn(made)


def from_patch(context: RepoContext, server: str, patch: bytes) -> str:
    """Put a patch into a workspace that this server keeps for patches, at the newest best, and return its name.

    Raises:
        Refusal: if it does not fit.
    """
    name = f"patch-{server[:6]}"
    place = give(context, server, name, "patches").place
    answer = place.repo().git.ask("apply", "--whitespace=nowarn", "-", stdin=patch)
    if answer.code != 0:
        place.remove()
        message = f"The patch does not fit the newest best: {answer.err.strip()[:500]}. Nothing was handed in."
        raise Refusal(Code.BAD_ARGUMENT, f"{message} Make it against {incumbent_commit(context)[:12]}.")
    return name


def patch_of_branch(context: RepoContext, branch: str) -> bytes:
    """Return what a branch changed since it left the session's branch.

    Raises:
        Refusal: if there is no such branch, or it has nothing in common with the session's.
    """
    repo = context.repo
    tip, best = repo.commit(branch), incumbent_commit(context)
    fork = repo.git.ask("merge-base", best, tip)
    if fork.code != 0:
        raise Refusal(Code.BAD_ARGUMENT, f"{branch} has no commit in common with the session. Name another branch.")
    return repo.git.run("diff-tree", "-p", "--binary", "--full-index", "--no-ext-diff", "--no-textconv", fork.text, tip)


def in_the_way(context: RepoContext, one: Submitted) -> str:
    """Say which edits in the session's checkout a candidate has to wait for; empty without any."""
    session, left = context.active, context.active.left_behind
    changes = without_outputs(session.plan, context.repo.changes())
    edits = [change.path for change in changes if change.tracked or shown(change.path) not in left]
    beside = (session.noisy or screens(session)) and not has_hooks(context.repo)
    held = [path for path in edits if not beside or shown(path) in one.files]
    if not held:
        return ""
    what = "kept" if beside else "measured"
    return f"It cannot be {what} while {context.repo.root} has edits in {listed(held)}: a person may set them aside or wait."


def candidate_ref(session: str, candidate: int) -> str:
    """Return the ref that holds a candidate's commit."""
    return f"refs/autoresearch/candidates/{session}/{candidate}"


def has_room(session: Session, board: Board) -> bool:
    """Tell whether the budget of iterations has room for one candidate more."""
    taken = session.last_iteration + len(board.open_ones(session.last_iteration))
    return not session.plan.iterations or taken < session.plan.iterations


def _last_of(board: Board, name: str) -> Submitted | None:
    """Return the last candidate from a workspace; None before the first."""
    own = [one for one in board.candidates.values() if one.workspace == name]
    return own[-1] if own else None


def _uncommit(there: RepoContext, known: WorkspaceOpened) -> None:
    """Take commits that an agent made in its workspace for edits; they stay held by a ref."""
    head = there.repo.head()
    if head != known.base:
        there.repo.git.run("update-ref", f"refs/autoresearch/moved/{head[:12]}", head)
        there.repo.git.run("reset", "--quiet", "--mixed", known.base)
        there.repo.invalidate()


def _made(
    there: RepoContext,
    board: Board,
    known: WorkspaceOpened,
    staged: Staged,
    commit: str,
    description: str,
    hypothesis: str,
    change: ChangeFingerprints,
    knob: bool,
) -> Submitted:
    session = there.active
    waiting = board.open_ones(session.last_iteration)
    for one in (*waiting, *board.knobs):
        if one.base == known.base and (one.tree == staged.tree or one.change == change.change):
            message = f"This is what candidate {one.name} ({one.description}) holds, which is still open. Nothing was handed in."
            raise Refusal(Code.REPEAT, f"{message} Try something else.")
    if found := repeat_of(there, staged, change):
        raise Refusal(Code.REPEAT, found[1].replace("Nothing was committed", "Nothing was handed in"))
    if not knob and not has_room(session, board):
        message = (
            f"The budget of {session.plan.iterations} iterations has no room beside the {len(waiting)} open candidates."
        )
        raise Refusal(Code.SESSION_ENDED, f"{message} Nothing was handed in. Call wait, then finish_session.")
    number = board.next_number
    # The workspace stands at the candidate from here on: a server that dies before it says so has left a commit of an agent's there.
    there.index.sync(known.base, commit, staged.tree)
    moves = f"update {candidate_ref(session.id, number)} {commit}\nupdate HEAD {commit} {known.base}\n"
    there.repo.git.run("update-ref", "-m", "autoresearch: handed in", "--no-deref", "--stdin", stdin=moves.encode())
    stat = there.repo.diffstat(known.base, commit)
    submitted = Submitted(
        candidate=number,
        knob=knob,
        workspace=known.name,
        base=known.base,
        incumbent=known.iteration,
        commit=commit,
        tree=staged.tree,
        description=description,
        hypothesis=flat(hypothesis),
        files=tuple(map(shown, stat.files)),
        added=stat.added,
        removed=stat.removed,
        change=change.change,
        inverse=change.inverse,
        shape=change.shape,
    )
    post(there, submitted)
    return submitted


def _message(staged: Staged, description: str, hypothesis: str) -> str:
    where = area([shown(path) for path in staged.paths])
    return "\n\n".join(filter(None, (f"candidate({where}): {description[:60]}", description, flat(hypothesis)))) + "\n"


def _nothing(last: Submitted | None, place: Workspace) -> Refusal:
    told = f" The last one from there is candidate {last.name} ({last.description})." if last else ""
    return Refusal(
        Code.OUT_OF_ORDER, f"Nothing in scope differs in {place.folder}, so nothing was handed in.{told} Edit first."
    )
