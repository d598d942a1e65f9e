"""Calls that outlast a client's patience: they go on, are waited for, cancelled, and found again."""

from __future__ import annotations

import random
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client
from mcp.types import CallToolResult, TextContent
from rich.console import Console

from autoresearch_mcp.server.app import build_server
from autoresearch_mcp.server.cli.demo import Agent
from autoresearch_mcp.tools.lab.access import Lab
from autoresearch_mcp.tools.lab.jobs import Job, JobRecord
from autoresearch_mcp.tools.vocabulary import Tool
from autoresearch_mcp.tools.workflows.status import ItemsTaken
from conftest import PYTHON, Project

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def content(result: CallToolResult) -> dict[str, Any]:
    found: dict[str, Any] | None = result.structured_content
    assert found is not None
    return found


def words(result: CallToolResult) -> str:
    assert isinstance(result.content[0], TextContent)
    return result.content[0].text


class Gate:
    """A verify command that waits until the test lets it go on."""

    def __init__(self, folder: Path) -> None:
        self.fifo = folder / "gate"
        self.count = folder / "runs"

    @property
    def verify(self) -> str:
        return f"echo run >> {self.count}; test $(cat value.txt) = 10 || while ! test -e {self.fifo}; do sleep 0.05; done; cat value.txt"

    def open(self) -> None:
        self.fifo.write_text("")

    @property
    def runs(self) -> int:
        return len(self.count.read_text().splitlines())


@pytest.fixture
def gate(tmp_path: Path) -> Gate:
    return Gate(tmp_path)


@pytest.fixture
def project(tmp_path: Path, gate: Gate) -> Project:
    return Project(tmp_path / "repo", verify=gate.verify, guards=()).start()


async def finished(client: Client, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Call a tool, and wait for its answer as an agent does."""
    answer = await client.call_tool(name, arguments)
    while content(answer)["phase"] == "running" and not answer.is_error:
        answer = await client.call_tool("wait", {"run": content(answer)["run"]})
    return content(answer)


def serving(project: Project) -> Client:
    """A fresh server with little patience."""
    return Client(build_server(Lab(project.root, allow_commands=True, patience_s=0.5)))


@pytest.fixture
async def client(project: Project) -> AsyncIterator[Client]:
    async with serving(project) as client:
        await client.list_tools()  # as every client does, before it has anything to call
        yield client


async def test_a_long_call_answers_that_its_run_goes_on_and_wait_has_the_answer(
    client: Client, project: Project, gate: Gate
) -> None:
    project.write("value.txt", "8\n")
    going = content(await client.call_tool("iterate", {"description": "eight"}))
    still = content(await client.call_tool("wait", {"run": going["run"], "seconds": 0.2}))
    gate.open()
    done = await finished(client, "wait", {"run": going["run"]})

    assert (going["phase"], going["next"]) == ("running", ["wait", "cancel", "status"])
    assert (still["phase"], still["run"]) == ("running", going["run"])
    assert (done["status"], done["metric"], done["phase"]) == ("keep", 8.0, "ready")


@pytest.mark.parametrize("given", [{}, {"seconds": 60}], ids=["as long as the client allows", "as long as asked"])
async def test_wait_waits_longer_than_other_calls_and_tells_how_it_goes(
    client: Client, project: Project, gate: Gate, given: dict[str, Any]
) -> None:
    heard: list[float] = []

    async def listen(progress: float, total: float | None, message: str | None) -> None:
        heard.append(progress)
        if len(heard) == 2:  # two seconds later; other calls here end after half of one
            gate.open()

    project.write("value.txt", "8\n")
    going = content(await client.call_tool("iterate", {"description": "eight"}))
    done = content(await client.call_tool("wait", {"run": going["run"], **given}, progress_callback=listen))

    assert (done["status"], done["metric"]) == ("keep", 8.0)
    assert heard == sorted(set(heard))


async def test_history_and_status_show_the_open_iteration_and_the_run_at_work(
    client: Client, project: Project, gate: Gate
) -> None:
    project.write("value.txt", "8\n")
    going = content(await client.call_tool("iterate", {"description": "eight"}))
    rows = await client.call_tool("history", {})
    page = await client.call_tool("history", {"iteration": 1})
    status = await client.call_tool("status", {})
    gate.open()
    await finished(client, "wait", {})

    for answer in (rows, page, status):
        assert (content(answer)["phase"], content(answer)["run"]) == ("running", going["run"])
        assert content(answer)["open_iteration"].startswith("Iteration 1 is open (committed): eight.")
        assert "Iteration 1 is open" in words(answer)
        assert f"{going['run']} goes on by itself" in words(answer)
    assert [row["iteration"] for row in content(rows)["rows"]] == [0]
    assert "+8" in content(page)["diff"]
    after = content(await client.call_tool("history", {"iteration": 1}))
    assert "open_iteration" not in after
    assert after["rows"][0]["status"] == "keep"


async def test_the_same_call_again_joins_and_never_runs_twice(client: Client, project: Project, gate: Gate) -> None:
    before = gate.runs
    project.write("value.txt", "8\n")
    first = content(await client.call_tool("iterate", {"description": "eight"}))
    second = content(await client.call_tool("iterate", {"description": "eight"}))
    gate.open()
    third = await finished(client, "iterate", {"description": "eight"})

    assert first["run"] == second["run"]
    assert third["status"] == "keep"
    assert gate.runs == before + 3, "a first keep is confirmed by a run of each arm in a clean checkout"
    assert project.statuses() == ["baseline", "keep"]


async def test_another_call_meanwhile_is_refused_and_told_what_is_at_work(
    client: Client, project: Project, gate: Gate
) -> None:
    project.write("value.txt", "8\n")
    going = content(await client.call_tool("iterate", {"description": "eight"}))
    other = await client.call_tool("iterate", {"description": "nine"})
    status = content(await client.call_tool("status", {}))
    gate.open()

    assert other.is_error
    assert (content(other)["code"], content(other)["phase"]) == ("busy", "running")
    assert going["run"] in content(other)["message"]
    assert (status["phase"], status["run"]) == ("running", going["run"])
    assert (await finished(client, "wait", {}))["status"] == "keep"


async def test_an_answer_that_nobody_waited_for_is_given_to_the_same_call(
    client: Client, project: Project, gate: Gate
) -> None:
    project.write("value.txt", "8\n")
    with anyio.move_on_after(0.2):
        await client.call_tool("iterate", {"description": "eight"})
    gate.open()
    with anyio.fail_after(20):
        while content(await client.call_tool("status", {}))["iterations"] == 0:
            await anyio.sleep(0.05)

    again = await finished(client, "iterate", {"description": "eight"})

    assert (again["status"], again["metric"], again["iteration"]) == ("keep", 8.0, 1)
    assert project.statuses() == ["baseline", "keep"]


async def test_cancel_ends_the_run_and_the_change_counts_as_crashed(
    client: Client, project: Project, gate: Gate
) -> None:
    project.write("value.txt", "8\n")
    going = content(await client.call_tool("iterate", {"description": "eight"}))
    stopped = content(await client.call_tool("cancel", {"run": going["run"]}))
    answer = await finished(client, "wait", {"run": going["run"]})

    assert (stopped["stopped"], stopped["phase"]) == (True, "fix")
    assert "The run was cancelled" in answer["why"]
    assert (await finished(client, "revert", {}))["phase"] == "judged"
    assert (await finished(client, "log", {}))["status"] == "crash"
    assert project.read("value.txt") == "10\n"


SCATTERED = """
import os, pathlib, random
runs = pathlib.Path(os.environ["RUNS"])
count = int(runs.read_text()) + 1 if runs.exists() else 0
runs.write_text(str(count))
print(float(pathlib.Path("value.txt").read_text()) + random.Random(count).gauss(0, 1))
"""


async def test_a_guard_that_was_cancelled_is_not_blamed_on_the_incumbent(
    tmp_path: Path, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUNS", str(tmp_path / "noisy-runs"))
    begun = tmp_path / "guarding"
    guard = f"test $(cat value.txt) = 100 || {{ touch {begun}; while ! test -e {gate.fifo}; do sleep 0.05; done; }}"
    plan = {"guards": (guard,), "protected": ("ruler.py",), "environment": ("RUNS",)}
    project = Project(tmp_path / "noisy", verify=f"{PYTHON} ruler.py", **plan)
    project.write("ruler.py", SCATTERED).write("value.txt", "100\n").commit("a noisy ruler").start()
    assert project.lab.for_reading().active.noisy
    async with serving(project) as client:
        project.write("value.txt", "50\n")
        going = content(await client.call_tool("iterate", {"description": "fifty"}))
        with anyio.fail_after(60):
            while not begun.exists():
                await anyio.sleep(0.05)
        await client.call_tool("cancel", {"run": going["run"]})
        answer = await finished(client, "wait", {"run": going["run"]})

    assert (answer["phase"], answer["guard"]) == ("rework", "fail"), answer["why"]
    assert "Better, but a guard failed" in answer["why"]
    [result] = project.lab.for_reading().active.open_trial.guards or ()
    assert (result.broken, result.passed) == (False, False)


@pytest.fixture
async def unstarted(tmp_path: Path, gate: Gate) -> AsyncIterator[tuple[Client, Project]]:
    """A project whose plan is committed and checked by nobody yet; its number is 8, and verify waits for the gate."""
    project = Project(tmp_path / "checked", verify=gate.verify, guards=())
    project.write("value.txt", "8\n").commit("eight")
    async with serving(project) as client:
        yield client, project


def fields(project: Project) -> dict[str, Any]:
    return project.plan.model_dump(mode="json", exclude_defaults=True)


async def ended(client: Client) -> None:
    """Wait until nothing is at work, without asking for the answer."""
    with anyio.fail_after(30):
        while content(await client.call_tool("status", {}))["phase"] == "running":
            await anyio.sleep(0.05)


async def test_a_check_of_other_files_is_another_call(unstarted: tuple[Client, Project], gate: Gate) -> None:
    client, project = unstarted
    first = content(await client.call_tool("check_plan", fields(project)))
    gate.open()
    await ended(client)
    project.write("value.txt", "7\n").commit("seven")

    second = await finished(client, "check_plan", fields(project))

    assert first["phase"] == "running"
    assert (second["ready"], second["values"][0]) == (True, 7.0)
    assert (await finished(client, "wait", {"run": first["run"]}))["values"][0] == 8.0


async def test_the_same_call_on_edited_files_does_not_join_the_one_at_work(
    unstarted: tuple[Client, Project], gate: Gate
) -> None:
    client, project = unstarted
    first = content(await client.call_tool("check_plan", fields(project)))
    project.write("value.txt", "7\n")
    second = await client.call_tool("check_plan", fields(project))
    gate.open()
    await ended(client)

    assert content(second)["code"] == "busy"
    assert first["run"] in content(second)["message"]


async def test_a_cancelled_call_is_no_answer_to_the_next_one(unstarted: tuple[Client, Project], gate: Gate) -> None:
    client, project = unstarted
    await client.call_tool("check_plan", fields(project))
    await client.call_tool("cancel", {})
    gate.open()

    again = await finished(client, "check_plan", fields(project))

    assert (again["ready"], again["values"][0]) == (True, 8.0)


async def test_wait_and_cancel_with_nothing_at_work_are_refused(client: Client) -> None:
    for name in ("wait", "cancel"):
        result = await client.call_tool(name, {"run": "run-none"})
        assert result.is_error
        assert "No run run-none is known here" in content(result)["message"]


async def test_a_refused_call_is_refused_again_and_not_remembered(client: Client, project: Project, gate: Gate) -> None:
    gate.open()
    project.write("notes.txt", "edited\n").write("value.txt", "8\n")
    first = await client.call_tool("iterate", {"description": "eight"})
    project.git("restore", "notes.txt")
    second = await finished(client, "iterate", {"description": "eight"})

    assert content(first)["code"] == "outside-scope"
    assert second["status"] == "keep"


@pytest.mark.parametrize("seed", [1, 2])
async def test_a_client_that_cancels_and_repeats_every_call_gets_every_row_once(
    client: Client, project: Project, gate: Gate, seed: int
) -> None:
    draw = random.Random(seed)
    gate.open()

    async def stubborn(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        for _ in range(3):
            with anyio.move_on_after(draw.uniform(0.0, 0.15)):
                await client.call_tool(name, arguments)
        return await finished(client, name, arguments)

    for number in range(6):
        value = draw.choice([20.0, 9.0]) - number / 10
        project.write("value.txt", f"{value}\n")
        await stubborn("iterate", {"description": f"idea {number}"})
        await stubborn("status", {})

    rows = [row.split("\t") for row in project.table()]
    assert [row[0] for row in rows] == ["0", "1", "2", "3", "4", "5", "6"]
    assert [row[6] for row in rows[1:]] == [f"idea {number}" for number in range(6)]
    assert project.git("status", "--porcelain", "--untracked-files=no") == ""
    commits = project.git("log", "--format=%s").splitlines()
    assert len(commits) == 1 + 6 + sum(row[5] == "discard" for row in rows)


async def test_the_demos_agent_waits_for_what_takes_longer_than_a_call(project: Project, gate: Gate) -> None:
    gate.open()
    project.write("value.txt", "8\n")
    impatient = build_server(Lab(project.root, allow_commands=True, patience_s=0.001))

    async with Client(impatient) as client:
        answer = await Agent(client, Console(quiet=True), project.root).call(
            "iterate", "Eight", {"description": "eight"}
        )

    assert (answer["status"], answer["metric"]) == ("keep", 8.0)


async def test_progress_counts_from_the_beginning_of_the_call_and_not_of_the_command_at_work() -> None:
    record = JobRecord(run="run-1", tool=Tool.RECORD)
    job = Job(record, ItemsTaken, began=time.monotonic() - 90)
    job.heard(2.0, "")

    answer = job.outcome()

    assert int(answer.model_dump()["running"].partition(" s so far")[0]) >= 90
