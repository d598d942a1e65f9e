"""The answers of the session's verbs."""

from __future__ import annotations

from pydantic import Field

from ..lab.answers import Answer
from ..session.events import Row
from ..session.results import number
from ..session.summary import Summary


class SessionStarted(Answer):
    """The baseline."""

    session: str = ""
    branch: str = ""
    baseline: float | None = None
    row: Row | None = None
    samples: list[float] = []
    reused: str = Field("", description="Which runs are the baseline, if they were made before this call.")
    noise: str = ""
    note: str = Field("", description="What becomes of the branch, where it is one into which work is merged.")
    verify_timeout_s: float = 0.0
    guard_timeout_s: float = 0.0
    results_file: str = ""

    def lines(self) -> list[str]:
        return [
            f"Session {self.session} on branch {self.branch}: baseline {number(self.baseline)}{', the median of its runs' * (len(set(self.samples)) > 1)}.",
            *([f"{self.reused[:1].upper()}{self.reused[1:]}."] if self.reused else []),
            f"Noise: {self.noise} Verify is killed after {self.verify_timeout_s:.0f} s. Rows go to {self.results_file}.",
            *([f"{self.note[:1].upper()}{self.note[1:]}."] if self.note else []),
            "Edit files in scope, then call iterate with one sentence on what you changed.",
        ]


class SessionStatus(Answer):
    """The session in short."""

    looks_on = True

    session: str = ""
    goal: str = ""
    metric: str = ""
    direction: str = ""
    scope: list[str] = []
    branch: str = ""
    baseline: float | None = None
    headline: str = Field("", description="What the keeps claim together, with its 95 % interval.")
    best: float | None = Field(None, description="Where the keeps' claims lead from the baseline.")
    best_iteration: int | None = None
    current: float | None = Field(
        None, description="What the incumbent gives now, drift included: what the next change has to beat."
    )
    noise: str = Field("", description="How much one run scatters, and how sure the current value is.")
    luck: str = Field("", description="The chance that any kept change is luck.")
    iterations: int = 0
    counts: dict[str, int] = {}
    budget_left: dict[str, float] = Field({}, description="What is left of each bounded budget.")
    ended: str = ""
    stuck: bool = False
    plateau: bool = False
    open_iteration: str = Field("", description="The undecided iteration and what it waits for.")
    person: list[str] = Field([], description="What a person says of the session: follow it.")
    last: list[str] = Field([], description="The last rows: iteration, status, metric, description.")
    sandbox: str = Field("", description="What stands between the commands and the machine.")
    ledgers: list[str] = Field([], description="The open ledgers of workflows on this branch.")
    candidates: list[str] = Field([], description="The candidates that are not decided yet.")
    workspaces: list[str] = Field([], description="The workspaces, and what is tried there.")
    note: str = ""

    def lines(self) -> list[str]:
        ledgers = [f"Open ledgers: {', '.join(self.ledgers)}."] if self.ledgers else []
        if not self.session:
            return [self.note or "No session on this branch.", *ledgers]
        counts = ", ".join(f"{count} {status}" for status, count in self.counts.items()) or "no iterations yet"
        budget = ", ".join(f"{left:g} {name}" for name, left in self.budget_left.items())
        return [
            f"{self.goal} [{self.metric}, {self.direction} is better] on {self.branch}; scope {', '.join(self.scope)}.",
            f"So far: {self.headline}{f', best at iteration {self.best_iteration}' if self.best_iteration else ''}.",
            f"The incumbent now gives {number(self.current)}.",
            *([f"Noise: {self.noise}"] if self.noise else []),
            *([self.luck] if self.luck else []),
            f"{counts}." + (f" Left: {budget}." if budget else ""),
            *([f"Ended: {self.ended}."] if self.ended else []),
            *(["Stuck: call detect_stuck."] if self.stuck or self.plateau else []),
            *([self.open_iteration] if self.open_iteration else []),
            *self.person,
            *self.last,
            *self.candidates,
            *self.workspaces,
            *ledgers,
            *([self.note] if self.note else []),
        ]


class SessionFinished(Answer):
    """The final summary."""

    summary: Summary | None = None
    results_file: str = ""
    branch: str = ""
    squashed: str = Field("", description="The branch with one clean commit, if one was asked for.")
    left: list[str] = Field([], description="Workspaces with edits, which were left as they are.")
    note: str = ""

    def lines(self) -> list[str]:
        squashed = [f"One clean commit stands on branch {self.squashed}."] if self.squashed else []
        return [
            *(self.summary.lines() if self.summary else []),
            f"Results: {self.results_file}, on {self.branch}.",
            *squashed,
            *(f"{folder} has edits that were not handed in, and was left as it is." for folder in self.left),
            *([self.note] if self.note else []),
        ]
