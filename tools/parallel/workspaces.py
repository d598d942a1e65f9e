"""Workspaces: given out, put onto the newest best, and taken back, with no edit ever lost."""

from __future__ import annotations

import re
import shlex
import time
from dataclasses import dataclass
from itertools import count

from ..errors import Code, Refusal
from ..git.locks import remove_own
from ..git.repo import shown
from ..git.untracked_copies import UntrackedPaths
from ..git.workspace import Workspace
from ..iteration.commit_checks import listed
from ..iteration.keeps import attempts_of
from ..lab.context import RepoContext
from ..measurement.runs import without_outputs
from ..session.results import flat
from .board import Board, board_held, board_of, post
from .events import WorkspaceOpened, WorkspaceReleased
from .servers import lives

MOST_WORKSPACES = 64
DIRECTION_CHARACTERS = 200
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,19}")


@dataclass(frozen=True)
class GivenWorkspace:
    """A workspace, and where it is; what was `brought` and its seconds where it was made just now."""

    opened: WorkspaceOpened
    place: Workspace
    brought: UntrackedPaths | None = None
    seconds: float = 0.0


def kept_commit(context: RepoContext, iteration: int) -> str:
    """Return the commit that an iteration kept; of 0 the one that the session started from."""
    attempts = attempts_of(context, iteration)
    return attempts[-1].commit if attempts else context.active.start.base


def incumbent_commit(context: RepoContext) -> str:
    """Return the newest commit that was kept; the one that the session started from before any was."""
    return kept_commit(context, context.active.incumbent_iteration)


def give(context: RepoContext, server: str, name: str, direction: str) -> GivenWorkspace:
    """Make a workspace of a name, or bring the one that there is onto the newest best.

    Raises:
        Refusal: without a session at work, if it is another living server's, if a living one tries the same direction, or if it
            has edits and stands on an older best.
    """
    base, iteration = incumbent_commit(context), context.active.incumbent_iteration
    with board_held(context) as board:
        name = name or _free_name(context, board)
        _refuse_name(context, board, server, name)
        known, place = board.workspaces.get(name), Workspace(context.repo, name)
        words = flat(direction)[:DIRECTION_CHARACTERS] or (known.direction if known else "")
        _refuse_direction(context, board, name, words)
        there = known is not None and place.exists()
        if there and known:
            known = moved_on(context, board, known, place)
            if known.base != base:
                _refuse_edits(context, place, known)
                if problem := place.move(base):
                    raise Refusal(Code.GIT, f"{place.folder} could not be brought to {base[:7]}: {problem}")
        elif place.exists():  # an earlier session left it
            _refuse_left(context, place, name)
        opened = WorkspaceOpened(name=name, server=server, base=base, iteration=iteration, direction=words)
        if opened != known:
            post(context, opened)
    if there:
        return GivenWorkspace(opened, place)
    began = time.monotonic()
    brought = place.make(base, context.untracked)
    return GivenWorkspace(opened, place, brought, time.monotonic() - began)


def release(context: RepoContext, server: str, name: str) -> Workspace:
    """Take a workspace away; whoever had its direction no longer has it.

    Raises:
        Refusal: if there is none of this name, it is another living server's, or it has edits.
    """
    place = Workspace(context.repo, name)
    with board_held(context) as board:
        known = own_workspace(context, board, server, name)
        if place.exists():
            _refuse_edits(context, place, known)
        post(context, WorkspaceReleased(name=name))
    place.remove()
    return place


def close_all(context: RepoContext) -> tuple[str, ...]:
    """Take every workspace of the session away; returns the folders of those that stay, because they have edits."""
    left = []
    for name, known in board_of(context).workspaces.items():
        place = Workspace(context.repo, name)
        if place.exists() and edits_in(context, place, known):
            left.append(shown(str(place.folder)))
        else:
            place.remove()
    return tuple(left)


def moved_on(context: RepoContext, board: Board, known: WorkspaceOpened, place: Workspace) -> WorkspaceOpened:
    """Bring a workspace whose edits were handed in onto the newest best, unless that was done. What was edited since then stays.

    Raises:
        Refusal: if that is in the way; the candidate is handed in all the same.
    """
    one = board.moving.get(known.name)
    if one is None:
        return known
    base = incumbent_commit(context)
    remove_own(place.repo().git_dir)
    if problem := place.move(base):
        folder = shlex.quote(shown(str(place.folder)))
        message = (
            f"Workspace {known.name} has edits on top of candidate {one.name}, which was handed in, and git cannot bring it onto "
            f"the newest best with them: {problem} Set them aside with `git -C {folder} stash push --include-untracked`, call "
            f"workspace with its name, then `git -C {folder} stash pop`."
        )
        raise Refusal(Code.OUT_OF_ORDER, message)
    now = known.model_copy(update={"base": base, "iteration": context.active.incumbent_iteration})
    post(context, now)
    return now


def own_workspace(context: RepoContext, board: Board, server: str, name: str) -> WorkspaceOpened:
    """Return the workspace of a name.

    Raises:
        Refusal: if there is none, or it is another living server's.
    """
    if name not in board.workspaces:
        there = ", ".join(board.workspaces) or "none"
        message = f"There is no workspace {name!r}; there are: {there}. Call workspace to have one."
        raise Refusal(Code.BAD_ARGUMENT, message)
    _refuse_name(context, board, server, name)
    return board.workspaces[name]


def workspace_lines(context: RepoContext, but: str = "") -> list[str]:
    """Say of each workspace but one what is tried there, and whether anybody is at work in it."""
    told = []
    for name, opened in board_of(context).workspaces.items():
        if name == but:
            continue
        free = "" if lives(context.repo.own_folder, opened.server) else " (free: its agent's server is gone)"
        told.append(f"Workspace {name}{free}: {opened.direction or 'no direction named'}")
    return told


def edits_in(context: RepoContext, place: Workspace, known: WorkspaceOpened) -> tuple[str, ...]:
    """Return the paths in a workspace that differ from its base, committed there or not, but for those that were there at the start."""
    repo, left = place.repo(), context.active.left_behind
    changes = without_outputs(context.active.plan, repo.changes())
    head = repo.head()
    own = [] if context.repo.in_history(head) else repo.entries(known.base, head)
    edited = [change.path for change in changes if change.tracked or shown(change.path) not in left]
    return tuple(dict.fromkeys((*(entry.path for entry in own), *edited)))


def _refuse_edits(context: RepoContext, place: Workspace, known: WorkspaceOpened) -> None:
    if edits := edits_in(context, place, known):
        folder = shlex.quote(shown(str(place.folder)))
        message = (
            f"Workspace {known.name} has edits that were not handed in: {listed(edits)}. Nothing was changed. Hand them in with "
            f"submit, or set them aside with `git -C {folder} stash push --include-untracked`, then call again."
        )
        raise Refusal(Code.OUT_OF_ORDER, message)


def _refuse_left(context: RepoContext, place: Workspace, name: str) -> None:
    repo = place.repo()
    head = repo.head()
    edited = [
        change.path
        for change in repo.changes()
        if change.tracked or shown(change.path) not in context.active.left_behind
    ]
    own = [] if context.repo.in_history(head) else [f"commit {head[:7]}"]
    if edits := [*own, *edited]:
        folder = shlex.quote(shown(str(place.folder)))
        message = (
            f"{folder}, workspace {name} of an earlier session, has edits that were not handed in: {listed(edits)}. Nothing was "
            f"changed. Leave `name` empty for another workspace, or look with `git -C {folder} status`, and hand them in by `patch`."
        )
        raise Refusal(Code.OUT_OF_ORDER, message)


def _refuse_name(context: RepoContext, board: Board, server: str, name: str) -> None:
    if not _NAME.fullmatch(name):
        raise Refusal(
            Code.BAD_ARGUMENT, f"{name!r} is no name of a workspace: small letters, digits and dashes, 20 at most."
        )
    known = board.workspaces.get(name)
    if known and known.server != server and lives(context.repo.own_folder, known.server):
        message = f"Workspace {name} belongs to an agent of another server, which is at work. Leave `name` empty for one of your own."
        raise Refusal(Code.BUSY, message)
    if known is None and len(board.workspaces) >= MOST_WORKSPACES:
        raise Refusal(Code.BUSY, f"There are {MOST_WORKSPACES} workspaces. Release one that nobody needs first.")


def _refuse_direction(context: RepoContext, board: Board, name: str, words: str) -> None:
    for other in board.workspaces.values():
        same = words and other.name != name and other.direction.casefold() == words.casefold()
        if same and lives(context.repo.own_folder, other.server):
            message = f"{words!r} is tried in workspace {other.name} already. Name another direction."
            raise Refusal(Code.BUSY, "\n".join([message, *workspace_lines(context, but=name)]))


def _free_name(context: RepoContext, board: Board) -> str:
    names = (f"w{number}" for number in count(1))
    return next(name for name in names if name not in board.workspaces and not Workspace(context.repo, name).exists())
