"""The board of a session: its workspaces, its candidates, and their runs. Derived from its events, like everything."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from weakref import WeakKeyDictionary

from ..errors import Code, Refusal
from ..lab.context import RepoContext
from ..session.journal import Journal
from ..storage.disk import held_lock
from ..text.redaction import redact_record, redactor
from .events import (
    BoardEvent,
    DesignBegun,
    DesignEnded,
    DesignPoint,
    LaneRan,
    LaneTaken,
    PointsAdded,
    Subject,
    Submitted,
    Withdrawn,
    WorkspaceOpened,
    WorkspaceReleased,
    read_board_event,
)

PATIENCE_S = 20.0
"""How long a change of the board waits for another one, in seconds; each takes a moment."""


@dataclass(frozen=True)
class Design:
    """A design, and its runs as they were added: all at once, or for halving a rung at a time."""

    begun: DesignBegun
    added: tuple[PointsAdded, ...] = ()
    ended: DesignEnded | None = None

    @property
    def subjects(self) -> list[Subject]:
        """What is to be run for it."""
        return [(point.number, self.begun.incumbent, "") for rung in self.added for point in rung.points]

    def has(self, number: int) -> bool:
        """Tell whether a run of this number is one of its own."""
        return any(number == own for own, _, _ in self.subjects)


@dataclass(frozen=True)
class Board:
    """The workspaces that are given out by name, all candidates by number, and what their lanes are or were, and their runs.

    `withdrawn` are those that nobody wants any more; `became` says which are iterations by now, and which; `moving` are those whose workspaces, by name, still stand on
    the base with the candidate's edits; `designs` are by number.
    """

    workspaces: Mapping[str, WorkspaceOpened] = field(default_factory=dict)
    candidates: Mapping[int, Submitted] = field(default_factory=dict)
    lanes: Mapping[Subject, LaneTaken] = field(default_factory=dict)
    runs: Mapping[Subject, LaneRan] = field(default_factory=dict)
    withdrawn: frozenset[int] = frozenset()
    became: dict[int, int] = field(default_factory=dict)
    moving: Mapping[str, Submitted] = field(default_factory=dict)
    designs: Mapping[int, Design] = field(default_factory=dict)

    def after(self, *events: BoardEvent) -> Board:
        """Return the board after more events."""
        workspaces, candidates, moving = dict(self.workspaces), dict(self.candidates), dict(self.moving)
        lanes, runs, withdrawn, designs = dict(self.lanes), dict(self.runs), set(self.withdrawn), dict(self.designs)
        for event in events:
            match event:
                case WorkspaceOpened():
                    workspaces[event.name] = event
                    moving.pop(event.name, None)
                case WorkspaceReleased():
                    workspaces.pop(event.name, None)
                    moving.pop(event.name, None)
                case Submitted():
                    candidates[event.candidate] = moving[event.workspace] = event
                case Withdrawn():
                    withdrawn.add(event.candidate)
                case LaneTaken():
                    lanes[event.subject] = event
                case LaneRan():  # the first of a subject counts
                    runs.setdefault(event.subject, event)
                case DesignBegun():
                    designs[event.design] = Design(event)
                case PointsAdded(design=number):
                    designs[number] = replace(designs[number], added=(*designs[number].added, event))
                case DesignEnded(design=number):
                    designs[number] = replace(designs[number], ended=event)
        return Board(workspaces, candidates, lanes, runs, frozenset(withdrawn), self.became, moving, designs)

    def open_ones(self, last_iteration: int) -> list[Submitted]:
        """Return the candidates that no row was written of yet, the first that was handed in first."""
        waiting = (
            one
            for number, one in self.candidates.items()
            if self.became.get(number, 0 if number in self.withdrawn else 1 + last_iteration) > last_iteration
        )
        return [one for one in waiting if not one.knob]

    @property
    def knobs(self) -> list[Submitted]:
        """Return the candidates that wait for a design."""
        used = {number for design in self.designs.values() for number in design.begun.knobs}
        return [one for one in self.candidates.values() if one.knob and one.candidate not in used | self.withdrawn]

    @property
    def design(self) -> Design | None:
        """Return the design that goes on; at most one does."""
        return next((design for design in self.designs.values() if design.ended is None), None)

    def point(self, number: int) -> tuple[PointsAdded, DesignPoint] | None:
        """Return the run of a design that has this number; None where that is a candidate's, or the best's."""
        rungs = (rung for design in self.designs.values() for rung in design.added)
        return next(((rung, point) for rung in rungs for point in rung.points if point.number == number), None)

    def seconds_of(self, design: Design) -> list[float]:
        """Return what each run of a design took that has ended."""
        ran = (self.runs.get(subject) for subject in design.subjects)
        return [run.measurement.seconds for run in ran if run and run.measurement]

    @property
    def next_number(self) -> int:
        """Return the first number that neither a candidate nor the run of a design has."""
        points = (number for design in self.designs.values() for number, _, _ in design.subjects)
        return 1 + max((*self.candidates, *points), default=0)

    def run_of(self, one: Submitted) -> LaneRan | None:
        """Return the run of a candidate; None before it ended."""
        return self.runs.get((one.candidate, one.incumbent, ""))

    @property
    def nodes(self) -> dict[str, str]:
        """The nodes that ran anything, with the kind of each then, the last first."""
        found: dict[str, str] = {}
        for ran in reversed([*self.runs.values()]):
            if ran.node:
                found.setdefault(ran.node, ran.node_kind)
        return found

    @property
    def fit(self) -> tuple[str, ...]:
        """The kinds of node on which a best gave its number."""
        best = (ran for ran in self.runs.values() if ran.node_kind and not ran.candidate and ran.measurement)
        return tuple(
            dict.fromkeys(ran.node_kind for ran in best if ran.measurement and ran.measurement.value is not None)
        )


def stream(session: str) -> str:
    """Return the name under which the journal keeps the board of a session."""
    return f"{session}/board"


_KNOWN: WeakKeyDictionary[Journal, tuple[str, int, str, Board]] = WeakKeyDictionary()
"""The board of a journal after a record, with the number and the digest of that, so that only what is new is read."""


def board_of(context: RepoContext) -> Board:
    """Return the board of the session as it stands; an empty one without a session."""
    if context.session is None:
        return Board()
    journal, name = context.journal, stream(context.session.id)
    known, number, digest, board = _KNOWN.get(journal, ("", 0, "", Board()))
    if known != name or journal.digest_of(number) != digest:
        number, digest, board = 0, "", Board()
    if new := list(journal.ledger_bodies(name, number)):
        board = board.after(*(read_board_event(body) for _, body in new))
        number, digest = new[-1][0].number, new[-1][0].digest
    if board.candidates:
        last = next(reversed(board.became.values()), 0)
        if later := journal.submitted(context.session.id, last):
            board = replace(board, became={**board.became, **later})
    if number:
        _KNOWN[journal] = (name, number, digest, board)
    return board


def post(context: RepoContext, *events: BoardEvent) -> None:
    """Append events to the board, without secrets and escapes in what they quote."""
    redact = redactor()
    redacted = [redact_record(event, redact) for event in events]
    context.journal.append(stream(context.active.id), context.now(), redacted)


@contextmanager
def board_held(context: RepoContext) -> Iterator[Board]:
    """Keep every other server from changing the board meanwhile.

    Raises:
        Refusal: if another one holds it for longer than that takes.
    """
    turn = context.repo.own_folder / "board.turn"
    try:
        with ExitStack() as stack:
            with held_lock(turn.with_suffix(".next"), PATIENCE_S):  # whoever had a turn waits behind those who wait
                stack.enter_context(held_lock(turn, PATIENCE_S))
            yield board_of(context)
    except TimeoutError as error:
        raise Refusal(Code.BUSY, f"The board cannot be changed: {error}. Call again.") from error
