"""The real server, made in a thread beside the front. A pipe says when it is there, because the front waits in a poll."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .real import Real


class Loading:
    """A server that is not there yet."""

    def __init__(self, make: Callable[[], Real]) -> None:
        self._make = make
        self._thread = threading.Thread(target=self._load, name="loading", daemon=True)
        self.ready, self._done = os.pipe()
        """A descriptor to wait on: readable once the server is there, or will never be."""
        self.started = False
        self.server: Real | None = None

    def start(self) -> None:
        """Begin, unless it has begun."""
        if not self.started:
            self.started = True
            self._thread.start()

    def wait(self) -> Real:
        """The server.

        Raises:
            RuntimeError: if it could not be made; standard error says why.
        """
        self.start()
        self._thread.join()  # which has then also said what went wrong
        if self.server is None:
            raise RuntimeError("the server could not be loaded")
        return self.server

    def _load(self) -> None:
        try:
            self.server = self._make()
        finally:
            os.write(self._done, b".")
