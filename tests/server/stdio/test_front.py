"""What the front answers against what the protocol library answers, message by message."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from autoresearch_mcp.server.stdio import manifest
from autoresearch_mcp.server.stdio.front import REPLAYED, Front
from autoresearch_mcp.server.stdio.manifest import (
    COMMAND,
    Manifest,
    in_parts,
    keep,
    learned_file,
    library_versions,
    load_manifest,
)
from autoresearch_mcp.server.stdio.real import RealServer, ScriptedClient, record
from conftest import Project
from wires import ENVELOPE, INITIALIZED, LISTS, STATELESS, ask, initialize, line, opening


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> RealServer:
    """The real server in this process."""
    return RealServer(tmp_path_factory.mktemp("empty"), allow_commands=False)


def test_the_manifest_holds_what_the_real_server_answers(real: RealServer) -> None:
    written = json.loads(manifest.FILE.read_text(encoding="utf-8"))

    assert written["answers"] == in_parts(record(real)), (
        f"the answers have changed: run `{COMMAND}` and commit its file"
    )
    assert written["recorded from"] == library_versions(), f"a library has changed: run `{COMMAND}` and commit its file"
    assert load_manifest().answers == record(real)


def test_the_front_answers_without_a_library() -> None:
    code = (
        "import sys, autoresearch_mcp.server.stdio.serve as serve\n"
        "front = serve.Front(serve.load_manifest().answers)\n"
        f"print(len([front.answer(line) for line in {[*opening('2025-06-18'), ask('2025-06-18', 1, 'tools/list')]!r}][2]))\n"
        "ours = [name for name in sys.modules if name.startswith('autoresearch_mcp.tools')]\n"
        "print(ours, [n for n in ('mcp', 'pydantic', 'anyio', 'asyncio', 'git', 'logging') if n in sys.modules])\n"
    )

    length, heavy = subprocess.check_output([sys.executable, "-c", code], text=True).splitlines()

    assert int(length) > 10_000
    assert heavy == "[] []"


def spoken(real: RealServer, lines: Sequence[bytes], probe: bytes) -> list[dict[str, Any]]:
    """What the real server says to these lines; two probes one after the other give it the time to."""
    turns = [("probe", b"".join(lines) + probe), ("last", probe.replace(b"probe", b"last"))]
    talk = ScriptedClient(turns)
    real.serve(talk, talk)
    return [answer for answer in talk.answers if answer["id"] not in {"probe", "last", REPLAYED}]


BEFORE_THE_HANDSHAKE = [
    initialize("2024-11-05", _meta={"progressToken": 1, "other": None}),
    initialize("2025-06-18", capabilities={}),
    initialize("2025-06-18", capabilities={"tasks": {"list": {}}, "sampling": {"tools": {}}, "own": {}}),
    initialize("2025-06-18", capabilities={"extensions": {"a/b": {"mimeTypes": ["text/html"]}}}),
    initialize("2099-01-01"),
    initialize(STATELESS),
    initialize("2025-06-18", capabilities=None),
    initialize("2025-06-18", capabilities={"roots": True}),
    initialize("2025-06-18", capabilities={"roots": {"listChanged": "yes please"}}),
    initialize("2025-06-18", capabilities={"experimental": {"x": 1}}),
    initialize("2025-06-18", capabilities={"extensions": {"x": 1}}),
    initialize("2025-06-18", capabilities={"elicitation": {"form": 1}}),
    initialize("2025-06-18", capabilities={"tasks": 1}),
    initialize("2025-06-18", clientInfo={"name": "x"}),
    initialize("2025-06-18", clientInfo={"name": "x", "version": 1}),
    initialize("2025-06-18", clientInfo={"name": "x", "version": "1", "icons": [{"src": "data:,"}]}),
    initialize("2025-06-18", clientInfo="x"),
    initialize("2025-06-18", _meta=ENVELOPE),
    initialize("2025-06-18", _meta={"progressToken": {}}),
    initialize("2025-06-18", _meta=3),
    initialize("2025-06-18", more=1),
    initialize("2025-06-18").replace(b'"hello"', b"1.5"),
    initialize("2025-06-18").replace(b'"hello"', b"true"),
    initialize("2025-06-18").replace(b'"hello"', b"null"),
    initialize("2025-06-18").replace(b'"hello"', b"900719925474099300000"),
    initialize("2025-06-18").replace(b'"2.0"', b'"1.0"'),
    initialize("2025-06-18").replace(b'"hello"', b'"hello", "id": "twice"'),
    initialize("2025-06-18").replace(b"\n", b"\r\n"),
    initialize("2025-06-18").replace(b": ", b":\r"),
    initialize("2025-06-18").replace("ä".encode(), b"\xff"),
    initialize("2025-06-18").replace("ä".encode(), rb"\ud800"),
    initialize("2025-06-18").replace(b'"a": 1', b'"a": ' + b"[" * 300 + b"]" * 300),
    b"[" + initialize("2025-06-18").strip() + b"]\n",
    b"\n",
    b"nonsense\n",
    line(id="hello", method="initialize"),
    line(id="hello", method="ping"),
    line(id="hello", method="tools/list"),
    line(id="hello", method="server/discover"),
    line(id="hello", result={}),
    INITIALIZED,
    line(method="notifications/cancelled", params={"requestId": "hello"}),
]
AFTER_THE_HANDSHAKE = [
    *(line(id="odd", method=method) for method in (*LISTS, "ping", "server/discover", "logging/setLevel")),
    line(id="odd", method="tools/list", params={"_meta": {"progressToken": 3}}),
    line(id="odd", method="tools/list", params={"_meta": {"progressToken": 1.5}}),
    line(id="odd", method="tools/list", params={"_meta": {"progressToken": True}}),
    line(id="odd", method="tools/list", params={"_meta": {"progress_token": {}}}),
    line(id="odd", method="tools/list", params={"_meta": {"a.b/c": {"deep": [None, {}]}}}),
    line(id="odd", method="tools/list", params={"_meta": None}),
    line(id="odd", method="tools/list", params={"_meta": []}),
    line(id="odd", method="tools/list", params={"_meta": {"io.modelcontextprotocol/clientInfo": 1}}),
    line(id="odd", method="tools/list", params={"cursor": None}),
    line(id="odd", method="tools/list", params={"cursor": 7}),
    line(id="odd", method="tools/list", params={"other": 7}),
    line(id="odd", method="tools/list", params=None),
    line(id="odd", method="tools/list", params=[]),
    line(id="odd", method="ping", params={"x": 1}),
    line(id="odd", method="tools/list", more=1),
    line(id="odd", method="tools/list", result={}),
    line(id=-3, method="ping"),
    line(id="", method="ping"),
    line(id=2.0, method="ping"),
    line(id=False, method="ping"),
    line(id=None, method="ping"),
    line(method="ping"),
    line(id="odd", method=3),
    initialize("2025-03-26", "odd"),
    initialize("2099-01-01", "odd"),
    line(id="odd", method="notifications/initialized"),
    line(method="notifications/roots/list_changed"),
    line(method="notifications/initialized", params=3),
    line(method="notifications/cancelled", params={"requestId": "hello"}),
    line(method="notifications/cancelled", params={"requestId": REPLAYED}),
    *(ask(STATELESS, "odd", method) for method in (*LISTS, "ping", "server/discover", "tools/none")),
    ask(STATELESS, "odd", "tools/list", cursor="1"),
]


def envelope(**changed: Any) -> bytes:  # noqa: ANN401 - any JSON
    meta = {**ENVELOPE, **{f"io.modelcontextprotocol/{key}": value for key, value in changed.items()}}
    kept = {key: value for key, value in meta.items() if value != "absent"}
    return line(id="odd", method="tools/list", params={"_meta": kept})


ENVELOPES = [
    envelope(clientInfo="absent"),
    envelope(clientCapabilities={}),
    envelope(clientCapabilities="absent"),
    envelope(clientCapabilities=3),
    envelope(clientCapabilities={"roots": {"listChanged": 1}}),
    envelope(clientInfo=None),
    envelope(clientInfo={"name": "x"}),
    envelope(protocolVersion="2099-01-01"),
    envelope(protocolVersion="2025-06-18"),
    envelope(protocolVersion=3),
    envelope(logLevel="debug"),
    envelope(logLevel="loud"),
    envelope(other=1),
]


@pytest.mark.parametrize("version", ["2024-11-05", STATELESS])
@pytest.mark.parametrize("odd", [*AFTER_THE_HANDSHAKE, *ENVELOPES])
def test_an_odd_message_is_answered_as_by_the_library(real: RealServer, version: str, odd: bytes) -> None:
    alike(real, [*opening(version), odd, ask(version, "then", "prompts/list")], ask(version, "probe", "resources/list"))


@pytest.mark.parametrize("odd", [*BEFORE_THE_HANDSHAKE, *ENVELOPES])
@pytest.mark.parametrize("version", ["2025-06-18", STATELESS])
def test_an_odd_first_message_is_answered_as_by_the_library(real: RealServer, version: str, odd: bytes) -> None:
    alike(real, [odd, ask(version, "then", "prompts/list")], ask(version, "probe", "resources/list"))
    alike(real, [odd, *opening(version)[-1:]], ask(version, "probe", "resources/list"))


def alike(real: RealServer, lines: Sequence[bytes], probe: bytes) -> None:
    front = Front(load_manifest().answers)
    early = [json.loads(answer) for answer in map(front.answer, lines) if answer]
    late = spoken(real, front.missed, probe)

    assert sorted([*early, *late], key=json.dumps) == sorted(spoken(real, lines, probe), key=json.dumps)


def test_a_manifest_of_other_libraries_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written = json.loads(manifest.FILE.read_text(encoding="utf-8"))
    other = tmp_path / "manifest.json"
    monkeypatch.setattr(manifest, "FILE", other)

    for name in written["recorded from"]:
        other.write_text(json.dumps({**written, "recorded from": {**written["recorded from"], name: "0"}}))
        assert load_manifest().answers == {}, name
    other.write_text(json.dumps({**written, "answers": [{}]}))
    assert load_manifest().answers == {}
    other.write_text("{")
    assert load_manifest().answers == {}
    other.unlink()
    assert load_manifest().answers == {}


def test_what_was_learned_is_used_until_another_manifest_is_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shipped = load_manifest()
    learned = Manifest({"2025-06-18": {"ping": {"edited": True}}}, shipped.origin)
    keep(learned, learned_file())

    assert load_manifest() == learned
    reinstalled = tmp_path / "manifest.json"
    reinstalled.write_bytes(manifest.FILE.read_bytes() + b"\n")
    monkeypatch.setattr(manifest, "FILE", reinstalled)
    assert load_manifest().answers == shipped.answers


def test_the_manifest_of_the_checkout_is_recorded(tmp_path: Path) -> None:
    package = tmp_path / "installed" / "autoresearch_mcp"
    for folder in ("server", "tools", "prompts"):
        shutil.copytree(manifest.FILE.parents[2] / folder, package / folder)
    installed, checkout = package / "server/stdio/manifest.json", tmp_path / "checkout/server/stdio/manifest.json"
    checkout.parent.mkdir(parents=True)
    checkout.touch()

    said = subprocess.check_output(
        [sys.executable, *COMMAND.split()[1:]],
        cwd=tmp_path / "checkout",
        env={**os.environ, "PYTHONPATH": str(package.parent)},
        text=True,
    )

    assert sorted(said.splitlines()) == sorted([f"Wrote {checkout}", f"Wrote {installed}"])
    assert checkout.read_bytes() == installed.read_bytes() == manifest.FILE.read_bytes()


def test_without_answers_everything_waits() -> None:
    front = Front({})

    lines = [*opening("2025-06-18"), ask("2025-06-18", 1, "tools/list")]

    assert [front.answer(line) for line in lines] == [b"", b"", b""]
    assert (front.missed, front.waiting, front.opened) == (lines, True, False)


def test_where_a_server_runs_and_what_it_may_do_changes_no_answer(real: RealServer, project: Project) -> None:
    assert record(RealServer(project.root, allow_commands=True)) == record(real)
