"""The server over HTTP, as a client of another process meets it: with the token and from here, or not at all."""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, suppress
from pathlib import Path

import anyio
import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from starlette.types import Receive, Scope, Send

from autoresearch_mcp.server.main import main
from autoresearch_mcp.server.web import over_http
from autoresearch_mcp.server.web.over_http import web_server
from conftest import Project

COMMAND = [sys.executable, "-m", "autoresearch_mcp.server"]
PING = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "ping"})


class Served:
    """A server of a repository, in a process of its own."""

    def __init__(self, project: Project) -> None:
        self.project = project
        arguments = ["--root", str(project.root), "--allow-commands", "serve", "--http", "0"]
        self.process = subprocess.Popen([*COMMAND, *arguments], stderr=subprocess.PIPE, text=True)
        assert self.process.stderr
        line = self.process.stderr.readline()
        self.url = line.partition(" at ")[2].partition(";")[0]
        self.token_file = Path(line.partition("token is in ")[2].strip().removesuffix("."))
        self.token = self.token_file.read_text().strip()
        self.port = int(self.url.split(":")[2].partition("/")[0])

    def asked(self, **headers: str) -> int:
        """The status of a request with these headers."""
        link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        usual = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        link.request("POST", "/mcp", PING, {**usual, **given})
        status = link.getresponse().status
        link.close()
        return status

    @asynccontextmanager
    async def client(self) -> AsyncIterator[Client]:
        """A client that bears the token."""
        bears = {"Authorization": f"Bearer {self.token}"}
        async with (
            httpx2.AsyncClient(headers=bears, timeout=60) as link,
            Client(streamable_http_client(self.url, http_client=link)) as client,
        ):
            yield client


@pytest.fixture
def served(project: Project) -> Iterator[Served]:
    made = Served(project)
    yield made
    made.process.terminate()
    made.process.communicate(timeout=120)


def test_who_does_not_bear_the_token_or_comes_from_elsewhere_is_turned_away(served: Served) -> None:
    bearer = f"Bearer {served.token}"

    assert served.asked() == 401
    assert served.asked(Authorization="Bearer wrong") == 401
    assert served.asked(Authorization=bearer[:-1]) == 401
    assert served.asked(Authorization=bearer, Host="evil.example") == 421
    assert served.asked(Authorization=bearer, Origin="http://evil.example") == 403
    assert served.asked(Authorization=bearer) not in {401, 403, 421}
    assert served.token_file.stat().st_mode & 0o777 == 0o600, "it is for its owner alone"
    assert len(served.token) >= 32


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_several_clients_work_at_once_and_see_the_same_session(served: Served) -> None:
    fields = json.loads(served.project.plan.model_dump_json(exclude_defaults=True))
    with anyio.fail_after(120):
        async with served.client() as one, served.client() as other:
            await one.call_tool("start_session", fields)
            served.project.write("value.txt", "8\n")
            kept = await other.call_tool("iterate", {"description": "eight"})
            seen = await one.call_tool("status", {})

    assert kept.structured_content is not None
    assert kept.structured_content["status"] == "keep"
    assert seen.structured_content is not None
    assert seen.structured_content["best"] == 8


@pytest.mark.parametrize(
    ("address", "more", "told"),
    [
        ("0.0.0.0:0", [], "can be reached from other machines"),
        ("example.org:80", [], "can be reached from other machines"),
        ("somewhere", [], "is no address"),
        ("127.0.0.1:0", ["--token-file", "short"], "is short"),
        ("127.0.0.1:0", ["--token-file", "open"], "Others can read"),
    ],
)
def test_what_would_not_be_safe_is_refused(
    project: Project,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    address: str,
    more: list[str],
    told: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(over_http, "web_server", lambda app: pytest.fail("it is served"))
    for name, text, mode in (("short", "abc", 0o600), ("open", "x" * 40, 0o644)):
        Path(name).write_text(text)
        os.chmod(name, mode)

    assert main(["--root", str(project.root), "serve", "--http", address, *more]) == 2
    assert told in capsys.readouterr().err


class Listening:
    """A server with a short patience, in a thread of this process."""

    def __init__(self, patience_s: float, work_s: float) -> None:
        async def work(scope: Scope, receive: Receive, send: Send) -> None:
            while (await receive()).get("more_body"):
                pass
            await anyio.sleep(work_s)
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"4")]})
            await send({"type": "http.response.body", "body": b"done"})

        self.socket = socket.create_server(("127.0.0.1", 0))
        self.server = web_server(work, patience_s)
        self.thread = threading.Thread(target=self.server.run, kwargs={"sockets": [self.socket]})
        self.thread.start()

    def connected(self) -> socket.socket:
        return socket.create_connection(self.socket.getsockname(), timeout=120)

    def end(self) -> None:
        self.server.should_exit = True
        self.thread.join()
        self.socket.close()


@pytest.fixture
def listening() -> Iterator[Listening]:
    made = Listening(patience_s=1.5, work_s=2)
    yield made
    made.end()


WHOLE = b"POST /mcp HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody"


@pytest.mark.parametrize("before", [b"", WHOLE], ids=["first", "second"])
def test_clients_that_stop_in_a_request_are_dropped(listening: Listening, before: bytes) -> None:
    with ExitStack() as open_ones:
        lengths = (0, 1, 20, len(WHOLE) - 5, len(WHOLE) - 1)
        clients = {length: open_ones.enter_context(listening.connected()) for length in lengths}
        for client in clients.values():
            client.sendall(before)
        for length, client in clients.items():
            assert not before or client.recv(1000).startswith(b"HTTP/1.1 200")
            client.sendall(WHOLE[:length])
        for length, client in clients.items():
            with suppress(ConnectionResetError):
                assert client.recv(1000) in {b"", b"done"}, length


def test_a_client_that_sends_a_byte_now_and_then_is_dropped(listening: Listening) -> None:
    with listening.connected() as client, pytest.raises(ConnectionError):  # noqa: PT012
        for byte in WHOLE * 20:
            client.sendall(bytes([byte]))
            time.sleep(0.1)  # a whole one takes longer than patience lasts


def test_work_on_a_whole_request_may_last(listening: Listening) -> None:
    with listening.connected() as client:
        client.sendall(WHOLE)
        assert client.recv(1000).startswith(b"HTTP/1.1 200")
