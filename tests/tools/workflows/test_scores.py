"""Scores, computed by hand."""

from __future__ import annotations

import pytest

from autoresearch_mcp.tools.workflows.ledger.scores import fix_score, ship_score


@pytest.mark.parametrize(
    ("known", "left", "hidden", "value"),
    [(0, 0, 0, 100), (4, 4, 0, 0), (4, 1, 0, 75), (4, 0, 1, 75), (4, 1, 9, 0)],
)
def test_an_error_that_is_merely_hidden_is_not_mended(known: int, left: int, hidden: int, value: float) -> None:
    assert fix_score(known, left, hidden).value == value


@pytest.mark.parametrize(
    ("blockers", "required", "recommended", "rehearsed", "value"),
    [
        (0, 0, 0, True, 100),
        (0, 0, 0, False, 85),
        (0, 1, 2, True, 100 - 20 - 10),
        (0, 5, 0, True, 0),
        (0, 9, 9, False, 0),
        (1, 0, 0, True, 0),
    ],
)
def test_what_is_ready_to_ship_has_nothing_left(
    blockers: int, required: int, recommended: int, rehearsed: bool, value: float
) -> None:
    assert ship_score(blockers, required, recommended, rehearsed).value == value
