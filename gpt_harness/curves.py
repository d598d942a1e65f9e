"""Learning curves: how they are told, and held against one another to end a hopeless run early."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

Curve = tuple[tuple[float, float], ...]
"""Share of the budget, in (0, 1], and loss in nats a token; in the order of the run."""


@dataclass(frozen=True)
class Level:
    """The mean loss over a stretch of a run, in nats a token, and the square of its standard error."""

    mean: float
    error2: float


@dataclass(frozen=True)
class EarlyStop:
    """When a run is hopeless: its mean loss over the last `window` of the budget is further above the incumbent's at the
    same place than `patience` times what the incumbent still gains from there to its end, and `errors` standard errors.

    Before `earliest` nothing is stopped, as curves cross: slower schedules end lower. After `latest` little is saved.
    """

    earliest: float = 0.3
    latest: float = 0.9
    window: float = 0.15
    patience: float = 0.3
    errors: float = 2.5

    def stops(self, candidate: Curve, incumbent: Curve) -> bool:
        """Whether a run that has come so far may be ended."""
        share = candidate[-1][0] if candidate else 0.0
        if not self.earliest <= share <= self.latest:
            return False
        mine, theirs, end = self._level(candidate, share), self._level(incumbent, share), self._level(incumbent, 1.0)
        if mine is None or theirs is None or end is None:
            return False
        ahead = self.patience * max(theirs.mean - end.mean, 0.0)
        return mine.mean - theirs.mean - ahead > self.errors * math.sqrt(mine.error2 + theirs.error2)

    def _level(self, curve: Curve, share: float) -> Level | None:
        inside = [loss for place, loss in curve if share - self.window < place <= share + 1e-9]
        if len(inside) < _FEWEST:
            return None
        return Level(statistics.fmean(inside), statistics.variance(inside) / len(inside))


_FEWEST = 4


def render_curve(curve: Curve) -> str:
    """A curve as `share:loss` pairs."""
    return " ".join(f"{share:.3f}:{loss:.4f}" for share, loss in curve)


def parse_curve(text: str) -> Curve:
    """A curve from what `render_curve` made.

    Raises:
        ValueError: if it is none.
    """
    pairs: Sequence[list[str]] = [pair.split(":") for pair in text.split()]
    return tuple((float(share), float(loss)) for share, loss in pairs)


def render(step: int, total: int, loss: float, speed: float, left_s: float) -> str:
    """A line of progress: where a run is, its loss in nats a token, tokens and seconds."""
    return f"step {step}/{total} ({100 * step / total:.0f} %) loss {loss:.3f} {speed:,.0f} tokens/s {max(left_s, 0):.0f} s left"
