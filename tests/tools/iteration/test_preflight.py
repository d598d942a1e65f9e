"""Bad input gets an answer that cures it."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from autoresearch_mcp.tools.errors import Code, Refusal
from autoresearch_mcp.tools.git import locks
from autoresearch_mcp.tools.lab.access import Lab
from autoresearch_mcp.tools.plan.model import Plan
from autoresearch_mcp.tools.session.results import RESULTS_FILE
from autoresearch_mcp.tools.verbs.planning import Checked, Planning
from conftest import Project

PLANS: dict[str, tuple[dict[str, object], str, str]] = {
    "an empty scope": ({"scope": ()}, "scope: missing", "Name the files"),
    "a scope that matches nothing": ({"scope": ("lib/**",)}, "covers no tracked file", "top of the repository holds"),
    "a scope of protected files only": ({"scope": ("check.sh",)}, "not protected", "Name files that exist"),
    "a scope that leads out": ({"scope": ("../x",)}, "`..` leads out", "anchored at the repository root"),
    "no direction": ({"direction": ""}, "direction: missing", "`lower` or `higher`"),
    "an unknown direction": ({"direction": "down"}, "'down' is no direction", "`lower` or `higher`"),
    "a verify that prints nothing": ({"verify": "true"}, "printed nothing", "METRIC name=value"),
    "a verify that prints to stderr": ({"verify": "cat value.txt >&2"}, "printed nothing", "2>&1"),
    "a verify that prints two numbers": ({"verify": "echo 1; echo 2"}, "1", "METRIC name=value"),
    "a verify that prints words": ({"verify": "echo done"}, "no number", "METRIC name=value"),
    "a verify that prints a unit": ({"verify": "echo 12ms"}, "12ms", "`unit`"),
    "a verify that exits non-zero": ({"verify": "echo 5; exit 3"}, "exit 3", "mend it so that it exits 0, each time"),
    "a verify that does not exist": (
        {"verify": "no-such-program"},
        "exit 127",
        "mend it so that it exits 0, each time",
    ),
    "a verify that fails in a copy": (
        {"verify": "test -d .git && date +%s%N"},
        "exit 1",
        "a number in your checkout and none in a copy of it",
    ),
    "a verify that hangs": (
        {"verify": "sleep 60", "verify_timeout_s": 0.3},
        "time-out",
        "mend it so that it exits 0, each time",
    ),
    "a verify that edits tracked files": (
        {"verify": "echo 3 >> notes.txt; echo 3"},
        "notes.txt changed",
        "stop tracking",
    ),
    "a verify that resets the repository": ({"verify": "git reset --hard; echo 3"}, "git reset", "Only read with git"),
    "a guard that is red at the start": ({"guards": ("false",)}, "`false` is red: exit 1", "fix the code first"),
    "a guard metric without a number": (
        {"guard_metrics": ("size lower 1%: echo none",)},
        "`size` is red",
        "fix the code first",
    ),
    "a guard metric of another form": ({"guard_metrics": ("size < 3",)}, "not of that form", "lower|higher TOLERANCE"),
    "a protected glob without files": ({"protected": ("tests/**",)}, "'tests/**' matches nothing", "Correct the glob"),
    "a branch name with a dash": ({"branch": "-f"}, "'-f' is not a branch name", "autoresearch/nov23"),
    "a branch that exists": ({"branch": "main"}, "Branch 'main' exists", "Choose a new name"),
    "a target that is no number": ({"target": "soon"}, "'soon' is not a finite number", "Give a number"),
    "a smallest effect that is no size": ({"min_effect": "-1%"}, "'-1%' is not a size", "0.5"),
    "too many runs a measurement": ({"noise": "100"}, "'100' is unknown", "Say `auto`"),
    "no run a measurement": ({"noise": "0"}, "'0' is unknown", "Say `auto`"),
    "instructions": ({"read": "instructions"}, "'instructions' is not a way", "valgrind --tool=callgrind"),
    "an unknown effort": ({"effort": "heroic"}, "'heroic' is unknown", "`quick`, `normal` or `thorough`"),
    "an unknown way to read": ({"read": "guess"}, "'guess' is not a way", "regex:PATTERN"),
}


def failed(checked: Checked) -> str:
    return " ".join(f"{gate.gate}: {gate.seen} {gate.cure}" for gate in checked.gates if not gate.passed)


@pytest.mark.parametrize("case", PLANS)
def test_a_plan_that_cannot_work_is_told_why_and_what_to_write(tmp_path: Path, case: str) -> None:
    fields, seen, cure = PLANS[case]
    project = Project(tmp_path / "repo", **fields)

    checked = project.planning.check_plan(project.plan)

    assert not checked.ready
    assert seen in failed(checked)
    assert cure in failed(checked)
    project.git("restore", ".")
    with pytest.raises(Refusal) as refused:
        project.start()
    assert seen in refused.value.message
    assert project.sessions.status().session == ""


TREES: dict[str, tuple[Callable[[Project], object], str, str]] = {
    "an uncommitted edit": (lambda p: p.write("notes.txt", "x"), "uncommitted changes: notes.txt", "git stash"),
    "a staged edit": (
        lambda p: p.write("notes.txt", "x").git("add", "."),
        "uncommitted changes: notes.txt",
        "git stash",
    ),
    "an untracked file in scope": (lambda p: p.write("src/x", "x"), "untracked inside the scope: src/x", "ignore them"),
    "a detached HEAD": (lambda p: p.git("checkout", "--detach", "-q"), "HEAD is detached", "git switch -c"),
    "a merge in progress": (
        lambda p: p.write(".git/MERGE_HEAD", p.git("rev-parse", "HEAD")),
        "in the middle of a merge",
        "git merge --continue (whoever began it may abort it",
    ),
    "a rebase in progress": (
        lambda p: (p.root / ".git/rebase-merge").mkdir(),
        "in the middle of a rebase",
        "git rebase --continue (whoever began it",
    ),
    "a bisect in progress": (lambda p: p.write(".git/BISECT_LOG", ""), "in the middle of a bisect", "git bisect reset"),
    "several cherry-picks": (lambda p: (p.root / ".git/sequencer").mkdir(), "several cherry-picks", "--continue"),
    "a held index": (lambda p: p.write(".git/index.lock", ""), ".git/index.lock", "may delete it"),
    "a held HEAD": (lambda p: p.write(".git/HEAD.lock", ""), ".git/HEAD.lock", "then a person may delete it"),
    "a tracked results file": (
        lambda p: p.write(RESULTS_FILE, "mine").commit("mine"),
        "is tracked by git",
        "git rm --cached",
    ),
}


@pytest.mark.parametrize("case", TREES)
def test_a_repository_that_is_not_ready_is_told_how_to_become_so(project: Project, case: str) -> None:
    change, seen, cure = TREES[case]
    change(project)
    before = project.picture() if case != "a detached HEAD" else None

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(locks, "PATIENCE_S", 0.1)
        checked = project.planning.check_plan(project.plan)

    assert not checked.ready
    assert seen in failed(checked)
    assert cure in failed(checked)
    if before:
        assert project.picture() == before


def fails_at(project: Project, *runs: int) -> Project:
    """Have verify exit 1 in its runs of these numbers, with a number that never repeats in the others."""
    count = project.root.parent / "runs"
    cases = " ".join(f"-e '^{run}$'" for run in runs)
    verify = f"echo >> {count}; wc -l < {count} | grep -q {cases} && exit 1; date +%s%N"
    project.plan = project.plan.model_copy(update={"verify": verify, "guards": ()})
    return project


def test_a_run_of_the_same_code_that_fails_after_others_did_not_is_chance_and_nothing_missing(project: Project) -> None:
    checked = fails_at(project, 6).planning.check_plan(project.plan)

    assert "no-op control: run 6 of the same code" in failed(checked)
    assert "It exited 0 before" in failed(checked)
    assert "docs/how-to/metric.md" in failed(checked)
    assert "a copy of it" not in failed(checked)


def test_a_command_that_passed_a_check_before_and_fails_at_once_is_told_to_depend_on_chance(project: Project) -> None:
    assert fails_at(project, 8).planning.check_plan(project.plan).ready

    again = project.planning.check_plan(project.plan)
    project.write("value.txt", "9\n").commit("nine")
    (project.root.parent / "runs").write_text("\n" * 7)
    after = project.planning.check_plan(project.plan)

    assert "It exited 0 before" in failed(again)
    assert "It exited 0 before" not in failed(after), "other code may as well be the cause"
    assert "mend it so that it exits 0, each time" in failed(after)


def test_a_plan_that_works_passes_every_gate_with_its_value(project: Project) -> None:
    checked = project.planning.check_plan(project.plan)

    assert checked.ready, failed(checked)
    assert checked.values == [10.0] * 5, "five equal runs of so short a number show that it repeats"
    assert checked.next[0] == "start_session"


def test_checking_a_plan_changes_nothing(project: Project) -> None:
    before = project.picture()

    project.planning.check_plan(project.plan)

    assert project.picture() == before


def test_files_that_verify_leaves_behind_are_a_warning_and_no_experiment(tmp_path: Path) -> None:
    project = Project(tmp_path / "repo", verify="touch made.tmp src-made.tmp; cat value.txt")

    checked = project.planning.check_plan(project.plan)
    project.start()

    assert checked.ready
    assert any("new untracked files" in gate.seen for gate in checked.gates)
    assert project.try_value(9).commit
    assert project.git("ls-files", "*.tmp") == ""


def test_a_folder_without_a_repository_is_told_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(Refusal, match=r"git -C .* init") as refused:
        Planning(Lab(tmp_path)).check_plan(Plan())

    assert refused.value.code is Code.NOT_A_REPOSITORY


def test_a_repository_without_commits_is_told_to_commit(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    plan = Plan(goal="g", scope=("x",), metric="m", direction="lower", verify="echo 1")

    checked = Planning(Lab(tmp_path, allow_commands=True)).check_plan(plan)

    assert "there are no commits yet Commit your files first" in failed(checked)


@pytest.mark.parametrize("path", ["..", "/", "sub/../.."], ids=["above", "root", "through a folder"])
def test_a_path_outside_the_root_is_refused(project: Project, path: str) -> None:
    with pytest.raises(Refusal, match="outside") as refused:
        project.sessions.status(path)

    assert refused.value.code is Code.OUTSIDE_ROOT


def test_a_link_out_of_the_root_is_refused(project: Project, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (project.root / "door").symlink_to(tmp_path / "other")

    with pytest.raises(Refusal) as refused:
        project.sessions.status("door")

    assert refused.value.code is Code.OUTSIDE_ROOT


def test_a_path_that_starts_with_a_dash_is_refused(project: Project) -> None:
    with pytest.raises(Refusal, match="starts with a dash"):
        project.sessions.status("--upload-pack=x")


def test_a_squash_branch_that_starts_with_a_dash_is_refused_and_the_session_stays_open(project: Project) -> None:
    project.start()

    with pytest.raises(Refusal, match="not a branch name"):
        project.sessions.finish_session(squash_branch="--force")

    assert project.sessions.status().phase == "ready"


# --- The plan file and consent ---------------------------------------------------------------------------------------

PLAN_TOML = 'goal = "g"\nscope = ["value.txt"]\nmetric = "value"\ndirection = "lower"\nverify = "cat value.txt"\n'


def careful(project: Project) -> Planning:
    """Planning in a server that was given no general permission."""
    return Planning(Lab(project.root))


def test_an_unknown_key_in_the_plan_file_is_named_with_the_likely_one(project: Project) -> None:
    project.write("autoresearch.toml", PLAN_TOML + 'gaurds = ["true"]\n')
    project.commit("plan")

    with pytest.raises(Refusal, match=r"gaurds: unknown key\. Did you mean `guards`") as refused:
        project.planning.check_plan(Plan())

    assert refused.value.code is Code.BAD_PLAN


def test_a_value_of_another_shape_is_told_with_what_it_has_to_be(project: Project) -> None:
    project.write("autoresearch.toml", "scope = 'app.txt'\nverify = 3\nguards = [1]\niterations = -3\n")

    with pytest.raises(Refusal) as refused:
        project.planning.check_plan(Plan())

    for told in (
        "scope: has to be a list",
        "verify: has to be a text",
        "guards: each entry has to be a text",
        "iterations: has to be greater than or equal to 0",
    ):
        assert told in refused.value.message


def test_fields_that_do_not_say_how_to_measure_change_the_plan_file_s(project: Project) -> None:
    project.write("autoresearch.toml", PLAN_TOML).commit("a plan")

    checked = project.planning.check_plan(Plan(minutes=30))

    assert checked.ready, checked.gates
    assert (checked.plan["minutes"], checked.plan["verify"]) == (30, project.plan.verify)


def test_a_plan_file_that_is_no_toml_is_told_where(project: Project) -> None:
    project.write("autoresearch.toml", "goal = \n")

    with pytest.raises(Refusal, match="line 1"):
        project.planning.check_plan(Plan())


def test_no_plan_at_all_is_told_to_write_one(project: Project) -> None:
    with pytest.raises(Refusal, match=r"autoresearch\.toml does not exist"):
        project.planning.check_plan(Plan())


def test_commands_of_a_committed_plan_file_may_run(project: Project) -> None:
    project.write("autoresearch.toml", PLAN_TOML)
    project.commit("plan")

    assert careful(project).check_plan(Plan()).ready


@pytest.mark.parametrize("where", ["arguments", "an uncommitted file", "a file edited since its commit"])
def test_commands_that_no_person_agreed_to_do_not_run(project: Project, where: str) -> None:
    toml = PLAN_TOML.replace("cat value.txt", "touch ran; echo 1")
    if where == "a file edited since its commit":
        project.write("autoresearch.toml", PLAN_TOML)
        project.commit("plan")
    if where != "arguments":
        project.write("autoresearch.toml", toml)
    plan = project.plan.model_copy(update={"verify": "touch ran; echo 1"}) if where == "arguments" else Plan()

    checked = careful(project).check_plan(plan)

    assert not checked.ready
    assert "touch ran; echo 1" in checked.commands
    assert "approve" in failed(checked)
    assert not (project.root / "ran").exists()


def test_arguments_that_repeat_the_committed_commands_need_no_new_consent(project: Project) -> None:
    project.write("autoresearch.toml", PLAN_TOML)
    project.commit("plan")
    plan = project.plan.model_copy(update={"guards": ()})

    assert careful(project).check_plan(plan).ready


@pytest.mark.parametrize(
    ("branch", "fields", "told"),
    [("main", {}, True), ("main", {"branch": "tries"}, False), ("tries", {}, False)],
)
def test_on_the_branch_that_work_is_for_it_is_told_what_becomes_of_it(
    branch: str, fields: dict[str, object], told: bool, tmp_path: Path
) -> None:
    project = Project(tmp_path / "repo", **fields)
    project.git("switch", "--quiet", "-C", branch)

    checked = project.planning.check_plan(project.plan)
    started = project.sessions.start_session(project.plan)

    assert checked.ready
    assert ("becomes a commit on main itself" in checked.text()) is told
    assert ("call finish_session before the first try" in started.text()) is told
