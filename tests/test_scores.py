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


# --- probe -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("counts", "saturated", "planned", "score"),
    [
        ((2, 1, 3, 1, 7), True, True, 20 + 25 + 60 + 15 + 30 + 100 + 50),
        ((0, 0, 0, 0, 0), False, False, 0),
        ((0, 0, 0, 0, 0), True, True, 150),
        ((100, 0, 0, 0, 1), False, False, 1000 + 30 / 7),
    ],
)
def test_probe_as_the_ancestor_counts(
    counts: tuple[int, int, int, int, int], saturated: bool, planned: bool, score: float
) -> None:
    found = scores.probe_ancestor(*counts, saturated=saturated, planned=planned)

    assert found.value == pytest.approx(score)
    assert found.most is None


@pytest.mark.parametrize(
    ("settled", "questions", "certain", "atoms", "saturated", "planned", "score"),
    [
        (9, 12, 4, 8, True, True, 30 + 15 + 15 + 15),
        (12, 12, 8, 8, True, True, 100),
        (120, 120, 80, 80, True, True, 100),
        (0, 12, 0, 8, False, False, 0),
        (0, 0, 0, 0, False, False, 0),
    ],
)
def test_probe_pays_for_what_is_settled_and_certain(
    settled: int, questions: int, certain: int, atoms: int, saturated: bool, planned: bool, score: float
) -> None:
    found = scores.probe_quality(settled, questions, certain, atoms, saturated=saturated, planned=planned)

    assert found.value == pytest.approx(score)


# --- improve ---------------------------------------------------------------------------------------------------------


def test_improve_coverage_counts_work() -> None:
    assert scores.improve_coverage(4, 2, 5).value == 40 + 6 + 30
    assert scores.improve_coverage(0, 0, 1).value == 6
    assert scores.improve_coverage(0, 0, 0).value == 0


@pytest.mark.parametrize(
    ("backed", "insights", "decided", "pairs", "specified", "wanted", "score"),
    [
        (3, 4, 2, 3, 1, 3, 30 + 20 + 10),
        (4, 4, 3, 3, 3, 3, 100),
        (4, 4, 0, 0, 1, 1, 100),
        (4, 4, 0, 0, 0, 0, 40),
        (0, 0, 0, 0, 0, 0, 0),
    ],
)
def test_improve_pays_for_what_is_backed_ordered_and_specified(
    backed: int, insights: int, decided: int, pairs: int, specified: int, wanted: int, score: float
) -> None:
    assert scores.improve_quality(backed, insights, decided, pairs, specified, wanted).value == pytest.approx(score)
