"""A session between two iterations as text, and back: a short cut past its events, never a substitute for them."""

from __future__ import annotations

import json
from dataclasses import fields
from functools import cache
from typing import Any, get_type_hints

from pydantic import TypeAdapter, ValidationError

from ..decision.exact import Exact
from ..decision.judging import Judge
from ..decision.peers import MadRatio, Median
from ..decision.race import Race
from .events import Started
from .state import Session

_JUDGES: dict[str, type[Judge]] = {kind.__name__: kind for kind in (Exact, Race, Median, MadRatio)}
_ELSEWHERE = frozenset({"id", "start", "trial", "judge"})


def dump_snapshot(session: Session) -> str:
    """A session without its id and start. No iteration may be open."""
    assert session.trial is None, "only what is decided is kept"
    state = {name: adapter.dump_python(getattr(session, name), mode="json") for name, adapter in _state().items()}
    kind = type(session.judge).__name__
    judge = _judge(kind).dump_python(session.judge, mode="json")
    return json.dumps({"kind": kind, "judge": judge, "state": state})


def load_snapshot(text: str, start: Started, session_id: str) -> Session | None:
    """The session that was frozen; None if the text is of another kind."""
    try:
        found = json.loads(text)
        state = {name: adapter.validate_python(found["state"][name]) for name, adapter in _state().items()}
        judge = _judge(found["kind"]).validate_python(found["judge"])
        return Session(id=session_id, start=start, judge=judge, **state)
    except (ValueError, KeyError, TypeError, ValidationError):
        return None


@cache
def _state() -> dict[str, TypeAdapter[Any]]:
    hints = get_type_hints(Session)
    return {field.name: TypeAdapter(hints[field.name]) for field in fields(Session) if field.name not in _ELSEWHERE}


@cache
def _judge(kind: str) -> TypeAdapter[Any]:
    return TypeAdapter(_JUDGES[kind])
