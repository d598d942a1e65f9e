"""The scores, computed by hand."""

from __future__ import annotations

import pytest

from autoresearch_mcp.tools.rules import scores

# --- learn -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("valid", "fits", "documents", "there", "expected", "score"),
    [
        (4, 5, 5, 5, 5, 50 * 4 / 5 + 30 + 20),
        (1, 3, 4, 2, 5, 12.5 + 12 + 15),
        (5, 5, 5, 5, 5, 100),
        (0, 0, 0, 0, 5, 0),
        (0, 0, 0, 0, 0, 0),
    ],
)
def test_learn_as_the_ancestor_counts(
    valid: int, fits: int, documents: int, there: int, expected: int, score: float
) -> None:
    assert scores.learn_ancestor(valid, fits, documents, there, expected).value == pytest.approx(score)


@pytest.mark.parametrize(
    ("held", "claims", "there", "due", "fresh", "documents", "score"),
    [
        (8, 9, 5, 5, 5, 5, 50 * 8 / 9 + 50),
        (3, 4, 1, 2, 1, 4, 37.5 + 15 + 5),
        (80, 80, 5, 5, 5, 5, 100),
        (0, 0, 5, 5, 5, 5, 50),
        (0, 0, 0, 0, 0, 0, 0),
    ],
)
def test_learn_pays_for_claims_that_hold_not_for_their_number(
    held: int, claims: int, there: int, due: int, fresh: int, documents: int, score: float
) -> None:
    found = scores.learn_quality(held, claims, there, due, fresh, documents)

    assert found.value == pytest.approx(score)
    assert (found.name, found.most) == ("learn", 100)
