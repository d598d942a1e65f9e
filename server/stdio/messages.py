"""Reading what a client sends, for the front: a message is either certainly in order, or not for the front to judge.

The protocol library has its own reader, and two readers of JSON differ at the edges (a key that stands twice, lone
surrogates, numbers out of range, deep nesting). Whatever lies near an edge counts as unclear here and is left to it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import NamedTuple, NoReturn

ENVELOPE = "io.modelcontextprotocol/"
"""Begins the keys of `_meta` by which a request of the stateless protocol introduces itself."""

_VERSION, _CAPABILITIES, _CLIENT = (ENVELOPE + key for key in ("protocolVersion", "clientCapabilities", "clientInfo"))
_MOST_BRACKETS = 100
_LARGEST_ID = 2**53


class Message(NamedTuple):
    """A request, or a notification, which has no id."""

    id: object
    method: str
    params: Mapping[str, object]

    @property
    def meta(self) -> Mapping[str, object]:
        """What comes beside the parameters proper."""
        found = self.params.get("_meta", {})
        return found if isinstance(found, dict) else {}


def read(line: bytes) -> Message | None:
    """The message in a line; None when it is not certain that everybody would read the same."""
    try:
        text = line.removesuffix(b"\n").removesuffix(b"\r").decode()
        if "\r" in text or "\\u" in text or text.count("{") + text.count("[") > _MOST_BRACKETS:
            return None
        found = json.loads(text, object_pairs_hook=_unambiguous, parse_float=_refuse, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict) or not found.keys() <= {"jsonrpc", "id", "method", "params"}:
        return None
    method, params, number = found.get("method"), found.get("params", {}), found.get("id")
    if found.get("jsonrpc") != "2.0" or not isinstance(method, str) or not isinstance(params, dict):
        return None
    return Message(number, method, params) if "id" not in found or _is_id(number) else None


def handshake_version(message: Message) -> str:
    """The protocol version that an `initialize` asks for; empty when anything about the message is unusual."""
    given = message.params
    known = given.keys() <= {"protocolVersion", "capabilities", "clientInfo", "_meta"}
    if message.method != "initialize" or not known or not _usual_meta(message) or has_envelope(message):
        return ""
    return _version(given.get("protocolVersion"), given.get("capabilities"), given.get("clientInfo"))


def envelope_version(message: Message) -> str:
    """The protocol version that a request names in its envelope; empty when anything about the message is unusual."""
    given = message.meta
    reserved = {key for key in given if key.startswith(ENVELOPE)}
    if not reserved <= {_VERSION, _CAPABILITIES, _CLIENT} or not asks_for_nothing_more(message):
        return ""
    nobody = {"name": "", "version": ""}
    return _version(given.get(_VERSION), given.get(_CAPABILITIES), given.get(_CLIENT, nobody))


def has_envelope(message: Message) -> bool:
    """Whether any part of an envelope is there."""
    return any(key.startswith(ENVELOPE) for key in message.meta)


def asks_for_nothing_more(message: Message) -> bool:
    """Whether a request has no parameters of its own: no cursor, for instance."""
    return message.params.keys() <= {"_meta"} and _usual_meta(message)


def _usual_meta(message: Message) -> bool:
    token = message.meta.get("progressToken", "")
    return message.meta == message.params.get("_meta", {}) and _is_id(token) and "progress_token" not in message.meta


def _version(asked: object, capabilities: object, client: object) -> str:
    return asked if isinstance(asked, str) and _usual_capabilities(capabilities) and _usual_client(client) else ""


def _usual_capabilities(value: object) -> bool:
    """Objects in objects, and the one flag that a handshake may carry."""
    if not isinstance(value, dict):
        return False
    rest = dict(value)
    roots, *named = (rest.pop(key, {}) for key in ("roots", "experimental", "extensions"))
    flags = roots.items() if isinstance(roots, dict) else [("", None)]
    settings = all(isinstance(part, dict) and all(isinstance(one, dict) for one in part.values()) for part in named)
    return settings and all(key == "listChanged" and isinstance(flag, bool) for key, flag in flags) and _objects(rest)


def _objects(value: object) -> bool:
    return isinstance(value, dict) and all(_objects(part) for part in value.values())


def _usual_client(value: object) -> bool:
    """A name, a version, and nothing but words."""
    if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
        return False
    return {"name", "version"} <= value.keys() <= {"name", "version", "title", "description", "websiteUrl"}


def _is_id(value: object) -> bool:
    return isinstance(value, str) or (type(value) is int and abs(value) < _LARGEST_ID)


def _unambiguous(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


def _refuse(number: str) -> NoReturn:
    raise ValueError(number)
