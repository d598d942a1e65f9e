"""The headline of a session: what the keeps claim, whatever the machine did meanwhile, everywhere the same and rounded."""

from __future__ import annotations

import math
import re

import pytest

from autoresearch_mcp.tools.decision.decide import Status
from autoresearch_mcp.tools.decision.gain import Gain, rounded
from autoresearch_mcp.tools.decision.headline import Headline, KeptClaim, headline_from, moved
from autoresearch_mcp.tools.session.events import Logged
from autoresearch_mcp.tools.session.results import delta_of, metric_of
from autoresearch_mcp.tools.session.telling import effect_of_gain, plus_minus
from conftest import Project
from drifting import machine, percents, turn
from filled import row

__all__ = ["machine"]


def test_a_machine_that_slows_down_to_half_does_not_hide_what_was_gained(machine: Project) -> None:
    machine.start()
    assert machine.try_value(90, "a tenth less").status is Status.KEEP
    turn(machine, 2)
    for number in range(4):  # other tries are as much slower: it is the machine, and not the incumbent's code alone
        machine.write("app.txt", f"{number}\n").loop.iterate(f"nothing much {number}")
    for value in (60, 30):
        assert machine.try_value(value, "much less").status is Status.KEEP
    truth = 100 * (float(machine.read("value.txt")) - 100) / 100

    status, summary = machine.sessions.status(), machine.sessions.finish_session().summary

    assert summary is not None
    assert summary.change_percent == pytest.approx(truth, abs=2)
    assert summary.change_low is not None
    assert summary.change_high is not None
    assert summary.change_low <= truth <= summary.change_high
    assert status.current == pytest.approx(2 * (100 + truth), rel=0.05), "what the incumbent gives now has the drift"
    assert status.best == pytest.approx(100 + truth, abs=2)


def test_the_same_headline_stands_everywhere(machine: Project) -> None:
    machine.start()
    machine.try_value(90)
    words = machine.sessions.status().headline

    machine.review.report("html")
    finished = machine.sessions.finish_session("clean")
    assert finished.summary is not None
    told = {
        "finish_session": finished.summary.headline,
        "report": machine.review.report().report,
        "picture": machine.review.report("png").report.replace("→", "->"),
        "squash": machine.git("log", "-1", "--format=%B", "clean"),
        "results file": machine.read("autoresearch-results.tsv").splitlines()[-1],
    }

    assert {name for name, text in told.items() if words in text} == set(told)
    assert percents(words)[0] == pytest.approx(-10, abs=2)
    assert re.fullmatch(r"\d+\.\d ± \d\.\d -> \d+\.\d ± \d\.\d, -\d+\.\d % \(-\d+\.\d to -\d+\.\d\)", words), words
    change = re.search(r"-\d+\.\d %", words)
    assert change is not None
    assert change[0] in machine.read("autoresearch-report.html")


def test_without_a_keep_there_is_no_gain(machine: Project) -> None:
    machine.start()
    empty = machine.sessions.status()
    turn(machine, 1.02)
    machine.try_value(130)

    summary = machine.sessions.finish_session().summary

    assert summary is not None
    assert re.fullmatch(r"no change was kept; the baseline is \d+\.\d ± \d\.\d", summary.headline), summary.headline
    assert (summary.change_percent, summary.best) == (None, summary.baseline)
    assert (empty.best, empty.best_iteration) == (empty.baseline, 0)
    assert "1 iteration: " in summary.lines()[0]


def test_an_exact_metric_has_its_gain_without_an_interval(project: Project) -> None:
    project.start().try_value(8)

    assert project.sessions.status().headline == "10 -> 8, -20.00 %"


def test_a_keep_that_turns_an_earlier_one_round_takes_its_claim_out(machine: Project) -> None:
    machine.start()
    turn(machine, "0.8 if app == 'fast' else 1")
    assert machine.try_value(90).status is Status.KEEP
    machine.write("app.txt", "fast\n")
    assert machine.loop.iterate("a fast app").status is Status.KEEP
    before = machine.sessions.status().headline
    turn(machine, "0.8 * (0.7 if value == 100 else 1)")

    assert machine.try_value(100).status is Status.KEEP

    after = machine.sessions.status()
    assert percents(before)[0] == pytest.approx(-28, abs=2)
    assert percents(after.headline)[0] == pytest.approx(-20, abs=2), "of the first keep nothing is left"
    assert after.best_iteration == 2


def test_keeps_of_an_earlier_version_count_by_their_gain_and_say_that_their_error_is_not_known(
    machine: Project,
) -> None:
    machine.start()
    machine.lab.for_reading().record(Logged(iteration=1, row=row(1, Status.KEEP, 95.0, gain=5.0)))

    told = machine.sessions.status().headline

    assert re.search(r", -(4\.9|5\.0)\d* % ", told), told
    assert "its error is not known" in told
    assert "an earlier version" in machine.review.report().report


def test_one_run_on_trust_tells_that_no_error_is_known(machine: Project) -> None:
    machine.plan = machine.plan.model_copy(update={"noise": "none"})
    machine.start().try_value(90)

    assert "its error is not known" in machine.sessions.status().headline


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_ratios_multiply_and_their_errors_add(sign: float) -> None:
    claims = [KeptClaim(1, True, 0.1, 0.0004), KeptClaim(2, True, 0.2, 0.0005)]
    found = Headline(sign * 50.0, 1.0, ()).keep(claims[0]).keep(claims[1])
    ratio = math.exp(-sign * 0.3)

    assert found.level == pytest.approx(sign * 50 * ratio)
    assert found.percent is not None
    assert found.percent.value == pytest.approx(sign * 100 * (ratio - 1))
    assert found.percent.half == pytest.approx(100 * ratio * math.sinh(1.96 * 0.03))
    variance = (50 * ratio) ** 2 * 0.0009 + ratio**2
    assert found.end.half == pytest.approx(1.96 * math.sqrt(variance))


def test_differences_add_and_the_error_of_the_baseline_is_in_their_percent() -> None:
    found = Headline(-10.0, 0.01, ()).keep(KeptClaim(1, False, 2.0, 0.04))

    assert found.level == -12
    assert found.difference.half == pytest.approx(1.96 * 0.2)
    assert found.percent is not None
    assert found.percent.value == pytest.approx(-20)
    error = math.sqrt(0.04 + (0.2 * 0.1) ** 2) / 12  # of the logarithm of the ratio
    assert found.percent.half == pytest.approx(100 * 1.2 * math.sinh(1.96 * error), rel=1e-3)


def test_a_gain_in_ratios_is_undone_by_the_same_loss() -> None:
    for level in (3.0, -3.0):
        assert moved(moved(level, True, 0.2), True, -0.2) == pytest.approx(level)


@pytest.mark.parametrize(
    ("value", "half", "words"),
    [
        (77.6831, 0.81, "77.7 ± 0.8"),
        (84.5512, 1.13, "84.6 ± 1.1"),
        (123456.0, 1234.0, "123500 ± 1200"),
        (0.00123456, 0.00002, "0.001235 ± 0.000020"),
        (12.0, 0.0, "12"),
        (12.3456789, None, "12.3457"),
    ],
)
def test_a_number_has_the_digits_that_its_error_allows(value: float, half: float | None, words: str) -> None:
    assert plus_minus(value, half) == words


def test_rounding_leaves_a_number_that_repeats_alone() -> None:
    assert rounded(0.1 + 0.2, 0.0) == 0.3
    assert f"{rounded(-0.004, 0.5):+}" == "+0.0"
    assert rounded(1234567.0, None) == 1234567.0
    assert rounded(1_000_000_000_002.0, 0.0) == 1_000_000_000_002


def test_a_baseline_of_one_run_has_no_error_and_one_that_repeats_has_none() -> None:
    assert headline_from([5.0]).start.half is None
    assert headline_from([5.0, 5.0, 5.0]).start.half == 0
    assert headline_from([5.0, 6.0, 5.5, 5.2, 5.1]).start.half == pytest.approx(
        1.96 * math.sqrt(math.pi / 2 * 0.163 / 5 * 2), rel=1e-3
    )


def test_fresh_runs_that_show_far_more_than_was_claimed_are_told_as_odd() -> None:
    claimed = Gain(True, 0.04, 0.0001)

    assert Gain(True, 0.5, 0.0001).exceeds(claimed)
    assert not Gain(True, 0.06, 0.0001).exceeds(claimed)
    assert not Gain(True, 0.5).exceeds(claimed)


@pytest.mark.parametrize(
    ("metric", "half", "told"), [(14.3, 230.0, "14.3"), (0.71, 5.0, "0.71"), (77.6799, 0.872, "77.7"), (0.0, 3.0, "0")]
)
def test_a_metric_is_told_as_its_error_allows_but_never_as_nothing(metric: float, half: float, told: str) -> None:
    one = row(1, metric=metric, low=-half, high=half)

    assert metric_of(one) == told


def test_no_difference_is_told_with_neither_a_minus_nor_as_better() -> None:
    one = row(1, metric=9.997, delta=-0.003, gain=0.003, low=-0.04, high=0.05)

    assert delta_of(one) == "+0"
    assert effect_of_gain(True, 0.003, -0.04, 0.05).words.startswith("no different, ")
