"""What a tool's answer holds, and the arguments of a project's plan, as a client has them."""

from __future__ import annotations

import json
from typing import Any

from mcp.types import CallToolResult, TextContent

from conftest import Project


def structured(result: CallToolResult) -> dict[str, Any]:
    content: dict[str, Any] | None = result.structured_content
    assert content is not None
    return content


def text(result: CallToolResult) -> str:
    assert isinstance(result.content[0], TextContent)
    return result.content[0].text


def arguments(project: Project, **changed: object) -> dict[str, Any]:
    fields: dict[str, Any] = json.loads(project.plan.model_dump_json(exclude_defaults=True))
    return {**fields, **changed}
