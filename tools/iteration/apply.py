"""Kept changes put on another branch: as commits on its tip, measured there before the branch moves. No checkout of the user's is
touched.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..decision.gain import Gain
from ..decision.judging import Arm
from ..decision.measured import GuardResult
from ..diagnostics.failing_lines import failing_lines
from ..errors import Code, Refusal
from ..git.branches import branch_tip, checked_out_at, move_branch
from ..git.merging import merged
from ..git.repo import shown
from ..lab.context import RepoContext
from ..measurement.meter import guard_baselines
from ..measurement.runs import RunNumbers
from ..session.commits import handover_message, squash_message
from ..session.summary import count_of
from ..session.telling import gain_words
from .clean_runs import in_paired_checkout, meter_of
from .in_turn import MOST_SECONDS, TurnRuns, gain_of, pair_seconds, pairs_in, run_in_turn
from .keeps import KeptChange, keep_of, replayed, standing
from .measure import HeadWatch

MOST_LINES = 3
"""Of a red guard's output."""


@dataclass(frozen=True)
class AppliedKeeps:
    """The commits that a branch got, oldest first, and what was measured there, in words."""

    commits: tuple[str, ...]
    gain: str
    runs: int
    guards: tuple[GuardResult, ...]


def apply(
    context: RepoContext, branch: str, numbers: Sequence[int], squash: bool, begins: Callable[[str], None]
) -> AppliedKeeps:
    """Put keeps on a branch, all that stand or those of some iterations, one commit each or one in all; a branch that is not
    there begins where the session did. `begins` hears what is measured, before that begins.

    Protected files and code are the branch's own while it is measured. Killed at any instant the branch has all of it or nothing.

    Raises:
        Refusal: with nothing changed, if the branch is checked out, a keep does not fit or is there already, verify gives no
            number there, a guard is red, or the branch is shown to be worse with it.
    """
    session, keeps = context.active, standing(context)
    chosen = [keep for keep in keeps if keep in [keep_of(keeps, number) for number in numbers]] if numbers else keeps
    tip = _tip(context, branch)
    onto = tip or session.start.base
    trees, unfit = replayed(context, onto, chosen)
    if unfit and not _is_there(context, onto, chosen):
        raise _unfit(branch, unfit, left_out=len(chosen) < len(keeps))
    before = [context.repo.tree(onto), *trees]
    steps = [(keep, tree) for keep, tree, old in zip(chosen, trees, before, strict=False) if tree != old]
    if unfit or not steps:
        raise Refusal(Code.REPEAT, f"There is nothing to apply: {branch} has all of it.")
    pairs = max(1, pairs_in(session, MOST_SECONDS))
    which, seconds = "; ".join(keep.words() for keep, _ in steps), pairs * pair_seconds(session)
    begins(
        f"Measuring {branch} with {which}: {count_of(2 * pairs, 'run')}, about {max(1, round(seconds))} s, then the guards."
    )
    gain, found, guards = _measured(context, branch, onto, steps[-1][1], pairs)
    there = f"On {branch}: {gain}, {len(found.candidate)} + {len(found.incumbent)} runs in turn."
    commits = _committed(context, onto, steps, squash, there)
    move_branch(context.repo, branch, commits[-1], tip, f"apply {len(steps)} kept changes")
    return AppliedKeeps(tuple(commits), gain, len(found.candidate) + len(found.incumbent), guards)


def _tip(context: RepoContext, branch: str) -> str:
    """Return where a branch stands that may be moved; empty where it can be made."""
    tip = branch_tip(context.repo, branch)
    if not tip:
        context.repo.check_new_branch(branch)
    elif place := checked_out_at(context.repo, branch):
        message = f"{branch} is checked out in {shown(place)}, where files would fall behind it. Nothing was changed. "
        raise Refusal(Code.BAD_NAME, message + "Name a new branch, and merge it there with `git merge`.")
    return tip


def _is_there(context: RepoContext, onto: str, chosen: Sequence[KeptChange]) -> bool:
    """Return whether a commit has what the keeps lead to together, though not one by one."""
    base = context.active.start.base
    trees, unfit = replayed(context, base, chosen)
    whole = None if unfit else merged(context.repo, base, trees[-1], onto)
    return whole is not None and not whole.entries


def _unfit(branch: str, unfit: Sequence[KeptChange], left_out: bool) -> Refusal:
    named = "; ".join(f"{keep.words()} ({', '.join(keep.row.files[:8])})" for keep in unfit)
    why = f"{branch} has other lines there{', or a keep that was left out is needed' if left_out else ''}"
    message = (
        f"These keeps do not fit: {named}; {why}. Nothing was changed. Leave them out with --keeps, or merge by hand."
    )
    return Refusal(Code.BAD_ARGUMENT, message)


def _measured(
    context: RepoContext, branch: str, onto: str, tree: str, pairs: int
) -> tuple[str, TurnRuns, tuple[GuardResult, ...]]:
    """Measure a branch as it is and as it would be, in turn, then run the guards on what it would be."""
    session = context.active
    trial = context.repo.commit_tree(tree, onto, f"What {branch} would be\n")
    commits, names = (
        {Arm.INCUMBENT: onto, Arm.CANDIDATE: trial},
        {Arm.INCUMBENT: branch, Arm.CANDIDATE: f"{branch} with it"},
    )
    found = run_in_turn(context, commits, names, pairs, session.last_iteration, sealed=onto)
    if found.problem:
        cure = f"Where {branch} lacks what verify needs, commit that there first, or name a new branch."
        raise Refusal(Code.BAD_ARGUMENT, f"{branch} could not be measured: {found.problem}. It stays as it was. {cure}")
    gain = gain_of(session, found)
    words = gain_words(session, gain)
    if _is_worse(gain):
        raise Refusal(Code.BAD_ARGUMENT, f"{branch} would be worse: {words}. It stays as it was.")
    watch = HeadWatch(context)
    guards = _guarded(context, trial, onto)
    if red := next((guard for guard in guards if not guard.passed), None):
        alone = [guard.guard for guard in _guarded(context, onto, onto) if not guard.passed]
        when = "already, without the keeps" if red.guard in alone else "with it"
        lines = "".join(f"\n  {line}" for line in failing_lines(red.tail, MOST_LINES))
        message = f"A guard fails on {branch} {when}: {red.guard}: {red.seen}. It stays as it was.{lines}"
        raise Refusal(Code.BAD_ARGUMENT, message)
    if moved := watch.brought_back():
        raise Refusal(Code.BAD_ARGUMENT, f"While it was measured: {moved[0]}. {branch} stays as it was.")
    return words, found, guards


def _guarded(context: RepoContext, commit: str, sealed: str) -> tuple[GuardResult, ...]:
    start = context.active.start
    spec = in_paired_checkout(context, commit, sealed, RunNumbers(context.active.last_iteration, seed=start.seed))
    return tuple(meter_of(context).guards(spec, start.guard_timeout_s, guard_baselines(start.guards)))


def _is_worse(gain: Gain) -> bool:
    change = gain.as_difference()  # its interval lies on the same side of 0 as that of a ratio
    return (change.value if change.low is None else change.low) > 0


def _committed(
    context: RepoContext, onto: str, steps: Sequence[tuple[KeptChange, str]], squash: bool, there: str
) -> list[str]:
    session, repo, commits = context.active, context.repo, [onto]
    if squash:
        messages = [squash_message(session, [keep.row for keep, _ in steps], there)]
        steps = steps[-1:]
    else:
        messages = [handover_message(session, keep.row) for keep, _ in steps]
    for (_, tree), message in zip(steps, messages, strict=True):
        made = repo.commit_tree(tree, commits[-1], message)
        repo.synchronise_commit(made, tree, repo.entries(commits[-1], tree))
        commits.append(made)
    return commits[1:]
