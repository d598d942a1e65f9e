"""A client's chat beside a session: what it is told when it begins, before it is made shorter, and when it would stop.

A chat that nobody attends goes on while the session lasts, as long as each of its turns moved the journal; one that works on
something else is left alone, and so is one that a run drives. Events and answers are those of Claude Code, which Codex took over;
Gemini has other words for a stop.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ..errors import Refusal
from ..lab.access import Lab
from ..lab.notes import Said, said
from ..storage.disk import read_or_empty, write_atomically
from .looking import look, session_mark
from .records import DriverPlace

MOST_TIMES = 500
"""How often one chat is told to go on."""
_CHATS, _REMEMBERED = "chats.json", 8
_GOES_ON = {"Stop": "block", "AfterAgent": "deny"}
"""The word with which a client is kept from stopping, by what it calls that event."""


def answer_hook(lab: Lab, told: Mapping[str, Any]) -> str:
    """Return what a hook prints for an event, of a stop in a chat that nobody attends; empty where there is nothing to say."""
    try:
        context = lab.for_reading()
    except Refusal:
        return ""
    if context.session is None or context.session.finished:
        return ""
    chat, event = str(told.get("session_id") or ""), str(told.get("hook_event_name"))
    place = DriverPlace.of(context.repo.git_dir)
    if event in _GOES_ON:
        reason = "" if not chat or place.driver() else _reason_to_go_on(lab, place, chat)
        return json.dumps({"decision": _GOES_ON[event], "reason": reason}) if reason else ""
    from ..verbs.overview import session_status  # half of the time that a hook takes, and a stop does not need it

    state = "\n".join([*session_status(context).lines(), *said(context.repo.own_folder, context.session.id)])
    if event == "SessionStart":
        if chat:
            _remember(place, chat, session_mark(context.session), _chats(place).get(chat, ["", 0])[1])
        words = f"An autoresearch session is open here. If it is what this chat is for, go on with it: call playbook.\n{state}"
        return json.dumps({"hookSpecificOutput": {"hookEventName": "SessionStart", "additionalContext": words}})
    if event == "PreCompact":
        return f"Keep that an autoresearch session is at work, and this state of it:\n{state}"
    return ""


def _reason_to_go_on(lab: Lab, place: DriverPlace, chat: str) -> str:
    """Return what a chat that would stop is told; empty where it may. One that measures still has not stopped for lack of ideas."""
    seen, session = look(lab), lab.for_reading().active
    mark = session_mark(session)
    before, times = _chats(place).get(chat, [mark, 0])
    paused = said(lab.for_reading().repo.own_folder, seen.session, Said.PAUSE)
    moved = mark != before or (seen.at_work and times)
    if seen.over or paused or not moved or times >= MOST_TIMES:
        return ""
    _remember(place, chat, mark, times + 1)
    left = session.plan.iterations - session.last_iteration
    budget = f"{left} more of {session.plan.iterations} iterations" if session.plan.iterations else "its budget lasts"
    return f"Nobody attends this chat and the session goes on: {budget}. Choose the next idea and call iterate; when ideas run dry, detect_stuck."


def _chats(place: DriverPlace) -> dict[str, list[Any]]:
    try:
        found = json.loads(read_or_empty(place.folder / _CHATS) or b"{}")
        return {str(chat): [str(mark), int(times)] for chat, (mark, times) in found.items()}
    except (ValueError, TypeError, AttributeError):
        return {}


def _remember(place: DriverPlace, chat: str, mark: str, times: int) -> None:
    place.folder.mkdir(parents=True, exist_ok=True)
    chats = {**{name: one for name, one in _chats(place).items() if name != chat}, chat: [mark, times]}
    write_atomically(place.folder / _CHATS, json.dumps(dict([*chats.items()][-_REMEMBERED:])))
