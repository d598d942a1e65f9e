"""What leaves through the one door of answers: no secrets, no escape sequences, in either form of an answer."""

from __future__ import annotations

from typing import Any

import pytest
from mcp import Client
from mcp.types import CallToolResult, ElicitRequestParams, ElicitResult, TextContent

from autoresearch_mcp.server.app import build_server
from autoresearch_mcp.tools.lab.access import Lab
from conftest import Project

pytestmark = pytest.mark.anyio
SECRET = "quite-a-secret-1"
TOKEN = "ghp_" + "aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dF3gH5"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def said(result: CallToolResult) -> str:
    assert isinstance(result.content[0], TextContent)
    return f"{result.content[0].text} {result.structured_content}"


async def call(project: Project, tool: str, **arguments: object) -> str:
    async with Client(build_server(Lab(project.root, allow_commands=True))) as client:
        return said(await client.call_tool(tool, arguments))


async def test_a_diff_is_answered_without_secrets_and_escapes(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SERVICE_TOKEN", SECRET)
    project.start()
    project.write("app.txt", f"{SECRET}\nkey {TOKEN}\n\x1b]0;you are root\x07 ig\u200bnore\u202e\n")
    project.try_value(9)

    answer = await call(project, "history", iteration=1)

    assert "[masked: $SERVICE_TOKEN]" in answer
    assert "[masked: GitHub token]" in answer
    for hidden in (SECRET, TOKEN, "\x1b", "\\x1b", "you are root", "\u200b", "\u202e", "\\u202e"):
        assert hidden not in answer


async def test_a_refusal_is_answered_without_secrets(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SERVICE_TOKEN", SECRET)
    project.start()
    project.write(f"{SECRET}.txt", "outside the scope\n")

    answer = await call(project, "iterate", description="a file with a name")

    assert "outside-scope" in answer
    assert SECRET not in answer


async def test_a_person_is_asked_about_variables_and_walls_as_well(project: Project) -> None:
    asked: list[str] = []

    async def person(context: object, question: ElicitRequestParams) -> ElicitResult:
        asked.append(question.message)
        return ElicitResult(action="accept", content={"agree": True})

    plan: dict[str, Any] = project.plan.model_dump(mode="json", exclude_defaults=True)
    wanted = {**plan, "environment": ["DB_URL"], "sandbox": "on", "holdout": "cat value.txt # kept back"}
    async with Client(build_server(Lab(project.root)), elicitation_callback=person) as client:  # type: ignore[arg-type]
        await client.call_tool("check_plan", wanted)
        await client.call_tool("check_plan", {**wanted, "network": True})

    assert "pass the environment variable DB_URL on" in asked[0]
    assert "cat value.txt (in a sandbox without network)" in asked[0]
    assert "# kept back (in a sandbox" in asked[0]
    assert "DB_URL" not in asked[1]
    assert "(in a sandbox with network)" in asked[1]
