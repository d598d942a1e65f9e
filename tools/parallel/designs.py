"""Designs: candidates are knobs, whose combinations are run off every checkout of the user's; and halving, which runs them shortened.

Nothing is kept by a design. What it finds best is handed in, and judged as any other candidate, by fresh runs at the full bar.
"""

from __future__ import annotations

import os
import re
import secrets
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from itertools import combinations

from ..decision.designs import (
    MOST_CROSSED,
    MOST_SCREENED,
    Fit,
    Method,
    fitted,
    going_on,
    halving_runs,
    repeats_for,
    rows,
    rungs,
    usual,
)
from ..errors import Code, Refusal
from ..git.merging import conflicting, patch_of, stacked
from ..git.repo import shown
from ..iteration.commit import described
from ..lab.context import RepoContext
from ..plan.model import Plan
from ..project.harness import SPEC_FILE, trains
from ..session.commits import fingerprints
from ..session.events import Designed
from ..session.state import Session
from .board import Board, Design, board_held, board_of, post
from .events import DesignBegun, DesignEnded, DesignPoint, PointsAdded, Submitted
from .executor import VARIABLE, setting
from .screening import Lane, is_spent, workers
from .submitting import candidate_ref, has_room
from .workspaces import kept_commit

INDEX = "autoresearch-design-index"
MOST_NAMED = 6
_HARNESS_BUDGET = re.compile(r'^budget *= *"(\d+) (\w+)"', re.MULTILINE)


@dataclass
class Combined:
    """Trees of a commit with candidates' changes on top; each is made once."""

    context: RepoContext
    base: str
    knobs: dict[int, Submitted]
    _known: dict[tuple[int, ...], str | None] = field(default_factory=dict)
    _patches: dict[int, bytes] = field(default_factory=dict)

    def tree(self, on: tuple[int, ...]) -> str | None:
        """Return the tree with some candidates; None where they do not fit."""
        if on not in self._known:
            patches = [self._patch(knob) for knob in on]
            files = [file for knob in on for file in self.knobs[knob].files]
            if len(set(files)) == len(files):  # none has to wait for another: one process in place of many
                patches = [b"".join(patches)]
            self._known[on] = stacked(self.context.repo, patches, self.base, INDEX)
        return self._known[on]

    def _patch(self, knob: int) -> bytes:
        if knob not in self._patches:
            one = self.knobs[knob]
            self._patches[knob] = patch_of(self.context.repo, one.base, one.commit)
        return self._patches[knob]

    def commit(self, on: tuple[int, ...]) -> str:
        """Return a commit with some candidates.

        Raises:
            Refusal: naming those that do not fit the best, or one another.
        """
        if (tree := self.tree(on)) is None:
            raise Refusal(
                Code.BAD_ARGUMENT, f"{'; '.join(self._conflicts(on))}. Hand them in as one knob, or leave one out."
            )
        return self.context.repo.commit_tree(tree, self.base, f"design: {names_of(on)}\n") if on else self.base

    def _conflicts(self, on: tuple[int, ...]) -> Iterator[str]:
        alone = [(knob,) for knob in self.knobs if self.tree((knob,)) is None]
        together = [pair for pair in combinations(self.knobs, 2) if self.tree(pair) is None]
        for group in alone or together or [on]:
            self._known.pop(group)
            self.tree(group)  # once more, for the paths
            files = ", ".join(conflicting(self.context.repo, INDEX)[:MOST_NAMED]) or "the same lines"
            names = " and ".join(f"c{knob}" for knob in group)
            yield f"{names} {'conflict' if len(group) > 1 else 'does not fit the newest best'} in {files}"


def begin(context: RepoContext, names: Sequence[str], method: Method | None, repeats: int) -> Design:
    """Begin a design of some candidates on the newest best, with everything that can be refused refused now.

    Raises:
        Refusal: if runs are made on other machines or another one goes on, a candidate is unknown or changes nothing, some conflict, there are too few or too many,
            or the plan's budget has no time for it.
    """
    session = context.active
    if setting(os.environ):
        message = f"A design runs where the server is, and {VARIABLE} sends runs to other machines, which may be unlike one another."
        raise Refusal(
            Code.BAD_ARGUMENT, f"{message} Hand each change in by submit, or use a server without {VARIABLE}."
        )
    with board_held(context) as board:
        if board.design:
            raise Refusal(Code.BUSY, f"Design {board.design.begun.name} goes on. Call wait, or cancel it.")
        knobs = _knobs(board, names, method)
        method = method or usual(len(knobs))
        base = kept_commit(context, session.incumbent_iteration)
        combined = Combined(context, base, knobs)
        if idle := [f"c{knob}" for knob in knobs if combined.tree((knob,)) == context.repo.tree(base)]:
            raise Refusal(Code.BAD_ARGUMENT, f"{', '.join(idle)}: the best of today has that already. Leave it out.")
        number = 1 + max(board.designs, default=0)
        if method is Method.HALVING:
            added = _rung(context, board, number, combined, rungs(len(knobs))[0])
            _refuse_beyond(session, context.now(), halving_runs(len(knobs)))
        else:
            table = rows(method, len(knobs))
            times = repeats_for(len(table), session.noisy, repeats)
            _refuse_beyond(session, context.now(), len(table) * times)
            ons = [tuple(k for k, level in zip(knobs, row, strict=True) if level > 0) for row in table]
            added = PointsAdded(design=number, points=_points(context, board, combined, ons, times))
        iteration = session.incumbent_iteration
        begun = DesignBegun(design=number, method=method, base=base, incumbent=iteration, knobs=tuple(knobs))
        post(context, begun, added)
        return board_of(context).designs[number]


def go_on(context: RepoContext) -> bool:
    """Add the next rung of a halving whose last one has run; tells whether the design is to be concluded: it has all its runs, or the
    plan's budget has none left.
    """
    board = board_of(context)
    if (design := board.design) is None:
        return False
    if not _has_run(board, design):
        return is_spent(board, context.active)
    left, shares = _left(context, design), rungs(len(design.begun.knobs))[len(design.added) :]
    if design.begun.method is not Method.HALVING or len(left) <= 1 or not shares:
        return True
    with board_held(context) as board:
        if board.design == design:
            combined = Combined(context, design.begun.base, {knob: board.candidates[knob] for knob in left})
            post(context, _rung(context, board, design.begun.design, combined, shares[0]))
    return False


def conclude(context: RepoContext) -> None:
    """Hand in what a design found best, and close it; its runs count to the session's measuring."""
    with board_held(context) as board:
        if (design := board.design) is None or not (_has_run(board, design) or is_spent(board, context.active)):
            return
        number, made = design.begun.design, context.journal.of_kind(context.active.id, "designed")
        if not any(isinstance(one, Designed) and one.design == number for one in made):
            ran = board.seconds_of(design)
            context.record(Designed(design=number, seconds=sum(ran), runs=len(ran)))
        on, why = _found(context, board, design)
        if on and not has_room(context.active, board):
            on, why = (), "the budget of iterations has no room for the best combination"
        one = [_handed_in(context, board, design, on)] if on else []
        post(context, *one, DesignEnded(design=number, candidate=one[0].candidate if one else 0, why=why))


def withdraw_design(context: RepoContext, name: str) -> None:
    """Take the design that goes on back, and end its runs in lanes.

    Raises:
        Refusal: if none of this name goes on.
    """
    with board_held(context) as board:
        if (design := board.design) is None or design.begun.name != name:
            raise Refusal(Code.BAD_ARGUMENT, f"No design {name} goes on. Call status to see what does.")
        post(context, DesignEnded(design=design.begun.design, why="it was withdrawn"))
    for taken in [board.lanes[one] for one in design.subjects if one in board.lanes and one not in board.runs]:
        Lane(context, taken.lane).end()


def _knobs(board: Board, names: Sequence[str], method: Method | None) -> dict[int, Submitted]:
    known = {one.name: one for one in board.candidates.values()}
    waiting = ", ".join(one.name for one in board.knobs) or "none"
    if unknown := [name for name in names if name not in known]:
        message = f"No candidate is called {', '.join(unknown)}. Hand each change in with submit and knob = true; waiting: {waiting}."
        raise Refusal(Code.BAD_ARGUMENT, message)
    most = MOST_CROSSED if method is Method.FACTORIAL else MOST_SCREENED
    if not 2 <= len(set(names)) <= most:
        raise Refusal(Code.BAD_ARGUMENT, f"2 to {most} different knobs can be told apart so, not {len(set(names))}.")
    return {known[name].candidate: known[name] for name in names}


def _refuse_beyond(session: Session, now: float, runs: float) -> None:
    """Refuse what the plan's budgets have no time for, by the baseline's duration."""
    seconds, plan = runs * statistics.fmean(run.seconds for run in session.start.baseline), session.plan
    budgets = (
        ("minutes", plan.minutes, now - session.started_at, seconds / workers(session)),
        ("device_minutes", plan.device_minutes, session.measured_seconds, seconds),
    )
    for name, whole, spent, taken in budgets:
        if whole and taken > 60 * whole - spent:
            message = f"The runs take about {taken / 60:.1f} minutes, and `{name}` leaves {whole - spent / 60:.1f}."
            raise Refusal(Code.BAD_ARGUMENT, f"{message} Take fewer knobs, `screening`, or `repeats` = 1.")


def _points(
    context: RepoContext, board: Board, combined: Combined, ons: Sequence[tuple[int, ...]], times: int
) -> tuple[DesignPoint, ...]:
    """Make the commits of combinations, held by refs; in each repeat they are run in an order of its own, so that no knob is tried
    while the machine is at its best.
    """
    session, commits = context.active, {on: combined.commit(on) for on in ons}
    points, number = [], board.next_number
    for repeat in range(times):
        for on in secrets.SystemRandom().sample(ons, len(ons)):
            seed = secrets.randbelow(2**31) if session.seeds_vary else session.start.seed
            points.append(DesignPoint(number=number, on=on, commit=commits[on], seed=seed, repeat=repeat))
            number += 1
    refs = "".join(f"update {candidate_ref(session.id, point.number)} {point.commit}\n" for point in points)
    context.repo.git.run("update-ref", "--stdin", stdin=refs.encode())
    return tuple(points)


def _rung(context: RepoContext, board: Board, design: int, combined: Combined, share: float) -> PointsAdded:
    """Run those that are left at a share of the full budget, all with one seed."""
    budget, verify = _shortened(context, context.active.plan, share)
    points = _points(context, board, combined, [(knob,) for knob in combined.knobs], 1)
    same = tuple(point.model_copy(update={"seed": points[0].seed}) for point in points)
    return PointsAdded(design=design, points=same, verify=verify, budget=budget)


def _shortened(context: RepoContext, plan: Plan, share: float) -> tuple[str, str]:
    """Return a share of a run's budget in words, and the command of such a run.

    Raises:
        Refusal: if nothing says how a run is shortened.
    """
    if plan.run_budget:
        ((name, value),) = plan.budget_variable.items()
        budget = f"{name}={max(1, round(int(value) * share))}"
        return budget, f"export {budget}; {plan.verify}"
    spec = context.repo.content(context.active.start.base, SPEC_FILE) if trains(plan) else None
    if spec and (found := _HARNESS_BUDGET.search(spec.decode())):
        budget = f"{max(1, round(int(found[1]) * share))} {found[2]}"
        return budget, f"{plan.verify} --budget '{budget}'"
    message = "Nothing in the plan says how a run is shortened. Start a session whose plan has `run_budget`, e.g. `STEPS=3000`"
    raise Refusal(Code.BAD_PLAN, f"{message}; or leave `method` out.")


def _has_run(board: Board, design: Design) -> bool:
    return all(subject in board.runs for subject in design.subjects)


def value_of(board: Board, design: Design, point: DesignPoint) -> float | None:
    """Return the number of a run; None where it gave none, or none that counts."""
    ran = board.runs.get((point.number, design.begun.incumbent, ""))
    run = ran.measurement if ran else None
    return run.value if run and run.failure is None and not run.tampered else None


def _left(context: RepoContext, design: Design) -> tuple[int, ...]:
    """Return who goes on after the last rung, the best first."""
    board = board_of(context)
    values = {point.on[0]: value_of(board, design, point) for point in design.added[-1].points if point.on}
    return going_on(values, int(context.active.plan.signed(1.0)))


def fit_of(context: RepoContext, board: Board, design: Design) -> Fit | None:
    """Return what the runs of a design say; None where one of them gave no number."""
    found = [(point, value_of(board, design, point)) for point in design.added[0].points]
    runs = [
        (tuple(1 if knob in point.on else -1 for knob in design.begun.knobs), point.repeat, value)
        for point, value in found
        if value is not None
    ]
    if len(runs) < len(found):
        return None
    return fitted(runs, context.active.noisy, pairs=design.begun.method is Method.FACTORIAL)


def _found(context: RepoContext, board: Board, design: Design) -> tuple[tuple[int, ...], str]:
    """Return the combination that a design found best, or why there is none."""
    if not _has_run(board, design):
        return (), "`device_minutes` has no time left for its other runs"
    if design.begun.method is Method.HALVING:
        left = _left(context, design)[:1]
        return left, "" if left else "no run of the last rung gave a number"
    if (fit := fit_of(context, board, design)) is None:
        return (), "a run gave no number, and the others are too few without it"
    on = tuple(design.begun.knobs[place] for place in fit.best(int(context.active.plan.signed(1.0))))
    if on and Combined(context, design.begun.base, {k: board.candidates[k] for k in on}).tree(on) is None:
        return (), f"{names_of(on)} would be best, and do not fit together"
    return on, "" if on else "no combination is better than none of them"


def _handed_in(context: RepoContext, board: Board, design: Design, on: tuple[int, ...]) -> Submitted:
    """Make a candidate of some knobs together."""
    knobs, begun, repo = {knob: board.candidates[knob] for knob in on}, design.begun, context.repo
    commit, number = Combined(context, begun.base, knobs).commit(on), board.next_number
    change, stat = fingerprints(repo.diff(begun.base, commit)), repo.diffstat(begun.base, commit)
    repo.git.run("update-ref", candidate_ref(context.active.id, number), commit)
    words = f"{names_of(on)} of {begun.name}: {'; '.join(one.description for one in knobs.values())}"
    named = {"candidate": number, "knob": False, "workspace": f"design {begun.name}", "description": described(words)}
    placed = {"base": begun.base, "incumbent": begun.incumbent, "commit": commit, "tree": repo.tree(commit)}
    size = {"files": tuple(map(shown, stat.files)), "added": stat.added, "removed": stat.removed}
    return knobs[on[0]].model_copy(update={**named, **placed, **size, **asdict(change)})


def names_of(knobs: Sequence[int]) -> str:
    """Name some knobs together."""
    return " + ".join(f"c{knob}" for knob in knobs)
