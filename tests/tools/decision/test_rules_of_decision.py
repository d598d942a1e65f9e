"""The rules of decision by themselves: what runs they ask for and what they find, on runs that are written out."""

from __future__ import annotations

import itertools
import math
import random
import statistics
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from autoresearch_mcp.tools.decision.calibration import Nature, baseline_runs, digits, judge_from, nature
from autoresearch_mcp.tools.decision.decide import enough_for_baseline, settled, within
from autoresearch_mcp.tools.decision.exact import Exact, Median
from autoresearch_mcp.tools.decision.gain import WIDE
from autoresearch_mcp.tools.decision.judging import Arm, Finding, Judge, Step, Threshold
from autoresearch_mcp.tools.decision.race import Race, race_from
from autoresearch_mcp.tools.decision.scale import LINEAR
from autoresearch_mcp.tools.decision.scatter import normal
from autoresearch_mcp.tools.decision.stakes import NORMAL, confidence_for
from autoresearch_mcp.tools.decision.turns import Turns
from autoresearch_mcp.tools.plan.model import Plan, parse_guard_metric
from autoresearch_mcp.tools.session.commits import fingerprints
from autoresearch_mcp.tools.session.summary import chance_a_try
from peers import Confirmed, MadRatio, MinDelta, SignedRank, duet_from, signed_rank

Draw = Callable[[Arm], float]


def gaussian(effect: float, seed: int, level: float = 100) -> Draw:
    """Runs around a level that scatter by 1; the candidate's are lower by `effect`."""
    noise = random.Random(seed)
    return lambda arm: level - (effect if arm is Arm.CANDIDATE else 0.0) + noise.gauss(0, 1)


def times_as_long(share: float, noise: random.Random) -> Draw:
    """Runs whose logarithms scatter by a quarter around a level; the candidate's take a share of the time."""
    return lambda arm: 100 * (share if arm is Arm.CANDIDATE else 1) * math.exp(noise.gauss(0, 0.25))


def always(value: float) -> Draw:
    """The same number for every run."""
    return lambda arm: value


def in_order(*values: float) -> Draw:
    """Numbers one after the other."""
    draws = iter(values)
    return lambda arm: next(draws)


def race(seed: int = 3) -> Race:
    noise = random.Random(seed)
    return race_from([100 + noise.gauss(0, 1) for _ in range(5)], 3.6)


def decided(
    judge: Judge, draw: Draw, threshold: Threshold | None = None, most: int = 99
) -> tuple[Judge, Finding, list[Arm]]:
    """One proposal to its end: the rule, what it found, and whose runs it took."""
    judge, arms = judge.open(threshold or Threshold()), []
    while not (found := judge.finding()).step.decided:
        arm = Arm.CANDIDATE if found.step is Step.CANDIDATE else Arm.INCUMBENT
        arms.append(arm)
        assert len(arms) <= most, "it never comes to an end"
        judge = judge.see(arm, draw(arm))
    return judge, found, arms


def proposals(judge: Judge, effect: float, count: int) -> Iterator[tuple[Finding, list[Arm]]]:
    """Proposal after proposal with the same effect, none of them kept."""
    for seed in range(count):
        judge, found, arms = decided(judge, gaussian(effect, seed))
        yield found, arms
        judge = judge.close(False)


def test_most_changes_without_effect_cost_one_or_two_runs_and_none_is_kept() -> None:
    seen = list(proposals(race(), 0.0, 200))

    assert {found.step for found, _ in seen} == {Step.NOT_BETTER}
    assert sum(len(arms) for _, arms in seen) < 2.2 * 200
    assert sum(len(arms) == 1 for _, arms in seen) > 100


def test_an_effect_of_three_standard_deviations_is_nearly_always_found() -> None:
    seen = list(proposals(race(), 3.0, 60))

    assert sum(found.step is Step.BETTER for found, _ in seen) > 50


def test_nothing_is_kept_without_fresh_runs_of_both_arms() -> None:
    kept = [arms for found, arms in proposals(race(), 3.0, 60) if found.step is Step.BETTER]

    assert all(arms.count(Arm.CANDIDATE) >= 2 and Arm.INCUMBENT in arms for arms in kept)


def test_no_decision_takes_more_runs_than_the_plan_allows() -> None:
    short = replace(race(), stakes=replace(NORMAL, cap=6))
    seen = list(proposals(short, 1.5, 80))

    assert max(len(arms) for _, arms in seen) == 6
    assert any("Inconclusive after 6 runs" in found.why for found, _ in seen)


def test_a_thorough_plan_spends_its_cap_on_a_gain_that_this_can_see() -> None:
    draw = gaussian(0.0, 5)
    baseline = [draw(Arm.INCUMBENT) for _ in range(6)]
    judge = judge_from(Plan(effort="thorough", max_runs=600), baseline, range(6))
    seen = [decided(judge, gaussian(0.5, seed), most=600)[1:] for seed in range(8)]
    nothing = [decided(judge, gaussian(0.0, seed), most=600)[1:] for seed in range(8)]

    assert sum(found.step is Step.BETTER for found, _ in seen) >= 7
    assert statistics.median(len(arms) for _, arms in nothing) < 300


def test_the_interval_holds_the_true_effect_about_as_often_as_it_says() -> None:
    held = [
        found.low <= 3.0 <= found.high
        for found, _ in proposals(race(), 3.0, 100)
        if found.step is Step.BETTER and found.low is not None and found.high is not None
    ]

    assert sum(held) > 0.85 * len(held)


def test_one_freak_run_of_the_candidate_decides_nothing() -> None:
    _, found, _ = decided(race(), in_order(60, 100, 100.2, 99.9, 100.1, 100, 99.8, 100.1))

    assert found.step is Step.NOT_BETTER


def test_a_huge_effect_is_believed_after_few_runs_and_at_its_size() -> None:
    _, found, arms = decided(race(), gaussian(40, 1))

    assert found.step is Step.BETTER
    assert len(arms) <= 5
    assert found.gain == pytest.approx(40, abs=3)


def test_the_smallest_effect_worth_keeping_is_a_bar_as_well() -> None:
    assert decided(race(), gaussian(4, 1), Threshold(smallest=8))[1].step is Step.NOT_BETTER
    assert decided(race(), gaussian(40, 1), Threshold(smallest=8))[1].step is Step.BETTER


def test_the_words_of_a_finding_have_half_its_interval_and_how_many_runs_there_were() -> None:
    _, close, _ = decided(race(), gaussian(2, 4))
    _, once, arms = decided(race(), always(103.0))

    assert close.low is not None
    assert close.high is not None
    assert f"(90 %: ± {(close.high - close.low) / 2:.2g})" in close.why
    assert arms == [Arm.CANDIDATE]
    assert once.why.startswith("One run, ")


def test_a_race_that_began_anew_too_often_ends_at_its_cap() -> None:
    spent = [replace(race(), turns=Turns(spent=NORMAL.cap + more)).finding() for more in (-1, 0)]

    assert [found.step for found in spent] == [Step.CANDIDATE, Step.INCONCLUSIVE]


def test_what_pairs_showed_fades_from_race_to_race() -> None:
    judge, _, _ = decided(replace(race(), pairs=(20.0, 400.0)), always(130))

    assert judge.close(False).pairs == pytest.approx((19.6, 392.0))  # type: ignore[attr-defined]


def test_the_incumbent_is_run_again_after_eight_quiet_proposals() -> None:
    judge: Judge = race_from(LEVEL, 3.6)
    firsts = []
    for _ in range(12):
        judge, _, arms = decided(judge, always(100.8))
        firsts.append(arms[0])
        judge = judge.close(False)

    assert firsts == [Arm.CANDIDATE] * 8 + [Arm.INCUMBENT] + [Arm.CANDIDATE] * 3


def test_another_attempt_at_a_proposal_is_not_another_quiet_proposal() -> None:
    judge: Judge = race()
    for _ in range(12):
        judge = judge.open(Threshold())

    assert judge.finding().step is Step.CANDIDATE


def test_a_machine_that_got_slower_is_noticed_by_the_incumbents_runs() -> None:
    judge: Judge = race()
    for seed in range(30):
        judge = decided(judge, gaussian(0, seed, level=104))[0].close(False)

    assert judge.level == pytest.approx(104, abs=1.5)


def test_a_gain_far_beyond_the_noise_is_told_at_its_own_size() -> None:
    claims = []
    for seed in range(40):
        noise = random.Random(seed)
        draw = times_as_long(0.2, noise)
        _, found, _ = decided(race_from([draw(Arm.INCUMBENT) for _ in range(5)], 3.6), draw)
        assert found.step is Step.BETTER
        assert found.claim is not None
        assert found.claim.variance is not None
        claims.append((found.claim.gain - math.log(5), math.sqrt(found.claim.variance)))

    assert statistics.fmean(off for off, _ in claims) == pytest.approx(0, abs=0.08)
    assert sum(abs(off) <= WIDE * error for off, error in claims) >= 36


def test_the_level_after_a_keep_is_an_estimate_and_not_the_luckiest_run() -> None:
    judge, found, _ = decided(race(), gaussian(3, 5))
    assert found.step is Step.BETTER
    assert isinstance(judge, Race)
    lowest = judge.scale.outer(min(judge.turns.candidate))

    kept = judge.close(True)

    assert lowest < kept.level < 99
    assert found.low is not None
    assert found.high is not None
    assert found.low < judge.level - kept.level < found.high


def test_simpler_and_not_worse_is_found_by_non_inferiority_and_worse_is_not() -> None:
    threshold = Threshold(simpler=True)
    equal = [decided(race(), gaussian(0, seed), threshold)[1].step for seed in range(40)]
    worse = [decided(race(), gaussian(-2, seed), threshold)[1].step for seed in range(40)]

    assert equal.count(Step.SIMPLER) > 15
    assert worse.count(Step.SIMPLER) <= 1


def test_kept_simplifications_cannot_add_up_to_a_loss() -> None:
    judge: Judge = race()
    for seed in range(30):
        judge, found, _ = decided(judge, gaussian(-0.3, seed), Threshold(simpler=True))
        judge = judge.close(found.step is Step.SIMPLER)

    assert isinstance(judge, Race)
    assert judge.lost <= 0.75 * judge.spread + 0.5


LEVEL = [100, 101, 99, 100.5, 99.5]
"""Runs of an incumbent that gives 100 and scatters by about 0.8."""


def by_arm(candidate: float, incumbent: float) -> Draw:
    """One number for each arm."""
    return lambda arm: candidate if arm is Arm.CANDIDATE else incumbent


A_LITTLE_WORSE = [
    *(98.4, 101.6, 100.4, 99.7, 100.2, 101.0, 100.0, 100.6, 100.7, 99.5, 99.5, 101.3),
    *(101.2, 100.1, 101.5, 101.0, 98.5, 98.7, 99.1, 99.7, 100.3, 100.0, 101.1, 99.7),
    *(99.9, 100.1) * 4,
]
"""Runs of a simplification and of the incumbent, in the order in which the race asks for them."""


def test_what_a_kept_simplification_loses_is_missing_from_the_room_of_the_next() -> None:
    simpler = Threshold(simpler=True)
    judge, found, _ = decided(race_from(LEVEL, 3.6, replace(NORMAL, cap=24)), in_order(*A_LITTLE_WORSE), simpler)
    assert found.step is Step.SIMPLER
    kept = judge.close(True)
    assert isinstance(kept, Race)

    assert kept.lost == pytest.approx(-found.gain, rel=1e-3)
    assert kept.lost > 0
    assert decided(kept, in_order(*A_LITTLE_WORSE), simpler)[1].step is Step.INCONCLUSIVE
    assert decided(replace(kept, lost=0.0), in_order(*A_LITTLE_WORSE), simpler)[1].step is Step.SIMPLER


def test_losses_of_simplifications_add_up_until_something_is_better() -> None:
    simpler, judge, losses = Threshold(simpler=True), race_from(LEVEL, 3.6), []
    for _ in range(2):
        ended, found, _ = decided(judge, by_arm(100.01, 100), simpler)
        assert found.step is Step.SIMPLER
        losses.append(max(0.0, -found.gain))
        kept = ended.close(True)
        assert isinstance(kept, Race)
        judge = kept

    assert judge.lost == pytest.approx(sum(losses), rel=1e-3)
    assert judge.lost > losses[0] > 0

    discarded = decided(judge, by_arm(110, 100))[0].close(False)
    better = decided(judge, by_arm(90, 100))[0].close(True)
    assert isinstance(discarded, Race)
    assert isinstance(better, Race)
    assert (discarded.lost, better.lost) == (judge.lost, 0.0)


def test_a_gain_of_a_simplification_gives_no_room_back() -> None:
    judge, found, _ = decided(replace(race_from(LEVEL, 3.6), lost=0.2), by_arm(99.8, 100), Threshold(simpler=True))
    kept = judge.close(True)

    assert isinstance(kept, Race)
    assert (found.step, kept.lost) == (Step.SIMPLER, 0.2)


def test_deterministic_equal_is_equal() -> None:
    for value, step in ((9.0, Step.BETTER), (10.0, Step.NOT_BETTER), (11.0, Step.NOT_BETTER)):
        assert decided(Exact(10.0), always(value))[1].step is step
    assert decided(Exact(10.0), lambda arm: 10.0, Threshold(simpler=True))[1].step is Step.SIMPLER


@pytest.mark.parametrize(("smallest", "step"), [(1.0, Step.BETTER), (1.5, Step.NOT_BETTER)])
def test_deterministic_the_smallest_effect_counts_from_exactly_that_size(smallest: float, step: Step) -> None:
    assert decided(Exact(10.0), lambda arm: 9.0, Threshold(smallest))[1].step is step


@pytest.mark.parametrize(("judge", "runs"), [(Exact(100.0), 2), (Exact(100.0, greedy=True), 1)])
def test_every_keep_of_an_exact_metric_is_confirmed_unless_the_plan_believes_one_run(judge: Judge, runs: int) -> None:
    for value in range(99, 91, -1):
        judge, found, arms = decided(judge, always(float(value)))
        assert (found.step, len(arms)) == (Step.BETTER, runs)
        judge = judge.close(True)
        assert judge.level == value


def test_a_keep_that_does_not_repeat_turns_the_metric_noisy_for_good() -> None:
    judge, found, arms = decided(Exact(10.0), in_order(9, 10, *[10] * 20))

    assert found.step is Step.NOT_BETTER
    assert arms[:6] == [Arm.CANDIDATE] * 2 + [Arm.INCUMBENT] * 4
    assert isinstance(judge, Race)
    assert (judge.confidence, judge.stakes) == (Exact(10.0).confidence, Exact(10.0).stakes) == (3.6, NORMAL)
    assert isinstance(judge.close(False), Race)


def test_an_incumbent_that_gives_another_number_turns_the_metric_noisy() -> None:
    judge: Judge = Exact(10.0).see(Arm.INCUMBENT, 10.0)
    assert judge.finding().step is Step.CANDIDATE

    judge = judge.see(Arm.INCUMBENT, 10.5)

    assert judge.finding().step is Step.INCUMBENT
    assert isinstance(judge.see(Arm.INCUMBENT, 10.2).see(Arm.INCUMBENT, 10.1), Race)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([5.0], Nature.ASSUMED),
        ([5.0, 5.0], Nature.EXACT),
        ([5.0, 5.0, 5.1], Nature.NOISY),
        ([5.01234, 5.01234, 5.11], Nature.SEEDED),
        ([10260.0, 10260.0, 11371.0], Nature.SEEDED),
        ([5.0, 5.1], Nature.NOISY),
        ([5.0, 5.1, 5.0], Nature.NOISY),
    ],
)
def test_the_baselines_runs_tell_the_nature_of_the_metric(values: list[float], expected: Nature) -> None:
    assert nature(values) is expected


@pytest.mark.parametrize(
    ("noise", "values", "runs"),
    [
        ("auto", [], 5),
        ("auto", [12.0, 12.0], 5),
        ("auto", [2.0249434, 2.0249434], 3),
        ("auto", [12345.0], 3),
        ("auto", [12.0, 12.5], 6),
        ("auto", [12.0, 12.0, 12.5], 6),
        ("none", [12.0], 1),
        ("7", [12.0], 7),
    ],
)
def test_a_baseline_takes_as_many_runs_as_it_needs(noise: str, values: list[float], runs: int) -> None:
    assert baseline_runs(noise, values) == runs


def test_a_baseline_of_which_only_the_first_run_differs_can_start() -> None:
    assert judge_from(Plan(), [11.0, 10.0, 10.0, 10.0, 10.0, 10.0], range(6)).spread > 0


@pytest.mark.parametrize(
    ("value", "count"), [(92.5, 3), (0.0012, 2), (1e-7, 1), (123456.0, 6), (-2.0249434, 8), (0.0, 0)]
)
def test_significant_digits(value: float, count: int) -> None:
    assert digits(value) == count


def test_a_stricter_error_rate_asks_for_more_evidence() -> None:
    assert [confidence_for(rate) for rate in (0.01, 0.05, 0.2)] == pytest.approx([3.95, 3.6, 3.1])
    assert confidence_for(1e-9) == 5
    assert confidence_for(0.999) >= 2


def test_few_degrees_of_freedom_make_the_same_t_less_telling() -> None:
    assert normal(4, 4) < normal(4, 20) < normal(4, 1e6) < 4.0001
    assert normal(-4, 20) == -normal(4, 20)


def test_the_median_rule_decides_by_the_median_and_confirms_if_asked() -> None:
    values = [8.0, 50.0, 9.0, 12.0]
    for rule, step in ((Median(10, 3), Step.BETTER), (Confirmed(10, 3), Step.NOT_BETTER)):
        judge, found, _ = decided(rule, in_order(*values))
        assert found.step is step
    assert judge.close(True).level == 9.0


def test_the_mad_rule_asks_for_twice_the_deviation_of_all_runs() -> None:
    rule = MadRatio(10.0, (10.0, 11.0, 9.0, 10.5, 9.5))

    assert decided(rule, lambda arm: 9.5)[1].step is Step.NOT_BETTER
    assert decided(rule, lambda arm: 7.0)[1].step is Step.BETTER


def test_a_least_difference_is_believed_when_a_second_run_lies_within_a_hundredth() -> None:
    for second, step in ((8.95, Step.BETTER), (9.5, Step.NOT_BETTER), (8.5, Step.NOT_BETTER)):
        assert decided(MinDelta(10.0), in_order(9.0, second), Threshold(0.5))[1].step is step
    assert decided(MinDelta(10.0), in_order(9.9), Threshold(0.5))[1].step is Step.NOT_BETTER


def test_signed_ranks_are_counted_out() -> None:
    assert signed_rank([-1, 2, 3]) == 2 / 8
    assert signed_rank([1, 1, -1, 0]) == 4 / 8
    assert signed_rank(range(1, 11)) == 1 / 1024
    assert signed_rank([0.0]) == 1.0


@pytest.mark.parametrize(
    ("effect", "step", "runs"), [(3.0, Step.BETTER, 20), (-1.0, Step.NOT_BETTER, 20), (0.7, Step.NOT_BETTER, 40)]
)
def test_signed_ranks_take_ten_blocks_and_twenty_when_ten_leave_it_open(effect: float, step: Step, runs: int) -> None:
    _, found, arms = decided(SignedRank(), gaussian(effect, 3))

    assert (found.step, len(arms)) == (step, runs)
    assert all(set(arms[first : first + 2]) == set(Arm) for first in range(0, runs, 2))
    assert {arms[first] for first in range(0, runs, 2)} == set(Arm)


@pytest.mark.parametrize(("share", "step"), [(0.94, Step.BETTER), (1.0, Step.NOT_BETTER)])
def test_a_duet_feels_nothing_that_moves_both_runs_of_a_pair(share: float, step: Step) -> None:
    noise = random.Random(5)
    duet, runs = duet_from([100 + noise.gauss(0, 1) for _ in range(12)]), itertools.count()

    def draw(arm: Arm) -> float:
        level = 100 + 10 * (next(runs) // 2)
        return level * (share if arm is Arm.CANDIDATE else 1.0) * (1 + noise.gauss(0, 0.01))

    _, found, arms = decided(duet, draw)

    assert found.step is step
    assert arms == [Arm.CANDIDATE, Arm.INCUMBENT] * (len(arms) // 2)
    assert found.claim is not None
    assert found.claim.gain == pytest.approx(-math.log(share), abs=0.02)


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        ([True], True),
        ([False], None),
        ([False, False], False),
        ([False, True], None),
        ([False, True, True], True),
        ([False, True, False], False),
    ],
)
def test_a_red_guard_is_asked_again_before_it_counts(outcomes: list[bool], expected: bool | None) -> None:
    assert settled(outcomes) is expected


@pytest.mark.parametrize(
    ("guard", "values", "baseline", "expected"),
    [
        ("ms lower 10%: x", [109.0], [100.0, 100.0], True),
        ("ms lower 10%: x", [111.0], [100.0, 100.0], False),
        ("ms lower 10%: x", [110.0], [100.0, 100.0], True),
        ("ops higher 5: x", [94.0], [100.0, 100.0], False),
        ("ops higher 5: x", [95.0], [100.0, 100.0], True),
        ("ms lower 10: x", [111.0], [95.0, 105.0, 100.0, 98.0, 102.0], None),
        ("ms lower 10: x", [125.0], [95.0, 105.0, 100.0, 98.0, 102.0], False),
        ("ms lower 10: x", [90.0], [95.0, 105.0, 100.0, 98.0, 102.0], True),
        ("ms lower 10: x", [111.0] * 8, [95.0, 105.0, 100.0, 98.0, 102.0], False),
        ("ms lower 10: x", [109.0] * 8, [95.0, 105.0, 100.0, 98.0, 102.0], True),
        ("ms lower 10: x", [110.5], [100.0], False),
        ("ms lower 10: x", [111.0], [95.0, 105.0], None),
    ],
)
def test_a_guards_number_is_tested_for_not_being_worse(
    guard: str, values: list[float], baseline: list[float], expected: bool | None
) -> None:
    assert within(parse_guard_metric(guard), values, baseline) is expected


def test_a_guards_baseline_takes_two_equal_runs_or_five() -> None:
    assert [enough_for_baseline([1.0] * n) for n in (1, 2)] == [False, True]
    assert [enough_for_baseline([1.0, 2.0, 1.5, 1.0, 3.0][:n]) for n in (2, 4, 5)] == [False, False, True]


DIFF = """diff --git a/app.py b/app.py
index 1..2 100644
--- a/app.py
+++ b/app.py
@@ -1,2 +1,2 @@
-rate = {old}
+rate =  {new}
 same
"""


def test_a_change_is_known_again_whatever_its_spacing_turned_round_or_with_other_numbers() -> None:
    change = fingerprints(DIFF.format(old="0.1", new="0.2"))

    assert fingerprints(DIFF.format(old="0.1", new="0.2").replace("=  ", "= ")) == change
    assert fingerprints(DIFF.format(old="0.2", new="0.1")).inverse == change.change
    assert fingerprints(DIFF.format(old="0.1", new="0.3")).change != change.change
    assert fingerprints(DIFF.format(old="0.1", new="0.3")).shape == change.shape
    assert fingerprints(DIFF.format(old="0.1", new="fast")).shape != change.shape
    assert fingerprints(DIFF.format(old="0.1", new="0.2").replace("app.py", "b.py")).change != change.change


HUNK = "diff --git a/app.py b/app.py\nindex 1..2 100644\n--- a/app.py\n+++ b/app.py\n@@ -1,4 +1,4 @@\n"
BINARY = "diff --git a/app.py b/app.py\nindex 1..{}\nBinary files a/app.py and b/app.py differ\n"
UNLIKE = {
    "out of one loop and out of two": (
        f"{HUNK} for a in x:\n     for b in a:\n         f(b)\n-        end()\n+    end()\n again()\n",
        f"{HUNK} for a in x:\n     for b in a:\n         f(b)\n-        end()\n+end()\n again()\n",
    ),
    "contents that git shows no lines of": (BINARY.format(2), BINARY.format(3)),
    "a mode": ("diff --git a/app.py b/app.py\nold mode 100644\nnew mode 100755\n", ""),
    "an empty file": ("diff --git a/new b/new\nnew file mode 100644\nindex 0..e\n", ""),
}


@pytest.mark.parametrize(("one", "other"), UNLIKE.values(), ids=UNLIKE)
def test_changes_that_do_not_do_the_same_are_told_apart(one: str, other: str) -> None:
    assert fingerprints(one).change not in {fingerprints(other).change, fingerprints(one).inverse}


def test_how_far_a_block_is_indented_makes_no_other_change() -> None:
    one, other = (f"{HUNK} if a:\n+{wide}f(b)\n+{wide}{wide}g()\n again()\n" for wide in ("    ", "\t "))

    assert fingerprints(one) == fingerprints(other)


def test_the_chance_of_luck_falls_with_the_bar() -> None:
    assert chance_a_try(4.5) < chance_a_try(3.6) < chance_a_try(3.1) == chance_a_try(2.0)


def scattering(values: dict[Arm, float], sign: int, noise: random.Random) -> Draw:
    """Runs that scatter by 5 %."""
    return lambda arm: sign * values[arm] * math.exp(noise.gauss(0, 0.05))


@pytest.mark.parametrize("sign", [1, -1])
def test_a_metric_that_touches_zero_is_compared_by_differences(sign: int) -> None:
    values = [sign * value for value in (2.0, 1.0, 0.0, 3.0, 1.5)]

    assert race_from(values, 3.6).scale is LINEAR
    assert race_from([*values[:2], *values[3:]], 3.6).scale.relative


@pytest.mark.parametrize("sign", [1, -1])
def test_noise_in_proportion_to_the_metric_does_not_drown_what_is_left_of_it(sign: int) -> None:
    noise = random.Random(4)
    judge: Judge = race_from([sign * 500 * math.exp(sign * noise.gauss(0, 0.05)) for _ in range(5)], 3.6)
    kept = []
    for factor in (0.02, 0.01, 0.0099):
        values = {Arm.CANDIDATE: 500 * factor**sign, Arm.INCUMBENT: abs(judge.level)}
        judge, found, _ = decided(judge, scattering(values, sign, noise))
        kept.append(found.step is Step.BETTER)
        judge = judge.close(kept[-1])

    assert kept == [True, True, False]


def test_a_value_of_zero_is_far_better_than_any_ratio_and_breaks_nothing() -> None:
    _, found, _ = decided(race(), lambda arm: 0.0 if arm is Arm.CANDIDATE else 100.0)

    assert found.step is Step.BETTER
    assert found.gain == pytest.approx(100, abs=2)
