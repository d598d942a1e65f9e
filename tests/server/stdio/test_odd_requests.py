"""Every request has its answer, whatever stands in it, and whatever stands where a file of ours should be."""

from __future__ import annotations

import json
import select
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import mcp
import pytest
from mcp.server import MCPServer
from mcp.shared.exceptions import MCPError
from mcp.types import TextContent
from odd_requests import LONE, OddRequests, line, nested

from autoresearch_mcp.server.app import build_server
from autoresearch_mcp.tools.lab.access import Lab
from autoresearch_mcp.tools.vocabulary import Tool
from conftest import Project
from wires import Client, initialize

SERVER = [sys.executable, "-m", "autoresearch_mcp.server", "--root"]
PATIENCE_S = 60.0
REQUIRED: dict[str, dict[str, object]] = {
    Tool.ITERATE: {"description": "x"},
    Tool.COMMIT: {"description": "x"},
    Tool.WORKFLOW: {"name": "debug"},
    Tool.RECORD: {"workflow": "debug", "item": {}},
}


class Conversation(Client):
    """A client that says one thing at a time, and does not wait for ever."""

    def __init__(self, root: Path, *options: str) -> None:
        super().__init__([*SERVER, root, *options])
        self._heard = b""
        self.said(initialize("2025-06-18", capabilities={}))
        self.send(line({"method": "notifications/initialized"}))

    def said(self, request: bytes) -> dict[str, Any]:
        """Say something and return the answer; what the server says of itself is passed over."""
        self.send(request)
        deadline = time.monotonic() + PATIENCE_S
        while True:
            answer: dict[str, Any] = json.loads(self._line(request, deadline))
            if "method" not in answer:
                return answer

    def call(self, tool: str, arguments: object) -> dict[str, Any]:
        answer = self.said(
            line({"id": "call", "method": "tools/call", "params": {"name": tool, "arguments": arguments}})
        )
        assert answer["id"] == "call"
        return answer

    def arguments(self) -> dict[str, list[str]]:
        """The names of every tool's arguments."""
        listed = self.said(line({"id": 1, "method": "tools/list", "params": {}}))["result"]["tools"]
        return {tool["name"]: list(tool["inputSchema"]["properties"]) for tool in listed}

    def _line(self, request: bytes, deadline: float) -> bytes:
        assert self.process.stdout
        answer = select.poll()  # no `select`: a worker of many tests may have more files open than that takes
        answer.register(self.process.stdout, select.POLLIN)
        while b"\n" not in self._heard:
            ready = answer.poll(1000 * max(0.0, deadline - time.monotonic()))
            data = self.process.stdout.read1() if ready else b""  # type: ignore[attr-defined]
            assert data, f"no answer to {request[:300]!r}"
            self._heard += data
        first, _, self._heard = self._heard.partition(b"\n")
        return first


@pytest.fixture
def conversation(project: Project) -> Iterator[Conversation]:
    conversation = Conversation(project.root)
    yield conversation
    conversation.end()


def test_five_hundred_odd_requests_have_five_hundred_answers(project: Project, conversation: Conversation) -> None:
    before = project.picture()
    tools = conversation.arguments()
    told = conversation.said(line({"id": 2, "method": "prompts/list", "params": {}}))["result"]["prompts"]
    prompts = {prompt["name"]: [one["name"] for one in prompt.get("arguments", [])] for prompt in told}

    bare = []
    for number, request in OddRequests(20_26, tools, prompts).lines(500):
        answer = conversation.said(request)
        assert answer.get("id") == number, request[:300]
        assert ("result" in answer) != ("error" in answer)
        if "Error executing" in json.dumps(answer) or answer.get("error", {}).get("code") == 0:
            bare.append((request[:300], answer))

    assert bare == []
    status = conversation.call("status", {})["result"]["structuredContent"]
    assert status["phase"] == "no-session"
    assert project.picture() == before


def test_odd_words_in_any_place_are_refused_by_name_or_understood(conversation: Conversation) -> None:
    _an_unknown_prompt_or_tool_is_named(conversation)
    _arguments_of_prompts_may_be_null_or_numbers(conversation)
    _half_a_surrogate_pair_is_answered_everywhere(conversation)
    _odd_values_are_refused(conversation)


ODD: list[object] = [LONE, "a\x00b", "x" * 200_000, 10**30, 1e999, nested(150), nested(400)]


def _odd_values_are_refused(conversation: Conversation) -> None:
    arguments = [(tool, name) for tool, names in conversation.arguments().items() for name in names]
    for odd in ODD:
        for tool, name in arguments:
            answer = conversation.call(tool, {**REQUIRED.get(tool, {}), name: odd})
            refusal = answer["error"]["data"] if "error" in answer else answer["result"]["structuredContent"]

            assert refusal["next"]
            if odd != LONE:
                assert refusal["code"] == "bad-argument", (tool, name, repr(odd)[:12])
                assert refusal["message"]


def _half_a_surrogate_pair_is_answered_everywhere(conversation: Conversation) -> None:
    reference = {"ref": {"type": "ref/prompt", "name": "debug"}, "argument": {"name": "chain", "value": LONE}}
    for method, params in [
        ("prompts/get", {"name": "debug", "arguments": {"goal": LONE}}),
        ("prompts/get", {"name": LONE}),
        ("resources/read", {"uri": f"autoresearch://{LONE}"}),
        ("completion/complete", reference),
        (LONE, {}),
        ("ping", {LONE: LONE}),
    ]:
        answer = conversation.said(line({"id": LONE, "method": method, "params": params}))

        assert answer["id"] == "\ufffd"
        assert answer.get("error", {}).get("code") != 0


def _an_unknown_prompt_or_tool_is_named(conversation: Conversation) -> None:
    prompt = conversation.said(line({"id": 1, "method": "prompts/get", "params": {"name": "nope"}}))["error"]
    tool = conversation.call("nope", {})["result"]

    assert (prompt["code"], prompt["message"]) == (-32602, "Unknown prompt: nope")
    assert prompt["data"]["code"] == tool["structuredContent"]["code"] == "bad-argument"
    assert "Unknown tool: nope" in tool["structuredContent"]["message"]
    assert prompt["data"]["next"] == tool["structuredContent"]["next"] == ["status"]


def _arguments_of_prompts_may_be_null_or_numbers(conversation: Conversation) -> None:
    params = {"name": "autoresearch", "arguments": {"goal": None, "iterations": 3}}
    prompt = conversation.said(line({"id": 1, "method": "prompts/get", "params": params}))

    text = prompt["result"]["messages"][0]["content"]["text"]
    assert "Goal given" not in text
    assert "\n\nIterations asked for: 3\n\n" in text


PLACES = ["autoresearch-results.tsv", "autoresearch.toml", "autoresearch-report.html"]
OWN = ["journal.db", "job.json", "lock"]


@pytest.mark.parametrize("place", [*PLACES, ".git/autoresearch", *(f".git/autoresearch/{name}" for name in OWN)])
def test_what_stands_in_place_of_a_file_of_ours_is_named(place: str, project: Project) -> None:
    project.start()
    there = project.root / place
    if there.is_dir():
        shutil.rmtree(there)
        there.write_text("a file where a folder should be")
    else:
        there.unlink(missing_ok=True)
        (there / "inside").mkdir(parents=True)
    anyio.run(_every_answer_is_one, build_server(Lab(project.root, allow_commands=True)))


async def _every_answer_is_one(server: MCPServer) -> None:
    async with mcp.Client(server) as client:
        for tool in Tool:
            result = await client.call_tool(tool, REQUIRED.get(tool, {}))
            assert isinstance(result.content[0], TextContent)
            assert "Error executing" not in result.content[0].text
            if result.is_error:
                assert result.structured_content is not None
                assert result.structured_content.keys() >= {"code", "message", "next"}
                assert result.structured_content["code"] != "internal"
        for uri in ("autoresearch://status", "autoresearch://results"):
            codes = []
            try:
                await client.read_resource(uri)
            except MCPError as error:
                codes.append(error.error.data["code"])
            assert codes in ([], ["disk"])
        for prompt in ("autoresearch", "debug"):
            assert (await client.get_prompt(prompt)).messages
