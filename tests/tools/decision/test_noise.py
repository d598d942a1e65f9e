"""Noise on real git: a verify command that scatters, and what the session makes of it."""

from __future__ import annotations

import random
import sqlite3
from pathlib import Path

import pytest

from autoresearch_mcp.tools.decision.decide import Status
from autoresearch_mcp.tools.errors import Code, Refusal
from autoresearch_mcp.tools.vocabulary import Phase
from conftest import PYTHON, Project

NOISY = """
import os, pathlib, random
place = pathlib.Path(os.environ["RUNS"])
runs = int(place.read_text()) if place.exists() else 0
place.write_text(str(runs + 1))
value = float(pathlib.Path("value.txt").read_text())
print(value + eval(os.environ["NOISE"], {"run": runs, "gauss": random.Random(runs).gauss, "seed": os.environ["AUTORESEARCH_SEED"], "Random": random.Random}))
"""


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A repository whose metric scatters by 1 around `value.txt`, differently in each run."""
    monkeypatch.setenv("RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("NOISE", "gauss(0, 1)")
    plan = {"guards": (), "protected": ("ruler.py",), "environment": ("RUNS", "NOISE")}
    project = Project(tmp_path / "repo", verify=f"{PYTHON} ruler.py", **plan)
    project.write("ruler.py", NOISY).write("value.txt", "100\n").commit("a noisy ruler")
    return project


def runs(project: Project) -> int:
    return int((project.root.parent / "runs").read_text())


def test_the_baseline_tells_in_words_how_noisy_the_metric_is(lab: Project) -> None:
    started = lab.sessions.start_session(lab.plan)

    assert "noisy (6 runs of the same code): one run scatters by" in started.noise
    assert len(set(started.samples)) == 6
    assert started.baseline == pytest.approx(100, abs=2)


def test_a_metric_that_repeats_costs_one_run_a_try(lab: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOISE", "0.125")
    started = lab.sessions.start_session(lab.plan)
    before = runs(lab)

    answers = [lab.try_value(value) for value in (101, 102, 103, 104)]

    assert "gave the same number" in started.noise
    assert {answer.status for answer in answers} == {Status.DISCARD}
    assert runs(lab) == before + 4


def test_a_keep_of_a_metric_that_repeats_costs_two_runs_more_one_of_each_arm(
    lab: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOISE", "0.125")
    lab.start()
    before = runs(lab)

    assert lab.try_value(99).status is Status.KEEP
    assert runs(lab) == before + 3
    assert lab.try_value(98).status is Status.KEEP
    assert runs(lab) == before + 6


def test_a_loser_far_off_costs_one_run_and_one_of_the_incumbent_because_the_machine_may_have_moved(
    lab: Project,
) -> None:
    lab.start()
    before = runs(lab)

    answer = lab.try_value(110)

    assert answer.status is Status.DISCARD
    assert runs(lab) == before + 2


def test_a_clear_winner_is_run_in_turn_with_the_incumbent_and_kept(lab: Project) -> None:
    lab.start()

    answer = lab.try_value(90)

    assert answer.status is Status.KEEP
    assert answer.effect is not None
    assert len(answer.effect.samples) >= 2
    assert len(answer.effect.incumbent) >= 1
    assert answer.effect.high is not None
    assert answer.delta is not None
    assert -10 < answer.effect.high < 0
    assert answer.effect.delta == pytest.approx(answer.delta, abs=0.5)
    assert "better" in answer.effect.words
    assert "in turn, put it" in answer.why
    assert answer.effect.evidence is not None
    assert answer.effect.evidence >= 3.6


def test_the_incumbent_is_measured_without_touching_the_users_checkout(lab: Project) -> None:
    lab.write("notes.txt", "committed\n").commit("notes").start()
    lab.write("mine.txt", "the user's own, untracked\n")
    before = lab.git("status", "--porcelain"), lab.git("stash", "list")
    (lab.root / "mine.txt").unlink()

    lab.try_value(90)

    assert (lab.git("status", "--porcelain"), lab.git("stash", "list")) == ("", before[1])
    assert lab.read("value.txt") == "90\n"


def test_both_runs_of_a_pair_get_the_same_seed_and_every_pair_another(lab: Project) -> None:
    lab.start()
    lab.try_value(90)

    receipts = lab.review.history(iteration=1).receipts
    arms: dict[str, list[int]] = {}
    for receipt in receipts:
        arms.setdefault(receipt.tree, []).append(receipt.seed)
    candidate, incumbent = arms.values()
    assert all(a == b for a, b in zip(candidate, incumbent, strict=False))
    assert len(set(candidate)) == len(candidate)


@pytest.mark.parametrize(("noise", "median"), [("gauss(0, 1)", True), ("0", False)])
def test_a_baseline_is_told_as_a_median_where_its_runs_differ(
    lab: Project, monkeypatch: pytest.MonkeyPatch, noise: str, median: bool
) -> None:
    monkeypatch.setenv("NOISE", noise)

    told = lab.sessions.start_session(lab.plan).lines()[0]

    assert told.endswith(", the median of its runs.") is median


def test_a_metric_that_follows_the_seed_is_told_as_such(lab: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOISE", "Random(seed).gauss(0, 1)")

    assert "exact for a seed" in lab.sessions.start_session(lab.plan).noise


def test_a_metric_that_is_exact_for_a_seed_costs_one_run_a_loser_and_five_a_winner(
    lab: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOISE", "Random(seed).gauss(0, 1)")
    lab.start()
    before, taken = runs(lab), []
    for value in (100.01, 100.02, 100.03, 100.04, 100.05, 99.5):
        status = lab.try_value(value).status
        taken.append(runs(lab) - before)
        before = runs(lab)

    assert status is Status.KEEP
    assert max(taken[:-1]) <= 3
    assert taken[-1] == 5
    found = lab.sessions.status()
    assert found.best == pytest.approx((found.baseline or 0.0) - 0.5, abs=0.11)  # both are told to a tenth


def test_a_metric_that_turns_noisy_later_is_caught_before_it_keeps_anything(
    lab: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOISE", "0.125")
    lab.start()
    monkeypatch.setenv("NOISE", "gauss(0, 1)")

    answers = [lab.try_value(f"100.{number:03}") for number in range(1, 7)]

    assert not [answer for answer in answers if answer.status is not Status.DISCARD]
    assert "one run scatters by" in lab.sessions.status().noise


def test_equal_and_shorter_is_kept_under_noise_if_the_plan_says_so(tmp_path: Path, lab: Project) -> None:
    lab.plan = lab.plan.model_copy(update={"ties": "simpler"})
    lab.start()
    statuses = []
    for lines in range(2, -1, -1):
        lab.write("app.txt", "line\n" * lines)
        statuses.append(lab.loop.iterate(f"{lines} lines").status)

    assert Status.KEEP_SIMPLER in statuses
    assert Status.KEEP not in statuses


def test_status_and_report_tell_noise_luck_and_what_the_keeps_claim(lab: Project) -> None:
    lab.start()
    lab.try_value(90)

    status, report = lab.sessions.status(), lab.review.report().report

    assert status.noise.startswith("one run scatters by")
    assert status.luck == "Chance that any kept change is luck: about 0.03 %."
    assert "One keep claims -" in report
    assert "no record was edited, and none is missing before the last" in report
    assert status.best == pytest.approx(90, abs=2.5)


def test_a_session_goes_on_with_what_it_had_learnt_after_a_restart(lab: Project) -> None:
    lab.start()
    lab.try_value(101)
    before = lab.sessions.status().noise

    lab.restart()

    assert lab.sessions.status().noise == before


def test_verify_step_by_step_runs_the_whole_race(lab: Project) -> None:
    lab.start()
    lab.write("value.txt", "90\n")
    lab.loop.commit("ninety")

    answer = lab.loop.verify()

    assert answer.verdict == "keep"
    assert len(answer.samples) >= 2
    assert lab.loop.log().status is Status.KEEP


def test_an_incumbent_that_cannot_be_measured_any_more_says_that_the_ruler_is_broken(
    lab: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab.start()
    # The ruler itself fails on the old value: the same command, another environment.
    monkeypatch.setenv("NOISE", "gauss(0, 1) if open('value.txt').read() == '90\\n' else 1/0")
    answer = lab.try_value(90)

    assert answer.status is Status.METRIC_ERROR
    assert "The incumbent itself could not be measured again" in answer.why


def test_a_number_of_runs_asks_for_their_median(lab: Project) -> None:
    lab.plan = lab.plan.model_copy(update={"noise": "5"})
    lab.start()
    before = runs(lab)

    assert lab.try_value(90).why == pytest.approx(lab.review.history(iteration=1).rows[0].why)
    assert runs(lab) == before + 5
    assert "median of 5 runs does not bound the chance" in lab.sessions.status().luck


def test_none_believes_one_run_of_everything(lab: Project) -> None:
    lab.plan = lab.plan.model_copy(update={"noise": "none"})
    lab.start()

    assert lab.try_value(90).status is Status.KEEP
    assert runs(lab) == 2


def test_a_row_can_be_measured_again(lab: Project) -> None:
    lab.start()
    lab.try_value(90)

    page = lab.review.history(iteration=1, remeasure=True)

    assert page.again == pytest.approx(90, abs=4)
    assert page.more.startswith("Measured again: ")
    with pytest.raises(Refusal, match="no iteration 7"):
        lab.review.history(iteration=7, remeasure=True)


def test_a_flaky_guard_does_not_cost_a_good_change(lab: Project, tmp_path: Path) -> None:
    marker = tmp_path / "once"
    flaky = f"test ! -e {marker} || ! rm {marker}"
    lab.plan = lab.plan.model_copy(update={"guards": (flaky,)})
    lab.start()
    marker.write_text("")

    answer = lab.try_value(90)

    assert (answer.status, answer.guard) == (Status.KEEP, "pass")
    assert answer.guards[0].flaky
    assert answer.guards[0].runs == 3
    assert "flaky, red once and green 2 times" in answer.guards[0].seen


def test_a_guard_that_is_red_for_the_incumbent_too_is_no_reason_to_discard(lab: Project, tmp_path: Path) -> None:
    marker = tmp_path / "broken"
    lab.plan = lab.plan.model_copy(update={"guards": (f"test ! -e {marker}",)})
    lab.start()
    marker.write_text("")

    answer = lab.try_value(90)

    assert answer.status is Status.METRIC_ERROR
    assert "red for the incumbent as well" in answer.why


def test_a_noisy_guard_number_is_run_until_it_is_clear(lab: Project, tmp_path: Path) -> None:
    counter = tmp_path / "guard-runs"
    draw = f"import pathlib,random; p=pathlib.Path({str(counter)!r}); n=int(p.read_text()) if p.exists() else 0; p.write_text(str(n+1)); print(50+random.Random(n).gauss(0,1))"
    lab.plan = lab.plan.model_copy(update={"guard_metrics": (f"ms lower 1: {PYTHON} draw.py",)})
    lab.write("draw.py", draw).commit("a guard that draws")
    lab.start()

    answer = lab.try_value(90)

    assert answer.guard == "pass"
    assert "limit 5" in answer.guards[0].seen
    assert answer.guards[0].runs >= 1


def test_a_holdout_can_veto_and_its_numbers_are_nowhere(lab: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOISE", "0.125")
    lab.write("holdout.py", "v = open('value.txt').read().strip(); print(55501.5 if v == '90' else 7777.25)\n")
    lab.commit("a holdout")
    lab.plan = lab.plan.model_copy(update={"holdout": f"{PYTHON} holdout.py", "protected": ("ruler.py", "holdout.py")})
    lab.start()

    vetoed, kept = lab.try_value(90), lab.try_value(91)

    assert (vetoed.status, kept.status) == (Status.DISCARD, Status.KEEP)
    assert "The holdout did not agree" in vetoed.why
    assert lab.sessions.status().budget_left["holdout"] == 18
    told = vetoed.text() + kept.text() + lab.review.report().text() + lab.review.history(iteration=1).text()
    with sqlite3.connect(lab.root / ".git/autoresearch/journal.db") as database:
        told += "".join(body for (body,) in database.execute("SELECT body FROM event"))
    assert "55501.5" not in told
    assert "7777.25" not in told


def test_the_holdouts_budget_ends_the_session(lab: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOISE", "0.125")
    lab.plan = lab.plan.model_copy(update={"holdout": "cat value.txt", "holdout_budget": 1})
    lab.start()

    assert lab.try_value(90).phase is Phase.ENDED
    assert "the holdout was asked 1 times" in lab.sessions.status().ended


@pytest.mark.parametrize(
    ("sabotage", "passes", "seen"),
    [
        ("echo 500 > value.txt", True, "sabotage moved the metric"),
        ("rm value.txt", True, "sabotage was noticed"),
        ("echo nothing > app.txt", False, "The metric cannot move"),
        ("exit 3", False, "failed with exit 3"),
    ],
)
def test_sabotage_proves_that_the_metric_can_move(lab: Project, sabotage: str, passes: bool, seen: str) -> None:
    lab.plan = lab.plan.model_copy(update={"sabotage": sabotage})
    before = lab.picture()

    checked = lab.planning.check_plan(lab.plan)

    row = next(gate for gate in checked.gates if gate.gate == "sabotage control")
    assert (row.passed, checked.ready) == (passes, passes)
    assert seen in f"{row.seen} {row.cure}"
    assert lab.picture() == before


def test_null_sessions_through_the_real_server_keep_nothing(lab: Project) -> None:
    lab.start()
    draw = random.Random(7)

    answers = [lab.try_value(f"100.{number:03}{draw.randrange(10)}", f"null {number}") for number in range(1, 11)]

    assert [answer.status for answer in answers if answer.status is not Status.DISCARD] == []


def test_a_machine_that_slows_down_for_a_while_neither_keeps_nor_loses_anything(
    lab: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab.start()
    [lab.try_value(f"100.{number}") for number in range(1, 5)]
    monkeypatch.setenv("NOISE", "100 + gauss(0, 1)")
    [lab.try_value(f"100.0{number}") for number in range(1, 9)]
    monkeypatch.setenv("NOISE", "gauss(0, 1)")
    back = [lab.try_value(f"100.00{number}") for number in range(1, 9)]

    assert {row.split("\t")[5] for row in lab.table()[1:]} == {"discard"}
    assert lab.try_value(85).status is Status.KEEP
    assert all(answer.phase is Phase.READY for answer in back)


def test_a_metric_that_starts_to_drift_in_the_middle_keeps_nothing_false(
    lab: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab.start()
    [lab.try_value(f"100.{number}") for number in range(1, 9)]
    monkeypatch.setenv("NOISE", "gauss(0, 1) - 0.2 * (run - 20)")
    [lab.try_value(f"100.0{number}") for number in range(1, 13)]

    assert {row.split("\t")[5] for row in lab.table()[1:]} == {"discard"}


def test_a_plan_that_needs_another_machine_asks_for_a_new_segment(
    lab: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab.start()
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "7")
    lab.write("value.txt", "90\n")

    with pytest.raises(Refusal, match="CUDA_VISIBLE_DEVICES was not set, is 7") as refused:
        lab.loop.iterate("on other hardware")

    assert refused.value.code is Code.MACHINE_CHANGED
    assert "finish_session, then start_session" in refused.value.message
