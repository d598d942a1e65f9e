"""What the journal holds of workspaces and candidates, in a stream beside the session's own.

That stream needs no turn to write: an agent hands a change in while another one is measured. What became of a candidate stands
in the session's own events.
"""

from __future__ import annotations

from functools import cache
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from ..decision.designs import Method
from ..decision.measured import Measurement
from ..session.events import Record


class WorkspaceOpened(Record):
    """A workspace was given out by a server at the commit `base`, which was kept as `iteration`; or one of these changed."""

    kind: Literal["workspace-opened"] = "workspace-opened"
    name: str
    server: str
    base: str
    iteration: int
    direction: str = ""


class WorkspaceReleased(Record):
    """A workspace was given back."""

    kind: Literal["workspace-released"] = "workspace-released"
    name: str


class Submitted(Record):
    """A change was handed in: the commit of a candidate on `base`, which was kept as the iteration `incumbent`.

    A `knob` is set aside for a design, and not measured by itself. The other fields are as in `Committed`.
    """

    kind: Literal["submitted"] = "submitted"
    knob: bool = False
    candidate: int
    workspace: str
    base: str
    incumbent: int
    commit: str
    tree: str
    description: str
    hypothesis: str = ""
    files: tuple[str, ...]
    added: int
    removed: int
    change: str
    inverse: str
    shape: str

    @property
    def name(self) -> str:
        """What people and agents call it, so that nobody takes its number for that of an iteration."""
        return f"c{self.candidate}"


class Withdrawn(Record):
    """Whoever handed a candidate in does not want it any more."""

    kind: Literal["withdrawn"] = "withdrawn"
    candidate: int


class DesignPoint(Record):
    """One run of a design, under a number of its own among those of candidates: the best with some knobs on, as a commit."""

    number: int
    on: tuple[int, ...]
    commit: str
    seed: int
    repeat: int = 0


class DesignBegun(Record):
    """A design of some candidates, its `knobs`, was begun at the commit `base`, which was kept as the iteration `incumbent`."""

    kind: Literal["design-begun"] = "design-begun"
    design: int
    method: Method
    base: str
    incumbent: int
    knobs: tuple[int, ...]

    @property
    def name(self) -> str:
        """What people and agents call it."""
        return f"d{self.design}"


class PointsAdded(Record):
    """Runs that a design is to have; with a `budget` by another command than the plan's verify, in which that is shortened."""

    kind: Literal["points-added"] = "points-added"
    design: int
    points: tuple[DesignPoint, ...]
    verify: str = ""
    budget: str = ""


class DesignEnded(Record):
    """A design is over; what it found best was handed in as a `candidate`, or not, for the reason in `why`."""

    kind: Literal["design-ended"] = "design-ended"
    design: int
    candidate: int = 0
    why: str = ""


Subject = tuple[int, int, str]
"""What is run: a candidate and the iteration of the best that it was cut from; with 0 for the candidate that best itself, on a kind
of node, empty at home.
"""


class LaneTaken(Record):
    """A run is about to begin in a lane: of a candidate, or with 0 for it of the best of the iteration `incumbent`.

    `node_kind` is empty at home and for a candidate, which any node may run. An `attempt` before may have run, but counts no more.
    """

    kind: Literal["lane-taken"] = "lane-taken"
    candidate: int
    incumbent: int
    lane: int
    node_kind: str = ""
    attempt: int = 1

    @property
    def subject(self) -> Subject:
        """What is to be run."""
        return self.candidate, self.incumbent, self.node_kind


class LaneRan(Record):
    """That run ended; without a measurement it could not be made, for the reason in `problem`.

    Of another machine `node` is its name, `node_kind` a digest of its hardware and programs and `hardware` the same in words;
    `further` are the other runs that a baseline takes there.
    """

    kind: Literal["lane-ran"] = "lane-ran"
    candidate: int
    incumbent: int
    measurement: Measurement | None = None
    problem: str = ""
    further: tuple[Measurement, ...] = ()
    node: str = ""
    node_kind: str = ""
    hardware: str = ""

    @property
    def subject(self) -> Subject:
        """What was run."""
        return self.candidate, self.incumbent, "" if self.candidate else self.node_kind


BoardEvent = Annotated[
    WorkspaceOpened
    | WorkspaceReleased
    | Submitted
    | Withdrawn
    | LaneTaken
    | LaneRan
    | DesignBegun
    | PointsAdded
    | DesignEnded,
    Field(discriminator="kind"),
]


def read_board_event(body: str) -> BoardEvent:
    """Return an event as it was written, by its kind."""
    return _adapter().validate_json(body)


@cache
def _adapter() -> TypeAdapter[BoardEvent]:
    return TypeAdapter(BoardEvent)
