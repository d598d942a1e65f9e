"""Where the runs of candidates are made, by the variable AUTORESEARCH_EXECUTOR: at home, or wherever an engine finds room."""

from __future__ import annotations

import logging
import os
import queue
import shlex
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from multiprocessing.connection import Connection
from pathlib import Path

from ..errors import Code, Refusal
from ..process.isolation import measured_environment
from .engines import Came

logger = logging.getLogger(__name__)
VARIABLE = "AUTORESEARCH_EXECUTOR"
FORMS = "`ray address=HOST:PORT workers=8 CPU=4 GPU=1` or `slurm folder=/shared/runs workers=8 slurm_partition=gpu gpus_per_node=1`"
_NEEDED = {"ray": "address", "slurm": "folder"}
REACH_S = 90.0
"""How long an engine may take to be there, in seconds."""
LOOK_S = 2.0
"""How often one looks whether a run is still wanted, in seconds."""
AGAIN_S = 300.0
"""For how long nodes are left out that cannot measure the best, in seconds: somebody may see to them meanwhile."""
LOST = Came(why="the process that speaks to the engine has ended")


@dataclass(frozen=True)
class ExecutorSetting:
    """Which engine, how many runs at once, and its own options."""

    engine: str
    workers: int
    options: tuple[str, ...]


def setting(variables: Mapping[str, str]) -> ExecutorSetting | None:
    """Read the variable; None means runs at home.

    Raises:
        Refusal: if it has none of the known forms.
    """
    words = shlex.split(variables.get(VARIABLE, ""))
    if not words or words == ["local"]:
        return None
    options = dict(word.partition("=")[::2] for word in words[1:])
    workers = options.pop("workers", "")
    if not options.get(_NEEDED.get(words[0], "")) or not workers.isdecimal() or not int(workers):
        raise Refusal(Code.BAD_ARGUMENT, f"{VARIABLE} has to be `local`, {FORMS}. It is: {shlex.join(words)}")
    return ExecutorSetting(words[0], int(workers), tuple(f"{name}={value}" for name, value in options.items()))


class Executor:
    """One dispatcher, started when it is first needed and again whenever it has ended. Many threads wait for their runs."""

    def __init__(self, asked: ExecutorSetting, log: Path) -> None:
        """`log` takes what the engine's library prints."""
        self._asked, self._log = asked, log
        self._lock, self._sending = threading.Lock(), threading.Lock()
        self._line: Connection | None = None
        self._numbers = count(1)
        self._waiting: dict[int, queue.SimpleQueue[Came]] = {}
        self._unfit: dict[str, tuple[float, str]] = {}
        self._refused_until = 0.0

    def reach(self) -> Connection:
        """Have the engine there.

        Raises:
            Refusal: if it cannot be reached, or none of its nodes can measure the best.
        """
        if time.monotonic() < self._refused_until:
            raise self._without_fit()
        with self._lock:
            self._line = self._line or self._open()
            return self._line

    def run(self, given: bytes, node: str, is_over: Callable[[], bool]) -> Came:
        """Have an order worked off on a node, on any where none is named; end it once nobody wants it any more.

        Raises:
            Refusal: if the engine is not there, or was not to the end.
        """
        line, answer, number = self.reach(), queue.SimpleQueue[Came](), next(self._numbers)
        self._waiting[number] = answer
        self._send(line, (number, node, tuple(self._left_out()), given))
        ended = False
        while True:
            try:
                came = answer.get(timeout=LOOK_S)
            except queue.Empty:
                if line.closed:
                    came = LOST
                else:
                    if not ended and is_over():
                        ended = True
                        self._send(line, (number, "", (), b""))
                    continue
            if came is LOST:
                raise Refusal(Code.BUSY, f"{came.why}. See {self._log}.")
            return came

    def leave_out(self, node: str, why: str) -> None:
        """Send nothing to a node for a while, unless it is named."""
        logger.warning("node %s is left out: %s", node, why)
        self._unfit[node] = (time.monotonic(), why)

    def refuse_unfit(self) -> None:
        """Refuse to make runs for a while if nodes were left out, because no other one is there.

        Raises:
            Refusal: if there are such nodes.
        """
        if self._left_out():
            self._refused_until = time.monotonic() + AGAIN_S
            raise self._without_fit()

    def _left_out(self) -> dict[str, str]:
        now = time.monotonic()
        return {node: why for node, (at, why) in self._unfit.copy().items() if now < at + AGAIN_S}

    def _without_fit(self) -> Refusal:
        told = "; ".join(f"on node {node} {why}" for node, (_, why) in self._unfit.copy().items())
        message = (
            f"No node can measure the best: {told}. What git does not have does not travel: it has to be on each node, where "
            f"a command finds it from any checkout. They are tried again every {AGAIN_S / 60:g} minutes; without {VARIABLE} a new "
            "server measures here."
        )
        return Refusal(Code.BUSY, message)

    def _send(self, line: Connection, message: tuple[int, str, tuple[str, ...], bytes]) -> None:
        with self._sending, suppress(OSError):  # it has ended, which its listener tells
            line.send(message)

    def _open(self) -> Connection:
        ours, theirs = socket.socketpair()
        kept = {name: value for name, value in os.environ.items() if name.startswith("RAY_")}
        with theirs, self._log.open("ab") as log:
            process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    f"{__package__}.dispatcher",
                    str(theirs.fileno()),
                    self._asked.engine,
                    *self._asked.options,
                ],
                env=measured_environment(os.environ, kept),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        line = Connection(ours.detach())
        try:
            there = line.recv()[1] if line.poll(REACH_S) else Came(why=f"no answer within {REACH_S:g} s")
        except (EOFError, OSError):
            there = LOST
        if there.why:
            process.kill()
            process.wait()
            line.close()
            raise Refusal(Code.BUSY, f"{self._asked.engine} cannot be reached: {there.why}. See {self._log}.")
        threading.Thread(target=self._listen, args=(line, process), name="engine", daemon=True).start()
        return line

    def _listen(self, line: Connection, process: subprocess.Popen[bytes]) -> None:
        with suppress(EOFError, OSError):
            while True:
                number, came = line.recv()
                self._waiting.pop(number).put(came)
        with self._lock:
            self._line = None
        line.close()
        process.wait()
