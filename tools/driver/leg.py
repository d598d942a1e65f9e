"""One run of a client, from its start to the end of all that it started."""

from __future__ import annotations

import os
import re
import secrets
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from ..git.repo import Repo
from ..process.announcing import announce
from ..process.leftovers import LEG_MARK, end_marked
from ..process.runner import Runner
from ..storage.disk import read_or_empty
from .agents import DrivenClient
from .keeper import GRACE_S, mark_of
from .reading import LegOutput

_LINE_BYTES = 1 << 22
"""Of a longer line the rest is a line of its own."""
ASKED_S = 60
_KEEPER = "autoresearch_mcp.tools.driver.keeper"


class RunningLeg:
    """A client at work, under a keeper that ends it should this process be killed."""

    def __init__(
        self,
        name: str,
        words: Sequence[str],
        variables: Mapping[str, str],
        prompt: Path,
        root: Path,
        reading: LegOutput,
    ) -> None:
        self._name, self.reading = name, reading
        self._keeper = subprocess.Popen(
            [sys.executable, "-P", "-m", _KEEPER, str(prompt), *words],
            cwd=root,
            env={**os.environ, **variables, LEG_MARK: name},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._keeper.stdout is not None, "a pipe was asked for"
        while line := self._keeper.stdout.readline(_LINE_BYTES):
            self.reading.add(line.decode(errors="replace"))

    def wait(self, seconds: float) -> bool:
        """Wait for its end, at most so many seconds; returns whether it has ended."""
        with suppress(subprocess.TimeoutExpired):
            self._keeper.wait(seconds)
        return self._keeper.poll() is not None

    def end(self) -> int | None:
        """End it, if it lives, and whatever it left; returns the exit status, None where nobody knows it."""
        if self._keeper.stdin:
            with suppress(OSError):
                self._keeper.stdin.close()
        if not self.wait(3 * GRACE_S):
            self._keeper.kill()
        end_marked(mark_of(self._name))
        code = self._keeper.wait()
        self._reader.join(1.0)
        if not self._reader.is_alive() and self._keeper.stdout:
            self._keeper.stdout.close()
        return None if code < 0 else code


def not_logged_in(client: DrivenClient, model: str) -> bool:
    """Return whether a client says that nobody is logged in, who would have to be. Without a network Codex waits for ever instead,
    and opencode takes a model that needs no login.
    """
    file, word = client.provider
    known = any(os.environ.get(name) for name in client.keys) or (client.lends and model)
    if not client.status or known or (file and word.encode() in read_or_empty(Path(file).expanduser())):
        return False
    try:
        asked = subprocess.run(client.status, capture_output=True, text=True, check=False, timeout=ASKED_S)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return any(re.fullmatch(client.nobody, said.strip()) for said in (asked.stdout, asked.stderr))


def end_lost_leg(name: str) -> None:
    """End what a leg left whose driver and keeper were killed."""
    end_marked(mark_of(name))


def notify(command: str, event: str, text: str, repo: Repo) -> None:
    """Run a command of the person's with a message on its standard input; what becomes of it is its own matter."""
    runner = Runner(repo.own_folder / "told" / secrets.token_hex(4))
    announce(runner.run, command, event, text, repo.root, repo.own_folder / "told", os.environ)
    runner.clear()
