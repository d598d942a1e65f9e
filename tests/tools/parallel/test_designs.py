"""Designs: independent changes are run in combinations, told what each does, and only handed in; halving begins with short runs."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from autoresearch_mcp.tools.decision.designs import Method, fitted, going_on, halving_runs, repeats_for, rows, rungs
from autoresearch_mcp.tools.errors import Refusal
from autoresearch_mcp.tools.parallel.executor import VARIABLE
from autoresearch_mcp.tools.verbs.parallel import Parallel
from autoresearch_mcp.tools.verbs.running import Running
from candidates import handed_in, summed, worked_off, workspace
from conftest import Project
from crashing import check

KINDS = [(Method.FACTORIAL, knobs) for knobs in range(2, 7)] + [
    (Method.SCREENING, knobs) for knobs in (2, 8, 12, 16, 20, 24)
]


@pytest.mark.parametrize(("method", "knobs"), KINDS)
def test_no_knob_of_a_design_passes_for_another_or_in_a_screening_for_a_pair(method: Method, knobs: int) -> None:
    table = rows(method, knobs)
    columns = list(zip(*table, strict=True))

    assert (-1,) * knobs in table, "what all are compared with is run too"
    assert [sum(column) for column in columns] == [0] * knobs
    for i, a in enumerate(columns):
        for j, b in enumerate(columns[:i]):
            assert sum(x * y for x, y in zip(a, b, strict=True)) == 0
            if method is Method.SCREENING or knobs > 4:
                assert all(sum(x * y * z for x, y, z in zip(a, b, c, strict=True)) == 0 for c in columns[:j])


@pytest.mark.parametrize(("method", "knobs"), [(Method.FACTORIAL, 6), (Method.FACTORIAL, 3), (Method.SCREENING, 12)])
def test_of_knobs_that_do_nothing_nothing_stands_out_in_95_of_100_designs(method: Method, knobs: int) -> None:
    draw, table, outstanding, designs = random.Random(22), rows(method, knobs), 0, 400
    times = repeats_for(len(table), True)
    assert repeats_for(4, True, asked=1) == 2, "four runs of two knobs leave nothing to tell chance by"
    for _ in range(designs):
        runs = [(row, repeat, 10 + repeat + draw.gauss(0, 1)) for repeat in range(times) for row in table]
        found = fitted(runs, True, pairs=method is Method.FACTORIAL)
        outstanding += any(effect.stands_out for effect in found.effects)

    assert outstanding / designs <= 0.05 + 3 * (0.05 * 0.95 / designs) ** 0.5


def test_a_design_finds_what_was_planted() -> None:
    draw = random.Random(7)

    def value(row: tuple[int, ...]) -> float:
        on = [level > 0 for level in row]
        return 100 - 8 * on[0] - 6 * on[3] + 7 * on[1] + (-9 if on[2] and on[4] else 0) + draw.gauss(0, 1)

    runs = [(row, 0, value(row)) for row in rows(Method.FACTORIAL, 6)]
    found = fitted(runs, True, pairs=True)
    out = {effect.knobs: effect for effect in found.effects if effect.stands_out}
    assert {(0,), (1,), (3,), (2, 4)} <= out.keys()
    assert all(len(knobs) == 1 for knobs in out.keys() - {(2, 4)})
    assert out[2, 4].size == pytest.approx(-9, abs=out[2, 4].margin)
    assert found.best(1) == (0, 2, 3, 4)
    assert found.best(-1) == (1,)


def test_halving_runs_all_shortest_and_a_third_goes_on() -> None:
    assert [[round(1 / share) for share in rungs(count)] for count in (2, 3, 4, 9, 10)] == [
        [3],
        [3],
        [9, 3],
        [9, 3],
        [27, 9, 3],
    ]
    assert halving_runs(9) == pytest.approx(9 / 9 + 3 / 3)
    assert going_on({1: 5.0, 2: None, 3: 4.0, 4: 9.0}, 1) == (3, 1)
    assert going_on({1: 5.0, 2: None, 3: 4.0, 4: 9.0}, -1) == (4, 1)


def knobs_of(project: Project, *changes: Mapping[str, object]) -> tuple[str, ...]:
    """Hand changes in as knobs, each from the same workspace."""
    name, folder = workspace(project)
    for change in changes:
        for file, text in change.items():
            (folder / file).write_text(f"{text}\n")
        Parallel(project.lab).submit(f"{change}", name, knob=True)
    return tuple(f"c{number}" for number in range(1, len(changes) + 1))


def test_combinations_are_run_and_the_best_is_a_candidate_that_passes_the_same_gate(tmp_path: Path) -> None:
    project = summed(tmp_path / "repo")
    head = project.git("rev-parse", "HEAD")
    knobs = knobs_of(project, {"src/a.txt": 4}, {"src/b.txt": 13}, {"value.txt": 9})
    project.write("mine.txt", "the user goes on working\n")
    before = project.lab.for_reading().active.runs
    assert worked_off(project) == [], "a knob is not measured by itself"

    design = Parallel(project.lab).design(knobs)

    assert design.told == ["Design d1, factorial of 3 knobs on the baseline: 0 of 8 runs."]
    assert worked_off(project) == ["keep"]
    assert Parallel(project.lab).design().told == [
        "Design d1, factorial of 3 knobs on the baseline: 8 of 8 runs.",
        "value, lower is better; 28 on average. Each knob, exactly, for the metric repeats:",
        "c1 helps -6: {'src/a.txt': 4}",
        "c2 hurts +3: {'src/b.txt': 13}",
        "c3 helps -1: {'value.txt': 9}",
        "3 of 3 pairs show nothing beyond the sum of both.",
        "Nothing is kept by this: c12 (c1 + c3 of d1) was handed in, and is measured as any candidate.",
    ]
    row = project.review.history(iteration=1).rows[0]
    assert (row.metric, row.files) == (23.0, ("src/a.txt", "value.txt"))
    assert project.git("rev-list", "--count", f"{head}..HEAD") == "1"
    assert project.lab.for_reading().active.runs == before + 8 + 1 + row.runs, "one in its lane"
    check(project)


def test_a_pair_that_helps_together_alone_is_found(tmp_path: Path) -> None:
    both = "a=$(cat src/a.txt) b=$(cat src/b.txt); echo $((a + b - 20 + ((a == 11 && b == 11)) * -7))"
    project = summed(tmp_path / "repo", verify=f"bash -c '{both}'")

    Parallel(project.lab).design(knobs_of(project, {"src/a.txt": 11}, {"src/b.txt": 11}))

    project.lab.drives = True  # as in a server: whoever waits has them worked off
    told = Running(project.lab).wait(seconds=600).text()
    assert "c1 with c2 helps -7 beyond the sum of both" in told
    assert "Nothing is kept by this: c7 (c1 + c2 of d1) was handed in" in told
    assert worked_off(project) == ["keep"]


def test_conflicts_are_said_at_once_and_nothing_is_run(tmp_path: Path) -> None:
    project = summed(tmp_path / "repo")
    knobs = knobs_of(project, {"src/a.txt": 4}, {"src/b.txt": 13}, {"src/a.txt": 5})

    with pytest.raises(Refusal, match=r"c1 and c3 conflict in src/a\.txt\. Hand them in as one knob"):
        Parallel(project.lab).design(knobs)
    with pytest.raises(Refusal, match="No candidate is called c9"):
        Parallel(project.lab).design(("c1", "c9"))
    with pytest.raises(Refusal, match="2 to 24 different knobs can be told apart so, not 1"):
        Parallel(project.lab).design(("c1", "c1"), method="screening")
    with pytest.raises(Refusal, match="Nothing in the plan says how a run is shortened"):
        Parallel(project.lab).design(("c1", "c2"), method="halving")

    assert project.sessions.status().candidates == [f"Knob {c}, for design: {d}" for c, d in zip(knobs, ("{'src/a.txt': 4}", "{'src/b.txt': 13}", "{'src/a.txt': 5}"), strict=True)]  # fmt: skip


def test_a_design_that_the_budget_has_no_time_for_is_refused(tmp_path: Path) -> None:
    project = summed(tmp_path / "repo", minutes=60)
    knobs = knobs_of(project, {"src/a.txt": 4}, {"src/b.txt": 13})
    project.now = project.lab.for_reading().active.started_at + 3600 - 0.001

    with pytest.raises(Refusal, match=r"The runs take about .* minutes, and `minutes` leaves 0\.0\."):
        Parallel(project.lab).design(knobs)


def test_combinations_that_give_no_number_are_named_and_nothing_is_handed_in(tmp_path: Path) -> None:
    project = summed(tmp_path / "repo")

    Parallel(project.lab).design(knobs_of(project, {"src/a.txt": 4}, {"src/b.txt": 13}, {"value.txt": "("}))

    worked_off(project)
    told = Parallel(project.lab).design().told
    assert sum(line.startswith("No number from c") and "c3:" in line for line in told) == 4
    assert told[-1] == "Nothing was handed in: a run gave no number, and the others are too few without it."


def test_a_metric_that_scatters_is_told_with_intervals_and_measured_alone(tmp_path: Path) -> None:
    noise = "$(( $AUTORESEARCH_SEED % 7 ))"
    project = summed(
        tmp_path / "repo", verify=f"echo $(( $(cat value.txt) * 10 + $(cat src/a.txt) + {noise} ))", workers=0
    )

    Parallel(project.lab).design(knobs_of(project, {"value.txt": 4}, {"src/a.txt": 10_000}))

    worked_off(project)
    told = Parallel(project.lab).design().told
    assert told[0] == "Design d1, factorial of 2 knobs on the baseline: 24 of 24 runs."
    assert re.match(r"c1 helps -\S+ \(-\S+ to -\S+\): ", told[2])
    assert re.match(r"c2 hurts \+\S+ \(\+\S+ to \+\S+\): ", told[3])
    assert told[-1].startswith("Nothing is kept by this: c27 (c1 of d1")


def test_halving_shortens_runs_and_hands_in_the_last_one_at_the_full_budget(tmp_path: Path) -> None:
    verify = 'echo "$STEPS $(cat value.txt)" >> "$LOG"; echo $(( $(cat value.txt) * 1000 - $STEPS ))'
    log = tmp_path / "log"
    project = summed(tmp_path / "repo", verify=verify.replace("$LOG", str(log)), run_budget="STEPS=90")
    knobs = knobs_of(project, *({"value.txt": value} for value in (7, 6, 12, 8)))
    log.write_text("")

    Parallel(project.lab).design(knobs, method="halving")

    assert worked_off(project) == ["keep"]
    ran = log.read_text().splitlines()
    assert sorted(ran[:4]) == ["10 12", "10 6", "10 7", "10 8"]
    assert sorted(ran[4:6]) == ["30 6", "30 7"]
    assert "90 6" in ran[6:]
    assert not any(line.startswith(("10", "30")) for line in ran[6:])
    assert Parallel(project.lab).design().told[1:3] == [
        "At STEPS=10: c1 6990, c2 5990, c3 11990, c4 7990.",
        "At STEPS=30: c1 6970, c2 5970.",
    ]
    assert project.sessions.status().best == 5910.0


def test_a_design_that_is_withdrawn_runs_no_more_and_hands_nothing_in(tmp_path: Path) -> None:
    project = summed(tmp_path / "repo")
    Parallel(project.lab).design(knobs_of(project, {"src/a.txt": 4}, {"src/b.txt": 13}))

    assert Running(project.lab).cancel("d1").note == "Design d1 was withdrawn."

    assert worked_off(project) == []
    assert Parallel(project.lab).design().told[-1] == "Nothing was handed in: it was withdrawn."


def test_a_design_ends_where_the_budget_of_measuring_does_and_its_runs_count(tmp_path: Path) -> None:
    slow = "[ $AUTORESEARCH_ITERATION = 0 ] || sleep 2; cat value.txt src/* | paste -sd+ | bc"
    project = summed(tmp_path / "repo", verify=slow, workers=1, device_minutes=1 / 30)
    Parallel(project.lab).design(knobs_of(project, {"src/a.txt": 4}, {"src/b.txt": 13}))

    assert worked_off(project) == []

    assert Parallel(project.lab).design().told == [
        "Design d1, factorial of 2 knobs on the baseline: 1 of 4 runs.",
        "Nothing was handed in: `device_minutes` has no time left for its other runs.",
    ]
    status = project.sessions.status()
    assert (status.phase, status.best) == ("ended", 30.0)


def test_a_design_is_refused_where_runs_are_made_on_machines_that_may_be_unlike(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = summed(tmp_path / "repo")
    knobs = knobs_of(project, {"src/a.txt": 4}, {"src/b.txt": 13})
    monkeypatch.setenv(VARIABLE, f"slurm folder={tmp_path} workers=8")

    with pytest.raises(Refusal, match="sends runs to other machines, which may be unlike one another"):
        Parallel(project.lab).design(knobs)


def test_a_knob_that_is_withdrawn_is_free_to_be_handed_in_as_a_candidate(tmp_path: Path) -> None:
    project = summed(tmp_path / "repo")
    knobs_of(project, {"src/a.txt": 4}, {"src/b.txt": 13})

    Running(project.lab).cancel("c1")
    name, folder = workspace(project, "w1")
    answer = handed_in(project, name, folder, src__a_txt=4)

    assert [line.partition(",")[0] for line in answer.candidates] == ["Candidate c3 (w1)", "Knob c2"]
    assert worked_off(project) == ["keep"]
