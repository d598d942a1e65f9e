"""A typed method as a tool, as far as that rests on how the protocol library reads functions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from mcp import Client
from mcp.server import MCPServer
from mcp.server.mcpserver import Context, Elicit
from mcp.types import ElicitRequestParams, ElicitResult
from pydantic import BaseModel, Field

from autoresearch_mcp.server.consenting import ConsentQuestion
from autoresearch_mcp.server.tool import READS, tool
from autoresearch_mcp.tools.lab.access import Lab
from autoresearch_mcp.tools.lab.answers import Answer
from autoresearch_mcp.tools.vocabulary import Phase
from conftest import Project

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Drink(BaseModel):
    kind: str = Field("tea", description="Which.")
    cups: int = Field(1, ge=1, description="How many.")


class Poured(Answer):
    words: str = ""


class Sugar(BaseModel):
    lumps: int = Field(description="How many.")


def pour(drink: Drink, repo: str = "") -> Poured:
    """Use to pour."""
    return Poured(phase=Phase.NO_SESSION, next=[], words=f"{drink.cups} {drink.kind}")


async def _ask(lab: Lab, ctx: Context[Any, Any], given: Mapping[str, Any]) -> Elicit[Sugar]:
    return Elicit(f"Sugar in {given['kind']}?", Sugar)


def _sweeten(lab: Lab, answer: object, arguments: Mapping[str, Any]) -> dict[str, Any]:
    data = getattr(answer, "data", None)
    assert isinstance(data, Sugar)
    return {**arguments, "kind": f"{arguments['kind']} with {data.lumps} lumps"}


async def _two_lumps(context: object, params: ElicitRequestParams) -> ElicitResult:
    assert params.message == "Sugar in milk?"
    return ElicitResult(action="accept", content={"lumps": 2})


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_an_upgrade_of_the_protocol_library_leaves_arguments_flat_strict_and_open_to_questions(
    project: Project, mode: str
) -> None:
    question = ConsentQuestion(("kind",), _ask, _sweeten)
    made = tool(Lab(project.root), pour, "Pour", READS, asks=question)

    async with Client(MCPServer("t", tools=[made]), mode=mode, elicitation_callback=_two_lumps) as client:
        listed = (await client.list_tools()).tools[0]
        poured = await client.call_tool("pour", {"kind": "milk", "cups": 3})
        unknown = await client.call_tool("pour", {"cup": 1})
        wrong = await client.call_tool("pour", {"cups": 0})

    assert (listed.name, listed.description) == ("pour", "Use to pour.")
    assert listed.input_schema == {
        "type": "object",
        "properties": {
            "kind": {"type": "string", "default": "tea", "description": "Which."},
            "cups": {"type": "integer", "default": 1, "minimum": 1, "description": "How many."},
            "repo": {"type": "string", "default": ""},
        },
        "additionalProperties": False,
    }
    assert listed.output_schema is not None
    assert "words" in listed.output_schema["properties"]
    assert (poured.structured_content or {})["words"] == "3 milk with 2 lumps"
    assert "There is no argument `cup`; known are: kind, cups, repo." in (unknown.structured_content or {})["message"]
    assert "`cups`: has to be greater than or equal to 1." in (wrong.structured_content or {})["message"]
