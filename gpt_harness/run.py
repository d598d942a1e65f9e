"""What an experiment is given, and how it hands over: its seed, its data, its budget, its weights.

The budget is counted by who judges, in another process. What is counted here only steers the schedules.
"""

from __future__ import annotations

import contextlib
import gc
import json
import mmap
import os
import socket
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import count

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file
from torch import Tensor

from spec import WEIGHTS, Budget, Unit
from work import work_counter

DIVERGED = 20.0
"""Nats a token: a loss above this never comes back."""
TELL_EVERY = 0.01
"""Share of the budget between two points of the learning curve."""
COUNT_EVERY = 16
"""Counting a step takes half as long as making it, so one of so many is counted, and the others cost what it did."""
TAKEN = b"taken"
"""The word of who judges that it has a copy of the checkpoint."""
_MESSAGE_BYTES = 65_536

Windows = NDArray[np.uint16]
"""Token ids [rows, sequence length + 1]."""
Places = NDArray[np.int64]


@dataclass(frozen=True)
class Shape:
    """What a model has to fit: logits for `vocabulary` tokens at each of `sequence_length` places, on `device`."""

    vocabulary: int
    sequence_length: int
    device: str


@dataclass(frozen=True)
class Joined:
    """A place in a run: the line to who judges, and what it said at first."""

    line: socket.socket
    shape: Shape
    seed: int
    budget: Budget


JOINED: list[Joined] = []
"""Filled by who starts an experiment, before any of its code."""


def join() -> Run:
    """The run that this process belongs to.

    Raises:
        SystemExit: if it was started by hand.
    """
    if not JOINED:
        raise SystemExit("Nobody judges this run. Start it with `autoresearch-mcp train`, which trains and scores it.")
    return Run(JOINED[0])


class Run:
    """One training run: `batches` until the budget is spent, `tell` after each, `hand_over` at the end."""

    def __init__(self, joined: Joined) -> None:
        self._line = joined.line
        self._budget = joined.budget
        self.shape = joined.shape
        self.seed = joined.seed
        self._steps = 0
        self._tokens = 0
        self._gigaops = 0.0
        self._price = 0.0
        self._after, self._counter = ExitStack(), work_counter()
        self._began: float | None = None
        self._stopped = False
        self._last: Tensor | float | None = None
        self._told = 0.0
        self._since: list[float] = []

    @property
    def progress(self) -> float:
        """Share of the budget that is spent, 0 to 1."""
        if self._began is None:
            return 0.0
        spent = {Unit.GIGAOPS: self._gigaops, Unit.TOKENS: self._tokens, Unit.SECONDS: self._clock() - self._began}
        return min(1.0, spent[self._budget.unit] / self._budget.amount)

    def _clock(self) -> float:
        """Seconds: the processor's own where that trains, as others may have it too; of the wall on a GPU."""
        return time.process_time() if self.shape.device == "cpu" else time.monotonic()

    def batches(self, rows: int) -> Iterator[Tensor]:
        """Token ids, int64 [rows, sequence_length + 1], on the device. The first one asks for the data: from there on the
        budget is spent, so build, compile and warm up before.
        """
        _stop_collector()
        windows, drawn = self._ask_for_data()
        order = self._order(len(windows), rows, drawn)
        with ThreadPoolExecutor(1) as beside, self._counted_after():
            coming = beside.submit(self._batch, windows, next(order, None))
            while not self._stopped and self._affords(rows) and (batch := coming.result()) is not None:
                coming = beside.submit(self._batch, windows, next(order, None))
                with self._counted():
                    yield batch
                self._steps += 1
                self._tokens += rows * self.shape.sequence_length
                self._gigaops += self._price

    def tell(self, loss: Tensor | float) -> None:
        """Report a step's loss in nats a token. The loss before it is waited for, so that a GPU is at most a step behind.

        Raises:
            SystemExit: if training has diverged.
        """
        last, self._last = self._last, loss.detach() if isinstance(loss, Tensor) else loss
        self._look(last)

    def hand_over(self, weights: Mapping[str, Tensor], *, depth: int, flops_per_token: float = 0.0) -> None:
        """Write the checkpoint and let it be judged; returns when it was taken. Nothing after this counts.

        Raises:
            SystemExit: if training has diverged.
        """
        self._look(self._last)
        self._after.close()
        self._gigaops += self._counter.gigaops
        save_file({name: tensor.detach().cpu().contiguous().clone() for name, tensor in weights.items()}, WEIGHTS)
        facts = {
            "depth": depth,
            "flops_per_token": flops_per_token,
            "steps": self._steps,
            "tokens": self._tokens,
            "gigaops": self._gigaops,
            "parameters": sum(tensor.numel() for tensor in weights.values()),
            "peak_bytes": torch.cuda.max_memory_allocated() if self.shape.device.startswith("cuda") else 0,
        }
        self._send({"done": facts})
        while (told := self._line.recv(_MESSAGE_BYTES)) and told != TAKEN:
            pass

    def _ask_for_data(self) -> tuple[Windows, bool]:
        self._send({"want": "data"})
        told, files, _, _ = socket.recv_fds(self._line, _MESSAGE_BYTES, 1)
        self._began = self._clock()
        mapped = mmap.mmap(files[0], 0, prot=mmap.PROT_READ)
        os.close(files[0])
        windows = np.frombuffer(mapped, dtype=np.uint16).reshape(-1, self.shape.sequence_length + 1)
        return windows, json.loads(told)["drawn"]

    def _order(self, total: int, rows: int, drawn: bool) -> Iterator[Places]:
        """Rows of each batch: as they come where they were drawn for this run, else in a new order each epoch."""
        generator = np.random.default_rng(self.seed)
        waiting = np.arange(total) if drawn else generator.permutation(total)
        for _ in count():
            while len(waiting) < rows:
                if drawn:
                    return
                waiting = np.concatenate([waiting, generator.permutation(total)])
            yield waiting[:rows]
            waiting = waiting[rows:]

    def _batch(self, windows: Windows, places: Places | None) -> Tensor | None:
        if places is None:
            return None
        batch = torch.from_numpy(windows[places].astype(np.int32))
        if self.shape.device.startswith("cuda"):
            batch = batch.pin_memory().to(self.shape.device, non_blocking=True)
        return batch.to(self.shape.device).long()

    def _affords(self, rows: int) -> bool:
        if self._budget.unit is Unit.TOKENS:
            return self._tokens + rows * self.shape.sequence_length <= self._budget.amount
        if self._budget.unit is Unit.GIGAOPS:
            return self._gigaops + self._price <= self._budget.amount
        return self.progress < 1

    @contextmanager
    def _counted_after(self) -> Iterator[None]:
        """What follows the last batch is paid for like the rest, until the weights are handed over."""
        try:
            yield
        finally:
            if self._budget.unit is Unit.GIGAOPS:
                self._counter = self._after.enter_context(work_counter())

    @contextmanager
    def _counted(self) -> Iterator[None]:
        """Count what a step costs, at a place of each few that the seed chooses: what is done every so often is met as
        often as it is done.
        """
        if self._budget.unit is not Unit.GIGAOPS:
            yield
            return
        block, place = divmod(self._steps, COUNT_EVERY)
        if self._steps and place != np.random.default_rng((self.seed, block)).integers(COUNT_EVERY):
            yield
            return
        with work_counter() as counter:
            yield
        self._price = counter.gigaops

    def _look(self, last: Tensor | float | None) -> None:
        if last is None:
            return
        loss = float(last)
        if not loss <= DIVERGED:  # true of NaN as well
            sys.exit(f"Training diverged: loss {loss:.3g} at step {self._steps}. Try a lower learning rate.")
        self._since.append(loss)
        if (share := self.progress) - self._told >= TELL_EVERY or share >= 1:
            self._told = share
            mean, self._since = sum(self._since) / len(self._since), []
            self._send({"step": self._steps, "progress": share, "loss": mean, "tokens": self._tokens})
            with contextlib.suppress(BlockingIOError):
                self._stopped = b"stop" in self._line.recv(_MESSAGE_BYTES, socket.MSG_DONTWAIT)

    def _send(self, message: Mapping[str, object]) -> None:
        self._line.send(json.dumps(message).encode())


def _stop_collector() -> None:
    """End Python's search for cycles: it would stop every step for a while, half a second at worst, and finds next to nothing."""
    gc.collect()
    gc.freeze()
    gc.disable()


def fail_with_what_fits(error: BaseException, rows: int, attempt: Callable[[int], object]) -> None:
    """End a run that is out of memory with the number of rows that would have fitted; re-raise any other error.

    Raises:
        SystemExit: if the error is about memory.
    """
    if not out_of_memory(error):
        raise error
    fitting = rows // 2
    while fitting and not _fits(attempt, fitting):
        fitting //= 2
    advice = f"{fitting} would have fitted" if fitting else "not even one fits: make the model smaller"
    raise SystemExit(f"Out of memory with {rows} rows at a time; {advice}. ({str(error).splitlines()[0]})")


def out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory ran out; torch has no class for that on the CPU."""
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or "can't allocate memory" in str(error)


def _fits(attempt: Callable[[int], object], rows: int) -> bool:
    try:
        attempt(rows)
    except (MemoryError, RuntimeError) as error:
        if not out_of_memory(error):
            raise
        return False
    finally:
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
    return True
