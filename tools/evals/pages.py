"""An analysis of a results file as text."""

from __future__ import annotations

from collections.abc import Sequence

from .analysis import Analysis, NotedRow
from .rows import ResultsFormat

_FOREIGN = "Read from a file, and nothing of it was measured here: the numbers are whoever wrote them's."


def as_lines(analysis: Analysis) -> list[str]:
    """Say the analysis in lines, whose numbers they are first; what the file does not tell is left out."""
    return [
        *([] if analysis.format == ResultsFormat.JOURNAL else [_FOREIGN]),
        f"{analysis.recommendation.verdict.upper()}: {analysis.recommendation.reason}",
        "",
        *(f"{name:<22}{value}" for name, value in _facts(analysis)),
        *(
            line
            for title, lines in _lists(analysis)
            if lines
            for line in ("", f"{title}:", *(f"  {line}" for line in lines))
        ),
    ]


def _lists(analysis: Analysis) -> list[tuple[str, Sequence[str]]]:
    """What is listed below the facts, by title."""
    left = len(analysis.skipped) - 10
    return [
        ("Better, but a guard failed", _steps(analysis.improved_but_failed)),
        ("Anomalies", analysis.anomalies),
        ("Lines skipped", [*analysis.skipped[:10], *([f"and {left} more"] if left > 0 else [])]),
    ]


def _facts(analysis: Analysis) -> list[tuple[str, str]]:
    better = (
        f"{analysis.direction} is better, told by {analysis.direction_from}"
        if analysis.direction
        else "direction unknown"
    )
    facts = [
        ("format", analysis.format),
        (
            "metric",
            f"{analysis.metric}{f' in {analysis.unit}' if analysis.unit else ''} ({better})" if analysis.metric else "",
        ),
        ("tries", f"{analysis.iterations_run}, {analysis.measured} measured"),
        ("kept", _rate(analysis.keeps, analysis.keep_rate)),
        ("discarded", str(analysis.discards)),
        ("crashed", _rate(analysis.crashes, analysis.crash_rate)),
        ("baseline", _number(analysis.baseline)),
        ("best", _best(analysis)),
        ("last kept", _number(analysis.final) if analysis.final != analysis.best else ""),
        ("goal", _goal(analysis)),
        ("trend", analysis.trend or ""),
        ("plateau", _plateau(analysis)),
        ("guard failures", f"{100 * analysis.guard_fail_rate:.0f} %" if analysis.guard_fail_rate is not None else ""),
    ]
    return [(name, value) for name, value in facts if value]


def _best(analysis: Analysis) -> str:
    if analysis.best is None:
        return ""
    change = f", {analysis.improvement_pct:+.2f} % better" if analysis.improvement_pct is not None else ""
    where = f" at iteration {analysis.best_iteration}" if analysis.best_iteration is not None else ""
    return f"{_number(analysis.best)}{where}{change}"


def _goal(analysis: Analysis) -> str:
    if analysis.goal is None:
        return ""
    return f"{analysis.goal:g}, {'reached' if analysis.goal_achieved else 'not reached'}"


def _plateau(analysis: Analysis) -> str:
    if analysis.plateau_length is None:
        return ""
    since = f" since iteration {analysis.plateau_start}" if analysis.plateau_start is not None else ""
    return (
        f"{'yes' if analysis.plateau_detected else 'no'}: {analysis.plateau_length} measured without a new best{since}"
    )


def _rate(count: int, rate: float | None) -> str:
    return f"{count} ({100 * rate:.0f} %)" if rate is not None else ""


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"


def _steps(steps: Sequence[NotedRow]) -> list[str]:
    return [
        f"#{step.number if step.number is not None else f'line {step.line}'} {_number(step.metric)} ({step.gain:+.4g} better) {step.description}".strip()
        for step in steps[:10]
    ]
