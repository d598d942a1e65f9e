"""Serving over stdio: logs to a file, quiet on stderr, and no process left behind at the end."""

from __future__ import annotations

import logging
import os
import signal
import sys
from logging.handlers import RotatingFileHandler
from pathlib import Path
from types import FrameType
from typing import NoReturn

from ..tools.lab import Lab


def serve(root: Path, allow_commands: bool) -> NoReturn:
    """Serve until the client closes the pipe or sends a signal."""
    _log_to_file()
    from .app import build_server

    lab = Lab(root, allow_commands=allow_commands)
    _stop_on_signals(lab)
    status = 1
    try:
        build_server(lab).run("stdio")
        status = 0
    except Exception:  # a client that vanishes breaks the pipe under whatever is being written
        logging.getLogger(__name__).exception("the connection broke")
    finally:
        _leave(lab, status)


def _leave(lab: Lab, status: int) -> NoReturn:
    """End at once: a worker thread may still wait for a command, and nobody is left to hear of it."""
    lab.runner.stop_all()
    sys.stdout.flush()
    os._exit(status)


def _stop_on_signals(lab: Lab) -> None:
    def stop(number: int, frame: FrameType | None) -> None:
        _leave(lab, 128 + number)

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, stop)


def _log_to_file() -> None:
    home = os.environ.get("XDG_STATE_HOME", "") or "~/.local/state"
    folder = Path(home).expanduser() / "autoresearch-mcp"
    handler: logging.Handler
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handler = RotatingFileHandler(folder / "server.log", maxBytes=1_000_000, backupCount=2, delay=True)
    except OSError:
        handler = logging.NullHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
