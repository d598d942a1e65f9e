"""The protocol, as its own suite and its own schemas judge it. Skipped, with the reason, where node and the suite cannot be had."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator, Draft202012Validator

import suite
from conftest import Project
from wires import Wire

HERE = Path(__file__).parent
VERSIONS = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25", "2026-07-28")
ASKED: tuple[tuple[str, dict[str, Any], str], ...] = (
    ("ping", {}, "Result"),
    ("tools/list", {}, "ListToolsResult"),
    ("prompts/list", {}, "ListPromptsResult"),
    ("resources/list", {}, "ListResourcesResult"),
    ("resources/templates/list", {}, "ListResourceTemplatesResult"),
    ("tools/call", {"name": "status", "arguments": {}}, "CallToolResult"),
    ("tools/call", {"name": "inspect_project", "arguments": {"goal": "smaller"}}, "CallToolResult"),
    ("tools/call", {"name": "iterate", "arguments": {"description": "out of order"}}, "CallToolResult"),
    ("tools/call", {"name": "workflow", "arguments": {"name": "debug", "action": "open"}}, "CallToolResult"),
    ("tools/call", {"name": "record", "arguments": {"workflow": "debug", "item": {}}}, "CallToolResult"),
    ("tools/call", {"name": "history", "arguments": {"limit": "many"}}, "CallToolResult"),
    ("prompts/get", {"name": "autoresearch", "arguments": {"goal": "less"}}, "GetPromptResult"),
    ("resources/read", {"uri": "autoresearch://status"}, "ReadResourceResult"),
    (
        "completion/complete",
        {"ref": {"type": "ref/prompt", "name": "debug"}, "argument": {"name": "severity", "value": ""}},
        "CompleteResult",
    ),
)
FAULTY: tuple[tuple[str, dict[str, Any]], ...] = (
    ("prompts/get", {"name": "no-such-prompt"}),
    ("resources/read", {"uri": "autoresearch://no"}),
    ("no/such", {}),
)


@pytest.fixture(scope="module")
def node() -> str:
    """A node with the suite beside it."""
    found = suite.suite_node()
    if found is None:
        pytest.skip("no node 22 or later with the conformance suite; npm gave none")
    return found


@pytest.fixture(scope="module")
def schemas(node: str) -> dict[str, dict[str, Any]]:
    """The released schemas by version. The suite carries none for 2024-11-05, whose messages are those of the next version."""
    done = subprocess.run([node, HERE / "schemas.mjs", suite.script(node)], capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    assert len(found) == len(VERSIONS) - 1
    return dict(zip(VERSIONS, [found[0], *found], strict=True))


@pytest.mark.parametrize(
    ("revision", "scenarios"), [pytest.param("2025-11-25", 30, marks=pytest.mark.slow), ("2026-07-28", 37)]
)
def test_every_scored_scenario_of_the_official_suite_passes(node: str, revision: str, scenarios: int) -> None:
    (figures,) = suite.measured(node, (revision,))

    assert (figures.failed, figures.scenarios) == ((), scenarios)


def test_a_suite_that_printed_no_summary_counts_as_no_result() -> None:
    with pytest.raises(ValueError, match="no summary"):
        suite.read_figures("2026-07-28", "something broke")
    text = "=== SUMMARY ===\n✓ ping: 2 passed, 0 failed\n✗ tools-list: 1 passed, 1 failed\n✗ x: 0 passed, 1 failed\n\n  ✗ x (extension)\n"
    assert suite.read_figures("r", text) == suite.Figures("r", 2, ("tools-list",), 3)


@pytest.mark.parametrize("version", [version for version in VERSIONS if version != "2025-03-26"])  # the first's schema
def test_what_goes_over_the_pipe_fits_the_released_schema(
    schemas: dict[str, dict[str, Any]], project: Project, version: str
) -> None:
    wire = Wire(project.root)
    meta: dict[str, Any] = {}
    if version == VERSIONS[-1]:
        keys = {"protocolVersion": version, "clientCapabilities": {}, "clientInfo": {"name": "c", "version": "1"}}
        meta = {"_meta": {f"io.modelcontextprotocol/{key}": value for key, value in keys.items()}}
        answers = [(wire.ask("server/discover", meta), "DiscoverResult")]
    else:
        client = {"protocolVersion": version, "capabilities": {}, "clientInfo": {"name": "c", "version": "1"}}
        answers = [(wire.ask("initialize", client), "InitializeResult")]
        wire.send("notifications/initialized", {}, notification=True)
    asked = [row for row in ASKED if not (meta and row[0] == "ping")]
    answers += [(wire.ask(method, {**params, **meta}), result) for method, params, result in asked]
    answers += [(wire.ask(method, {**params, **meta}), "") for method, params in FAULTY]
    wire.close()

    for answer, result in answers:
        assert problems(schemas[version], "JSONRPCMessage", answer) == []
        assert ("result" in answer) is bool(result), answer
        if result:
            assert problems(schemas[version], result, answer["result"]) == []


def problems(schema: dict[str, Any], name: str, value: object) -> list[str]:
    """What is wrong with a value, by one definition of a schema."""
    place = "$defs" if "$defs" in schema else "definitions"
    kind = Draft202012Validator if place == "$defs" else Draft7Validator
    validator = kind({"$ref": f"#/{place}/{name}", place: schema[place]})
    return [error.message for error in validator.iter_errors(value)]


def test_the_check_of_schemas_sees_what_is_wrong(schemas: dict[str, dict[str, Any]]) -> None:
    for version in VERSIONS:
        assert problems(schemas[version], "CallToolResult", {"content": "text"})
        assert problems(schemas[version], "ListToolsResult", {"tools": [{"name": 3}]})
