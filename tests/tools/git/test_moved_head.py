"""HEAD moved, or about to be, by somebody else: noticed at once, told with a cure that works, and nothing of anybody lost."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from autoresearch_mcp.tools.errors import Code, Refusal
from conftest import Project


def commands_of(message: str) -> list[str]:
    """The commands that a refusal tells to run, in order; in parentheses stands what comes later."""
    return re.findall(r"`(git [^`]+)`", re.sub(r"\([^)]*\)", "", message))


def refused(call: Callable[[], object], code: Code) -> str:
    with pytest.raises(Refusal) as caught:
        call()
    assert caught.value.code is code
    return caught.value.message


@pytest.mark.parametrize(
    ("moved", "edited"),
    [
        ("forwards", "value.txt"),
        ("forwards", "src/new.txt"),
        ("forwards", ""),
        ("backwards", "app.txt"),
    ],
)
def test_the_advice_for_a_moved_head_works_as_written_and_loses_nothing(
    project: Project, moved: str, edited: str
) -> None:
    project.start().try_value(9)
    if moved == "forwards":
        project.write("value.txt", "the user's\n").write("app.txt", "the user's\n").commit("mine")
    else:
        project.git("reset", "--quiet", "--hard", "HEAD^")
    theirs = project.git("rev-parse", "HEAD")
    if edited:
        project.write(edited, "edited\n")

    message = refused(lambda: project.loop.iterate("an idea"), Code.HEAD_MOVED)
    for command in commands_of(message):
        subprocess.run(command, shell=True, cwd=project.root, check=True, capture_output=True)

    assert project.git("rev-parse", f"kept-{theirs[:7]}") == theirs
    if edited == "src/new.txt":
        assert project.read(edited) == "edited\n"
    elif edited:
        assert project.git("show", f"stash@{{0}}:{edited}") == "edited"
    assert project.try_value(8).status == "keep"


def test_the_advice_for_a_moved_head_works_while_the_agents_edit_is_in_the_same_file(project: Project) -> None:
    project.start()
    project.write("value.txt", "the user's\n").commit("mine").write("value.txt", "the agent's\n")

    for command in commands_of(refused(lambda: project.loop.iterate("an idea"), Code.HEAD_MOVED)):
        subprocess.run(command, shell=True, cwd=project.root, check=True, capture_output=True)

    assert project.git("show", "stash@{0}:value.txt") == "the agent's"
    assert project.read("value.txt") == "10\n"


def merging(project: Project) -> None:
    project.git("merge", "--quiet", "--no-commit", "--no-ff", "side")


def picking(project: Project) -> None:
    project.git("cherry-pick", "--no-commit", "side")
    (project.root / ".git/CHERRY_PICK_HEAD").write_text(project.git("rev-parse", "side"))


def rebasing(project: Project) -> None:
    subprocess.run(
        ["git", "rebase", "--quiet", "--exec", "false", "side"], check=False, cwd=project.root, capture_output=True
    )


@pytest.mark.parametrize("begin", [merging, picking, rebasing])
def test_in_the_middle_of_something_nothing_is_kept(project: Project, begin: Callable[[Project], None]) -> None:
    project.git("switch", "--quiet", "-c", "side")
    project.write("src/side.txt", "from the side\n").commit("side")
    project.git("switch", "--quiet", "main")
    project.start().try_value(9)
    project.write("value.txt", "8\n")
    project.git("stash", "--quiet")
    begin(project)
    head = project.git("rev-parse", "HEAD")
    project.git("stash", "pop", "--quiet")

    code = Code.NO_SESSION if begin is rebasing else Code.GIT
    message = refused(lambda: project.loop.iterate("a smaller value"), code)

    assert re.search(
        r"in the middle of a (merge|cherry-pick|rebase)\..*git (merge|cherry-pick|rebase) --continue", message
    )
    assert project.git("rev-parse", "HEAD") == head
    assert project.read("value.txt") == "8\n"


def test_a_merge_that_begins_while_measuring_stops_the_undo(tmp_path: Path) -> None:
    verify = "cat value.txt; grep -q 20 value.txt && git rev-parse HEAD^ > .git/MERGE_HEAD || true"
    project = Project(tmp_path / "repo", verify=verify).start()

    message = refused(lambda: project.try_value(20), Code.GIT)

    assert "in the middle of a merge" in message
    assert project.git("log", "-1", "--format=%s").startswith("experiment")
    (project.root / ".git/MERGE_HEAD").unlink()
    assert project.loop.iterate("another value").status == "discard"


COMMANDS = {
    "commits files of its own and of the user": "echo log > run.log; echo more >> notes.txt; git add -A; git commit -qm x",
    "commits and takes a file away": "git rm -q notes.txt; git commit -qm x",
    "amends": "git commit -q --amend -m x",
    "switches the branch": "git switch -q side",
    "commits on another branch": "git switch -q side; echo x > x.txt; git add -A; git commit -qm x",
    "leaves the branch": "git checkout -q --detach HEAD^",
    "resets": "git reset -q --hard HEAD^",
}


def scripted(root: Path, script: str, where: str) -> Project:
    """A project whose verify or guard is a script that does something when the value is 8."""
    commands: dict[str, object] = {"verify": "sh run.sh"} if where == "verify" else {"guards": ("sh run.sh >&2",)}
    project = Project(root, **commands)
    return project.write("run.sh", f"cat value.txt\nif grep -q 8 value.txt; then {script}; fi\n").commit("script")


def with_side(root: Path, script: str, where: str) -> Project:
    project = scripted(root, script, where)
    project.git("switch", "--quiet", "-c", "side")
    project.write("src/side.txt", "from the side\n").write("notes.txt", "other notes\n").commit("side")
    project.git("switch", "--quiet", "main")
    project.write("mine.txt", "the user's, and not in git\n")
    return project


def all_objects(project: Project) -> set[str]:
    """What a ref leads to."""
    return set(project.git("rev-list", "--all", "--objects").split())


@pytest.mark.parametrize(
    ("does", "where"), [*((does, "verify") for does in COMMANDS), ("commits on another branch", "guard")]
)
def test_a_command_that_moves_head_is_tampering_and_the_repository_is_brought_back(
    tmp_path: Path, does: str, where: str
) -> None:
    project = with_side(tmp_path / "repo", COMMANDS[does], where).start()
    project.try_value(9)
    before = project.git("rev-parse", "HEAD^{tree}")

    answer = project.try_value(8)

    assert answer.status == "tampered"
    assert "a command moved HEAD from main" in answer.why
    assert project.git("symbolic-ref", "HEAD") == "refs/heads/main"
    assert project.git("rev-parse", "HEAD^{tree}") == before
    assert project.git("status", "--porcelain", "--untracked-files=no") == ""
    assert project.read("mine.txt") == "the user's, and not in git\n"
    kept = project.git("for-each-ref", "--format=%(objectname)", "refs/autoresearch/moved").split()
    for one in kept:
        assert one in answer.why or f"moved/{one[:12]}" in answer.why
    reflog = set(project.git("log", "-g", "--format=%H", "HEAD").split())
    assert reflog <= all_objects(project)
    assert project.try_value(7).status == "keep"
    assert project.statuses() == ["baseline", "keep", "tampered", "keep"]


def test_a_commit_of_a_person_while_measuring_is_not_taken_for_the_commands(tmp_path: Path) -> None:
    person = "echo more >> notes.txt; env -u GIT_REFLOG_ACTION git commit -qam mine"
    once = f"if mkdir .git/done 2>/dev/null; then {person}; fi"
    project = scripted(tmp_path / "repo", once, "verify").start()

    message = refused(lambda: project.try_value(8), Code.HEAD_MOVED)

    mine = project.git("rev-parse", "HEAD")
    assert project.git("log", "-1", "--format=%s") == "mine"
    assert project.statuses() == ["baseline"]
    for command in commands_of(message):
        subprocess.run(command, shell=True, cwd=project.root, check=True, capture_output=True)
    assert project.git("rev-parse", f"kept-{mine[:7]}") == mine
    assert project.loop.iterate("another value").status == "keep"


def test_a_plan_whose_verify_commits_is_refused_at_the_gates(tmp_path: Path) -> None:
    project = scripted(tmp_path / "repo", "echo x >> notes.txt; git commit -qam x", "verify")
    project.write("value.txt", "8\n").commit("from the start")
    before = project.git("rev-parse", "HEAD"), project.git("symbolic-ref", "HEAD")

    checked = project.planning.check_plan(project.plan)

    row = next(gate for gate in checked.gates if not gate.passed)
    assert "a command moved HEAD" in row.seen
    assert "commit" in row.cure
    assert (project.git("rev-parse", "HEAD"), project.git("symbolic-ref", "HEAD")) == before
    assert project.git("status", "--porcelain") == ""
