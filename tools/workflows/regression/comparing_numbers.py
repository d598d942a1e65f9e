"""Comparing two commits by numbers that a command gives: ranks say whether, medians by how much, scatter whether that matters."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from ...decision.ranks import larger
from ..ledger.scores import regression_within
from .comparing_tests import CHANCE, last_line
from .regressions import Classification, ComparedDimension, ComparedRow, ComparisonSide
from .turns import FEWEST_SAMPLES, WARM_UP, ComparisonJob, ComparisonReading, ParsedReading, seen

VISUAL_ALLOWED = 0.1
"""Percent of the pixels that may differ more than before."""


def compared_numbers(
    job: ComparisonJob, readings: Sequence[ComparisonReading], band: float, budget: float
) -> tuple[ComparedRow, ...]:
    """The rows of a command that gives numbers: its time or metric, and the memory and CPU time that it took.

    Args:
        band: percent by which a number may grow in any case.
        budget: percent by which memory and CPU time may grow.
    """
    base, head = (seen(readings, job, side) for side in ComparisonSide)
    failed = next((one for one in (*base, *head) if not one.reading.green), None)
    if failed is not None:
        return (_failed_number(job, failed),)
    sides = [[one.reading for one in runs if one.reading.number != WARM_UP] for runs in (base, head)]
    if min(map(len, sides)) < FEWEST_SAMPLES:
        return ()
    if job.dimension is ComparedDimension.VISUAL_UI:
        return (_visual(job, *([one.value or 0.0 for one in side] for side in sides)),)
    measures = (
        (
            ComparedDimension.PERFORMANCE,
            "",
            band,
            [[one.value if one.value is not None else one.seconds for one in side] for side in sides],
        ),
        (ComparedDimension.RESOURCE, " CPU seconds", budget, [[one.cpu_seconds for one in side] for side in sides]),
        (
            ComparedDimension.RESOURCE,
            " peak memory in bytes",
            budget,
            [[float(one.peak_bytes) for one in side] for side in sides],
        ),
    )
    return tuple(
        _number_row(job, dimension, f"`{job.name}`{what}", allowed, values[0], values[1])
        for dimension, what, allowed, values in measures
        if dimension is ComparedDimension.PERFORMANCE or all(min(side) > 0 for side in values)
    )


def _number_row(
    job: ComparisonJob,
    dimension: ComparedDimension,
    unit: str,
    band: float,
    base: Sequence[float],
    head: Sequence[float],
) -> ComparedRow:
    """Worse only if the ranks say so (Mann-Whitney, 5 %) and the medians differ by more than the band and twice the scatter."""
    before, now = statistics.median(base), statistics.median(head)
    if not before:
        return ComparedRow(dimension=dimension, unit=unit, axis=job.cell or "-", classification=Classification.UNAVAILABLE,
                   baseline="0", candidate=f"{now:.6g}", status="no baseline", description="the baseline is 0: nothing is a percentage of it")  # fmt: skip
    scatter = statistics.fmean([statistics.variance(base), statistics.variance(head)]) ** 0.5
    allowed = max(band, 200 * scatter / abs(before))
    delta, chance = 100 * (now - before) / abs(before), larger(head, base)
    worse = chance <= CHANCE and delta > allowed
    better = larger(base, head) <= CHANCE and -delta > allowed
    subscore = regression_within(delta, allowed) if worse else 100.0
    return ComparedRow(
        dimension=dimension,
        unit=unit,
        axis=job.cell or "-",
        classification=Classification.ELIGIBLE,
        baseline=f"{before:.6g}",
        candidate=f"{now:.6g}",
        delta=delta,
        regressed=worse,
        subscore=subscore,
        severity="medium" if worse else "info",
        status="worse" if worse else "better" if better else "same",
        description=f"medians of {len(base)} and {len(head)} runs by turns; {delta:+.1f} % with {allowed:.1f} % allowed (band {band:g} %, twice the scatter {200 * scatter / abs(before):.1f} %); p = {chance:.2g}",
    )


def _failed_number(job: ComparisonJob, failed: ParsedReading) -> ComparedRow:
    """A command that is to give numbers and failed: on the candidate that is the worst, on the baseline there is no comparison."""
    on_base = failed.reading.side is ComparisonSide.BASELINE
    how = "timed out" if failed.reading.timed_out else f"ended with {failed.reading.exit_code}"
    return ComparedRow(
        dimension=job.dimension,
        unit=f"`{job.name}`",
        axis=job.cell or "-",
        classification=Classification.UNAVAILABLE if on_base else Classification.ELIGIBLE,
        baseline=how if on_base else "green",
        candidate="-" if on_base else how,
        regressed=not on_base,
        subscore=None if on_base else 0.0,
        severity="low" if on_base else "high",
        status="no baseline" if on_base else "green to red",
        description=last_line([failed]),
    )


def _visual(job: ComparisonJob, base: Sequence[float], head: Sequence[float]) -> ComparedRow:
    """A share of pixels that differ from the reference pictures, by median; more than before by a tenth of a percent is worse."""
    before, now = 100 * statistics.median(base), 100 * statistics.median(head)
    worse = now - before > VISUAL_ALLOWED
    return ComparedRow(
        dimension=job.dimension,
        unit=f"`{job.name}`",
        axis=job.cell or "-",
        classification=Classification.ELIGIBLE,
        baseline=f"{before:.4g} %",
        candidate=f"{now:.4g} %",
        delta=now - before,
        regressed=worse,
        subscore=regression_within(now - before, VISUAL_ALLOWED),
        severity="medium" if worse else "info",
        status="worse" if worse else "same",
        description=f"pixels that differ from the reference, {VISUAL_ALLOWED:g} % more than before allowed",
    )
