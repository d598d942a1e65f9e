"""The words of a decision under noise: whose run comes next, what the runs have shown, and what every rule can do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from .gain import Gain


class Arm(StrEnum):
    """Whose code a run measures."""

    CANDIDATE = "candidate"
    INCUMBENT = "incumbent"


class Step(StrEnum):
    """What a rule asks for next, or what it has found."""

    CANDIDATE = "run the candidate"
    INCUMBENT = "run the incumbent"
    BETTER = "better"
    SIMPLER = "not worse and simpler"
    NOT_BETTER = "not better"
    INCONCLUSIVE = "inconclusive"

    @property
    def decided(self) -> bool:
        """Whether no more runs are needed."""
        return self not in {Step.CANDIDATE, Step.INCUMBENT}


@dataclass(frozen=True)
class Finding:
    """What the runs so far say. `gain` and its 90 % interval are in the metric's unit, positive is better.

    `evidence` is in standard errors, of which `needed` make a keep; both are None for a rule without error control.
    `claim` is what a keep may add to the gain of the session, shrunk against the luck that selected it; None before the first run. `seed` is the one that the next
    run needs; None for a fresh one.
    """

    step: Step
    why: str
    gain: float = 0.0
    low: float | None = None
    high: float | None = None
    evidence: float | None = None
    needed: float | None = None
    claim: Gain | None = None
    seed: int | None = None


@dataclass(frozen=True)
class Threshold:
    """What one proposal has to show. `smallest` is the least gain worth keeping, in the metric's unit.

    `simpler` says that the change removes code and that the plan rewards it, or that it takes a keep out. Of a noisy metric
    both arms run at least so many times as `runs`: where the change may stay although it is worse, so that it is known by
    how much.
    """

    smallest: float = 0.0
    simpler: bool = False
    runs: int = 0


NO_THRESHOLD = Threshold()
UNMEASURED = Finding(Step.CANDIDATE, "Nothing was measured yet.")


class Judge(Protocol):
    """A rule of decision and all that it has learnt: frozen, every step gives a new one. Lower values are better.

    A proposal is opened, sees runs until the finding is decided, and is closed as kept or not.
    """

    @property
    def level(self) -> float:
        """The best estimate of what the incumbent gives now."""
        ...

    @property
    def doubt(self) -> float:
        """Standard error of the level."""
        ...

    @property
    def spread(self) -> float:
        """Standard deviation of one run, 0 for a metric that repeats exactly."""
        ...

    def open(self, threshold: Threshold) -> Judge:
        """Begin a new proposal, or a new attempt at the same one."""
        ...

    def see(self, arm: Arm, value: float, seed: int = 0, moved: bool = False) -> Judge:
        """Take in one more run, on a seed; `moved` says that the machine itself is known to have changed."""
        ...

    def finding(self) -> Finding:
        """Return what the runs so far say."""
        ...

    def close(self, kept: bool) -> Judge:
        """End the proposal as kept or not."""
        ...


def ahead_words(gain: float) -> str:
    """Say a gain and its side, without more digits than a person compares."""
    return f"{abs(gain):.3g} {'better' if gain >= 0 else 'worse'}"


def count_runs(count: int) -> str:
    """Say a number of runs."""
    return "1 run" if count == 1 else f"{count} runs"


def percent(share: float) -> str:
    """Say a share in percent, with two digits where it is small."""
    return f"{100 * share:.2g} %" if share < 0.1 else f"{100 * share:.0f} %"
