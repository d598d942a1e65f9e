"""The user's own files, staged or not, are byte for byte what they were, whatever a session did."""

from __future__ import annotations

from pathlib import Path

import pytest

from autoresearch_mcp.tools.decision.decide import Status
from autoresearch_mcp.tools.errors import Refusal
from autoresearch_mcp.tools.git import experiment
from conftest import Project


@pytest.fixture(autouse=True, params=["small index", "large index"])
def _index(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A commit's tree is made in one way or the other."""
    if request.param == "large index":
        monkeypatch.setattr(experiment, "LARGE_INDEX", 0)


def _belongings(project: Project) -> dict[str, object]:
    names = ["untracked.bin", "ignored/secret.txt", "notes.txt", "tracked-elsewhere.txt"]
    return {
        "files": {name: (project.root / name).read_bytes() for name in names},
        "stashes": project.git("stash", "list", "--format=%H"),
        "branches": project.git("for-each-ref", "--format=%(refname) %(objectname)", "refs/heads/other", "refs/tags"),
        "configuration": (project.root / ".git" / "config").read_bytes(),
        "ignore": (project.root / ".gitignore").read_bytes(),
        "hooks": sorted(path.name for path in (project.root / ".git" / "hooks").iterdir()),
    }


def _busy_session(project: Project) -> list[Status | None]:
    """Keeps, reverts, a crash, a no-op, and a failed guard."""
    statuses = [project.try_value(value).status for value in (9, 12, 8)]
    (project.root / "value.txt").unlink()
    project.loop.iterate("crash")
    project.loop.revert()
    statuses.append(project.loop.log().status)
    statuses.append(project.loop.iterate("nothing").status)
    project.write("app.txt", "bad\n")
    project.try_value(7)
    project.loop.revert()
    statuses.append(project.loop.log().status)
    project.sessions.finish_session()
    return statuses


@pytest.fixture
def lived_in(tmp_path: Path) -> Project:
    """A repository with everything a person leaves lying about."""
    project = Project(tmp_path / "repo")
    project.write(".gitignore", "ignored/\n")
    project.write("tracked-elsewhere.txt", "mine\n")
    project.commit("more")
    project.git("branch", "other")
    project.git("tag", "v1")
    project.write("notes.txt", "stashed words\n")
    project.git("stash", "push", "--quiet")
    (project.root / "untracked.bin").write_bytes(bytes(range(256)))
    project.write("ignored/secret.txt", "secret\n")
    return project


def test_a_busy_session_leaves_everything_of_the_user_as_it_was(lived_in: Project) -> None:
    lived_in.start()
    before = _belongings(lived_in)

    statuses = _busy_session(lived_in)

    assert statuses == [Status.KEEP, Status.DISCARD, Status.KEEP, Status.CRASH, Status.NO_OP, Status.DISCARD]
    assert _belongings(lived_in) == before
    assert lived_in.git("status", "--porcelain") == "?? untracked.bin"
    assert lived_in.git("fsck", "--strict") == ""


@pytest.mark.parametrize("staged", [False, True], ids=["unstaged", "staged"])
def test_uncommitted_work_stops_the_start_and_is_not_touched(lived_in: Project, staged: bool) -> None:
    lived_in.write("notes.txt", "work in progress\n")
    if staged:
        lived_in.git("add", "notes.txt")
        lived_in.write("notes.txt", "more than was staged\n")
    before = lived_in.picture()

    with pytest.raises(Refusal, match="uncommitted changes"):
        lived_in.start()

    assert lived_in.picture() == before


def test_work_staged_during_a_session_stays_staged_through_an_undo(project: Project) -> None:
    project.start()
    project.write("value.txt", "12\n")
    project.loop.commit("twelve")
    project.loop.verify()
    project.write("notes.txt", "staged by the user\n")
    project.git("add", "notes.txt")
    project.write("notes.txt", "and edited further\n")

    project.loop.revert()

    assert project.git("show", ":notes.txt") == "staged by the user"
    assert project.read("notes.txt") == "and edited further\n"
    assert project.git("show", "HEAD:notes.txt") == "the user's notes"
    assert project.read("value.txt") == "10\n"


def test_work_staged_during_a_session_is_never_swept_into_a_commit(project: Project) -> None:
    project.start()
    project.write("notes.txt", "staged by the user\n")
    project.git("add", "notes.txt")
    project.write("value.txt", "5\n")
    before = project.picture()

    with pytest.raises(Refusal, match=r"notes\.txt"):
        project.loop.iterate("five")

    assert project.picture() == before


def test_a_results_file_of_another_tool_is_set_aside_not_overwritten(project: Project) -> None:
    project.write("autoresearch-results.tsv", "somebody else's results\n")

    project.start()

    assert [path.read_text() for path in project.root.glob("autoresearch-results.edited-*.tsv")] == [
        "somebody else's results\n"
    ]
    assert project.statuses() == ["baseline"]


def test_line_endings_are_those_that_git_was_told_to_use(project: Project) -> None:
    project.git("config", "core.autocrlf", "true")
    project.write(".gitattributes", "*.txt text\n")
    project.commit("attributes")
    project.git("rm", "--cached", "-r", "-q", ".")
    project.git("reset", "--hard", "-q")
    project.start()
    assert (project.root / "value.txt").read_bytes() == b"10\r\n"

    (project.root / "value.txt").write_bytes(b"12\r\n")
    answer = project.loop.iterate("twelve")

    assert answer.status is Status.DISCARD
    assert (project.root / "value.txt").read_bytes() == b"10\r\n"
    assert project.git("cat-file", "blob", "HEAD^:value.txt") == "12"
    assert project.git("status", "--porcelain") == ""
