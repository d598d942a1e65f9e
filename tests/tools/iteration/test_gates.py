"""What an experiment may not touch, and calls out of order: refused, with nothing changed."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from autoresearch_mcp.tools.decision.decide import Status
from autoresearch_mcp.tools.errors import Code, Refusal
from autoresearch_mcp.tools.lab.answers import Answer
from autoresearch_mcp.tools.verbs.notes import Notes
from autoresearch_mcp.tools.verbs.parallel import Parallel
from autoresearch_mcp.tools.verbs.running import Running
from autoresearch_mcp.tools.verbs.training import Training
from autoresearch_mcp.tools.verbs.workflows import Workflows
from autoresearch_mcp.tools.vocabulary import Phase, Tool, allows, following
from conftest import Project

Change = Callable[[Project], object]


def _link(target: str) -> Change:
    return lambda project: os.symlink(target, project.root / "src" / "link")


def _turned_into_a_link(project: Project) -> None:
    (project.root / "notes.txt").unlink()
    os.symlink("app.txt", project.root / "notes.txt")


def _submodule(project: Project) -> None:
    inner = project.root / "src" / "inner"
    inner.mkdir()
    for command in (["init", "-q"], ["commit", "-q", "--allow-empty", "-m", "inner"]):
        subprocess.run(["git", *command], cwd=inner, check=True)


OUTSIDE: dict[str, Change] = {
    "an edited file": lambda p: p.write("notes.txt", "edited\n"),
    "an untracked file": lambda p: p.write("new.txt", "new\n"),
    "a file renamed out of the scope": lambda p: p.git("mv", "app.txt", "elsewhere.txt"),
    "a file renamed into the scope": lambda p: p.git("mv", "notes.txt", "src/notes.txt"),
    "a deleted file": lambda p: (p.root / "notes.txt").unlink(),
    "a changed mode": lambda p: (p.root / "notes.txt").chmod(0o755),
    "a file turned into a link": _turned_into_a_link,
    "a staged file": lambda p: p.write("notes.txt", "staged\n").git("add", "notes.txt"),
    "the protected file": lambda p: p.write("check.sh", "true\n"),
    "a link out of the repository": _link("/etc/hostname"),
    "a link to a file out of the scope": _link("../notes.txt"),
    "a link to the protected file": _link("../check.sh"),
    "a link into git's own folder": _link("../.git/config"),
    "a repository of its own": _submodule,
}


@pytest.mark.parametrize("change", OUTSIDE)
def test_a_change_outside_the_scope_is_refused_and_nothing_moves(tmp_path: Path, change: str) -> None:
    project = Project(tmp_path / "repo").write("src/inside.txt", "inside\n").commit("inside").start()
    project.write("value.txt", "5\n")
    OUTSIDE[change](project)
    before = project.picture()

    with pytest.raises(Refusal) as refused:
        project.loop.iterate("a change too far")

    assert refused.value.code in {Code.OUTSIDE_SCOPE, Code.PROTECTED}
    assert project.picture() == before
    assert project.sessions.status().phase is Phase.READY


def test_a_link_out_of_the_repository_is_refused_where_everything_is_in_scope(tmp_path: Path) -> None:
    project = Project(tmp_path / "repo", scope=(".",)).start()
    os.symlink("/etc/hostname", project.write("value.txt", "5\n").root / "link")

    with pytest.raises(Refusal, match="symbolic link to /etc/hostname, which is outside the scope"):
        project.loop.iterate("five")


def users_files(project: Project) -> dict[str, str]:
    names = (
        path for path in project.root.iterdir() if path.name not in {".git", "value.txt", "autoresearch-results.tsv"}
    )
    return {path.name: os.readlink(path) if path.is_symlink() else path.read_text() for path in names}


def staged_and_edited_again(project: Project) -> None:
    project.write("notes.txt", "staged\n").git("add", "notes.txt")
    project.write("notes.txt", "edited again\n")


def many_files(project: Project) -> None:
    for number in range(12):
        project.write(f"odd [{number}] $HOME 'x'.txt", "mine\n")


SET_ASIDE: dict[str, Change] = {
    "an edit": lambda project: project.write("notes.txt", "edited\n"),
    "a staged edit": lambda project: (project.write("notes.txt", "edited\n"), project.git("add", "notes.txt")),
    "a staged edit that was edited again": staged_and_edited_again,
    "a deletion": lambda project: (project.root / "notes.txt").unlink(),
    "a new file": lambda project: project.write("new.txt", "mine\n"),
    "a new file that is staged": lambda project: (project.write("new.txt", "mine\n"), project.git("add", "new.txt")),
    "a rename": lambda project: project.git("mv", "notes.txt", "other.txt"),
    "many files of odd names": many_files,
    "a protected file": lambda project: project.write("check.sh", "true\n"),
    "a link in place of a file": _turned_into_a_link,
}


@pytest.mark.parametrize("change", SET_ASIDE)
def test_the_refusal_says_how_to_go_on_and_nothing_of_anybody_is_lost_by_it(project: Project, change: str) -> None:
    """What stands outside the scope may be a person's: the commands that are told keep it."""
    project.start()
    SET_ASIDE[change](project)
    before = users_files(project)
    project.write("value.txt", "5\n")
    with pytest.raises(Refusal) as refused:
        project.loop.iterate("five")

    for command in re.findall(r"`(git [^`]+)`", re.sub(r"\(`[^)]*\)", "", refused.value.message)):
        subprocess.run(command, shell=True, cwd=project.root, check=True, capture_output=True)

    assert project.loop.iterate("five").status is Status.KEEP
    project.git("stash", "pop")
    assert users_files(project) == before


def test_what_is_staged_only_is_kept_by_the_advice_that_unstages_it(project: Project) -> None:
    project.start()
    project.write("app.txt", "staged only\n").git("add", "app.txt")
    project.write("app.txt", "one\ntwo\nthree\n").write("value.txt", "5\n")
    with pytest.raises(Refusal, match="Staged, but not so in the files") as refused:
        project.loop.iterate("five")

    for command in re.findall(r"`(git [^`]+)`", refused.value.message):
        subprocess.run(command, shell=True, cwd=project.root, check=True, capture_output=True)

    assert project.loop.iterate("five").status is Status.KEEP
    project.git("apply", "--cached", ".git/staged.patch")
    assert project.git("show", ":app.txt") == "staged only"


def test_an_edit_since_the_commit_is_kept_by_the_advice_that_sets_it_aside(project: Project) -> None:
    project.start().write("value.txt", "5\n")
    project.loop.commit("five")
    project.write("app.txt", "for the next time\n")
    with pytest.raises(Refusal, match="What is measured must be what was committed") as refused:
        project.loop.verify()

    command = re.search(r"`(git stash push[^`]+)`", refused.value.message)
    assert command
    subprocess.run(command[1], shell=True, cwd=project.root, check=True, capture_output=True)

    project.loop.verify()
    project.git("stash", "pop")
    assert project.read("app.txt") == "for the next time\n"


def test_every_kind_of_change_inside_the_scope_is_committed_and_undone(project: Project) -> None:
    project.write("src/old.txt", "old\n")
    project.write("src/script.sh", "true\n")
    project.commit("more")
    project.start()
    before = project.picture()["files"]
    project.git("mv", "src/old.txt", "src/renamed.txt")
    (project.root / "src/script.sh").chmod(0o755)
    (project.root / "app.txt").unlink()
    os.symlink("renamed.txt", project.root / "src/link")
    project.write("src/-dash and space.txt", "odd name\n")
    project.write('src/"quoted" *.txt', "odd name\n")

    answer = project.try_value(11)

    assert answer.status is Status.DISCARD
    changed = set(project.git("show", "--no-renames", "--name-only", "--format=", "-z", "HEAD^").split("\0"))
    assert {"src/old.txt", "src/renamed.txt", "src/script.sh", "app.txt", "src/link"} <= changed
    assert {"src/-dash and space.txt", 'src/"quoted" *.txt'} <= changed
    after = {name: data for name, data in project.picture()["files"].items() if "results" not in name}  # type: ignore[attr-defined]
    assert after == {name: data for name, data in before.items() if "results" not in name}  # type: ignore[attr-defined]
    assert not os.access(project.root / "src/script.sh", os.X_OK)
    assert project.git("status", "--porcelain") == ""


def test_a_file_with_a_name_that_is_no_text_is_committed_and_undone(project: Project) -> None:
    project.start()
    name = os.fsencode(project.root) + b"/src/\xff.txt"
    (project.root / "src").mkdir()
    with open(name, "w") as file:
        file.write("odd\n")

    assert project.try_value(11).status is Status.DISCARD
    assert not os.path.exists(name)


def test_a_hook_may_not_smuggle_files_into_the_commit(project: Project) -> None:
    project.hook("pre-commit", "echo smuggled > notes.txt && git add notes.txt")
    project.start()
    head = project.git("rev-parse", "HEAD")

    with pytest.raises(Refusal, match=r"added notes\.txt to the commit"):
        project.try_value(5)

    assert project.git("rev-parse", "HEAD") == head


def test_a_hook_may_format_what_is_committed(project: Project) -> None:
    project.hook("pre-commit", "echo 5 > value.txt && git add value.txt")
    project.start()

    answer = project.try_value("5   ")

    assert (answer.status, answer.metric) == (Status.KEEP, 5.0)
    assert project.git("status", "--porcelain") == ""


def test_a_protected_file_that_git_ignores_is_still_watched(tmp_path: Path) -> None:
    project = Project(tmp_path / "repo", protected=("check.sh", "data"))
    project.write(".gitignore", "data/\n")
    project.commit("ignore data")
    project.write("data/validation.txt", "hard\n")
    project.start()
    project.write("data/validation.txt", "easy\n")

    with pytest.raises(Refusal, match=r"data/validation\.txt") as refused:
        project.try_value(5)

    assert refused.value.code is Code.PROTECTED


def test_a_new_file_under_a_protected_glob_is_refused(tmp_path: Path) -> None:
    project = Project(tmp_path / "repo", protected=("check.sh", "src/test_*"))
    project.write("src/test_one.txt", "one\n")
    project.commit("tests")
    project.start()
    project.write("src/test_two.txt", "two\n")

    with pytest.raises(Refusal) as refused:
        project.try_value(5)

    assert refused.value.code is Code.PROTECTED


def test_what_is_measured_is_what_was_committed(project: Project) -> None:
    project.start()
    project.write("value.txt", "9\n")
    project.loop.commit("nine")
    project.write("value.txt", "1\n")

    with pytest.raises(Refusal, match=r"Edited since the commit: value\.txt"):
        project.loop.verify()


def test_no_session_tool_takes_a_number_a_verdict_or_a_command() -> None:
    import inspect

    from autoresearch_mcp.tools.verbs.loop import Loop

    taken = {
        name: set(inspect.signature(getattr(Loop, name)).parameters) - {"self", "repo"}
        for name in ("commit", "verify", "guard", "revert", "log", "iterate")
    }

    assert taken == {
        "commit": {"description", "hypothesis"},
        "verify": set(),
        "guard": set(),
        "revert": {"reason"},
        "log": {"learned"},
        "iterate": {"description", "hypothesis", "learned", "again", "undo"},
    }


# --- Every tool in every phase ---------------------------------------------------------------------------------------


def _ready(project: Project) -> None:
    project.start()


def _committed(project: Project) -> None:
    project.start()
    project.write("value.txt", "8\n")
    project.loop.commit("eight")


def _verified(project: Project) -> None:
    _committed(project)
    project.loop.verify()


def _judged(project: Project) -> None:
    _verified(project)
    project.loop.guard()


def _discarded(project: Project) -> None:
    project.start()
    project.write("value.txt", "12\n")
    project.loop.commit("twelve")
    project.loop.verify()


def _fix(project: Project) -> None:
    project.start()
    (project.root / "value.txt").unlink()
    project.loop.iterate("crash")


def _rework(project: Project) -> None:
    project.start()
    project.write("app.txt", "bad\n")
    project.try_value(8)


def _ended(project: Project) -> None:
    project.start()
    project.try_value("nan")
    project.try_value("inf")


PHASES: dict[Phase, Callable[[Project], None]] = {
    Phase.NO_SESSION: lambda project: None,
    Phase.READY: _ready,
    Phase.COMMITTED: _committed,
    Phase.VERIFIED: _verified,
    Phase.FIX: _fix,
    Phase.REWORK: _rework,
    Phase.DISCARDED: _discarded,
    Phase.JUDGED: _judged,
    Phase.ENDED: _ended,
}


PATCH = "diff --git a/src/p.txt b/src/p.txt\nnew file mode 100644\n--- /dev/null\n+++ b/src/p.txt\n@@ -0,0 +1 @@\n+an idea\n"


def calls(project: Project) -> dict[Tool, Callable[[], Answer]]:
    """Every tool, called in a way that is right when its time has come."""
    loop, sessions, review = project.loop, project.sessions, project.review
    workflows = Workflows(project.lab, {"autoresearch": lambda repo: "text"})
    return {
        Tool.INSPECT_PROJECT: lambda: project.planning.inspect_project("smaller"),
        Tool.CHECK_PLAN: lambda: project.planning.check_plan(project.plan),
        Tool.START_SESSION: lambda: sessions.start_session(project.plan),
        Tool.STATUS: sessions.status,
        Tool.COMMIT: lambda: loop.commit("a change"),
        Tool.VERIFY: loop.verify,
        Tool.GUARD: loop.guard,
        Tool.REVERT: loop.revert,
        Tool.LOG: loop.log,
        Tool.ITERATE: lambda: loop.iterate("a change"),
        Tool.DETECT_STUCK: review.detect_stuck,
        Tool.HISTORY: review.history,
        Tool.REPORT: review.report,
        Tool.FINISH_SESSION: sessions.finish_session,
        Tool.WAIT: Running(project.lab).wait,
        Tool.CANCEL: Running(project.lab).cancel,
        Tool.TRAIN: Training(project.lab).train,
        Tool.WORKFLOW: lambda: workflows.workflow("debug", "open"),
        Tool.RECORD: lambda: workflows.record("debug", [{}]),
        Tool.NOTE: lambda: Notes(project.lab).note("look at the parser"),
        Tool.PLAYBOOK: workflows.playbook,
        Tool.WORKSPACE: Parallel(project.lab).workspace,
        Tool.SUBMIT: lambda: Parallel(project.lab).submit("an idea", patch=PATCH),
        Tool.DESIGN: Parallel(project.lab).design,
    }


READS = {Tool.INSPECT_PROJECT, Tool.STATUS, Tool.DETECT_STUCK, Tool.HISTORY, Tool.PLAYBOOK}


@pytest.mark.parametrize("phase", PHASES)
def test_every_tool_in_every_phase_makes_progress_or_is_refused_without_a_trace(tmp_path: Path, phase: Phase) -> None:
    stage = Project(tmp_path / "stage")
    PHASES[phase](stage)
    assert stage.sessions.status().phase is phase
    if phase in {Phase.FIX, Phase.REWORK}:
        stage.write("value.txt", "7\n")
    before = stage.picture()
    for tool in Tool:
        project = stage.copied(tmp_path / tool) if allows(phase, tool) and tool not in READS else stage
        outcome = _outcome(calls(project)[tool])
        if isinstance(outcome, Refusal):
            # There is nothing to read before the first session, nothing to wait for while nothing is at work, in a
            # project without a model nothing to train, no ledger to write into before one is opened, and no design to tell of.
            nothing = {Tool.WAIT, Tool.CANCEL, Tool.TRAIN, Tool.RECORD, Tool.DESIGN}
            unread = outcome.code is Code.NO_SESSION or tool in nothing
            assert unread or not allows(phase, tool), f"{tool} in {phase}: {outcome.message}"
            if project is not stage:
                assert project.picture() == before, tool
            assert any(
                choice in outcome.message for choice in (*following(phase), Tool.STATUS, Tool.WORKFLOW, Tool.SUBMIT)
            )
        else:
            assert allows(phase, tool), f"{tool} in {phase} was let through"
            assert outcome.phase is project.sessions.status().phase
            assert outcome.next
    assert (stage.sessions.status().phase, stage.picture()) == (phase, before), "after all that were refused or read"


def _outcome(call: Callable[[], Answer]) -> Answer | Refusal:
    try:
        return call()
    except Refusal as refusal:
        return refusal


def test_a_second_session_on_the_branch_is_refused(project: Project) -> None:
    project.start()

    with pytest.raises(Refusal, match="finish_session") as refused:
        project.start()

    assert refused.value.code is Code.SESSION_ACTIVE


@pytest.mark.parametrize(("at_work", "told"), [(Tool.ITERATE, Tool.STATUS), (Tool.DESIGN, Tool.WAIT)])
def test_while_one_call_is_at_work_another_is_told_to_wait(project: Project, at_work: Tool, told: Tool) -> None:
    """Runs of a design, which no call holds open, are what `wait` waits for."""
    project.start()

    with (
        project.lab.for_writing("", at_work),
        pytest.raises(
            Refusal, match=rf"Another call .*{at_work} since [\d:]+ on \S+, process \d+.*Call {told} "
        ) as refused,
    ):
        project.try_value(5)

    assert (refused.value.code, refused.value.following) == (Code.BUSY, (told,))
    with project.lab.for_writing("", at_work):
        status = project.sessions.status()
    assert f"A call is at work here ({at_work}" in status.note
    assert status.next == [told]
    assert project.sessions.status().note == ""
    assert project.sessions.status().phase is Phase.READY


def test_a_file_that_was_staged_and_edited_again_is_committed_as_it_stands(project: Project) -> None:
    project.start()
    project.write("value.txt", "9\n")
    project.git("add", "value.txt")

    answer = project.try_value(8)

    assert (answer.status, answer.metric) == (Status.KEEP, 8.0)
    assert project.git("status", "--porcelain") == ""


def test_a_change_that_is_only_staged_is_refused(project: Project) -> None:
    project.start()
    project.write("app.txt", "other\n")
    project.git("add", "app.txt")
    project.write("app.txt", "one\ntwo\nthree\n").write("value.txt", "8\n")

    with pytest.raises(Refusal, match=r"Staged, but not so in the files: app\.txt"):
        project.loop.iterate("eight")

    assert project.statuses() == ["baseline"]
