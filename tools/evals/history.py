"""The history of a metric over the rows of a session: gains, best, plateau. An improvement is positive either way."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from .rows import Results, ResultsLine, RowFate

FLAT = 0.001
"""A new best counts from a tenth of a percent on."""
MOST_VALUES = 500
"""Values that a trend looks at; more are thinned out evenly."""
_STAYED = frozenset({RowFate.KEEP, RowFate.BASELINE})
_LOWER = frozenset(
    "bpb loss error errors err rmse mse mae perplexity ppl latency time seconds sec ms us µs ns s duration bytes size kb mb"
    " gb memory gas cost ops op allocs allocations warnings violations failures bugs lines loc tokens wer cer".split()
)
_HIGHER = frozenset(
    "accuracy acc f1 auc coverage score sharpe precision recall reward throughput rps qps fps passed win ess".split()
)


def direction_of(found: Results, rows: Sequence[ResultsLine]) -> tuple[str, str]:
    """Return `lower` or `higher` and where that comes from: the file, the metric's name, or how the kept rows went; empty if nothing did."""
    if found.direction:
        return found.direction, "the file"
    words = set(re.findall(r"[a-zµ]+\d?", f"{found.metric} {found.unit}".lower()))
    if bool(words & _LOWER) != bool(words & _HIGHER):
        return ("lower" if words & _LOWER else "higher"), "the metric's name"
    kept = [row.metric for row in rows if row.metric is not None and row.fate in _STAYED]
    up = sum(after > before for before, after in pairwise(kept))
    down = sum(after < before for before, after in pairwise(kept))
    return ("higher" if up > down else "lower", "the kept rows") if up != down else ("", "")


@dataclass(frozen=True)
class MetricHistory:
    """The rows of one session in their order, and 1 or -1 for a metric to be raised or lowered; 0 where nobody knows. What is
    `doubted`, by its line, is no best.
    """

    rows: tuple[ResultsLine, ...]
    sign: int
    doubted: frozenset[int] = frozenset()

    @cached_property
    def tries(self) -> tuple[ResultsLine, ...]:
        """Every row but the baseline: the one so marked, or a first row that was kept without anything before it."""
        first = self.first
        started = first is not None and "baseline" in first.description.lower()
        return tuple(row for row in self.rows if row.fate is not RowFate.BASELINE and not (started and row is first))

    @cached_property
    def measured(self) -> tuple[ResultsLine, ...]:
        """The rows with a number."""
        return tuple(row for row in self.rows if row.metric is not None)

    @cached_property
    def first(self) -> ResultsLine | None:
        """The row that everything is compared with: the first that stayed; in a table without statuses the first measured."""
        stayed = (row for row in self.measured if row.fate in _STAYED)
        bare = all(row.fate is RowFate.OTHER for row in self.rows)
        return next(stayed, self.measured[0] if bare and self.measured else None)

    @cached_property
    def kept(self) -> tuple[ResultsLine, ...]:
        """The measured rows that stayed, the first among them."""
        return tuple(row for row in self.measured if row is self.first or row.fate in _STAYED)

    @cached_property
    def best(self) -> ResultsLine | None:
        """The best row that stayed and that nothing speaks against; None without one, or without a direction."""
        sound = [row for row in self.kept if row.line not in self.doubted]
        return max(sound, key=lambda row: self.sign * _value(row)) if sound and self.sign else None

    @property
    def total(self) -> float | None:
        """What was gained in all."""
        if self.best is None or self.first is None:
            return None
        return self.sign * (_value(self.best) - _value(self.first)) or 0.0

    @property
    def _after_first(self) -> tuple[ResultsLine, ...]:
        return self.measured[self.measured.index(self.first) + 1 :] if self.first else ()

    @cached_property
    def gains(self) -> tuple[tuple[ResultsLine, float], ...]:
        """Each measured row after the first with how much better it was than what had been kept before it."""
        found: list[tuple[ResultsLine, float]] = []
        kept = self.first
        for row in self._after_first:
            assert kept is not None, "there is a first"
            found.append((row, self.sign * (_value(row) - _value(kept))))
            kept = row if row.fate in _STAYED else kept
        return tuple(found) if self.sign else ()

    @property
    def steps(self) -> tuple[tuple[ResultsLine, float], ...]:
        """The kept ones of the gains."""
        return tuple((row, gain) for row, gain in self.gains if row.fate is RowFate.KEEP)

    @cached_property
    def plateau(self) -> tuple[ResultsLine, ...] | None:
        """The measured rows since the last new best of more than a tenth of a percent; None without a direction."""
        if not (self.sign and self.first):
            return None
        best, rows, since = _value(self.first), self._after_first, 0
        for place, row in enumerate(rows, 1):
            gained = self.sign * (_value(row) - best)
            if row.fate in _STAYED and gained > 0:
                since = place if gained > FLAT * abs(best) else since
                best = _value(row)
        return rows[since:]

    @property
    def improved_but_failed(self) -> tuple[tuple[ResultsLine, float], ...]:
        """Better, and refused by a guard."""
        return tuple(
            (row, gain) for row, gain in self.gains if row.guard == "fail" and gain > 0 and row.fate is not RowFate.KEEP
        )


def trend(values: Sequence[float], sign: int) -> str | None:
    """`improving`, `worsening` or `flat`, by Kendall's tau of the values over their order; None for fewer than four.

    Source: Mann (1945), "Nonparametric tests against trend", without its p-value: beyond a third either way is a trend.
    """
    if len(values) < 4 or not sign:
        return None
    values = values[:: -(-len(values) // MOST_VALUES)]
    pairs = [(b > a) - (b < a) for place, a in enumerate(values) for b in values[place + 1 :]]
    tau = sign * sum(pairs) / len(pairs)
    return "improving" if tau > 1 / 3 else "worsening" if tau < -1 / 3 else "flat"


def _value(row: ResultsLine) -> float:
    assert row.metric is not None, "only measured rows are asked"
    return row.metric
