"""A new context knows what the journal and the agent's own notes know."""

from __future__ import annotations

import pytest

from autoresearch_mcp.tools.driver.brief import STANDPOINTS, leg_brief
from autoresearch_mcp.tools.errors import Refusal
from autoresearch_mcp.tools.lab.notes import MOST_CHARACTERS, said, say
from autoresearch_mcp.tools.verbs.notes import Notes
from conftest import Project


def test_a_leg_begins_with_keeps_dead_ends_untouched_files_notes_and_edits_that_are_left(project: Project) -> None:
    project.start()
    project.try_value(9, "one less")
    project.write("value.txt", "11\n")
    project.loop.iterate("two more", learned="more is worse")
    Notes(project.lab).note("the parser is slow; look at src/lexer next")
    project.write("app.txt", "half an idea\n")

    told = leg_brief(project.lab.for_reading(), 4)

    assert "unattended, leg 4" in told
    assert "- #1 one less (value.txt)" in told
    assert "- #2 discard 11: two more (more is worse)" in told
    assert "Files in scope never touched:\n- app.txt" in told
    assert "- the parser is slow; look at src/lexer next" in told
    assert "by the leg before: finish it as one idea, or undo the edit:\n- app.txt" in told


def test_once_the_session_is_stuck_each_leg_looks_from_elsewhere(project: Project) -> None:
    project.start()
    before = leg_brief(project.lab.for_reading(), 1)
    for value in range(11, 16):
        project.try_value(value)

    stuck = [leg_brief(project.lab.for_reading(), number) for number in range(1, 6)]

    assert "stuck" not in before
    told = [[name for name, _ in STANDPOINTS if f"in this leg, {name}" in brief] for brief in stuck]
    assert told == [["explore"], ["simplify"], ["combine"], ["exploit"], ["explore"]]


def test_notes_are_bounded_of_one_session_and_without_secrets(project: Project) -> None:
    notes = Notes(project.lab)
    with pytest.raises(Refusal, match="start_session first"):
        notes.note("too early")
    project.start()
    folder, session = project.lab.for_reading().repo.own_folder, project.sessions.status().session

    for number in range(10):
        notes.note(f"{number} " + "x" * 1000)
    notes.note("the key is sk-ant-api03-" + "a1B2" * 20)

    kept = said(folder, session)
    assert sum(map(len, kept)) <= MOST_CHARACTERS
    assert [one.split()[0] for one in kept] == ["5", "6", "7", "8", "9", "the"]
    assert "a1B2a1B2" not in kept[-1]
    say(folder, "another", "of another worktree")
    assert said(folder, "another") == ["of another worktree"]
    assert said(folder, session) == kept
