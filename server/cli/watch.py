"""`autoresearch-mcp watch`: follow a session from another terminal or a browser, without touching it."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from contextlib import suppress
from pathlib import Path
from typing import Any

from ...tools.errors import Code, Refusal
from ...tools.lab.access import Lab
from ...tools.text.hygiene import hygiene
from ...tools.text.tidy import tidied_data
from ..watching import Watch

JSON_ROWS = 20


def run(root: Path, options: Namespace) -> int:
    """Follow the session under a root until the person leaves; returns the exit status: 2 where there is nothing to follow."""
    watched = Watch(Lab(root, follows=True))
    try:
        watched.mark()
        if options.json:
            sys.stdout.write(json.dumps(snapshot(watched), indent=2) + "\n")
            return 0
        with suppress(KeyboardInterrupt):
            _web(watched, options.port) if options.web else _terminal(watched)
    except Refusal as refusal:
        sys.stderr.write(f"{refusal.message}\n")
        return 2
    except BrokenPipeError:
        return 0
    return 0


def snapshot(watched: Watch) -> dict[str, Any]:
    """The session at this moment, as data."""
    seen = watched.glimpse()
    work = seen.work and {
        "tool": seen.work.tool,
        "run": seen.work.run,
        "seconds": seen.work.seconds,
        "tail": [*seen.work.tail],
    }
    rows = [row.model_dump(mode="json") for row in seen.rows[-JSON_ROWS:]]
    tidied: dict[str, Any] = tidied_data(
        {"status": seen.status.model_dump(mode="json"), "work": work, "rows": rows}, hygiene()
    )
    return tidied


def _terminal(watched: Watch) -> None:
    from . import terminal

    terminal.watch(watched)


def _web(watched: Watch, port: int) -> None:
    from ..web.live import LiveServer

    try:
        server = LiveServer(watched, port)
    except OSError as error:
        cure = "Choose another with --port, or leave it out to get a free one."
        raise Refusal(Code.BAD_ARGUMENT, f"Port {port} cannot be used: {error.strerror}. {cure}") from error
    with server:
        sys.stdout.write(f"{server.url}\nFollows the session, for this machine only. Leave with Ctrl-C.\n")
        sys.stdout.flush()
        server.serve_forever(poll_interval=3600)
