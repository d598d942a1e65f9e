"""How long a client keeps a call open, by the name that it gives itself: what `wait` may take of its time."""

from __future__ import annotations

from ..tools.lab.jobs import Caller

USUAL_S, MOST_S = 50.0, 3600.0
"""Most protocol libraries end a call after 60 s. Who asks for more may know better."""
_KNOWN = {
    # Keeps a call open for hours, but one of more than 120 s goes on in the background, and its end costs a turn.
    "claude-code": (110.0, MOST_S),
    # Ends a call after 300 s, whatever progress it hears of.
    "codex": (280.0, 280.0),
    # Ends a call after 600 s.
    "gemini": (280.0, 590.0),
    # Ends a call 60 s after the last progress, which comes each second.
    "opencode": (280.0, MOST_S),
    # Ends a call after 60 s, whatever progress it hears of.
    "inspector": (USUAL_S, USUAL_S),
}
"""Seconds where nothing is asked for, and at most."""


def caller_of(client: str) -> Caller:
    """Return the caller for one call of a client by this name; empty is one that did not introduce itself."""
    usual, most = next((seconds for part, seconds in _KNOWN.items() if part in client.lower()), (USUAL_S, MOST_S))
    return Caller(usual, most)
