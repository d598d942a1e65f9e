"""The real server: the protocol library with the lab behind it. Importing what this needs is what takes the time."""

from __future__ import annotations

import io
import sys
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import TextIO, cast

import anyio
import anyio.to_thread

from ...tools.lab.access import Lab
from ..app import build_server

_ONE_TAKES_THE_STREAMS = threading.Lock()


class Real:
    """A server for one lab, ready to take over a connection."""

    def __init__(self, root: Path, allow_commands: bool) -> None:
        self._server = build_server(Lab(root, allow_commands=allow_commands))

    def serve(self, inbox: io.BufferedIOBase, outbox: io.BufferedIOBase) -> None:
        """Serve until the inbox ends."""
        anyio.run(self._serve, inbox, outbox)

    async def _serve(self, inbox: io.BufferedIOBase, outbox: io.BufferedIOBase) -> None:
        _ONE_TAKES_THE_STREAMS.acquire()
        usual = sys.stdin, sys.stdout
        # In its first step the library takes the buffers of these two; after it a print goes where it always went.
        sys.stdin = cast(TextIO, SimpleNamespace(buffer=inbox))
        sys.stdout = cast(TextIO, SimpleNamespace(buffer=outbox))
        async with anyio.create_task_group() as group:
            group.start_soon(self._server.run_stdio_async)
            group.start_soon(_put_back, *usual)
            group.start_soon(anyio.to_thread.run_sync, outbox.flush)  # a client may be slow to read its first answers


async def _put_back(stdin: TextIO, stdout: TextIO) -> None:
    sys.stdin, sys.stdout = stdin, stdout
    _ONE_TAKES_THE_STREAMS.release()
