"""The view in a chat, for hosts that show MCP Apps; for all others nothing changes."""

from __future__ import annotations

from typing import Any

import pytest
from mcp import Client
from mcp.client.extension import advertise
from mcp.types import CallToolResult

from autoresearch_mcp.server.app import SESSION_VIEW, build_server
from autoresearch_mcp.server.tool import VIEW_DATA
from autoresearch_mcp.tools.lab.access import Lab
from conftest import Project
from filled import HOSTILE, fill, long, row
from pages import Reader

pytestmark = pytest.mark.anyio

APPS = [advertise("io.modelcontextprotocol/ui", {"mimeTypes": ["text/html;profile=mcp-app"]})]
OTHER = [advertise("io.modelcontextprotocol/ui", {"mimeTypes": ["text/uri-list"]})]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def talk(project: Project, mode: str, extensions: Any = ()) -> Client:  # noqa: ANN401 - what the library takes
    return Client(build_server(Lab(project.root)), mode=mode, extensions=extensions)


def view(result: CallToolResult) -> dict[str, Any] | None:
    found: dict[str, Any] | None = (result.meta or {}).get(VIEW_DATA)
    return found


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_status_and_report_are_linked_to_a_view_that_can_be_read(project: Project, mode: str) -> None:
    async with talk(project, mode) as client:
        tools = {tool.name: (tool.meta or {}).get("ui") for tool in (await client.list_tools()).tools}
        content = (await client.read_resource(SESSION_VIEW)).contents[0]

    assert {name for name, ui in tools.items() if ui} == {"status", "report"}
    assert tools["status"] == {"resourceUri": "ui://autoresearch/session"}
    assert content.mime_type == "text/html;profile=mcp-app"
    assert content.meta == {"ui": {"prefersBorder": True}}
    page = Reader(getattr(content, "text", ""))
    assert page.open == []
    assert not [a for _, a in page.found if "src" in a or str(a.get("href", "#"))[:1] != "#"]


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_host_that_shows_apps_gets_the_session_beside_the_answer(project: Project, mode: str) -> None:
    fill(project.start(), *long(30), row(31, description=HOSTILE))
    async with talk(project, mode, APPS) as client:
        result = await client.call_tool("status", {})

    shown = view(result)
    assert shown is not None
    assert shown["open"] is True
    assert set(shown["parts"]) == {"head", "now", "progress", "last"}
    page = Reader("".join(shown["parts"].values()))
    assert page.open == []
    assert "script" not in {tag for tag, _ in page.found}
    assert "a smaller number" in page.text
    assert len([tag for tag, _ in page.found if tag == "use"]) == 32


@pytest.mark.parametrize(
    ("mode", "extensions"), [("auto", ()), ("legacy", OTHER)], ids=["none", "other kinds of page, in the old era"]
)
async def test_for_other_clients_nothing_changes(project: Project, mode: str, extensions: Any) -> None:  # noqa: ANN401
    fill(project.start(), *long(5))
    async with talk(project, mode, extensions) as client, talk(project, mode, APPS) as host:
        plain, shown = await client.call_tool("status", {}), await host.call_tool("status", {})

    assert view(plain) is None
    assert (plain.content, plain.structured_content) == (shown.content, shown.structured_content)


async def test_the_view_stays_small_however_long_the_session(project: Project) -> None:
    fill(project.start(), *long(3000))
    async with talk(project, "auto", APPS) as client:
        shown = view(await client.call_tool("status", {}))

    assert shown is not None
    assert sum(map(len, shown["parts"].values())) < 200_000


async def test_there_is_something_to_see_without_a_session_and_at_its_end(project: Project) -> None:
    async with talk(project, "auto", APPS) as client:
        before = view(await client.call_tool("status", {}))
        fill(project.start(), *long(5))
        project.sessions.finish_session()
        after = view(await client.call_tool("report", {"format": "png"}))

    assert before is not None
    assert "No session yet" in before["parts"]["head"]
    assert before["open"] is True
    assert after is not None
    assert after["open"] is False


async def test_a_refusal_has_no_view(project: Project) -> None:
    async with talk(project, "auto", APPS) as client:
        result = await client.call_tool("report", {})

    assert result.is_error
    assert view(result) is None
