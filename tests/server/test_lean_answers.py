"""What a model reads of an answer: nothing empty, nothing twice, and what failed by its name."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
from called import arguments, structured, text
from mcp import Client

from autoresearch_mcp.server.app import build_server
from autoresearch_mcp.tools.lab.access import Lab
from conftest import PYTHON, Project

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def client(project: Project) -> AsyncIterator[Client]:
    """A client that checks each answer against the schema that its tool lists."""
    async with Client(build_server(Lab(project.root, allow_commands=True))) as client:
        yield client


def empty(value: object, path: str = "") -> Iterator[str]:
    """The places in a structured content that hold nothing."""
    if value in (None, "", [], {}):
        yield path
    for name, part in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from empty(part, f"{path}.{name}")


async def test_no_answer_has_a_field_that_holds_nothing(client: Client, project: Project) -> None:
    answers = [await client.call_tool(name, {}) for name in ("status", "inspect_project", "verify")]
    answers += [await client.call_tool("check_plan", arguments(project)), await client.call_tool("start_session", {})]
    for value in ("8\n", "12\n", "no number\n"):
        project.write("value.txt", value)
        answers.append(await client.call_tool("iterate", {"description": f"now {value.strip()}"}))
    for name in ("status", "history", "detect_stuck", "report", "revert", "log", "finish_session"):
        answers.append(await client.call_tool(name, {}))
    answers.append(await client.call_tool("history", {"iteration": 1}))

    assert [structured(answer)["phase"] for answer in answers[:3]] == ["no-session"] * 3
    assert [place for answer in answers for place in empty(structured(answer))] == []


async def test_a_red_guard_is_told_by_the_test_that_fails_and_without_receipts(
    client: Client, project: Project
) -> None:
    project.write("test_value.py", "import unittest\nclass Values(unittest.TestCase):\n    def test_eight(self):\n        self.assertNotIn('8', open('value.txt').read())\n")  # fmt: skip
    project.commit("a test")
    await client.call_tool("check_plan", arguments(project, guards=[f"{PYTHON} -m unittest test_value"], protected=["test_value.py"]))  # fmt: skip
    await client.call_tool("start_session", {})
    project.write("value.txt", "8\n")

    answer = await client.call_tool("iterate", {"description": "eight"})

    assert structured(answer)["guard"] == "fail"
    assert "\n  FAIL: test_eight (test_value.Values.test_eight)\n" in text(answer)
    assert "AssertionError" in structured(answer)["guards"][0]["tail"]
    assert "receipts" not in structured(answer)["guards"][0]
    details = structured(await client.call_tool("history", {"iteration": 0}))
    assert details["receipts"]
    assert details["guards"][0]["receipts"]


async def test_material_for_the_next_idea_is_told_when_the_session_gets_stuck_and_not_each_time(
    client: Client, project: Project
) -> None:
    await client.call_tool("start_session", arguments(project))
    told = []
    for value in range(11, 22):
        project.write("value.txt", f"{value}\n")
        told.append(structured(await client.call_tool("iterate", {"description": f"now {value}"})))

    assert [answer["iteration"] for answer in told if "stuck" in answer] == [5, 10]
    assert "detect_stuck has material" in told[5]["note"]
    assert not any("detect_stuck" in answer.get("note", "") for answer in (*told[:5], told[9]))


# --- The plan that check_plan passed -----------------------------------------------------------------------------------


async def test_a_session_starts_with_the_plan_that_check_plan_passed(client: Client, project: Project) -> None:
    project.write(
        "autoresearch.toml",
        'goal = "x"\nscope = ["app.txt"]\nmetric = "v"\ndirection = "higher"\nverify = "cat value.txt"\n',
    )
    project.commit("another plan")
    await client.call_tool("check_plan", arguments(project, iterations=7))
    started = await client.call_tool("start_session", {})

    assert not started.is_error
    assert "check_plan" in structured(started)["reused"]
    sealed = project.lab.for_reading().active.plan
    assert (sealed.iterations, sealed.scope) == (7, project.plan.scope)


async def test_what_the_last_check_did_not_pass_is_not_started(client: Client, project: Project) -> None:
    await client.call_tool("check_plan", arguments(project))
    await client.call_tool("check_plan", arguments(project, guards=["false"]))

    refused = await client.call_tool("start_session", {})

    assert structured(refused)["code"] == "bad-plan"
    assert "check_plan" in structured(refused)["message"]


async def test_the_passed_plan_serves_until_its_session_is_finished(client: Client, project: Project) -> None:
    await client.call_tool("check_plan", arguments(project))
    await client.call_tool("start_session", {})
    await client.call_tool("finish_session", {})

    assert structured(await client.call_tool("start_session", {}))["code"] == "bad-plan"


async def test_a_plan_that_passed_in_one_checkout_is_not_started_in_another(project: Project) -> None:
    project.git("worktree", "add", "-b", "other", str(project.root.parent / "other"))
    async with Client(build_server(Lab(project.root.parent, allow_commands=True))) as client:
        await client.call_tool("check_plan", arguments(project, repo=project.root.name))
        elsewhere = await client.call_tool("start_session", {"repo": "other"})
        here = await client.call_tool("start_session", {"repo": project.root.name})

    assert structured(elsewhere)["code"] == "bad-plan"
    assert structured(here)["phase"] == "ready"
