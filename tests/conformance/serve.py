"""Serves the production server with the suite's fixtures over HTTP on a free port, which it prints: no token, loopback only.

python tests/conformance/serve.py
"""

from __future__ import annotations

import socket
import sys
import tempfile
from pathlib import Path

import uvicorn

from autoresearch_mcp.server.app import build_server
from autoresearch_mcp.tools.lab.access import Lab

sys.path.insert(0, str(Path(__file__).parent))
from events import Remembered
from fixtures import add_fixtures


def main() -> None:
    """Serve until a signal."""
    with tempfile.TemporaryDirectory() as folder:
        server = build_server(Lab(Path(folder)))
        add_fixtures(server)
        listening = socket.create_server(("127.0.0.1", 0))
        print(listening.getsockname()[1], flush=True)
        app = server.streamable_http_app(event_store=Remembered(), retry_interval=100)
        uvicorn.Server(uvicorn.Config(app, log_level="error", access_log=False)).run(sockets=[listening])


if __name__ == "__main__":
    main()
