"""What an experiment says to who judges it, taken as what a stranger says: of the right kind, or refused by name."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

HIGHEST = 1e18
"""More than any number that a run has to tell."""
_WORDS = 120

_COUNT, _NUMBER, _POSITIVE = "a whole number", "a number", "a whole number above 0"
_PROGRESS = {"step": _POSITIVE, "progress": _NUMBER, "loss": _NUMBER, "tokens": _COUNT}
_FACTS = {
    "depth": _COUNT,
    "flops_per_token": _NUMBER,
    "steps": _COUNT,
    "tokens": _COUNT,
    "gigaops": _NUMBER,
    "parameters": _COUNT,
    "peak_bytes": _COUNT,
}


class MalformedMessage(Exception):
    """What was said is none of the messages that `run` sends; says why, on one line."""


def read_message(raw: bytes) -> dict[str, Any]:
    """A message of `run`: `{"want": "data"}`, a point of the curve, or `{"done": facts}`, with numbers that are finite.

    Raises:
        MalformedMessage: if it is none.
    """
    try:
        message = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise MalformedMessage(f"no JSON: {shown(str(error))}") from None
    if message == {"want": "data"}:
        return {"want": "data"}
    if not isinstance(message, dict):
        raise MalformedMessage("no JSON object")
    if message.keys() == {"done"}:
        return {"done": _checked(message["done"], _FACTS)}
    return _checked(message, _PROGRESS)


def _checked(message: object, fields: Mapping[str, str]) -> dict[str, Any]:
    if not isinstance(message, dict) or message.keys() != fields.keys():
        has = ", ".join(message) or "nothing" if isinstance(message, dict) else type(message).__name__
        raise MalformedMessage(f"it has {shown(has)} instead of {', '.join(fields)}")
    for name, kind in fields.items():
        value = message[name]
        whole = type(value) is int and value >= (kind is _POSITIVE)
        good = whole or (kind is _NUMBER and type(value) in {int, float} and math.isfinite(value))
        if not good or not abs(value) < HIGHEST:
            raise MalformedMessage(f"{name} is {shown(repr(value))}, not {kind} below {HIGHEST:g}")
    return message


def shown(words: str) -> str:
    """A stranger's words on one line, in short: they may stand beside ours and be read as ours, line by line."""
    short = words if len(words) <= _WORDS else f"{words[:_WORDS]}..."
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in short)
