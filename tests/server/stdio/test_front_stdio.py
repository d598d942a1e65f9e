"""The front over real pipes, with the real server kept from loading for as long as a test wants."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from autoresearch_mcp.server.stdio.manifest import FILE
from autoresearch_mcp.server.stdio.real import RealServer, ScriptedClient
from conftest import Project
from wires import FRONTED, INITIALIZED, LISTS, STATELESS, Client, Gate, ask, initialize, line, opening

OLD = "2025-06-18"
LIST = ask(OLD, "list", "tools/list")
CALL = ask(OLD, "call", "tools/call", name="status", arguments={})


@pytest.fixture
def gate(tmp_path: Path, project: Project) -> Iterator[Gate]:
    gate = Gate(tmp_path, project.root)
    yield gate
    gate.client.end()


@pytest.mark.parametrize("version", [OLD, STATELESS])
def test_the_traffic_is_that_of_the_library(version: str, gate: Gate, project: Project) -> None:
    before = [*opening(version), *(ask(version, method, method) for method in LISTS)]
    waits = [ask(version, "call", "tools/call", name="status", arguments={}), ask(version, "again", "tools/list")]
    after = [
        ask(version, "ping", "ping"),
        ask(version, "list", "tools/list", cursor="1"),
        ask(version, "late", "prompts/list"),
        ask(version, "unknown", "no/such"),
        ask(version, "tool", "tools/call", name="nope"),
        ask(version, "prompt", "prompts/get", name="autoresearch"),
        initialize(version, "era") if version == STATELESS else ask(STATELESS, "era", "tools/list"),
    ]
    numbers = [json.loads(one)["id"] for one in after]
    plain = answered_by_the_library(project.root, [*before, *waits, *after])

    fronted = gate.client
    fronted.send(*before)
    fronted.hear("hello", *LISTS)
    fronted.send(*waits)
    fronted.hear("again")
    assert "call" not in fronted.answers
    gate.open()
    fronted.hear("call")
    fronted.send(*after)
    fronted.hear(*numbers)

    assert fronted.answers == plain
    assert fronted.order[:5] == ["hello", *LISTS]
    assert fronted.leave()[::2] == (0, b"")


def answered_by_the_library(root: Path, lines: list[bytes]) -> dict[object, Any]:
    turns, said = [], b""
    for one in lines:
        said += one
        if "id" in (message := json.loads(one)):
            turns.append((message["id"], said))
            said = b""
    client = ScriptedClient(turns)
    RealServer(root, allow_commands=True).serve(client, client)
    return {answer["id"]: answer for answer in client.answers}


@pytest.mark.parametrize("version", [OLD, STATELESS])
def test_calls_wait_in_order_and_what_can_be_answered_does_not_wait_for_them(version: str, gate: Gate) -> None:
    """Nor for a client that reads late: a hundred lists are more than its pipe holds."""
    client, lists = gate.client, [f"list {number}" for number in range(100)]
    client.send(*opening(version), *(ask(version, number, "tools/call", name="nope") for number in range(5)))
    client.send(*(ask(version, name, "tools/list") for name in lists))
    client.hear("hello", lists[0])

    gate.open()
    client.hear(*lists, *range(5))

    assert client.order[:101] == ["hello", *lists]
    assert sorted(client.order[101:], key=str) == [0, 1, 2, 3, 4]
    assert client.leave() == (0, b"", b"")


def test_what_comes_behind_an_unclear_message_waits_with_it(gate: Gate) -> None:
    client = gate.client
    client.send(initialize("2099-01-01"), INITIALIZED, LIST)
    gate.open()
    client.hear("hello", "list")

    assert client.order == ["hello", "list"]
    assert client.answers["hello"]["result"]["protocolVersion"] == "2025-11-25"


def test_standard_error_may_be_closed(project: Project) -> None:
    client = Client(["sh", "-c", 'exec "$@" 2>&-', "sh", *FRONTED, project.root])
    client.send(*opening(OLD), LIST, CALL)
    client.hear("hello", "list", "call")

    assert client.leave() == (0, b"", b"")


def test_everything_in_one_write_and_gone(project: Project) -> None:
    client = Client([*FRONTED, project.root])
    client.send(*opening(OLD), LIST.rstrip())

    status, said, complaints = client.leave()

    assert [json.loads(answer)["id"] for answer in said.splitlines()] == ["hello", "list"]
    assert (status, complaints) == (0, b"")


@pytest.mark.parametrize("said", [b"", b"\n", INITIALIZED], ids=["nothing", "blank", "a note"])
def test_a_client_that_leaves_at_once(project: Project, said: bytes) -> None:
    client = Client([*FRONTED, project.root])
    client.send(said)

    assert client.leave() == (0, b"", b"")


def test_a_client_that_says_nonsense_is_told_so_even_when_it_leaves(project: Project) -> None:
    client = Client([*FRONTED, project.root])
    client.send(b"nonsense")

    status, said, complaints = client.leave()

    assert (status, json.loads(said)["error"]["code"], complaints) == (0, -32700, b"")


def test_a_client_that_leaves_while_its_call_waits(gate: Gate) -> None:
    client = gate.client
    client.send(*opening(OLD), CALL)
    client.hear("hello")
    assert client.process.stdin
    client.process.stdin.close()

    gate.open()

    assert client.process.wait(60) == 0


def test_a_client_that_closes_its_ear(gate: Gate) -> None:
    client = gate.client
    client.send(*opening(OLD))
    client.hear("hello")
    assert client.process.stdout
    client.process.stdout.close()

    client.send(LIST)

    assert client.process.wait(60) == 1


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGHUP"])
def test_a_signal_ends_a_server_that_is_still_loading(gate: Gate, name: str) -> None:
    client = gate.client
    client.send(*opening(OLD), LIST, CALL)
    client.hear("hello", "list")

    client.process.send_signal(signal.Signals[name])

    assert client.process.wait(60) == 128 + signal.Signals[name]


def test_a_call_that_is_cancelled_while_it_waits_is_not_answered(gate: Gate, project: Project) -> None:
    plan = {**json.loads(project.plan.model_dump_json(exclude_defaults=True)), "verify": "sleep 300"}
    client = gate.client
    client.send(*opening(OLD), ask(OLD, "call", "tools/call", name="start_session", arguments=plan))
    client.send(line(method="notifications/cancelled", params={"requestId": "call"}), ask(OLD, "ping", "ping"))
    client.hear("hello", "ping")

    later = ask(OLD, "later", "tools/call", name="nope")
    for place in range(len(later) - 3):  # messages may come in pieces
        client.send(later[place : place + 1])
    gate.open()
    client.send(later[-3:])
    client.hear("later")

    assert client.leave() == (0, b"", b"")


def test_a_library_that_cannot_be_loaded_is_said_so(tmp_path: Path, project: Project) -> None:
    (tmp_path / "mcp.py").write_text("raise ImportError('torn')")
    client = Client([*FRONTED, project.root], PYTHONPATH=str(tmp_path))
    client.send(*opening(OLD), CALL)

    status, _, complaints = client.leave()

    assert status == 1
    assert b"ImportError: torn" in complaints


def test_a_manifest_that_does_not_fit_costs_one_slow_start(gate: Gate, project: Project) -> None:
    other: list[str | Path] = [
        sys.executable,
        "-OO",
        *FRONTED[1:],
        project.root,
    ]  # answers have no docstrings in them there
    first = Client(other)
    first.send(*opening(OLD), LIST)
    first.hear("hello", "list")
    assert first.leave() == (0, b"", b"")

    second = Client(other, **gate.environment)
    second.send(*opening(OLD), LIST)
    second.hear("hello", "list")

    assert second.answers == first.answers
    assert "Use " not in first.answers["list"]["result"]["tools"][0].get("description", "")
    assert second.leave() == (0, b"", b"")


def test_an_installation_edited_in_place_lists_its_old_words_once(tmp_path: Path, project: Project) -> None:
    package = tmp_path / "autoresearch_mcp"
    for folder in ("server", "tools", "prompts"):
        shutil.copytree(FILE.parents[2] / folder, package / folder)
    edited = package / "prompts/improve.md"
    edited.write_text(edited.read_text(encoding="utf-8").replace("description: ", "description: New. ", 1))
    asked = ask(OLD, "prompts", "prompts/list")

    def described(client: Client) -> str:
        client.send(*opening(OLD), asked)
        client.hear("hello", "prompts")
        prompts = client.answers["prompts"]["result"]["prompts"]
        return next(str(one["description"]) for one in prompts if one["name"] == "improve")

    first = Client([*FRONTED, project.root], PYTHONPATH=str(tmp_path))
    assert not described(first).startswith("New. ")
    cache = Path(os.environ["XDG_CACHE_HOME"]) / "autoresearch-mcp"
    deadline = time.monotonic() + 60
    while not any(cache.glob("answers-*.json")) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert first.leave() == (0, b"", b"")

    second = Client([*FRONTED, project.root], PYTHONPATH=str(tmp_path))
    assert described(second).startswith("New. ")
    assert second.leave() == (0, b"", b"")
