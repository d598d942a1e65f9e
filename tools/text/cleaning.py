"""Makes output harmless to look at: what steers a terminal, hides text or turns its direction is taken out.

Output of commands is data. An agent reads it as text and a person in a terminal, and neither should meet anything that
the other would not see. Linear in the text.
"""

from __future__ import annotations

import re

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


def cleaned(text: str) -> str:
    """Text without escape sequences, control, direction and zero-width characters; a progress bar as it was last."""
    if not _STRANGE.search(text):
        return text
    plain = _NEWLINES.sub("\n", _ESCAPES.sub("", text))
    if "\r" in plain or "\b" in plain:
        plain = "\n".join(map(_last_state, plain.split("\n")))
    # A lone half of a surrogate pair can be neither stored nor sent.
    return _TAKEN_OUT.sub("", plain).encode(errors="replace").decode()


def _last_state(line: str) -> str:
    """What a terminal shows in the end of a line that was written over: its last state that is not empty."""
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
    """Text with everything that `cleaned` takes out written as escapes, for somebody who has to judge the text itself."""
    return _STRANGE.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


def hides_something(text: str) -> bool:
    """Whether a text looks different from what it is."""
    return _STRANGE.search(text) is not None
