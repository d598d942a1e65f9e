"""The exact tests against the values that SciPy 1.17.1 gives (`mannwhitneyu` and `fisher_exact`, alternative `greater`)."""

from __future__ import annotations

import pytest

from autoresearch_mcp.tools.workflows.regression.ranks import larger, more_often, seen_once


@pytest.mark.parametrize(
    ("these", "those", "chance"),
    [
        # method="exact"
        ([3, 4, 5], [1, 2, 2.5], 0.05),
        ([1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.7], [1.0, 1.01, 1.02, 1.03, 1.04, 1.05, 1.06], 0.0002913752913752914),
        ([1, 2, 3, 4], [2.5, 3.5, 0.5, 4.5], 0.6571428571428571),
        ([5, 1, 7, 2, 9], [4, 3, 6, 8, 10, 0], 0.6038961038961039),
        ([0, 1, 2, 3, 4, 5, 6, 7], [0.5, 1.5, 2.5, 3.5, 4.5, 5.5, 6.5, 7.5], 0.6773115773115774),
        ([7], [1, 2, 3], 0.25),
        # ties: method="asymptotic", use_continuity=True
        ([1, 2, 2, 3], [2, 2, 3, 4], 0.8922618866576466),
        ([1, 1, 1], [1, 1, 2], 0.9087887802741321),
        ([10, 10, 11, 12, 13], [9, 9, 10, 10, 10], 0.0220856724542213),
    ],
)
def test_mann_whitney_agrees_with_scipy(these: list[float], those: list[float], chance: float) -> None:
    assert larger(these, those) == pytest.approx(chance, rel=1e-12)


def test_equal_values_prove_nothing_and_no_values_are_an_error() -> None:
    assert larger([1, 1, 1], [1, 1, 1]) == 1.0
    with pytest.raises(ValueError, match="at least one value"):
        larger([], [1])


@pytest.mark.parametrize(
    ("failed", "runs", "failed_before", "runs_before", "chance"),
    [
        (5, 5, 0, 5, 0.003968253968253969),
        (4, 5, 0, 5, 0.023809523809523808),
        (3, 5, 0, 5, 0.08333333333333333),
        (5, 5, 1, 5, 0.02380952380952381),
        (5, 5, 2, 5, 0.08333333333333333),
        (1, 1, 0, 1, 0.5),
        (0, 5, 0, 5, 1.0),
        (2, 10, 3, 7, 0.9400452488687783),
    ],
)
def test_fisher_agrees_with_scipy(failed: int, runs: int, failed_before: int, runs_before: int, chance: float) -> None:
    assert more_often(failed, runs, failed_before, runs_before) == pytest.approx(chance, rel=1e-12)


def test_five_runs_see_a_one_in_twenty_flake_in_less_than_a_quarter_of_all_cases() -> None:
    assert seen_once(0.05, 5) == pytest.approx(0.2262190625)
    assert (seen_once(0, 5), seen_once(1, 1)) == (0, 1)
