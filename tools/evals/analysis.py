"""What can be known of a session from its results file: the shape of the answer."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from ..session.events import Record


class NotedRow(Record):
    """One row that an analysis points at. `gain` is in the metric's unit, positive where it is better."""

    number: int | None
    line: int
    metric: float | None
    gain: float
    description: str


class HotFile(Record):
    """A file and how many kept changes touched it."""

    path: str
    keeps: int


class Continuation(Record):
    """Whether to go on, and why."""

    verdict: Literal["continue", "stop", "change"]
    reason: str


class Analysis(Record):
    """Everything that could be computed. None: the file does not tell. `hours` are wall-clock, by the rows' own times."""

    format: str
    metric: str = ""
    unit: str = ""
    direction: str = ""
    direction_from: str = ""
    segments: int = 0
    iterations_run: int = 0
    measured: int = 0
    keeps: int = 0
    discards: int = 0
    crashes: int = 0
    keep_rate: float | None = None
    crash_rate: float | None = None
    baseline: float | None = None
    final: float | None = None
    best: float | None = None
    best_iteration: int | None = None
    improvement: float | None = None
    improvement_pct: float | None = None
    trend: str | None = None
    plateau_detected: bool | None = None
    plateau_start: int | None = None
    plateau_length: int | None = None
    diminishing_returns: bool | None = None
    later_share: float | None = None
    jumps: tuple[NotedRow, ...] = ()
    gain_per_try: float | None = None
    gain_per_keep: float | None = None
    gain_per_hour: float | None = None
    hours: float | None = None
    longest_keep_streak: int = 0
    longest_streak_without_keep: int = 0
    current_streak_without_keep: int = 0
    guard_fail_rate: float | None = None
    improved_but_failed: tuple[NotedRow, ...] = ()
    hot_files: tuple[HotFile, ...] = ()
    goal: float | None = None
    goal_achieved: bool | None = None
    columns: dict[str, Any] = Field(default_factory=dict)
    anomalies: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()
    recommendation: Continuation = Continuation(verdict="change", reason="Nothing was read.")
