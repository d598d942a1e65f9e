"""What the journal holds of workspaces and candidates, in a stream beside the session's own.

That stream needs no turn to write: an agent hands a change in while another one is measured. What became of a candidate stands
in the session's own events.
"""

from __future__ import annotations

from functools import cache
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

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


BoardEvent = Annotated[WorkspaceOpened | WorkspaceReleased, Field(discriminator="kind")]


def read_board_event(body: str) -> BoardEvent:
    """Return an event as it was written, by its kind."""
    return _adapter().validate_json(body)


@cache
def _adapter() -> TypeAdapter[BoardEvent]:
    return TypeAdapter(BoardEvent)
