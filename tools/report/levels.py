"""Where tries stand in a picture: on and around the line that the keeps' claims lead from the baseline, whatever the machine did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..decision.decide import Status
from ..decision.headline import moved
from ..plan.model import Plan
from ..session.short_rows import RowLike, claim_it_ends


@dataclass(frozen=True)
class Levels:
    """A value for each row, None without a metric; and the line, as iterations at which it changes."""

    values: tuple[float | None, ...]
    steps: tuple[tuple[int, float], ...]


def levels_of(plan: Plan, rows: Sequence[RowLike]) -> Levels:
    """Place the rows of a session: the baseline and the keeps on the line, every other try as far from it as it was from the
    incumbent of its time, as a ratio where both have one sign. So drift of the machine shows neither as gain nor as loss.
    """
    values: list[float | None] = []
    steps: list[tuple[int, float]] = []
    claims: dict[int, tuple[bool, float]] = {}
    start = level = 0.0
    for row in rows:
        if row.metric is None:
            values.append(None)
            continue
        if row.status is Status.BASELINE:
            start = level = plan.signed(row.metric)
        elif row.status.kept:
            level = _kept(row, claims, start, level)
        else:
            values.append(_beside(row.metric, row.delta, plan.signed(level)))
            continue
        values.append(plan.signed(level))
        if not steps or steps[-1][1] != plan.signed(level):
            steps.append((row.iteration, plan.signed(level)))
    return Levels(tuple(values), tuple(steps))


def _kept(row: RowLike, claims: dict[int, tuple[bool, float]], start: float, level: float) -> float:
    """Return the level after a keep; one that turns an earlier one round takes its claim out."""
    if claims.pop(claim_it_ends(row, next(reversed(claims), 0)), None) is not None:
        for relative, gain in claims.values():
            start = moved(start, relative, gain)
        return start
    relative, gain = (row.claim.relative, row.claim.gain) if row.claim else (False, row.gain or 0.0)
    claims[row.iteration] = relative, gain
    return moved(level, relative, gain)


def _beside(metric: float, delta: float | None, level: float) -> float:
    if delta is None:
        return metric
    incumbent = metric - delta
    if incumbent == level:
        return metric
    same = incumbent * level > 0 and metric * level > 0
    return metric / incumbent * level if same else level + delta
