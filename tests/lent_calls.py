"""Calls of an agent, made in forks of a process that has the package imported: to import it is most of a short leg."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from autoresearch_mcp.tools.errors import Refusal
from autoresearch_mcp.tools.lab.access import Lab
from autoresearch_mcp.tools.verbs.loop import Loop

AGENT = """
import json, os, socket


def iterate(description):
    with socket.socket(socket.AF_UNIX) as line:
        line.connect(os.environ["LENT_CALLS"])
        request = {"folder": os.getcwd(), "environment": dict(os.environ), "description": description}
        line.sendall(json.dumps(request).encode() + b"\\n")
        if words := line.makefile().read():
            raise RuntimeError(words)
"""
"""What an agent's program begins with; `LENT_CALLS` is the place that `lent` gives."""


@contextmanager
def lent() -> Iterator[str]:
    """Yield a socket at which iterations are made as a server would that was started by who asks."""
    with tempfile.TemporaryDirectory(prefix="lent-") as folder, socket.socket(socket.AF_UNIX) as waiting:
        waiting.bind(f"{folder}/socket")  # a socket's path has to be short
        waiting.listen(8)
        gone, held = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(held)
            _serve(waiting, gone)
        os.close(gone)
        try:
            yield f"{folder}/socket"
        finally:
            os.close(held)
            os.waitpid(child, 0)


def _serve(waiting: socket.socket, gone: int) -> None:
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        while gone not in select.select([waiting.fileno(), gone], [], [])[0]:
            line = waiting.accept()[0]
            if os.fork() == 0:
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                _make(line)
                os._exit(0)
            line.close()
    finally:
        os._exit(1)


def _make(line: socket.socket) -> None:
    request = json.loads(line.makefile().readline())
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    try:
        Loop(Lab(Path.cwd(), clock=lambda: 1_700_000_000.0)).iterate(request["description"])
    except Refusal as refusal:
        line.sendall(refusal.message.encode())
