"""A server killed at any instant: the next call finishes what was begun, and nothing of anybody is lost."""

from __future__ import annotations

import random
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest

from autoresearch_mcp.tools.errors import Refusal
from autoresearch_mcp.tools.verbs.loop_answers import Iterated, RevertMade
from autoresearch_mcp.tools.vocabulary import Phase
from conftest import Project
from crashing import (
    before_git,
    before_record,
    before_the_index_is_replaced,
    before_the_intent_is_cleared,
    check,
    iterate,
    killed_after,
    killed_at,
    kinds,
    points,
    when_free,
)


def keeps(project: Project) -> None:
    project.write("value.txt", "5\n").write("src/new.txt", "new\n")
    (project.root / "app.txt").unlink()


def discards(project: Project) -> None:
    project.write("value.txt", "50\n").write("src/new.txt", "new\n" * 1000)
    (project.root / "app.txt").unlink()


def crashes(project: Project) -> None:
    (project.root / "value.txt").unlink()
    project.write("src/new.txt", "new\n")


EDITS: dict[str, Callable[[Project], None]] = {"keep": keeps, "discard": discards, "crash": crashes}


@pytest.fixture
def template(tmp_path: Path) -> Project:
    """A session with work of the user's beside it, to be copied instead of begun each time."""
    project = Project(tmp_path / "template", guards=()).start()
    project.write("mine.txt", "stashed\n")
    project.git("stash", "--quiet", "--include-untracked", "--", "mine.txt")
    project.git("branch", "users", "HEAD")
    return project


def copied(template: Project, place: Path) -> Project:
    project = template.copied(place)
    project.git("update-index", "--refresh")
    return project


def to_the_end(project: Project) -> str:
    """The same call again, by a new server, until the iteration is logged; returns the row's status."""
    project.restart()
    answer = when_free(lambda: iterate(project, "an idea"))
    if project.sessions.status().phase in {Phase.FIX, Phase.REWORK}:
        project.loop.revert()
        project.loop.log()
    del answer
    return project.statuses()[1]


def checkpoints(template: Project, tmp_path: Path, kind: str) -> list[str]:
    """Where an iteration of a kind is killed: before each change of the disk, and while it measures also after each.

    The disk after one change and before the next is the same, but for a run that began in between. What comes before the
    decision is the same for all kinds: it is tried with a discard.
    """
    project = copied(template, tmp_path / "points")
    EDITS[kind](project)
    passed = points(lambda: iterate(project, "an idea"))
    shutil.rmtree(project.root)
    decided = passed.index("measure: before journal verified 1")
    return [
        name
        for number, name in enumerate(passed)
        if (": before " in name or name.startswith("measure")) and (kind == "discard" or number >= decided)
    ]


@pytest.mark.parametrize("kind", EDITS)
def test_killed_at_any_checkpoint_an_iteration_ends_as_if_nothing_had_happened(
    template: Project, tmp_path: Path, kind: str
) -> None:
    named = checkpoints(template, tmp_path, kind)
    for number, point in enumerate(named):
        project = copied(template, tmp_path / str(number))
        EDITS[kind](project)
        assert killed_at(point, lambda project=project: iterate(project, "an idea")), point  # type: ignore[misc]

        assert to_the_end(project) == kind, point

        assert "a server of this account" not in check(project), "a death is no forgery"
        assert len(project.table()) == 2, f"one row, whatever happened: {point}"
        assert project.git("stash", "list").count("stash@") == 1
        assert project.git("rev-parse", "users")
        shutil.rmtree(tmp_path / str(number))
    assert len(named) > {"keep": 7, "discard": 38, "crash": 3}[kind]


def test_killed_while_the_incumbent_is_tried_where_the_change_gave_no_number(tmp_path: Path) -> None:
    template = Project(tmp_path / "template", verify="cat cache/answer || cat value.txt", guards=())
    template.write(".gitignore", "cache/\n").commit("ignore the cache").start()

    def edited(name: str) -> Project:
        project = copied(template, tmp_path / name).write("cache/answer", "1\n")
        crashes(project)
        return project

    project = edited("points")
    passed = points(lambda: iterate(project, "an idea"))
    named = [name for name in passed if name.startswith("decide: before") and name.endswith(" 1")]
    for number, point in enumerate(named):
        project = edited(str(number))
        assert killed_at(point, lambda project=project: iterate(project, "an idea")), point  # type: ignore[misc]

        assert to_the_end(project) == "crash", point

        check(project)
    assert any("git worktree" in name for name in named)


def test_killed_again_while_it_recovers(template: Project, tmp_path: Path) -> None:
    for first, second in ((4, 1), (4, 6), (10, 3), (16, 1), (16, 6)):
        project = copied(template, tmp_path / f"{first}-{second}")
        discards(project)
        killed_at(first, lambda project=project: iterate(project, "an idea"))  # type: ignore[misc]
        project.restart()
        killed_at(second, lambda project=project: iterate(project, "an idea"))  # type: ignore[misc]

        assert to_the_end(project) == "discard"

        check(project)


STEPS = ["committed", "verified", "reverted", "logged"]
"""The events of an iteration of `discards`."""


@pytest.mark.parametrize("step", ["committed", "reverted"])
def test_a_step_that_was_recorded_is_not_recorded_again(template: Project, tmp_path: Path, step: str) -> None:
    project = copied(template, tmp_path / "repo")
    discards(project)
    before_the_intent_is_cleared(step, lambda: iterate(project, "an idea"))
    assert kinds(project, 1)[-1] == step

    assert to_the_end(project) == "discard"

    assert kinds(project, 1) == STEPS
    assert project.review.history().rows[-1].tries == 1
    check(project)


@pytest.mark.parametrize("step", ["committed", "reverted"])
def test_a_step_that_a_recovery_recorded_before_it_died_is_not_recorded_again(
    template: Project, tmp_path: Path, step: str
) -> None:
    project = copied(template, tmp_path / "repo")
    discards(project)
    before_record(step, lambda: iterate(project, "an idea"))
    assert step not in kinds(project, 1)
    project.restart()
    before_the_intent_is_cleared(step, lambda: when_free(lambda: iterate(project, "an idea")))
    assert kinds(project, 1)[-1] == step

    assert to_the_end(project) == "discard"

    assert kinds(project, 1) == STEPS
    check(project)


def test_an_undo_that_was_interrupted_leaves_a_later_edit_alone(template: Project, tmp_path: Path) -> None:
    moments: dict[str, Callable[[Callable[[], object]], None]] = {
        "index": before_the_index_is_replaced,
        "files": partial(before_git, "checkout-index"),
    }
    for place, die in moments.items():
        project = copied(template, tmp_path / place)
        discards(project)
        project.loop.commit("an idea")
        project.loop.verify()
        die(project.loop.revert)
        project.write("value.txt", "the user's next idea\n").write("src/new.txt", "the user's new file\n")
        project.restart()

        answer = when_free(lambda project=project: project.loop.log())  # type: ignore[misc]

        assert isinstance(answer, Iterated)
        assert answer.status == "discard"
        assert sorted(answer.kept_edits) == ["src/new.txt", "value.txt"]
        assert "revert of iteration 1 was finished" in answer.recovered
        assert project.read("value.txt") == "the user's next idea\n"
        assert project.read("src/new.txt") == "the user's new file\n"
        assert project.read("app.txt") == "one\ntwo\nthree\n", "nobody edited it, so it is back"
        assert project.git("show", "HEAD:value.txt") == "10"


def test_an_undo_that_was_interrupted_leaves_an_edit_from_before_it_alone(template: Project, tmp_path: Path) -> None:
    project = copied(template, tmp_path / "repo")
    discards(project)
    project.loop.commit("an idea")
    project.loop.verify()
    project.write("value.txt", "the user's next idea\n")
    project.git("add", "value.txt")
    before_git("checkout-index", project.loop.revert)
    project.restart()

    answer = when_free(lambda: project.loop.log())

    assert isinstance(answer, Iterated)
    assert answer.kept_edits == ["value.txt"]
    assert project.read("value.txt") == "the user's next idea\n"
    assert project.git("diff", "--cached", "--name-only") == "value.txt", "staged it was, and staged it is"
    assert not (project.root / "src/new.txt").exists()


def test_an_undo_that_was_interrupted_before_head_moved_is_begun_anew(template: Project, tmp_path: Path) -> None:
    project = copied(template, tmp_path / "repo")
    discards(project)
    project.loop.commit("an idea")
    project.loop.verify()
    before_git("update-index", project.loop.revert)
    project.write("value.txt", "the user's next idea\n")
    project.restart()

    answer = when_free(project.loop.revert)

    assert isinstance(answer, RevertMade)
    assert answer.kept_edits == ["value.txt"]
    assert project.read("value.txt") == "the user's next idea\n"
    assert project.loop.log().status == "discard"


WORDS = {
    "plain": "moved the value",
    "masked": "password=hunter2hunter2hunter2 moved",
    "masked across the end": "x" * 470 + " password=hunter2hunter2hunter2 moved",
    "made a secret by the end": "x" * 478 + " password: abc1def-foo" + "(asked)",
    "longer than is kept": "the value " * 80,
    "with escapes": "\x1b[31mred\x1b[0m value\x1b]0;title\x07 moved\x00",
    "with hidden characters": "the\u200b va\ufe00lue\u3164 mo\u034fved\u202e",
    "on many lines": "  the\n\tvalue\r\nmoved  ",
}


@pytest.mark.parametrize("words", WORDS.values(), ids=WORDS)
def test_a_call_made_again_is_known_by_its_words_whatever_of_them_is_kept(project: Project, words: str) -> None:
    project.start().write("value.txt", "8\n")
    project.loop.commit(words)
    project.restart()

    assert project.loop.iterate(words).status == "keep"
    assert "hunter2" not in project.git("log", "--format=%B")


@pytest.mark.parametrize("words", ["moved something else", ""])
def test_a_call_with_other_words_is_not_taken_for_the_one_that_was_interrupted(project: Project, words: str) -> None:
    project.start().write("value.txt", "8\n")
    project.loop.commit("moved the value")
    project.restart()

    with pytest.raises(Refusal, match="`iterate` is not possible in phase `committed`"):
        project.loop.iterate(words)


@pytest.mark.parametrize("words", ["", " \n\t", "\u200b", "\u3164"])
def test_a_description_with_nothing_to_read_is_refused(project: Project, words: str) -> None:
    project.start().write("value.txt", "8\n")

    for call in (project.loop.commit, project.loop.iterate):
        with pytest.raises(Refusal, match=r"`description` is empty\. Say in one sentence"):
            call(words)

    assert project.sessions.status().phase is Phase.READY


def test_an_edit_made_after_the_crash_is_left_as_it_is(template: Project, tmp_path: Path) -> None:
    for number, point in enumerate(checkpoints(template, tmp_path, "discard")[::4]):
        project = copied(template, tmp_path / str(number))
        discards(project)
        assert killed_at(point, lambda project=project: iterate(project, "an idea"))  # type: ignore[misc]
        project.write("notes.txt", "written by the user after the crash\n")
        project.restart()
        with suppress(Refusal):  # it stands outside the scope, which the agent is told
            when_free(lambda project=project: iterate(project, "an idea"))  # type: ignore[misc]

        assert project.read("notes.txt") == "written by the user after the crash\n", point


@pytest.mark.parametrize("seed", [1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(2, 10))])
def test_killed_at_random_again_and_again(template: Project, tmp_path: Path, seed: int) -> None:
    draw = random.Random(seed)
    project = copied(template, tmp_path / "repo")
    project.write("value.txt", "19\n")
    began = time.monotonic()
    iterate(project, "an idea that nobody disturbs")
    usual = time.monotonic() - began  # machines differ
    kills = number = 0
    while number < 12 or (kills < 3 and number < 60):  # the machine may be quicker now than it usually was
        number += 1
        project.write("value.txt", f"{draw.choice([4, 20]) + number / 100}\n")
        for _ in range(2):
            kills += killed_after(draw.uniform(0.1, 1.0) * usual, lambda: iterate(project, f"idea {number}"))  # noqa: B023
            project.restart()
        when_free(lambda: iterate(project, f"idea {number}"))  # noqa: B023
        check(project)
    assert kills >= 3
