"""Scores, computed by hand beside their formulas, at the bounds too."""

from __future__ import annotations

import pytest

from autoresearch_mcp.tools.workflows.ledger.scores import ship_ancestor, ship_readiness

# --- ship ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("passed", "checks", "rehearsed", "blockers", "value"),
    [
        (0, 0, False, 0, 5),
        (0, 8, False, 1, 0),
        (6, 8, False, 0, 60 + 5),
        (6, 8, True, 1, 60 + 15),
        (8, 8, True, 0, 100),
    ],
)
def test_ship_as_the_ancestor_had_it(passed: int, checks: int, rehearsed: bool, blockers: int, value: float) -> None:
    assert ship_ancestor(passed, checks, rehearsed, blockers).value == value


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
def test_ship_readiness(blockers: int, required: int, recommended: int, rehearsed: bool, value: float) -> None:
    assert ship_readiness(blockers, required, recommended, rehearsed).value == value


def test_a_trivial_check_that_passes_raises_the_ancestors_score_and_not_ours() -> None:
    assert ship_ancestor(7, 9, True, 0).value > ship_ancestor(6, 8, True, 0).value
    assert ship_readiness(0, 1, 1, True) == ship_readiness(0, 1, 1, True)
