"""Hooks of a chat: state in, state kept, and on with the session where nobody attends."""

from __future__ import annotations

import io
import json
import subprocess
import sys

import pytest

from autoresearch_mcp.server.main import main
from autoresearch_mcp.tools.driver.chats import answer_hook
from autoresearch_mcp.tools.driver.records import DriverPlace
from autoresearch_mcp.tools.lab.jobs import JobRecord, write_job
from autoresearch_mcp.tools.vocabulary import Tool
from conftest import Project


class Chat:
    """A client's chat in a project."""

    def __init__(self, project: Project, name: str = "c1") -> None:
        self.project, self.name = project, name

    def hears(self, event: str) -> str:
        return answer_hook(self.project.copied_server().lab, self.told(event))

    def told(self, event: str) -> dict[str, object]:
        return {"session_id": self.name, "hook_event_name": event, "stop_hook_active": True}

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


def test_a_chat_without_a_name_and_one_that_a_run_drives_may_stop(session: Project) -> None:
    unnamed, driven = Chat(session, name=""), Chat(session, name="driven")
    for chat in (unnamed, driven):
        chat.hears("SessionStart")
    session.try_value(9)

    assert not unnamed.goes_on()
    with DriverPlace.of(session.lab.for_reading().repo.git_dir).held():
        assert not driven.goes_on()
    assert driven.goes_on()


@pytest.mark.parametrize(
    ("variables", "goes_on"),
    [
        ({"CLAUDE_CODE_SESSION_ATTENDED": "1"}, False),
        ({"CLAUDE_CODE_SESSION_ATTENDED": "0"}, True),
        ({"CLAUDE_CODE_SESSION_ATTENDED": "1", "AUTORESEARCH_UNATTENDED": "1"}, False),
        ({}, False),
        ({"AUTORESEARCH_UNATTENDED": "1"}, True),
    ],
)
def test_a_chat_that_somebody_attends_may_always_stop(
    session: Project,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    variables: dict[str, str],
    goes_on: bool,
) -> None:
    for name in ("CLAUDE_CODE_SESSION_ATTENDED", "AUTORESEARCH_UNATTENDED"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    chat = Chat(session)
    chat.hears("SessionStart")
    session.try_value(9)
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps(chat.told("Stop"))))

    assert main(["--root", str(session.root), "hook"]) == 0

    assert ("block" in capsys.readouterr().out) is goes_on


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


def test_a_hook_loads_neither_the_protocol_nor_the_terminal_nor_the_tools() -> None:
    code = "import sys, autoresearch_mcp.server.cli.hook, autoresearch_mcp.tools.driver.chats\n"
    code += "print(sorted({'mcp', 'rich', 'autoresearch_mcp.tools.verbs', 'autoresearch_mcp.tools.report'} & set(sys.modules)))"

    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
