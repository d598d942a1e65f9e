"""The same tree in both roles: what gives a program away that knows its arm, and what is the machine's doing."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from autoresearch_mcp.tools.decision.same_tree import REMEMBERED, RoleRun, Slowdown, Standing, slowdown

SPREAD = 1.5
NEWEST = (99.0, 101.0, 100.0, 98.5, 101.5)
LATER = (104.0, 103.0, 105.0, 104.5)
CANDIDATE = (100.0, 99.0, 101.0)
PIECE = 0.0003


def runs(values: Sequence[float], reference: float = 0.0) -> tuple[RoleRun, ...]:
    """Runs beside which a reference piece took so many seconds, a little more and a little less in turn."""
    return tuple(RoleRun(value, reference * (1 + 0.005 * (-1) ** n)) for n, value in enumerate(values))


def found(
    newest: Sequence[float] = NEWEST,
    later: Sequence[float] = LATER,
    candidate: Sequence[float] = CANDIDATE,
    pieces: tuple[float, float] = (0.0, 0.0),
    others: tuple[float, ...] = (),
) -> Slowdown | None:
    """What is found where a reference piece took `pieces` seconds then and now."""
    standing = Standing(runs(newest, pieces[0]), others=others)
    return slowdown(standing, runs(candidate, pieces[1]), runs(later, pieces[1]), SPREAD)


def test_a_tree_that_is_worse_once_it_is_the_incumbent_is_found() -> None:
    slower = found()

    assert slower is not None
    assert slower.sure
    assert (slower.newest, slower.incumbent) == pytest.approx((100.0, 104.1), abs=0.1)
    assert slower.runs == (5, 4)
    assert slower.errors == pytest.approx(4.0, abs=0.2)
    assert slower.machine is None


def test_a_gain_over_what_the_tree_was_as_the_newest_is_the_changes_own() -> None:
    assert found(candidate=[97.0 * value / 100 for value in CANDIDATE]) is not None, "a third of the gain is its own"
    assert found(candidate=[85.0, 86.0, 84.0]) is None
    assert found(later=NEWEST, candidate=[96.0, 95.0, 97.0]) is None


def test_a_change_far_ahead_of_what_the_tree_was_as_the_newest_stands_on_a_machine_that_became_slower() -> None:
    assert found(candidate=[96.0, 96.1, 95.9]) is not None, "3.7 standard errors"
    assert found(candidate=[95.4, 95.5, 95.3]) is None, "4.3 standard errors"


def test_one_run_of_the_incumbent_leaves_a_doubt_and_asks_for_another() -> None:
    doubt = found(later=[103.5])

    assert doubt is not None
    assert not doubt.sure
    assert found(later=[101.0] * 8) is None, "eight runs have said what they can"


def test_runs_of_earlier_races_count_as_well() -> None:
    standing = Standing(runs(NEWEST))
    for run in runs(LATER):
        standing = standing.run_again(run)

    slower = slowdown(standing, runs(CANDIDATE), runs([103.5]), SPREAD)

    assert slower is not None
    assert slower.sure
    assert len(standing.run_again(RoleRun(1.0)).since) == 5
    assert slowdown(standing, runs(CANDIDATE), runs([99.0]), SPREAD) is None, "this race says the opposite"


def test_a_machine_that_moved_by_as_much_explains_it() -> None:
    assert found(pieces=(PIECE, 1.04 * PIECE)) is None
    assert (
        found(later=[1.5 * v for v in NEWEST], candidate=[1.2 * v for v in NEWEST], pieces=(PIECE, 1.4 * PIECE)) is None
    )


def test_a_machine_that_stood_still_does_not() -> None:
    slower = found(pieces=(PIECE, PIECE))

    assert slower is not None
    assert slower.machine == pytest.approx(0.0, abs=0.3)


def test_a_machine_that_moved_far_more_than_a_metric_that_does_not_follow_it_explains_nothing() -> None:
    assert found(pieces=(PIECE, 2 * PIECE)) is not None


def test_a_reference_that_scatters_more_than_it_moved_explains_nothing() -> None:
    then = [RoleRun(value, PIECE * (0.8 if n % 2 else 1.2)) for n, value in enumerate(NEWEST)]
    now = [RoleRun(value, 1.04 * PIECE * (0.8 if n % 2 else 1.2)) for n, value in enumerate(LATER)]

    assert slowdown(Standing(tuple(then)), runs(CANDIDATE), now, SPREAD) is not None


def test_other_tries_that_are_as_much_worse_show_the_machine() -> None:
    assert found(others=(104.0, 103.5, 105.0, 104.0)) is None
    assert found(others=(100.0, 99.5, 101.0, 100.0)) is not None
    assert found(others=(104.0, 105.0)) is not None, "two are too few"


def test_only_the_latest_tries_are_remembered() -> None:
    standing = Standing()
    for number in range(20):
        standing = standing.tried(float(number))

    assert standing.others == tuple(float(number) for number in range(20 - REMEMBERED, 20))


def test_a_metric_to_maximise_and_one_around_zero_are_judged_alike() -> None:
    for shift in (0.0, -200.0, -102.0):
        slower = found(
            [shift + value for value in NEWEST],
            [shift + value for value in LATER],
            [shift + value for value in CANDIDATE],
        )

        assert slower is not None
        assert (slower.newest, slower.incumbent) == pytest.approx((shift + 100.0, shift + 104.1), abs=0.15)


def test_without_runs_in_both_roles_nothing_is_said() -> None:
    assert slowdown(Standing(), runs(CANDIDATE), runs(LATER), SPREAD) is None
    assert found(later=()) is None
