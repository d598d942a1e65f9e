"""Changes that are handed in: measured beside one another, dropped beside the branch, and kept only on the newest best."""

from __future__ import annotations

import os
import subprocess
import threading
from functools import partial
from pathlib import Path

import pytest

from autoresearch_mcp.tools.decision.decide import Status
from autoresearch_mcp.tools.errors import Code, Refusal
from autoresearch_mcp.tools.lab.context import RepoContext
from autoresearch_mcp.tools.parallel.board import board_of, post
from autoresearch_mcp.tools.parallel.crew import crew_of
from autoresearch_mcp.tools.parallel.events import LaneTaken
from autoresearch_mcp.tools.verbs.parallel import Parallel
from autoresearch_mcp.tools.verbs.running import Running
from autoresearch_mcp.tools.workflows.fix.hooks import refuse_hiding
from candidates import SUM, handed_in, summed, with_own_environment, worked_off, workspace
from conftest import Project
from crashing import check, killed_at, when_free


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return summed(tmp_path / "repo")


def test_a_candidate_that_is_not_better_is_a_row_and_the_branch_never_moves(project: Project) -> None:
    name, folder = workspace(project)
    head = project.git("rev-parse", "HEAD")

    answer = handed_in(project, name, folder, value_txt=11)

    assert (answer.candidate, answer.files) == ("c1", ["value.txt"])
    assert (folder / "value.txt").read_text() == "10\n", "the workspace is at the best again"
    (folder / "value.txt").write_text("1\n")  # what is measured is what was handed in
    assert worked_off(project) == ["discard"]
    row = project.review.history(iteration=1).rows[0]
    assert (row.metric, row.delta, len(row.receipts)) == (31.0, 1.0, 1)
    assert row.why == "Worse by 1."
    assert row.note == "Candidate c1, cut from the baseline, which it was held against."
    assert project.git("rev-parse", "HEAD") == head
    assert project.git("rev-parse", f"refs/autoresearch/candidates/{project.sessions.status().session}/1") == row.commit
    check(project)


def test_a_candidate_that_was_decided_before_anybody_waited_is_told_all_the_same(project: Project) -> None:
    name, folder = workspace(project)
    handed_in(project, name, folder, value_txt=11)
    worked_off(project)

    assert Running(project.lab).wait().text().splitlines()[:2] == [
        "#1 (c1) discard: {'value_txt': 11}. Worse by 1.",
        "No candidate is open.",
    ]


def test_the_end_of_a_session_names_what_was_not_decided(project: Project) -> None:
    name, folder = workspace(project)
    handed_in(project, name, folder, value_txt=11)

    told = project.sessions.finish_session().text()

    ref = told.partition("Not decided, and still there as ")[2].partition(":")[0]
    assert project.git("show", f"{ref}:value.txt") == "11"


def test_a_program_of_the_projects_own_environment_is_the_same_one_in_a_workspace(tmp_path: Path) -> None:
    project = with_own_environment(tmp_path / "repo")
    name, folder = workspace(project)

    handed_in(project, name, folder, value_txt=9)

    assert worked_off(project) == ["keep"]


def test_candidates_of_one_base_are_kept_one_on_the_other_by_fresh_runs(project: Project) -> None:
    name, folder = workspace(project)
    handed_in(project, name, folder, src__a_txt=4)
    handed_in(project, name, folder, src__b_txt=3)
    handed_in(project, name, folder, value_txt=12)

    assert sorted(worked_off(project)) == ["discard", "keep", "keep"]
    assert (project.read("src/a.txt"), project.read("src/b.txt"), project.read("value.txt")) == ("4\n", "3\n", "10\n")
    status = project.sessions.status()
    assert (status.best, status.candidates) == (17.0, [])
    kept = [row for row in project.review.history().rows if row.status is Status.KEEP]
    assert sorted(row.metric for row in kept if row.metric) in ([17.0, 24.0], [17.0, 23.0])
    check(project)


def test_a_winner_in_the_same_lines_as_another_is_a_row_that_names_file_and_keep(project: Project) -> None:
    name, folder = workspace(project)
    handed_in(project, name, folder, src__a_txt=4)
    handed_in(project, name, folder, src__a_txt=5)

    assert sorted(worked_off(project)) == ["discard", "keep"]
    lost = project.review.history(iteration=2).rows[0]
    assert "does not fit the best of today: src/a.txt changed since in the same lines, by #1" in lost.why
    assert lost.metric is not None
    check(project)


def test_what_did_not_fit_may_be_made_again_on_the_newest_best(project: Project) -> None:
    name, folder = workspace(project)
    handed_in(project, name, folder, src__a_txt=5)
    handed_in(project, name, folder, src__a_txt=4)
    assert worked_off(project) == ["keep", "discard"]
    row = project.review.history(iteration=2).rows[0]
    assert row.why.startswith("It does not fit")
    workspace(project, name)

    # Whichever was measured first is the best now.
    handed_in(project, name, folder, src__a_txt=4 if row.metric == 24.0 else 5)

    assert worked_off(project) == ["keep", "discard", "keep" if row.metric == 24.0 else "discard"]


def test_a_change_that_is_refused_on_the_newest_best_is_a_row_that_says_so_and_holds_nobody_up(
    project: Project,
) -> None:
    def refuse(context: RepoContext, tree: str, description: str) -> None:
        if "'src__a_txt'" in description:
            raise Refusal(Code.SUPPRESSED, "This hides an error. Nothing was committed. Take that out.")

    name, folder = workspace(project)
    handed_in(project, name, folder, src__a_txt=4)
    handed_in(project, name, folder, src__b_txt=3)

    crew_of(project.lab, "", refuse).work()

    assert sorted(project.statuses()[1:]) == ["discard", "keep"]
    lost = project.statuses().index("discard")
    assert project.review.history(iteration=lost).rows[0].why == "This hides an error."
    assert project.read("src/a.txt") == "10\n"
    check(project)


def test_a_gain_that_another_keep_used_up_is_not_kept_twice(tmp_path: Path) -> None:
    """The least number counts: each of two changes gains alone, and the second nothing on top of the first."""
    project = summed(tmp_path / "repo", verify="cat value.txt src/* | sort -n | head -1")
    name, folder = workspace(project)
    handed_in(project, name, folder, src__a_txt=4)
    handed_in(project, name, folder, src__b_txt=4)

    assert worked_off(project) == ["keep", "discard"]
    check(project)


def test_where_lanes_do_not_give_the_bests_number_nothing_is_dropped_by_them(tmp_path: Path) -> None:
    """The number depends on the folder it is measured in: 100 more anywhere but where the session works."""
    root = tmp_path / "repo"
    project = summed(root, verify=f"{SUM}; case $PWD in {root}) ;; *) echo 130;; esac", noise="none")
    name, folder = workspace(project)
    handed_in(project, name, folder, src__a_txt=4)

    assert worked_off(project) == ["keep"]


def test_a_crash_in_a_lane_is_a_row_and_nobody_has_to_mend_it(project: Project) -> None:
    name, folder = workspace(project)
    handed_in(project, name, folder, value_txt="no number (")

    assert worked_off(project) == ["metric-error"]
    assert project.sessions.status().phase == "ready"
    check(project)


def test_what_a_server_with_more_workers_had_begun_is_run_by_one_with_fewer(project: Project) -> None:
    name, folder = workspace(project)
    handed_in(project, name, folder, value_txt=11)
    post(project.lab.for_reading(), LaneTaken(candidate=1, incumbent=0, lane=7))

    assert worked_off(project) == ["discard"]


def test_one_worker_makes_ordinary_iterations_one_after_the_other(tmp_path: Path) -> None:
    project = summed(tmp_path / "repo", workers=1)
    name, folder = workspace(project)
    for value in (11, 5):
        handed_in(project, name, folder, value_txt=value)

    assert worked_off(project) == ["discard", "keep"]
    assert not (project.root / ".git/autoresearch/lanes").exists()
    check(project)


def test_edits_in_the_sessions_checkout_stay_while_winners_are_measured_and_kept_beside_them(project: Project) -> None:
    name, folder = workspace(project)
    head = project.git("rev-parse", "HEAD")
    project.write("src/b.txt", "mine\n").write("check.sh", "mine too\n").write("mine.txt", "mine as well\n")
    handed_in(project, name, folder, src__a_txt=4)
    handed_in(project, name, folder, value_txt=12)

    assert sorted(worked_off(project)) == ["discard", "keep"]

    assert [project.read(file) for file in ("src/a.txt", "src/b.txt", "check.sh")] == ["4\n", "mine\n", "mine too\n"]
    assert project.git("status", "--porcelain").split("\n") == [" M check.sh", " M src/b.txt", "?? mine.txt"]
    assert project.git("rev-list", "--count", f"{head}..HEAD") == "1"


def test_an_edit_where_a_keep_changes_a_file_is_never_written_over_and_holds_up_that_keep_alone(
    project: Project,
) -> None:
    name, folder = workspace(project)
    handed_in(project, name, folder, src__a_txt=4)
    project.write("src/a.txt", "mine\n")
    crew = crew_of(project.lab, "", refuse_hiding)
    crew.wake()
    while not crew.waits:
        crew.wake()

    assert crew.waits.startswith("These files have edits or are in the way: src/a.txt. Set them aside with `git stash")
    assert (project.read("src/a.txt"), project.statuses()[1:]) == ("mine\n", [])
    project.git("checkout", "--", "src/a.txt")
    while project.sessions.status().candidates:
        crew.wake()
    for thread in threading.enumerate():
        if thread.name == "candidates":  # what was decided is told before the last of it is done
            thread.join()
    assert (project.read("src/a.txt"), project.statuses()[1:]) == ("4\n", ["keep"])
    check(project)


def test_a_guard_that_only_works_in_the_sessions_checkout_is_heard_there(tmp_path: Path) -> None:
    root = tmp_path / "repo"
    project = summed(root, guards=(f'test "$PWD" = {root}',))
    name, folder = workspace(project)
    handed_in(project, name, folder, src__a_txt=4)

    assert worked_off(project) == ["keep"]
    check(project)


def test_a_candidate_that_is_withdrawn_is_never_decided_and_stays_held_by_its_ref(project: Project) -> None:
    name, folder = workspace(project)
    handed_in(project, name, folder, src__a_txt=4)
    handed_in(project, name, folder, src__b_txt=4)

    assert Running(project.lab).cancel("c1").note == "Candidate c1 was withdrawn."

    assert worked_off(project) == ["keep"]
    assert (project.read("src/a.txt"), project.read("src/b.txt")) == ("10\n", "4\n")
    ref = f"refs/autoresearch/candidates/{project.sessions.status().session}/1"
    assert project.git("show", f"{ref}:src/a.txt") == "4"
    with pytest.raises(Refusal, match="No open candidate is called c1"):
        Running(project.lab).cancel("c1")


def test_the_run_of_a_candidate_that_is_withdrawn_ends(tmp_path: Path) -> None:
    project = summed(tmp_path / "repo", verify=f"test $(cat value.txt) != 77 || sleep 600; {SUM}")
    name, folder = workspace(project)
    handed_in(project, name, folder, value_txt=77)
    crew = crew_of(project.lab, "", refuse_hiding)
    crew.wake()
    while "running" not in project.sessions.status().candidates[0]:
        pass

    Running(project.lab).cancel("c1")

    crew.work()
    assert project.statuses()[1:] == []


def test_submit_says_which_edits_in_the_sessions_checkout_its_candidate_waits_for(tmp_path: Path) -> None:
    project = summed(tmp_path / "repo", workers=1)
    name, folder = workspace(project)
    project.write("src/b.txt", "mine\n")

    assert "It cannot be measured while" in handed_in(project, name, folder, src__a_txt=4).note

    project = summed(tmp_path / "other")
    name, folder = workspace(project)
    project.write("src/b.txt", "mine\n")
    assert "Go on with the next idea" in handed_in(project, name, folder, src__a_txt=4).note
    assert "has edits in src/b.txt" in handed_in(project, name, folder, src__b_txt=4).note


def test_what_iterate_would_refuse_is_refused_and_nothing_is_handed_in(project: Project) -> None:
    name, folder = workspace(project)
    (folder / "notes.txt").write_text("outside\n")
    with pytest.raises(Refusal) as outside:
        handed_in(project, name, folder, value_txt=9)
    assert outside.value.code is Code.OUTSIDE_SCOPE
    assert f"`git -C {folder} stash push --include-untracked -- notes.txt`" in outside.value.message
    (folder / "notes.txt").write_text("the user's notes\n")
    (folder / "check.sh").write_text("true\n")
    with pytest.raises(Refusal, match=r"check\.sh \(protected\)"):
        handed_in(project, name, folder, value_txt=9)
    subprocess.run(["git", "checkout", "-q", "--", "check.sh"], cwd=folder, check=True)
    os.symlink("/etc/hostname", folder / "src/out")
    with pytest.raises(Refusal, match="is a symbolic link to /etc/hostname"):
        handed_in(project, name, folder, value_txt=9)
    (folder / "src/out").unlink()
    assert project.sessions.status().candidates == []


def test_a_hook_that_says_no_is_heard_at_once_and_the_edit_stays(tmp_path: Path) -> None:
    project = Project(tmp_path / "repo", workers=2)
    project.hook("pre-commit", "! git diff --cached | grep -q '^+9' || { echo no nines; exit 1; }")
    name, folder = workspace(project.start())

    with pytest.raises(Refusal, match="no nines"):
        handed_in(project, name, folder, value_txt=9)

    assert (folder / "value.txt").read_text() == "9\n"
    assert handed_in(project, name, folder, value_txt=8).candidate == "c1"


def test_the_same_change_is_handed_in_once(project: Project) -> None:
    name, folder = workspace(project)
    handed_in(project, name, folder, value_txt=12)
    with pytest.raises(Refusal, match=r"what candidate c1 .* holds, which is still open"):
        Parallel(project.lab).submit("with another name", patch=_patch("value.txt", 10, 12))
    with pytest.raises(Refusal, match=r"Nothing in scope differs in .*The last one from there is candidate c1"):
        Parallel(project.lab).submit("nothing", name)
    worked_off(project)
    with pytest.raises(Refusal, match="byte for byte what iteration 1 tried"):
        handed_in(project, name, folder, value_txt=12)


def test_a_patch_and_a_branch_are_handed_in_like_edits(project: Project) -> None:
    project.git("branch", "theirs")
    project.git("worktree", "add", "-q", str(project.root.parent / "theirs"), "theirs")
    (project.root.parent / "theirs/src/b.txt").write_text("2\n")
    subprocess.run(["git", "commit", "-q", "--all", "-m", "b"], cwd=project.root.parent / "theirs", check=True)

    told = Parallel(project.lab).submit("a patch", patch=_patch("src/a.txt", 10, 3)).lines()[0]
    Parallel(project.lab).submit("a branch", branch="theirs")
    with pytest.raises(Refusal, match="The patch does not fit the newest best"):
        Parallel(project.lab).submit("a patch", patch=_patch("src/a.txt", 77, 3))

    assert told.endswith(", 1 file, +1 -1).")
    assert worked_off(project) == ["keep", "keep"]
    assert project.sessions.status().best == 15.0


def test_commits_that_an_agent_made_in_its_workspace_are_handed_in_and_stay_held(project: Project) -> None:
    name, folder = workspace(project)
    (folder / "src/a.txt").write_text("4\n")
    subprocess.run(["git", "commit", "-q", "--all", "-m", "mine"], cwd=folder, check=True)

    assert handed_in(project, name, folder, src__b_txt=4).files == ["src/a.txt", "src/b.txt"]
    assert project.git("for-each-ref", "refs/autoresearch/moved").count("\n") == 0
    assert worked_off(project) == ["keep"]


def test_candidates_beyond_the_budget_are_refused(tmp_path: Path) -> None:
    project = summed(tmp_path / "repo", iterations=1)
    name, folder = workspace(project)
    handed_in(project, name, folder, value_txt=12)

    with pytest.raises(Refusal, match="The budget of 1 iterations has no room beside the 1 open candidates"):
        handed_in(project, name, folder, value_txt=13)


KILLED_AT = (
    "commit: after journal submitted 1",
    "commit: before journal workspace-opened 1",
    "commit: after journal lane-taken 2",
    "commit: after journal lane-ran 2",
    "commit: before journal screened+logged 1",
    "commit: before git update-ref 3",
    "decide: before git update-ref 1",
    "decide: after git update-ref 1",
    "decide: after journal landed 1",
    "measure: before journal verified 1",
    "decide: before journal logged 1",
)


def test_killed_at_any_of_these_points_every_candidate_is_judged_once(project: Project, tmp_path: Path) -> None:
    for number, point in enumerate(KILLED_AT):
        twin = project.copied(tmp_path / f"twin-{number}")
        twin.git("update-index", "--refresh")
        name, folder = workspace(twin)
        os.close(twin.lab.signs.popitem()[1])  # it dies with the server

        def act(twin: Project = twin, name: str = name, folder: Path = folder) -> None:
            twin.restart()
            handed_in(twin, name, folder, value_txt=12)
            Parallel(twin.lab).submit("a patch", patch=_patch("src/a.txt", 10, 4))
            worked_off(twin)

        assert killed_at(point, act), point
        twin.restart()
        again = Parallel(twin.lab).submit("{'value_txt': 12}", name)
        if len(board_of(twin.lab.for_reading()).candidates) < 2:
            Parallel(twin.lab).submit("a patch", patch=_patch("src/a.txt", 10, 4))
        when_free(partial(worked_off, twin))

        assert (again.candidate, again.note) == ("c1", "The same call was made before: this is its candidate.")
        assert sorted(twin.statuses()[1:]) == ["discard", "keep"], point
        assert ((folder / "value.txt").read_text(), twin.read("src/a.txt")) == ("10\n", "4\n")
        check(twin)


def _patch(file: str, old: object, new: object) -> str:
    return f"diff --git a/{file} b/{file}\n--- a/{file}\n+++ b/{file}\n@@ -1 +1 @@\n-{old}\n+{new}\n"
