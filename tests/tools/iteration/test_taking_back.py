"""A keep is taken back as a new measured iteration, and only alone: what needs it is named."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from autoresearch_mcp.server.main import main
from autoresearch_mcp.tools.decision.decide import Status
from autoresearch_mcp.tools.errors import Code, Refusal
from autoresearch_mcp.tools.verbs.loop_answers import Iterated
from autoresearch_mcp.tools.vocabulary import Phase
from conftest import Project
from crashing import before_record, check, killed_at, points, when_free
from drifting import machine, turn

__all__ = ["machine"]


def with_keeps(root: Path, hook: str = "", **plan: object) -> Project:
    """A session whose metric is the smallest number: keep 3 writes where keep 1 did, and makes keep 2 needless."""
    project = Project(root, verify="cat src/* value.txt | sort -n | head -1", **plan)
    project.write("src/a.txt", "40\n").write("src/b.txt", "40\n").commit("parts")
    if hook:
        project.hook("pre-commit", hook)
    project.start()

    def keep() -> None:
        for name, number in (("src/a.txt", 9), ("src/b.txt", 5), ("src/a.txt", 4)):
            project.write(name, f"{number}\n")
            assert project.loop.iterate(f"{name} is {number}").status is Status.KEEP

    return project.once("three keeps", keep)


@pytest.fixture
def three(tmp_path: Path) -> Project:
    return with_keeps(tmp_path / "repo")


def test_a_keep_without_which_it_is_not_worse_goes_and_the_gain_stays(three: Project) -> None:
    answer = three.loop.iterate("the second is needless now", undo=2)

    assert (answer.status, answer.metric, answer.best) == (Status.KEEP_UNDO, 4.0, 4.0)
    assert three.read("src/b.txt") == "40\n"
    assert three.review.history(iteration=4).rows[0].undoes == 2
    assert three.sessions.status().best_iteration == 3
    check(three)
    with pytest.raises(Refusal, match=r"Iteration 2 is no kept change that stands. Those that do: #1, #3\."):
        three.loop.undo(2)


def test_a_keep_without_which_it_is_worse_stays(three: Project) -> None:
    tree = three.git("rev-parse", "HEAD^{tree}")

    answer = three.loop.iterate("it is wrong for 1.0 after 1", undo=3)

    assert (answer.status, answer.metric, answer.delta) == (Status.DISCARD, 5.0, 1.0)
    assert "only a person takes it out, whatever that costs, by `autoresearch-mcp undo 3 --force`" in answer.note
    for form in ("text", "md"):
        told = three.review.report(form).report.replace("<!-- -->", "")
        assert "Doubt: keep 3 was to be taken back by #4: it is wrong for 1.0 after 1." in told
    assert three.git("rev-parse", "HEAD^{tree}") == tree
    assert three.table()[4].split("\t")[5:] == ["discard", "it is wrong for 1.0 after 1"]
    with pytest.raises(Refusal, match="what iteration 4 tried"):
        three.loop.undo(3)
    check(three)


def test_a_person_takes_back_what_costs_and_is_told_what(three: Project) -> None:
    answer = three.loop.undo(3, force=True)

    assert (answer.status, answer.metric, answer.delta, answer.best) == (Status.KEEP_UNDO, 5.0, 1.0, 5.0)
    assert answer.why == "Worse by 1. All guards passed. A person took it back, whatever it costs."
    assert three.loop.undo(2, force=True).best == 9.0
    assert three.loop.undo(1, force=True).best == 10.0
    assert three.git("diff", "--stat", three.git("rev-parse", "HEAD~6"), "HEAD") == ""
    check(three)


def test_a_person_who_thinks_better_of_it_tries_the_change_again(three: Project) -> None:
    three.loop.undo(3, force=True)

    answer = three.loop.iterate("the third once more", again=3)

    assert (answer.status, answer.best) == (Status.KEEP, 4.0)
    check(three)


def test_what_is_told_after_an_older_keep_went_is_what_was_measured(tmp_path: Path) -> None:
    project = with_keeps(tmp_path / "repo")
    project.write("src/c.txt", "3\n")
    assert project.loop.iterate("a third").status is Status.KEEP
    project.loop.undo(3, force=True)

    assert project.sessions.status().best == 3.0
    told = project.review.report("md").report
    assert "3 keeps together claim" in told
    assert "taken back" in told


def test_under_noise_runs_in_turn_decide_and_a_person_is_told_what_it_costs(machine: Project) -> None:
    machine.start()
    turn(machine, "0.9 if app == 'fast' else 1")
    machine.write("app.txt", "fast\n")
    assert machine.loop.iterate("a fast app").status is Status.KEEP
    assert machine.try_value(90, "a smaller value").status is Status.KEEP
    turn(machine, "0.9 if app == 'fast' else 0.87")

    needless = machine.loop.undo(1)

    assert needless.status is Status.KEEP_UNDO, needless.why
    assert needless.effect is not None
    assert needless.effect.runs >= 4
    assert needless.best == pytest.approx(80, abs=3), "what was gained together is there still"
    assert machine.loop.undo(2).status is Status.DISCARD
    costs = machine.loop.undo(2, force=True)
    assert costs.status is Status.KEEP_UNDO
    assert costs.delta == pytest.approx(9, abs=3)
    assert machine.sessions.status().current == pytest.approx(87, abs=3)
    check(machine)


def test_keeps_that_need_it_are_named_and_nothing_is_changed(three: Project) -> None:
    before = three.picture()

    with pytest.raises(Refusal, match=r"later keeps changed the same lines and need it: #3 src/a\.txt is 4\. Nothing"):
        three.loop.undo(1)

    assert three.picture() == before
    check(three)


def test_a_red_guard_keeps_a_keep_whoever_asks(tmp_path: Path) -> None:
    project = with_keeps(tmp_path / "repo", guards=("test $(cat src/a.txt) != 4 -o $(cat src/b.txt) != 40",))

    for answer in (project.loop.iterate("without the second", undo=2), project.loop.undo(2, force=True)):
        assert (answer.status, answer.phase) == (Status.DISCARD, Phase.READY)
        assert "--force" not in answer.note, "it would not help"
    check(project)


def test_killed_between_a_red_guard_and_the_end_the_same_call_goes_on_to_the_end(tmp_path: Path) -> None:
    project = with_keeps(tmp_path / "repo", guards=("test $(cat src/a.txt) != 4 -o $(cat src/b.txt) != 40",))
    before_record("gave-up", lambda: project.loop.undo(2))
    project.restart()

    answer = when_free(lambda: project.loop.undo(2))

    assert isinstance(answer, Iterated)
    assert answer.status is Status.DISCARD
    assert project.read("src/b.txt") == "5\n"
    check(project)


def test_a_hook_that_says_no_leaves_everything_as_it_was(tmp_path: Path) -> None:
    project = with_keeps(tmp_path / "repo", hook="test $(cat src/a.txt) != 4 -o $(cat src/b.txt) != 40")

    assert project.loop.undo(2).status is Status.HOOK_BLOCKED

    assert project.read("src/b.txt") == "5\n"
    check(project)


def test_edits_of_the_user_are_left_alone(three: Project) -> None:
    three.write("src/b.txt", "6\n")

    with pytest.raises(Refusal, match=r"have edits or are in the way: src/b\.txt"):
        three.loop.undo(2)

    assert three.read("src/b.txt") == "6\n"


def test_a_person_takes_a_keep_back_when_the_budget_is_spent_and_an_agent_does_not(tmp_path: Path) -> None:
    project = with_keeps(tmp_path / "repo", iterations=3)
    with pytest.raises(Refusal) as refused:
        project.loop.iterate("the second is needless now", undo=2)
    assert refused.value.code is Code.SESSION_ENDED

    assert project.loop.undo(2).status is Status.KEEP_UNDO

    check(project)


def test_killed_at_any_checkpoint_the_same_command_takes_it_back(three: Project, tmp_path: Path) -> None:
    def copied(name: str) -> Project:
        project = three.copied(tmp_path / name)
        project.git("update-index", "--refresh")
        return project

    project = copied("points")
    passed = [name for name in points(lambda: project.loop.undo(2)) if ": before " in name]
    own = [name for name in passed if name.startswith("commit:")]
    named = own + passed[len(own) :: 8]  # from there on it goes as with any other iteration
    for number, point in enumerate(named):
        project = copied(str(number))
        assert killed_at(point, lambda project=project: project.loop.undo(2)), point  # type: ignore[misc]
        project.restart()

        if project.sessions.status().iterations == 3:
            assert when_free(lambda project=project: project.loop.undo(2)), point  # type: ignore[misc]
        else:
            project.try_value(60)

        assert project.statuses()[4] == "keep (undo)", point
        assert project.read("src/b.txt") == "40\n", point
        check(project)
        shutil.rmtree(project.root)
    assert len(own) > 3


def test_the_command_says_what_came_of_it_and_asks_before_it_forces(
    three: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    root = ["--root", str(three.root)]
    assert main([*root, "undo", "3"]) == 1
    assert "#4 discard: metric 5 (+1)" in capsys.readouterr().out
    assert main([*root, "undo", "2"]) == 0
    assert main([*root, "undo", "1"]) == 2
    assert "need it: #3 src/a.txt is 4" in capsys.readouterr().err
    assert not os.isatty(0)
    assert main([*root, "undo", "3", "--force"]) == 2
    assert "asks a person" in capsys.readouterr().err
