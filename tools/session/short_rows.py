"""Rows in short: what a picture, a list and a search need of each, for sessions of hundreds of thousands."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple, Protocol

from pydantic_core import from_json

from ..decision.decide import Status
from .events import Row


class ClaimLike(Protocol):
    """What claims in short and in full have in common."""

    @property
    def relative(self) -> bool:
        """Whether the gain is the logarithm of a ratio."""

    @property
    def gain(self) -> float:
        """The gain, positive where it is better."""

    @property
    def variance(self) -> float | None:
        """Its variance, if it is known."""


class ShortClaim(NamedTuple):
    """A claim in short."""

    relative: bool
    gain: float
    variance: float | None


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
    def gain(self) -> float | None:
        """What it is estimated to gain, positive where it is better."""

    @property
    def evidence(self) -> float | None:
        """The gain in standard errors."""

    @property
    def claim(self) -> ClaimLike | None:
        """What it claims."""

    @property
    def undoes(self) -> int:
        """The iteration whose change it turns round; 0 without one."""

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
    """One iteration in short; `seconds` is wall-clock time."""

    iteration: int
    status: Status
    metric: float | None
    delta: float | None
    gain: float | None
    evidence: float | None
    claim: ShortClaim | None
    undoes: int
    low: float | None
    high: float | None
    guard: str
    description: str
    learned: str
    files: tuple[str, ...]
    seconds: float


def in_short(row: Row) -> ShortRow:
    """Return a row in short."""
    return ShortRow(
        row.iteration,
        row.status,
        row.metric,
        row.delta,
        row.gain,
        row.evidence,
        ShortClaim(row.claim.relative, row.claim.gain, row.claim.variance) if row.claim else None,
        row.undoes,
        row.low,
        row.high,
        row.guard,
        row.description,
        row.learned,
        row.files,
        row.seconds,
    )


_STATUSES = {str(status): status for status in Status}


def read_short(bodies: Iterable[str]) -> Iterator[ShortRow]:
    """Read rows in short from the records of their iterations.

    The JSON is taken as it is: it was checked when it was written, and the chain tells whether it still is what was.
    """
    for body in bodies:
        row = from_json(body, cache_strings="keys")["row"]
        yield ShortRow(
            row["iteration"],
            _STATUSES[row["status"]],
            row.get("metric"),
            row.get("delta"),
            row.get("gain"),
            row.get("evidence"),
            _short_claim(row.get("claim")),
            row.get("undoes", 0),
            row.get("low"),
            row.get("high"),
            row.get("guard", "-"),
            row["description"],
            row.get("learned", ""),
            tuple(row.get("files", ())),
            row.get("seconds", 0.0),
        )


def _short_claim(claim: Any) -> ShortClaim | None:  # noqa: ANN401 - as the JSON has it
    return ShortClaim(claim["relative"], claim["gain"], claim["variance"]) if claim else None


def claim_it_ends(row: RowLike, newest: int) -> int:
    """Return the keep whose claim goes with this one, 0 for none. Where more was kept after the keep that was taken back, the
    code is not what it was before that, and what was measured counts.
    """
    return 0 if row.status is Status.KEEP_UNDO and row.undoes != newest else row.undoes
