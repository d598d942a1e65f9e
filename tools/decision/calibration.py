"""The baseline: does the metric repeat, how much does it scatter, and which rule decides from there."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from enum import StrEnum

from ..plan.model import Effort, Plan
from .exact import Exact, Median
from .judging import Judge, percent
from .race import RESTLESS, Race, race_from
from .seeded import Seeded, seeded_from
from .stakes import confidence_for, stakes_for

NOISY_RUNS = 6
"""Runs of a noisy baseline; the first only tells that there is noise, because it is the coldest."""
FEW_RUNS = 3
EQUAL_RUNS = 5
"""Equal runs that show a metric of few digits to repeat; three are enough where there are many digits."""
TELLING_DIGITS = 5


class Nature(StrEnum):
    """How a metric behaves when the same code is measured again."""

    ASSUMED = "assumed exact"
    EXACT = "deterministic"
    SEEDED = "exact for a seed"
    NOISY = "noisy"


def nature(values: Sequence[float]) -> Nature:
    """Tell the nature of a metric from the baseline's runs. The first two have the same seed, every later one its own."""
    if len(values) < 2:
        return Nature.ASSUMED
    if len(set(values)) == 1:
        return Nature.EXACT
    told = len(values) > 2 and values[0] == values[1] and max(map(digits, values)) >= TELLING_DIGITS
    return Nature.SEEDED if told else Nature.NOISY


def baseline_runs(noise: str, values: Sequence[float]) -> int:
    """Return how many runs the baseline takes in all, as far as the values so far tell."""
    if named := median_runs(noise):
        return named
    if noise == "none":
        return 1
    if len(set(values)) > 1:
        return NOISY_RUNS
    return FEW_RUNS if values and digits(values[0]) >= TELLING_DIGITS else EQUAL_RUNS


def median_runs(noise: str) -> int:
    """Return of how many runs a plan wants the median; 0 where it names no number."""
    return int(noise) if noise.isdecimal() and noise != "1" else 0


def digits(value: float) -> int:
    """Count the significant digits of a number as it would be printed: equality of few digits proves little."""
    mantissa = repr(abs(value)).partition("e")[0].replace(".", "")
    return len(mantissa.strip("0"))


def judge_from(plan: Plan, values: Sequence[float], seeds: Sequence[int]) -> Judge:
    """Return the rule at work, as it stands after the baseline. `values` are signed so that lower is better."""
    middle, confidence = statistics.median(values), confidence_for(plan.error_rate)
    stakes = stakes_for(Effort(plan.effort), plan.max_runs)
    if named := median_runs(plan.noise):
        return Median(middle, named)
    if plan.noise == "none":
        return Exact(middle, greedy=True)
    match nature(values):
        case Nature.EXACT:
            return Exact(middle, confidence=confidence, stakes=stakes)
        case Nature.SEEDED:
            return seeded_from(values, seeds, confidence, stakes)
    later = values[1:] if len(set(values[1:])) > 1 else values
    return race_from(later, confidence, stakes)


def words(values: Sequence[float], judge: Judge, unit: str = "") -> str:
    """Say what the baseline showed of the noise, for a person."""
    found, unit = nature(values), f" {unit}" if unit else ""
    if isinstance(judge, Median):
        return f"decided by the median of {judge.runs} runs, which has no error control."
    if isinstance(judge, Seeded):
        return _seeded(judge, len(values), unit)
    if isinstance(judge, Race):
        return _noisy(judge, len(values), unit)
    if found is Nature.ASSUMED:
        return "taken as exact because the plan says so: one run a try; set min_effect if the number varies."
    return f"none: {len(values)} runs of the same code gave the same number, so a try costs one run, equal is equal, and a keep is confirmed by two more, of both arms in a clean checkout."


def _noisy(race: Race, runs: int, unit: str) -> str:
    drift = (
        " The machine drifts, so old runs of the incumbent soon count little." if race.bank.best.drift >= 0.1 else ""
    )
    rule = f"Changes that look better are run again in turn with the incumbent until the evidence is {race.bar:.3g} standard errors, {race.bar + RESTLESS:.3g} while the machine is restless."
    return f"noisy ({runs} runs of the same code): {_band(race, unit)}.{drift} {rule}"


def _seeded(judge: Seeded, runs: int, unit: str) -> str:
    rule = "Change and incumbent are compared seed by seed; the incumbent's runs are remembered, and a keep is confirmed on a seed that is new to both."
    return f"exact for a seed ({runs} runs of the same code, two of them on one AUTORESEARCH_SEED agree in all digits): between seeds {_band(judge, unit)}. {rule}"


def _band(judge: Judge, unit: str) -> str:
    share = f" ({percent(judge.spread / abs(judge.level))})" if judge.level else ""
    return f"one run scatters by {judge.spread:.3g}{unit}{share} around {abs(judge.level):.6g}{unit}"
