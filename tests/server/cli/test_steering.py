"""A person's words to an agent at work."""

from __future__ import annotations

import pytest

from autoresearch_mcp.server.main import main
from autoresearch_mcp.tools.driver.brief import leg_brief
from autoresearch_mcp.tools.errors import Code, Refusal
from autoresearch_mcp.tools.verbs.overview import session_status
from conftest import Project


def test_hints_and_ideas_reach_the_agents_next_answer_until_they_are_taken_back(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    project.start()
    monkeypatch.chdir(project.root)
    assert main(["hint", "leave", "app.txt", "alone"]) == 0
    assert main(["idea", "halve it"]) == 0
    assert main(["idea", "the key is sk-ant-api03-" + "a1B2" * 20]) == 0
    assert main(["idea", "--done", "1", "try zero"]) == 0
    capsys.readouterr()
    assert main(["idea"]) == 0
    listed = capsys.readouterr().out

    answer = project.write("value.txt", "9\n").loop.iterate("try 9")
    context = project.lab.for_reading()

    assert "a1B2" not in listed
    assert listed.endswith("2. try zero\n")
    assert "Hint of the person: leave app.txt alone" in answer.text()
    assert "Idea 2 of the person: try zero" in session_status(context).text()
    assert "halve" not in answer.text()
    assert "leave app.txt alone" in leg_brief(context, 1)

    assert main(["hint", "--clear"]) == 0

    assert "Hint" not in project.write("value.txt", "8\n").loop.iterate("try 8").text()


def test_a_paused_session_begins_nothing_until_it_is_resumed(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    project.start()
    monkeypatch.chdir(project.root)
    assert main(["pause", "I", "look", "at", "it"]) == 0
    assert main(["pause", "a meeting"]) == 0
    assert "Paused (a meeting)." in capsys.readouterr().out
    head = project.git("rev-parse", "HEAD")
    project.write("value.txt", "9\n")

    for call in (project.loop.iterate, project.loop.commit):
        with pytest.raises(Refusal, match=r"paused the session \(a meeting\).*autoresearch-mcp resume") as refused:
            call("try 9")
        assert refused.value.code is Code.PAUSED
    assert project.git("rev-parse", "HEAD") == head
    assert "paused the session (a meeting)" in session_status(project.lab.for_reading()).text()

    assert main(["resume"]) == 0

    assert project.loop.iterate("try 9").status == "keep"


def test_what_was_committed_before_a_pause_goes_on_to_its_end(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.start()
    monkeypatch.chdir(project.root)
    project.write("value.txt", "9\n").loop.commit("try 9")
    assert main(["pause"]) == 0

    answer = project.loop.iterate("try 9")

    assert answer.status == "keep"
    assert "The person paused the session" in answer.text()


def test_words_without_a_session_are_refused(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(project.root)

    assert main(["hint", "faster"]) == 2
    assert "session" in capsys.readouterr().err


def test_nobody_hears_what_is_said_to_a_session_that_is_over(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    project.start().sessions.finish_session()
    monkeypatch.chdir(project.root)

    assert [main([command, "word"]) for command in ("pause", "hint", "idea")] == [2, 2, 2]
    assert capsys.readouterr().err.count("No session is at work on this branch") == 3
