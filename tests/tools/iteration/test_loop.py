"""The loop on real git: what stays, what goes, what is written down."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from autoresearch_mcp.tools.decision.decide import Status
from autoresearch_mcp.tools.errors import Code, Refusal
from autoresearch_mcp.tools.vocabulary import Phase, Tool
from conftest import Project


def test_a_better_change_stays_on_the_branch(project: Project) -> None:
    project.start()

    answer = project.try_value(8, "try eight")

    assert (answer.status, answer.metric, answer.delta, answer.guard) == (Status.KEEP, 8.0, -2.0, "pass")
    assert project.git("log", "--format=%s", "-1") == "experiment(value.txt): try eight"
    assert project.git("show", "HEAD:value.txt") == "8"
    assert project.git("status", "--porcelain") == ""


def test_a_worse_change_is_undone_by_a_revert_commit(project: Project) -> None:
    project.start()

    answer = project.try_value(12, "try twelve")

    assert (answer.status, answer.guard) == (Status.DISCARD, "-")
    assert project.git("log", "--format=%s", "-2").splitlines() == [
        'Revert "experiment(value.txt): try twelve"',
        "experiment(value.txt): try twelve",
    ]
    assert project.read("value.txt") == "10\n"
    assert project.git("status", "--porcelain") == ""


def test_an_undo_brings_deleted_files_back_and_takes_new_ones_away(project: Project) -> None:
    project.start()
    project.write("src/deep/new.txt", "new\n")
    (project.root / "app.txt").unlink()

    answer = project.try_value(11)

    assert answer.status is Status.DISCARD
    assert project.read("app.txt") == "one\ntwo\nthree\n"
    assert not (project.root / "src").exists()
    assert project.git("status", "--porcelain") == ""


def test_the_next_change_has_to_beat_the_last_kept_one(project: Project) -> None:
    project.start()
    project.try_value(8)

    assert project.try_value(9).status is Status.DISCARD
    assert project.try_value(7).status is Status.KEEP


def test_equal_is_discarded_by_default_and_the_answer_names_the_setting_that_keeps_it(project: Project) -> None:
    project.start().write("app.txt", "one\n")

    answer = project.loop.iterate("fewer lines")

    assert answer.status is Status.DISCARD
    assert 'ties = "simpler"' in answer.note
    project.write("app.txt", "one\n").write("value.txt", "11\n")
    assert "ties" not in project.loop.iterate("dead code, and worse").note


def test_equal_and_shorter_stays_if_the_plan_says_so(tmp_path: Path) -> None:
    project = Project(tmp_path / "repo", ties="simpler").start()
    project.write("app.txt", "one\n")

    answer = project.loop.iterate("fewer lines")

    assert (answer.status, answer.guard) == (Status.KEEP_SIMPLER, "pass")


def test_an_improvement_below_the_smallest_effect_is_discarded(tmp_path: Path) -> None:
    project = Project(tmp_path / "repo", min_effect="5%").start()

    assert project.try_value(9.6).status is Status.DISCARD
    assert project.try_value(9.5).status is Status.KEEP


def test_a_crash_may_be_fixed_within_the_same_iteration(project: Project) -> None:
    project.start()
    (project.root / "value.txt").unlink()

    crashed = project.loop.iterate("remove the file")
    fixed = project.try_value(3, "put it back smaller")

    assert (crashed.status, crashed.phase, crashed.next[0]) == (None, Phase.FIX, Tool.ITERATE)
    assert "No such file" in crashed.output
    assert (fixed.status, fixed.iteration) == (Status.KEEP, crashed.iteration)
    assert project.statuses() == ["baseline", "keep"]


@pytest.mark.parametrize(
    ("before", "failure", "told"),
    [("x = 1\n", "syntax", True), ("x = = 1\n", "runtime", False)],  # what did not parse before tells nothing
)
def test_a_crash_names_the_file_that_no_longer_parses_where_the_command_hid_it(
    before: str, failure: str, told: bool, tmp_path: Path
) -> None:
    project = Project(tmp_path / "repo", verify="! grep -s 'def (' src/shop.py >&2 && cat value.txt")
    project.write("src/shop.py", before).commit("a module").start()

    crashed = project.write("src/shop.py", f"{before}def (\n").loop.iterate("break it")

    assert f"Verify failed ({failure})" in crashed.why
    assert ("src/shop.py:2: SyntaxError: " in crashed.output) is told


def test_crashes_are_fixed_three_times_and_then_reverted(tmp_path: Path) -> None:
    project = Project(tmp_path / "repo", verify="grep -q ok app.txt && cat value.txt || exit 3", guards=())
    project.write("app.txt", "ok\n")
    project.commit("ok")
    project.start()
    answers = []
    for attempt in range(4):
        project.write("app.txt", f"wrong {attempt}\n")
        answers.append(project.loop.iterate(f"attempt {attempt}"))

    assert [answer.status for answer in answers] == [None, None, None, Status.CRASH]
    assert project.read("app.txt") == "ok\n"
    assert [row.split("\t")[2] for row in project.table()] == ["10", "-"]
    assert project.git("log", "--format=%s", "-1") == 'Revert "experiment(app.txt): attempt 3"'


def test_a_crash_can_be_given_up(project: Project) -> None:
    project.start()
    (project.root / "value.txt").unlink()
    project.loop.iterate("remove the file")

    project.loop.revert("bad idea")
    row = project.loop.log("files are needed")

    assert (row.status, row.metric) == (Status.CRASH, None)
    assert project.read("value.txt") == "10\n"


def test_a_crash_never_wins_a_lower_is_better_contest(project: Project) -> None:
    project.start()
    (project.root / "value.txt").unlink()
    project.loop.iterate("crash")
    project.loop.revert()
    project.loop.log()

    status = project.sessions.status()

    assert (status.best, status.current) == (10.0, 10.0)
    assert project.table()[1].split("\t")[2:4] == ["-", "-"]


def test_a_time_out_is_a_crash_of_class_hang(tmp_path: Path) -> None:
    project = Project(tmp_path / "repo", verify="cat value.txt; test ! -e src/slow || sleep 600", verify_timeout_s=3)
    project.start()
    project.write("src/slow", "")

    answer = project.loop.iterate("slow")

    assert answer.phase is Phase.FIX
    assert "(hang)" in answer.why


def test_a_failing_guard_may_be_reworked(project: Project) -> None:
    project.start()
    project.write("app.txt", "bad\n")
    first = project.try_value(5, "five, badly")
    project.write("app.txt", "good\n")

    second = project.loop.iterate("five, well")

    assert (first.status, first.phase, first.guard) == (None, Phase.REWORK, "fail")
    assert (second.status, second.metric, second.iteration) == (Status.KEEP_REWORKED, 5.0, 1)
    assert project.review.history().rows[-1].description == "five, well"
    assert project.git("log", "--format=%s", "-1") == "experiment(app.txt): rework - five, well"


def test_a_guard_that_fails_three_times_discards_the_change(project: Project) -> None:
    project.start()
    answers = []
    for attempt in range(3):
        project.write("app.txt", f"bad {attempt}\n")
        answers.append(project.try_value(5, f"badly {attempt}"))

    assert [answer.status for answer in answers] == [None, None, Status.DISCARD]
    assert project.read("app.txt") == "one\ntwo\nthree\n"
    assert project.table()[1].split("\t")[4:6] == ["fail", "discard"]


def test_a_metric_valued_guard_has_a_tolerance_against_its_baseline(tmp_path: Path) -> None:
    project = Project(tmp_path / "repo", guards=(), guard_metrics=("size lower 50%: wc -c < app.txt",)).start()
    project.write("app.txt", "x" * 21)
    within = project.try_value(9, "within")
    project.write("app.txt", "x" * 22)

    beyond = project.try_value(8, "beyond")

    assert within.status is Status.KEEP
    assert beyond.phase is Phase.REWORK
    assert "limit 21 (baseline 14)" in beyond.guards[0].seen


def test_nothing_changed_is_a_no_op_without_a_commit(project: Project) -> None:
    project.start()
    head = project.git("rev-parse", "HEAD")

    answer = project.loop.iterate("nothing")

    assert answer.status is Status.NO_OP
    assert "it counts as an iteration" in answer.why
    assert project.git("rev-parse", "HEAD") == head


def test_a_hook_is_never_bypassed_and_may_be_satisfied(project: Project) -> None:
    project.hook("pre-commit", "git diff --cached | grep -q forbidden && echo 'no forbidden words' && exit 1 || exit 0")
    project.start()
    project.write("app.txt", "forbidden\n")
    rejected = project.try_value(5, "five")
    project.write("app.txt", "allowed\n")

    accepted = project.loop.iterate("five, allowed")

    assert (rejected.status, rejected.commit, rejected.phase) == (None, "", Phase.FIX)
    assert "no forbidden words" in rejected.output
    assert accepted.status is Status.KEEP


@pytest.mark.parametrize("hook", ["pre-commit", "commit-msg"])
def test_the_third_rejection_by_a_hook_restores_the_files(project: Project, hook: str) -> None:
    project.hook(hook, "grep -qx 10 value.txt")
    project.start()
    head = project.git("rev-parse", "HEAD")
    answers = []
    for value in (5, 6, 7):
        project.write("src/new.txt", "new\n")
        answers.append(project.try_value(value))

    assert [answer.status for answer in answers] == [None, None, Status.HOOK_BLOCKED]
    assert project.read("value.txt") == "10\n"
    assert not (project.root / "src").exists()
    assert project.git("rev-parse", "HEAD") == head


def test_two_metric_errors_in_a_row_end_the_session(project: Project) -> None:
    project.start()

    first, second = project.try_value("nan"), project.try_value("many words")

    assert [first.status, second.status] == [Status.METRIC_ERROR, Status.METRIC_ERROR]
    assert second.phase is Phase.ENDED
    assert second.summary is not None
    assert "ruler is broken" in second.summary.ended


def test_metric_errors_apart_do_not_end_the_session(project: Project) -> None:
    project.start()

    phases = [project.try_value(value).phase for value in ("nan", 11, "nan x", 12)]

    assert phases == [Phase.READY] * 4


def test_a_protected_file_that_changes_while_measuring_is_tampering(tmp_path: Path) -> None:
    project = Project(tmp_path / "repo", verify="test ! -e src/cheat || echo true > check.sh; cat value.txt").start()
    project.write("src/cheat", "")

    answer = project.try_value(1, "cheat")

    assert (answer.status, answer.metric) == (Status.TAMPERED, None)
    assert project.read("check.sh") == "! grep -q bad app.txt\n"
    evidence = list((project.root / ".git" / "autoresearch" / "evidence").rglob("check.sh"))
    assert [file.read_text() for file in evidence] == ["true\n"]
    assert project.git("status", "--porcelain") == ""


def test_a_guard_that_changes_the_ruler_is_tampering(tmp_path: Path) -> None:
    project = Project(tmp_path / "repo", guards=("test ! -e src/cheat || echo true > check.sh",)).start()
    project.write("src/cheat", "")

    assert project.try_value(1, "cheat").status is Status.TAMPERED


def test_files_edited_while_measuring_make_the_number_void(tmp_path: Path) -> None:
    project = Project(tmp_path / "repo", verify="test ! -e src/self || echo 1 > value.txt; cat value.txt").start()
    project.write("src/self", "")

    answer = project.loop.iterate("a program that edits itself")

    assert (answer.metric, answer.phase) == (None, Phase.FIX)


def test_an_edit_made_after_the_commit_survives_the_undo(project: Project) -> None:
    project.start()
    project.write("value.txt", "12\n")
    project.loop.commit("twelve")
    ruler = project.read("check.sh")
    project.write("check.sh", "true\n")
    with pytest.raises(Refusal, match=r"check\.sh") as refused:
        project.loop.verify()
    assert refused.value.code is Code.PROTECTED  # before anything was run: put back, it goes on
    project.write("check.sh", ruler)
    project.loop.verify()
    project.write("value.txt", "the next idea\n")

    answer = project.loop.revert()

    assert answer.kept_edits == ["value.txt"]
    assert project.read("value.txt") == "the next idea\n"
    assert project.git("show", "HEAD:value.txt") == "10"


def test_reaching_the_target_ends_the_session(tmp_path: Path) -> None:
    project = Project(tmp_path / "repo", target=5).start()

    first, second = project.try_value(6), project.try_value(5)

    assert [first.phase, second.phase] == [Phase.READY, Phase.ENDED]
    with pytest.raises(Refusal, match="target of 5 is reached"):
        project.try_value(4)


def test_a_spent_budget_of_iterations_ends_the_session(tmp_path: Path) -> None:
    project = Project(tmp_path / "repo", iterations=2).start()

    assert [project.try_value(11).phase, project.try_value(12).phase] == [Phase.READY, Phase.ENDED]
    with pytest.raises(Refusal, match="2 iterations") as refused:
        project.try_value(4)
    assert refused.value.code is Code.SESSION_ENDED


def test_a_spent_budget_of_minutes_ends_the_session(tmp_path: Path) -> None:
    project = Project(tmp_path / "repo", minutes=10).start()
    project.now += 599
    before = project.try_value(11).phase
    project.now += 1

    assert (before, project.sessions.status().phase) == (Phase.READY, Phase.ENDED)
    with pytest.raises(Refusal, match="10 minutes"):
        project.try_value(4)


def test_a_budget_of_measuring_time_counts_only_measuring(tmp_path: Path) -> None:
    project = Project(
        tmp_path / "repo", device_minutes=0.02, verify="sleep 0.5; cat value.txt", guards=(), noise="none"
    )
    project.start().now += 3600

    assert [project.try_value(11).phase, project.try_value(12).phase] == [Phase.READY, Phase.ENDED]


def test_five_discards_in_a_row_are_stuck_and_bring_material(project: Project) -> None:
    project.start()
    project.try_value(9, "nine")
    project.write("app.txt", "longer\n")
    answers = [project.try_value(value, f"value {value}") for value in (13, 12, 11, 14, 15)]

    assert [answer.stuck is not None for answer in answers] == [False] * 4 + [True]
    material = answers[-1].stuck
    assert material is not None
    assert material.near_misses == [], "what is worse is no near miss"
    assert material.kept == ["#1 nine (value.txt)"]
    assert material.goal == "a smaller number"


def test_no_ops_neither_count_nor_break_the_streak(project: Project) -> None:
    project.start()
    for value in (11, 12, 13, 14):
        project.try_value(value)
    project.loop.iterate("nothing")

    assert project.review.detect_stuck().streak == 4
    assert project.try_value(15).stuck is not None


def test_a_keep_breaks_the_streak(project: Project) -> None:
    project.start()
    for value in (11, 12, 13, 14, 9, 15):
        project.try_value(value)

    assert project.review.detect_stuck().streak == 1


def test_fifteen_measured_tries_without_a_new_best_are_a_plateau(tmp_path: Path) -> None:
    project = Project(tmp_path / "repo", guards=()).start()
    for value in range(15):
        project.try_value(11 + value)

    report = project.review.detect_stuck()

    assert (report.plateau, report.since_best) == (True, 15)


def test_every_tenth_iteration_brings_a_summary(tmp_path: Path) -> None:
    project = Project(tmp_path / "repo", guards=()).start()

    summaries = [project.try_value(20 - value).summary for value in range(20)]

    assert [place for place, summary in enumerate(summaries, 1) if summary] == [10, 20]
    assert summaries[19] is not None
    assert (summaries[19].baseline, summaries[19].best, summaries[19].keeps) == (10, 1, 9)
    assert summaries[19].counts == {"keep": 9, "discard": 10, "no-op": 1}


def test_an_exact_repeat_is_refused_and_named(project: Project) -> None:
    project.start()
    project.try_value(12, "twelve")

    with pytest.raises(Refusal, match="iteration 1 tried") as refused:
        project.try_value(12, "twelve again")

    assert refused.value.code is Code.REPEAT
    material = project.review.detect_stuck().material
    assert material is not None
    assert material.repeats == ["twelve again (as #1)"]


def test_the_results_file_has_seven_columns_and_one_row_an_iteration(project: Project) -> None:
    project.start()
    project.try_value(8, "tabs\tand\nnewlines")
    project.loop.iterate("nothing")

    lines = project.read("autoresearch-results.tsv").splitlines()

    assert lines[0] == "# metric_direction: lower_is_better"
    assert lines[1].split("\t") == ["iteration", "commit", "metric", "delta", "guard", "status", "description"]
    head = project.git("rev-parse", "HEAD")[:7]
    assert lines[3].split("\t") == ["1", head, "8", "-2", "pass", "keep", "tabs and newlines"]
    assert lines[4].split("\t") == ["2", "-", "-", "-", "-", "no-op", "nothing"]


def test_the_results_file_is_hidden_from_git_without_touching_gitignore(project: Project) -> None:
    project.start()

    assert project.git("status", "--porcelain") == ""
    assert not (project.root / ".gitignore").exists()


@pytest.mark.parametrize("damage", ["", "garbage\n"], ids=["deleted", "edited"])
def test_a_damaged_results_file_is_rebuilt_from_the_journal(project: Project, damage: str) -> None:
    project.start()
    project.try_value(8, "eight")
    file = project.root / "autoresearch-results.tsv"
    file.write_text(damage) if damage else file.unlink()

    project.try_value(7, "seven")

    assert project.statuses() == ["baseline", "keep", "keep"]
    aside = list(project.root.glob("autoresearch-results.edited-*.tsv"))
    assert [kept.read_text() for kept in aside] == ([damage] if damage else [])


@pytest.mark.parametrize("steps", [0, 1, 2, 3], ids=["ready", "committed", "verified", "judged"])
def test_a_new_server_goes_on_where_the_last_one_stopped(project: Project, steps: int) -> None:
    project.start()
    project.write("value.txt", "8\n")
    for step in range(steps):
        _step(project, step)
    before = project.sessions.status()

    project.restart()

    assert project.sessions.status() == before
    for step in range(steps, 4):
        _step(project, step)
    assert project.statuses() == ["baseline", "keep"]


def _step(project: Project, place: int) -> None:
    loop = project.loop
    story: list[Callable[[], object]] = [lambda: loop.commit("eight"), loop.verify, loop.guard, loop.log]
    story[place]()


def test_step_by_step_a_loser_needs_no_guard(project: Project) -> None:
    project.start()
    project.write("value.txt", "12\n")
    project.loop.commit("twelve")

    assert project.loop.verify().next == [Tool.REVERT]
    assert project.loop.revert().next == [Tool.LOG]
    assert project.loop.log().status is Status.DISCARD


def test_the_session_can_run_on_a_branch_of_its_own(tmp_path: Path) -> None:
    project = Project(tmp_path / "repo", branch="autoresearch/nov23").start()
    project.try_value(8)

    assert project.git("branch", "--show-current") == "autoresearch/nov23"
    assert project.git("show", "main:value.txt") == "10"
    assert project.git("show", "autoresearch/nov23:value.txt") == "8"


def test_the_end_says_where_the_branch_is_not_at_what_was_measured(project: Project) -> None:
    project.start()
    project.try_value(5, "half")
    measured = project.git("rev-parse", "--short=7", "HEAD").strip()
    project.git("commit", "-q", "--amend", "--allow-empty", "-m", "another")
    moved = project.git("rev-parse", "--short=7", "HEAD").strip()

    told = project.sessions.finish_session(confirm=False).text()

    assert f"All of this is told of {measured}. {project.git('branch', '--show-current').strip()} is at {moved}" in told


def test_finishing_can_leave_one_clean_commit(project: Project) -> None:
    project.start()
    base = project.git("rev-parse", "HEAD")
    for value in (8, 12, 7):
        project.try_value(value)

    answer = project.sessions.finish_session(squash_branch="clean")

    assert answer.squashed == "clean"
    assert project.git("log", "--format=%P", "clean", "-1") == base
    assert project.git("diff", "HEAD", "clean") == ""
    assert project.git("branch", "--show-current") == "main"


def test_a_finished_session_can_still_be_read_and_a_new_one_started(project: Project) -> None:
    project.start()
    project.try_value(8, "eight")
    project.sessions.finish_session()

    assert [row.description for row in project.review.history().rows] == ["baseline", "eight"]
    project.start()
    assert project.sessions.status().baseline == 8.0
    assert project.statuses() == ["baseline"]


def test_history_filters_pages_and_shows_one_iteration_whole(project: Project) -> None:
    project.start()
    for value, words in ((8, "eight"), (12, "twelve"), (7, "seven")):
        project.try_value(value, words)

    assert [row.iteration for row in project.review.history(status="keep").rows] == [1, 3]
    assert [row.iteration for row in project.review.history(search="TWELVE").rows] == [2]
    page = project.review.history(limit=2)
    assert [row.iteration for row in page.rows] == [2, 3]
    assert "before=2" in page.more
    assert [row.iteration for row in project.review.history(before=2).rows] == [0, 1]
    one = project.review.history(iteration=2)
    assert "+12" in one.diff
    assert (one.samples, one.rows[0].why) == ([12.0], "Worse by 4.")


def test_a_commit_by_the_user_is_noticed_and_left_alone(project: Project) -> None:
    project.start()
    project.write("notes.txt", "more notes\n")
    project.commit("the user's commit")
    head = project.git("rev-parse", "HEAD")

    with pytest.raises(Refusal, match="somebody committed or reset") as refused:
        project.try_value(8)

    assert refused.value.code is Code.HEAD_MOVED
    assert project.git("rev-parse", "HEAD") == head
    project.sessions.finish_session()


def test_commits_name_their_iteration_and_hypothesis(project: Project) -> None:
    project.start()
    project.write("value.txt", "8\n")
    project.loop.iterate("eight", hypothesis="smaller numbers\nare smaller")

    body = project.git("log", "-1", "--format=%b")

    assert body.splitlines()[0] == "smaller numbers are smaller"
    assert "Autoresearch-Iteration: 1" in body


def test_a_number_in_another_unit_than_the_baseline_s_is_converted_or_refused(tmp_path: Path) -> None:
    """hyperfine prints `263.4 ms` and, once it takes longer, `1.281 s`: a smaller number and no improvement."""
    project = Project(tmp_path / "repo", read=r"regex:took ([\d.]+)", verify="cat value.txt")
    project.write("value.txt", "took 263.4 ms\n").commit("in words")
    project.start()

    assert project.try_value("took 1.281 s", "slower").status == "discard"
    assert project.try_value("took 0.2 s", "faster").status == "keep"
    assert project.try_value("took 12 kB", "another measure").status == "metric-error"
    assert [row.split("\t")[2] for row in project.table()] == ["263.4", "1281", "200", "-"]


def test_a_crash_whose_output_went_to_a_file_is_told_from_that_file(tmp_path: Path) -> None:
    """The classic form: `train > run.log 2>&1; grep loss run.log`, which prints nothing when training dies."""
    verify = "sh train.sh > run.log 2>&1; grep value: run.log"
    project = Project(tmp_path / "repo", scope=("train.sh",), verify=verify, read="key")
    project.write(".gitignore", "run.log\n").write("train.sh", "echo value: 10\n").commit("train")
    project.start()

    project.write("train.sh", "echo MemoryError: no room for the batch >&2; exit 3\n")
    crashed = project.loop.iterate("a larger batch")

    assert "MemoryError: no room for the batch" in crashed.output
    assert "resource" in crashed.why


def test_what_the_plan_takes_on_trust_is_not_told_as_measured(tmp_path: Path) -> None:
    project = Project(tmp_path / "repo", noise="none").start()
    project.try_value(5)

    status = project.sessions.status()
    assert status.noise == "not looked for, as the plan asks"
    assert "nothing is known of luck" in status.luck


ENDS = """
echo 'ERRORS'; echo 'E     File "app.py", line 7'; echo "E   SyntaxError: '(' was never closed"; seq 1000 1400
echo 'Interrupted: 1 error'
seq 2000 2900 | sed 's/^/  at shutdown /' >&2; echo 'Warning: nothing was run' >&2; exit 2"""


def test_a_long_traceback_on_standard_error_does_not_hide_the_error_on_standard_output(tmp_path: Path) -> None:
    verify = f"cat value.txt; if grep -q 9 value.txt; then {ENDS.strip()}; fi".replace("\n", "; ")
    project = Project(tmp_path / "repo", verify=verify).start()

    crashed = project.try_value(9)

    shown = project.review.history(iteration=1).output
    for output in (crashed.output, shown):
        assert "SyntaxError: '(' was never closed" in output
        assert 'File "app.py", line 7' in output
        assert "Interrupted: 1 error\n--- standard error ---\n" in output
        assert output.endswith("Warning: nothing was run")
        assert len(output) <= 2000
