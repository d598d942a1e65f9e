"""Rows in short: what a picture, a list and a search need of each, for sessions of hundreds of thousands."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple, Protocol

from pydantic_core import from_json

from ..decision.decide import Status
from .events import Row


class RowLike(Protocol):
    """What rows in short and in full have in common."""

    @property
    def iteration(self) -> int:
        """The number of the iteration."""

    @property
    def status(self) -> Status:
        """How it ended."""

    @property
    def metric(self) -> float | None:
        """The number, if there is one."""

    @property
    def delta(self) -> float | None:
        """Its distance from the incumbent of its time."""

    @property
    def low(self) -> float | None:
        """The lower end of what its gain may be."""

    @property
    def high(self) -> float | None:
        """The upper end of what its gain may be."""

    @property
    def guard(self) -> str:
        """What the guards said."""

    @property
    def description(self) -> str:
        """What was tried."""


class ShortRow(NamedTuple):
    """One iteration in short. `numbers` counts the runs of both arms that gave one; `seconds` is wall-clock time."""

    iteration: int
    status: Status
    metric: float | None
    delta: float | None
    low: float | None
    high: float | None
    guard: str
    description: str
    learned: str
    files: tuple[str, ...]
    seconds: float
    numbers: int


def in_short(row: Row) -> ShortRow:
    """Return a row in short."""
    numbers = len(row.samples) + len(row.incumbent)
    return ShortRow(
        row.iteration,
        row.status,
        row.metric,
        row.delta,
        row.low,
        row.high,
        row.guard,
        row.description,
        row.learned,
        row.files,
        row.seconds,
        numbers,
    )


_STATUSES = {str(status): status for status in Status}


def read_short(bodies: Iterable[str]) -> Iterator[ShortRow]:
    """Read rows in short from the records of their iterations; words that come again are kept once.

    The JSON is taken as it is: it was checked when it was written, and the chain tells whether it still is what was.
    """
    known: dict[Any, Any] = {}
    once = known.setdefault
    for body in bodies:
        row = from_json(body)["row"]
        learned, files = row.get("learned", ""), tuple(row.get("files", ()))
        yield ShortRow(
            row["iteration"],
            _STATUSES[row["status"]],
            row.get("metric"),
            row.get("delta"),
            row.get("low"),
            row.get("high"),
            row.get("guard", "-"),
            row["description"],
            once(learned, learned),
            once(files, files),
            row.get("seconds", 0.0),
            len(row.get("samples", ())) + len(row.get("incumbent", ())),
        )
