"""An analysis of a results file as text for a terminal and as a page."""

from __future__ import annotations

from collections.abc import Sequence

from .analysis import Analysis, NotedRow


def as_lines(told: Analysis) -> list[str]:
    """The analysis in words, the recommendation first; what the file does not tell is left out."""
    return [
        f"{told.recommendation.verdict.upper()}: {told.recommendation.reason}",
        "",
        *(f"{name:<22}{value}" for name, value in _facts(told)),
        *_listed("Jumps", _steps(told.jumps)),
        *_listed("Better, but a guard failed", _steps(told.improved_but_failed)),
        *_listed("Files of kept changes", [f"{one.path}: {one.keeps}" for one in told.hot_files]),
        *_listed("Anomalies", told.anomalies),
        *_listed("Lines skipped", _shortened(told.skipped)),
    ]


def as_page(told: Analysis, source: str) -> str:
    """The analysis as Markdown."""
    parts = [
        f"# Evaluation of {source}\n",
        f"**{told.recommendation.verdict.capitalize()}.** {told.recommendation.reason}\n",
        "\n".join(["| what | value |", "|---|---|", *(f"| {name} | {_cell(value)} |" for name, value in _facts(told))])
        + "\n",
        _section("Jumps", _steps(told.jumps)),
        _section("Better, but a guard failed", _steps(told.improved_but_failed)),
        _section("Files of kept changes", [f"`{one.path}`: {one.keeps}" for one in told.hot_files]),
        _section("Anomalies", told.anomalies),
        _section("Lines skipped", _shortened(told.skipped)),
    ]
    return "\n".join(part for part in parts if part)


def _facts(told: Analysis) -> list[tuple[str, str]]:
    better = f"{told.direction} is better, told by {told.direction_from}" if told.direction else "direction unknown"
    facts = [
        ("format", told.format),
        ("metric", f"{told.metric}{f' in {told.unit}' if told.unit else ''} ({better})" if told.metric else ""),
        ("tries", f"{told.iterations_run}, {told.measured} measured"),
        ("kept", _rate(told.keeps, told.keep_rate)),
        ("discarded", str(told.discards)),
        ("crashed", _rate(told.crashes, told.crash_rate)),
        ("baseline", _number(told.baseline)),
        ("best", _best(told)),
        ("last kept", _number(told.final) if told.final != told.best else ""),
        ("goal", _goal(told)),
        ("trend", told.trend or ""),
        ("plateau", _plateau(told)),
        ("diminishing returns", _returns(told)),
        ("gain per try", _number(told.gain_per_try)),
        ("gain per keep", _number(told.gain_per_keep)),
        (
            "gain per hour",
            f"{_number(told.gain_per_hour)} over {told.hours:.1f} h"
            if told.hours and told.gain_per_hour is not None
            else "",
        ),
        (
            "longest streaks",
            f"{told.longest_keep_streak} keeps, {told.longest_streak_without_keep} without; {told.current_streak_without_keep} without at the end"
            if told.keep_rate is not None
            else "",
        ),
        ("guard failures", f"{100 * told.guard_fail_rate:.0f} %" if told.guard_fail_rate is not None else ""),
        *((name.replace("_", " "), _words(value)) for name, value in told.columns.items()),
    ]
    return [(name, value) for name, value in facts if value]


def _best(told: Analysis) -> str:
    if told.best is None:
        return ""
    change = f", {told.improvement_pct:+.2f} % better" if told.improvement_pct is not None else ""
    where = f" at iteration {told.best_iteration}" if told.best_iteration is not None else ""
    return f"{_number(told.best)}{where}{change}"


def _goal(told: Analysis) -> str:
    if told.goal is None:
        return ""
    return f"{told.goal:g}, {'reached' if told.goal_achieved else 'not reached'}"


def _plateau(told: Analysis) -> str:
    if told.plateau_length is None:
        return ""
    since = f" since iteration {told.plateau_start}" if told.plateau_start is not None else ""
    return f"{'yes' if told.plateau_detected else 'no'}: {told.plateau_length} measured tries without a new best{since}"


def _returns(told: Analysis) -> str:
    if told.later_share is None:
        return ""
    return f"{'yes' if told.diminishing_returns else 'no'}: a later step brings {100 * told.later_share:.0f} % of an earlier one"


def _rate(count: int, rate: float | None) -> str:
    return f"{count} ({100 * rate:.0f} %)" if rate is not None else ""


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"


def _words(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_words(one)}" for name, one in value.items())
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return " ".join(map(str, value))
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _steps(steps: Sequence[NotedRow]) -> list[str]:
    return [
        f"#{step.number if step.number is not None else f'line {step.line}'} {_number(step.metric)} ({step.gain:+.4g} better) {step.description}".strip()
        for step in steps[:10]
    ]


def _shortened(lines: Sequence[str]) -> list[str]:
    return [*lines[:10], *([f"and {len(lines) - 10} more"] if len(lines) > 10 else [])]


def _listed(title: str, lines: Sequence[str]) -> list[str]:
    return ["", f"{title}:", *(f"  {line}" for line in lines)] if lines else []


def _section(title: str, lines: Sequence[str]) -> str:
    return f"## {title}\n\n" + "\n".join(f"- {line}" for line in lines) + "\n" if lines else ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
