"""What one run dropped may be tried again: by the same edit, or by the number of its iteration."""

from __future__ import annotations

import pytest

from autoresearch_mcp.tools.decision.decide import Status
from autoresearch_mcp.tools.errors import Code, Refusal
from autoresearch_mcp.tools.git.experiment import ExperimentIndex
from autoresearch_mcp.tools.lab.notes import Said, say
from autoresearch_mcp.tools.report.writing import morning
from autoresearch_mcp.tools.session.summary import NEAR_MISSES
from conftest import Project
from crashing import before_record, killed_before
from drifting import machine, turn

__all__ = ["machine"]


def dropped_by_a_slow_moment(project: Project, slow: float = 1.5) -> Project:
    """A session in which iteration 1, a good change, was dropped on one run while the machine was slow."""
    project.start()
    turn(project, f"{slow} if value == 80 else 1")
    assert project.try_value(80, "a good one").status is Status.DISCARD
    turn(project, 1)
    return project


def near(project: Project) -> list[str]:
    material = project.review.detect_stuck().material
    assert material is not None
    listed = [
        one for group in morning(project.lab.for_reading()).failed for one in group.tries if group.name == NEAR_MISSES
    ]
    assert len(listed) == len(material.near_misses)
    return material.near_misses


def test_what_one_run_dropped_may_be_tried_by_the_same_edit_and_its_run_does_not_count(machine: Project) -> None:
    dropped_by_a_slow_moment(machine)

    answer = machine.try_value(80, "the good one once more")

    assert answer.status is Status.KEEP
    assert answer.note.startswith("This is iteration 1's change again.")
    assert max(machine.review.history(iteration=2).rows[0].samples) < 100, "the slow run is not among them"


def test_what_runs_in_turn_decided_is_not_tried_again(machine: Project) -> None:
    machine.start()
    first = int((machine.root.parent / "runs").read_text())
    turn(machine, f"1 if value == 100 else (0.98 if runs == {first} else 1) * 100 / value")
    settled = machine.try_value(101, "a lucky first run")
    assert settled.status is Status.DISCARD
    assert settled.effect is not None
    assert settled.effect.incumbent

    with pytest.raises(Refusal) as refused:
        machine.try_value(101, "once more")

    assert refused.value.code is Code.REPEAT
    machine.git("checkout", "--quiet", "value.txt")
    with pytest.raises(Refusal, match="what iteration"):
        machine.loop.iterate("once more", again=1)
    assert machine.git("status", "--porcelain") == ""


def test_what_ran_out_of_runs_before_it_showed_anything_may_be_tried_again(machine: Project) -> None:
    machine.plan = machine.plan.model_copy(update={"max_runs": 6})
    machine.start()
    turn(machine, "1 if value == 100 else 0.98 * 100 / value")
    assert machine.try_value(101, "a gain of two standard deviations").status is Status.DISCARD
    assert machine.review.history(iteration=1).rows[0].why.startswith("Inconclusive after 6 runs")
    assert len(near(machine)) == 1

    turn(machine, "1 if value == 100 else 0.5 * 100 / value")

    assert machine.loop.iterate("once more", again=1).status is Status.KEEP
    assert near(machine) == [], "what was tried again is judged by the last time"


def test_an_exact_metric_is_tried_once(project: Project) -> None:
    project.start().try_value(12)

    with pytest.raises(Refusal) as refused:
        project.loop.iterate("again", again=1)

    assert refused.value.code is Code.REPEAT
    assert project.read("value.txt") == "10\n"


@pytest.mark.parametrize(
    ("guards", "slow", "words"),
    [((), 1.3, ""), (("true",), 1.3, "No guard ran on it. "), ((), 1.5, None)],
    ids=["near", "with a guard", "farther than runs of this machine lie"],
)
def test_the_answer_says_that_one_run_may_be_an_outlier_and_the_call_that_it_names_works(
    machine: Project, guards: tuple[str, ...], slow: float, words: str | None
) -> None:
    machine.plan = machine.plan.model_copy(update={"guards": guards})
    dropped_by_a_slow_moment(machine, slow)

    row = machine.review.history(iteration=1).rows[0]
    note = row.note

    assert row.delta == pytest.approx(-(row.gain or 0)), "one effect, the one that decided"
    if words is None:
        assert note == ""
        return
    assert f"an outlier would look the same. {words}again = 1 tries it once more." in note
    kept = machine.loop.iterate(again=1)
    assert kept.status is Status.KEEP
    told = kept.lines()[0]
    assert f"incumbent now {kept.incumbent:.10g} (the baseline with all claimed gains: {kept.best:.10g})" in told
    assert kept.incumbent == pytest.approx(80, abs=3)


def test_what_looked_as_bad_the_second_time_is_not_offered_a_third_time(machine: Project) -> None:
    machine.start()
    for number in (1, 2):
        answer = machine.try_value(105, f"a bad one, {number}")
        assert answer.status is Status.DISCARD
        assert ("once more" in machine.review.history(iteration=number).rows[0].note) == (number == 1)


def test_again_restores_the_change_on_what_was_kept_since(machine: Project) -> None:
    machine.start()
    machine.write("app.txt", "one\ntwo\nTHREE\n").write("src/new.txt", "a new file\n")
    turn(machine, "1.5 if app.endswith('THREE') else 1")
    assert machine.loop.iterate("the last line").status is Status.DISCARD
    turn(machine, 1)
    machine.write("app.txt", "ONE\ntwo\nthree\n").write("value.txt", "90\n")
    assert machine.loop.iterate("the first line").status is Status.KEEP
    turn(machine, "0.8 if app.endswith('THREE') else 1")

    answer = machine.loop.iterate("the last line once more", again=1)

    assert answer.status is Status.KEEP
    assert machine.read("app.txt") == "ONE\ntwo\nTHREE\n"
    assert machine.read("src/new.txt") == "a new file\n"
    assert machine.git("status", "--porcelain") == ""
    assert machine.review.history(iteration=3).rows[0].files == ("app.txt", "src/new.txt")


def test_again_is_refused_with_a_cure_where_the_same_lines_were_changed_since(machine: Project) -> None:
    machine.start()
    machine.write("app.txt", "one\ntwo\nTHREE\n")
    turn(machine, "1.5 if app.endswith('THREE') else 1")
    machine.loop.iterate("the last line")
    machine.write("app.txt", "one\ntwo\n3\n").write("value.txt", "90\n")
    assert machine.loop.iterate("another last line").status is Status.KEEP
    before = machine.picture()

    with pytest.raises(Refusal, match=r"does not fit the incumbent any more.*history\(iteration=1\)"):
        machine.loop.iterate("once more", again=1)

    assert machine.picture() == before


@pytest.mark.parametrize(
    ("number", "words"), [(0, ""), (7, "Iteration 7 has no change to try again"), (-1, "Iteration -1 has no change")]
)
def test_again_wants_an_iteration_with_a_change(machine: Project, number: int, words: str) -> None:
    machine.start()
    if not number:
        assert machine.loop.iterate("no change", again=0).status is Status.NO_OP
        return

    with pytest.raises(Refusal, match=words):
        machine.loop.iterate("once more", again=number)


def test_again_leaves_edits_alone(machine: Project) -> None:
    machine.start()
    machine.write("src/new.txt", "ours\n")
    turn(machine, "1.5 if __import__('os').path.exists('src/new.txt') else 1")
    assert machine.loop.iterate("a new file").status is Status.DISCARD
    turn(machine, 1)
    machine.write("value.txt", "50\n")

    with pytest.raises(Refusal, match=r"have edits or are in the way: value\.txt"):
        machine.loop.iterate("once more", again=1)

    assert machine.read("value.txt") == "50\n"
    assert not (machine.root / "src/new.txt").exists()


@pytest.mark.parametrize("place", ["the files", "the record"])
def test_killed_while_it_brings_a_change_again_the_same_call_goes_on(machine: Project, place: str) -> None:
    dropped_by_a_slow_moment(machine)

    def call() -> object:
        return machine.loop.iterate("the good one once more", again=1)

    if place == "the files":
        killed_before(ExperimentIndex, "commit", lambda *rest: True, call)
        assert machine.read("value.txt") == "80\n"
    else:
        before_record("verified", call)
    machine.restart()

    assert machine.loop.iterate("the good one once more", again=1).status is Status.KEEP
    assert machine.sessions.status().iterations == 2


def test_no_merge_program_of_the_repository_runs(machine: Project) -> None:
    machine.write(".gitattributes", "app.txt merge=evil\n").commit("attributes")
    machine.git("config", "merge.evil.driver", "touch ran-a-program; false")
    machine.start()
    machine.write("app.txt", "one\ntwo\nTHREE\n")
    turn(machine, "1.5 if app.endswith('THREE') else 1")
    machine.loop.iterate("the last line")
    turn(machine, 1)
    machine.write("app.txt", "ONE\ntwo\nthree\n").write("value.txt", "90\n")
    assert machine.loop.iterate("the first line").status is Status.KEEP

    with pytest.raises(Refusal, match="does not fit"):
        machine.loop.iterate("once more", again=1)

    assert not (machine.root / "ran-a-program").exists()


def test_near_misses_are_those_that_may_gain_and_never_worse_ones(machine: Project) -> None:
    dropped_by_a_slow_moment(machine)
    turn(machine, "1 if value == 100 else 0.994 * 100 / value")
    for value in range(101, 106):
        machine.try_value(value, f"hardly better, {value}")

    material = machine.review.detect_stuck().material

    assert material is not None
    rows = {row.iteration: row for row in machine.lab.for_reading().rows()}
    gains = [rows[int(words.split(" ")[0][1:])].gain for words in material.near_misses]
    assert gains
    assert "app.txt" in material.untouched
    context = machine.lab.for_reading("")
    say(context.repo.own_folder, context.active.id, "leave app.txt alone", Said.HINT)
    hinted = machine.review.detect_stuck().material
    assert hinted is not None
    assert "app.txt" not in hinted.untouched
    assert all(gain is not None and gain > 0 for gain in gains)
    assert not [words for words in material.near_misses if words.startswith("#1 ")]
    for words in material.near_misses:
        row = rows[int(words.split(" ")[0][1:])]
        assert words.endswith(f"again = {row.iteration}") is (len(row.samples) < 2 or not row.incumbent)
