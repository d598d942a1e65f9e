"""What happens the second time: the same change, the same words, the same step, the same run."""

from __future__ import annotations

from pathlib import Path

import pytest

from autoresearch_mcp.tools.decision.decide import Status
from autoresearch_mcp.tools.decision.failures import FailureClass
from autoresearch_mcp.tools.errors import Code, Refusal
from autoresearch_mcp.tools.session.events import Row
from autoresearch_mcp.tools.vocabulary import Phase
from conftest import Project
from crashing import before_record, iterate, kinds

COUNTED = "echo $((10 - $(wc -l < app.txt)))"
"""A metric that is better with each line of `app.txt`."""


def last_row(project: Project) -> Row:
    return project.lab.for_reading().rows()[-1]


def refused_repeat(project: Project, says: str) -> None:
    before = project.git("rev-parse", "HEAD")
    with pytest.raises(Refusal, match=says) as refused:
        project.loop.iterate("once more")
    assert refused.value.code is Code.REPEAT
    assert project.git("rev-parse", "HEAD") == before


# --- The same change again -----------------------------------------------------------------------------------------------


def test_what_was_tried_byte_for_byte_is_refused_also_after_a_keep(project: Project) -> None:
    project.start()
    project.try_value(12, "twelve")
    assert project.try_value(8, "eight").status is Status.KEEP

    project.write("value.txt", "12\n")

    refused_repeat(project, r"This is byte for byte what iteration 1 tried \(discard: twelve\)")


def test_what_the_incumbent_replaced_is_refused_when_it_comes_back(project: Project) -> None:
    project.start()
    project.try_value(8, "eight")
    project.try_value(7, "seven")

    project.write("value.txt", "8\n")

    refused_repeat(project, r"This is byte for byte what iteration 1 tried \(keep: eight\)")


def test_a_change_that_failed_may_be_tried_on_another_incumbent(project: Project) -> None:
    project.start()
    project.write("app.txt", "one\ntwo\nthree\nfour\n")
    assert project.loop.iterate("a fourth line").status is Status.DISCARD
    project.try_value(8, "eight")
    project.write("app.txt", "one\ntwo\nthree\nfour\n")

    answer = project.loop.iterate("a fourth line")

    assert (answer.iteration, answer.status) == (3, Status.DISCARD)
    assert answer.note == "This is iteration 1's change again."


def test_a_change_that_was_kept_may_be_made_once_more_on_top(tmp_path: Path) -> None:
    project = Project(tmp_path / "repo", verify=COUNTED, guards=()).start()
    project.write("app.txt", "one\ntwo\nthree\nmore\n")
    assert project.loop.iterate("more").status is Status.KEEP
    project.write("app.txt", "one\ntwo\nthree\nmore\nmore\n")

    answer = project.loop.iterate("and more")

    assert (answer.status, answer.note) == (
        Status.KEEP,
        "This is iteration 1's change again.",
    )


def test_a_change_that_failed_on_this_incumbent_is_refused_with_other_spacing(project: Project) -> None:
    project.start()
    project.try_value(8, "eight")
    project.write("app.txt", "one\ntwo\nthree\nthe fourth\n")
    project.loop.iterate("a fourth line")

    project.write("app.txt", "one\ntwo\nthree\nthe   fourth\n")

    refused_repeat(project, r"But for white space this is what iteration 2 tried \(discard: a fourth line\)")


def test_two_contents_that_git_shows_no_lines_of_are_two_changes(project: Project) -> None:
    project.write(".gitattributes", "value.txt -diff\n").commit("a file that has no lines").start()

    assert project.try_value(12, "twelve").status is Status.DISCARD
    assert project.try_value(11, "eleven").status is Status.DISCARD


MISHAPS = {
    "hang": ("exit 124", FailureClass.HANG),  # what `timeout` exits with
    "external": ("echo connection refused >&2; exit 1", FailureClass.EXTERNAL),
    "runtime": ("exit 1", FailureClass.RUNTIME),
}


@pytest.fixture
def fated(tmp_path: Path, request: pytest.FixtureRequest) -> Project:
    """A try that failed for one reason or another, and was given up; what made it fail is gone."""
    mishap, failure = MISHAPS[request.param]
    bad_day = tmp_path / "bad-day"
    verify = f"test ! -e {bad_day} || {{ {mishap}; }}; cat value.txt"
    project = Project(tmp_path / "repo", verify=verify, guards=()).start()
    bad_day.write_text("")
    assert project.try_value(8, "eight").phase is Phase.FIX
    project.loop.revert()
    assert project.loop.log().status is Status.CRASH
    assert last_row(project).failure is failure
    bad_day.unlink()
    return project.write("value.txt", "8\n")


@pytest.mark.parametrize("fated", ["hang", "external"], indirect=True)
def test_what_hung_or_met_an_outage_may_be_tried_again_as_it_was(fated: Project) -> None:
    answer = fated.loop.iterate("eight, on a better day")

    assert (answer.iteration, answer.status, answer.metric) == (2, Status.KEEP, 8.0)


@pytest.mark.parametrize("fated", ["runtime"], indirect=True)
def test_what_failed_by_itself_may_not(fated: Project) -> None:
    refused_repeat(fated, r"byte for byte what iteration 1 tried \(crash: eight\)")


# --- The same call again -------------------------------------------------------------------------------------------------


def again(project: Project, restarted: bool) -> None:
    if restarted:
        project.restart()


@pytest.mark.parametrize("restarted", [False, True], ids=["same server", "next server"])
def test_the_same_words_after_another_edit_are_another_iteration(project: Project, restarted: bool) -> None:
    project.start().write("value.txt", "12\n")
    first = iterate(project, "another value")
    again(project, restarted)
    project.write("value.txt", "8\n")

    second = iterate(project, "another value")

    assert (first.iteration, first.status) == (1, Status.DISCARD)
    assert (second.iteration, second.status, second.metric) == (2, Status.KEEP, 8.0)
    assert project.statuses() == ["baseline", "discard", "keep"]


@pytest.mark.parametrize("restarted", [False, True], ids=["same server", "next server"])
def test_the_same_words_after_an_edit_are_a_fix_of_what_crashed(project: Project, restarted: bool) -> None:
    project.start()
    (project.root / "value.txt").unlink()
    first = iterate(project, "another value")
    again(project, restarted)
    project.write("value.txt", "8\n")

    second = iterate(project, "another value")

    assert first.phase is Phase.FIX
    assert (second.iteration, second.status, second.metric) == (1, Status.KEEP, 8.0)
    assert kinds(project, 1).count("committed") == 2


def test_an_attempt_that_comes_back_is_refused_while_its_iteration_is_open(project: Project) -> None:
    project.start()
    (project.root / "value.txt").unlink()
    assert project.loop.iterate("another value").phase is Phase.FIX
    project.write("app.txt", "another\n")
    assert project.loop.iterate("another value").phase is Phase.FIX

    project.write("app.txt", "one\ntwo\nthree\n")
    with pytest.raises(Refusal, match=r"byte for byte what iteration 1 tried \(still open\). It has no verdict yet"):
        project.loop.iterate("another value")


@pytest.mark.parametrize("restarted", [False, True], ids=["same server", "next server"])
def test_the_same_words_without_an_edit_get_the_same_answer(project: Project, restarted: bool) -> None:
    project.start().write("value.txt", "12\n")
    first = iterate(project, "another value")
    again(project, restarted)

    second = iterate(project, "another value")

    assert (second.iteration, second.status, second.metric, second.why) == (1, first.status, first.metric, first.why)
    assert "this is that answer" in second.note
    assert project.statuses() == ["baseline", "discard"]


def test_other_words_without_an_edit_are_a_no_op(project: Project) -> None:
    project.start().write("value.txt", "12\n")
    iterate(project, "another value")

    second = iterate(project, "something else")

    assert (second.iteration, second.status) == (2, Status.NO_OP)


# --- The same hook again -------------------------------------------------------------------------------------------------


def test_what_hooks_rejected_is_kept_aside_when_it_is_discarded_and_every_try_counted(project: Project) -> None:
    project.hook("pre-commit", "git diff --cached --quiet")
    project.start()
    for value in (5, 6, 7):
        project.write("src/deep/new.txt", f"new for {value}\n")
        (project.root / "app.txt").unlink(missing_ok=True)
        answer = project.try_value(value)

    assert answer.status is Status.HOOK_BLOCKED
    assert last_row(project).tries == 3
    assert project.git("status", "--porcelain") == ""
    assert set_aside(project) == {"value.txt": "7\n", "src/deep/new.txt": "new for 7\n"}


def set_aside(project: Project) -> dict[str, str]:
    """What stands in the folder of evidence of iteration 1."""
    aside = project.root / ".git/autoresearch/evidence" / project.lab.for_reading().active.id / "1"
    return {str(file.relative_to(aside)): file.read_text() for file in aside.rglob("*") if file.is_file()}


def test_a_discard_that_was_interrupted_keeps_what_stood_there_the_first_time_too(project: Project) -> None:
    project.hook("pre-commit", "git diff --cached --quiet")
    project.start()
    for value in (5, 6):
        project.try_value(value)
    before_record("reverted", lambda: project.try_value(7))
    assert project.read("value.txt") == "10\n"
    project.write("value.txt", "the next idea\n").restart()
    project.loop.revert()

    assert project.loop.log().status is Status.HOOK_BLOCKED
    assert set_aside(project) == {"value.txt": "7\n", "value.txt.1": "the next idea\n"}


def test_what_a_hook_let_in_at_the_second_try_starts_again_with_the_next_iteration(project: Project) -> None:
    project.hook("pre-commit", "git diff --cached | grep -q forbidden && exit 1 || exit 0")
    project.start().write("app.txt", "forbidden\n")
    project.try_value(8)
    project.write("app.txt", "allowed\n")
    assert project.try_value(8).status is Status.KEEP

    project.write("app.txt", "forbidden again\n")
    rejected = project.try_value(7)

    assert (rejected.phase, rejected.iteration) == (Phase.FIX, 2)
    assert "2 more tries" in rejected.why


# --- The same run again --------------------------------------------------------------------------------------------------


def test_what_a_run_left_behind_is_an_experiments_change_once_git_is_to_have_it(tmp_path: Path) -> None:
    project = Project(tmp_path / "repo", verify="echo some words > left.log; cat value.txt", guards=()).start()
    assert project.try_value(9).status is Status.KEEP
    project.git("add", "left.log")

    with pytest.raises(Refusal, match=r"Outside the scope .*: left\.log") as refused:
        project.try_value(8)

    assert refused.value.code is Code.OUTSIDE_SCOPE


CACHED = "test ! -e cache/answer || cat cache/answer; cat value.txt"


@pytest.fixture
def trusted(tmp_path: Path) -> Project:
    """A session with a keep; its verify prefers what stands in an ignored folder."""
    project = Project(tmp_path / "repo", verify=f"({CACHED}) | head -1", guards=())
    project.write(".gitignore", "cache/\n").commit("ignore the cache").start()
    assert project.try_value(9).status is Status.KEEP
    assert (last_row(project).samples, last_row(project).incumbent) == ((9.0, 9.0), (10.0,))
    return project


def test_before_a_keep_both_are_run_without_what_git_does_not_have(trusted: Project) -> None:
    trusted.write("cache/log", "some words\n")

    answer = trusted.try_value(8)

    assert answer.status is Status.KEEP
    assert last_row(trusted).samples == (8.0, 8.0)
    places = [receipt.place for receipt in trusted.review.history(iteration=2).receipts]
    assert (places, last_row(trusted).runs) == (["checkout", "clean"], 3), "the page holds two"


def test_a_number_out_of_a_file_that_git_does_not_have_is_never_kept(trusted: Project) -> None:
    trusted.write("cache/answer", "1\n")

    answer = trusted.try_value(9.5)

    assert answer.status is Status.DISCARD
    assert trusted.git("show", "HEAD:value.txt") == "9"


def test_a_change_that_runs_only_beside_such_a_file_is_told_so(trusted: Project) -> None:
    (trusted.root / "value.txt").unlink()
    trusted.write("cache/answer", "1\n")

    answer = trusted.loop.iterate("the number comes from elsewhere")

    assert answer.status is Status.METRIC_ERROR
    assert "In a clean checkout of the commit: " in answer.why
    assert "Git does not have these files, which changed since the start: cache/answer" in answer.why
    assert trusted.read("value.txt") == "9\n"


def test_where_a_clean_checkout_runs_nothing_a_keep_is_confirmed_where_the_user_works(tmp_path: Path) -> None:
    verify = f"test $PWD = {tmp_path}/repo && cat value.txt"
    project = Project(tmp_path / "repo", verify=verify, guards=()).start()

    answer = project.try_value(8)

    assert answer.status is Status.KEEP
    assert last_row(project).samples == (8.0, 8.0)
    assert "In a clean checkout not even the incumbent gives a number" in last_row(project).note


def test_an_exact_metric_that_turns_out_noisy_at_a_keep_is_measured_in_turn(tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    verify = f"echo >> {runs}; n=$(wc -l < {runs}); echo $(( $(cat value.txt) + (n > 6 ? n * n % 7 : 0) ))"
    project = Project(tmp_path / "repo", verify=verify, guards=()).start()

    answer = project.try_value(9, "one less, and noise of some")

    assert answer.status is Status.DISCARD
    assert len(last_row(project).incumbent) > 2
