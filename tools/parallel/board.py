"""The board of a session: which workspaces there are. Derived from its events, like everything."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from ..errors import Code, Refusal
from ..lab.context import RepoContext
from ..storage.disk import held_lock
from ..text.redaction import redact_record, redactor
from .events import BoardEvent, WorkspaceOpened, WorkspaceReleased, read_board_event

PATIENCE_S = 20.0
"""How long a change of the board waits for another one, in seconds; each takes a moment."""


@dataclass(frozen=True)
class Board:
    """The workspaces that are given out, by name."""

    workspaces: Mapping[str, WorkspaceOpened] = field(default_factory=dict)

    def after(self, event: BoardEvent) -> Board:
        """Return the board after one more event."""
        match event:
            case WorkspaceOpened():
                return replace(self, workspaces={**self.workspaces, event.name: event})
            case WorkspaceReleased(name=name):
                rest = {other: opened for other, opened in self.workspaces.items() if other != name}
                return replace(self, workspaces=rest)


def stream(session: str) -> str:
    """Return the name under which the journal keeps the board of a session."""
    return f"{session}/board"


def board_of(context: RepoContext) -> Board:
    """Return the board of the session as it stands; an empty one without a session."""
    if context.session is None:
        return Board()
    return _added_up(read_board_event(body) for _, body in context.journal.ledger_bodies(stream(context.session.id)))


def _added_up(events: Iterable[BoardEvent]) -> Board:
    board = Board()
    for event in events:
        board = board.after(event)
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
    try:
        with held_lock(context.repo.own_folder / "board.turn", PATIENCE_S):
            yield board_of(context)
    except TimeoutError as error:
        raise Refusal(Code.BUSY, f"The board cannot be changed: {error}. Call again.") from error
