"""What the journal holds: one frozen record for each thing that happened, in the order in which it happened."""

from __future__ import annotations

from functools import cache
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, field_validator

from ..decision.decide import Status, TakeBack
from ..decision.failures import FailureClass
from ..decision.judging import Arm
from ..decision.measured import GuardResult, Measurement
from ..plan.model import Plan


class Record(BaseModel):
    """A frozen piece of the journal."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class RowClaim(Record):
    """What a change is worth by its runs, shrunk against luck: the logarithm of a ratio of levels if `relative`, else a
    difference in the metric's unit. Positive is better; the variance is None where the rule does not know it.
    """

    relative: bool
    gain: float
    variance: float | None = None


class Row(Record):
    """One iteration as the results file shows it, with what the journal knows beyond its seven columns.

    `undoes` is the iteration whose change this one takes out, 0 without one; `incumbent_worse` says that it was
    ahead only because the incumbent was worse than when it was the newest, `undecided` that its runs were used up before
    they showed anything. Rows of earlier versions have no
    `claim`: there `gain` is all that is known.
    """

    iteration: int
    commit: str = ""
    metric: float | None = None
    delta: float | None = None
    guard: Literal["pass", "fail", "-"] = "-"
    status: Status
    description: str
    hypothesis: str = ""
    learned: str = ""
    why: str = ""
    files: tuple[str, ...] = ()
    added: int = 0
    removed: int = 0
    tries: int = 1
    seconds: float = 0.0
    failure: FailureClass | None = None
    gain: float | None = None
    low: float | None = None
    high: float | None = None
    evidence: float | None = None
    runs: int = 0
    samples: tuple[float, ...] = ()
    incumbent: tuple[float, ...] = ()
    receipts: tuple[str, ...] = ()
    claim: RowClaim | None = None
    undoes: int = 0
    incumbent_worse: bool = False
    undecided: bool = False
    note: str = ""


class Started(Record):
    """A session began: the sealed plan and what the repository looked like.

    `baseline` are the verify runs, in order. `sealed` holds what else steers git and the commands, `machine` the
    hardware and the programs, `outputs` the files named in the verify command that the baseline's runs wrote.
    """

    kind: Literal["started"] = "started"
    plan: Plan
    branch: str
    base: str
    protected: dict[str, str]
    untracked: tuple[str, ...]
    sealed: dict[str, str] = {}
    machine: dict[str, str] = {}
    outputs: tuple[str, ...] = ()
    seed: int = 0
    baseline: tuple[Measurement, ...]
    guards: tuple[GuardResult, ...]
    verify_timeout_s: float
    guard_timeout_s: float

    @field_validator("plan", mode="before")
    @classmethod
    def _without_rule(cls, plan: object) -> object:
        """Journals of earlier versions name the rule of decision; there is one."""
        return {key: value for key, value in plan.items() if key != "rule"} if isinstance(plan, dict) else plan

    @property
    def seconds(self) -> float:
        """Wall-clock time that the baseline took, guards included."""
        return sum(run.seconds for run in self.baseline) + sum(guard.seconds for guard in self.guards)


class Unchanged(Record):
    """A try that changed nothing in scope."""

    kind: Literal["unchanged"] = "unchanged"
    iteration: int
    description: str
    hypothesis: str = ""


class HookRejected(Record):
    """A hook of the repository refused the commit."""

    kind: Literal["hook-rejected"] = "hook-rejected"
    iteration: int
    description: str
    hypothesis: str = ""
    files: tuple[str, ...]
    output: str
    take_back: TakeBack = TakeBack.NO
    submitted: int = 0


class Repeated(Record):
    """A try that had been made before, byte for byte; refused."""

    kind: Literal["repeated"] = "repeated"
    iteration: int
    description: str
    earlier: int


class Committed(Record):
    """An attempt was committed on the branch. `files`, `added`, `removed` describe the whole iteration against its parent.

    `change`, `inverse` and `shape` are fingerprints of the difference: as it is, turned round, and without its numbers.
    `undoes` is the latest iteration with the change that this one turns round, 0 without one; with `take_back` the one
    whose change the server took out. `submitted` is the candidate that it was, 0 for an edit of the agent's; it had taken
    `screened_s` seconds before. One that stands `aside` is on no branch yet.
    """

    kind: Literal["committed"] = "committed"
    iteration: int
    commit: str
    tree: str
    description: str
    hypothesis: str = ""
    files: tuple[str, ...]
    added: int
    removed: int
    change: str = ""
    inverse: str = ""
    shape: str = ""
    undoes: int = 0
    take_back: TakeBack = TakeBack.NO
    note: str = ""
    submitted: int = 0
    screened_s: float = 0.0
    aside: bool = False


class Landed(Record):
    """The branch was brought to the commit of an iteration that had stood beside it."""

    kind: Literal["landed"] = "landed"
    iteration: int
    commit: str


class Screened(Record):
    """A candidate ended beside the branch: its own run was not better than the best it was cut from, or it does not fit the best of
    today. The other fields are as in `Committed`; `seconds` are of its run.
    """

    kind: Literal["screened"] = "screened"
    iteration: int
    submitted: int
    commit: str
    tree: str
    files: tuple[str, ...]
    change: str
    inverse: str
    shape: str
    seconds: float = 0.0


class Verified(Record):
    """Verify ran on the latest attempt, or on the incumbent. `untracked` are files that the run left behind.

    `unseen` are files that git does not have and that had changed since the start when a run in the second checkout began.
    """

    kind: Literal["verified"] = "verified"
    iteration: int
    arm: Arm = Arm.CANDIDATE
    measurement: Measurement
    untracked: tuple[str, ...] = ()
    unseen: tuple[str, ...] = ()


class GuardsRan(Record):
    """The guards ran on the latest attempt."""

    kind: Literal["guarded"] = "guarded"
    iteration: int
    results: tuple[GuardResult, ...]
    untracked: tuple[str, ...] = ()


class HeldOut(Record):
    """The holdout was asked. Its numbers are never written down: what the agent can read, it can learn from."""

    kind: Literal["held-out"] = "held-out"
    iteration: int
    agreed: bool
    seconds: float = 0.0
    problem: str = ""


class Remeasured(Record):
    """An earlier row was measured again, to see whether it still holds."""

    kind: Literal["remeasured"] = "remeasured"
    iteration: int
    measurement: Measurement


class Confirmed(Record):
    """Baseline and best were raced on fresh runs before the session was closed, or not, and why: `problem`.

    `gain` and `variance` are as in a `RowClaim`. It `fails` where the fresh runs fall short of what the keeps claim together;
    `doubted` names those of them with the weakest evidence.
    """

    kind: Literal["confirmed"] = "confirmed"
    incumbent: int
    baseline: tuple[Measurement, ...] = ()
    best: tuple[Measurement, ...] = ()
    relative: bool = False
    gain: float | None = None
    variance: float | None = None
    fails: bool = False
    doubted: tuple[str, ...] = ()
    problem: str = ""

    @property
    def seconds(self) -> float:
        """Wall-clock time of the runs."""
        return sum(run.seconds for run in (*self.baseline, *self.best))


class Designed(Record):
    """All runs of a design were made, `runs` of them gave how they went, in so many `seconds`; what they say stands on the board."""

    kind: Literal["designed"] = "designed"
    design: int
    seconds: float
    runs: int


class Ablated(Record):
    """The best was raced on fresh runs against itself `without` one keep, the `iteration`; or not, and why: `problem`. `gain`, what
    the keep still earns, and `variance` are as in a `RowClaim`.
    """

    kind: Literal["ablated"] = "ablated"
    iteration: int
    incumbent: int
    without: tuple[Measurement, ...] = ()
    best: tuple[Measurement, ...] = ()
    relative: bool = False
    gain: float | None = None
    variance: float | None = None
    problem: str = ""

    @property
    def seconds(self) -> float:
        """Wall-clock time of the runs."""
        return sum(run.seconds for run in (*self.without, *self.best))


class GaveUp(Record):
    """The agent gave up fixing or reworking an attempt."""

    kind: Literal["gave-up"] = "gave-up"
    iteration: int
    reason: str


class Reverted(Record):
    """The iteration was undone. `commit` is the Revert commit, empty where the branch had none of it."""

    kind: Literal["reverted"] = "reverted"
    iteration: int
    commit: str
    kept_edits: tuple[str, ...] = ()


class Logged(Record):
    """The iteration is over; its row stands."""

    kind: Literal["logged"] = "logged"
    iteration: int
    row: Row


class Finished(Record):
    """The session was closed."""

    kind: Literal["finished"] = "finished"
    squashed: str = ""


Event = Annotated[
    Started
    | Unchanged
    | HookRejected
    | Repeated
    | Committed
    | Landed
    | Screened
    | Verified
    | GuardsRan
    | HeldOut
    | Remeasured
    | Confirmed
    | Ablated
    | Designed
    | GaveUp
    | Reverted
    | Logged
    | Finished,
    Field(discriminator="kind"),
]


def read_event(body: str) -> Event:
    """Return an event as it was written, by its kind."""
    return _adapter().validate_json(body)


@cache
def _adapter() -> TypeAdapter[Event]:
    # Built on first use: it costs more than the rest of this module, and a server that just starts needs none.
    return TypeAdapter(Event)
