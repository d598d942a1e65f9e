"""Learning curves of a session whose verify trains a model, and what the harness reported of each training."""

from __future__ import annotations

from ..decision.judging import Arm
from ..decision.measured import Curve, Trained, TrainingTold, overlaid
from ..lab.context import RepoContext
from ..session.events import Verified

SHOWN_CURVES = 6


def curves(context: RepoContext) -> list[tuple[str, Curve]]:
    """Return the learning curves of the incumbent and of the latest tries, where verify trains a model."""
    if not context.active.curve:
        return []
    tries = [(f"#{number}", trained.curve) for number, trained in _trained(context).items()]
    return [("incumbent", context.active.curve), *tries]


def _trained(context: RepoContext) -> dict[int, Trained]:
    """Return the latest training of each of the latest tries, by iteration."""
    found: dict[int, Trained] = {}
    for event in context.journal.latest_of(context.active.id, "verified", 4 * SHOWN_CURVES):
        if isinstance(event, Verified) and event.arm is Arm.CANDIDATE and event.measurement.trained:
            found[event.iteration] = event.measurement.trained
    return {number: found[number] for number in sorted(sorted(found, reverse=True)[:SHOWN_CURVES])}


def learning(context: RepoContext) -> list[str]:
    """Learning curves over one another, the loss at even shares of the budget; and what the harness reported of each run."""
    lines = overlaid(curves(context))
    if not lines:
        return []
    told = [(number, TrainingTold.of(trained)) for number, trained in _trained(context).items()]
    reported = [f"  #{number}  {one.words()}" for number, one in told if one and one.facts]
    head = ["Learning curves, loss in nats a token by share of the budget:", *(f"  {line}" for line in lines)]
    return [*head, *(["Reported by the harness:", *reported] if reported else []), ""]
