"""What comes after a leg, and when a leg is ended: decided by what the journal says, never by what an agent says of itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile

from ..lab.legs import Leg, LegEnding, Problem

BACK_OFF_S = (60.0, 300.0, 900.0)
"""Pauses after the first, second, and every further leg in a row that brought no iteration."""
MOST_FRUITLESS = 6
LIMIT_PAUSE_S = 1800.0
"""Pause after a usage limit of which the client does not say when it ends."""
MOST_LIMITS = 48
AFTER_RESET_S = 30.0
LAST_WORDS_S = 600.0
"""How long a leg may go on after the session has ended, for its final summary."""
OVERDUE_S = 900.0
"""How long an open iteration may go on after a budget of the run is spent."""


LASTING = frozenset({Problem.LOGIN, Problem.BILLING, Problem.MODEL, Problem.OLD})
"""What no later leg mends, only a person."""


@dataclass(frozen=True)
class RunLimits:
    """What a run may take; 0 = unbounded. `until` is in seconds since 1970, `patience_s` how long a leg may bring the session no
    further while nothing is measured."""

    until: float = 0.0
    iterations: int = 0
    cost: float = 0.0
    tokens: int = 0
    fresh_every: int = 0
    patience_s: float = 1200.0


@dataclass(frozen=True)
class Look:
    """What the journal says at a moment. `over` says that and why the session is; `open` whether an iteration is undecided, `at_work`
    whether a call is at work; `mark` changes with every step of the session, and before there is one with every call that writes.
    """

    session: str
    over: str
    iterations: int
    open: bool
    at_work: bool
    mark: str
    keeps: int = 0


@dataclass(frozen=True)
class Spent:
    """What a run has taken so far."""

    iterations: int
    cost: float
    tokens: int


@dataclass(frozen=True)
class Pause:
    """The next leg begins after so many seconds."""

    seconds: float
    why: str = ""


@dataclass(frozen=True)
class Halt:
    """There is no next leg. `done` tells whether that is what was asked for."""

    why: str
    done: bool


def budget_spent(limits: RunLimits, spent: Spent, now: float) -> str:
    """Return which budget of the run is spent, in words; empty while all last."""
    if limits.until and now >= limits.until:
        return "the hours of this run are over"
    if limits.iterations and spent.iterations >= limits.iterations:
        return f"{spent.iterations} of {limits.iterations} iterations are made"
    if limits.cost and spent.cost >= limits.cost:
        return f"${spent.cost:.2f} of ${limits.cost:.2f} are spent"
    if limits.tokens and spent.tokens >= limits.tokens:
        return f"{spent.tokens:,} of {limits.tokens:,} tokens are spent"
    return ""


def after_leg(legs: Sequence[Leg], over: str, limits: RunLimits, spent: Spent, now: float) -> Pause | Halt:
    """Decide what comes after the legs so far of a run."""
    if over:
        return Halt(f"{over}.", True)
    if said := budget_spent(limits, spent, now):
        return Halt(f"The run has ended: {said}.", True)
    if not legs:
        return Pause(0.0)
    last, barren = legs[-1], list(takewhile(lambda leg: leg.fruitless, reversed(legs)))
    if not last.fruitless:
        return Pause(max(0.0, last.reset + AFTER_RESET_S - now), "usage limit") if last.reset > now else Pause(0.0)
    if last.problem in LASTING:
        return Halt(f"The agent cannot go on: {last.problem}.", False)
    if last.problem is Problem.LIMIT:
        return _after_limit(last, len(barren), limits, now)
    counted = [leg for leg in barren if leg.problem is not Problem.LIMIT]
    if len(counted) >= MOST_FRUITLESS:
        return Halt(f"{len(counted)} legs in a row brought no iteration.", False)
    wait = last.ended + BACK_OFF_S[min(len(counted), len(BACK_OFF_S)) - 1] - now
    return Pause(max(0.0, wait), "the last leg brought no iteration")


def whose_turn(
    agents: Sequence[str], legs: Sequence[Leg], over: str, limits: RunLimits, spent: Spent, now: float
) -> tuple[int, Pause] | Halt:
    """Return the place of the agent that makes the next leg, and when: of those that may begin soonest the one whose last leg is
    longest ago. One that cannot go on is left out; when none can, that ends the run.
    """
    decided = [after_leg([leg for leg in legs if leg.agent == one], over, limits, spent, now) for one in agents]
    newest = {leg.agent: number for number, leg in enumerate(legs)}
    able = [
        (pause.seconds, newest.get(agents[place], -1), place)
        for place, pause in enumerate(decided)
        if isinstance(pause, Pause)
    ]
    if able:
        seconds, _, place = min(able)
        return place, Pause(seconds, getattr(decided[place], "why", ""))
    return next(one for one in decided if isinstance(one, Halt))


def _after_limit(last: Leg, barren: int, limits: RunLimits, now: float) -> Pause | Halt:
    if barren >= MOST_LIMITS:
        return Halt(f"{barren} legs in a row met a usage limit.", False)
    ends = max(last.reset, last.ended) + AFTER_RESET_S if last.reset else last.ended + LIMIT_PAUSE_S
    wait = max(0.0, ends - now)
    if limits.until and now + wait >= limits.until:
        return Halt("The usage limit lasts longer than the hours of this run.", False)
    return Pause(wait, "usage limit")


class LegWatch:
    """Says when a leg that began with a look is to end."""

    def __init__(self, first: Look, limits: RunLimits, now: float) -> None:
        self._first, self._limits = first, limits
        self._mark, self._moved = first.mark, now
        self._over_since, self._over_at = 0.0, 0
        """When the session or a budget was first seen to be over, and after how many iterations."""

    def why_end(self, seen: Look, spent: Spent, now: float) -> LegEnding | None:
        """Return why the leg is to end now; None while it goes on.

        The iteration that is open when a budget is spent, or when a new context is due, is waited for, and none that was begun after
        it: a quick agent would always have one.
        """
        if seen.mark != self._mark or seen.at_work:
            self._mark, self._moved = seen.mark, now
        over = budget_spent(self._limits, spent, now)
        if (over or seen.over) and not self._over_since:
            self._over_since, self._over_at = now, seen.iterations
        patience, still = self._limits.patience_s, now - self._moved
        if over and not seen.over and seen.iterations > self._over_at:
            return LegEnding.BUDGET
        left = self._limits.fresh_every - (seen.iterations - self._first.iterations) if self._limits.fresh_every else 1
        if left < 0 and not seen.over:
            return LegEnding.FRESH
        if seen.at_work:
            return None
        if seen.over:
            quiet = min(still, now - self._over_since)
            return LegEnding.OVER if quiet >= min(LAST_WORDS_S, patience) else None
        if over and (not seen.open or now - self._over_since >= OVERDUE_S):
            return LegEnding.BUDGET
        if left <= 0 and not seen.open:
            return LegEnding.FRESH
        return LegEnding.HUNG if still >= patience else None
