"""A fixed workload of our own, timed just before and just after a run: how fast the machine is, whatever the command does.

Standard library only: supervisors need this.
"""

from __future__ import annotations

import time

PIECE_S = 0.0004
"""Seconds that a piece takes on a common machine. It only says how many pieces make up a share of a run."""
SHARE = 0.005
"""Share of a run's time that the workload takes on either side of it."""
SHORTEST_RUN_S, FEWEST_PIECES, MOST_PIECES = 0.04, 2, 250
_STEPS, _BYTES, _LINE = 8000, 1 << 22, 64


def pieces_for(run_seconds: float) -> int:
    """Return how many pieces suit runs of this length: at most 0.1 s of them, and none beside a run too short to spare any."""
    if run_seconds < SHORTEST_RUN_S:
        return 0
    return max(FEWEST_PIECES, min(MOST_PIECES, int(SHARE * run_seconds / PIECE_S)))


class ReferenceTimer:
    """The workload, of so many pieces, none if 0. `seconds` has the mean of a piece each time that it was run."""

    def __init__(self, pieces: int) -> None:
        self._pieces = pieces
        self.seconds: list[float] = []

    def run(self) -> None:
        """Do the workload once, and note the wall-clock time of a piece, waiting for a core included."""
        if not self._pieces:
            return
        memory = bytearray(_BYTES)
        _do_piece(memory)  # the first one pays for pages and caches
        began = time.perf_counter()
        for _ in range(self._pieces):
            _do_piece(memory)
        self.seconds.append((time.perf_counter() - began) / self._pieces)


def _do_piece(memory: bytearray) -> None:
    """Count for a while, then touch every line of memory that is larger than the nearer caches."""
    state = 1
    for step in range(_STEPS):
        state = (31 * state + step) & 0xFFFF
    memory[0] = state & 0xFF
    memory[::_LINE]
