"""One training run, watched: data is handed out when it is asked for, and from then on the budget is counted here."""

from __future__ import annotations

import contextlib
import json
import os
import select
import shutil
import socket
import stat
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from checks import Check, Name, found
from clocks import GRACE, RunClock, Stopwatch
from curves import Curve, render
from messages import MalformedMessage, read_message
from players import KIND, Ended, Host, JobFolders, PlayerError, received
from prepare import Data
from spec import Spec, Unit, checkpoint

TELL_EVERY_S = 1.0
CLOSEST = 0.0099
"""Share of the budget between two points of a curve: of more points than `run` sends, some are dropped."""
MOST_BYTES = 2**35
"""Of a checkpoint, which is copied."""
ENDING_S = 5.0

_TO_THE_END = {
    Unit.GIGAOPS: "Only what torch does in the loop of run.batches, uncompiled and in its thread, brings this budget to its end: "
    "do the work of a step there, and call run.hand_over after the loop. Where most_seconds ended it, raise that before a session.",
    Unit.TOKENS: "Make a step cheaper, or raise most_seconds before a session; call run.hand_over after the loop of run.batches.",
    Unit.SECONDS: "Call run.hand_over after the loop of run.batches, which ends with the budget.",
}
"""How a run that its time was too short for comes to its end."""

Hopeless = Callable[[Curve], bool]


@dataclass(frozen=True)
class FinishedRun:
    """A run that handed over. `weights` stands where no experiment writes; `seconds` is from the first batch to the
    checkpoint, by the clock of who judges, and `limit` what they might have been.
    """

    weights: Path
    seconds: float
    limit: float
    tokens: int
    facts: dict[str, Any]
    curve: Curve
    ended: Ended
    stopped_early: bool


@dataclass
class RunningTraining:
    """A run under way."""

    spec: Spec
    data: Data
    seed: int
    place: JobFolders
    hopeless: Hopeless
    clock: RunClock | None = None
    seconds: float = 0.0
    limit: float = 0.0
    tokens: int = 0
    facts: dict[str, Any] = field(default_factory=dict)
    points: list[tuple[float, float]] = field(default_factory=list)
    stopped_early: bool = False
    told: float = 0.0

    def run(self, host: Host, shape: dict[str, Any], walls: object) -> FinishedRun:
        """Train to the end.

        Raises:
            PlayerError: if it does not hand over in time.
        """
        ours, theirs = socket.socketpair(socket.AF_UNIX, KIND)
        job = {"shape": shape, "seed": self.seed, "budget": str(self.spec.allowance)}
        host.start("train", self.place, [theirs.fileno()], walls, **job)
        theirs.close()
        with ours:
            ended = self._watch(host, ours, on_cpu=shape["device"] == "cpu")
        weights = checkpoint(self.place.code.parent)
        return FinishedRun(
            weights, self.seconds, self.limit, self.tokens, self.facts, tuple(self.points), ended, self.stopped_early
        )

    def _watch(self, host: Host, line: socket.socket, *, on_cpu: bool) -> Ended:
        start = Stopwatch(host, on_cpu)
        watched: list[socket.socket | Host] = [line, host]
        while True:
            ready = select.select(watched, [], [], 0.2)[0]
            if line in ready:
                if told := received(line):
                    self._listen(told, host, line, on_cpu=on_cpu)
                else:
                    watched.remove(line)
            elif host in ready:
                raise PlayerError(self._how(host.result()))
            if self.facts:
                return _over(host)
            self._in_time(host, start)

    def _listen(self, told: bytes, host: Host, line: socket.socket, *, on_cpu: bool) -> None:
        try:
            message = read_message(told)
            if message.get("want") == "data" and self.clock is None:
                self._hand_out(line)
                self.clock = RunClock(self.spec, host, on_cpu)
            else:
                self._heard(message, line)
        except MalformedMessage as error:
            host.end()
            raise PlayerError(
                f"check {Name.HAND_OVER}: failed ({error}). Speak through run.batches, run.tell and run.hand_over."
            ) from None

    def _in_time(self, host: Host, start: Stopwatch) -> None:
        if self.clock is None:
            if start.due() and start.past(self.spec.start_seconds):
                host.end()
                raise PlayerError(
                    f"check budget: failed (no data was asked for within {self.spec.start_seconds:g} s; "
                    "do the work after the first batch, or raise start_seconds before a session)"
                )
        elif self.clock.over():
            words = f"{self.spec.allowance}; {self.clock}, and nothing handed over"
            host.end()
            raise PlayerError(f"check budget: failed ({words}). {_TO_THE_END[self.spec.allowance.unit]}")

    def _heard(self, message: dict[str, Any], line: socket.socket) -> None:
        if "loss" in message:
            self._progress(message, line)
        elif "done" in message and self.clock is not None:
            take(checkpoint(self.place.out), checkpoint(self.place.code.parent))
            # After the copy, which whoever trains on could still change.
            self.seconds, self.limit = self.clock.seconds(), self.clock.limit()
            with contextlib.suppress(OSError):
                line.send(b"taken")
            self.facts = message["done"]
            self.tokens = int(self.facts["tokens"])

    def _hand_out(self, line: socket.socket) -> None:
        budget = self.spec.allowance
        if drawn := budget.unit is Unit.TOKENS:
            file = drawn_rows(self.data, int(budget.amount), self.seed, self.place.tmp)
        else:
            file = os.open(self.data.folder / "train.bin", os.O_RDONLY)
        with contextlib.suppress(OSError):  # whoever asked may be gone, which the host tells
            socket.send_fds(line, [json.dumps({"drawn": drawn}).encode()], [file])
        os.close(file)

    def _progress(self, message: dict[str, Any], line: socket.socket) -> None:
        share, now = float(message["progress"]), time.monotonic()
        last = self.points[-1][0] if self.points else 0.0
        if self.clock is None or not last < share <= 1 or share < min(1.0, last + CLOSEST):
            return
        self.points.append((share, float(message["loss"])))
        if self.hopeless(tuple(self.points)) and not self.stopped_early:
            self.stopped_early = True
            with contextlib.suppress(OSError):
                line.send(b"stop")
        if now - self.told >= TELL_EVERY_S or share == 1:
            self.told, wall = now, self.clock.wall_seconds
            total = round(message["step"] / share)
            speed = message["tokens"] / max(self.clock.seconds(), 1e-9)
            tell(render(message["step"], total, message["loss"], speed, wall / share - wall))

    def _how(self, ended: Ended) -> str:
        """Why a run ended that handed nothing over."""
        megabytes = ended.peak_bytes / 2**20
        if ended.exit == -9:
            return f"Training was killed, most likely because memory ran out: it had {megabytes:.0f} MB. Halve DEVICE_ROWS."
        if ended.exit == 0:
            return "Training ended without handing over. Call run.hand_over(weights, depth=...) at its end."
        return f"Training failed with exit {ended.exit}; see above."


def take(given: Path, kept: Path) -> None:
    """Copy what was handed over, at that moment, to where no experiment writes: what it does to its own file later, and
    where a link of its making leads, is nothing to us.

    Raises:
        PlayerError: if it is no file of its own.
    """
    try:
        file = os.open(given, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise PlayerError(f"check weights: failed (no checkpoint: {error.strerror}). Use run.hand_over.") from error
    status = os.fstat(file)
    if not stat.S_ISREG(status.st_mode):
        os.close(file)
        raise PlayerError("check weights: failed (the checkpoint is no regular file). Use run.hand_over.")
    with open(file, "rb") as source, kept.open("wb") as copy:
        if status.st_size > min(MOST_BYTES, shutil.disk_usage(kept.parent).free // 2):
            raise PlayerError(f"check weights: failed ({status.st_size} bytes are too many). Make the model smaller.")
        shutil.copyfileobj(source, copy)


def _over(host: Host) -> Ended:
    """The end of a run that has handed over: by itself, if it is quick, so that what outlives it is seen to do so."""
    return host.result() if select.select([host], [], [], ENDING_S)[0] else host.end()


def drawn_rows(data: Data, tokens: int, seed: int, folder: Path) -> int:
    """An open file with exactly the rows that a budget in tokens buys, in the order of the seed."""
    width = data.train.shape[1]
    wanted = tokens // (width - 1)
    generator = np.random.default_rng(seed)
    epochs = -(-wanted // len(data.train))
    places = np.concatenate([generator.permutation(len(data.train)) for _ in range(epochs)])[:wanted]
    file = os.memfd_create("rows") if hasattr(os, "memfd_create") else os.open(folder / "rows", os.O_RDWR | os.O_CREAT)
    with open(os.dup(file), "wb") as out:
        out.writelines(data.train[places[begin : begin + 4096]].tobytes() for begin in range(0, wanted, 4096))
    os.lseek(file, 0, os.SEEK_SET)
    return file


def budget_check(spec: Spec, trained: FinishedRun, on_cpu: bool) -> Check:
    """Whether training stayed within what it was given, by our own clock and the kernel's, and by what it counted."""
    budget, kind = spec.allowance, "CPU s" if on_cpu else "s"
    counted = float(trained.facts["gigaops"]) if budget.unit is Unit.GIGAOPS else 0.0
    good = trained.seconds <= trained.limit and counted <= budget.amount * (1 + GRACE)
    words = f"{counted:.0f} of {budget}" if counted else f"{budget}"
    return found(Name.BUDGET, good, f"{words}; {trained.seconds:.1f} {kind} of {trained.limit:.1f}")


def survivors_check(trained: FinishedRun) -> Check:
    """Whether anything went on after the checkpoint was handed over."""
    count = trained.ended.survivors
    words = f"{count} processes were left and ended" if count else "nothing ran on"
    return found(Name.SURVIVORS, not count, words)


def tell(line: str) -> None:
    """Show how a run goes."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()
