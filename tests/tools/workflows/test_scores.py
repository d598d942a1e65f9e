"""Scores, computed by hand."""

from __future__ import annotations

import pytest

from autoresearch_mcp.tools.workflows.ledger.scores import (
    fix_ancestor,
    fix_quality,
    foresight,
    improve_coverage,
    improve_quality,
    learn_ancestor,
    learn_quality,
    persuasion,
    predict_ancestor,
    priority,
    priority_ancestor,
    probe_ancestor,
    probe_quality,
    reason_ancestor,
    scenario_ancestor,
    scenario_breadth,
)

# --- scenario --------------------------------------------------------------------------------------------------------


def test_the_ancestors_scenario_score_counts_work_without_bound() -> None:
    assert scenario_ancestor(0, 0, 0, 0, 0).value == 0
    # 12 scenarios, 2 edge cases, 9 of 12 dimensions, 5 actors, 4 severe: 120 + 30 + 22.5 + 25 + 12.
    assert scenario_ancestor(12, 2, 9, 5, 4).value == 209.5
    assert scenario_ancestor(12, 2, 99, 5, 4).value == 217
    assert scenario_ancestor(1, 0, 0, 0, 0).most is None


@pytest.mark.parametrize(
    ("looked_at", "saturated", "of", "value"),
    [(0, 0, 12, 0), (12, 12, 12, 100), (6, 3, 12, 40), (1, 0, 1, 60), (0, 0, 0, 0)],
)
def test_our_scenario_score_is_a_share_of_the_dimensions(looked_at: int, saturated: int, of: int, value: float) -> None:
    assert scenario_breadth(looked_at, saturated, of).value == value


# --- predict ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("severity", "confidence", "consensus", "ours", "ancestor"),
    [
        (0, 0, 1.0, 1.0, 2.2),  # critical, confirmed, all: the most that there is
        (4, 2, 0.0, 0.06, 0.06),  # info, possible, none: the least
        (1, 1, 0.5, 0.3 + 0.12 + 0.2, 1.2 + 0.12 + 0.2),
        (2, 2, 0.6, 0.2 + 0.06 + 0.24, 0.8 + 0.06 + 0.24),
    ],
)
def test_priority_is_weighed_as_the_ancestor_does_with_severity_as_a_share(
    severity: int, confidence: int, consensus: float, ours: float, ancestor: float
) -> None:
    assert priority(severity, confidence, consensus) == pytest.approx(ours)
    assert priority_ancestor(severity, confidence, consensus) == pytest.approx(ancestor)


def test_consensus_can_outweigh_severity_in_ours_and_not_in_the_ancestors() -> None:
    critical_of_nobody, medium_of_all = (0, 0, 0.0), (2, 0, 1.0)

    assert priority(*medium_of_all) > priority(*critical_of_nobody)
    assert priority_ancestor(*medium_of_all) < priority_ancestor(*critical_of_nobody)


def test_the_ancestors_predict_score_of_its_own_sample_is_what_its_formula_gives() -> None:
    # 8 confirmed, 3 probable, 2 minority, 5 of 5, 2 of 2, passed: 120 + 24 + 6 + 20 + 10 + 5.
    counts = {"confirmed": 8, "probable": 3, "minority": 2, "active": 5, "personas": 5, "rounds": 2, "planned": 2}

    assert predict_ancestor(**counts, passed=True).value == 185
    assert predict_ancestor(**counts, passed=False).value == 180


@pytest.mark.parametrize(
    ("argued", "positions", "rounds", "disproven", "settled", "herd", "value"),
    [
        (0, 0, 0, 0, 0, False, 0),
        (4, 4, 2, 0, 0, False, 100),
        (4, 4, 2, 0, 0, True, 50),
        (1, 4, 1, 0, 0, False, 12.5 + 25),
        (4, 4, 2, 1, 4, False, 75),
        (4, 4, 2, 3, 3, False, 0),
        (400, 400, 2, 0, 0, False, 100),
    ],
)
def test_our_predict_score_is_for_what_was_argued_and_held(
    argued: int, positions: int, rounds: int, disproven: int, settled: int, herd: bool, value: float
) -> None:
    score = foresight(
        argued=argued,
        positions=positions,
        rounds=rounds,
        planned=2,
        disproven=disproven,
        settled=settled,
        herd=herd,
    )

    assert score.value == pytest.approx(value)


# --- reason ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "final", "growth"), [(100, 150, 15), (100, 1000, 30), (100, 50, -15), (0, 50, 0), (100, 100, 0)]
)
def test_the_ancestors_reason_score_rewards_length(first: int, final: int, growth: float) -> None:
    # 4 rounds, 2 of 3 votes, 2 fatal weaknesses mended, converged, no circles: 20 + 13.33 + 30 + 10 + 5.
    score = reason_ancestor(
        first_words=first,
        final_words=final,
        rounds=4,
        votes=2,
        judges=3,
        mended=2,
        converged=True,
        oscillated=False,
    )

    assert score.value == pytest.approx(growth + 78 + 1 / 3)
    assert score.most is None


@pytest.mark.parametrize(
    ("votes", "streak", "mended", "fatals", "value"),
    [(3, 3, 2, 2, 100), (3, 3, 0, 0, 100), (3, 9, 0, 2, 80), (2, 1, 1, 2, 100 / 3 + 10 + 10), (0, 0, 0, 1, 0)],
)
def test_our_reason_score_is_for_votes_wins_and_what_was_mended(
    votes: int, streak: int, mended: int, fatals: int, value: float
) -> None:
    score = persuasion(votes=votes, judges=3, streak=streak, needed=3, mended=mended, fatals=fatals)

    assert score.value == pytest.approx(value)


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
    assert learn_ancestor(valid, fits, documents, there, expected).value == pytest.approx(score)


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
    found = learn_quality(held, claims, there, due, fresh, documents)

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
    found = probe_ancestor(*counts, saturated=saturated, planned=planned)

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
    found = probe_quality(settled, questions, certain, atoms, saturated=saturated, planned=planned)

    assert found.value == pytest.approx(score)


# --- improve ---------------------------------------------------------------------------------------------------------


def test_improve_coverage_counts_work() -> None:
    assert improve_coverage(4, 2, 5).value == 40 + 6 + 30
    assert improve_coverage(0, 0, 1).value == 6
    assert improve_coverage(0, 0, 0).value == 0


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
    assert improve_quality(backed, insights, decided, pairs, specified, wanted).value == pytest.approx(score)
