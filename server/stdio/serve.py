"""Serving over stdio: there before the client's patience ends, logs to a file, and no process left behind at the end.

Nothing that takes time to import may be imported here: see `front.py`.
"""

from __future__ import annotations

import gc
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

from .front import Front
from .manifest import Manifest, keep, learned_file, load_manifest
from .relay import Loading, Relay, claim

if TYPE_CHECKING:
    from .real import RealServer


_CHECK_AFTER_S = 2.0
"""By then the first calls of a client have been answered."""
_END_S = 1.0
"""For what is noted at the end."""
_PLUGINS = "PYDANTIC_DISABLE_PLUGINS"


def serve(root: Path, allow_commands: bool) -> NoReturn:
    """Serve until the client closes the pipe or sends a signal."""
    manifest = load_manifest()
    loading = Loading(lambda: _load(root, allow_commands, manifest))
    _stop_on_signals(loading)
    status = 1
    try:
        relay = Relay(Front(manifest.answers), loading, claim())
        if relay.run():
            loading.wait().serve(*relay.hand_over())
        status = 0
    except Exception:  # a client that vanishes breaks the pipe under whatever is being written
        log_to_file()
        import logging

        logging.getLogger(__name__).exception("the connection broke")
    finally:
        _leave(status, loading)


def _load(root: Path, allow_commands: bool, manifest: Manifest) -> RealServer:
    log_to_file()
    with _quickly():
        from ...tools.doctor.clients import remember
        from ...tools.process.isolation import passes
        from .real import RealServer

        remember(frozenset(filter(passes, os.environ)))
        server = RealServer(root, allow_commands)
        server.lab.begin()
    if manifest.answers:
        threading.Thread(target=_check, args=(root, manifest), name="checking", daemon=True).start()
    else:
        _learn(server, manifest)
    return server


@contextmanager
def _quickly() -> Iterator[None]:
    """Look for no garbage while all is loaded that stays: that takes a fifth of the time, and again in each later look. Look for
    no plugins of pydantic either, for which it would read what every installed package has to offer.
    """
    given = os.environ.get(_PLUGINS)
    os.environ[_PLUGINS] = "__all__"
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
        del os.environ[_PLUGINS]
        if given is not None:
            os.environ[_PLUGINS] = given


def _check(root: Path, manifest: Manifest) -> None:
    """Ask a second server, once there is time, what the front has answered from the manifest."""
    from .real import RealServer

    time.sleep(_CHECK_AFTER_S)
    _learn(RealServer(root, allow_commands=False), manifest)


def _learn(server: RealServer, manifest: Manifest) -> None:
    """Keep what the real server answers for the next start, where the manifest says something else."""
    import logging

    from .real import record

    logger = logging.getLogger(__name__)
    try:
        answers = record(server)
        if answers != manifest.answers:
            keep(Manifest(answers, manifest.origin), learned_file())
            if manifest.answers:
                logger.warning("tools or prompts were listed as they were before the code was edited; start anew")
    except Exception:
        logger.exception("the answers could not be kept")


def _leave(status: int, loading: Loading) -> NoReturn:
    """End soon: a thread may still wait for a run, which goes on by itself until the next server joins it."""
    if loading.server is not None:  # in a thread: a signal may have stopped this one where it holds what is needed
        ending = threading.Thread(target=loading.server.lab.end, daemon=True)
        ending.start()
        ending.join(_END_S)
    os._exit(status)


def _stop_on_signals(loading: Loading) -> None:
    signals = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)

    def stop(number: int, frame: FrameType | None) -> None:
        for other in signals:  # clients send one after the other
            signal.signal(other, signal.SIG_IGN)
        _leave(128 + number, loading)

    for number in signals:
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
        handler = RotatingFileHandler(
            folder / "server.log",
            maxBytes=1_000_000,
            backupCount=2,
            delay=True,
            encoding="utf-8",
            errors="backslashreplace",
        )
    except OSError:
        handler = logging.NullHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
