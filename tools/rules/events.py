"""What the journal holds: one frozen record for each thing that happened, in the order in which it happened."""

from __future__ import annotations

from functools import cache
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from .decide import Status
from .failures import FailureClass
from .plan import Plan


class Record(BaseModel):
    """A frozen piece of the journal."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class Measurement(Record):
    """One verify run: the number, or why there is none. `seconds` is wall-clock time; `tail` the end of the output."""

    value: float | None = None
    problem: str = ""
    failure: FailureClass | None = None
    exit_code: int | None = None
    seconds: float = 0.0
    tail: str = ""
    tampered: tuple[str, ...] = ()


class GuardResult(Record):
    """One guard run. `value` is the number of a metric-valued guard."""

    guard: str
    passed: bool
    seen: str
    value: float | None = None
    seconds: float = 0.0
    tail: str = ""


class Row(Record):
    """One iteration as the results file shows it, with what the journal knows beyond its seven columns."""

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


class Started(Record):
    """A session began: the sealed plan and what the repository looked like."""

    kind: Literal["started"] = "started"
    plan: Plan
    branch: str
    base: str
    protected: dict[str, str]
    untracked: tuple[str, ...]
    baseline: Measurement
    guards: tuple[GuardResult, ...]
    verify_timeout_s: float
    guard_timeout_s: float


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


class Repeated(Record):
    """A try that had been made before, byte for byte; refused."""

    kind: Literal["repeated"] = "repeated"
    iteration: int
    description: str
    earlier: int


class Committed(Record):
    """An attempt was committed on the branch. `files`, `added`, `removed` describe the whole iteration against its parent."""

    kind: Literal["committed"] = "committed"
    iteration: int
    commit: str
    tree: str
    description: str
    hypothesis: str = ""
    files: tuple[str, ...]
    added: int
    removed: int


class Verified(Record):
    """Verify ran on the latest attempt. `untracked` are files that the run left behind."""

    kind: Literal["verified"] = "verified"
    iteration: int
    measurement: Measurement
    untracked: tuple[str, ...] = ()


class GuardsRan(Record):
    """The guards ran on the latest attempt."""

    kind: Literal["guarded"] = "guarded"
    iteration: int
    results: tuple[GuardResult, ...]
    untracked: tuple[str, ...] = ()


class GaveUp(Record):
    """The agent gave up fixing or reworking an attempt."""

    kind: Literal["gave-up"] = "gave-up"
    iteration: int
    reason: str


class Reverted(Record):
    """The iteration was undone. `commit` is the Revert commit, empty where nothing had been committed."""

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
    | Verified
    | GuardsRan
    | GaveUp
    | Reverted
    | Logged
    | Finished,
    Field(discriminator="kind"),
]


def read_event(body: str) -> Event:
    """An event as it was written, by its kind."""
    return _adapter().validate_json(body)


@cache
def _adapter() -> TypeAdapter[Event]:
    # Built on first use: it costs more than the rest of this module, and a server that just starts needs none.
    return TypeAdapter(Event)
