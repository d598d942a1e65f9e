"""What a results file tells, computed by hand."""

from __future__ import annotations

from typing import Any

import pytest

from autoresearch_mcp.tools.evals.analysis import Analysis, analyse
from autoresearch_mcp.tools.evals.formats import read_results

HEADER = "iteration\tcommit\tmetric\tdelta\tguard\tstatus\tdescription\n"


def told(*rows: str, direction: str = "lower", **asked: object) -> Analysis:
    """An analysis of rows `metric status [guard]`, numbered from 0."""
    mark = f"# metric_direction: {direction}_is_better\n" if direction else ""
    lines = []
    for number, row in enumerate(rows):
        metric, status, guard = [*row.split(), "-"][:3]
        lines.append(f"{number}\tabc{number:04}\t{metric}\t-\t{guard}\t{status}\ttry {number}\n")
    return analyse(read_results(mark + HEADER + "".join(lines)), **asked)  # type: ignore[arg-type]


def test_the_figures_of_a_short_session() -> None:
    found = told("100 baseline", "90 keep", "95 discard", "- crash", "81 keep", "80 discard fail")

    assert (found.iterations_run, found.measured, found.keeps, found.discards, found.crashes) == (5, 4, 2, 2, 1)
    assert (found.keep_rate, found.crash_rate, found.guard_fail_rate) == (0.4, 0.2, 1.0)
    assert (found.baseline, found.best, found.final, found.best_iteration) == (100, 81, 81, 4)
    assert (found.improvement, found.improvement_pct) == (19, 19)
    assert [(step.number, step.gain) for step in found.improved_but_failed] == [(5, 1)]
    assert found.recommendation.verdict == "continue"


def test_higher_is_better_turns_every_gain_around() -> None:
    found = told("50 baseline", "60 keep", "55 discard", direction="higher")

    assert (found.best, found.improvement, found.improvement_pct) == (60, 10, 20)


def test_what_the_file_does_not_tell_is_none_and_not_zero() -> None:
    found = told("- crash", "- crash")

    assert (found.baseline, found.best, found.improvement, found.improvement_pct, found.plateau_length) == (None,) * 5
    assert found.trend is None


def test_a_baseline_of_zero_has_no_percentage() -> None:
    found = told("0 baseline", "-1 keep", "-2 keep")

    assert (found.improvement, found.improvement_pct) == (2, None)


@pytest.mark.parametrize(("tries", "plateau"), [(4, False), (5, True)])
def test_a_plateau_is_five_measured_tries_without_a_new_best(tries: int, plateau: bool) -> None:
    found = told("100 baseline", "90 keep", "- crash", *["91 discard"] * tries)

    assert (found.plateau_detected, found.plateau_length) == (plateau, tries)
    assert found.plateau_start == (3 if plateau else None)
    assert (found.recommendation.verdict == "change") is plateau


def test_a_keep_of_less_than_a_tenth_of_a_percent_does_not_end_a_plateau() -> None:
    assert told("100 baseline", "90 keep", *["89.99 keep"] * 5).plateau_detected
    assert not told("100 baseline", "90 keep", *["95 discard"] * 4, "89 keep").plateau_detected


def test_a_plateau_of_three_windows_is_a_reason_to_stop() -> None:
    assert told("100 baseline", "90 keep", *["91 discard"] * 15).recommendation.verdict == "stop"


@pytest.mark.parametrize(
    ("values", "direction", "trend"),
    [
        ((5, 4, 3, 2), "lower", "improving"),
        ((5, 4, 3, 2), "higher", "worsening"),
        ((5, 5, 5, 5), "lower", "flat"),
        ((5, 4, 5, 4), "lower", "flat"),
        ((5, 4, 3), "lower", None),
    ],
)
def test_the_trend_is_told_by_the_order_of_the_values(
    values: tuple[int, ...], direction: str, trend: str | None
) -> None:
    rows = (
        ["9 baseline", *(f"{value} discard" for value in values)] if len(values) < 4 else [f"{v} keep" for v in values]
    )

    assert told(*rows[-len(values) :], direction=direction).trend == trend


def test_a_reached_goal_is_a_reason_to_stop() -> None:
    found = told("100 baseline", "90 keep", goal=90)

    assert (found.goal_achieved, found.recommendation.verdict) == (True, "stop")
    assert told("100 baseline", "90 keep", goal=89).goal_achieved is False


def test_crash_after_crash_is_a_reason_to_mend_the_harness() -> None:
    found = told("100 baseline", "90 keep", "- crash", "- crash", "- crash")

    assert found.recommendation.verdict == "change"
    assert "crashed" in found.recommendation.reason


def test_guards_that_refuse_what_helps_are_a_reason_to_change() -> None:
    assert "guard" in told("100 baseline", "80 discard fail", "79 discard fail").recommendation.reason


@pytest.mark.parametrize(
    ("name", "direction", "by"), [("val_bpb", "lower", "the metric's name"), ("test_accuracy", "higher", "the metric's name"), ("x", "higher", "the kept rows")]
)  # fmt: skip
def test_the_direction_comes_from_the_name_or_the_kept_rows_where_the_file_is_silent(
    name: str, direction: str, by: str
) -> None:
    text = f"commit\t{name}\tstatus\tdescription\naaaa111\t1\tkeep\tbaseline\naaaa112\t2\tkeep\tx\n"

    found = analyse(read_results(text))

    assert (found.direction, found.direction_from) == (direction, by)


def test_without_a_direction_nothing_that_needs_one_is_said() -> None:
    text = "commit\tx\tstatus\tdescription\naaaa111\t1\tkeep\tbaseline\naaaa112\t2\tdiscard\tx\n"

    found = analyse(read_results(text))

    assert (found.direction, found.best, found.improvement, found.trend, found.plateau_detected) == (
        "",
        None,
        None,
        None,
        None,
    )
    assert any("give a direction" in told for told in found.anomalies)


def test_only_the_last_segment_counts() -> None:
    text = (
        HEADER + "0\t-\t5\t-\t-\tbaseline\ta\n" + HEADER + "0\t-\t9\t-\t-\tbaseline\tb\n1\tabc1234\t8\t-\t-\tkeep\tc\n"
    )

    found = analyse(read_results(text), direction="lower")

    assert (found.baseline, found.best) == (9, 8)
    assert "1 rows of earlier segments are not part of these figures." in found.anomalies


@pytest.mark.parametrize(
    ("rows", "anomaly"),
    [
        (("100 baseline", "110 keep"), "kept although worse"),
        (("100 baseline", "90 keep", "0 discard"), "#2: exactly 0"),
        (("100 baseline", "90 keep", "0 keep"), "#2: exactly 0"),
        (("100 baseline", "90 keep", "60 keep fail"), "#2: kept although a guard failed"),
        (("100 baseline", "- keep"), "kept without a number"),
        (("100 baseline", "90 maybe"), "none of the known: maybe"),
    ],
)
def test_what_does_not_fit_is_named(rows: tuple[str, ...], anomaly: str) -> None:
    assert any(anomaly in told for told in told(*rows).anomalies)


@pytest.mark.parametrize(
    ("asked", "anomaly"),
    [
        ({}, ""),
        ({"commits": {"abc0000", "abc0001"}}, "#2: git has no such commit"),
        ({"measured": {"abc0001": 90.0, "abc0002": 95.0}}, "#2: this server measured another number"),
    ],
)
def test_what_git_or_the_journal_speaks_against_is_no_best(asked: dict[str, Any], anomaly: str) -> None:
    found = told("100 baseline", "90 keep", "50 keep", **asked)

    assert found.best == (90 if anomaly else 50)
    assert any(anomaly in told for told in found.anomalies) is bool(anomaly)


def test_a_first_row_that_was_discarded_is_no_baseline() -> None:
    found = told("200 discard", "100 keep", "90 keep")

    assert (found.baseline, found.improvement) == (100, 10)
    assert any("No baseline row" in told for told in found.anomalies)
