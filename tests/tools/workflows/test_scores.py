"""Scores, computed by hand."""

from __future__ import annotations

import pytest

from autoresearch_mcp.tools.workflows.ledger.scores import fix_score


@pytest.mark.parametrize(
    ("known", "left", "hidden", "value"),
    [(0, 0, 0, 100), (4, 4, 0, 0), (4, 1, 0, 75), (4, 0, 1, 75), (4, 1, 9, 0)],
)
def test_an_error_that_is_merely_hidden_is_not_mended(known: int, left: int, hidden: int, value: float) -> None:
    assert fix_score(known, left, hidden).value == value
