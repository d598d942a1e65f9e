"""Pairs of runs in clean checkouts before a keep: what is enough to let a gain fall."""

from __future__ import annotations

import random

import pytest

from autoresearch_mcp.tools.decision.recheck import MOST_PAIRS, recheck


@pytest.mark.parametrize("unseen", [(), ("build/",)])
def test_one_pair_alone_lets_no_gain_fall(unseen: tuple[str, ...]) -> None:
    assert recheck([-50.0], [8.0, 8.1, 7.9], 8.0, 1.0, unseen).stands is None


def test_a_gain_that_scatters_more_than_the_incumbents_runs_stands_although_one_pair_shows_a_third_of_it() -> None:
    found, pairs = [0.32, 0.25, 0.276], [0.0912, 0.227, 0.205, 0.189]

    shown = [recheck(pairs[:count], found, 0.282, 0.02, ()).stands for count in range(1, MOST_PAIRS + 1)]

    assert False not in shown
    assert True in shown


@pytest.mark.parametrize("unseen", [(), ("build/",)])
def test_a_large_gain_of_which_clean_pairs_show_nothing_falls_after_two(unseen: tuple[str, ...]) -> None:
    told = recheck([0.4, -0.7], [8.3, 7.5, 8.2], 8.0, 1.0, unseen)

    assert told.stands is False
    assert "0.15 worse by 2 pairs of runs in clean checkouts" in told.why


def test_it_comes_to_an_end_and_few_real_gains_fall() -> None:
    draw, fallen = random.Random(1), 0
    for _ in range(300):
        found = [3 + draw.gauss(0, 1.4) for _ in range(4)]
        pairs = [3 + draw.gauss(0, 1.4) for _ in range(MOST_PAIRS)]
        shown = [recheck(pairs[:count], found, sum(found) / 4, 1.0, ()).stands for count in range(1, MOST_PAIRS + 1)]
        assert shown[-1] is not None
        fallen += next(each for each in shown if each is not None) is False

    assert fallen <= 3
