"""Hooks of a chat: state in, state kept, and on with the session where nobody attends."""

from __future__ import annotations

import json

import pytest

from autoresearch_mcp.server.main import main
from autoresearch_mcp.tools.driver.chats import answer_hook
from autoresearch_mcp.tools.driver.records import DriverPlace
from autoresearch_mcp.tools.lab.jobs import JobRecord, write_job
from autoresearch_mcp.tools.vocabulary import Tool
from conftest import Project


class Chat:
    """A client's chat in a project."""

    def __init__(self, project: Project, attended: bool = False, name: str = "c1") -> None:
        self.project, self.attended, self.name = project, attended, name

    def hears(self, event: str) -> str:
        told = {"session_id": self.name, "hook_event_name": event, "stop_hook_active": True}
        return answer_hook(self.project.copied_server().lab, told, self.attended)

    def goes_on(self) -> bool:
        answer = self.hears("Stop")
        return bool(answer) and json.loads(answer)["decision"] == "block"


@pytest.fixture
def session(project: Project) -> Project:
    project.plan = project.plan.model_copy(update={"iterations": 3})
    return project.start()


def test_an_unattended_chat_goes_on_as_long_as_its_turns_move_the_journal(session: Project) -> None:
    chat = Chat(session)
    assert "a smaller number" in json.loads(chat.hears("SessionStart"))["hookSpecificOutput"]["additionalContext"]

    session.try_value(9)
    assert "2 more of 3 iterations" in chat.hears("Stop")
    assert not chat.goes_on()
    session.try_value(8)
    assert chat.goes_on()
    session.try_value(7)
    assert not chat.goes_on()


def test_a_call_that_was_refused_keeps_no_chat_going(session: Project) -> None:
    chat = Chat(session)
    chat.hears("SessionStart")
    session.try_value(9)
    assert chat.goes_on()

    folder = session.lab.for_reading().repo.own_folder
    write_job(folder, JobRecord(run="r1", tool=Tool.ITERATE, root=str(session.root), done=True))

    assert not chat.goes_on()


def test_gemini_is_kept_from_stopping_in_its_own_words(session: Project) -> None:
    chat = Chat(session)
    chat.hears("SessionStart")
    session.try_value(9)

    assert json.loads(chat.hears("AfterAgent"))["decision"] == "deny"
    assert chat.hears("AfterAgent") == ""


def test_an_attended_chat_one_without_a_name_and_one_that_a_run_drives_may_stop(session: Project) -> None:
    chats = [Chat(session, attended=True), Chat(session, name=""), Chat(session, name="driven")]
    for chat in chats:
        chat.hears("SessionStart")
    session.try_value(9)

    assert not chats[0].goes_on()
    assert not chats[1].goes_on()
    with DriverPlace.of(session.lab.for_reading().repo.git_dir).held():
        assert not chats[2].goes_on()
    assert chats[2].goes_on()


def test_a_chat_may_stop_while_a_person_has_the_session_paused_and_hears_of_it(session: Project) -> None:
    chat = Chat(session)
    chat.hears("SessionStart")
    session.try_value(9)
    assert main(["--root", str(session.root), "pause", "a meeting"]) == 0

    assert not chat.goes_on()
    assert "The person paused the session (a meeting): stop here" in chat.hears("SessionStart")

    session.write("value.txt", "8\n")
    assert main(["--root", str(session.root), "resume"]) == 0
    session.loop.iterate("after the meeting")
    assert chat.goes_on()


def test_a_chat_about_something_else_is_let_go(session: Project) -> None:
    session.try_value(9)
    chat = Chat(session)
    chat.hears("SessionStart")

    assert not chat.goes_on()
    assert not Chat(session, name="never began").goes_on()


def test_without_a_session_a_chat_hears_nothing(project: Project) -> None:
    chat = Chat(project)

    assert [chat.hears(event) for event in ("SessionStart", "PreCompact", "Stop")] == ["", "", ""]


def test_the_state_is_kept_when_a_chat_is_made_shorter(session: Project) -> None:
    session.try_value(9, "one less")

    assert "one less" in Chat(session).hears("PreCompact")
