"""Kept changes on another branch: measured there, all of them or none, and nobody's checkout is touched."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from ten_keeps import CHAIN, beside, with_ten_keeps
from test_taking_back import with_keeps

from autoresearch_mcp.server.main import main
from autoresearch_mcp.tools.decision.decide import Status
from autoresearch_mcp.tools.errors import Code, Refusal
from autoresearch_mcp.tools.session.telling import Worth
from autoresearch_mcp.tools.verbs.taking import KeepsApplied, Taking
from conftest import Project
from crashing import killed_at, points, when_free


@pytest.fixture
def kept(tmp_path: Path) -> Project:
    """A session with three keeps on a branch of its own; main went on since, in another file."""
    project = with_keeps(tmp_path / "repo", branch="lab")
    return project.once("main went on", lambda: beside(project, "notes.txt", "notes of main\n"))


def applied(project: Project, branch: str, keeps: tuple[int, ...] = (), squash: bool = False) -> KeepsApplied:
    return Taking(project.lab).apply(branch, keeps, squash)


def subjects(project: Project, span: str) -> list[str]:
    return project.git("log", "--reverse", "--format=%s", span).splitlines()


def test_main_gets_one_commit_a_keep_with_what_was_measured(kept: Project) -> None:
    old, before = kept.git("rev-parse", "main"), kept.picture()

    answer = applied(kept, "main")

    assert answer.gain == "-60.00 %, 2 runs in turn"
    assert answer.guards == ["sh check.sh"]
    assert answer.commits == kept.git("rev-list", "--reverse", f"{old}..main").splitlines()
    assert subjects(kept, f"{old}..main") == ["src/a.txt is 9", "src/b.txt is 5", "src/a.txt is 4"]
    session = kept.sessions.status().session
    told = " ".join(kept.git("log", "-1", "--format=%b", "main").split())
    assert told.endswith(f"1 better, against the best before it. Iteration 3 of autoresearch session {session}.")
    assert kept.git("show", "main:notes.txt") == "notes of main"
    assert kept.git("diff", "lab", "main", "--", "src", "value.txt") == ""
    after = kept.picture()
    assert (after["files"], after["head"], after["staged"]) == (before["files"], before["head"], before["staged"])
    with pytest.raises(Refusal, match="main has all of it"):
        applied(kept, "main")


def test_a_new_branch_begins_where_the_session_did_also_after_its_end(kept: Project) -> None:
    kept.loop.undo(2)
    kept.sessions.finish_session()

    applied(kept, "clean", squash=True)

    assert subjects(kept, "main~1..clean") == ["a smaller number"]
    body = kept.git("log", "-1", "--format=%b", "clean")
    assert body.splitlines()[:2] == ["- src/a.txt is 9", "- src/a.txt is 4"]
    assert "On clean: -60.00 %, 1 + 1 runs in turn." in body
    assert kept.git("rev-parse", "clean^{tree}") == kept.git("rev-parse", "lab^{tree}")
    assert kept.git("worktree", "list").count("\n") == 0


def test_some_of_them_by_the_number(kept: Project, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--root", str(kept.root), "apply", "main", "--keeps", "2"]) == 0
    assert "Measured there: -50.00 %, 2 runs in turn. 1 guard passed." in capsys.readouterr().out
    assert kept.git("show", "main:src/a.txt") == "40"

    old = kept.git("rev-parse", "main")
    assert main(["--root", str(kept.root), "apply", "main", "--keeps", "3"]) == 2
    assert "#3 src/a.txt is 4 (src/a.txt); main has other lines there, or a keep that was left out is needed" in (
        capsys.readouterr().err
    )
    assert kept.git("rev-parse", "main") == old


def test_each_keep_that_holds_alone_gets_a_branch_of_its_own_and_the_others_a_reason(
    kept: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--root", str(kept.root), "apply", "mine", "--each"]) == 0

    told = capsys.readouterr().out
    assert told.count("has 1 new commit: ") == 2
    assert (
        "No branch: #3 src/a.txt is 4. These keeps do not fit: #3 src/a.txt is 4 (src/a.txt); mine-3 has other" in told
    )
    assert kept.git("for-each-ref", "--format=%(refname:short)", "refs/heads/mine*").split() == ["mine-1", "mine-2"]
    for branch, file in (("mine-1", "src/a.txt"), ("mine-2", "src/b.txt")):
        assert kept.git("diff", "--name-only", kept.git("merge-base", "lab", branch), branch) == file


def test_of_ten_keeps_each_that_conflicts_is_named_and_nothing_moves(tmp_path: Path) -> None:
    project = beside(with_ten_keeps(tmp_path / "repo"), "src/a.txt", "99\n")
    before = project.picture()

    with pytest.raises(Refusal, match=r"do not fit: #1 the .* \(src/a\.txt\); #4 .*; #7 [^;]*; main has other lines"):
        applied(project, "main")
    for number, later in ((1, "#4 the change number 4, #7 the change number 7"), (4, "#7 the change number 7")):
        with pytest.raises(Refusal, match=f"changed the same lines and need it: {later}"):
            project.loop.undo(number)

    assert project.picture() == before
    told = {keep.iteration: keep.worth for keep in Taking(project.lab).ablate().keeps}
    assert [number for number, worth in told.items() if worth is Worth.NEEDED] == [1, 4]
    assert list(told) == list(range(1, 11))
    assert project.picture() == before
    rest = tuple(number for number in range(1, 11) if number not in CHAIN)
    assert len(applied(project, "main", rest).commits) == 7


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        (
            "check.sh",
            "echo FAILED four; test $(cat src/a.txt) != 4\n",
            r"A guard fails on main with it: sh check\.sh: exit",
        ),
        ("check.sh", "echo FAILED red; exit 1\n", r"(?s)on main already, without the keeps: sh check\.sh.*FAILED red"),
        (
            "value.txt",
            "none\n",
            "main could not be measured: a run of main gave no number.*commit that there first, or name a new",
        ),
        ("value.txt", "-1\n", ""),
    ],
)
def test_what_main_shows_decides_and_not_what_the_session_saw(tmp_path: Path, name: str, text: str, words: str) -> None:
    project = with_keeps(tmp_path / "repo", branch="lab")
    beside(project, name, text)
    old = project.git("rev-parse", "main")

    if not words:
        assert applied(project, "main").gain == "+0, 2 runs in turn"
        return
    with pytest.raises(Refusal, match=words):
        applied(project, "main")
    assert project.git("rev-parse", "main") == old


def test_a_branch_that_somebody_stands_on_is_left_alone(kept: Project) -> None:
    with pytest.raises(Refusal) as refused:
        applied(kept, "lab")

    assert refused.value.code is Code.BAD_NAME
    assert "checked out in" in refused.value.message


def test_a_branch_has_a_name(kept: Project) -> None:
    for name in ("main~1", "main@{0}", "--all", "a b"):
        with pytest.raises(Refusal, match="is not a branch name"):
            applied(kept, name)


def test_killed_at_any_checkpoint_main_has_all_or_nothing(kept: Project, tmp_path: Path) -> None:
    named = [name for name in points(lambda: applied(kept.copied(tmp_path / "points"), "main")) if ": before " in name]
    old = kept.git("rev-parse", "main")
    for number, point in enumerate(named[::8] + named[-4:]):
        project = kept.copied(tmp_path / str(number))
        assert killed_at(point, lambda project=project: applied(project, "main")), point  # type: ignore[misc]
        project.restart()

        if project.git("rev-parse", "main") == old:
            when_free(lambda project=project: applied(project, "main"))  # type: ignore[misc]

        assert subjects(project, f"{old}..main") == ["src/a.txt is 9", "src/b.txt is 5", "src/a.txt is 4"], point
        assert project.try_value(60).status is Status.DISCARD
        shutil.rmtree(project.root)
    assert len(named) > 20
