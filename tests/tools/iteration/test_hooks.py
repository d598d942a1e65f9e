"""Hooks that want commits of another form: tried before a session starts, and satisfied by the plan's style."""

from __future__ import annotations

from pathlib import Path

import pytest

from autoresearch_mcp.tools.decision.decide import Status
from autoresearch_mcp.tools.errors import Code, Refusal
from conftest import Project

# What commitlint's usual rules want: a known type, a small letter, no full stop, short lines.
COMMITLINT = r"""
head -1 "$1" | grep -qE '^(feat|fix|perf|chore|revert)(\([a-z-]+\))?: [a-z].*[^.]$' || { echo "type-empty, subject-case" >&2; exit 1; }
! grep -qE '^.{101}' "$1" || { echo "line too long" >&2; exit 1; }
"""


def linted(root: Path, **plan: object) -> Project:
    project = Project(root, **plan)
    project.hook("commit-msg", COMMITLINT)
    return project


@pytest.mark.parametrize("hook", ["commit-msg", "pre-commit"])
def test_a_hook_that_would_refuse_every_try_is_found_by_the_gates(project: Project, hook: str) -> None:
    project.hook(hook, "echo 'no way: type-empty' >&2; exit 1")
    before = project.picture()

    row = next(gate for gate in project.planning.check_plan(project.plan).gates if not gate.passed)

    assert row.gate == "hooks"
    assert f"a hook refuses the commit of an experiment: {hook}" in row.seen
    assert "no way: type-empty" in row.output
    assert 'commit_style = "perf:"' in row.cure
    assert project.picture() == before
    with pytest.raises(Refusal) as refused:
        project.start()
    assert refused.value.code is Code.GATE_FAILED


@pytest.mark.parametrize("style", ["perf:", "perf", "perf(value):", "chore:"])
def test_conventional_commits_are_kept_and_undone_in_the_plans_style(tmp_path: Path, style: str) -> None:
    project = linted(tmp_path / "repo", commit_style=style).start()

    assert project.try_value(8, "A smaller value.").status == "keep"
    assert project.git("log", "-1", "--format=%s") == f"{style.rstrip(':')}: a smaller value"
    assert project.try_value(7, f"gradient {'and a very long sentence that goes on and on ' * 8}.").status == "keep"
    assert project.try_value(20, "A larger value.").status == "discard"
    assert project.git("log", "-1", "--format=%s") == f'Revert "{style.rstrip(":")}: a larger value"'


def test_the_gates_say_which_message_the_hooks_let_pass(tmp_path: Path) -> None:
    project = linted(tmp_path / "repo", commit_style="perf:")

    gates = project.planning.check_plan(project.plan).gates

    row = next(gate for gate in gates if gate.gate == "hooks")
    assert row.passed
    assert "begins with: perf: try whether" in row.seen


def test_what_a_hook_writes_while_it_is_tried_is_put_back(project: Project) -> None:
    project.hook("pre-commit", "echo formatted > notes.txt && git add notes.txt")

    row = next(gate for gate in project.planning.check_plan(project.plan).gates if gate.gate == "hooks")

    assert row.passed
    assert "what they wrote was put back: notes.txt" in row.seen
    assert project.git("status", "--porcelain") == ""
    assert project.read("notes.txt") == "the user's notes\n"


def test_without_hooks_nothing_is_said_of_them(project: Project) -> None:
    assert "hooks" not in [gate.gate for gate in project.planning.check_plan(project.plan).gates]


@pytest.mark.parametrize("style", ["", "perf: x", "two words", "-m", "perf\n", "perf:`id`"])
def test_a_style_that_is_no_prefix_is_refused_with_its_cure(tmp_path: Path, style: str) -> None:
    project = Project(tmp_path / "repo", commit_style=style)

    row = next(gate for gate in project.planning.check_plan(project.plan).gates if not gate.passed)

    assert (row.gate, row.seen) == ("plan", f"commit_style: {style!r} is no prefix of a commit")


def test_three_blocked_commits_in_a_row_are_stuck(project: Project) -> None:
    project.hook("commit-msg", "grep -qx 10 value.txt")
    project.start()
    answers = []
    for number in range(3):
        for _ in range(3):
            project.write("value.txt", f"{number}\n")
            answer = project.loop.iterate(f"idea {number}")
        answers.append(answer)

    assert [answer.status for answer in answers] == [Status.HOOK_BLOCKED] * 3
    assert [answer.stuck is not None for answer in answers] == [False, False, True]
    assert "blocked 3 commits in a row" in answers[-1].note
    assert project.sessions.status().stuck


SEEN = """
{
  pwd; echo "dir=${GIT_DIR-unset}"
  cd src && git diff --cached --name-only && git rev-parse --show-toplevel --show-prefix
  git ls-files --full-name | sort
  case "$GIT_INDEX_FILE" in /*) echo absolute;; *) echo "$GIT_INDEX_FILE";; esac
  cd "$OTHER" && unset $(git rev-parse --local-env-vars) && git status --porcelain && git log -1 --format=%s
} > "$SEEN" 2>&1
"""


@pytest.mark.parametrize("linked", [False, True])
def test_a_hook_sees_in_every_folder_what_a_plain_commit_of_these_files_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, linked: bool
) -> None:
    project, other = Project(tmp_path / "repo"), Project(tmp_path / "other")
    other.write("app.txt", "edited\n")
    project.write("src/a.txt", "a\n").commit("a folder")
    project.hook("pre-commit", SEEN)
    if linked:
        project.git("worktree", "add", "--quiet", "-b", "aside", "../linked")
        project.root = tmp_path / "linked"
        project.restart()
    monkeypatch.setenv("OTHER", str(other.root))
    monkeypatch.setenv("SEEN", str(tmp_path / "plain"))
    project.write("value.txt", "11\n").git("commit", "--quiet", "-m", "by hand", "value.txt")

    monkeypatch.setenv("SEEN", str(tmp_path / "ours"))
    project.start()
    assert project.try_value(8).status == "keep"

    assert (tmp_path / "ours").read_text() == (tmp_path / "plain").read_text()
    assert "value.txt" in (tmp_path / "ours").read_text()
