"""Serving over stdio: there before the client's patience ends, logs to a file, and no process left behind at the end.

Nothing that takes time to import may be imported here: see `front.py`.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

from .front import Front
from .loading import Loading
from .manifest import keep, learned_file, load_answers, origin
from .relay import Relay
from .wire import claim

if TYPE_CHECKING:
    from .real import Real


def serve(root: Path, allow_commands: bool) -> NoReturn:
    """Serve until the client closes the pipe or sends a signal."""
    answers = load_answers()
    unknown = {} if answers else origin()
    loading = Loading(lambda: _load(root, allow_commands, unknown))
    _stop_on_signals()
    status = 1
    try:
        relay = Relay(Front(answers), loading, claim())
        if relay.run():
            loading.wait().serve(*relay.hand_over())
        status = 0
    except Exception:  # a client that vanishes breaks the pipe under whatever is being written
        log_to_file()
        import logging

        logging.getLogger(__name__).exception("the connection broke")
    finally:
        _leave(status)


def _load(root: Path, allow_commands: bool, unknown: Mapping[str, str]) -> Real:
    log_to_file()
    from ...tools.doctor.clients import remember
    from ...tools.process.environment import passes
    from .real import Real

    remember(frozenset(filter(passes, os.environ)))
    server = Real(root, allow_commands)
    if unknown:
        _learn(server, unknown)
    return server


def _learn(server: Real, unknown: Mapping[str, str]) -> None:
    """Keep the answers for the next start, unless the code was edited while it loaded or there is nowhere to keep them."""
    import logging

    from .recording import record

    try:
        answers = record(server)
        if origin() == unknown:
            keep(answers, learned_file())
    except Exception:
        logging.getLogger(__name__).exception("the answers could not be kept")


def _leave(status: int) -> NoReturn:
    """End at once: a thread may still wait for a run, which goes on by itself until the next server joins it."""
    os._exit(status)


def _stop_on_signals() -> None:
    def stop(number: int, frame: FrameType | None) -> None:
        _leave(128 + number)

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, stop)


def log_to_file() -> None:
    """Warnings and worse go to a file of ours: some clients never read standard error."""
    import logging
    from logging.handlers import RotatingFileHandler

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
