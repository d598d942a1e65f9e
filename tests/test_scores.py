"""Scores, computed by hand beside their formulas, at the bounds too."""

from __future__ import annotations

import pytest

from autoresearch_mcp.tools.rules.scores import fix_ancestor, fix_quality

# --- fix -------------------------------------------------------------------------------------------------------------

CLEAN = {"other": 0, "tests": 0, "any": 0}


@pytest.mark.parametrize(
    ("before", "left", "hiding", "guarded", "discards", "compound", "value"),
    [
        (10, 0, CLEAN, True, 0, True, 60 + 25 + 10 + 5 + 5),
        (10, 0, CLEAN, False, 3, False, 60 + 10),
        (47, 3, CLEAN, True, 1, False, 44 / 47 * 60 + 25),
        (10, 10, CLEAN, False, 1, False, 0),
        (10, 15, CLEAN, False, 1, False, 0),
        (0, 0, CLEAN, True, 0, False, 0 + 25 + 15),
        (10, 5, {"other": 1, "tests": 1, "any": 1}, False, 1, False, 30 - 18),
        (10, 10, {"other": 9, "tests": 9, "any": 9}, False, 1, False, -20),
    ],
)
def test_fix_as_the_ancestor_had_it(
    before: int, left: int, hiding: dict[str, int], guarded: bool, discards: int, compound: bool, value: float
) -> None:
    score = fix_ancestor(before, left, hiding, guarded=guarded, discards=discards, compound=compound)

    assert score.value == pytest.approx(value)
    assert score.most == 105


@pytest.mark.parametrize(
    ("known", "left", "hidden", "value"),
    [(0, 0, 0, 100), (10, 0, 0, 100), (10, 10, 0, 0), (10, 5, 0, 50), (10, 5, 5, 0), (10, 5, 9, 0), (4, 1, 1, 50)],
)
def test_fix_counts_what_is_gone_and_not_hidden(known: int, left: int, hidden: int, value: float) -> None:
    assert fix_quality(known, left, hidden).value == value


def test_more_errors_mended_of_more_score_no_better_in_ours() -> None:
    assert fix_quality(100, 50, 0) == fix_quality(2, 1, 0)
