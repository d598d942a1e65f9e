"""Rows and verdicts of a comparison, by hand."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from pydantic import ValidationError

from autoresearch_mcp.tools.workflows.regression.comparing_tests import Rate, compare_rates, compared_tests, renames
from autoresearch_mcp.tools.workflows.regression.readings import (
    ComparisonJob,
    ComparisonReading,
    Failure,
    compared_numbers,
    due,
    projected,
    value_of,
)
from autoresearch_mcp.tools.workflows.regression.verdict import (
    Classification,
    ComparedDimension,
    ComparedRow,
    ComparisonSide,
    VerdictWord,
    verdict_of,
)
from autoresearch_mcp.tools.workflows.running.testruns import ReportForm

ELIGIBLE, PRE_EXISTING, NEW, FLAKY, UNAVAILABLE = Classification


def row(dimension: ComparedDimension, classification: Classification = ELIGIBLE, **fields: object) -> ComparedRow:
    return ComparedRow.model_validate({"dimension": dimension, "unit": "x", "classification": classification, **fields})


GREEN = row(ComparedDimension.FUNCTIONAL)
RED = row(ComparedDimension.FUNCTIONAL, regressed=True)


SLOWER = row(ComparedDimension.PERFORMANCE, regressed=True)


@pytest.mark.parametrize(
    ("rows", "word"),
    [
        ([GREEN], VerdictWord.STABLE),
        ([GREEN, RED], VerdictWord.UNSTABLE),
        ([], VerdictWord.BASELINE_UNAVAILABLE),
        # what was red before, new or flaky beyond proof changes nothing
        ([row(ComparedDimension.FUNCTIONAL, PRE_EXISTING)], VerdictWord.STABLE),
        ([row(ComparedDimension.FUNCTIONAL, NEW), row(ComparedDimension.FLAKINESS, FLAKY)], VerdictWord.STABLE),
        # one row decides, however much else is well
        ([GREEN, SLOWER, row(ComparedDimension.FLAKINESS), row(ComparedDimension.RESOURCE)], VerdictWord.UNSTABLE),
        # nothing to compare with, though something else was compared
        ([row(ComparedDimension.FUNCTIONAL, UNAVAILABLE)], VerdictWord.BASELINE_UNAVAILABLE),
        ([GREEN, row(ComparedDimension.INTEGRATION_E2E, UNAVAILABLE)], VerdictWord.BASELINE_UNAVAILABLE),
        ([RED, row(ComparedDimension.INTEGRATION_E2E, UNAVAILABLE)], VerdictWord.UNSTABLE),
        ([GREEN, row(ComparedDimension.PERFORMANCE, UNAVAILABLE)], VerdictWord.STABLE),
        # a comparison of files alone has run nothing; a broken interface is one all the same
        ([row(ComparedDimension.API_CONTRACT)], VerdictWord.BASELINE_UNAVAILABLE),
        ([row(ComparedDimension.API_CONTRACT, regressed=True)], VerdictWord.UNSTABLE),
    ],
)
def test_a_verdict_follows_from_the_rows(rows: list[ComparedRow], word: VerdictWord) -> None:
    found = verdict_of(rows)

    assert found.word is word
    assert bool(found.reasons) == (word is not VerdictWord.STABLE)


def test_what_was_red_before_cannot_have_regressed() -> None:
    with pytest.raises(ValidationError):
        row(ComparedDimension.FUNCTIONAL, PRE_EXISTING, regressed=True)


GREEN_5, RED_5 = Rate(0, 5), Rate(5, 5)


@pytest.mark.parametrize(
    ("base", "head", "classification", "regressed", "flaky", "status"),
    [
        (GREEN_5, GREEN_5, ELIGIBLE, False, False, "same"),
        (GREEN_5, RED_5, ELIGIBLE, True, False, "green to red"),
        (Rate(0, 1), Rate(1, 1), ELIGIBLE, True, False, "green to red"),
        (RED_5, RED_5, PRE_EXISTING, False, False, "red before"),
        (RED_5, GREEN_5, ELIGIBLE, False, False, "fixed"),
        (Rate(0, 0), GREEN_5, NEW, False, False, "new"),
        (Rate(0, 0), RED_5, NEW, False, False, "new and red"),
        (GREEN_5, Rate(0, 0), ELIGIBLE, False, False, "gone"),
        (Rate(2, 5), Rate(2, 5), FLAKY, False, False, "flaky before"),
        (GREEN_5, Rate(1, 5), FLAKY, False, False, "flaky, perhaps new"),  # p = 0.5
        (GREEN_5, Rate(3, 5), FLAKY, False, False, "flaky, perhaps new"),  # p = 0.083
        (GREEN_5, Rate(4, 5), ELIGIBLE, True, True, "flakier"),  # p = 0.024
        (Rate(1, 5), RED_5, ELIGIBLE, True, False, "flaky to red"),  # p = 0.024
        (Rate(2, 5), RED_5, FLAKY, False, False, "flaky before"),  # p = 0.083
        (RED_5, Rate(1, 5), FLAKY, False, False, "red to flaky"),
    ],
)
def test_both_rates_say_whose_fault_it_is(
    base: Rate, head: Rate, classification: Classification, regressed: bool, flaky: bool, status: str
) -> None:
    found = compare_rates(base, head)

    assert (found.classification, found.regressed, found.flaky, found.status) == (
        classification,
        regressed,
        flaky,
        status,
    )


JOB = ComparisonJob(
    id="t", dimension=ComparedDimension.FUNCTIONAL, command="pytest --report", name="pytest", form=ReportForm.JUNIT
)
WHOLE = ComparisonJob(id="w", dimension=ComparedDimension.FUNCTIONAL, command="make check", name="make check")


def run(
    side: ComparisonSide,
    number: int,
    passed: str = "",
    failed: str = "",
    broken: str = "",
    skipped: str = "",
    **fields: object,
) -> ComparisonReading:
    """A run with tests by their names, between spaces."""
    failures = [Failure(id=f"m::{name}", path="m.py", line=1, message="no") for name in failed.split()]
    failures += [Failure(id=name, broken=True) for name in broken.split()]
    usual: dict[str, object] = {
        "job": "t", "exit_code": 1 if failures else 0, "reported": True, "failed": failures,
        "passed": tuple(f"m::{name}" for name in passed.split()), "skipped": tuple(f"m::{name}" for name in skipped.split()),
    }  # fmt: skip
    return ComparisonReading.model_validate({"side": side, "number": number, **usual, **fields})


BASE, HEAD = ComparisonSide


def statuses(rows: Sequence[ComparedRow]) -> dict[str, tuple[str, bool]]:
    return {row.unit: (row.status, row.regressed) for row in rows if row.status != "same"}


def test_what_was_red_before_stays_out_and_what_was_green_counts() -> None:
    rows = compared_tests(JOB, [run(BASE, 1, "a c", "b"), run(HEAD, 1, "c", "a b")])

    assert statuses(rows) == {"m::a": ("green to red", True), "m::b": ("red before", False)}
    assert [row.file_line for row in rows if row.regressed] == ["m.py:1"]
    assert verdict_of(rows).word is VerdictWord.UNSTABLE


def test_a_new_red_test_is_no_regression_and_explains_a_red_command() -> None:
    rows = compared_tests(JOB, [run(BASE, 1, "a"), run(HEAD, 1, "a", "n1 n2")])

    assert statuses(rows) == {"m::n1": ("new and red", False), "m::n2": ("new and red", False)}
    assert verdict_of(rows).word is VerdictWord.STABLE


def test_a_renamed_test_is_the_same_test() -> None:
    assert renames(["a.py::one", "a.py::two"], ["b.py::one", "a.py::deux"]) == {
        "a.py::one": "b.py::one",
        "a.py::two": "a.py::deux",
    }
    assert renames(["a.py::one"], ["a.py::x", "a.py::y"]) == {}

    rows = compared_tests(JOB, [run(BASE, 1, "old"), run(HEAD, 1, failed="new")])
    assert statuses(rows) == {"m::new (was m::old)": ("green to red", True)}


def test_a_test_that_vanished_or_is_skipped_now_is_told_and_does_not_count() -> None:
    rows = compared_tests(JOB, [run(BASE, 1, "a b c"), run(HEAD, 1, "a", skipped="b")])

    assert statuses(rows) == {"m::b": ("skipped now", False), "m::c": ("gone", False)}
    assert [row.severity for row in rows if row.status != "same"] == ["low", "low"]


def test_a_file_that_cannot_be_loaded_makes_its_tests_red_and_not_gone() -> None:
    rows = compared_tests(JOB, [run(BASE, 1, "a b"), run(HEAD, 1, broken="m")])

    assert statuses(rows)["2 tests of `pytest`"] == ("green to red", True)
    assert verdict_of(rows).word is VerdictWord.UNSTABLE


def test_a_file_that_could_not_be_loaded_before_either_does_not_count() -> None:
    rows = compared_tests(JOB, [run(BASE, 1, "a", broken="old"), run(HEAD, 1, "a", broken="old")])

    assert statuses(rows) == {"old": ("red before", False)}
    assert verdict_of(rows).word is VerdictWord.STABLE


def test_a_run_that_ends_badly_without_a_failed_test_counts() -> None:
    crashed = run(HEAD, 1, reported=False, passed=None or "", exit_code=-11, tail="Segmentation fault\n")
    rows = compared_tests(JOB, [run(BASE, 1, "a"), crashed.model_copy(update={"passed": None})])

    assert statuses(rows)["`pytest`"] == ("green to red", True)
    assert "Segmentation fault" in next(row for row in rows if row.unit == "`pytest`").description


def whole(side: ComparisonSide, number: int, exit_code: int) -> ComparisonReading:
    return ComparisonReading(job="w", side=side, number=number, exit_code=exit_code, tail="last words\n")


@pytest.mark.parametrize(
    ("base", "head", "word", "status"),
    [
        ((0,), (0,), VerdictWord.STABLE, "same"),
        ((0, 0, 0, 0, 0), (1, 1, 1, 1, 1), VerdictWord.UNSTABLE, "green to red"),
        ((1, 1), (0,), VerdictWord.BASELINE_UNAVAILABLE, "no baseline"),
        ((1, 1), (1,), VerdictWord.BASELINE_UNAVAILABLE, "no baseline"),
        ((1, 0, 1, 0, 0), (0, 1, 0, 1, 0), VerdictWord.STABLE, "flaky before"),
    ],
)
def test_a_command_without_a_report_is_one_test(
    base: tuple[int, ...], head: tuple[int, ...], word: VerdictWord, status: str
) -> None:
    readings = [
        whole(side, number, code)
        for side, codes in ((BASE, base), (HEAD, head))
        for number, code in enumerate(codes, 1)
    ]
    rows = compared_tests(WHOLE, readings)

    # a flaky row stands in the flakiness dimension: by itself it is no proof that anything ran green
    assert verdict_of([GREEN, *rows]).word is word
    assert rows[0].status == status


def test_a_baseline_without_a_report_has_nothing_to_compare_with() -> None:
    gone = {"reported": False, "passed": None, "exit_code": 2, "tail": "error: no such option\n"}
    rows = compared_tests(
        JOB, [run(BASE, 1).model_copy(update=gone), run(BASE, 2).model_copy(update=gone), run(HEAD, 1, "a")]
    )

    assert [(row.classification, row.status) for row in rows] == [(UNAVAILABLE, "no baseline")]
    assert "no such option" in rows[0].description


def test_how_likely_a_flake_would_have_shown_is_told() -> None:
    readings = [run(BASE, 1, "a"), *(run(HEAD, number, "a") for number in range(1, 6))]

    told = [row.description for row in compared_tests(JOB, readings) if row.dimension is ComparedDimension.FLAKINESS]

    assert told == [
        "1 runs of the baseline and 5 of the candidate; a test that fails one run in twenty shows in the latter with probability 22.6 %"
    ]


BENCH = ComparisonJob(id="b", dimension=ComparedDimension.PERFORMANCE, command="bench", name="bench")


def timed(side: ComparisonSide, *values: float, **fields: object) -> list[ComparisonReading]:
    """A warm-up that would mislead, and samples."""
    warm = ComparisonReading(job="b", side=side, number=0, exit_code=0, value=1000.0)
    more = [
        ComparisonReading.model_validate(
            {"job": "b", "side": side, "number": n, "exit_code": 0, "value": value, **fields}
        )
        for n, value in enumerate(values, 1)
    ]
    return [warm, *more]


STEADY = (100.0, 100.1, 99.9, 100.2, 99.8, 100.3, 99.7)


@pytest.mark.parametrize(
    ("head", "band", "regressed", "status"),
    [
        (tuple(v * 1.10 for v in STEADY), 5, True, "worse"),
        (tuple(v * 1.04 for v in STEADY), 5, False, "same"),  # within the band
        (tuple(v * 0.80 for v in STEADY), 5, False, "better"),
        ((100.0, 99.0, 130.0, 100.5, 99.5, 100.2, 140.0), 5, False, "same"),  # two outliers: the ranks say nothing
        ((90.0, 150.0, 110.0, 170.0, 100.5, 160.0, 101.0), 5, False, "same"),  # larger, but within twice the scatter
    ],
)
def test_slower_takes_ranks_a_band_and_more_than_the_scatter(
    head: tuple[float, ...], band: float, regressed: bool, status: str
) -> None:
    rows = compared_numbers(BENCH, [*timed(BASE, *STEADY), *timed(HEAD, *head)], band, 10)

    assert [(row.regressed, row.status) for row in rows] == [(regressed, status)]


def test_a_large_difference_that_the_ranks_do_not_bear_out_is_none() -> None:
    base, head = (99.9, 100.0, 100.1), (100.05, 120.0, 121.0)  # U = 8 of 9: p = 2/20

    (row,) = compared_numbers(BENCH, [*timed(BASE, *base), *timed(HEAD, *head)], 5, 10)

    assert "with 16.7 % allowed" in row.description
    assert (row.regressed, row.status) == (False, "same")


def test_memory_and_cpu_time_are_held_against_a_budget_of_their_own() -> None:
    base = [
        one.model_copy(update={"peak_bytes": 1000 + one.number, "cpu_seconds": 1 + one.number / 1000})
        for one in timed(BASE, *STEADY)
    ]
    head = [
        one.model_copy(update={"peak_bytes": 1400 + one.number, "cpu_seconds": 1 + one.number / 1000})
        for one in timed(HEAD, *STEADY)
    ]

    rows = {row.unit: row for row in compared_numbers(BENCH, [*base, *head], 5, 10)}

    assert rows["`bench` peak memory in bytes"].regressed
    assert not rows["`bench` CPU seconds"].regressed
    assert not rows["`bench`"].regressed


def test_a_benchmark_that_fails_on_the_candidate_is_the_worst_and_on_the_baseline_no_comparison() -> None:
    failed = ComparisonReading(job="b", side=HEAD, number=0, exit_code=1)
    assert [row.regressed for row in compared_numbers(BENCH, [*timed(BASE, 1.0), failed], 5, 10)] == [True]
    failed = ComparisonReading(job="b", side=BASE, number=0, exit_code=1)
    assert [row.classification for row in compared_numbers(BENCH, [failed, *timed(HEAD, 1.0)], 5, 10)] == [UNAVAILABLE]


def test_a_metric_is_not_held_against_a_time() -> None:
    silent = [one.model_copy(update={"value": None, "seconds": 0.5}) for one in timed(HEAD, *STEADY)]

    (row,) = compared_numbers(BENCH, [*timed(BASE, *STEADY), *silent], 5, 10)

    assert (row.classification, row.status) == (UNAVAILABLE, "no number")


def test_a_baseline_of_zero_has_no_percentage() -> None:
    rows = compared_numbers(BENCH, [*timed(BASE, 0.0, 0.0, 0.0), *timed(HEAD, 1.0, 1.0, 1.0)], 5, 10)

    assert [row.classification for row in rows] == [UNAVAILABLE]


@pytest.mark.parametrize(("share", "regressed"), [(0.001, False), (0.002, True), (0.0, False)])
def test_pictures_may_differ_by_a_tenth_of_a_percent_more_than_before(share: float, regressed: bool) -> None:
    job = BENCH.model_copy(update={"dimension": ComparedDimension.VISUAL_UI})
    rows = compared_numbers(job, [*timed(BASE, 0, 0, 0), *timed(HEAD, share, share, share)], 5, 10)

    assert [row.regressed for row in rows] == [regressed]


def walked(
    jobs: Sequence[ComparisonJob], answer: object, reruns: int = 3, samples: int = 3
) -> list[tuple[str, ComparisonSide, int]]:
    """Every run that is due, when each is answered so."""
    assert callable(answer)
    readings: list[ComparisonReading] = []
    while (found := due(jobs, readings, reruns, samples)) is not None:
        readings.append(
            answer(found.side, found.number).model_copy(update={"job": found.job.id, "number": found.number})
        )
        assert len(readings) < 100
    return [(one.job, one.side, one.number) for one in readings]


def test_where_all_is_green_only_the_candidate_is_looked_at_for_flakes() -> None:
    assert walked([JOB], lambda side, number: run(side, number, "a")) == [
        ("t", BASE, 1), ("t", HEAD, 1), ("t", HEAD, 2), ("t", HEAD, 3),
    ]  # fmt: skip


def test_where_something_is_red_both_sides_run_as_often() -> None:
    runs = walked([JOB], lambda side, number: run(side, number, "a", "b"))

    assert [side for _, side, _ in runs] == [BASE, HEAD] * 3


def test_a_flake_that_shows_late_on_the_candidate_makes_the_baseline_run_as_often() -> None:
    runs = walked(
        [JOB],
        lambda side, number: (
            run(side, number, "a", "f" if (side, number) == (HEAD, 3) else "")
            if number == 3
            else run(side, number, "a f")
        ),
    )

    assert sorted(runs) == sorted(("t", side, number) for side in ComparisonSide for number in (1, 2, 3))


def test_a_baseline_that_cannot_run_gets_a_second_chance_and_no_third() -> None:
    assert walked([WHOLE], lambda side, number: whole(side, number, 1)) == [
        ("w", BASE, 1),
        ("w", HEAD, 1),
        ("w", BASE, 2),
    ]


def test_samples_are_taken_by_turns_after_a_warm_up_and_the_first_turn_changes() -> None:
    runs = walked(
        [BENCH], lambda side, number: ComparisonReading(job="b", side=side, number=number, exit_code=0, value=1.0)
    )

    assert [(side, number) for _, side, number in runs] == [
        (HEAD, 0), (BASE, 0), (BASE, 1), (HEAD, 1), (HEAD, 2), (BASE, 2), (BASE, 3), (HEAD, 3),
    ]  # fmt: skip


def test_a_benchmark_that_fails_is_not_run_on() -> None:
    assert (
        len(walked([BENCH], lambda side, number: ComparisonReading(job="b", side=side, number=number, exit_code=1)))
        == 1
    )


def test_the_projection_is_the_most_that_can_happen() -> None:
    assert projected([JOB], 5, 7) == 10
    assert projected([JOB, BENCH], 5, 7) == 10 + 16
    assert len(walked([JOB], lambda side, number: run(side, number, "a", "b"), reruns=5)) == 10


@pytest.mark.parametrize(
    ("printed", "value"),
    [("METRIC ms=12.5\n", 12.5), ("noise\nMETRIC a = 3e2\n", 300.0), ("METRIC a=1\nMETRIC b=2\n", None), ("", None), ("METRIC a=nan\n", None)],
)  # fmt: skip
def test_a_command_gives_its_one_metric_or_else_its_time(printed: str, value: float | None) -> None:
    assert value_of(printed) == value
