"""What text goes through before it is stored or answered: hidden characters are stripped, secrets masked.

Output of commands is data. An agent reads it as text and a person in a terminal, and neither should meet anything that
the other would not see: nothing that steers a terminal, hides text or turns its direction. Linear in the text.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel

from .masking import Masker

# One look tells that ordinary text has nothing to take out: tab, newline, printable characters without the hidden ones.
_HIDDEN = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0e\ufeff"
    "\uffa0\ufff0-\ufffb\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_CONTROLS = "\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff"
_STRANGE = re.compile(f"[{_CONTROLS}{_HIDDEN}]")
_TAKEN_OUT = re.compile(f"[\x00-\x08\x0c\x0e-\x1f\x7f-\x84\x86-\x9f{_HIDDEN}]")
_ESCAPES = re.compile(
    # A title, a hyperlink, a clipboard or a device string runs to its terminator, or else to the end of its line.
    r"(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c\n]*+(?:\x07|\x1b\\|\x9c)?"
    r"|(?:\x1b\[|\x9b)[0-?]*+[ -/]*+[@-~]?"
    r"|\x1b[ -/]*+[0-~]?"
)
_NEWLINES = re.compile("\r\n|[\x0b\x85\u2028\u2029]")


def strip_hidden(text: str) -> str:
    """Strip escape sequences, control, direction and zero-width characters; of a progress bar the last state stays."""
    if not _STRANGE.search(text):
        return text
    plain = _NEWLINES.sub("\n", _ESCAPES.sub("", text))
    if "\r" in plain or "\b" in plain:
        plain = "\n".join(map(_last_state, plain.split("\n")))
    # A lone half of a surrogate pair can be neither stored nor sent.
    return _TAKEN_OUT.sub("", plain).encode(errors="replace").decode()


def _last_state(line: str) -> str:
    """Return what a terminal shows in the end of a line that was written over: its last state that is not empty."""
    states = (_stepped_back(state) for state in reversed(line.split("\r")))
    return next((state for state in states if state.strip()), "")


def _stepped_back(state: str) -> str:
    if "\b" not in state:
        return state
    written: list[str] = []
    for character in state:
        if character != "\b":
            written.append(character)
        elif written:
            written.pop()
    return "".join(written)


def visible(text: str) -> str:
    """Write everything that `strip_hidden` takes out as escapes, for somebody who has to judge the text itself."""
    return _STRANGE.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


def hides_something(text: str) -> bool:
    """Tell whether a text looks different from what it is."""
    return _STRANGE.search(text) is not None


WINDOW = 64 * 1024
"""Characters looked at for an end of a few thousand: room for a secret or a progress bar that begins before it."""


def redactor() -> Callable[[str], str]:
    """Return the function that strips and masks, for one call: it knows the secrets that the environment holds now."""
    mask = Masker(os.environ)
    # Strip first: a zero-width character inside a secret must not save it from being recognised.
    return lambda text: mask(strip_hidden(text))


def redact_tail(text: str, length: int) -> str:
    """Return the last `length` characters of an output, redacted before it is cut: half a secret is not recognised."""
    if len(text) > WINDOW:
        text = text[-WINDOW:].partition("\n")[2] or text[-WINDOW:]
    return redactor()(text)[-length:]


Change = Callable[[str], str]
Model = TypeVar("Model", bound=BaseModel)

# What commands, hooks and agents say. Names of files, commands of the plan and digests are compared later on and stay.
_WORDS = frozenset("problem tail seen output why note learned description hypothesis reason".split())


def redact_record(record: Model, change: Change) -> Model:
    """Apply a change to the words of a record, at any depth, and to nothing that is computed with or compared."""
    fields = {name: _field(name, value, change) for name, value in record}
    changed = {name: value for name, value in fields.items() if value is not getattr(record, name)}
    return record.model_copy(update=changed) if changed else record


def _field(name: str, value: Any, change: Change) -> Any:  # noqa: ANN401 - any field
    if isinstance(value, str):
        return (new if (new := change(value)) != value else value) if name in _WORDS else value
    if isinstance(value, BaseModel):
        return redact_record(value, change)
    if isinstance(value, tuple) and any(isinstance(item, BaseModel) for item in value):
        return tuple(_field(name, item, change) for item in value)
    return value


def redact_json(data: Any, change: Change) -> Any:  # noqa: ANN401 - any JSON
    """Apply a change to every text in plain data; the names of fields stay."""
    if isinstance(data, str):
        return change(data)
    if isinstance(data, Mapping):
        return {name: redact_json(value, change) for name, value in data.items()}
    return [redact_json(item, change) for item in data] if isinstance(data, list | tuple) else data
