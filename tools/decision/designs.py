"""Two-level designs: which combinations of knobs are run, and what their numbers say of each knob; and successive halving.

Sources: full and half factorials, G. E. P. Box and J. S. Hunter 1961; screening, R. L. Plackett and J. P. Burman 1946, folded over
(Box and K. B. Wilson 1951), so that no pair of knobs passes for a single one. The rows of Plackett and Burman are short enough to
stand here: pyDOE3 makes the same with numpy and scipy, neither of which a server has. The intervals hold all at once: Student's t at the
level of Z. Šidák 1967 over all effects, which for orthogonal designs is on the safe side.

Successive halving is that of K. Jamieson and A. Talwalkar 2016, a third going on. Optuna's pruner of that name decides each trial when it
reports, against those that did before: the first to report goes on whatever it is, so lanes that end in another order choose
others. It also brings SQLAlchemy, Alembic and numpy. A rung that is waited for needs one line of sorting.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations, product

from .scatter import squares

MOST_CROSSED = 6
"""Knobs of a factorial, all pairs of which can be told apart in 32 runs."""
MOST_SCREENED = 24
ENOUGH_RUNS = 24
"""Runs of a noisy metric below which a design is repeated."""
ERROR_RATE = 0.05
KEPT = 3
"""One of so many goes on to the next rung, and gets so many times the budget."""

Row = tuple[int, ...]
"""The level of each knob in a run: 1 on, -1 off."""


class Method(StrEnum):
    """How a design tells knobs apart."""

    FACTORIAL = "factorial"
    SCREENING = "screening"
    HALVING = "halving"


_FIRST_ROWS = {
    8: "+++-+--",
    12: "++-+++---+-",
    16: "++++-+-++--+---",
    20: "++--++++-+-+----++-",
    24: "+++++-+-++--++--+-+----",
}
"""Plackett and Burman's: the others are shifted, and the last is all off."""


def usual(knobs: int) -> Method:
    """Return the method for so many knobs."""
    return Method.FACTORIAL if knobs <= MOST_CROSSED else Method.SCREENING


def rows(method: Method, knobs: int) -> list[Row]:
    """Return the runs of a design, once each; one of them has every knob off."""
    if method is Method.FACTORIAL:
        whole = list(product((-1, 1), repeat=min(knobs, MOST_CROSSED - 1)))
        return [(*row, math.prod(row)) for row in whole] if knobs == MOST_CROSSED else whole
    size = min(size for size in _FIRST_ROWS if size >= knobs)
    first = [1 if sign == "+" else -1 for sign in _FIRST_ROWS[size]]
    cyclic = [[*first[-shift:], *first[:-shift]] for shift in range(1, size)]
    half = [
        (-1, *row) for row in [*cyclic, [-1] * (size - 1)]
    ]  # folded over, the column of equal signs tells of a knob too
    return [tuple(sign * level for level in row[:knobs]) for row in half for sign in (1, -1)]


def repeats_for(runs: int, noisy: bool, asked: int = 0) -> int:
    """Return how often each run of a design is made, as often as is asked for if that leaves anything to tell chance by."""
    least = 2 if runs == 4 else 1
    return max(least, asked or math.ceil(ENOUGH_RUNS / runs)) if noisy else 1


@dataclass(frozen=True)
class KnobEffect:
    """What a knob changes in the metric, on average over the other knobs; or what a pair adds to the sum of both, where both are on.
    The truth lies within `margin` of the size, of all effects at once in 95 of 100 designs.
    """

    knobs: tuple[int, ...]
    size: float
    margin: float

    @property
    def stands_out(self) -> bool:
        """Whether it is more than what chance makes."""
        return abs(self.size) > self.margin


@dataclass(frozen=True)
class Fit:
    """What a design found: its mean level and all effects. Without `pairs` it could tell single knobs alone."""

    level: float
    effects: tuple[KnobEffect, ...]
    pairs: bool

    def predicted(self, on: Sequence[int]) -> float:
        """Return the level with some knobs on, by the effects that stand out and the single ones of knobs in such pairs."""
        paired = {knob for effect in self._outstanding for knob in effect.knobs}
        told = [e for e in self.effects if e.stands_out or (len(e.knobs) == 1 and e.knobs[0] in paired)]
        signs = [math.prod(1 if knob in on else -1 for knob in effect.knobs) for effect in told]
        return self.level + math.fsum(
            sign * effect.size / 2 ** len(effect.knobs) for sign, effect in zip(signs, told, strict=True)
        )

    def best(self, sign: int) -> tuple[int, ...]:
        """Return the knobs that should be on; `sign` is 1 where lower is better, else -1. Of what chance alone may make better it is
        the fewest.
        """
        if not self.pairs:
            return tuple(effect.knobs[0] for effect in self._outstanding if sign * effect.size < 0)
        named = sorted({knob for effect in self._outstanding for knob in effect.knobs})
        levels = {on: sign * self.predicted(on) for size in range(len(named) + 1) for on in combinations(named, size)}
        enough = min(levels.values()) + self.effects[0].margin
        return min((on for on in levels if levels[on] <= enough), key=lambda on: (len(on), levels[on]))

    @property
    def _outstanding(self) -> list[KnobEffect]:
        return [effect for effect in self.effects if effect.stands_out]


def fitted(runs: Sequence[tuple[Row, int, float]], noisy: bool, pairs: bool) -> Fit:
    """Fit all runs of a design, each with its levels, which repeat it belongs to, and its number: the columns are orthogonal, and
    repeats may differ in level. A metric that repeats has no chance in it, so its margins are those of arithmetic.
    """
    size, knobs = len(runs), range(len(runs[0][0]))
    terms = [*((knob,) for knob in knobs), *(combinations(knobs, 2) if pairs else ())]
    halves = [math.fsum(math.prod(row[k] for k in term) * value for row, _, value in runs) / size for term in terms]
    margin = 1e-9 * max(abs(value) for _, _, value in runs)
    if noisy:
        repeats = [[value for _, own, value in runs if own == repeat] for repeat in {own for _, own, _ in runs}]
        rest = math.fsum(squares(values) for values in repeats) - size * math.fsum(half * half for half in halves)
        freedom = size - len(repeats) - len(terms)
        chance = 1 - (1 - (1 - ERROR_RATE) ** (1 / len(terms))) / 2
        margin = max(margin, student(chance, freedom) * math.sqrt(max(0.0, rest) / freedom / size))
    effects = tuple(
        KnobEffect(term, 2 ** len(term) * half, 2 ** len(term) * margin)
        for term, half in zip(terms, halves, strict=True)
    )
    return Fit(statistics.fmean(value for _, _, value in runs), effects, pairs)


def student(chance: float, freedom: float) -> float:
    """Return the value that Student's t stays below with this chance (the inverse of D. L. Wallace 1959)."""
    z = statistics.NormalDist().inv_cdf(chance) * (8 * freedom + 3) / (8 * freedom + 1)
    return math.sqrt(freedom * math.expm1(z * z / freedom))


def rungs(candidates: int) -> list[float]:
    """Return the shares of the full budget at which so many candidates are run, until one is left."""
    count = max(1, math.ceil(math.log(candidates) / math.log(KEPT) - 1e-9))
    return [float(KEPT) ** -rung for rung in range(count, 0, -1)]


def halving_runs(candidates: int) -> float:
    """Return how many runs at the full budget the rungs of so many candidates cost together."""
    return math.fsum(math.ceil(candidates / KEPT**place) * share for place, share in enumerate(rungs(candidates)))


def going_on(values: Mapping[int, float | None], sign: int) -> tuple[int, ...]:
    """Return the third that goes on to the next rung, the best first; none without a number does."""
    there = {one: sign * value for one, value in values.items() if value is not None}
    return tuple(sorted(there, key=lambda one: there[one])[: math.ceil(len(values) / KEPT)])
