"""How soon a client has the tools, and its first call answered, after it has started the server.

Four servers take turns: ours, ours without its front, an MCPServer with one tool, and a loop in the standard library
that knows two answers. Warm: as installed. Cold: the bytecode cache is empty, as after an installation.
Run it with the Python that the package is installed in: `python benchmarks/startup.py [rounds]`.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from typing import NamedTuple

PLAIN = """
import pathlib
from autoresearch_mcp.server.app import build_server
from autoresearch_mcp.tools.lab.access import Lab
build_server(Lab(pathlib.Path("."))).run("stdio")
"""
LIBRARY = """
from mcp.server import MCPServer
server = MCPServer("bare", log_level="WARNING")
@server.tool()
def status() -> str:
    return "well"
server.run("stdio")
"""
LOOP = """
import json, sys
info = {"capabilities": {"tools": {}}, "serverInfo": {"name": "loop", "version": "1"}, "protocolVersion": "2025-06-18"}
answers = {"initialize": info, "tools/list": {"tools": []}, "tools/call": {"content": []}}
for line in sys.stdin:
    message = json.loads(line)
    if "id" in message:
        print(json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": answers[message["method"]]}), flush=True)
"""
CPU = """
import time
began = time.process_time()
import mcp.server.stdio
from mcp.server import MCPServer
MCPServer("empty", log_level="WARNING")
library = time.process_time()
import pathlib
from autoresearch_mcp.server.app import build_server
from autoresearch_mcp.tools.lab.access import Lab
build_server(Lab(pathlib.Path(".")))
print(library - began, time.process_time() - library)
"""
SERVERS = {
    "ours": ["-m", "autoresearch_mcp.server", "--root", "."],
    "ours, no front": ["-c", PLAIN],
    "bare library": ["-c", LIBRARY],
    "bare loop": ["-c", LOOP],
}


class Start(NamedTuple):
    """Seconds from the spawn to an answer."""

    listed: float
    called: float


def start(arguments: list[str], **environment: str) -> Start:
    """Start a server, list its tools, and call one at once."""
    began = time.perf_counter()
    with subprocess.Popen(
        [sys.executable, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, **environment},
        text=True,
    ) as process:
        ask(
            process,
            "initialize",
            protocolVersion="2025-06-18",
            capabilities={},
            clientInfo={"name": "b", "version": "1"},
        )
        send(process, {"method": "notifications/initialized"})
        ask(process, "tools/list")
        listed = time.perf_counter() - began
        ask(process, "tools/call", name="status", arguments={})
        return Start(listed, time.perf_counter() - began)


def ask(process: subprocess.Popen[str], method: str, **params: object) -> None:
    """Send a request and wait for the next line."""
    send(process, {"id": 1, "method": method, "params": params})
    assert process.stdout
    assert "result" in json.loads(process.stdout.readline())


def send(process: subprocess.Popen[str], message: dict[str, object]) -> None:
    """Send a message."""
    assert process.stdin
    process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
    process.stdin.flush()


def measure(rounds: int, cold: bool) -> dict[str, list[Start]]:
    """Start every server once a round, so that a busy moment of the machine meets them all."""
    starts: dict[str, list[Start]] = {name: [] for name in SERVERS}
    for _ in range(rounds):
        for name, arguments in SERVERS.items():
            with tempfile.TemporaryDirectory() as cache:
                starts[name].append(start(arguments, **({"PYTHONPYCACHEPREFIX": cache} if cold else {})))
    return starts


def show(title: str, starts: dict[str, list[Start]]) -> None:
    """Print medians, the worst, and what they are of the bare library's."""
    print(f"\n{title:16} tools listed    worst  of library   of loop   first call answered  of library")
    listed = {name: statistics.median(one.listed for one in runs) for name, runs in starts.items()}
    called = {name: statistics.median(one.called for one in runs) for name, runs in starts.items()}
    for name, runs in starts.items():
        worst = max(one.listed for one in runs)
        ratios = listed[name] / listed["bare library"], listed[name] / listed["bare loop"]
        print(
            f"{name:16} {listed[name]:10.3f} s {worst:6.3f} s {ratios[0]:10.2f} {ratios[1]:9.2f}"
            f" {called[name]:19.3f} s {called[name] / called['bare library']:10.2f}"
        )


def own_part(rounds: int) -> None:
    """Print what our code adds to loading the library, in CPU seconds."""
    runs = [subprocess.check_output([sys.executable, "-c", CPU], text=True).split() for _ in range(rounds)]
    theirs, own = (statistics.median(float(run[place]) for run in runs) for place in (0, 1))
    print(f"\nCPU to load: library {theirs:.3f} s, our own part {own:.3f} s ({own / theirs:.0%} of it)")


def main() -> None:
    """Measure and print."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 9
    print(f"medians of {rounds} interleaved starts, Python {sys.version.split()[0]}, {os.cpu_count()} processors")
    with tempfile.TemporaryDirectory() as place:
        os.environ["XDG_CACHE_HOME"] = place  # nothing learned elsewhere counts
        show("warm", measure(rounds, cold=False))
        show("cold", measure(rounds, cold=True))
    own_part(rounds)


if __name__ == "__main__":
    main()
