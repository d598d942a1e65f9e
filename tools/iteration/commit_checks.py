"""Checks at commit: what an experiment may not touch is refused before anything is committed."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import Code, Refusal
from ..git.checkout import PathChange
from ..git.repo import Repo, shown
from ..git.trees import GITLINK, SYMLINK, TreeChange
from ..lab.context import RepoContext
from ..measurement.git_settings import seals_changed
from ..measurement.ruler import SCRIPTS, differing, ruler_now, ruler_of
from ..measurement.runs import tracked_edits, without_outputs
from ..measurement.shadow import shadowed
from ..plan.model import Plan
from ..plan.scope import Scope
from ..project.measurement_inputs import protected_globs

MOST_RULERS = 200
MOST_IN_COMMAND = 40
_WIDER = "If the experiment needs them, a person can widen the scope in a new session."
_HOOKS = "Let the hook leave other files alone, or let a person put them into the scope of a new session."


def changes_in_scope(context: RepoContext) -> tuple[str, ...]:
    """Return the paths that a commit would take: every change in the tree, if all of them are the experiment's to make.

    Raises:
        Refusal: if a protected file or anything outside the scope changed.
    """
    session = context.active
    status, left = context.repo.status(), session.left_behind
    new = status.untracked.ask(("new", left), lambda paths: tuple(p for p in paths if shown(p) not in left))
    changes = (*status.edits, *(PathChange(path, tracked=False, staged=False) for path in new))
    found = [change.path for change in without_outputs(session.plan, changes)]
    scope, protected = Scope(session.plan.scope), _protected(session.plan)
    if outside := [path for path in found if not scope.matches(path)]:
        named = [f"{path} (protected)" if protected.matches(path) else path for path in outside]
        message = f"Outside the scope {listed(session.plan.scope)}: {listed(named)}. Nothing was committed."
        raise Refusal(Code.OUTSIDE_SCOPE, f"{message} {_cure(context, outside)} {_WIDER}")
    if inner := [path for path in found if path.endswith("/")]:
        raise _repository_inside(inner[0])
    refuse_tampering(context)
    if bent := [path for path in found if protected.matches(path)]:  # in the index only: the file stands as it was
        raise Refusal(Code.PROTECTED, f"Protected files changed: {listed(bent)}. {_cure(context, bent)}")
    refuse_other_ground(context)
    return tuple(found)


def refuse_tampering(context: RepoContext) -> None:
    """Refuse while a protected file is not what it was at the start.

    Raises:
        Refusal: naming the files and the command that puts them back.
    """
    if files := drift_since_start(context).files:
        message = (
            f"Protected files changed since the start: {listed(files)}. They are the ruler. {_cure(context, files)}"
        )
        raise Refusal(Code.PROTECTED, message)


def refuse_other_ground(context: RepoContext) -> None:
    """Refuse to begin an iteration where git's settings or the machine are not those of the baseline.

    Raises:
        Refusal: naming what differs, and how to begin a new segment.
    """
    found = drift_since_start(context)
    segment = "or begin a new segment: finish_session, then start_session measures a new baseline."
    if found.settings:
        message = f"What steers git here changed since the start: {'; '.join(found.settings[:8])}."
        raise Refusal(Code.PROTECTED, f"{message} Put it back as it was, {segment}")
    if found.machine:
        message = f"The machine is not the one of the baseline: {'; '.join(found.machine[:4])}."
        raise Refusal(Code.MACHINE_CHANGED, f"{message} Values would not compare. Undo that, {segment}")


@dataclass(frozen=True)
class Drift:
    """The parts of the ruler that are not as they were at the start."""

    files: tuple[str, ...]
    settings: tuple[str, ...]
    machine: tuple[str, ...]

    @property
    def all(self) -> tuple[str, ...]:
        """All of it, in words."""
        return (*self.files, *self.settings, *self.machine)


def drift_since_start(context: RepoContext) -> Drift:
    """Compare the ruler with what was sealed."""
    then = ruler_of(context.active.start)

    def compare() -> Drift:
        now = ruler_now(context.repo, context.active.plan, then.names)
        settings = seals_changed(then.sealed, now.sealed, context.repo.settings)
        return Drift(differing(then.protected, now.protected), settings, then.moved(now))

    return context.repo.once(("drift", context.active.id), compare)


def refuse_uncommitted(context: RepoContext) -> None:
    """Refuse to measure a tree that is not the one that was committed.

    Raises:
        Refusal: naming the edits.
    """
    if edits := tracked_edits(context.repo, context.active.plan):
        message = (
            f"Edited since the commit: {listed(edits)}. What is measured must be what was committed. "
            f"Set them aside with `git stash push -- {shlex.join(map(shown, edits[:MOST_IN_COMMAND]))}` and call again; "
            "`git stash pop` brings them back for the next iteration."
        )
        raise Refusal(Code.OUT_OF_ORDER, message)


def refuse_entries(repo: Repo, plan: Plan, entries: Sequence[TreeChange], allowed: Sequence[str]) -> None:
    """Refuse a tree that holds what the list of changes did not show.

    Raises:
        Refusal: for a path that is not an allowed change, a submodule, or a symbolic link that leads out.
    """
    extra = sorted({entry.path for entry in entries} - set(allowed))
    if extra:
        message = f"A hook of the repository added {listed(extra)} to the commit, outside what the experiment changed."
        raise Refusal(Code.OUTSIDE_SCOPE, f"{message} Nothing was committed. {_HOOKS}")
    if staged := sorted(set(allowed) - {entry.path for entry in entries}):
        message = f"Staged, but not so in the files: {listed(staged)}. Nothing was committed."
        names = shlex.join(map(shown, staged[:MOST_IN_COMMAND]))
        cure = (
            f"Keep what is staged with `{git_at(repo)} diff --cached --binary -- {names} >> "
            f'"$({git_at(repo)} rev-parse --git-dir)/staged.patch"`, '
            f"then unstage it with `{git_at(repo)} restore --staged -- {names}`."
        )
        raise Refusal(Code.OUT_OF_ORDER, f"{message} {cure}")
    _refuse_shadows(repo, plan, [entry.path for entry in entries if entry.added])
    for entry in entries:
        if GITLINK in {entry.old_mode, entry.new_mode}:
            raise _repository_inside(entry.path)
        if entry.new_mode == SYMLINK:
            _refuse_link(repo, plan, entry.path)


def _refuse_shadows(repo: Repo, plan: Plan, added: Sequence[str]) -> None:
    if not added:
        return
    protected = Scope(plan.protected)
    before = [path for path in repo.tracked() if path not in added]
    files = [path for path in before if path.endswith(SCRIPTS) and protected.matches(path)]
    held = repo.contents("HEAD", files[:MOST_RULERS])
    texts = {path: held.get(path, b"").decode(errors="replace") for path in files[:MOST_RULERS]}
    rulers = {path: text for path, text in texts.items() if path.endswith(".py")}
    commands = (*plan.commands, *(text for path, text in texts.items() if path not in rulers))
    meant = {glob.strip("/") for glob in plan.scope}
    for path in added:
        if path in meant:
            continue
        if why := shadowed(path, rulers, commands, before):
            raise Refusal(Code.PROTECTED, f"{why}. Nothing was committed. Give the file another name.")


def _repository_inside(path: str) -> Refusal:
    message = f"{path} is a repository of its own. An experiment changes files only. Nothing was committed."
    return Refusal(Code.OUTSIDE_SCOPE, f"{message} Move it away.")


def _refuse_link(repo: Repo, plan: Plan, path: str) -> None:
    link = repo.root / path
    target = Path(os.path.realpath(link))
    inside = target.is_relative_to(repo.root.resolve()) and not target.is_relative_to(repo.git_dir.resolve())
    name = str(target.relative_to(repo.root.resolve())) if inside else ""
    if not inside or _protected(plan).matches(name) or not Scope(plan.scope).matches(name):
        message = f"{path} is a symbolic link to {os.readlink(link)}, which is outside the scope."
        raise Refusal(Code.OUTSIDE_SCOPE, f"{message} Nothing was committed. Copy the content instead.")


def _protected(plan: Plan) -> Scope:
    return Scope(protected_globs(plan))


def git_at(repo: Repo) -> str:
    """Return how a person calls git there: by the folder where that is a linked checkout, in which nobody may stand."""
    return "git" if repo.git_dir == repo.common_dir else f"git -C {shlex.quote(shown(str(repo.root)))}"


def _cure(context: RepoContext, paths: Sequence[str]) -> str:
    """How to go on without these changes, whosever they are: nothing that is said here throws anything away."""
    changed = {change.path for change in context.repo.changes()}
    folders = [path for path in paths if (context.repo.root / path).is_dir()]
    kept = [path for path in paths if path in changed and path not in folders]
    other = [path for path in paths if path not in kept and path not in folders]
    parts = []
    if kept:
        names = shlex.join(map(shown, kept[:MOST_IN_COMMAND]))
        known = set(context.repo.tracked())
        # A deletion that is staged is nothing that `stash` would find; unstaged it is one.
        gone = [path for path in kept if path not in known and not os.path.lexists(context.repo.root / path)]
        git = git_at(context.repo)
        first = f"`{git} restore --staged -- {shlex.join(map(shown, gone[:MOST_IN_COMMAND]))}` and " if gone else ""
        parts.append(
            f"They may be a person's: look with `{git} diff HEAD -- {names}`. To go on without them, set them aside with "
            f"{first}`{git} stash push --include-untracked -- {names}`; nothing is lost (`{git} stash pop` brings them back)."
        )
    if folders:
        parts.append(f"{listed(folders)}: a repository of its own. Commit there, or let a person move it away.")
    if other:
        parts.append(f"git does not show {listed(other)}. Copy what is there now elsewhere, then put the old one back.")
    return " ".join(parts)


def listed(names: Sequence[str]) -> str:
    """Name the first of some paths."""
    return ", ".join(map(shown, names[:8])) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
