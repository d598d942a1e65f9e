"""The real server process over real pipes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client, StdioServerParameters

from autoresearch_mcp.prompts import load_prompts
from autoresearch_mcp.tools.lab.access import Lab
from autoresearch_mcp.tools.plan.model import Plan
from autoresearch_mcp.tools.verbs.planning import Planning
from autoresearch_mcp.tools.vocabulary import Tool
from conftest import Project
from wires import Wire

SERVER = [sys.executable, "-m", "autoresearch_mcp.server"]
HEAVY = ("torch", "numpy", "git", "tiktoken", "tokenizers")


def test_a_server_starts_and_says_how_a_repository_stands_without_what_other_tools_need(project: Project) -> None:
    code = (
        "import sys, pathlib, anyio\n"
        "from autoresearch_mcp.server.app import build_server\n"
        "from autoresearch_mcp.tools.lab.access import Lab\n"
        "from autoresearch_mcp.tools.verbs.overview import Overview\n"
        "lab = Lab(pathlib.Path(sys.argv[1]))\n"
        "server = build_server(lab)\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])\n"
        "print(Overview(lab).status().phase)\n"
        "parts = ('report.page', 'iteration.run', 'verbs.loop', 'parallel.board', 'workflows.ledger.state')\n"
        "def loaded(): return [part for part in parts if f'autoresearch_mcp.tools.{part}' in sys.modules]\n"
        "first = loaded()\n"
        "anyio.run(server.list_tools)\n"
        "print(first, set(parts) - {*loaded()})\n"
    )

    told = subprocess.run([sys.executable, "-c", code, project.root], capture_output=True, text=True, check=True).stdout
    assert told.splitlines() == ["[]", "no-session", "[] set()"]


def test_the_command_line_alone_imports_no_protocol() -> None:
    code = (
        "import sys, autoresearch_mcp.server.main\nprint([m for m in ('mcp', 'pydantic', 'anyio') if m in sys.modules])"
    )

    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_client_drives_one_iteration_over_pipes(project: Project) -> None:
    arguments = json.loads(project.plan.model_dump_json(exclude_defaults=True))
    parameters = StdioServerParameters(
        command=SERVER[0], args=[*SERVER[1:], "--root", str(project.root), "--allow-commands"], env=dict(os.environ)
    )
    with anyio.fail_after(60):
        async with Client(parameters) as client:
            listed = (
                {tool.name for tool in (await client.list_tools()).tools},
                {prompt.name for prompt in (await client.list_prompts()).prompts},
                {resource.name for resource in (await client.list_resources()).resources},
            )
            started = await client.call_tool("start_session", arguments)
            project.write("value.txt", "8\n")
            kept = await client.call_tool("iterate", {"description": "eight"})

    assert listed == (set(Tool), {*load_prompts()}, {"status", "results", "session"})
    assert started.structured_content is not None
    assert kept.structured_content is not None
    assert (started.structured_content["baseline"], kept.structured_content["status"]) == (10.0, "keep")


@pytest.mark.parametrize(("end", "again"), [("SIGTERM", "wait"), ("vanished client", "wait"), ("SIGKILL", "iterate")])
def test_a_run_outlives_its_server_and_the_next_one_joins_it(project: Project, end: str, again: str) -> None:
    go, count = project.root.parent / "go", project.root.parent / "count"
    hold = f"echo run >> {count}; grep -q 10 value.txt || until test -e {go}; do sleep 0.05; done; cat value.txt"
    plan = {**json.loads(project.plan.model_dump_json(exclude_defaults=True)), "verify": hold}
    wire = Wire(project.root)
    wire.greet("2025-06-18")
    wire.ask("tools/call", {"name": "start_session", "arguments": plan})
    before = _lines(count)
    project.write("value.txt", "8\n")
    wire.send("tools/call", {"name": "iterate", "arguments": {"description": "eight"}})
    _until(lambda: _lines(count) > before)
    _end(wire.process, end)
    wire.process.wait(timeout=120)
    _closed(wire)

    other = Wire(project.root)  # a process of its own: in the tests' one a run more was made
    other.greet("2025-06-18")
    status = other.ask("tools/call", {"name": "status", "arguments": {}})["result"]["structuredContent"]
    go.touch()
    arguments = {"description": "eight"} if again == "iterate" else {}
    kept = other.ask("tools/call", {"name": again, "arguments": arguments})["result"]["structuredContent"]
    other.close()

    assert "`iterate` was interrupted with its server" in status["note"]
    assert (kept["status"], kept["metric"]) == ("keep", 8.0)
    assert _lines(count) == before + 3, "the interrupted run, which is joined, and a clean pair before the keep"
    assert project.statuses() == ["baseline", "keep"]
    assert not (project.root / ".git/autoresearch/runs").exists()


@pytest.mark.parametrize(
    ("end", "version"), [("SIGTERM", "2024-11-05"), ("SIGKILL", "2025-03-26"), ("closed pipe", "2025-11-25")]
)
def test_a_server_notes_at_its_end_what_its_agent_committed_last(project: Project, end: str, version: str) -> None:
    """With a false date, and no call after it. One that is killed cannot say what came before its end. Clients of older protocols
    are served in theirs.
    """
    wire = Wire(project.root)
    assert wire.greet(version) == version
    assert len(wire.ask("tools/list", {})["result"]["tools"]) == len(Tool)
    status = wire.ask("tools/call", {"name": "status", "arguments": {}})["result"]
    assert status["structuredContent"]["phase"] == "no-session"
    _commit_plan(project, "cat value.txt")
    _end(wire.process, end)
    assert wire.process.wait(timeout=120) == {"SIGTERM": 143, "SIGKILL": -9, "closed pipe": 0}[end]
    assert wire.process.stderr
    assert wire.process.stderr.read() == ""
    _closed(wire)

    assert Planning(Lab(project.root)).check_plan(Plan()).commands == ["cat value.txt"]
    _commit_plan(project, "cat  value.txt")
    assert Planning(Lab(project.root)).check_plan(Plan()).ready == (end != "SIGKILL")


def _commit_plan(project: Project, verify: str) -> None:
    fields = f"goal = 'x'\nscope = ['app.txt']\nmetric = 'value'\ndirection = 'lower'\nverify = '{verify}'\n"
    project.write("autoresearch.toml", fields).git("add", "--all")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GIT_COMMITTER_DATE", "2020-05-04T10:00:00+00:00")
        project.git("commit", "--quiet", "-m", "a plan")


def _lines(file: Path) -> int:
    return len(file.read_text().splitlines()) if file.exists() else 0


def _closed(wire: Wire) -> None:
    for pipe in (wire.process.stdin, wire.process.stdout, wire.process.stderr):
        assert pipe
        with suppress(BrokenPipeError):
            pipe.close()


def _end(process: subprocess.Popen[str], end: str) -> None:
    assert process.stdin
    assert process.stdout
    if end.startswith("SIG"):
        process.send_signal(signal.Signals[end])
    if end == "vanished client":
        process.stdout.close()
    if not end.startswith("SIG"):
        process.stdin.close()


def _until(condition: Any) -> None:  # noqa: ANN401
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)
