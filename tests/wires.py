"""Clients written by hand: lines of JSON, over the pipes of a real server or to be handed to one in this process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

STATELESS = "2026-07-28"
LISTS = ["tools/list", "prompts/list", "resources/list", "resources/templates/list"]

FRONTED = [sys.executable, "-m", "autoresearch_mcp.server", "--allow-commands", "--root"]
# Stands in front of the real `mcp` on the path, and keeps whoever imports it waiting until the gate is opened.
SHUT = """
import importlib, os, sys
open(os.environ["GATE"]).close()
sys.path.remove(os.path.dirname(os.path.dirname(__file__)))
del sys.modules["mcp"]
sys.modules["mcp"] = importlib.import_module("mcp")
"""
CAPABILITIES = {
    "roots": {"listChanged": True},
    "elicitation": {"form": {}, "url": {}},
    "experimental": {"x/y": {"a": 1}},
}
CLIENT = {"name": "by hand", "title": "Käthe", "version": "1"}
ENVELOPE = {
    "io.modelcontextprotocol/protocolVersion": STATELESS,
    "io.modelcontextprotocol/clientCapabilities": {"elicitation": {"form": {}}},
    "io.modelcontextprotocol/clientInfo": CLIENT,
}


def line(**message: Any) -> bytes:  # noqa: ANN401 - any JSON
    return json.dumps({"jsonrpc": "2.0", **message}, ensure_ascii=False).encode() + b"\n"


def initialize(version: str, number: str = "hello", **params: Any) -> bytes:  # noqa: ANN401 - any JSON
    usual = {"protocolVersion": version, "capabilities": CAPABILITIES, "clientInfo": CLIENT}
    return line(id=number, method="initialize", params={**usual, **params})


INITIALIZED = line(method="notifications/initialized")


def ask(version: str, number: int | str, method: str, **params: Any) -> bytes:  # noqa: ANN401 - any JSON
    """A request as that version has it."""
    meta = {"_meta": ENVELOPE} if version == STATELESS else {}
    return line(id=number, method=method, params={**params, **meta})


def opening(version: str) -> list[bytes]:
    if version == STATELESS:
        return [ask(version, "hello", "server/discover")]
    return [initialize(version), INITIALIZED]


class Client:
    """Lines over the pipes of a process."""

    def __init__(self, command: Sequence[str | Path], **environment: str) -> None:
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, **environment},
        )
        self.answers: dict[object, Any] = {}
        self.order: list[object] = []

    def send(self, *lines: bytes) -> None:
        assert self.process.stdin
        self.process.stdin.write(b"".join(lines))
        self.process.stdin.flush()

    def hear(self, *numbers: object) -> None:
        """Read until these have been answered."""
        assert self.process.stdout
        while not set(numbers) <= self.answers.keys():
            answer = json.loads(self.process.stdout.readline())
            assert answer["id"] not in self.answers
            self.answers[answer["id"]] = answer
            self.order.append(answer["id"])

    def leave(self) -> tuple[int, bytes, bytes]:
        """Close the pipe; returns the exit status and all that was still said."""
        out, complaints = self.process.communicate(timeout=120)
        return self.process.returncode, out, complaints

    def end(self) -> None:
        """Leave nothing behind."""
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            assert pipe
            pipe.close()


class Gate:
    """A server whose real part cannot load before the gate is opened."""

    def __init__(self, folder: Path, root: Path) -> None:
        self._place = folder / "gate"
        os.mkfifo(self._place)
        (folder / "shut" / "mcp").mkdir(parents=True)
        (folder / "shut" / "mcp" / "__init__.py").write_text(SHUT)
        self.environment = {"PYTHONPATH": str(folder / "shut"), "GATE": str(self._place)}
        self.client = Client([*FRONTED, root], **self.environment)

    def open(self) -> None:
        self._place.open("w").close()


class Wire:
    """A client of an older protocol, written by hand: lines of JSON over pipes."""

    def __init__(self, root: Path) -> None:
        self.process = subprocess.Popen(
            [*FRONTED, str(root)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._number = 0

    def send(self, method: str, parameters: dict[str, Any], notification: bool = False) -> None:
        self._number += 1
        message = {"jsonrpc": "2.0", "method": method, "params": parameters}
        numbered = message if notification else {**message, "id": self._number}
        assert self.process.stdin
        self.process.stdin.write(json.dumps(numbered) + "\n")
        self.process.stdin.flush()

    def ask(self, method: str, parameters: dict[str, Any]) -> dict[str, Any]:
        self.send(method, parameters)
        assert self.process.stdout
        for line in self.process.stdout:
            answer: dict[str, Any] = json.loads(line)
            if answer.get("id") == self._number:
                return answer
        raise AssertionError("the server closed the pipe")

    def greet(self, version: str) -> str:
        client = {"name": "by hand", "version": "1"}
        answer = self.ask("initialize", {"protocolVersion": version, "capabilities": {}, "clientInfo": client})
        self.send("notifications/initialized", {}, notification=True)
        return str(answer["result"]["protocolVersion"])

    def close(self) -> str:
        """Leave; returns what stood on standard error."""
        _, complaints = self.process.communicate(timeout=120)
        return complaints
