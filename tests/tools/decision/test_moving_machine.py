"""The race on a machine that changes under it, and on seeds: exact sequences of runs, and what each of them must lead to."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
from same_tree import World, begun, measured

from autoresearch_mcp.tools.decision.calibration import judge_from, words
from autoresearch_mcp.tools.decision.decide import NextStep
from autoresearch_mcp.tools.decision.exact import Exact
from autoresearch_mcp.tools.decision.judging import Arm, Finding, Judge, Step, Threshold
from autoresearch_mcp.tools.decision.noise import DRIFTS
from autoresearch_mcp.tools.decision.race import Race, race_from
from autoresearch_mcp.tools.decision.scale import LINEAR
from autoresearch_mcp.tools.decision.scatter import Own, Scatter, normal, own
from autoresearch_mcp.tools.decision.seeded import Seeded, seeded_from
from autoresearch_mcp.tools.decision.stakes import NORMAL, longer, stakes_for
from autoresearch_mcp.tools.decision.turns import Turns
from autoresearch_mcp.tools.plan.model import Effort, Plan
from autoresearch_mcp.tools.session.events import Committed, Verified
from autoresearch_mcp.tools.session.fold import advance

LEVEL = [100, 101, 99, 100.5, 99.5]
"""Runs of an incumbent that gives 100 and scatters by about 0.9."""
C, I = Arm.CANDIDATE, Arm.INCUMBENT


def fresh(threshold: Threshold | None = None) -> Race:
    return race_from(LEVEL, 3.6).open(threshold or Threshold())


def run(judge: Judge, *runs: tuple[Arm, float]) -> Judge:
    """Give runs to a rule, each of the arm that it asks for."""
    for arm, value in runs:
        asked = judge.finding().step
        assert asked is (Step.CANDIDATE if arm is C else Step.INCUMBENT), f"{asked} instead of {arm}"
        judge = judge.see(arm, value)
    return judge


def to_the_end(judge: Judge, draw: Callable[[Arm], float]) -> tuple[Judge, Finding, int]:
    count = 0
    while not (found := judge.finding()).step.decided:
        judge = judge.see(C if found.step is Step.CANDIDATE else I, draw(C if found.step is Step.CANDIDATE else I))
        count += 1
    return judge, found, count


def test_a_far_worse_first_run_is_not_judged_before_the_incumbent_has_run_too() -> None:
    judge = run(fresh(), (C, 160.0))

    assert judge.finding().step is Step.INCUMBENT
    assert run(judge, (I, 100.0)).finding().step is Step.NOT_BETTER


def test_a_change_that_is_plainly_worse_is_called_worse_and_not_noise() -> None:
    assert run(fresh(), (C, 160.0), (I, 100.0)).finding().why.endswith(": worse.")


def test_a_race_that_ran_out_of_runs_says_which_half_of_the_evidence_was_missing() -> None:
    luck = random.Random(536)
    quick = race_from(LEVEL, 3.6, stakes_for(Effort.QUICK, 0)).open(Threshold())
    _, found, _ = to_the_end(quick, lambda arm: (97.6 if arm is C else 100) + luck.gauss(0, 1))

    assert found.step is Step.INCONCLUSIVE
    assert found.evidence is not None
    assert found.needed is not None
    assert found.evidence > found.needed
    assert "but the runs in turn after the first, which selected it, show 3.9 of 4.1" in found.why


@pytest.mark.parametrize(("slower", "following"), [(1.0, NextStep.UNDO), (1.5, NextStep.COMPARE)])
def test_the_reference_workload_tells_at_the_first_try_that_the_machine_moved(
    slower: float, following: NextStep
) -> None:
    session = begun(World(random.Random(1)), "normal")
    change = Committed(iteration=1, commit="1", tree="", description="d", files=(), added=1, removed=0)
    ran = Verified(iteration=1, measurement=measured((100.0, (0.0003 * slower, 0.0003 * slower))))
    verdict = advance(advance(session, change, 0.0), ran, 0.0).verdict

    assert verdict is not None
    assert verdict.next is following


@pytest.mark.parametrize("factor", [0.4, 1.5, 2.0, 3.0])
def test_a_gain_of_a_fifth_survives_the_moment_in_which_the_machine_changes_for_good(factor: float) -> None:
    noise = random.Random(5)
    judge, found, count = to_the_end(fresh(), lambda arm: factor * (80 if arm is C else 100) * noise.gauss(1, 0.005))

    assert found.step is Step.BETTER
    assert count < 12
    assert found.gain == pytest.approx(factor * 20, rel=0.15)
    assert judge.close(True).level == pytest.approx(factor * 80, rel=0.03)


RESTLESS = [1.00201, 1.00931, 0.99529, 0.99652, 0.9959, 0.9982]
"""Runs of an incumbent that looks far quieter than it is, as six runs may."""


def test_a_large_gain_on_a_machine_that_moved_is_not_put_down_to_the_machine() -> None:
    judge: Judge = race_from(RESTLESS, 3.6).open(Threshold())

    judge = run(judge.see(C, 0.00413, 0, moved=True), (I, 0.96))

    assert judge.level == pytest.approx(0.96, rel=0.01), "the change is no reason to move the level"
    incumbent, change = iter((1.0815, 0.992, 1.0939, 1.0015)), iter((0.00394, 0.00383))
    _, found, count = to_the_end(judge, lambda arm: next(change if arm is C else incumbent))
    assert found.step is Step.BETTER
    assert count <= 6
    assert found.gain == pytest.approx(1, rel=0.1)


def test_two_far_runs_of_the_incumbent_that_do_not_agree_show_noise_and_no_move() -> None:
    judge = run(fresh(), (C, 97.5), (C, 97.6), (I, 106.0), (I, 115.0))

    assert isinstance(judge, Race)
    assert judge.turns.spent == 0
    assert len(judge.turns.incumbent) == 2
    assert judge.spread > 3


def test_two_far_runs_of_the_incumbent_that_agree_show_a_move() -> None:
    judge = run(fresh(), (C, 97.5), (C, 97.6), (I, 115.0), (I, 116.0))

    assert isinstance(judge, Race)
    assert judge.turns.spent == 4
    assert judge.level == pytest.approx(115.5, rel=0.01)
    assert judge.spread < 2


def test_where_the_machine_is_known_to_have_changed_a_gain_that_hides_it_is_found() -> None:
    judge: Judge = fresh().see(C, 100.0, 0, moved=True)
    assert judge.finding().step is Step.INCUMBENT

    judge, found, _ = to_the_end(judge, lambda arm: (100.0 if arm is C else 200.0) + random.Random(1).gauss(0, 0.1))

    assert found.step is Step.BETTER
    assert found.gain == pytest.approx(100, rel=0.1)


def test_a_machine_that_changed_without_a_trace_in_the_metric_costs_one_run() -> None:
    judge = run(fresh().see(C, 100.6, 0, moved=True), (I, 100.2))

    assert judge.finding().step is Step.NOT_BETTER
    assert judge.close(False).level == pytest.approx(100.1, abs=0.3)


def test_a_change_that_is_ahead_only_because_the_machine_got_faster_is_dropped_and_the_level_follows() -> None:
    judge = run(fresh(), (C, 92.0), (I, 92.2))

    assert judge.finding().step is Step.NOT_BETTER
    assert judge.close(False).level == pytest.approx(92.2, abs=0.3)


def test_a_run_of_the_incumbent_that_shows_a_move_is_a_look_at_it() -> None:
    judge = replace(race_from([100, 101, 99, 100.5, 99.5], 3.6), quiet=5).open(Threshold()).see(C, 130.0).see(I, 131.0)

    assert judge.level > 120
    assert judge.quiet == 0


def test_an_incumbent_that_surprises_on_the_other_side_moves_nothing_at_once() -> None:
    judge = run(fresh(), (C, 92.0), (I, 108.0))

    assert 100 < judge.level < 103


def test_three_first_runs_in_a_row_that_are_a_little_worse_ask_what_the_incumbent_gives_now() -> None:
    judge: Judge = race_from(LEVEL, 3.6)
    steps = []
    for _ in range(3):
        judge = run(judge.open(Threshold()), (C, 102.5))
        steps.append(judge.finding().step)
        judge = judge.close(False)

    assert steps == [Step.NOT_BETTER, Step.NOT_BETTER, Step.INCUMBENT]


def test_a_row_is_broken_by_a_run_that_is_not_worse() -> None:
    judge: Judge = race_from(LEVEL, 3.6)
    for value in (102.5, 102.5, 100.0, 102.5, 102.5):
        judge = run(judge.open(Threshold()), (C, value))
        assert judge.finding().step is Step.NOT_BETTER
        judge = judge.close(False)


def test_a_freak_run_of_the_incumbent_is_run_again_at_once_and_moves_the_level_little() -> None:
    judge = run(fresh(), (C, 97.5), (C, 97.6), (I, 160.0))
    assert judge.finding().why.startswith("A run of the incumbent lies far")

    judge = run(judge, (I, 100.0))

    assert isinstance(judge, Race)
    assert judge.turns.incumbent
    assert judge.level < 103


def test_two_freak_runs_of_the_incumbent_that_agree_move_the_level_and_begin_the_race_again() -> None:
    judge = run(fresh(), (C, 97.5), (C, 97.6), (I, 160.0), (I, 158.0))

    assert isinstance(judge, Race)
    assert judge.level == pytest.approx(159, abs=0.6)
    assert judge.turns == Turns(spent=4)
    assert judge.finding().step is Step.CANDIDATE
    assert "begins anew, after 4 runs" in judge.finding().why


def test_a_race_that_begins_anew_may_take_all_its_runs_again() -> None:
    noise = random.Random(1)
    judge = run(replace(fresh(), stakes=replace(NORMAL, cap=12)), (C, 97.5), (C, 97.6), (I, 160.0), (I, 158.0))

    judge, found, count = to_the_end(judge, lambda arm: (156.2 if arm is C else 159.0) + noise.gauss(0, 0.8))

    assert found.step is Step.BETTER
    assert 8 < count <= 12


def test_a_race_whose_runs_were_all_spent_before_the_machine_moved_ends_undecided() -> None:
    judge = run(replace(fresh(), stakes=replace(NORMAL, cap=4)), (C, 97.5), (C, 97.6), (I, 160.0), (I, 158.0))

    assert judge.finding().step is Step.INCONCLUSIVE
    assert "inconclusive after 4 runs" in judge.finding().why


def test_what_is_sure_by_all_that_is_known_is_kept_only_when_the_runs_in_turn_are_ahead_by_themselves() -> None:
    held_back = 0
    for seed in range(60):
        noise = random.Random(seed)
        judge: Judge = race_from([100 + noise.gauss(0, 1) for _ in range(5)], 3.6).open(Threshold())
        while not (found := judge.finding()).step.decided:
            held_back += found.evidence is not None and found.evidence >= (found.needed or 0.0)
            arm = C if found.step is Step.CANDIDATE else I
            judge = judge.see(arm, 100 - 2.5 * (arm is C) + noise.gauss(0, 1))
        if found.step is Step.BETTER:
            assert isinstance(judge, Race)
            bar = (found.needed or 0.0) - 1.0
            assert judge.scatter.in_turn(judge.turns.candidate[1:], judge.turns.incumbent, judge.bank.sigma) >= min(
                bar, 2.6
            )

    assert held_back > 10


def test_equal_seeds_that_bring_equal_noise_decide_by_their_differences() -> None:
    luck = {0: -3.0, 1: -1.0, 2: 3.0, 3: -4.0, 4: 4.0, 5: -2.0, 6: 5.0}
    noisy = replace(
        race_from([100 + 2 * value for value in luck.values()], 3.6),
        pairs=(20.0, 400.0),
        scatter=Scatter((1e-6, 1e-6, 1e-6, 0.999997)),
    )
    judge, seeds, count = noisy.open(Threshold()), list(luck), 0
    while not (found := judge.finding()).step.decided:
        arm = C if found.step is Step.CANDIDATE else I
        assert isinstance(judge, Race)
        seed = seeds[len(judge.turns.candidate)] if found.seed is None else found.seed
        judge = judge.see(arm, 100 + 2 * luck[seed] - (9 if arm is C else 0) + 0.01 * count, seed)
        count += 1

    assert isinstance(judge, Race)
    assert found.step is Step.BETTER
    assert judge.turns.seeds[: len(judge.turns.their_seeds)] == judge.turns.their_seeds[: len(judge.turns.seeds)]
    known = judge.bank.best.effect / (judge.bank.sigma * math.sqrt(judge.bank.best.covariance[2]))
    assert normal(-known, judge.bank.best.runs) < 3.6, "by runs that know nothing of each other it was not enough"
    assert found.needed == pytest.approx(3.8)
    assert found.evidence is not None
    assert found.evidence >= 3.8
    assert f"{found.evidence:.1f} standard errors of evidence, 3.8 needed" in found.why


def test_the_kth_runs_of_both_arms_have_one_seed_also_in_a_long_race_and_after_a_freak_run() -> None:
    longest = 0
    for number in range(20):
        noise, new = random.Random(number), 0
        judge: Judge = race_from(LEVEL, 3.6, stakes_for(Effort.THOROUGH, 0)).open(Threshold())
        while not (found := judge.finding()).step.decided:
            arm = C if found.step is Step.CANDIDATE else I
            new += found.seed is None
            freak = 40.0 if new == 5 and arm is I else 0.0
            value = 100 - (arm is C) + noise.gauss(0, 0.9) + freak
            judge = judge.see(arm, value, new if found.seed is None else found.seed)
            assert isinstance(judge, Race)
            ours, theirs = judge.turns.seeds, judge.turns.their_seeds
            assert ours[: len(theirs)] == theirs[: len(ours)]
            longest = max(longest, judge.turns.count)

    assert longest > 20


def test_the_bar_rises_on_a_machine_that_drifts_where_commits_differ_and_in_a_long_session() -> None:
    judge = run(fresh(), (C, 98.0))
    assert isinstance(judge, Race)
    calm = judge.finding().needed
    filters = tuple(
        replace(belief, runs=50, squares=50 * judge.bank.sigma**2, logs=-20.0 * (belief.drift == DRIFTS[3]))
        for belief in judge.bank.filters
    )
    drifting = replace(judge, bank=replace(judge.bank, filters=filters))
    uneven = replace(judge, scatter=Scatter((0.4, 0.4, 0.1, 0.1)))
    long = replace(judge, tries=1000)

    assert calm == 3.6
    assert drifting.finding().needed == uneven.finding().needed == pytest.approx(3.9)
    assert long.finding().needed == pytest.approx(3.6 + 0.2 + 0.55)
    assert longer(100) == 0
    assert longer(101) == pytest.approx(0.2, abs=0.01)


def test_the_worth_of_the_sessions_scatter_falls_when_a_commit_scatters_otherwise() -> None:
    even, uneven = Scatter(), Scatter()
    for _ in range(6):
        even = even.learnt(Own(4.0, 4), 1.0)
        uneven = uneven.learnt(Own(120.0, 4), 1.0)

    assert even.alike
    assert not uneven.alike
    assert sum(uneven.weights) == pytest.approx(1)
    assert uneven.weights[0] > 0.9


def test_evidence_of_a_change_with_a_scatter_of_its_own_counts_less() -> None:
    calm, wild = [95.0, 95.5, 94.5, 95.0], [80.0, 110.0, 85.0, 105.0]
    incumbent = [100.0, 100.5, 99.5, 100.0]

    assert Scatter().in_turn(calm, incumbent, 1.0) > 4
    assert Scatter().in_turn(wild, incumbent, 1.0) < 1.5


def test_the_own_scatter_of_four_runs_leaves_the_farthest_out_and_makes_up_for_it() -> None:
    noise = random.Random(1)
    samples = [own([noise.gauss(0, 1) for _ in range(6)]) for _ in range(3000)]

    assert own([1.0, 1.0, 1.0, 50.0]) == Own(0.0, 2)
    assert sum(sample.squares for sample in samples) / sum(sample.degrees for sample in samples) == pytest.approx(
        1, abs=0.06
    )


def test_a_number_of_another_sign_ends_the_comparison_by_ratios_and_keeps_what_was_learnt() -> None:
    judge = run(fresh(), (C, 0.0), (I, 100.0), (C, 0.0))

    assert isinstance(judge, Race)
    assert judge.scale is LINEAR
    assert judge.level == pytest.approx(100, abs=1)
    assert judge.spread == pytest.approx(fresh().spread, rel=0.7)
    assert judge.finding().gain == pytest.approx(100, abs=2)


@pytest.mark.parametrize(
    ("effort", "most", "cap"), [("quick", 0, 12), ("normal", 0, 32), ("thorough", 0, 60), ("thorough", 120, 120)]
)
def test_the_effort_names_the_most_runs_of_a_decision_unless_the_plan_does(effort: str, most: int, cap: int) -> None:
    assert stakes_for(Effort(effort), most).cap == cap


SEEDS = list(range(6))
LUCK = {seed: random.Random(seed).gauss(0, 1) for seed in range(100)}


def seeded(values: Sequence[int] = (0, 0, 1, 2, 3, 4)) -> Seeded:
    return seeded_from([100 + LUCK[seed] for seed in values], values, 3.6)


def on_seeds(judge: Judge, gain: float, own_noise: float = 0.0) -> tuple[Judge, Finding, list[tuple[Arm, int]]]:
    """One proposal on seeds: what it adds to each is `gain` and a little of its own."""
    judge, runs, new = judge.open(Threshold()), [], 50
    while not (found := judge.finding()).step.decided:
        arm, seed = (C if found.step is Step.CANDIDATE else I), found.seed
        if seed is None:
            new += 1
            seed = new
        runs.append((arm, seed))
        extra = own_noise * random.Random(f"{gain} {seed}").gauss(0, 1) if arm is C else 0.0
        judge = judge.see(arm, 100 + LUCK[seed] - (gain if arm is C else 0.0) + extra, seed)
    return judge, found, runs


def test_on_seeds_a_loser_costs_one_run_and_none_of_the_incumbents() -> None:
    _, found, runs = on_seeds(seeded(), -0.3)

    assert (found.step, runs) == (Step.NOT_BETTER, [(C, runs[0][1])])
    assert runs[0][1] in range(5)


def test_on_seeds_a_gain_far_below_the_scatter_is_kept_after_one_seed_that_is_new_to_both() -> None:
    judge: Judge = seeded()
    for loss in (0.02, -0.01, 0.03, -0.02, 0.01, -0.03):  # tries that do nothing teach how little such a change does
        judge = on_seeds(judge, -abs(loss))[0].close(False)

    ended, found, runs = on_seeds(judge, 0.5, 0.01)

    assert found.step is Step.BETTER
    assert len(runs) == 4
    new = runs[1][1]
    assert runs[1:] == [(C, new), (I, new), (I, runs[0][1])]
    assert new > 50
    assert found.claim is not None
    assert found.gain == pytest.approx(0.5, abs=0.05)
    assert ended.close(True).level == pytest.approx(sum(100 + LUCK[s] - 0.5 for _, s in runs[:2]) / 2, abs=0.05)


def test_on_seeds_a_change_that_is_ahead_only_where_the_incumbent_is_remembered_is_not_kept() -> None:
    judge: Judge = seeded().open(Threshold())
    new = 50
    while not (found := judge.finding()).step.decided:
        new += found.seed is None
        seed = new if found.seed is None else found.seed
        gain = 6.0 * (seed < 50) * (found.step is Step.CANDIDATE)  # it knows the seeds that stand in the journal
        judge = judge.see(C if found.step is Step.CANDIDATE else I, 100 + LUCK[seed] - gain, seed)

    assert found.step is Step.INCONCLUSIVE


def test_on_seeds_the_same_number_on_the_same_seed_is_no_change() -> None:
    _, found, runs = on_seeds(seeded(), 0.0)

    assert (found.step, len(runs)) == (Step.NOT_BETTER, 1)
    assert "gives the same number" in found.why


def test_on_seeds_an_incumbent_that_no_longer_gives_what_it_gave_ends_the_exact_comparison_before_a_keep() -> None:
    judge: Judge = seeded().open(Threshold())
    new = 50
    while isinstance(judge, Seeded):
        found = judge.finding()
        assert not found.step.decided
        new += found.seed is None
        seed = new if found.seed is None else found.seed
        if found.step is Step.CANDIDATE:
            judge = judge.see(C, 95 + LUCK[seed], seed)
        else:
            judge = judge.see(I, 100 + LUCK[seed] + 4 * (seed < 50), seed)

    assert isinstance(judge, Race)


def test_on_seeds_code_that_computes_the_same_teaches_nothing_of_changes_that_do_something() -> None:
    judge: Judge = seeded()
    for _ in range(20):
        judge = on_seeds(judge, 0.0)[0].close(False)
    first = judge.open(Threshold()).finding().seed
    assert first is not None

    judge = judge.open(Threshold()).see(C, 100 + LUCK[first] - 0.5, first)

    evidence = judge.finding().evidence
    assert evidence is not None
    assert evidence < 3


def test_on_seeds_each_try_begins_on_another_remembered_seed() -> None:
    judge: Judge = seeded()
    first = []
    for _ in range(5):
        judge, _, runs = on_seeds(judge, -1)
        first.append(runs[0][1])
        judge = judge.close(False)

    assert sorted(first) == [0, 1, 2, 3, 4]


def test_a_seed_that_gives_two_numbers_for_the_same_code_turns_to_the_race_for_good() -> None:
    judge: Judge = seeded().open(Threshold())

    judge = judge.see(I, 100 + LUCK[2] + 0.1, 2)

    assert isinstance(judge, Race)
    assert judge.scale.relative
    assert isinstance(seeded().open(Threshold()).see(C, 99.0, 1).see(C, 99.2, 1), Race)


@pytest.mark.parametrize("incumbent", [100.0, 130.0])
def test_no_run_is_lost_when_a_metric_turns_out_noisy_late(incumbent: float) -> None:
    late: Judge = Exact(100.0).open(Threshold()).see(C, 80.0).see(C, 80.4)
    for value in (100.1, 99.9, 100.2, 100.0):
        late = late.see(I, value)
    on_seed = seeded().open(Threshold()).see(C, 70.0, 1).see(C, 71.0, 2).see(I, incumbent, 1)

    assert isinstance(late, Race)
    assert isinstance(on_seed, Race)
    assert len(late.turns.candidate) == len(on_seed.turns.candidate) == len(on_seed.turns.seeds) == 2
    assert len(on_seed.turns.incumbent) + (on_seed.turns.doubted is not None) == 1


def test_the_bar_that_is_told_is_that_of_the_effort() -> None:
    plan, values = Plan(effort="thorough"), [100.5, 100.0, 101.0, 99.0, 100.5, 99.5]
    judge = judge_from(plan, values, range(6))

    assert "until the evidence is 4.1 standard errors, 4.4 while" in words(values, judge)


def test_on_seeds_a_metric_that_crosses_zero_is_compared_by_differences() -> None:
    judge = seeded().open(Threshold()).see(C, -1.0, 1)

    assert isinstance(judge, Seeded)
    assert judge.scale is LINEAR
    assert judge.level == pytest.approx(seeded().level, abs=0.1)
    assert judge.spread == pytest.approx(seeded().spread, rel=0.1)


def test_a_plain_gain_is_kept_after_three_runs_though_one_of_them_is_far_from_the_others() -> None:
    judge = run(race_from([1.0, 1.006, 0.998, 1.004, 1.001, 1.01], 3.6).open(Threshold()), (C, 0.137), (I, 1.005))
    judge = run(judge, (C, 0.132), (C, 0.223))

    assert judge.finding().step is Step.BETTER
