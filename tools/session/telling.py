"""The headline in words: what the keeps of a session claim together, rounded to what the noise allows."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ..decision.gain import Estimate, Gain, decimals, rounded
from ..decision.headline import Headline
from ..plan.model import Plan
from ..vocabulary import Phase
from .events import Ablated
from .results import number
from .state import Session, phase_of

OPEN_CHARACTERS = 400


def open_words(session: Session, now: float) -> str:
    """Say which iteration is open, at a time in seconds since the epoch, and what it waits for; empty if none is."""
    phase = phase_of(session, now)
    if session.trial is None or session.verdict is None or phase is Phase.NO_SESSION:
        return ""
    said = session.trial.description.rstrip(".")
    words = f"Iteration {session.trial.number} is open ({phase}): {said}. {session.verdict.why}"
    return words if len(words) <= OPEN_CHARACTERS else words[: OPEN_CHARACTERS - 1] + "…"


def plus_minus(value: float, half: float | None) -> str:
    """Write a number with half its 95 % interval: `77.7 ± 0.8`; by itself where it repeats, in six digits where no error is
    known.
    """
    if half is None:
        return f"{value:.6g}"
    if not half:
        return number(rounded(value, half))
    return f"{_fixed(value, half)} ± {_fixed(half, half)}"


def _fixed(value: float, half: float) -> str:
    places = decimals(half)
    return f"{round(value, places):.{max(0, places)}f}" if -15 < places < 9 else number(round(value, places))


def _change(change: Estimate, unit: str) -> str:
    """Write a change with its sign and interval: `-15.5 % (-17.1 to -13.9)`."""
    if change.half is None:
        return f"{change.value:+.4g}{unit} (its error is not known)"
    if not change.half:
        value = change.value + 0.0  # else it may be -0
        return f"{value:+.2f}{unit}" if unit else f"{value:+.6g}"
    places = max(0, decimals(change.half))
    low, high = (f"{end:+.{places}f}" for end in (change.low, change.high))
    return f"{change.value:+.{places}f}{unit} ({low} to {high})"


def change_words(plan: Plan, found: Headline) -> str:
    """Write what a headline claims: in percent of the baseline, or in the metric's unit where no ratio makes sense."""
    change, percent = claimed(plan, found)
    return _change(change, " %" if percent else "")


def claimed(plan: Plan, found: Headline) -> tuple[Estimate, bool]:
    """Return what a headline claims, in the metric's own direction, and whether that is in percent of the baseline."""
    percent = percent_claimed(plan, found)
    return (percent, True) if percent else (found.difference.signed(plan.signed(1.0)), False)


def percent_claimed(plan: Plan, found: Headline) -> Estimate | None:
    """Return what a headline claims in percent of the baseline, in the metric's own direction; None without a keep, and where
    the metric is compared by differences because its runs have either sign.
    """
    around_zero = any(not claim.relative and claim.variance for claim in found.claims)
    percent = found.percent if found.claims and not around_zero else None
    return percent.signed(plan.signed(1.0)) if percent else None


@dataclass(frozen=True)
class SignedEffect:
    """An effect and its interval with the sign of `metric minus incumbent`, rounded to the interval, and in words."""

    delta: float
    low: float | None
    high: float | None
    words: str


def effect_of_gain(lower: bool, gain: float, low: float | None, high: float | None) -> SignedEffect:
    """Turn a gain and its interval, positive where it is better, into the direction of a metric of which `lower` is better or
    not.
    """
    half = None if low is None or high is None else (high - low) / 2
    found = Estimate(gain, low, high).signed(-1.0 if lower else 1.0)
    delta, first, last = (value if value is None else rounded(value, half) for value in _three(found))
    word = "better" if gain > 0 else "worse"
    size = number(rounded(abs(gain), half)) if half is not None else f"{abs(gain):.4g}"
    words = f"{size} {word}" if float(size) else "no different"
    span = f", {first:+.10g} to {last:+.10g} (90 %)" if half and first is not None and last is not None else ""
    return SignedEffect(delta or 0.0, first, last, f"{words}{span}")


def _three(found: Estimate) -> tuple[float | None, float | None, float | None]:
    return found.value, found.low, found.high


def baseline_words(session: Session) -> str:
    """Write the baseline: the median of its runs, with its error."""
    return plus_minus(session.baseline, session.headline.start.half)


def best_words(session: Session) -> str:
    """Write where the claims lead."""
    return plus_minus(session.plan.signed(session.headline.level), session.headline.end.half)


def headline_words(session: Session) -> str:
    """Say what the keeps claim together: `100.1 ± 0.8 -> 84.6 ± 1.1, -15.5 % (-17.1 to -13.9)`, and what fresh runs showed of it
    where there were some and they scatter; without a keep, that there is none.
    """
    if not session.headline.claims:
        undone = "no change is left that was kept" if session.incumbent_iteration else "no change was kept"
        return f"{undone}; the baseline is {baseline_words(session)}"
    way = f"{baseline_words(session)} -> {best_words(session)}"
    return f"{way}, {gained_words(session)}"


def gained_words(session: Session) -> str:
    """Say what the keeps claim, and what fresh runs showed of it where there were some and they scatter."""
    change, found = change_words(session.plan, session.headline), session.confirmation
    if found is None or found.gain is None or not found.variance:
        return change
    fresh = gain_words(session, Gain(found.relative, found.gain, found.variance))
    return f"{change} claimed, {fresh} on fresh runs"


def claim_words(session: Session) -> str:
    """Say what the headline rests on; empty without a keep."""
    claims = session.headline.claims
    if not claims:
        return ""
    keeps, undone = len(session.headline.standing), any(claim.takes_back for claim in claims)
    kept = "One keep claims" if keeps == 1 else f"{keeps} keeps together claim"
    also = " Keeps that were taken back are in it with what that was measured to cost." if undone else ""
    told = f"{kept} {change_words(session.plan, session.headline)}"
    if any(claim.variance is None for claim in claims):
        return f"{told}: {_why_unknown(session)}.{also}"
    if not any(claim.variance for claim in claims):
        return f"{told}: differences of single runs of a metric that repeats.{also}"
    return (
        f"{told}, 95 %: each measured in turn with the incumbent of its time and shrunk against luck, so the drift of the "
        f"machine is not in it.{also}"
    )


def _why_unknown(session: Session) -> str:
    if session.controlled:
        return "some were kept by an earlier version, which did not write down how sure they are"
    return "the plan's own number of runs was believed, which tells no error"


def gain_words(session: Session, found: Gain) -> str:
    """Say what one version is to another as a change of the metric, with its 95 % interval."""
    seen = found.as_percent(session.headline.baseline) if found.relative else found.as_difference()
    return _change(seen.signed(session.plan.signed(1.0)), " %" if found.relative else "")


class Worth(StrEnum):
    """What was seen of a keep when the best was raced without it."""

    EARNS = "earns its place"
    UNSHOWN = "does not show that it earns its place"
    COSTS = "the best is better without it"
    NEEDED = "needed"
    UNTRIED = "not tried"


def worth_of(session: Session, found: Ablated) -> tuple[Worth, str]:
    """Say what a race without a keep showed of it."""
    if found.gain is None:
        crashed = len(found.without) > 0 and found.without[-1].value is None
        return Worth.NEEDED if crashed else Worth.UNTRIED, f"{found.problem}."
    gain = Gain(found.relative, found.gain, found.variance)
    change = gain.as_percent(session.headline.baseline) if gain.relative else gain.as_difference()
    low, high = (change.value if end is None else end for end in (change.low, change.high))
    worth = Worth.EARNS if high < 0 else Worth.COSTS if low > 0 else Worth.UNSHOWN
    runs = f"{len(found.best)} + {len(found.without)} runs in turn"
    return worth, f"{gain_words(session, gain)} with it, {runs}: {worth}."


def confirmation_words(session: Session) -> str:
    """Say what fresh runs of baseline and best showed beside the claim; empty before, and without a keep."""
    found = session.confirmation
    if found is None:
        return ""
    if found.problem or found.gain is None:
        return f"Not confirmed on fresh runs: {found.problem}."
    fresh = Gain(found.relative, found.gain, found.variance)
    told = gain_words(session, fresh)
    runs = f"{len(found.best)} + {len(found.baseline)} fresh runs"
    claimed = f"the keeps together claim {change_words(session.plan, session.headline)}"
    if not found.fails:
        headline = session.headline
        more = fresh.exceeds(headline.gain if found.relative else headline.absolute_gain)
        doubt = (
            " That is more than both errors allow: the claim is shrunk against luck, or the baseline runs worse now."
            if more
            else ""
        )
        return f"Confirmed: {claimed}; baseline against best in turn, {runs}: {told}.{doubt}"
    doubted = f" In doubt, weakest evidence first: {'; '.join(found.doubted)}." if found.doubted else ""
    return f"NOT CONFIRMED: {claimed}, but baseline against best in turn, {runs}, show {told}.{doubted}"
