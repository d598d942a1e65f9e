"""What is said of a design: how far it is, and what it found."""

from __future__ import annotations

from ..decision.designs import KnobEffect, Method
from ..decision.gain import rounded
from ..lab.context import RepoContext
from ..plan.model import Plan
from ..session.results import number
from .board import Board, Design, board_of
from .designs import fit_of, names_of, value_of
from .events import DesignPoint, PointsAdded


def knob_lines(context: RepoContext) -> list[str]:
    """Name the candidates that wait for a design."""
    return [f"Knob {one.name}, for design: {one.description[:80]}" for one in board_of(context).knobs]


def last_design(context: RepoContext) -> Design | None:
    """Return the design that goes on, else the last one; None before the first."""
    return next(iter([*board_of(context).designs.values()][::-1]), None)


def design_lines(context: RepoContext, design: Design) -> list[str]:
    """Say how a design stands; of one that has run, what it found of each knob."""
    board, begun = board_of(context), design.begun
    subjects = design.subjects
    done = sum(subject in board.runs for subject in subjects)
    at = f"the best of iteration {begun.incumbent}" if begun.incumbent else "the baseline"
    head = f"Design {begun.name}, {begun.method} of {len(begun.knobs)} knobs on {at}: {done} of {len(subjects)} runs."
    if begun.method is Method.HALVING:
        lines = [line for rung in design.added for line in _rung_lines(board, design, rung)]
    else:
        lines = _effect_lines(context, board, design) if done == len(subjects) else []
    return [head, *lines, *_end_lines(board, design)]


def _end_lines(board: Board, design: Design) -> list[str]:
    if design.ended is None:
        return []
    if not design.ended.candidate:
        return [f"Nothing was handed in: {design.ended.why}."]
    one = board.candidates[design.ended.candidate]
    return [
        f"Nothing is kept by this: {one.name} ({one.description.partition(': ')[0]}) was handed in, and is measured as any candidate."
    ]


def _effect_lines(context: RepoContext, board: Board, design: Design) -> list[str]:
    fit, plan, noisy = fit_of(context, board, design), context.active.plan, context.active.noisy
    if fit is None:
        silent = [point for point in design.added[0].points if value_of(board, design, point) is None]
        return [f"No number from {names_of(point.on) or 'none'}: {_why(board, design, point)}" for point in silent]
    margin = fit.effects[0].margin if noisy else None
    sure = "all intervals hold the truth in 95 of 100 designs" if noisy else "exactly, for the metric repeats"
    lines = [
        f"{plan.metric}, {plan.better} is better; {number(rounded(fit.level, margin))} on average. Each knob, {sure}:"
    ]
    for effect in fit.effects:
        ones = [board.candidates[design.begun.knobs[place]] for place in effect.knobs]
        told = f"{' with '.join(one.name for one in ones)} {_verdict(effect, plan)} {_size(effect, noisy)}"
        if len(ones) == 1:
            lines.append(f"{told}: {ones[0].description[:60]}")
        elif effect.stands_out:
            lines.append(f"{told} beyond the sum of both")
    pairs = [effect for effect in fit.effects if len(effect.knobs) == 2]
    if others := sum(not effect.stands_out for effect in pairs):
        lines.append(f"{others} of {len(pairs)} pairs show nothing beyond the sum of both.")
    if not fit.pairs:
        lines.append("Pairs are not told apart: a factorial of those that stand out does that.")
    return lines


def _verdict(effect: KnobEffect, plan: Plan) -> str:
    if not effect.stands_out:
        return "shows nothing"
    return "helps" if plan.signed(effect.size) < 0 else "hurts"


def _size(effect: KnobEffect, noisy: bool) -> str:
    if not noisy:
        return f"{effect.size if effect.stands_out else 0:+.6g}"
    low, middle, high = (rounded(effect.size + side * effect.margin, effect.margin) for side in (-1, 0, 1))
    return f"{middle:+.6g} ({low:+.6g} to {high:+.6g})"


def _rung_lines(board: Board, design: Design, rung: PointsAdded) -> list[str]:
    values = {point.on[0]: value_of(board, design, point) for point in rung.points}
    told = [f"c{knob} {number(value)}" for knob, value in sorted(values.items()) if value is not None]
    return [f"At {rung.budget}: {', '.join(told) or 'no number yet'}."]


def _why(board: Board, design: Design, point: DesignPoint) -> str:
    ran = board.runs[point.number, design.begun.incumbent, ""]
    return (ran.problem or (ran.measurement.problem if ran.measurement else "") or "it was tampered with")[:120]
