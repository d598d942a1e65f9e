"""What a person does at a terminal with results, and with a try that nobody goes on with."""

from __future__ import annotations

from pathlib import Path

import pytest

from autoresearch_mcp.server.main import main
from conftest import Project
from crashing import check


def typed(project: Project, *words: str) -> int:
    return main(["--root", str(project.root), *words])


def test_a_try_that_waits_for_its_agent_is_given_up_with_a_row(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    project.start().write("app.txt", "edited\n")
    (project.root / "value.txt").unlink()
    project.loop.iterate("no number")
    project.write("app.txt", "and once more\n")
    assert typed(project, "finish") == 2
    assert "`autoresearch-mcp settle` brings it to its end" in capsys.readouterr().err

    assert typed(project, "settle") == 0

    told = capsys.readouterr().out
    assert "#1 crash: metric -, best 10. Verify failed (runtime). The idea was given up." in told
    assert "Left as edited: app.txt." in told
    assert (project.read("value.txt"), project.read("app.txt")) == ("10\n", "and once more\n")
    assert project.statuses() == ["baseline", "crash"]
    assert typed(project, "settle") == 2
    assert "No try is open here" in capsys.readouterr().err


def test_a_try_that_was_committed_is_measured_and_decided(project: Project) -> None:
    project.start().write("value.txt", "9\n").loop.commit("nine")

    assert typed(project, "settle") == 0

    assert project.statuses() == ["baseline", "keep"]
    check(project)


def test_a_keep_that_stays_is_told_with_the_line_that_lets_it_go(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    project.start().try_value(9)

    assert typed(project, "undo", "1") == 1

    assert capsys.readouterr().out.endswith("whatever that costs, by `autoresearch-mcp undo 1 --force`.\n")


def test_a_keep_of_a_finished_session_is_refused_with_the_lines_that_do_without_it(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    project.start().try_value(9)
    project.write("app.txt", "good enough\n").try_value(8)
    typed(project, "finish", "--no-confirm")
    capsys.readouterr()

    assert typed(project, "undo", "1") == 2

    told = capsys.readouterr().err
    assert "The session was finished on 20" in told
    assert "autoresearch-mcp start" not in told
    assert "`autoresearch-mcp apply main-without-1 --keeps 2`" in told
    revert = told.rpartition("`git ")[2].rpartition("`")[0]
    assert project.git("log", "-1", "--format=%s", revert.split()[1]).startswith("experiment(value.txt)")
    assert typed(project, "finish") == 2
    assert "the last one was finished on 20" in capsys.readouterr().err


def test_what_is_measured_on_a_branch_is_said_before_it_begins(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    project.start().try_value(9, "nine")
    capsys.readouterr()

    assert typed(project, "apply", "--json") == 0

    shown = capsys.readouterr()
    assert shown.err.startswith("Measuring main-kept with #1 nine: 2 runs, about ")
    assert shown.out.startswith("{")


def test_without_a_name_keeps_go_on_a_branch_beside_the_session_s(tmp_path: Path) -> None:
    project = Project(tmp_path / "repo", branch="lab").start()
    project.try_value(9)

    assert typed(project, "apply") == 0

    assert project.git("rev-parse", "lab-kept^{tree}") == project.git("rev-parse", "lab^{tree}")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("start",), "Finish it first: `autoresearch-mcp finish`."),
        (("history", "--limit", "x"), "--limit: x is not a whole number of 0 or more."),
        (("ablate", "--minutes", "-1"), "--minutes: -1 is not a number of 0 or more."),
        (("ablate", "--minutes", "nan"), "--minutes: nan is not a number of 0 or more."),
        (("run", "--hours", "inf"), "--hours: inf is not a number of 0 or more."),
        (("watch", "--web", "--port", "99999"), "--port: 99999 is not a whole number from 0 to 65535."),
        (("apply", "--keeps", "1x"), "--keeps: 1x is not a list of iterations, as 2,5,7."),
        (("workflow", "debug", "open", "--set", "iterations=abc"), "iterations: has to be a whole number."),
        (("verify-claim", "nowhere"), "nowhere cannot be read: No such file or directory."),
    ],
)
def test_what_is_refused_is_said_in_words_of_the_terminal(
    project: Project, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], told: str
) -> None:
    project.start()

    try:
        status: object = typed(project, *words)
    except SystemExit as left:
        status = left.code

    assert (status, told in capsys.readouterr().err) == (2, True)
